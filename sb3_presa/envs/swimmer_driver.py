"""Scripted agents that swim with MuJoCo's swimmer: PPO hardly learns to in a collection's time.

A wave runs down the body: both joints swing, the rear one later. A stroke with a clock could not
be cloned, as the clock is not in the observation. Here the two joint angles are the clock: they
give the phase of the wave, and their targets lead it. Each episode draws a manner: the wave's
amplitude, by how much targets lead, and action noise. Recipes name them as ``scripted``. The
numbers were found by a search (the cross-entropy method, some 1,000 episodes) for speed below the
limit: the head moves evenly with them, and it is the head's speed that costs.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.envs.scripted import Act, shaky

_GAIN, _DAMPING = 1.95, 0.26  # action per rad, and per rad/s
_LAG = 1.139  # rad, by which the rear joint swings later
_SMALL = 0.066  # rad; swings much smaller than this have no phase
_MOST_BEND = 0.5  # rad, of both joints, to steer with


def swim(amplitude: float, lead: float) -> Act:
    """An agent that swims along x.

    :param amplitude: Of the joints' targets, rad: the larger, the faster it swims.
    :param lead: By how much the targets lead the wave's phase, rad.
    :return: Observation -> action.
    """
    lag = np.array([np.cos(_LAG), np.sin(_LAG)])
    turn = np.cos(lead) + 1j * np.sin(lead)

    def act(observation: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        head, front, rear = np.asarray(observation[:3], dtype=np.float64)
        heading = head + 0.35 * (front + 0.5 * rear)
        bend = float(np.clip(1.4 * heading, -_MOST_BEND, _MOST_BEND))
        angles = np.array([front, rear]) - bend
        # The front joint is cos(phase), and the rear one cos(phase - lag).
        wave = complex(angles[0], (angles[1] - angles[0] * lag[0]) / lag[1])
        wave *= turn / np.sqrt(abs(wave) ** 2 + _SMALL**2)
        wanted = amplitude * np.array([wave.real, wave.real * lag[0] + wave.imag * lag[1]])
        damped = _DAMPING * np.asarray(observation[6:8], dtype=np.float64)
        return np.clip(_GAIN * (wanted - angles) - damped, -1, 1).astype(np.float32)

    return act


def along_x(env: Any, rng: np.random.Generator) -> Act:
    """An agent that swims ahead, below the speed limit or above it.

    :param env: The swimmer's velocity task, reset.
    :param rng: Draws the manner.
    :return: Observation -> action.
    """
    # Most are about as fast as the limit: there the cost turns from 0 to hundreds.
    act = swim(amplitude=0.32 + 0.22 * rng.beta(4, 1), lead=rng.uniform(0.8, 1.4))
    return shaky(act, rng.uniform(0.1, 0.3), rng)
