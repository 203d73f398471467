"""What the contenders share: the job, their arguments, and how they are timed."""

import argparse
import csv
import json
import os
import pathlib
import time

import numpy as np
import processes

# The job on photos: random-resized-crop, horizontal flip, ImageNet's mean and deviation, f32.
SIZE = 224
SCALE = (0.08, 1.0)
RATIO = (3 / 4, 4 / 3)
MEAN = (0.485, 0.456, 0.406)  # of values 0 .. 1
STD = (0.229, 0.224, 0.225)


# The networks that are trained: the images they take.
TRAINED = {"mnist_cnn": (28, 28, 1), "mini_googlenet": (32, 32, 3), "resnet18": (224, 224, 3)}


def arguments(*flags):
    """The job; `flags` are further options of the contender's own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path, help="a list of files (path,label), or a file of small images")
    parser.add_argument("--workers", type=int, default=1, help="threads or processes that work")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=1, help="measure at least so many epochs after a first one")
    parser.add_argument("--seconds", type=float, default=4, help="and at least so long")
    parser.add_argument("--prepare", action="store_true", help="only make the contender's own form of the data")
    parser.add_argument("--model", choices=list(TRAINED), default="mnist_cnn")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    for flag in flags:
        parser.add_argument(f"--{flag}", action="store_true")
    return parser.parse_args()


def read_list(path):
    """(paths, labels) of a list of files."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return [str(path.parent / row["path"]) for row in rows], [int(row["label"]) for row in rows]


def read_small(path):
    """(images [n, 32, 32, 3], labels [n]) of a file of CIFAR-10's binary version."""
    records = np.fromfile(path, np.uint8).reshape(-1, 3073)
    return np.ascontiguousarray(records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), records[:, 0]


def training_data(options):
    """(images [n, height, width, channels] f32, labels [n]): noise, with a spot whose place tells the class."""
    height, width, channels = TRAINED[options.model]
    batches = max(4, 100 * 28 * 28 // (height * width * channels))
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 10, batches * options.batch_size).astype(np.int32)
    images = rng.random((len(labels), height, width, channels), np.float32)
    tall, wide = height * 2 // 7, width * 5 // 28
    for image, label in zip(images, labels):
        image[tall * (label // 5) :, wide * (label % 5) :][:wide, :wide] += 1
    return images, labels


def seconds_since_process_start():
    ticks = int(pathlib.Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def check_batch(batch, shape, dtype=np.float32):
    """That a batch of images is what was asked for, in either layout, and has something in it."""
    batch = np.asarray(batch)
    channels_first = (shape[0], shape[3], shape[1], shape[2])
    assert batch.shape in (shape, channels_first), f"batches are {batch.shape}, not {shape}"
    assert batch.dtype == dtype, f"batches are {batch.dtype}"
    assert np.isfinite(batch).all() and batch.std() > 0.1, "pixels are wrong"


def rows(batch):
    shape = batch.shape() if callable(batch.shape) else batch.shape  # DALI's is a function
    return shape[0]


def repeat(epoch, options):
    """Calls epoch(), which says how many images it did, for the time asked for. What it measured."""
    session = os.getsid(0)
    images = epochs = 0
    cpu = processes.cpu_seconds(session)
    start = time.monotonic()
    while epochs < options.epochs or time.monotonic() - start < options.seconds:
        images += epoch()
        epochs += 1
    seconds = time.monotonic() - start
    cpu = processes.cpu_seconds(session) - cpu
    return {"images_per_second": images / seconds, "images_per_cpu_second": images / cpu, "images": images}


def measure(epoch, options, shape, dtype=np.float32):
    """Times epoch(), which yields the batches of one epoch, each of `shape` [batch, height, width, channels]."""
    first = None
    for batch in epoch():
        if first is None:
            first = seconds_since_process_start()
            check_batch(batch, shape, dtype)
    figures = repeat(lambda: sum(rows(batch) for batch in epoch()), options)
    print(json.dumps({**figures, "first_batch_seconds": first}))


def measure_loader(epoch, options):
    """measure() of the job on photos."""
    measure(epoch, options, (options.batch_size, SIZE, SIZE, 3))


def measure_u8(epoch, options, shape):
    """measure() of pixels as they are stored."""
    measure(epoch, options, shape, np.uint8)


class TrainingMemory:
    """What training takes: the process's peak since this was made, above what it had then. Make it when the data are
    there and the model is not."""

    def __init__(self):
        pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak is now what is resident
        self.before = self.of("VmRSS")

    def bytes(self):
        return self.of("VmHWM") - self.before

    @staticmethod
    def of(what):
        lines = pathlib.Path("/proc/self/status").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith(what))


def measure_training(epoch, options, images, memory=None):
    """Times epoch(), which trains on all `images` once and returns the loss. It must have learned in the end."""

    def counted():
        epoch()
        return images

    first = epoch()
    figures = repeat(counted, options)
    loss = epoch()
    assert loss < 0.8 * first, f"the loss is {loss} after {first}: nothing was learned"
    if memory is not None:
        figures["trainer_bytes"] = memory.bytes()
    print(json.dumps({**figures, "loss": loss}))
