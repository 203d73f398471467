"""h5py with PyTorch's DataLoader: pixels of photos, an array of u8 in an HDF5 file, as batches of u8 in random order.

Best options: chunks of one photo, not compressed; a process for each core, each with the file open for itself, kept
between epochs, four batches ahead. On one core none, since sending batches from process to process then only costs.

With --prepare it makes the file, of photos of 256 x 192 upright, and the same behind a user block of 512 bytes.
"""

import h5py
import numpy as np
import torch
from common import arguments, measure_u8, read_list
from PIL import Image
from torch.utils.data import DataLoader, Dataset

SIZE = (256, 192)  # width, height


def prepare(source):
    paths, labels = read_list(source)
    for name, block in ((f"{source}.h5", 0), (f"{source}.block.h5", 512)):
        with h5py.File(name, "w", userblock_size=block) as file:
            shape = (len(paths), SIZE[1], SIZE[0], 3)
            images = file.create_dataset("images", shape, np.uint8, chunks=(1, *shape[1:]))
            for i, path in enumerate(paths):
                with Image.open(path) as image:
                    images[i] = np.asarray(image.convert("RGB").resize(SIZE, Image.Resampling.BILINEAR))
            file["labels"] = np.array(labels)


class Pixels(Dataset):
    def __init__(self, path):
        self.path = path
        self.file = None
        with h5py.File(path) as file:
            self.count = len(file["images"])

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        if self.file is None:  # in each worker
            self.file = h5py.File(self.path)
            self.images, self.labels = self.file["images"], self.file["labels"][:]
        return self.images[i], self.labels[i]


def main(options):
    if options.prepare:
        prepare(options.data)
        return
    torch.set_num_threads(1)  # more would take the workers' cores
    workers = {}
    if options.workers > 1:
        workers = {"num_workers": options.workers, "persistent_workers": True, "prefetch_factor": 4}
    loader = DataLoader(
        Pixels(f"{options.data}.h5"), batch_size=options.batch_size, shuffle=True, drop_last=True, **workers
    )
    measure_u8(lambda: (images for images, _ in loader), options, (options.batch_size, SIZE[1], SIZE[0], 3))


if __name__ == "__main__":
    main(arguments())
