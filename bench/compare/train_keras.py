"""Keras 3 on TensorFlow: fit() on images in memory.

Best options: the data in one tf.data.Dataset held in memory, bf16 by the policy mixed_bfloat16; --jit compiles the step
by XLA (measured both ways).
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import tensorflow as tf
from common import arguments, measure_training, training_data
from models_keras import MODELS

options = arguments("jit")
tf.config.threading.set_intra_op_parallelism_threads(options.workers)
tf.config.threading.set_inter_op_parallelism_threads(options.workers)
if options.precision == "bf16":
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
images, labels = training_data(options)
model = MODELS[options.model]()
model.compile(
    keras.optimizers.Adam(), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=options.jit
)
data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(options.batch_size, drop_remainder=True).cache()
data = data.prefetch(2)


def epoch():
    return model.fit(data, epochs=1, verbose=0).history["loss"][-1]


measure_training(epoch, options, len(images))
