"""Keras 3 on TensorFlow, end to end: a PyDataset that reads photos by OpenCV, and the model that it feeds.

Best options: a thread for each core reads ahead (OpenCV lets go of Python's lock while it decodes), ten batches ahead;
OpenCV itself on one thread for each of them. Resized by cv2.INTER_AREA, as Headrace's resize is antialiased.
"""

import json
import math
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import cv2
import keras
import numpy as np
import tensorflow as tf
from common import arguments, read_list, repeat
from models_keras import MODELS

SIDE = 128
options = arguments("jit")
tf.config.threading.set_intra_op_parallelism_threads(options.workers)
tf.config.threading.set_inter_op_parallelism_threads(options.workers)
cv2.setNumThreads(0)


class Photos(keras.utils.PyDataset):
    def __init__(self, path, batch_size, **how):
        super().__init__(**how)
        self.paths, self.labels = read_list(path)
        self.labels = np.array(self.labels, np.int32)
        self.batch_size = batch_size

    def __len__(self):
        return math.ceil(len(self.paths) / self.batch_size)

    def __getitem__(self, number):
        rows = slice(number * self.batch_size, (number + 1) * self.batch_size)
        images = [cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB) for path in self.paths[rows]]
        images = [cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for image in images]
        return np.stack(images).astype(np.float32) / 255, self.labels[rows]


photos = Photos(options.data, options.batch_size, workers=options.workers, max_queue_size=10)
model = MODELS["generator_cnn"]()
model.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy", jit_compile=options.jit)


def epoch():
    loss = model.fit(photos, epochs=1, verbose=0).history["loss"][-1]
    assert math.isfinite(loss), f"the loss is {loss}"
    return len(photos.paths)


epoch()
print(json.dumps(repeat(epoch, options)))
