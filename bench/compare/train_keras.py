"""Keras 3 on TensorFlow: fit() on images in memory.

Best options: the data in one tf.data.Dataset held in memory; --jit compiles the step by XLA (measured both ways).
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import tensorflow as tf
from common import arguments, measure_training, training_data

jit = "--jit" in sys.argv
if jit:
    sys.argv.remove("--jit")
options = arguments()
tf.config.threading.set_intra_op_parallelism_threads(options.workers)
tf.config.threading.set_inter_op_parallelism_threads(options.workers)
images, labels = training_data(options.batch_size)
model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=jit)
data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(options.batch_size, drop_remainder=True).cache()
data = data.prefetch(2)


def epoch():
    return model.fit(data, epochs=1, verbose=0).history["loss"][-1]


measure_training(epoch, options, len(images))
