"""Scripted agents for MetaDrive's tasks: upstream's own traffic driver at a random speed.

It arrives, which PPO hardly learns in a short time. Recipes name it as ``scripted``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.envs.metadrive_compat import load_metadrive

Act = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]

_SPEEDS = (5.0, 26.0)
"""Range of target speeds, km/h: above 14.4 it arrives in time, above 10 it has a cost."""

_SHARE_OF_LAPSES, _LAPSES = 0.35, (20, 500)
"""Share of the drives that end with a lapse, and the range of its first step."""


def idm(env: Any, rng: np.random.Generator) -> Act:
    """A driver that follows the lane and other vehicles, and may stop steering on the way.

    :param env: One of MetaDrive's tasks, reset.
    :param rng: Draws the speed, the action noise, and whether and when it stops steering.
    :return: Observation -> action.
    """
    policy_class = load_metadrive().IDMPolicy
    policy = policy_class(env.unwrapped._sim.vehicle, int(rng.integers(2**31)))
    # It returns to NORMAL_SPEED after every lane change.
    policy.NORMAL_SPEED = policy.target_speed = float(rng.uniform(*_SPEEDS))
    noise = max(0.0, rng.uniform(-0.1, 0.1))
    lapse_at = int(rng.integers(*_LAPSES)) if rng.random() < _SHARE_OF_LAPSES else None
    lapse = np.array([rng.uniform(-0.3, 0.3), rng.uniform(0.0, 1.0)])
    steps = 0

    def act(_: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        nonlocal steps
        steps += 1
        action = np.asarray(policy.act(), dtype=np.float64)
        if lapse_at is not None and steps > lapse_at:
            action = lapse
        return np.clip(action + rng.normal(0, noise, 2), -1, 1).astype(np.float32)

    return act
