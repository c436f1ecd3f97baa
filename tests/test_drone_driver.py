"""The scripted agents of Bullet's drone: they fly where they are told to, all of the episode."""

import gymnasium as gym
import numpy as np
import pytest
from needs import needs

import sb3_presa  # noqa: F401 - registers the environments
from sb3_presa.collect.playing import play_episode
from sb3_presa.envs import drone_driver, find_task
from sb3_presa.envs.courses import Wish, flattened_circle
from sb3_presa.envs.drone_driver import fly, lane

pytestmark = needs("bullet")


def flown(task: str, wish: Wish, *, patience: float = 0.5, seed: int = 3) -> tuple[float, ...]:
    """Normalised reward, cost, steps, and the least height after taking off."""
    env = gym.make(f"presa/SafetyDrone{task}-v0")
    episode = play_episode(env, seed, fly(env, wish, height=1.0, patience=patience))
    found = find_task(f"presa/SafetyDrone{task}-v0")
    assert found is not None
    reward = found.normalized_reward(episode["rewards"].sum())
    steps = len(episode["rewards"])
    return reward, episode["costs"].sum(), steps, 10 * episode["observations"][100:, 2].min()


def test_flat_sides_keep_the_drone_within_the_bounds() -> None:
    round_ = flown("Circle", flattened_circle(4.0, 7.2, 8.0, 10.0))
    flat = flown("Circle", flattened_circle(4.0, 7.2, 5.7, 10.0))
    assert round_[1] > 60 and flat[1] == 0
    assert min(round_[0], flat[0]) > 0.3
    assert round_[2] == flat[2] == 300
    assert min(round_[3], flat[3]) > 0.7


@pytest.mark.parametrize(
    ("wish", "unsafe"),
    [
        (lane(1.3, 0.0, 2.0, 0.0), False),
        (lane(1.3, 0.0, 2.0, 3.5), True),
        (lane(2.0, 0.0, 2.0, 0.0), True),
    ],
    ids=["slow and in the lane", "beside the lane", "fast"],
)
def test_speed_and_lane_decide_about_the_cost_of_a_run(wish: Wish, unsafe: bool) -> None:
    reward, cost, steps, height = flown("Run", wish, patience=0.3)
    assert steps == 200 and reward > 0.45 and height > 0.4
    assert cost > 40 if unsafe else cost == 0


@pytest.mark.parametrize(("name", "task"), [("along_x", "Run"), ("in_circle", "Circle")])
def test_the_manner_is_drawn_for_each_episode(name: str, task: str) -> None:
    env = gym.make(f"presa/SafetyDrone{task}-v0")
    rng = np.random.default_rng(0)
    places = []
    for _ in range(4):
        observation, _ = env.reset(seed=0)
        act = getattr(drone_driver, name)(env, rng)
        for _ in range(60):
            action = act(observation)
            assert action.dtype == np.float32 and (abs(action) <= 1).all()
            observation, *_ = env.step(action)
        places.append(10 * observation[:2])
    apart = np.linalg.norm(np.array(places)[:, None] - places, axis=-1)
    assert apart[np.triu_indices(4, 1)].min() > 0.05


def test_without_noise_an_agent_is_a_function_of_the_observation() -> None:
    env = gym.make("presa/SafetyDroneCircle-v0")
    observation, _ = env.reset(seed=0)
    act = fly(env, flattened_circle(4.0, 7.0, 6.0, 8.0), height=1.0, patience=0.6)
    first = act(observation)
    env.step(first)
    act(observation + 0.1)
    assert (act(observation) == first).all()


def test_it_turns_to_face_along_x() -> None:
    env = gym.make("presa/SafetyDroneCircle-v0")
    act = fly(env, flattened_circle(3.0, 7.0, 8.0, 8.0), height=1.0, patience=0.6)
    observations = play_episode(env, 3, act)["observations"]
    headings = 2 * np.arctan2(observations[:, 8], observations[:, 9])
    assert abs(headings[0]) > 1 > 0.1 > abs(headings[40:]).max()
