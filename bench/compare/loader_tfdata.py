"""TensorFlow's tf.data.

Best options: only the crop is decoded (decode_and_crop_jpeg), a private pool of as many threads as cores, order left
free, batches prefetched; normalised by row, since TensorFlow is slow at repeating three values. Its decoder's
default is libjpeg's fast DCT, and tf.image.resize does not antialias by default: other pixels than the rest.
`--exact` measures it doing what the others do: the accurate DCT (the same bits as Pillow's), and antialias=True.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tensorflow as tf
from common import MEAN, RATIO, SCALE, SIZE, STD, arguments, measure_loader, read_list

exact = "--exact" in sys.argv
if exact:
    sys.argv.remove("--exact")
options = arguments()
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(options.workers)
paths, labels = read_list(options.data)
factor = tf.constant([1 / (255 * std) for std in STD] * SIZE)
offset = tf.constant([mean / std for mean, std in zip(MEAN, STD)] * SIZE)
whole = tf.constant([0.0, 0.0, 1.0, 1.0], shape=(1, 1, 4))


def load(path, label):
    data = tf.io.read_file(path)
    begin, size, _ = tf.image.sample_distorted_bounding_box(
        tf.io.extract_jpeg_shape(data), whole, aspect_ratio_range=RATIO, area_range=SCALE, max_attempts=10
    )
    window = tf.concat([begin[:2], size[:2]], 0)
    dct = "INTEGER_ACCURATE" if exact else ""
    image = tf.io.decode_and_crop_jpeg(data, window, channels=3, dct_method=dct)
    image = tf.image.resize(image, (SIZE, SIZE), antialias=exact)
    rows = tf.reshape(tf.image.random_flip_left_right(image), (SIZE, 3 * SIZE)) * factor - offset
    return tf.reshape(rows, (SIZE, SIZE, 3)), label


dataset = tf.data.Dataset.from_tensor_slices((paths, labels))
dataset = dataset.shuffle(len(paths)).map(load, num_parallel_calls=options.workers, deterministic=False)
dataset = dataset.batch(options.batch_size, drop_remainder=True).prefetch(2)
threads = tf.data.Options()
threads.threading.private_threadpool_size = options.workers
dataset = dataset.with_options(threads)
measure_loader(lambda: (images for images, _ in dataset.as_numpy_iterator()), options)
