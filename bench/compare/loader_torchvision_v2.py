"""torchvision's v2 transforms on tensors, JPEG decoded by torchvision (libjpeg-turbo), with DataLoader: see
torch_photos.py. The resize is antialiased."""

from common import RATIO, SCALE, SIZE
from torch_photos import measure_photos
from torchvision.io import ImageReadMode, decode_jpeg, read_file
from torchvision.transforms import v2

transform = v2.Compose(
    [
        v2.RandomResizedCrop(SIZE, scale=SCALE, ratio=RATIO, antialias=True),
        v2.RandomHorizontalFlip(),
    ]
)


def load(path):
    return transform(decode_jpeg(read_file(path), mode=ImageReadMode.RGB))


measure_photos(load)
