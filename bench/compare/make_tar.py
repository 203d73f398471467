"""Makes a tar shard of a list of files, in WebDataset's convention, beside it: make_tar.py LIST TAR."""

import csv
import io
import pathlib
import sys
import tarfile


def main(source, target):
    if target.exists():
        return
    with open(source, newline="") as file, tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as archive:
        for row in csv.DictReader(file):
            path = source.parent / row["path"]
            for suffix, content in ((".jpg", path.read_bytes()), (".cls", row["label"].encode())):
                member = tarfile.TarInfo(path.stem + suffix)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
