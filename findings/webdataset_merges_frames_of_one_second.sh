#!/usr/bin/env bash
# WebDataset makes one sample of all frames of a second when files are named by their time stamps.
#
# Versions: webdataset 1.0.2, numpy 2.4.6.
# One would guess: 1700000000.25.png and 1700000000.25.cls belong together, and 1700000000.50.png is another sample.
# What happens: the key of a sample ends at the *first* point of the file name. What follows is the file type:
#   "25.png", "50.png". Frames of one second share their key and become fields of one sample. No warning.
# Seen: six frames with labels, four a second, make two samples with eight and four fields. In folders with a
#   point ("run.1/0001.png") the names come out right.
# Why it matters: cameras of robots name their frames like that. The data set has one sample a second, `len` and
#   the share of unsafe labels are wrong, and a pipeline that takes ".png" finds none.
# Way round: names without a point, such as nanoseconds as an integer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq webdataset==1.0.2 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
import io
import tarfile
from importlib.metadata import version

import webdataset

print({name: version(name) for name in ("webdataset", "numpy")})


def samples(names):
    with tarfile.open("frames.tar", "w") as archive:
        for number, name in enumerate(names):
            for kind, content in (("png", b"picture %d" % number), ("cls", b"%d" % (number % 2))):
                entry = tarfile.TarInfo(f"{name}.{kind}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    read = webdataset.WebDataset("frames.tar", shardshuffle=False)
    return [(sample["__key__"], [field for field in sample if field[0] != "_"]) for sample in read]


times = [1700000000 + frame / 4 for frame in range(6)]
by_seconds = samples([f"{time:.2f}" for time in times])
by_nanoseconds = samples([str(int(4 * time) * 250_000_000) for time in times])
in_folders = samples([f"run.1/{frame:04d}" for frame in range(6)])
print("seconds", *by_seconds, "nanoseconds", *by_nanoseconds, sep="\n")
assert [key for key, _ in by_seconds] == ["1700000000", "1700000001"], "frames are no longer merged"
assert by_seconds[1][1] == ["00.png", "00.cls", "25.png", "25.cls"], "the fields have other names"
assert len(by_nanoseconds) == 6 and all(fields == ["png", "cls"] for _, fields in by_nanoseconds)
assert [key for key, _ in in_folders] == [f"run.1/{frame:04d}" for frame in range(6)]
PY
