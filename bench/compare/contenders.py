"""Who is measured doing what."""

from dataclasses import dataclass, field


@dataclass
class Contender:
    """Who does a job: by a script of bench/compare in an environment, or by a program of ours. {..} are filled in."""

    name: str
    title: str
    venv: str = ""
    command: str = ""
    note: str = ""
    prepare: str = ""


@dataclass
class Job:
    title: str
    contenders: list
    data: str = ""
    batch_size: int = 64
    baseline: str = ""  # a contender: speeds are also given as multiples of its own
    parts: tuple = ()  # of the work of the first contender, which share its cores: contenders that do one alone
    model: str = ""  # that is trained
    runs: dict = field(default_factory=dict)  # (name, workers): what each round measured


ON_DATA = "--data {data} --workers {workers} --batch-size {batch_size}"
IN_MEMORY = "--workers {workers} --batch-size {batch_size}"


def loader_job(photos):
    return Job(
        f"Loader, {photos}: random-resized-crop 224, flip, normalise, f32, batches of 64",
        [
            Contender("headrace", "Headrace", note="antialiased",
                      command="{bin}/headrace bench loader --data {data} --recipe imagenet --threads {workers}"
                              " --batch-size {batch_size} --epochs 7 --json"),
            Contender("headrace-fast", "Headrace, --fast-scale", note="antialiased; reduced DCT",
                      command="{bin}/headrace bench loader --data {data} --recipe imagenet --threads {workers}"
                              " --batch-size {batch_size} --epochs 7 --fast-scale --json"),
            Contender("headrace-index", "Headrace, with an index", note="antialiased",
                      command="{bin}/headrace bench loader --data {data} --recipe imagenet --threads {workers}"
                              " --batch-size {batch_size} --epochs 7 --index {data}.seek --json",
                      prepare="{bin}/headrace index --data {data} --out {data}.seek --json"),
            Contender("headrace-chroma", "Headrace, --fast-chroma", note="antialiased; colour at half the resolution",
                      command="{bin}/headrace bench loader --data {data} --recipe imagenet --threads {workers}"
                              " --batch-size {batch_size} --epochs 7 --fast-chroma --json"),
            Contender("headrace-index-chroma", "Headrace, --fast-chroma, with an index",
                      note="antialiased; colour at half the resolution",
                      command="{bin}/headrace bench loader --data {data} --recipe imagenet --threads {workers}"
                              " --batch-size {batch_size} --epochs 7 --fast-chroma --index {data}.seek --json",
                      prepare="{bin}/headrace index --data {data} --out {data}.seek --json"),
            Contender("plain-linear", "plain path, linear", command="{bin}/plain_path {data} linear",
                      note="1 thread; aliases"),
            Contender("plain-area", "plain path, area", command="{bin}/plain_path {data} area",
                      note="1 thread; antialiased"),
            Contender("ffcv", "FFCV", "ffcv", f"loader_ffcv.py {ON_DATA}", "packed file; fast DCT; by area",
                      prepare="loader_ffcv.py --prepare --data {data}"),
            Contender("tfdata", "tf.data", "tf", f"loader_tfdata.py {ON_DATA}", "fast DCT; aliases"),
            Contender("tfdata-exact", "tf.data, exact", "tf", f"loader_tfdata.py --exact {ON_DATA}", "antialiased"),
            Contender("dali", "DALI on the CPU", "dali", f"loader_dali.py {ON_DATA}", "antialiased"),
            Contender("torchvision-v2", "torchvision v2, DataLoader", "torch",
                      f"loader_torchvision_v2.py {ON_DATA}", "antialiased"),
            Contender("mlx-data", "mlx-data", "mlx-data", f"loader_mlx.py {ON_DATA}", "aliases"),
            Contender("torchvision", "torchvision on Pillow, DataLoader", "torch",
                      f"loader_torchvision.py {ON_DATA}", "antialiased"),
        ],
        data=f"{photos}.csv",
        baseline="plain-linear",
    )


RESIZED_CROP = "random-resized-crop 224, flip, normalise, f32, batches of 64"
LOADS = ("{{bin}}/headrace bench loader --data {data} --recipe imagenet --threads {{workers}}"
         " --batch-size {{batch_size}} --epochs {epochs} --json")


