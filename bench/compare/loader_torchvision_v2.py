"""torchvision's v2 transforms on tensors, JPEG decoded by torchvision (libjpeg-turbo), with DataLoader.

Best options: as in loader_torchvision.py. The resize is antialiased.
"""

import torch
from common import MEAN, RATIO, SCALE, SIZE, STD, arguments, measure_loader, read_list
from torch.utils.data import DataLoader, Dataset
from torchvision.io import ImageReadMode, decode_jpeg, read_file
from torchvision.transforms import v2


class Photos(Dataset):
    def __init__(self, path):
        self.paths, self.labels = read_list(path)
        self.transform = v2.Compose(
            [
                v2.RandomResizedCrop(SIZE, scale=SCALE, ratio=RATIO, antialias=True),
                v2.RandomHorizontalFlip(),
            ]
        )

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        return self.transform(decode_jpeg(read_file(self.paths[i]), mode=ImageReadMode.RGB)), self.labels[i]


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
