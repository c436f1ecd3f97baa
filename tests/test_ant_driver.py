"""The scripted agents of Bullet's ant: they walk where they are told to."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from needs import needs

import sb3_presa  # noqa: F401 - registers the environments
from sb3_presa.collect.playing import play_episode
from sb3_presa.envs import find_task
from sb3_presa.envs.ant_driver import ROUND, RUN, along_x, circle, in_circle, lane, walk

pytestmark = needs("bullet")
TASK = "presa/SafetyAntRun-v0"


def walked(y: float, stride: float) -> tuple[float, float, float]:
    """Normalised reward, the way along x, and the last y, in metres."""
    episode = play_episode(gym.make(TASK), 3, walk(RUN, lane(y), stride))
    task, observations = find_task(TASK), episode["observations"]
    assert task is not None and len(episode["rewards"]) == 200
    reward = task.normalized_reward(episode["rewards"].sum())
    return reward, 10 * observations[-1, 0], 10 * observations[-1, 1]


def test_it_walks_in_the_lane_that_it_is_told_and_slower_with_a_shorter_stride() -> None:
    ahead, short, beside = walked(0.0, 1.0), walked(0.0, 0.5), walked(3.5, 1.0)
    assert ahead[0] > 0.3 and ahead[1] > 2
    assert abs(ahead[2]) < 1 < beside[2]
    assert short[1] < 0.8 * ahead[1]


def test_a_step_is_a_function_of_the_observation() -> None:
    env = gym.make(TASK)
    observation, _ = env.reset(seed=0)
    act = walk(RUN, lane(0.0))
    first = act(observation)
    act(observation + 0.1)
    assert (act(observation) == first).all()


@pytest.mark.parametrize(("task", "make"), [("Run", along_x), ("Circle", in_circle)])
def test_the_manner_is_drawn_for_each_episode(task: str, make: Any) -> None:
    env, rng = gym.make(f"presa/SafetyAnt{task}-v0"), np.random.default_rng(0)
    observation, _ = env.reset(seed=0)
    actions = np.array([make(env, rng)(observation) for _ in range(4)])
    assert actions.dtype == np.float32 and len(np.unique(actions, axis=0)) == 4


@pytest.mark.parametrize("width", [4.7, 7.4])
def test_it_walks_along_the_circle_and_flat_sides_keep_it_within_the_bounds(width: float) -> None:
    env = gym.make("presa/SafetyAntCircle-v0", max_episode_steps=300)
    act = walk(ROUND, circle(width), stride=0.85, ahead=0.7, rise=2.0)
    episode = play_episode(env, 3, act)
    places = 10 * episode["observations"][100:, :2]
    turned = np.diff(np.unwrap(np.arctan2(places[:, 1], places[:, 0])))
    assert turned.sum() < -1.0 and 5 < np.linalg.norm(places, axis=1).mean() < 8
    assert (episode["costs"].sum() < 20) == (width < 5)