def packed_jobs(photos):
    index = "{bin}/headrace index --data {data} --out {data}.seek --json"
    return [
        Job(
            f"Packed JPEG, {photos}: {RESIZED_CROP}",
            [
                Contender("headrace", "Headrace, a pack", command=LOADS.format(data="{data}.hpack", epochs=7),
                          note="antialiased", prepare="{bin}/headrace pack --data {data} --out {data}.hpack --json"),
                Contender("headrace-index", "Headrace, the files and their index", note="antialiased",
                          command=LOADS.format(data="{data} --index {data}.seek", epochs=7), prepare=index),
                Contender("headrace-files", "Headrace, the files", note="antialiased",
                          command=LOADS.format(data="{data}", epochs=7)),
                Contender("ffcv", "FFCV", "ffcv", f"loader_ffcv.py {ON_DATA}", "fast DCT; by area",
                          prepare="loader_ffcv.py --prepare --data {data}"),
            ],
            data=f"{photos}.csv",
        ),
        Job(
            f"Packed pixels, {photos} made smaller, to 256 x 192: {RESIZED_CROP}",
            [
                Contender("headrace", "Headrace, a pack", command=LOADS.format(data="{data}.raw.hpack", epochs=17),
                          note="antialiased", prepare="{bin}/headrace pack --data {data} --raw --resize long:256"
                                                      " --out {data}.raw.hpack --json"),
                Contender("ffcv", "FFCV", "ffcv", f"loader_ffcv.py --raw {ON_DATA}", "by area",
                          prepare="loader_ffcv.py --raw --prepare --data {data}"),
            ],
            data=f"{photos}.csv",
        ),
        Job(
            f"A tar shard beside plain files, {photos}: {RESIZED_CROP}",
            [
                Contender("headrace", "Headrace, a tar shard", command=LOADS.format(data="{data}.tar", epochs=7),
                          prepare="python3 {peers}/make_tar.py {data} {data}.tar"),
                Contender("headrace-files", "Headrace, the files", command=LOADS.format(data="{data}", epochs=7)),
            ],
            data=f"{photos}.csv",
        ),
    ]


def hdf5_job(photos):
    pixels = ("{{bin}}/headrace bench loader --data {{data}}.{file}#images,labels --type u8 --threads {{workers}}"
              " --batch-size {{batch_size}} --epochs {epochs} --json")
    return Job(
        f"Pixels in HDF5, {photos} made smaller, to 256 x 192: u8, shuffled, batches of 64",
        [
            # First, since it makes the files of all three.
            Contender("h5py", "h5py, PyTorch's DataLoader", "h5py", f"loader_h5py.py {ON_DATA}",
                      prepare="loader_h5py.py --prepare --data {data}"),
            Contender("headrace", "Headrace", command=pixels.format(file="h5", epochs=40),
                      note="past the library, no lock"),
            Contender("headrace-library", "Headrace, by the library", command=pixels.format(file="block.h5", epochs=20),
                      note="one read at a time"),
        ],
        data=f"{photos}.csv",
    )


def reading_jobs(photos):
    """On one core, without the loader."""
    reads = "{bin}/format_reads"
    tar = "{data}.tar"
    make_tar = "python3 {peers}/make_tar.py {data} {data}.tar"
    make_pack = "{bin}/headrace pack --data {data} --out {data}.hpack --json"
    return [
        Job(
            f"A tar shard of {photos} from the disk, in order",
            [
                Contender("headrace", "Headrace, record by record", prepare=make_tar,
                          command=f"{reads} disk-records {tar} {tar}"),
                Contender("bytes", "its bytes, 1 MiB at a time", command=f"{reads} disk-bytes {tar} {tar}"),
            ],
            data=f"{photos}.csv",
        ),
        Job(
            f"Checks of a pack of {photos}, in the page cache",
            [
                Contender("headrace", "its records, each checked", prepare=make_pack,
                          command=f"{reads} records {{data}}.hpack"),
                Contender("bytes", "its bytes, by as many reads",
                          command=f"{reads} bytes {{data}}.hpack {{data}}.hpack"),
            ],
            data=f"{photos}.csv",
        ),
        Job(
            f"headrace doctor on {photos}",
            [
                Contender("headrace", "headrace doctor",
                          command="{bin}/headrace doctor --data {data} --threads {workers} --json"),
                Contender("decode", "decoding alone", command=f"{reads} decode {{data}}"),
            ],
            data=f"{photos}.csv",
        ),
        Job(
            "Opening a pack of a million images (images over seconds)",
            [Contender("headrace", "Headrace", command=f"{reads} open {{data}}", prepare=f"{reads} open {{data}}")],
            data="million.hpack",
        ),
    ]


