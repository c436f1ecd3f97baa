#!/usr/bin/env bash
# obp's 95% interval of a self-normalised estimate reaches from 93.6 to 106.2 where all rewards are 99 or 100.
#
# Versions: obp 0.4.1, torch 2.13.0, scikit-learn 1.9.1, scipy 1.17.1, pandas 2.3.3, numpy 2.4.6.
# One would guess: `estimate_interval` draws the rounds again with replacement and estimates the value of each sample.
#   A self-normalised estimate (SNIPW) and the replay method are weighted means, so no bound is above the largest
#   reward.
# What happens: the rewards are divided by the mean weight of all rounds once, and the quotients are drawn. The mean
#   weight of a sample plays no part in its value. The estimate moves by 100 when 100 is added to all rewards, as it
#   must; the width of its interval is another. No warning; the docstring says "nonparametric bootstrap procedure".
# Seen: 1,000 rounds. The value of -cost is -0.138, with [-0.165, -0.113]. Of 1 - cost it is 0.862, with [0.796,
#   0.930], and of 100 - cost 99.862, with [93.581, 106.175]. A bootstrap of the estimate gives a width of 0.052 each
#   time. The replay method gives [0.760, 1.115] for 1 - cost. Of 1,000 other logs 95 % of the values lie within
#   0.049.
# Why it matters: whether a policy is proven to be safer than the limit depends on whether costs are written as -cost
#   or as 1 - cost. A reward per step survived makes the intervals so wide that nothing is ever proven.
# Way round: draw the rounds, and call `estimate_policy_value` for each sample.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq obp==0.4.1 torch==2.13.0 scikit-learn==1.9.1 scipy==1.17.1 pandas==2.3.3 numpy==2.4.6
OMP_NUM_THREADS=1 venv/bin/python -I -W ignore - <<'PY'
from importlib.metadata import version

import numpy as np
from obp.ope import ReplayMethod, SelfNormalizedInverseProbabilityWeighting

print({name: version(name) for name in ("obp", "torch", "scikit-learn", "scipy", "pandas", "numpy")})
random = np.random.default_rng(0)
rounds = 1000
logged, judged = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.1, 0.2, 0.3, 0.4])  # chances of four actions
risk = np.array([0.3, 0.2, 0.1, 0.05])


def log():
    action = random.choice(4, rounds, p=logged)
    return action, (random.random(rounds) < risk[action]).astype(float)


def everywhere(chances):
    return np.tile(chances[:, None], (rounds, 1, 1))


def percentiles(values):
    return np.percentile(values, [2.5, 97.5])


def judge(estimator, policy, reward):
    """Estimate and interval by obp."""
    given = {"reward": reward, "action": action, "action_dist": everywhere(policy)}
    if not isinstance(estimator, ReplayMethod):
        given["pscore"] = logged[action]
    found = estimator.estimate_interval(**given, n_bootstrap_samples=1000, random_state=1)
    return float(estimator.estimate_policy_value(**given)), np.array([found[f"95.0% CI ({end})"] for end in
                                                                      ("lower", "upper")])


action, cost = log()
weight = (judged / logged)[action]
draws = [random.integers(rounds, size=rounds) for _ in range(1000)]
widths = {}
for name, reward in {"-cost": -cost, "1 - cost": 1 - cost, "100 - cost": 100 - cost}.items():
    value, interval = judge(SelfNormalizedInverseProbabilityWeighting(), judged, reward)
    right = percentiles([np.average(reward[draw], weights=weight[draw]) for draw in draws])
    print(name, "is", round(value, 3), "in", interval.round(3), "by obp, and in", right.round(3), "by a bootstrap")
    assert np.isclose(value, np.average(reward, weights=weight)), "the estimate is another"
    assert np.isclose(np.ptp(right), 0.052, atol=0.002)
    widths[name] = np.ptp(interval)
assert interval[1] > 106 > reward.max(), "no bound is above the largest reward now"
assert widths["1 - cost"] > 2 * widths["-cost"], "the widths of -cost and 1 - cost agree now"
assert widths["100 - cost"] > 200 * widths["-cost"], "the widths of -cost and 100 - cost agree now"

only_last = np.eye(4)[3]
value, interval = judge(ReplayMethod(), only_last, 1 - cost)
print("replay method: 1 - cost is", round(value, 3), "in", interval.round(3))
assert np.isclose(value, (1 - cost)[action == 3].mean()) and interval[1] > 1.1, "the replay method is right now"

others = []
for _ in range(1000):
    act, hit = log()
    others.append(np.average(100 - hit, weights=(judged / logged)[act]))
print("width of 95 % of 1,000 other logs", np.ptp(percentiles(others)).round(3))
assert np.ptp(percentiles(others)) < 0.07

again = [SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(
    reward=(100 - cost)[draw], action=action[draw], pscore=logged[action[draw]], action_dist=everywhere(judged))
    for draw in draws]
print("way round", percentiles(again).round(3))
assert np.isclose(np.ptp(percentiles(again)), 0.052, atol=0.002), "the way round fails"
PY
