"""Makes sets of photographs to measure loaders with: crops of Debian's wallpapers, the same every time.

    make_photos.py FOLDER

photos40     2,000 JPEG files of 500 x 375, 4:2:0, about 40 KB each
photos70     the same crops at a higher quality, about 70 KB each
photos1600   200 JPEG files of 1600 x 1200, 4:2:0, quality 90
small.bin    10,000 images of 32 x 32, in the form of CIFAR-10's binary version

A set of files has a list beside it (photos40.csv: path,label). Labels are pseudo-classes: which wallpaper it was.
"""

import csv
import io
import pathlib
import random
import subprocess
import sys

from PIL import Image

PACKAGES = ["lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04", "mate-backgrounds"]
DRAWN = ["/abstract/", "/desktop/"]  # folders of drawings, not of photographs


def wallpapers():
    paths = subprocess.run(["dpkg", "-L", *PACKAGES], check=True, capture_output=True, text=True).stdout.split("\n")
    paths = sorted(path for path in paths if path.endswith(".jpg") and not any(word in path for word in DRAWN))
    files = [path for path in map(pathlib.Path, paths) if path.is_file() and not path.is_symlink()]
    return [Image.open(path).convert("RGB") for path in files]


def crop(image, width, height, max_zoom_out, rng):
    """A random part of `image`, of this shape, 1 .. max_zoom_out times as large, scaled down to it."""
    most = min(image.width / width, image.height / height, max_zoom_out)
    scale = rng.uniform(1, most) if most > 1 else most
    w, h = scale * width, scale * height
    x, y = rng.uniform(0, image.width - w), rng.uniform(0, image.height - h)
    return image.resize((width, height), Image.Resampling.LANCZOS, box=(x, y, x + w, y + h))


def crops(images, name, count, width, height, max_zoom_out):
    """(index, label, crop) of `count` crops, wallpaper by wallpaper."""
    for label, image in enumerate(images):
        for index in range(label, count, len(images)):
            yield index, label, crop(image, width, height, max_zoom_out, random.Random(f"{name} {index}"))


def jpeg(image, quality):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, subsampling="4:2:0")
    return out.getvalue()


def quality_for(images, mean_bytes):
    """The JPEG quality at which photos of 500 x 375 come nearest to a size."""
    sample = [image for _, _, image in crops(images, "photos", 4 * len(images), 500, 375, 3)]
    return min(range(60, 101), key=lambda q: abs(sum(len(jpeg(i, q)) for i in sample) / len(sample) - mean_bytes))


def write_set(folder, sets, made):
    """Writes each of the crops `made` at the quality of each of `sets`, {name: quality}, and their lists."""
    rows = []
    for name in sets:
        (folder / name).mkdir()
    for index, label, image in made:
        rows.append((index, label))
        for name, quality in sets.items():
            (folder / name / f"{index:05}.jpg").write_bytes(jpeg(image, quality))
    for name, quality in sets.items():
        with open(folder / f"{name}.csv", "w", newline="") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(["path", "label"])
            out.writerows((f"{name}/{index:05}.jpg", label) for index, label in sorted(rows))
        mean = sum(path.stat().st_size for path in (folder / name).iterdir()) / len(rows)
        print(f"{name}: {len(rows)} files, quality {quality}, {mean / 1000:.1f} kB on average", file=sys.stderr)


def write_small(path, made):
    records = {}
    for index, label, image in made:
        records[index] = bytes([label % 10]) + b"".join(plane.tobytes() for plane in image.split())
    path.write_bytes(b"".join(records[index] for index in sorted(records)))
    print(f"{path.name}: {len(records)} images", file=sys.stderr)


def main(folder):
    folder.mkdir(parents=True)
    images = wallpapers()
    print(f"{len(images)} wallpapers", file=sys.stderr)
    qualities = {"photos40": quality_for(images, 40_000), "photos70": quality_for(images, 70_000)}
    write_set(folder, qualities, crops(images, "photos", 2000, 500, 375, 3))
    large = [image for image in images if image.width >= 1600 and image.height >= 1200]
    write_set(folder, {"photos1600": 90}, crops(large, "photos1600", 200, 1600, 1200, 3))
    write_small(folder / "small.bin", crops(images, "small", 10_000, 32, 32, 12))


main(pathlib.Path(sys.argv[1]))
