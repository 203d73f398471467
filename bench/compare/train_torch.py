"""PyTorch on images in memory: the plain loop of its tutorials.

Best options: channels last, batches as slices of one tensor, the fused Adam; --compile compiles the model by
torch.compile (measured both ways).
"""

import sys

import torch
from common import arguments, measure_training, training_data
from torch import nn

compiled = "--compile" in sys.argv
if compiled:
    sys.argv.remove("--compile")
options = arguments()
torch.set_num_threads(options.workers)
images, labels = training_data(options.batch_size)
images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
labels = torch.from_numpy(labels).long()
model = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 13 * 13, 10))
model = model.to(memory_format=torch.channels_last)
forward = torch.compile(model) if compiled else model
optimizer = torch.optim.Adam(model.parameters(), fused=True)
loss_function = nn.CrossEntropyLoss()


def epoch():
    total = torch.zeros(())
    for x, y in zip(images.split(options.batch_size), labels.split(options.batch_size)):
        optimizer.zero_grad()
        loss = loss_function(forward(x), y)
        loss.backward()
        optimizer.step()
        total += loss.detach()
    return total.item() / (len(images) / options.batch_size)


measure_training(epoch, options, len(images))
