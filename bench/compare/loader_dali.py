"""NVIDIA DALI on the CPU.

Best options: decoding fused with the random crop, so that less is decoded; crop, flip and normalise fused; a thread for
each core; the pipeline run without an iterator of a framework around it. The resize is antialiased.
"""

from common import MEAN, RATIO, SCALE, SIZE, STD, arguments, measure_loader, read_list
from nvidia.dali import fn, pipeline_def, types

options = arguments()
paths, labels = read_list(options.data)


@pipeline_def(batch_size=options.batch_size, num_threads=options.workers, device_id=None, prefetch_queue_depth=2)
def photos():
    files, label = fn.readers.file(files=paths, labels=labels, random_shuffle=True)
    images = fn.decoders.image_random_crop(files, random_area=SCALE, random_aspect_ratio=RATIO, num_attempts=10)
    images = fn.resize(images, size=(SIZE, SIZE), interp_type=types.INTERP_LINEAR, antialias=True)
    images = fn.crop_mirror_normalize(
        images,
        mirror=fn.random.coin_flip(),
        mean=[255 * value for value in MEAN],
        std=[255 * value for value in STD],
        dtype=types.FLOAT,
        output_layout="HWC",
    )
    return images, label


pipeline = photos()
pipeline.build()


def epoch():
    for _ in range(len(paths) // options.batch_size):
        images, _ = pipeline.run()
        yield images.as_tensor()


measure_loader(epoch, options)
