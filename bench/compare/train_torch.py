"""PyTorch on images in memory: the plain loop of its tutorials.

Best options: channels last, batches as slices of one tensor, the fused Adam, bf16 by autocast; --compile compiles the
model by torch.compile (measured both ways).
"""

import contextlib

import torch
from common import TrainingMemory, arguments, measure_training, training_data
from models_torch import MODELS
from torch import nn

options = arguments("compile")
torch.set_num_threads(options.workers)
images, labels = training_data(options)
images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
labels = torch.from_numpy(labels).long()
memory = TrainingMemory()
model = MODELS[options.model]().to(memory_format=torch.channels_last)
forward = torch.compile(model) if options.compile else model
optimizer = torch.optim.Adam(model.parameters(), fused=True)
loss_function = nn.CrossEntropyLoss()


def epoch():
    total = torch.zeros(())
    for x, y in zip(images.split(options.batch_size), labels.split(options.batch_size)):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16) if options.precision == "bf16" else contextlib.nullcontext():
            loss = loss_function(forward(x), y)
        loss.backward()
        optimizer.step()
        total += loss.detach()
    return total.item() / (len(images) / options.batch_size)


measure_training(epoch, options, len(images), memory)
