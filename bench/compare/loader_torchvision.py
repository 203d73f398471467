"""torchvision on Pillow, with DataLoader: see torch_photos.py. Pillow's resize is antialiased."""

from common import RATIO, SCALE, SIZE
from PIL import Image
from torch_photos import measure_photos
from torchvision import transforms

transform = transforms.Compose(
    [
        transforms.RandomResizedCrop(SIZE, scale=SCALE, ratio=RATIO),
        transforms.RandomHorizontalFlip(),
        transforms.PILToTensor(),
    ]
)


def load(path):
    with Image.open(path) as image:
        return transform(image.convert("RGB"))


measure_photos(load)
