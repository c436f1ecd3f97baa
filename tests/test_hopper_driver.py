"""The scripted agents of MuJoCo's hopper: they hop ahead, as fast as they are told to."""

import gymnasium as gym
import numpy as np
import pytest
from needs import needs

import sb3_presa  # noqa: F401 - registers the environments
from sb3_presa.collect.playing import play_episode
from sb3_presa.envs.hopper_driver import along_x, hop

pytestmark = needs("safety")
TASK = "presa/SafetyHopperVelocity-v1"


def hopped(speed: float) -> tuple[float, float, int]:
    """Reward and cost of an episode, and its length."""
    episode = play_episode(gym.make(TASK), 3, hop(speed))
    return episode["rewards"].sum(), episode["costs"].sum(), len(episode["rewards"])


def test_the_slow_one_is_safe_and_the_faster_the_more_it_earns_and_costs() -> None:
    slow, middle, fast = hopped(0.0), hopped(0.4), hopped(0.8)
    # A hopper that stands earns 1,000.
    assert 1300 < slow[0] < middle[0] < fast[0]
    assert slow[1] < 20 < 80 < middle[1] < fast[1]
    assert slow[2] == middle[2] == fast[2] == 1000


@pytest.mark.parametrize("seed", range(3))
def test_noise_does_not_make_it_fall(seed: int) -> None:
    env, rng = gym.make(TASK, max_episode_steps=400), np.random.default_rng(seed)
    env.reset(seed=seed)
    assert not play_episode(env, seed, along_x(env, rng))["terminated"]


def test_the_manner_is_drawn_for_each_episode() -> None:
    env, rng = gym.make(TASK), np.random.default_rng(0)
    observation, _ = env.reset(seed=0)
    actions = np.array([along_x(env, rng)(observation) for _ in range(4)])
    assert actions.dtype == np.float32 and len(np.unique(actions, axis=0)) == 4
