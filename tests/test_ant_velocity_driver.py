"""The scripted agents of MuJoCo's ant: they walk ahead, and stay on their feet."""

from typing import Any

import gymnasium as gym
import numpy as np
from needs import needs

import sb3_presa  # noqa: F401 - registers the environments
from sb3_presa.collect.playing import play_episode
from sb3_presa.envs.ant_velocity_driver import along_x, walk

pytestmark = needs("safety")
TASK = "presa/SafetyAntVelocity-v1"


def walked(stride: float) -> tuple[float, float, int]:
    """Reward and cost of 300 steps, and how many there were before it fell."""
    episode = play_episode(gym.make(TASK, max_episode_steps=300), 3, walk(stride))
    return episode["rewards"].sum(), episode["costs"].sum(), len(episode["rewards"])


def test_longer_strides_are_faster_and_the_longest_pass_the_speed_limit() -> None:
    (short, free, _), (middle, _, _), (long, cost, steps) = walked(0.4), walked(0.65), walked(0.95)
    # An ant that stands still earns 300.
    assert 400 < short < middle < long
    assert free == 0 and cost > 30 and steps == 300


def test_it_turns_to_walk_along_x() -> None:
    env = gym.make(TASK)
    observation, _ = env.reset(seed=0)
    simulation: Any = env.unwrapped
    simulation._sim.data.qpos[3:7] = np.cos(0.4), 0.0, 0.0, np.sin(0.4)
    act, headings = walk(0.7), []
    for _ in range(300):
        observation, *_ = env.step(act(observation))
        headings.append(2 * np.arctan2(observation[4], observation[1]))
    assert np.mean(headings[:10]) > 0.6
    assert abs(np.mean(headings[-100:])) < 0.3


def test_a_step_is_a_function_of_the_observation() -> None:
    env = gym.make(TASK)
    observation, _ = env.reset(seed=0)
    act = walk(0.7)
    first = act(observation)
    act(observation + 0.1)
    assert (act(observation) == first).all()


def test_the_manner_is_drawn_for_each_episode() -> None:
    env, rng = gym.make(TASK), np.random.default_rng(0)
    observation, _ = env.reset(seed=0)
    actions = np.array([along_x(env, rng)(observation) for _ in range(4)])
    assert actions.dtype == np.float32 and len(np.unique(actions, axis=0)) == 4
