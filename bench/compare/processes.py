"""What a contender uses with all its processes: those of its session, from /proc."""

import os
import pathlib


def of_session(session):
    """(folder in /proc, fields of its stat from the third on) of each process of a session."""
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it ended
                continue
            if int(fields[3]) == session:
                yield folder, fields


def cpu_seconds(session):
    """CPU time of the session's processes, and of those that they have waited for."""
    ticks = sum(sum(map(int, fields[11:15])) for _, fields in of_session(session))
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_bytes(session):
    """Resident memory of the session's processes. What several share counts once (proportional set size)."""
    total = 0
    for folder, _ in of_session(session):
        try:
            lines = (folder / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total
