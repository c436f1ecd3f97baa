"""The scripted agents of MuJoCo's swimmer: they swim ahead, as fast as they are told to."""

from typing import Any

import gymnasium as gym
import numpy as np
from needs import needs

import sb3_presa  # noqa: F401 - registers the environments
from sb3_presa.collect.playing import play_episode
from sb3_presa.envs.swimmer_driver import along_x, swim

pytestmark = needs("safety")
TASK = "presa/SafetySwimmerVelocity-v1"


def swum(amplitude: float) -> tuple[float, float]:
    """Reward and cost of 300 steps."""
    env = gym.make(TASK, max_episode_steps=300)
    episode = play_episode(env, 3, swim(amplitude, lead=1.2))
    return episode["rewards"].sum(), episode["costs"].sum()


def test_larger_strokes_are_faster_and_the_largest_pass_the_speed_limit() -> None:
    (short, free), (middle, _), (large, cost) = swum(0.25), swum(0.4), swum(0.55)
    assert 10 < short < 0.8 * middle < 0.64 * large
    assert free == 0 and cost > 50


def test_it_turns_to_swim_along_x() -> None:
    env = gym.make(TASK)
    observation, _ = env.reset(seed=0)
    simulation: Any = env.unwrapped
    simulation._sim.data.qpos[2] = 0.8
    act = swim(0.4, lead=1.2)
    headings = []
    for _ in range(400):
        observation, *_ = env.step(act(observation))
        headings.append(observation[0] + 0.35 * (observation[1] + 0.5 * observation[2]))
    assert np.mean(headings[:20]) > 0.5
    assert abs(np.mean(headings[-100:])) < 0.35


def test_a_stroke_is_a_function_of_the_observation() -> None:
    env = gym.make(TASK)
    observation, _ = env.reset(seed=0)
    act = swim(0.4, lead=1.2)
    first = act(observation)
    act(observation + 0.1)
    assert (act(observation) == first).all()


def test_the_manner_is_drawn_for_each_episode() -> None:
    env, rng = gym.make(TASK), np.random.default_rng(0)
    observation, _ = env.reset(seed=0)
    actions = np.array([along_x(env, rng)(observation) for _ in range(4)])
    assert actions.dtype == np.float32 and len(np.unique(actions, axis=0)) == 4
