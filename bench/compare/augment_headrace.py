"""Headrace's own benchmark of an operation: images in memory, one thread, into a batch of 64."""

import json
import os
import pathlib
import subprocess

from augment_operations import parse

options = parse()
bench = pathlib.Path(__file__).resolve().parents[2] / "build/release/bin/headrace_augment_bench"
shape = f"{options.size}x{options.size}x3"
if options.operation == "random_resized_crop":
    shape = "256x256x3_to_224"
output = subprocess.run(
    [bench, f"--benchmark_filter=^render/{shape}/{options.operation}/", f"--benchmark_min_time={options.seconds}",
     "--benchmark_format=json"],
    check=True, capture_output=True, text=True, env={**os.environ}).stdout
runs = json.loads(output)["benchmarks"]
best = runs[-1]  # the widest vectors come last
print(json.dumps({
    "images_per_second": 1e9 / best["real_time"],
    "images_per_cpu_second": 1e9 / best["cpu_time"],
}))
