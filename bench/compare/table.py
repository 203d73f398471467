"""What the runs of a job come to."""

import statistics


def summary(job, workers):
    """A row for each contender that ran, the fastest first."""
    rows = []
    for contender in job.contenders:
        runs = job.runs.get((contender.name, workers))
        if not runs:
            continue
        speeds = [run["images_per_second"] for run in runs]
        first = [run["first_batch_seconds"] for run in runs if run.get("first_batch_seconds")]
        cpu = [run["images_per_cpu_second"] for run in runs if run.get("images_per_cpu_second")]
        rows.append(
            {
                "job": job.title,
                "contender": contender.name,
                "title": contender.title,
                "note": contender.note,
                "workers": workers,
                "images_per_second": statistics.median(speeds),
                "images_per_second_min": min(speeds),
                "images_per_second_max": max(speeds),
                "images_per_cpu_second": statistics.median(cpu) if cpu else None,
                "first_batch_seconds": statistics.median(first) if first else None,
                "peak_memory_bytes": max(run["peak_memory_bytes"] for run in runs),
                "trainer_bytes": max((run["trainer_bytes"] for run in runs if "trainer_bytes" in run), default=None),
                "runs": runs,
            }
        )
    speed = {row["contender"]: row["images_per_second"] for row in rows}
    for row in rows:
        headrace, plain_path = speed.get("headrace"), speed.get(job.baseline)
        row["headrace_is_times"] = headrace / row["images_per_second"] if headrace else None
        row["times_plain_path"] = row["images_per_second"] / plain_path if plain_path else None
    return sorted(rows, key=lambda row: -row["images_per_second"])


def cell(value, form):
    return "" if value is None else format(value, form)


def times(value):
    return cell(value, ".2f") + ("×" if value else "")


def megabytes(value):
    return None if value is None else value / 1e6


def print_together(job, rows):
    """What the parts of a work, each measured alone on all cores, allow when they share them, and how much is reached."""
    speed = {row["contender"]: row["images_per_second"] for row in rows}
    if not job.parts or not {job.contenders[0].name, *job.parts} <= speed.keys():
        return
    together = 1 / sum(1 / speed[part] for part in job.parts)
    reached = speed[job.contenders[0].name]
    print(f"Measured alone, the parts allow {together:,.0f} images/s together; {reached / together:.0%} of it is reached.\n")


def print_rows(rows):
    """Markdown. What no contender has is left out."""
    columns = [
        ("", lambda r: r["title"], "---"),
        ("images/s", lambda r: cell(r["images_per_second"], ",.0f"), "---:"),
        ("min .. max", lambda r: f"{r['images_per_second_min']:,.0f} .. {r['images_per_second_max']:,.0f}", "---:"),
        ("images/CPU s", lambda r: cell(r["images_per_cpu_second"], ",.0f"), "---:"),
        ("Headrace is", lambda r: times(r["headrace_is_times"]), "---:"),
        ("of the plain path", lambda r: times(r["times_plain_path"]), "---:"),
        ("first batch, s", lambda r: cell(r["first_batch_seconds"], ".2f"), "---:"),
        ("peak memory, MB", lambda r: cell(r["peak_memory_bytes"] / 1e6, ",.0f"), "---:"),
        ("of it training, MB", lambda r: cell(megabytes(r["trainer_bytes"]), ",.0f"), "---:"),
        ("", lambda r: r["note"], "---"),
    ]
    columns = [column for column in columns if any(column[1](row) for row in rows)]
    print("| " + " | ".join(name for name, _, _ in columns) + " |")
    print("|" + "|".join(rule for _, _, rule in columns) + "|")
    for row in rows:
        print("| " + " | ".join(value(row) for _, value, _ in columns) + " |")
    print()
