"""FFCV, from its own packed file, made beforehand of the same JPEG files (byte for byte: FFCV itself encodes anew).

Best options: JPEG kept as JPEG, the file in the page cache, all steps compiled, a thread for each core. It decodes with
libjpeg's fast DCT (other pixels than the rest); it resizes by area, which antialiases. With --raw the file holds pixels
instead, of photos made smaller by FFCV itself, to 256 on the longer side.
"""

import numpy as np
from common import MEAN, RATIO, SCALE, SIZE, STD, arguments, measure_loader, read_list
from ffcv.fields import IntField, RGBImageField
from ffcv.fields.basics import IntDecoder
from ffcv.fields.rgb_image import IMAGE_MODES, RandomResizedCropRGBImageDecoder
from ffcv.loader import Loader, OrderOption
from ffcv.transforms import NormalizeImage, RandomHorizontalFlip
from ffcv.writer import DatasetWriter
from PIL import Image


class JpegField(RGBImageField):
    """A file as it is."""

    def encode(self, destination, path, malloc):
        data = np.fromfile(path, np.uint8)
        destination["mode"] = IMAGE_MODES["jpg"]
        with Image.open(path) as image:
            destination["width"], destination["height"] = image.size
        destination["data_ptr"], storage = malloc(data.nbytes)
        storage[:] = data


class Photos:
    def __init__(self, path):
        self.paths, self.labels = read_list(path)

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        return self.paths[i], self.labels[i]


class DecodedPhotos(Photos):
    def __getitem__(self, i):
        with Image.open(self.paths[i]) as image:
            return image.convert("RGB"), self.labels[i]


def prepare(source, target, raw):
    image = RGBImageField(write_mode="raw", max_resolution=256) if raw else JpegField()
    photos = DecodedPhotos(source) if raw else Photos(source)
    DatasetWriter(str(target), {"image": image, "label": IntField()}, num_workers=1).from_indexed_dataset(photos)


def main(options):
    packed = options.data.with_suffix(".raw.beton" if options.raw else ".beton")
    if options.prepare:
        prepare(options.data, packed, options.raw)
        return
    loader = Loader(
        str(packed),
        batch_size=options.batch_size,
        num_workers=options.workers,
        order=OrderOption.RANDOM,
        os_cache=True,
        drop_last=True,
        custom_fields={} if options.raw else {"image": JpegField},
        pipelines={
            "image": [
                RandomResizedCropRGBImageDecoder((SIZE, SIZE), SCALE, RATIO),
                RandomHorizontalFlip(),
                NormalizeImage(255 * np.array(MEAN), 255 * np.array(STD), np.float32),
            ],
            "label": [IntDecoder()],
        },
    )
    measure_loader(lambda: (images for images, _ in loader), options)


if __name__ == "__main__":
    main(arguments("raw"))
