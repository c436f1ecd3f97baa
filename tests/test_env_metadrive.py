"""MetaDrive: the same drive as upstream's in a process of its own, costs by hand, one world."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from needs import needs

from sb3_presa.envs.metadrive import TASKS, MetaDriveEnv, make_upstream
from sb3_presa.errors import ConfigError, SimulatorBusyError

pytestmark = needs("metadrive")

SEED = 5
AHEAD = np.array([0.0, 0.5], dtype=np.float32)


def actions(task: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Along the road, and then off it or into another vehicle."""
    rng = np.random.default_rng(len(task))
    return rng.uniform([-0.03, 0.2], [0.03, 0.9], (200, 2)).astype(np.float32)


def drive_upstream(path: str, tasks: list[str]) -> None:
    """What the other process does: step upstream's own class, and save what it returns."""
    import logging

    from sb3_presa.envs.metadrive_compat import load_metadrive

    metadrive, found = load_metadrive(), {}
    generator, _ = gym.utils.seeding.np_random(SEED)
    traffic_seed = int(generator.integers(2**31))
    for task in tasks:
        upstream = make_upstream(task)
        upstream.lazy_init()
        upstream.engine.traffic_manager.np_random = metadrive.get_np_random(traffic_seed)
        observations, numbers = [upstream.reset()], []
        for action in actions(task):
            observation, reward, _, info = upstream.step(action)
            observations.append(observation)
            ended = info["out_of_road"] or info["crash"]
            numbers.append((reward, info["cost"], upstream.vehicle.speed_km_h, ended))
            if ended:
                break
        found[f"{task} observations"] = np.array(observations)
        found[f"{task} numbers"] = np.array(numbers)
        upstream.close()
    np.savez(path, allow_pickle=False, **found)
    assert not logging.root.handlers
    assert "MetaDrive-validation-v0" not in gym.registry
    assert not {"gym", "gym.spaces", "gym.envs", "seaborn", "cv2"} & set(sys.modules)


@pytest.fixture
def env() -> Iterator[MetaDriveEnv]:
    made = MetaDriveEnv("easysparse")
    yield made
    made.close()


def test_the_drive_is_upstreams_and_quiet(tmp_path: Path) -> None:
    tasks = ["easydense", "hardmean"]
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "import test_env_metadrive\n"
        f"test_env_metadrive.drive_upstream({str(tmp_path / 'found.npz')!r}, {tasks!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    found = np.load(tmp_path / "found.npz")
    for task in tasks:
        env = MetaDriveEnv(task)
        observations, numbers = found[f"{task} observations"], found[f"{task} numbers"]
        assert numbers[-1, 3] == 1 and len(numbers) > 30, "it should leave the road, or crash"
        observation, _ = env.reset(seed=SEED)
        np.testing.assert_array_equal(observation, observations[0])
        steps = zip(actions(task), observations[1:], numbers, strict=False)
        for action, expected, (reward, event_cost, speed, ended) in steps:
            observation, own_reward, terminated, _, info = env.step(action)
            np.testing.assert_array_equal(observation, expected)
            assert own_reward == reward and terminated == ended
            assert info["speed_km_h"] == pytest.approx(speed)
            too_fast = 0.01 * max(0, speed - 10)
            too_near = 0.01 * max(0, 0.1 - float(expected[19:].min())) ** 2
            assert info["cost"] == pytest.approx(event_cost + too_fast + too_near)
        env.close()


