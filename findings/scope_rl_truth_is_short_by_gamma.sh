#!/usr/bin/env bash
# SCOPE-RL's on-policy value, the truth that its estimators are judged by, is short by a factor gamma.
#
# Versions: scope-rl 0.2.1, d3rlpy 2.8.1, torch 2.13.0, gym 0.26.2, gymnasium 1.0.0, numpy 2.4.6.
# One would guess: the value that is measured in the environment and the value that is estimated from data are
#   discounted alike.
# What happens: the rollout counts the step before it discounts, so the first reward is multiplied by gamma.
#   The estimators multiply it by 1.
# Seen: three steps with reward 1, and the same policy for data and evaluation, so that no estimate can err.
#   For gamma .5 importance sampling says 1.75 (exact), and the rollout says .875. For .9: 2.71 and 2.44.
# Why it matters: exact estimates appear to be too high by 1 / gamma, and the estimator that errs downwards wins
#   the comparison. With costs in place of rewards, an unsafe policy measures below its limit.
# Way round: divide the on-policy value by gamma.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq scope-rl==0.2.1 d3rlpy==2.8.1 torch==2.13.0 gym==0.26.2 gymnasium==1.0.0 numpy==2.4.6
venv/bin/python -I -W ignore - 2>log <<'PY'
from importlib.metadata import version

import d3rlpy
import gym
import numpy as np
from scope_rl.ope.discrete import PerDecisionImportanceSampling, TrajectoryWiseImportanceSampling
from scope_rl.ope.online import calc_on_policy_policy_value
from scope_rl.policy import EpsilonGreedyHead

print({name: version(name) for name in ("scope-rl", "d3rlpy", "torch", "gym", "gymnasium", "numpy")})


class ThreeSteps(gym.Env):
    observation_space = gym.spaces.Box(0, 9, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, seed=None, options=None):
        self.time = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.time += 1
        return np.full(1, self.time, np.float32), 1.0, self.time == 3, False, {}


network = d3rlpy.algos.DiscreteBCConfig().create()
network.create_impl((1,), 2)
uniform = EpsilonGreedyHead(network, name="uniform", n_actions=2, epsilon=1.0, random_state=0)
for gamma in (0.5, 0.9, 1.0):
    exact = 1 + gamma + gamma**2
    measured = calc_on_policy_policy_value(ThreeSteps(), uniform, n_trajectories=4, step_per_trajectory=3, gamma=gamma)
    estimates = [
        estimator().estimate_policy_value(
            step_per_trajectory=3,
            action=np.zeros(12, int),
            reward=np.ones(12),
            pscore=np.full(12, 0.5),
            evaluation_policy_action_dist=np.full((12, 2), 0.5),
            gamma=gamma,
        )
        for estimator in (TrajectoryWiseImportanceSampling, PerDecisionImportanceSampling)
    ]
    print("gamma", gamma, "exact", exact, "estimated", *map(float, estimates), "measured on-policy", float(measured))
    assert np.allclose(estimates, exact), "the estimators discount otherwise"
    assert np.isclose(measured, gamma * exact), "the rollout discounts otherwise"
PY
