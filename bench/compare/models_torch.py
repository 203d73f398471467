"""The models that are trained, in PyTorch: as Headrace has them by these names."""

import torch
from torch import nn


class Branches(nn.Module):
    """Modules on the same input, their outputs joined along the channels."""

    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


def conv(inputs, filters, size, stride=1, padding="same"):
    layers = [nn.Conv2d(inputs, filters, size, stride, padding), nn.BatchNorm2d(filters, 1e-3, 0.01)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True))


def inception(inputs, narrow, wide):
    return Branches(conv(inputs, narrow, 1), conv(inputs, wide, 3))


def downsample(inputs, filters):
    return Branches(conv(inputs, filters, 3, 2, 0), nn.MaxPool2d(3, 2))


def mini_googlenet():
    return nn.Sequential(
        conv(3, 96, 3),
        inception(96, 32, 32),
        inception(64, 32, 48),
        downsample(80, 80),
        inception(160, 112, 48),
        inception(160, 96, 64),
        inception(160, 80, 80),
        inception(160, 48, 96),
        downsample(144, 96),
        inception(240, 176, 160),
        inception(336, 176, 160),
        nn.AvgPool2d(7),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(336, 10),
    )


class FlattenLast(nn.Module):
    """Flattens in the order that channels last has in memory: nn.Flatten would copy, and so would its gradient."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


def mnist_cnn():
    return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), FlattenLast(), nn.Linear(32 * 13 * 13, 10))


def resnet18():
    from torchvision.models import resnet18 as make

    return make(num_classes=10)


MODELS = {"mnist_cnn": mnist_cnn, "mini_googlenet": mini_googlenet, "resnet18": resnet18}
