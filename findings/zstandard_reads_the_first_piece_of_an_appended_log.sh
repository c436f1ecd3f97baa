#!/usr/bin/env bash
# zstandard and lz4 give back the first piece only of a log that was appended to.
#
# Versions: zstandard 0.25.0, lz4 4.4.5, pyarrow 26.0.1.
# One would guess: `decompress` of two compressed pieces, one after the other, is both pieces. Both formats allow that,
#   gzip, bz2 and lzma of Python do it, and so does pyarrow with these very files.
# What happens: `zstandard.decompress`, `ZstdDecompressor().decompress` and `lz4.frame.decompress` stop after the first
#   frame. No error, no warning.
# Seen: ten episodes of 100 bytes, each appended as a frame: 100 bytes of 1,000 come back. gzip and pyarrow give 1,000.
#   So do `zstandard.open` and `lz4.frame.open`, two more doors of the same packages.
# Why it matters: a log that is compressed as it grows, or by `cat a.zst b.zst`, has as many frames as pieces. Its first
#   episode stands for all, and nothing shows that the others are missing.
# Way round: `zstandard.open`, `stream_reader`, and `lz4.frame.open`. Or `decompress(log, allow_extra_data=False)` of
#   zstandard, which raises.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq zstandard==0.25.0 lz4==4.4.5 pyarrow==26.0.1
venv/bin/python -I - <<'PY'
import gzip
import io
from importlib.metadata import version

import lz4.frame
import pyarrow
import zstandard

print({name: version(name) for name in ("zstandard", "lz4", "pyarrow")})
episodes = [f"{number}," * 50 for number in range(10)]
whole = "".join(episodes).encode()
log = {}
for name, compress in (("zstd", zstandard.compress), ("lz4", lz4.frame.compress), ("gzip", gzip.compress)):
    log[name] = b"".join(compress(episode.encode()) for episode in episodes)
tool = zstandard.ZstdDecompressor()
parts = {
    "zstandard.decompress": zstandard.decompress(log["zstd"]),
    "ZstdDecompressor.decompress": tool.decompress(log["zstd"]),
    "lz4.frame.decompress": lz4.frame.decompress(log["lz4"]),
}
for name, part in parts.items():
    print(name, len(part), "bytes of", len(whole))
    assert part == episodes[0].encode(), "the later pieces are read now"


def by_pyarrow(name):
    return pyarrow.CompressedInputStream(pyarrow.BufferReader(log[name]), name).read()


assert gzip.decompress(log["gzip"]) == by_pyarrow("zstd") == by_pyarrow("lz4") == whole
assert zstandard.open(io.BytesIO(log["zstd"]), "rb", dctx=tool).read() == whole, "the way round fails"
assert tool.stream_reader(io.BytesIO(log["zstd"])).read() == whole, "the way round fails"
assert lz4.frame.open(io.BytesIO(log["lz4"])).read() == whole, "the way round fails"
try:
    tool.decompress(log["zstd"], allow_extra_data=False)
    raise SystemExit("the later pieces are not refused")
except zstandard.ZstdError as error:
    print("refused:", error)
PY
