"""torchvision on Pillow, with DataLoader.

Best options: a process for each core, kept between epochs, four batches ahead; on one core none, since sending batches
from process to process then only costs. Pixels stay u8 until the whole batch is normalised, which a quarter of the
bytes to send repays. Pillow's resize is antialiased.
"""

import torch
from common import MEAN, RATIO, SCALE, SIZE, STD, arguments, measure_loader, read_list
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.transforms import v2


class Photos(Dataset):
    def __init__(self, path):
        self.paths, self.labels = read_list(path)
        self.transform = transforms.Compose(
            [
                transforms.RandomResizedCrop(SIZE, scale=SCALE, ratio=RATIO),
                transforms.RandomHorizontalFlip(),
                transforms.PILToTensor(),
            ]
        )

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        with Image.open(self.paths[i]) as image:
            return self.transform(image.convert("RGB")), self.labels[i]


options = arguments()
torch.set_num_threads(1)  # more would take the workers' cores
normalize = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD, inplace=True)])
workers = {}
if options.workers > 1:
    workers = {"num_workers": options.workers, "persistent_workers": True, "prefetch_factor": 4}
loader = DataLoader(
    Photos(options.data),
    batch_size=options.batch_size,
    shuffle=True,
    drop_last=True,
    **workers,
)
measure_loader(lambda: (normalize(images) for images, _ in loader), options)