def small_job():
    return Job(
        "Small images in memory, 32 x 32 x 3: shift 0.1, flip, mean of each pixel, f32, batches of 128",
        [
            Contender("headrace", "Headrace", note="bilinear, nearest fill",
                      command="{bin}/headrace bench loader --data {data} --width-shift 0.1 --height-shift 0.1"
                              " --horizontal-flip --fill-mode nearest --mean pixel --threads {workers}"
                              " --batch-size {batch_size} --epochs 200 --json"),
            Contender("keras", "Keras' ImageDataGenerator", "tf", f"small_keras.py {ON_DATA}",
                      "bilinear, nearest fill"),
            Contender("torchvision-crop", "torchvision v2, RandomCrop", "torch",
                      f"small_torchvision.py {ON_DATA}", "whole pixels, nearest fill"),
            Contender("torchvision-affine", "torchvision v2, RandomAffine", "torch",
                      f"small_torchvision.py --affine {ON_DATA}", "bilinear, zero fill"),
        ],
        data="small.bin",
        batch_size=128,
    )


# What augment_operations.py can do, and in what sizes.
AUGMENTED = [("keras", 32), ("rotate", 32)] + [
    (operation, 224)
    for operation in (
        "keras", "rotate", "random_resized_crop", "brightness", "contrast", "saturation", "hue", "grey", "blur",
        "sharpen", "posterize", "solarize", "equalize", "autocontrast", "invert", "random_erasing", "perspective",
        "elastic", "rand_augment",
    )
]


def augment_job(operation, size):
    arguments = f"--operation {operation} --size {size}"
    return Job(
        f"Augmentation, {operation}, {size} x {size} x 3 in memory, one image after the other",
        [
            Contender("headrace", "Headrace", "albumentations", f"augment_headrace.py {arguments}"),  # its numpy
            Contender("albumentations", "albumentations", "albumentations", f"augment_albumentations.py {arguments}"),
            Contender("torchvision-ops", "torchvision v2", "torch", f"augment_torchvision.py {arguments}"),
        ],
    )


def augment_jobs():
    return [augment_job(operation, size) for operation, size in AUGMENTED]


def generator_job():
    pixels = "--image-size 128x128 --rescale 0.00392156862745098"
    return Job(
        "From files to weights, photos40: read, decode, resize to 128 x 128, divide by 255, train generator_cnn (Adam,"
        " f32, batches of 32)",
        [
            Contender("headrace", "Headrace", note="antialiased",
                      command=f"{{bin}}/headrace train --data {{data}} --model generator_cnn {pixels} --threads {{workers}}"
                              " --optimizer adam --batch-size {batch_size} --epochs 8 --out {build}/generator --overwrite"
                              " --quiet --json"),
            Contender("headrace-loads", "Headrace, loading alone", note="antialiased",
                      command=f"{{bin}}/headrace bench loader --data {{data}} {pixels} --threads {{workers}}"
                              " --batch-size {batch_size} --epochs 8 --json"),
            Contender("headrace-trains", "Headrace, training alone", note="images in memory",
                      command="{bin}/headrace bench train --model generator_cnn --threads {workers}"
                              " --batch-size {batch_size} --steps 250 --json"),
            Contender("keras", "Keras, PyDataset reading by OpenCV", "tf", f"generator_keras.py {ON_DATA}", "by area"),
        ],
        data="photos40-ten.csv",
        batch_size=32,
        parts=("headrace-loads", "headrace-trains"),
        model="generator_cnn",
    )


def train_job(model, image, precision, batch_size, steps):
    settings = f"--model {model} --precision {precision}"
    return Job(
        f"Training {model} ({image}, Adam, {precision}, images in memory, batches of {batch_size})",
        [
            Contender("headrace", "Headrace",
                      command=f"{{bin}}/headrace bench train {settings} --classes 10 --batch-size {{batch_size}}"
                              f" --threads {{workers}} --steps {steps} --json"),
            Contender("keras", "Keras on TensorFlow", "tf", f"train_keras.py {settings} {IN_MEMORY}"),
            Contender("keras-jit", "Keras on TensorFlow, XLA", "tf", f"train_keras.py --jit {settings} {IN_MEMORY}"),
            Contender("torch", "PyTorch", "torch", f"train_torch.py {settings} {IN_MEMORY}"),
            Contender("torch-compile", "PyTorch, torch.compile", "torch",
                      f"train_torch.py --compile {settings} {IN_MEMORY}"),
        ],
        batch_size=batch_size,
        model=model,
    )


def train_jobs():
    return [
        train_job("mnist_cnn", "28 x 28 x 1", "f32", 128, 1000),
        train_job("mini_googlenet", "32 x 32 x 3", "f32", 64, 30),
        train_job("mini_googlenet", "32 x 32 x 3", "bf16", 64, 60),
        train_job("resnet18", "224 x 224 x 3", "f32", 16, 20),
        train_job("resnet18", "224 x 224 x 3", "bf16", 16, 20),
        generator_job(),
    ]
