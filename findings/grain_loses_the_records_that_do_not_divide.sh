#!/usr/bin/env bash
# Grain's data loader leaves out records that do not divide evenly among shards, also with `drop_remainder=False`.
#
# Versions: grain 0.2.18, numpy 2.4.6.
# One would guess: with `drop_remainder=False`, the default, every record is in one shard. Its documentation says that
#   the remainder goes to the first shards.
# What happens: each shard reads as many records as the smallest one has. Shuffled or not, with `IndexSampler` and with
#   `SequentialSampler`, for one epoch. No warning.
# Seen: nine episodes and five shards: each loader gives one, and four of nine are never read. Ten and four: eight are
#   read. In two epochs of `IndexSampler` over nine, the last shard reads its one episode three times.
# Why it matters: a small set of demonstrations or accidents loses up to half, by the number of machines. Unshuffled it
#   is always the last episodes.
# Way round: `grain.MapDataset.source(data)[shard::shards]`, or a number of records that the shards divide.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq grain==0.2.18 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY' 2> log || { cat log; exit 1; }
from importlib.metadata import version

import grain.python as grain
from grain import MapDataset

print({name: version(name) for name in ("grain", "numpy")})


def read(n_records, n_shards, epochs, shuffle):
    """The records that each shard reads."""
    shards = []
    for shard in range(n_shards):
        options = grain.ShardOptions(shard, n_shards, drop_remainder=False)
        sampler = grain.SequentialSampler(n_records, shard_options=options)
        if shuffle:
            sampler = grain.IndexSampler(n_records, shard_options=options, shuffle=True, num_epochs=epochs, seed=0)
        loader = grain.DataLoader(data_source=list(range(n_records)), sampler=sampler)
        shards.append([int(record) for record in loader])
    return shards


assert grain.ShardOptions(0, 5).drop_remainder is False
cases = ((9, 5, 1, True, 4), (9, 5, 1, False, 4), (10, 4, 1, True, 2), (10, 4, 1, False, 2), (10, 5, 1, True, 0))
for n_records, n_shards, epochs, shuffle, n_lost in cases:
    shards = read(n_records, n_shards, epochs, shuffle)
    lost = set(range(n_records)) - set(sum(shards, []))
    print(n_records, "records,", n_shards, "shards, shuffled" if shuffle else "shards:", shards, "lost", sorted(lost))
    assert len(lost) == n_lost, "other records are left out now"
    assert len({len(shard) for shard in shards}) == 1
twice = read(9, 5, 2, True)
print("two epochs", twice)
assert twice[4] == [8, 8, 8] and [len(shard) for shard in twice] == [3] * 5

pieces = [list(MapDataset.source(list(range(9)))[shard::5]) for shard in range(5)]
print("by slices", pieces)
assert sorted(sum(pieces, [])) == list(range(9)), "the way round fails"
PY
