#!/usr/bin/env bash
# RLlib reports a gain of -600,000,000 for a policy that has fewer accidents than the one that wrote the data.
#
# Versions: ray 2.60.0, gymnasium 1.2.2, numpy 2.4.6.
# One would guess: `v_gain` compares the value of the new policy with that of the logged one, so less harm is better.
# What happens: `v_gain` is v_target / max(v_behavior, 1e-8). A negative value of the logged policy is replaced by
#   1e-8, and the new value is divided by that. The worse the new policy, the farther below 0.
# Seen: rewards of -5 and -15, half each; the new policy takes the first nine times in ten. v_behavior -10, v_target
#   -6, v_gain -6e8. With the same numbers above 0, v_gain is .6. `v_delta` is 4, which is right.
# Why it matters: costs are negative rewards, and many tasks have returns below 0. A search that maximises `v_gain`
#   across tasks or seeds is led by the size of -v_target alone.
# Way round: `v_delta`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq "ray[rllib]==2.60.0" gymnasium==1.2.2 pandas==3.1.1 pyarrow==26.0.1 scipy==1.17.1 numpy==2.4.6
venv/bin/python -I -W ignore - 2>log <<'PY'
from importlib.metadata import version

import numpy as np
from gymnasium.spaces import Discrete
from ray.rllib.offline.estimators import ImportanceSampling, WeightedImportanceSampling
from ray.rllib.policy.sample_batch import SampleBatch

print({name: version(name) for name in ("ray", "gymnasium", "numpy")})


class Careful:
    """Takes action 0 nine times in ten."""

    action_space, config = Discrete(2), {}

    def num_state_tensors(self):
        return 0

    def compute_log_likelihoods(self, actions, **_):
        return np.log(np.where(np.asarray(actions) == 0, 0.9, 0.1))


def estimate(estimator, rewards):
    log = SampleBatch(
        obs=np.zeros((20, 1)),
        actions=np.tile([0, 1], 10),
        rewards=np.tile(rewards, 10).astype(float),
        action_prob=np.full(20, 0.5),
        eps_id=np.arange(20),  # episodes of one step
        t=np.zeros(20, int),
        terminateds=np.ones(20, bool),
        truncateds=np.zeros(20, bool),
    )
    answer = estimator(Careful(), gamma=1.0).estimate(log)
    return [round(float(answer[name]), 2) for name in ("v_behavior", "v_target", "v_gain", "v_delta")]


for estimator in (ImportanceSampling, WeightedImportanceSampling):
    below, above = estimate(estimator, [-5, -15]), estimate(estimator, [5, 15])
    print(estimator.__name__, "v_behavior, v_target, v_gain, v_delta:", below, "without the signs", above)
    assert below[:2] == [-10, -6] and below[3] == 4 and above == [10, 6, 0.6, -4]
    assert below[2] < -5e8, "the gain is another"
PY