@pytest.mark.parametrize(
    ("upstream", "nearest", "costs"),
    [
        # 36 km/h: 26 above 10; and 2 m from an obstacle, 0.06 nearer than 5 m
        ({"velocity": 10.0}, 0.04, {"cost_speed": 0.26, "cost_proximity": 0.000036}),
        ({"velocity": 2.5}, 0.1, {}),
        ({"crash": True, "cost": 1.0}, 0.5, {"cost_crash": 1.0}),
        ({"out_of_road": True, "cost": 1.0}, 0.5, {"cost_out_of_road": 1.0}),
        (
            {"out_of_road": True, "crash": True, "cost": 1.0},
            0.5,
            {"cost_out_of_road": 1.0},
        ),
        ({"arrive_dest": True}, 0.5, {}),
    ],
)
def test_costs_and_endings(
    env: MetaDriveEnv, upstream: dict[str, Any], nearest: float, costs: dict[str, float]
) -> None:
    env.reset(seed=0)
    quiet = {"velocity": 0.0, "cost": 0, "crash": False, "out_of_road": False, "arrive_dest": False}
    observation = np.ones(259, dtype=np.float32)
    observation[30] = nearest
    observation[3] = 0.0  # not of the lidar
    env._sim.step = lambda action: (observation, 1.5, False, {**quiet, **upstream})
    _, reward, terminated, truncated, info = env.step(AHEAD)
    assert (reward, truncated) == (1.5, False)
    assert terminated == any(upstream.get(end) for end in ("crash", "out_of_road", "arrive_dest"))
    assert info["is_success"] == upstream.get("arrive_dest", False)
    parts = {name: value for name, value in info.items() if name.startswith("cost_")}
    assert parts == pytest.approx({**dict.fromkeys(parts, 0.0), **costs}, abs=1e-9)
    assert len(parts) == 4 and info["cost"] == pytest.approx(sum(costs.values()))


def test_the_tasks_settings_are_the_benchmarks() -> None:
    blocks = {"easy": ("SCS", 0), "medium": ("XST", 100), "hard": ("TRO", 200)}
    density = {"sparse": 0.1, "mean": 0.15, "dense": 0.2}
    for road, (sequence, seed) in blocks.items():
        for traffic, expected in density.items():
            config = make_upstream(road + traffic).config
            assert config["map_config"]["config"] == sequence
            assert (config["start_seed"], config["environment_num"]) == (seed, 1)
            assert config["traffic_density"] == expected
            assert config["traffic_mode"] == "hybrid" and config["random_traffic"]
            assert config["accident_prob"] == config["crash_vehicle_penalty"] == 0
    assert len(TASKS) == 9


def test_the_world_goes_to_the_one_that_is_reset_and_comes_back(env: MetaDriveEnv) -> None:
    engine = env._metadrive.BaseEngine
    with pytest.raises(gym.error.ResetNeeded):
        env.step(AHEAD)
    env.reset(seed=1)
    expected = [env.step(AHEAD)[0] for _ in range(3)]
    other = MetaDriveEnv("mediumdense", render_mode="rgb_array")
    other.reset(seed=1)
    with pytest.raises(SimulatorBusyError, match="another MetaDriveEnv took it"):
        env.step(AHEAD)
    env.close()
    other.step(AHEAD)  # closing one that had lost the world did not take it from this one
    env.reset(seed=1)
    np.testing.assert_array_equal([env.step(AHEAD)[0] for _ in range(3)], expected)
    with pytest.raises(SimulatorBusyError):
        other.render()
    other.close()
    env.step(AHEAD)
    env.close()
    assert engine.singleton is None


def test_the_last_picture_of_an_episode_can_be_drawn() -> None:
    import pygame

    env = MetaDriveEnv("easydense", render_mode="rgb_array")
    env.reset(seed=0)
    start = env.render()
    for _ in range(100):
        if env.step(np.array([0.4, 1.0], dtype=np.float32))[2]:
            break
    end = env.render()
    env.close()
    assert start is not None and end is not None and (start != end).any()
    assert not pygame.display.get_init()


def test_what_it_refuses() -> None:
    with pytest.raises(ConfigError, match=r"`task` must be one of \['easysparse'.*, got 'easy'"):
        MetaDriveEnv("easy")
    with pytest.raises(ConfigError, match=r"`render_mode` must be .*, got 'human'"):
        MetaDriveEnv("easysparse", render_mode="human")
