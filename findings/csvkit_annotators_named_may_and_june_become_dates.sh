#!/usr/bin/env bash
# csvkit turns annotators named April, May and June into days of the year 1, and costs of 0 and 1 into False and True.
#
# Versions: csvkit 2.2.0, agate 1.14.2.
# One would guess: `csvsort`, which is asked to sort by clip, leaves all other columns as they are. `csvjson` makes
#   numbers of costs and text of names.
# What happens: every column is read as the first type that takes all its values, and is written back as that type.
#   Booleans come first, then numbers, then times and dates. A date may be the bare name of a month.
# Seen: four clips, costs 0 and 1, and the annotators April, May, June. `csvsort -c clip` writes the names as
#   0001-04-01, 0001-05-01 and 0001-06-01, and the costs as False and True. With a cost of 2 they stay numbers.
# Why it matters: the names cannot be told from dates later, and one more annotator, Ann, gives all their names back. A
#   file of costs that happen to be 0 and 1 has another type than the file of the next episode.
# Way round: `--no-inference` (`-I`) with every tool of csvkit.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq csvkit==2.2.0 agate==1.14.2
venv/bin/python -I - <<'PY'
import csv
import io
import json
import subprocess
from importlib.metadata import version
from pathlib import Path

print({name: version(name) for name in ("csvkit", "agate")})
LOG = "clip,cost,annotator\n2,1,May\n1,0,April\n3,0,June\n4,1,May\n"


def answer(tool, text, *options):
    """What a tool of csvkit prints about a file of this text."""
    Path("log.csv").write_text(text)
    return subprocess.run([f"venv/bin/{tool}", *options, "log.csv"], check=True, capture_output=True, text=True).stdout


def by_clip(text, *options):
    rows = list(csv.DictReader(io.StringIO(answer("csvsort", text, "-c", "clip", *options))))
    return [row["cost"] for row in rows], [row["annotator"] for row in rows]


for name, text in (("as it is", LOG), ("a cost of 2", LOG.replace("2,1", "2,2")), ("with Ann", LOG + "5,0,Ann\n")):
    print(name, *by_clip(text))
costs, names = by_clip(LOG)
assert costs == ["False", "True", "False", "True"], "costs stay numbers now"
assert names == ["0001-04-01", "0001-05-01", "0001-06-01", "0001-05-01"], "names stay names now"
assert by_clip(LOG.replace("2,1", "2,2"))[0] == ["0", "2", "0", "1"]
assert by_clip(LOG + "5,0,Ann\n")[1] == ["April", "May", "June", "May", "Ann"]
first = json.loads(answer("csvjson", LOG))[0]
print("csvjson", first)
assert first["cost"] is True and first["annotator"] == "0001-05-01"
assert by_clip(LOG, "-I") == (["0", "1", "0", "1"], ["April", "May", "June", "May"]), "the way round fails"
PY
