"""One model in PyTorch on a GPU, on data that stay there: gpu_torch.py MODEL BATCH_SIZE f32|bf16 compile|eager

Best options: channels last, bf16 by autocast, TF32 off as in Headrace's f32, the fused SGD, torch.compile with CUDA
graphs. Prints one line of JSON.
"""

import contextlib
import json
import sys
import time

import torch
from models_torch import MODELS
from torch import nn


def resnet50():
    from torchvision.models import resnet50 as make

    return make(num_classes=1000)


model_name, batch_size, precision, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
shape, classes = {
    "mini_googlenet": ((3, 32, 32), 10),
    "mnist_cnn": ((1, 28, 28), 10),
    "resnet50": ((3, 224, 224), 1000),
}[model_name]
torch.backends.cudnn.benchmark = True
torch.manual_seed(1)
model = {**MODELS, "resnet50": resnet50}[model_name]().cuda().to(memory_format=torch.channels_last)
forward = torch.compile(model, mode="reduce-overhead") if mode == "compile" else model
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
loss_function = nn.CrossEntropyLoss()
images = torch.randn(batch_size, *shape, device="cuda").contiguous(memory_format=torch.channels_last)
labels = torch.randint(0, classes, (batch_size,), device="cuda")


def step():
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cuda", torch.bfloat16) if precision == "bf16" else contextlib.nullcontext():
        loss = loss_function(forward(images), labels)
    loss.backward()
    optimizer.step()


for _ in range(20):
    step()
torch.cuda.synchronize()
steps, start = 0, time.perf_counter()
while steps < 20 or time.perf_counter() - start < 3:
    for _ in range(10):
        step()
    steps += 10
    torch.cuda.synchronize()
seconds = time.perf_counter() - start
print(json.dumps({
    "images_per_second": steps * batch_size / seconds,
    "steps": steps,
    "torch": torch.__version__,
    "memory_bytes": torch.cuda.max_memory_allocated(),
}))
