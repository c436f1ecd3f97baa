#!/usr/bin/env bash
# simpledorff reports perfect agreement for an annotator who answered the same clip in two ways.
#
# Versions: simpledorff 0.0.2, pandas 2.3.3, numpy 2.4.6.
# One would guess: an error, or both answers count.
# What happens: the table is pivoted with "first" for several rows of one clip and annotator. All answers but
#   the first are left out, and the result depends on the order of the rows.
# Seen: two clips by two annotators, the second of whom answered one clip again and otherwise: alpha = 1.0.
#   With the rows the other way round alpha = 0.0.
# Why it matters: pages for labelling ask some clips twice to measure how consistent a person is. A log of all
#   answers in time order gives the agreement of the first ones only.
# Way round: refuse duplicates before (`table.duplicated(["clip", "who"]).any()`), or name each pass apart.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq simpledorff==0.0.2 pandas==2.3.3 numpy==2.4.6
venv/bin/python -I -W error - <<'PY'
from importlib.metadata import version

import pandas as pd
from simpledorff import calculate_krippendorffs_alpha_for_df

print({name: version(name) for name in ("simpledorff", "pandas", "numpy")})
answers = pd.DataFrame(
    [("clip 0", "Ada", "safe"), ("clip 0", "Bea", "safe"), ("clip 1", "Ada", "unsafe"), ("clip 1", "Bea", "unsafe"),
     ("clip 0", "Bea", "unsafe")],
    columns=["clip", "who", "label"],
)  # fmt: skip


def alpha(table):
    return calculate_krippendorffs_alpha_for_df(
        table, experiment_col="clip", annotator_col="who", class_col="label"
    )


forwards, backwards = alpha(answers), alpha(answers[::-1])
print("in the order of time", forwards, "backwards", backwards)
assert forwards == 1, "the second answer is no longer left out"
assert backwards == 0, "the order of the rows no longer matters"
passes = answers.assign(who=answers["who"] + answers.groupby(["clip", "who"]).cumcount().astype(str))
print("passes apart", alpha(passes))
assert 0 < alpha(passes) < 1, "the way round fails"
PY
