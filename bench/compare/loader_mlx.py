"""Apple's mlx-data (which needs no Apple machine).

Best options: a thread for each core, order left free. It has no operation that normalises: numpy does, by batch. It
crops after decoding, and its resize does not antialias.
"""

import mlx.data
import numpy as np
from common import MEAN, RATIO, SCALE, SIZE, STD, arguments, measure_loader, read_list

options = arguments()
rows = [{"image": path.encode(), "label": label} for path, label in zip(*read_list(options.data))]
# A row's worth of each: numpy is slow at repeating three values.
factor = np.tile(np.float32(1 / 255) / np.array(STD, np.float32), SIZE)
offset = np.tile(np.array(MEAN, np.float32) / np.array(STD, np.float32), SIZE)


def normalize(batch):
    values = batch.reshape(len(batch), SIZE, 3 * SIZE).astype(np.float32)
    values *= factor
    values -= offset
    return values.reshape(batch.shape)


def epoch():
    stream = (
        mlx.data.buffer_from_vector(rows)
        .shuffle()
        .to_stream()
        .load_image("image")
        .image_random_area_crop("image", SCALE, RATIO)
        .image_resize("image", SIZE, SIZE)
        .image_random_h_flip("image", 0.5)
        .batch(options.batch_size)
        .prefetch(2, options.workers)
    )
    for batch in stream:
        if len(batch["image"]) == options.batch_size:
            yield normalize(batch["image"])


measure_loader(epoch, options)
