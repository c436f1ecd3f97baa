#!/usr/bin/env bash
# pyfixest's randomization test deals a limiter that 20 of 1,000 clips had to half of them: chance becomes significant.
#
# Versions: pyfixest 0.60.0, pandas 3.1.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: a test by randomization shuffles the column, so that 20 clips have the limiter in each of its draws.
# What happens: `ritest` takes the distinct values of the column and draws one of them for each clip, all as likely.
#   With 500 limiters in place of 20, the coefficients of its draws are much closer to zero. `cluster` does the same for
#   whole groups. The docs speak of "the variable to be resampled", and say no more. Both algorithms use it.
# Seen: logs of 1,000 clips in which the limiter has no effect. The gain of 20 limiters varies by 0.45 when the column
#   is shuffled, and by 0.12 in `ritest`, which deals 462 to 535 of them. In five of eight such logs it has p < 0.05, by
#   shuffling one has. With 500 limiters both agree.
# Why it matters: accidents, interventions and safety devices are rare, and a test by randomization is what people take
#   where they do not trust the usual one. Most of its discoveries are chance.
# Way round: type="randomization-t", which divides by the error of each draw; or shuffle the column in a loop.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq pyfixest==0.60.0 pandas==3.1.1 scipy==1.17.1 numpy==2.4.6
MPLBACKEND=agg venv/bin/python -I -W ignore - 2> errors.txt <<'PY' || { cat errors.txt; exit 1; }
from importlib.metadata import version

import numpy as np
import pandas as pd
import pyfixest as pf
from pyfixest.estimation.post_estimation import ritest

print({name: version(name) for name in ("pyfixest", "pandas", "scipy", "numpy")})
clips = 1000
draws = ritest._resample(np.repeat([0.0, 1.0], [980, 20]), np.random.default_rng(0), iterations=50).sum(0)
print("limiters in its draws, of 20:", draws.min(), "to", draws.max())
assert draws.min() > 400, "the number of limiters is kept now"


def tests(seed, limiters, kind, reps=40):
    """The p-values for a limiter without any effect: usual, pyfixest's, and shuffled by ourselves; and two spreads."""
    random = np.random.default_rng(seed)
    limiter, cost = np.repeat([1.0, 0.0], [limiters, clips - limiters]), random.normal(10, 2, clips)
    fit = pf.feols("cost ~ limiter", data=pd.DataFrame({"cost": cost, "limiter": limiter}))
    options = {"choose_algorithm": "slow", "rng": random, "store_ritest_statistics": True}
    answer = fit.ritest("limiter", reps=reps, type=kind, **options)

    def gain(who):
        return cost[who == 1].mean() - cost[who == 0].mean()

    shuffled = np.array([gain(random.permutation(limiter)) for _ in range(1000)])
    ours = float(np.mean(np.abs(shuffled) >= abs(gain(limiter))))
    spreads = float(np.std(fit._ritest_statistics)), float(shuffled.std())
    return float(fit.pvalue()["limiter"]), float(answer["Pr(>|t|)"]), ours, *spreads


rare = np.array([tests(seed, 20, "randomization-c") for seed in range(8)])
print("no effect, 20 limiters: usual p-values", rare[:, 0].round(2).tolist())
print("ritest", rare[:, 1].round(2).tolist(), "shuffled", rare[:, 2].round(2).tolist())
print("spread of the gain: ritest", rare[:, 3].mean().round(2), "shuffled", rare[:, 4].mean().round(2))
wrong = dict(zip(("usual", "ritest", "shuffled"), (rare[:, :3] < 0.05).sum(0).tolist()))
print("significant at 5 %, of 8", wrong)
assert rare[:, 3].mean() < 0.4 * rare[:, 4].mean(), "the spread is right now"
assert wrong["ritest"] >= 4 and wrong["ritest"] > 2 * wrong["shuffled"], "chance is no longer significant"
even = np.array([tests(seed, 500, "randomization-c") for seed in range(2)])
print("500 limiters: ritest", even[:, 1].round(2).tolist(), "shuffled", even[:, 2].round(2).tolist())
assert abs(even[:, 3].mean() / even[:, 4].mean() - 1) < 0.3, "it differs with 500 limiters"
careful = np.array([tests(seed, 20, "randomization-t") for seed in range(2)])
print("randomization-t", careful[:, 1].round(2).tolist(), "shuffled", careful[:, 2].round(2).tolist())
assert np.abs(careful[:, 1] - careful[:, 2]).max() < 0.3, "the way round fails"
PY
