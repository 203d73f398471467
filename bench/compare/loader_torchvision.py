"""torchvision on Pillow, with DataLoader.

Best options: a process for each core, kept between epochs, four batches ahead.
Pillow's resize is antialiased.
"""

from common import MEAN, RATIO, SCALE, SIZE, STD, arguments, measure_loader, read_list
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms


class Photos(Dataset):
    def __init__(self, path):
        self.paths, self.labels = read_list(path)
        self.transform = transforms.Compose(
            [
                transforms.RandomResizedCrop(SIZE, scale=SCALE, ratio=RATIO),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        with Image.open(self.paths[i]) as image:
            return self.transform(image.convert("RGB")), self.labels[i]


options = arguments()
loader = DataLoader(
    Photos(options.data),
    batch_size=options.batch_size,
    shuffle=True,
    drop_last=True,
    num_workers=options.workers,
    persistent_workers=True,
    prefetch_factor=4,
)
measure_loader(lambda: (images for images, _ in loader), options)
