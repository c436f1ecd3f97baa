#!/usr/bin/env bash
# tslearn's distance between a calm clip of 50 steps and one that ends in 5 steps of a crash is 0 with 9 segments.
#
# Versions: tslearn 0.10.0, numba 0.68.1, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6.
# One would guess: a piecewise aggregate approximation (PAA) of 50 steps in 9 segments has segments of 5 and 6 steps,
#   or is refused. All that the documentation says of `n_segments` is that it is how many there are.
# What happens: each segment has 50 // 9 = 5 steps, counted from the start, and the last 5 steps are in none. Their
#   inverse is 0. SAX and 1d-SAX do the same. No error or warning.
# Seen: PAA, SAX and 1d-SAX put the clip with the crash at 0 from the calm one; with 10 segments PAA at 2.24. Of 199
#   steps in 100 segments the last segment is step 99: the second half of the clip is not looked at. The inverse of a
#   clip at a height of 1 m ends with 5 steps at 0 m.
# Why it matters: accidents are at the end of clips, as an episode ends with them. Clips with and without are then the
#   same to a neighbour or a cluster by SAX, and which numbers of segments do so depends on the length of the clip.
# Way round: a number of segments that divides the number of steps, or `TimeSeriesResampler` to such a length first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq tslearn==0.10.0 numba==0.68.1 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from tslearn.piecewise import (OneD_SymbolicAggregateApproximation, PiecewiseAggregateApproximation,
                               SymbolicAggregateApproximation)
from tslearn.preprocessing import TimeSeriesResampler
from tslearn.utils import to_time_series_dataset

print({name: version(name) for name in ("tslearn", "numba", "scikit-learn", "scipy", "numpy")})
steps, segments = 50, 9
calm = np.zeros(steps)
crash = calm.copy()
crash[-5:] = 1


def models(segments):
    sax = {"n_segments": segments, "alphabet_size_avg": 5}
    return (PiecewiseAggregateApproximation(segments), SymbolicAggregateApproximation(**sax),
            OneD_SymbolicAggregateApproximation(**sax, alphabet_size_slope=5))


def distances(segments, clips):
    return [round(float(model.fit(clips).distance(clips[0], clips[1])), 2) for model in models(segments)]


clips = to_time_series_dataset([calm, crash])
seen = {count: distances(count, clips) for count in (segments, 10)}
print("segments and distances by PAA, SAX and 1d-SAX", seen, "of all", np.linalg.norm(crash - calm).round(2))
assert seen[segments] == [0, 0, 0], "the end of the clip counts now"
pieces = np.stack([[part.mean() for part in np.array_split(clip, segments)] for clip in (calm, crash)])
print("means of 9 pieces as NumPy splits the clip", pieces[1].round(2).tolist())
assert np.abs(pieces[1] - pieces[0]).max() > 0.9
assert seen[10][0] == round(float(np.linalg.norm(crash - calm)), 2), "10 segments differ"

times = np.arange(199.0)
paa = PiecewiseAggregateApproximation(100)
seen_times = paa.fit_transform([times]).ravel()
print("199 steps in 100 segments: from", seen_times[0], "to", seen_times[-1])
assert np.array_equal(seen_times, times[:100]), "the second half counts now"

height = np.ones((1, steps, 1))
back = PiecewiseAggregateApproximation(segments)
back = back.inverse_transform(back.fit_transform(height)).ravel()
print("inverse of a height of 1:", back[:3].tolist(), "to", back[-7:].tolist())
assert np.array_equal(back, np.repeat([1.0, 0.0], (45, 5))), "the inverse is right now"

resampled = TimeSeriesResampler(segments * 6).fit_transform(clips)
seen = distances(segments, resampled)
print("way round", seen)
assert min(seen) > 0, "the way round fails"
PY
