"""The scripted agents of Bullet's ant: they walk where they are told to."""

import gymnasium as gym
import numpy as np
from needs import needs

import sb3_presa  # noqa: F401 - registers the environments
from sb3_presa.collect.agents import play_episode
from sb3_presa.envs import find_task
from sb3_presa.envs.ant_driver import RUN, along_x, lane, walk

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


def test_the_manner_is_drawn_for_each_episode() -> None:
    env, rng = gym.make(TASK), np.random.default_rng(0)
    observation, _ = env.reset(seed=0)
    actions = np.array([along_x(env, rng)(observation) for _ in range(4)])
    assert actions.dtype == np.float32 and len(np.unique(actions, axis=0)) == 4
