"""torchvision's v2 transforms on images in memory, image by image, as a Dataset's transform is applied.

Best options: one process, no worker to send batches from; pixels stay u8 until the mean is subtracted, by batch.
torchvision's affine cannot fill with the nearest pixel. What gives nearest fill is a crop of the padded image, whose
shifts are whole pixels; `--affine` measures RandomAffine, which fills with zeros, instead.
"""

import sys

import torch
from common import arguments, measure, read_small
from torchvision.transforms import InterpolationMode, v2

affine = "--affine" in sys.argv
if affine:
    sys.argv.remove("--affine")
options = arguments()
torch.set_num_threads(options.workers)
images = torch.from_numpy(read_small(options.data)[0]).permute(0, 3, 1, 2).contiguous()
mean = images.float().mean(dim=0)
shift = (
    v2.RandomAffine(degrees=0, translate=(0.1, 0.1), interpolation=InterpolationMode.BILINEAR)
    if affine
    else v2.RandomCrop(32, padding=3, padding_mode="edge")
)
transform = v2.Compose([shift, v2.RandomHorizontalFlip()])


def epoch():
    order = torch.randperm(len(images))
    for start in range(0, len(images) - options.batch_size + 1, options.batch_size):
        rows = order[start : start + options.batch_size]
        yield torch.stack([transform(images[i]) for i in rows]).float() - mean


measure(epoch, options, (options.batch_size, 32, 32, 3))
