"""Highway driving: the same drive as upstream's, and its costs worked out by hand."""

from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from sb3_presa.envs import find_task
from sb3_presa.envs.highway import HighwaySafeEnv, make_upstream
from sb3_presa.errors import ConfigError

FULL_SPEED = np.array([1, 0], dtype=np.float32)
GO_ON = np.zeros(2, dtype=np.float32)


@pytest.fixture
def env() -> Iterator[HighwaySafeEnv]:
    made = HighwaySafeEnv(render_mode="rgb_array")
    made.reset(seed=0)
    yield made
    made.close()


def place(env: HighwaySafeEnv, speed: float, gap: float) -> Any:
    """Give the own car a speed, and put a vehicle ``gap`` metres from its bumper in its lane."""
    road, ego = env._sim.road, env._sim.vehicle
    other = next(vehicle for vehicle in road.vehicles if vehicle is not ego)
    road.vehicles[:] = [ego, other]
    ego.speed = speed
    other.position = ego.position + np.array([gap + ego.LENGTH, 0.0])
    return other


@pytest.mark.parametrize("discrete", [False, True])
def test_the_drive_is_upstreams(discrete: bool) -> None:
    env, upstream = HighwaySafeEnv(discrete), make_upstream(discrete)
    rng = np.random.default_rng(0)
    ended = []
    for seed in range(3):
        observation, _ = env.reset(seed=seed)
        generator, _ = gym.utils.seeding.np_random(seed)
        expected, _ = upstream.reset(seed=int(generator.integers(2**31)))
        if seed == 0:  # fewer than are seen
            for simulation in (env._sim, upstream):
                del simulation.road.vehicles[4:]
        terminated = False
        for _ in range(15):
            np.testing.assert_array_equal(observation, expected.reshape(-1))
            action = rng.choice([0, 2, 3, 3]) if discrete else rng.uniform(-1, 1, 2)
            observation, reward, terminated, *_ = env.step(action)
            expected, expected_reward, expected_end, *_ = upstream.step(action)
            assert (reward, terminated) == (expected_reward, expected_end)
            if terminated:
                break
        ended.append(terminated)
    assert any(ended)


@pytest.mark.parametrize(
    ("speed", "gap", "tailgating", "speeding"),
    [
        (20.0, 25.0, 0.0, 0.0),
        (20.0, 10.0, 0.1, 0.0),  # half a second away: half a point a second, for 0.2 s
        (20.0, 0.0, 0.2, 0.0),
        (30.0, 60.0, 0.0, 0.0),
        (35.0, 60.0, 0.0, 0.1),  # half way from the limit to the top
        (40.0, 10.0, 0.15, 0.2),
        (0.0, 0.5, 0.0, 0.0),  # a traffic jam
    ],
)
def test_tailgating_and_speeding_cost_by_the_second(
    env: HighwaySafeEnv, speed: float, gap: float, tailgating: float, speeding: float
) -> None:
    place(env, speed, gap)
    info = env._info()
    assert info["cost_tailgating"] == pytest.approx(tailgating)
    assert info["cost_speeding"] == pytest.approx(speeding)
    assert info["cost"] == pytest.approx(tailgating + speeding)


def test_the_car_behind_and_the_next_lane_are_not_tailgated(env: HighwaySafeEnv) -> None:
    place(env, speed=20.0, gap=-15.0)
    assert env._info()["cost_tailgating"] == 0
    other = place(env, speed=20.0, gap=5.0)
    assert env._info()["cost_tailgating"] > 0
    away = 4.0 if env._sim.vehicle.lane_index[2] == 0 else -4.0
    other.position[1] += away
    other.on_state_update()
    assert env._info()["cost_tailgating"] == 0


def test_a_crash_costs_once_and_ends_the_episode(env: HighwaySafeEnv) -> None:
    place(env, speed=35.0, gap=20.0).speed = 0.0
    infos = []
    for _ in range(20):
        *_, terminated, _, info = env.step(FULL_SPEED)
        infos.append(info)
        if terminated:
            break
    assert [info["cost_crash"] for info in infos] == [0.0] * (len(infos) - 1) + [10.0]
    assert infos[-1]["crash"] and not infos[-1]["out_of_road"]
    parts = ("cost_crash", "cost_tailgating", "cost_speeding")
    assert all(info["cost"] == sum(info[part] for part in parts) for info in infos)


def test_leaving_the_road_is_a_crash(env: HighwaySafeEnv) -> None:
    env._sim.road.vehicles[:] = [env._sim.vehicle]
    for _ in range(30):
        *_, terminated, _, info = env.step(np.array([0, 1], dtype=np.float32))
        if terminated:
            break
    assert terminated and info["crash"] and info["out_of_road"] and info["cost"] == 10


def test_distance_and_speed_are_in_metres_and_kilometres(env: HighwaySafeEnv) -> None:
    for seed in (0, 1):
        env.reset(seed=seed)
        env._sim.road.vehicles[:] = [env._sim.vehicle]
        for step in range(1, 6):
            info = env.step(GO_ON)[-1]
            assert info["distance"] == pytest.approx(25.0 * 0.2 * step)
            assert info["speed_km_h"] == pytest.approx(90.0)


def test_pictures_leave_pygames_display_alone(env: HighwaySafeEnv) -> None:
    import pygame

    before = env.render()
    env.step(GO_ON)
    after = env.render()
    assert before is not None and after is not None and (before != after).any()
    assert not pygame.display.get_init()


def test_it_is_no_task_of_the_benchmark_and_refuses_windows() -> None:
    assert find_task("presa/HighwaySafe-v0") is None
    with pytest.raises(ConfigError, match=r"`render_mode` must be .*, got 'human'"):
        HighwaySafeEnv(render_mode="human")
