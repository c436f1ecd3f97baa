#!/usr/bin/env bash
# DeepDiff finds no difference between two pandas tables with the same column names, whatever is in them.
#
# Versions: deepdiff 9.1.0, pandas 3.1.1, pyarrow 26.0.1, numpy 2.4.6.
# One would guess: the values that differ, as DeepDiff reports them for arrays and Series, or an error.
# What happens: a table is compared as what one gets by a loop over it, and this is the names of its columns. Arrow's
#   tables and arrays are equal as well. DeepHash of the same package tells pandas tables apart.
# Seen: costs 1 and 2 against 1 and 900 give {}. So do two rows against one, and a dict of settings with a table in it.
#   Series give the value, and a renamed column its name.
# Why it matters: such a comparison is how tests and pipelines tell that a log or its labels are unchanged. It never says
#   otherwise.
# Way round: `first.to_dict("list")` on both sides, `pandas.testing.assert_frame_equal`, or `equals` of Arrow.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq deepdiff==9.1.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import pandas as pd
import pyarrow as pa
from deepdiff import DeepDiff, DeepHash

print({name: version(name) for name in ("deepdiff", "pandas", "pyarrow", "numpy")})
first = pd.DataFrame({"clip": [1, 2], "cost": [1.0, 2.0]})
second = first.assign(cost=[1.0, 900.0])
pairs = {
    "tables": (first, second),
    "two rows and one": (first, first[:1]),
    "in a dict": ({"limit": 25, "log": first}, {"limit": 25, "log": second}),
    "Arrow tables": tuple(pa.Table.from_pandas(table) for table in (first, second)),
    "Arrow arrays": (pa.array([1.0, 2.0]), pa.array([1.0, 900.0])),
}
for name, pair in pairs.items():
    difference = DeepDiff(*pair)
    print(name, difference)
    assert difference == {}, f"{name} differ now"
assert not first.equals(second) and not pairs["Arrow tables"][0].equals(pairs["Arrow tables"][1])
seen = {
    "arrays": DeepDiff(first["cost"].to_numpy(), second["cost"].to_numpy()),
    "series": DeepDiff(first["cost"], second["cost"]),
    "names": DeepDiff(first, first.rename(columns={"cost": "risk"})),
    "lists": DeepDiff(first.to_dict("list"), second.to_dict("list")),
}
print(seen)
assert all(list(difference) == ["values_changed"] for difference in seen.values()), "the way round fails"
assert DeepHash(first)[first] != DeepHash(second)[second], "hashes are equal now"
PY
