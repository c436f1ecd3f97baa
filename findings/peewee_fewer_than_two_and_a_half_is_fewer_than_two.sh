#!/usr/bin/env bash
# Peewee finds two of three clips that have fewer than 2.5 collisions: it asks for fewer than 2.
#
# Versions: peewee 4.5.3, with Python's sqlite3.
# One would guess: a number in a condition goes to the database as it is, as with a query written by hand.
# What happens: it is converted to the type of the column that it is compared with, and int(2.5) is 2. This holds for
#   all comparisons, and for `between`. Equality with a half finds whole numbers.
# Seen: clips with 0 to 4 collisions. `collisions < 2.5` gives 0 and 1. `collisions >= 0.5` gives all five, the clip
#   without a collision too, and `collisions == 2.5` gives the clip with two. SQL gives 0, 1, 2; 1 to 4; and none.
# Why it matters: thresholds are means, medians and quantiles of counts, and these have fractions. Clips just at the
#   threshold change sides, and every clip counts as unsafe at a threshold of a half.
# Way round: compare with the column as a real number: `Clip.collisions.cast("real") < 2.5`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq peewee==4.5.3
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import peewee

print({"peewee": version("peewee")})
database = peewee.SqliteDatabase(":memory:")


class Clip(peewee.Model):
    collisions = peewee.IntegerField()

    class Meta:
        database = database


database.create_tables([Clip])
for count in range(5):
    Clip.create(collisions=count)


def found(condition):
    return sorted(clip.collisions for clip in Clip.select().where(condition))


def by_hand(condition):
    return sorted(row[0] for row in database.execute_sql("SELECT collisions FROM clip WHERE " + condition))


seen = {
    "collisions < 2.5": (found(Clip.collisions < 2.5), [0, 1], [0, 1, 2]),
    "collisions >= 0.5": (found(Clip.collisions >= 0.5), [0, 1, 2, 3, 4], [1, 2, 3, 4]),
    "collisions = 2.5": (found(Clip.collisions == 2.5), [2], []),
    "collisions BETWEEN 0.5 AND 1.5": (found(Clip.collisions.between(0.5, 1.5)), [0, 1], [1]),
}
for condition, (answer, stated, right) in seen.items():
    print(condition, "peewee", answer, "SQL", by_hand(condition))
    assert by_hand(condition) == right
    assert answer == stated, "the conversion of thresholds has changed"
print(Clip.select().where(Clip.collisions < 2.5).sql())
assert found(Clip.collisions.cast("real") < 2.5) == [0, 1, 2], "the way round fails"
assert found(Clip.collisions.cast("real") >= 0.5) == [1, 2, 3, 4], "the way round fails"
PY
