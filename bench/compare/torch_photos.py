"""The loop of both contenders that are made of torchvision and DataLoader.

Best options: a process for each core, kept between epochs, four batches ahead; on one core none, since sending batches
from process to process then only costs. Pixels stay u8 until the whole batch is normalised, which a quarter of the
bytes to send repays.
"""

import torch
from common import MEAN, STD, arguments, measure_loader, read_list
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2


class Photos(Dataset):
    """load(path) makes a u8 tensor [channels, height, width] of a file."""

    def __init__(self, list_path, load):
        self.paths, self.labels = read_list(list_path)
        self.load = load

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        return self.load(self.paths[i]), self.labels[i]


def measure_photos(load):
    options = arguments()
    torch.set_num_threads(1)  # more would take the workers' cores
    normalize = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD, inplace=True)])
    workers = {}
    if options.workers > 1:
        workers = {"num_workers": options.workers, "persistent_workers": True, "prefetch_factor": 4}
    loader = DataLoader(
        Photos(options.data, load),
        batch_size=options.batch_size,
        shuffle=True,
        drop_last=True,
        **workers,
    )
    measure_loader(lambda: (normalize(images) for images, _ in loader), options)
