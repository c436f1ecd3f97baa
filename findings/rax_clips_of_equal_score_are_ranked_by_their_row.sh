#!/usr/bin/env bash
# Rax gives a model that scores all clips alike a perfect NDCG when the table lists the best clips first.
#
# Versions: rax 0.4.0, jax 0.10.2, numpy 2.4.6.
# One would guess: equal scores get the mean over their orders, as in scikit-learn, and equal labels say nothing.
# What happens: ties are ordered by their row, in metrics and in losses that sort. No warning.
# Seen: six clips with one score: NDCG, MRR, AP and precision are 1.0 for the labels 3, 2, 1, 0, 0, 0, and NDCG is 0.43
#   for the same labels backwards. The share of pairs in the right order is 0 in both. The ListMLE loss of three clips
#   with equal labels has the gradient -0.50, -0.04, 0.54: it teaches the order of the rows.
# Why it matters: tables of clips are often sorted by label, or unsafe clips come last. A model that has learnt nothing
#   (or whose scores are cut to 0) is then as good as can be. Labels "safe" and "unsafe" are mostly ties.
# Way round: give metrics and ListMLE a `key`, which orders ties at random, or shuffle the clips.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq rax==0.4.0 jax==0.10.2 numpy==2.4.6
venv/bin/python -I -W ignore - <<'PY'
from functools import partial
from importlib.metadata import version

import jax
import jax.numpy as jnp
import rax

print({name: version(name) for name in ("rax", "jax", "numpy")})
labels, alike = jnp.array([3.0, 2, 1, 0, 0, 0]), jnp.zeros(6)
metrics = (rax.ndcg_metric, rax.mrr_metric, rax.ap_metric, rax.precision_metric)
first = [float(metric(alike, labels, topn=3)) for metric in metrics]
pairs = [float(rax.opa_metric(alike, one)) for one in (labels, labels[::-1])]
last = float(rax.ndcg_metric(alike, labels[::-1]))
print("best clips first:", first, "last:", round(last, 2), "pairs in the right order:", pairs)
assert min(first) > 0.999 and 0.4 < last < 0.5 and pairs == [0, 0], "ties are no longer ordered by their row"
keys = jax.random.split(jax.random.PRNGKey(0), 2000)


def slope(**key):
    return jax.grad(lambda scores: rax.listmle_loss(scores, jnp.zeros(3), **key))(jnp.zeros(3))


def at_random(function):
    return jnp.mean(jax.vmap(lambda key: function(key=key))(keys), 0)


shuffled = [at_random(partial(rax.ndcg_metric, alike, one)) for one in (labels, labels[::-1])]
print("NDCG with ties at random:", shuffled)
print("ListMLE:", slope(), "with ties at random:", at_random(slope))
assert slope()[0] < -0.4 and slope()[2] > 0.4, "equal labels teach no order now"
assert abs(shuffled[0] - shuffled[1]) < 0.02 and jnp.abs(at_random(slope)).max() < 0.02, "the way round fails"
PY
