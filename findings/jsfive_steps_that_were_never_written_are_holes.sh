#!/usr/bin/env bash
# jsfive gives an array of length 0 for six steps that nobody wrote, and holes for others, where h5py gives -1.
#
# Versions: jsfive 0.4.2, with Node.js 20 (Debian: nodejs, npm); h5py 3.16.0, numpy 2.4.6.
# One would guess: the fill value that the file names, as in h5py. Here it is -1, for "not labelled".
# What happens: pieces of a data set that were never written are not in the file. jsfive leaves their places in the
#   array empty, and does not read the fill value. `shape` is right. Not documented.
# Seen: six labels in pieces of two. With two of them written h5py reads 1 1 -1 -1 -1 -1, and jsfive 1 1 and four
#   holes, which `reduce` skips. With none h5py reads six times -1, and jsfive an array of length 0.
# Why it matters: sums leave the steps out, `length` counts some of them, and a mean is neither. Four steps that nobody
#   labelled make the share of safe ones a third of what it was.
# Way round: `Array.from({ length }, (_, step) => value[step] ?? -1)` with the length of `shape`, or write all pieces.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq h5py==3.16.0 numpy==2.4.6
npm install --silent --no-audit --no-fund jsfive@0.4.2
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import h5py

print({name: version(name) for name in ("h5py", "numpy")})
with h5py.File("log.h5", "w") as file:
    for name, written in (("two", 2), ("none", 0)):
        labels = file.create_dataset(name, 6, "f4", chunks=(2,), fillvalue=-1)
        if written:
            labels[:written] = 1
        print(name, labels[:])
    assert file["two"][:].tolist() == [1, 1, -1, -1, -1, -1] and file["none"][:].tolist() == [-1] * 6
PY
node --input-type=module - <<'JS'
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { File } from "jsfive";

const { version } = JSON.parse(readFileSync("node_modules/jsfive/package.json"));
console.log({ jsfive: version, node: process.version });
const bytes = readFileSync("log.h5");
const file = new File(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), "log.h5");
const read = (name) => ({ shape: file.get(name).shape, value: file.get(name).value });
const two = read("two");
const none = read("none");
console.log("two", two, "none", none);
assert.deepEqual([two.shape, none.shape], [[6], [6]]);
assert.equal(two.value.length, 6);
assert.equal(Object.keys(two.value).length, 2, "steps that were never written have a value now");
assert.equal(none.value.length, 0, "a data set that was never written has values now");
const mean = two.value.reduce((sum, label) => sum + label, 0) / two.value.length;
console.log("mean of those written", 1, "mean here", mean);
assert.ok(Math.abs(mean - 1 / 3) < 1e-9);
for (const { shape, value } of [two, none]) {
  const full = Array.from({ length: shape[0] }, (_, step) => value[step] ?? -1);
  console.log("way round", full);
  assert.ok(full.length === 6 && full.slice(2).every((label) => label === -1), "the way round fails");
}
JS
