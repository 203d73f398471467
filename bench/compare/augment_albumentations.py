"""albumentations, one thread, image by image, on u8 arrays."""

import albumentations as A
import cv2
from augment_operations import measure, parse, pictures

options = parse()
cv2.setNumThreads(1)
size = options.size
NEAREST = cv2.BORDER_REPLICATE
TRANSFORMS = {
    "keras": lambda: A.Compose([
        A.Affine(rotate=(-20, 20), translate_percent=(-0.1, 0.1), scale=(0.9, 1.1), shear=(-10, 10),
                 border_mode=NEAREST, p=1),
        A.HorizontalFlip(), A.ColorJitter(brightness=(0.8, 1.2), contrast=(1, 1), saturation=(1, 1), hue=(0, 0), p=1),
        A.ToFloat(max_value=255)]),
    "rotate": lambda: A.Rotate(20, border_mode=NEAREST, p=1),
    "random_resized_crop": lambda: A.RandomResizedCrop((size, size)),
    "brightness": lambda: A.ColorJitter(brightness=(0.6, 1.4), contrast=(1, 1), saturation=(1, 1), hue=(0, 0), p=1),
    "contrast": lambda: A.ColorJitter(brightness=(1, 1), contrast=(0.6, 1.4), saturation=(1, 1), hue=(0, 0), p=1),
    "saturation": lambda: A.ColorJitter(brightness=(1, 1), contrast=(1, 1), saturation=(0.6, 1.4), hue=(0, 0), p=1),
    "hue": lambda: A.ColorJitter(brightness=(1, 1), contrast=(1, 1), saturation=(1, 1), hue=(-0.1, 0.1), p=1),
    "grey": lambda: A.ToGray(p=1),
    "blur": lambda: A.GaussianBlur(blur_limit=(5, 5), sigma_limit=(0.1, 2), p=1),
    "sharpen": lambda: A.Sharpen(p=1),
    "posterize": lambda: A.Posterize(num_bits=4, p=1),
    "solarize": lambda: A.Solarize(threshold_range=(0.5, 0.5), p=1),
    "equalize": lambda: A.Equalize(p=1),
    "autocontrast": lambda: A.AutoContrast(p=1),
    "invert": lambda: A.InvertImg(p=1),
    "random_erasing": lambda: A.Erasing(p=1),
    "perspective": lambda: A.Perspective(scale=(0.05, 0.25), p=1),
    "elastic": lambda: A.ElasticTransform(alpha=50, sigma=5, p=1),
}

if options.operation not in TRANSFORMS:
    raise SystemExit(f"albumentations has no {options.operation}")
transform = TRANSFORMS[options.operation]()
measure(lambda image: transform(image=image)["image"], pictures(size), options.seconds)
