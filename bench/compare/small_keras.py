"""Keras' ImageDataGenerator on images in memory.

Best options: whole batches by flow(). Its own centring is by channel; given a mean of each pixel, it subtracts that.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tensorflow as tf
from common import arguments, measure, read_small

options = arguments()
images, labels = read_small(options.data)
generator = tf.keras.preprocessing.image.ImageDataGenerator(
    width_shift_range=0.1,
    height_shift_range=0.1,
    horizontal_flip=True,
    fill_mode="nearest",
    featurewise_center=True,
)
generator.mean = images.mean(axis=0)
batches = generator.flow(images, labels, batch_size=options.batch_size, shuffle=True)


def epoch():
    for _ in range(len(images) // options.batch_size):
        yield next(batches)[0]
    batches.reset()


measure(epoch, options, (options.batch_size, 32, 32, 3))
