"""What the contenders of script/compare --augment do to images in memory, and how that is timed."""

import argparse
import json
import time

import numpy as np

# Each: the recipe's options for Headrace, by the names of its benchmark.
OPERATIONS = [
    "keras", "rotate", "random_resized_crop", "brightness", "contrast", "saturation", "hue", "grey", "blur", "sharpen",
    "posterize", "solarize", "equalize", "autocontrast", "invert", "random_erasing", "perspective", "elastic",
    "rand_augment",
]
IMAGES = 64


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--operation", choices=OPERATIONS, required=True)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--seconds", type=float, default=1)
    return parser.parse_args()


def pictures(size):
    """Soft shapes with noise, u8 [n, size, size, 3]."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (IMAGES, 8, 8, 3))
    soft = coarse.repeat(size // 8, 1).repeat(size // 8, 2)
    return np.clip(soft + rng.integers(-30, 31, (IMAGES, size, size, 3)), 0, 255).astype(np.uint8)


def measure(transform, images, seconds):
    """Calls transform on one image after the other, for so long after a first round, and prints the speed."""
    for image in images:
        transform(image)
    done = 0
    start, cpu = time.monotonic(), time.process_time()
    while time.monotonic() - start < seconds:
        for image in images:
            transform(image)
        done += len(images)
    print(json.dumps({
        "images_per_second": done / (time.monotonic() - start),
        "images_per_cpu_second": done / (time.process_time() - cpu),
    }))
