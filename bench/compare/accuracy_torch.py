"""PyTorch's part of script/compare-accuracy: accuracy_torch.py FOLDER SEED EPOCHS."""

import json
import pathlib
import sys

import numpy as np
import torch
from common import read_small
from models_torch import mini_googlenet
from torch import nn

folder, seed, epochs = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
torch.manual_seed(seed)


def tensors(path, mean):
    pixels, labels = read_small(path)
    pixels = torch.from_numpy(pixels.astype(np.float32)).permute(0, 3, 1, 2)
    mean = pixels.mean(0) if mean is None else mean
    return pixels, torch.from_numpy(labels.astype(np.int64)), mean


def augmented(x):
    """Continuous shifts of up to a tenth, bilinear, the border's pixels beyond it; flips of every other image."""
    transforms = torch.zeros(len(x), 2, 3)
    transforms[:, 0, 0] = 1 - 2 * torch.randint(0, 2, (len(x),))
    transforms[:, 1, 1] = 1
    transforms[:, :, 2] = (torch.rand(len(x), 2) - 0.5) * 0.4  # of an image that is 2 wide
    grid = nn.functional.affine_grid(transforms, x.shape, align_corners=False)
    return nn.functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


images, labels, mean = tensors(folder / "train.bin", None)
model = mini_googlenet()
for layer in model.modules():
    if isinstance(layer, (nn.Conv2d, nn.Linear)):  # as Keras and Headrace begin
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
model = model.to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(model.parameters(), lr=5e-3, momentum=0.9)
for epoch in range(epochs):
    optimizer.param_groups[0]["lr"] = 5e-3 * (1 - epoch / epochs)
    order = torch.randperm(len(images))
    for rows in order[: len(order) // 64 * 64].split(64):
        optimizer.zero_grad()
        batch = (augmented(images[rows]) - mean).contiguous(memory_format=torch.channels_last)
        nn.functional.cross_entropy(model(batch), labels[rows]).backward()
        optimizer.step()

model.eval()
images, labels, _ = tensors(folder / "test.bin", mean)
with torch.no_grad():
    hits = [(model(x - mean).argmax(1) == y).sum() for x, y in zip(images.split(250), labels.split(250))]
print(json.dumps({"val_accuracy": (sum(hits) / len(labels)).item()}))
