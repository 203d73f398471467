"""torchvision's v2 transforms, one thread, image by image, on u8 tensors as its documentation advises."""

import torch
from augment_operations import measure, parse, pictures
from torchvision.transforms import InterpolationMode, v2

options = parse()
torch.set_num_threads(1)
size = options.size
LINEAR = InterpolationMode.BILINEAR
TRANSFORMS = {
    "keras": lambda: v2.Compose([
        v2.RandomAffine(20, translate=(0.1, 0.1), scale=(0.9, 1.1), shear=10, interpolation=LINEAR),
        v2.RandomHorizontalFlip(), v2.ColorJitter(brightness=0.2), v2.ToDtype(torch.float32, scale=True)]),
    "rotate": lambda: v2.RandomRotation(20, interpolation=LINEAR),
    "random_resized_crop": lambda: v2.RandomResizedCrop(size, antialias=True),
    "brightness": lambda: v2.ColorJitter(brightness=0.4),
    "contrast": lambda: v2.ColorJitter(contrast=0.4),
    "saturation": lambda: v2.ColorJitter(saturation=0.4),
    "hue": lambda: v2.ColorJitter(hue=0.1),
    "grey": lambda: v2.RandomGrayscale(1),
    "blur": lambda: v2.GaussianBlur(5, (0.1, 2)),
    "sharpen": lambda: v2.RandomAdjustSharpness(2, 1),
    "posterize": lambda: v2.RandomPosterize(4, 1),
    "solarize": lambda: v2.RandomSolarize(128, 1),
    "equalize": lambda: v2.RandomEqualize(1),
    "autocontrast": lambda: v2.RandomAutocontrast(1),
    "invert": lambda: v2.RandomInvert(1),
    "random_erasing": lambda: v2.RandomErasing(1),
    "perspective": lambda: v2.RandomPerspective(0.5, 1),
    "elastic": lambda: v2.ElasticTransform(50.0, 5.0),
    "rand_augment": lambda: v2.RandAugment(2, 9, interpolation=LINEAR),
}

images = list(torch.from_numpy(pictures(size)).permute(0, 3, 1, 2).contiguous())
measure(TRANSFORMS[options.operation](), images, options.seconds)
