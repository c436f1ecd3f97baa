#!/usr/bin/env bash
# MABWiser's UCB1 never tries an arm that the log does not hold, and prefers it when rewards are negative.
#
# Versions: mabwiser 2.7.4, numpy 1.26.4.
# One would guess: UCB1 tries every arm once before it compares, as its confidence bound is infinite without data.
# What happens: an arm without data has the bound 0. With positive rewards it is never chosen, with negative ones first.
# Seen: the log holds one reward of "slow", 0.5. In 1,000 rounds that follow, UCB1 chooses "slow" 1,000 times, and
#   "fast", whose reward is 0.9, never. With a log of rewards -1, -2, -1 and -3, -3, -3 it chooses the arm that is in no
#   log. Greedy and LinUCB do as well.
# Why it matters: an agent that starts from logged data never leaves what was logged, or leaves it at once, by the sign
#   of the rewards: adding a constant decides. Costs are negative rewards: the unknown arm counts as free.
# Way round: fit at least one reward of every arm before the first `predict`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq mabwiser==2.7.4 numpy==1.26.4
venv/bin/python -I -W error::RuntimeWarning - <<'PY'
from importlib.metadata import version

from mabwiser.mab import MAB, LearningPolicy

print({name: version(name) for name in ("mabwiser", "numpy")})
REWARDS = {"slow": 0.5, "fast": 0.9}


def chosen(*logged):
    """How often each arm is chosen in 1,000 rounds after the log."""
    bandit = MAB(list(REWARDS), LearningPolicy.UCB1(alpha=1), seed=1)
    bandit.fit(list(logged), [REWARDS[arm] for arm in logged])
    choices = []
    for _ in range(1000):
        choices.append(bandit.predict())
        bandit.partial_fit([choices[-1]], [REWARDS[choices[-1]]])
    return {arm: choices.count(arm) for arm in REWARDS}


print("one arm logged:", chosen("slow"), "both:", chosen("slow", "fast"))
assert chosen("slow") == {"slow": 1000, "fast": 0}, "an arm without data is tried now"
assert chosen("slow", "fast")["fast"] > 900, "the way round fails"
for policy in (LearningPolicy.UCB1(alpha=1), LearningPolicy.EpsilonGreedy(epsilon=0), LearningPolicy.LinUCB(alpha=1)):
    contexts = {"contexts": [[1]] * 6} if "Lin" in type(policy).__name__ else {}
    for sign, expected in ((1, "b"), (-1, "unknown")):
        bandit = MAB(["a", "b", "unknown"], policy, seed=1)
        bandit.fit(list("aaabbb"), [sign * reward for reward in (1, 2, 1, 3, 3, 3)], **contexts)
        choice = bandit.predict([[1]]) if contexts else bandit.predict()
        print(type(policy).__name__, "rewards of sign", sign, "chooses", choice)
        assert choice == expected, "the choice is another"
PY
