"""The registered environments: what Gymnasium and SB3 expect, costs, and exact repetition."""

import hashlib
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import SubprocVecEnv

from sb3_presa.envs import all_tasks, find_task, register_envs
from sb3_presa.envs.bullet import SafetyBulletEnv
from sb3_presa.errors import ConfigError, SimulatorNotInstalledError

ENV_IDS = [
    f"presa/Safety{agent}{task}-v0" for agent in ("Ball", "Car") for task in ("Run", "Circle")
]
Env = gym.Env[Any, Any]


@pytest.fixture(params=ENV_IDS)
def env(request: pytest.FixtureRequest) -> Iterator[Env]:
    made = gym.make(request.param, render_mode="rgb_array")
    yield made
    made.close()


def fingerprint(env: Env, seed: int, steps: int = 50) -> str:
    """Hash of everything that an episode of actions drawn with ``seed`` returns."""
    rng = np.random.default_rng(seed)
    observation, _ = env.reset(seed=seed)
    digest = hashlib.sha256(observation.tobytes())
    for _ in range(steps):
        observation, reward, terminated, truncated, info = env.step(
            rng.uniform(-1, 1, 2).astype(np.float32)
        )
        digest.update(observation.tobytes())
        digest.update(repr((reward, terminated, truncated, info)).encode())
    return digest.hexdigest()


@pytest.mark.filterwarnings("error")
def test_both_checkers_are_satisfied_without_a_warning(env: Env) -> None:
    check_env(env.unwrapped)
    sb3_check_env(env)


def test_spaces_and_step_values_have_the_promised_types(env: Env) -> None:
    assert isinstance(env.action_space, gym.spaces.Box)
    assert np.isfinite([env.action_space.low, env.action_space.high]).all()
    assert env.observation_space.dtype == np.float32
    observation, _ = env.reset(seed=0)
    assert observation in env.observation_space
    for _ in range(20):
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert observation in env.observation_space
        assert type(reward) is float
        assert [type(flag) for flag in (terminated, truncated)] == [bool, bool]
        assert [(key, type(value)) for key, value in info.items()] == [("cost", float)]


def test_an_episode_lasts_the_benchmarks_horizon(env: Env) -> None:
    assert env.spec is not None
    task = find_task(env.spec.id)
    assert task is not None
    env.reset(seed=0)
    ends = [env.step(np.zeros(2, dtype=np.float32))[2:4] for _ in range(task.horizon)]
    assert ends == [(False, False)] * (task.horizon - 1) + [(False, True)]


def test_driving_at_full_speed_costs_and_standing_does_not() -> None:
    env = gym.make("presa/SafetyBallRun-v0")

    def cost_of(action: list[float]) -> float:
        env.reset(seed=0)
        steps = [env.step(np.array(action, dtype=np.float32)) for _ in range(60)]
        return sum(float(info["cost"]) for *_, info in steps)

    assert cost_of([0.0, 0.0]) == 0
    assert cost_of([1.0, 0.0]) > 20


def test_a_seed_repeats_exactly_whatever_came_before(env: Env) -> None:
    first, other = fingerprint(env, 1), fingerprint(env, 2)
    assert first != other
    assert fingerprint(env, 1) == first
    env.reset()
    for _ in range(30):
        env.step(env.action_space.sample())
    assert fingerprint(env, 1) == first


def test_a_seed_repeats_exactly_in_another_process() -> None:
    code = (
        "import sys; sys.path[:0] = ['tests']\n"
        "from test_envs import ENV_IDS, fingerprint\n"
        "import gymnasium as gym\n"
        "print(*[fingerprint(gym.make(env_id), 7) for env_id in ENV_IDS])"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = [fingerprint(gym.make(env_id), 7) for env_id in ENV_IDS]
    assert other.stdout.split()[-len(here) :] == here


def test_unseeded_resets_vary_and_follow_the_last_seed(env: Env) -> None:
    def positions() -> list[bytes]:
        env.reset(seed=3)
        return [env.reset()[0].tobytes() for _ in range(3)]

    first = positions()
    assert len(set(first)) == 3
    assert positions() == first


def test_numpys_global_generator_is_left_alone(env: Env) -> None:
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random(3)  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    gym.make("presa/SafetyBallRun-v0").close()
    env.reset(seed=1)
    env.step(env.action_space.sample())
    env.reset()
    assert (np.random.random(3) == expected).all()  # noqa: NPY002


def test_pictures_are_drawn_without_a_display(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    env.reset(seed=0)
    picture: Any = env.render()
    assert picture.shape == (360, 480, 3) and picture.dtype == np.uint8
    assert picture.std() > 5


def test_closing_twice_is_fine_and_a_closed_environment_resets() -> None:
    env = SafetyBulletEnv("Ball", "Run")
    env.close()
    env.close()
    observation, _ = env.reset(seed=0)
    assert observation in env.observation_space
    env.close()


def test_it_pickles() -> None:
    original = SafetyBulletEnv("Ball", "Circle", render_mode="rgb_array")
    copy = pickle.loads(pickle.dumps(original))
    assert copy.render_mode == "rgb_array"
    assert fingerprint(copy, 4) == fingerprint(original, 4)


def test_it_runs_in_sb3s_subprocesses() -> None:
    venv = make_vec_env("sb3_presa:presa/SafetyBallRun-v0", 2, seed=0, vec_env_cls=SubprocVecEnv)
    try:
        first: Any = venv.reset()
        assert (first[0] != first[1]).any()
        _, _, _, infos = venv.step(np.zeros((2, 2), dtype=np.float32))
        assert [info["cost"] for info in infos] == [0.0, 0.0]
    finally:
        venv.close()


def test_gymnasium_makes_it_without_an_import() -> None:
    code = (
        "import sys, gymnasium\n"
        "gymnasium.make('sb3_presa:presa/SafetyBallRun-v0').reset(seed=0)\n"
        "assert 'pybullet' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_registering_imports_neither_simulator_nor_torch() -> None:
    code = (
        "import sys, gymnasium, sb3_presa\n"
        "gymnasium.spec('presa/SafetyCarRun-v0')\n"
        "assert not {'pybullet', 'torch', 'stable_baselines3'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_simulator_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pybullet", None)
    with pytest.raises(SimulatorNotInstalledError, match=r"sb3-presa install-simulators bullet$"):
        gym.make("presa/SafetyBallRun-v0")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"agent": "Truck", "task": "Run"}, "agent is 'Truck'"),
        ({"agent": "Ball", "task": "Fly"}, "task is 'Fly'"),
        ({"agent": "Ball", "task": "Run", "render_mode": "human"}, "render_mode is 'human'"),
    ],
)
def test_unknown_arguments_are_refused(kwargs: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SafetyBulletEnv(**kwargs)


def test_registering_again_changes_nothing() -> None:
    before = dict(gym.registry)
    register_envs()
    assert gym.registry == before


def test_the_task_table_is_complete_and_found_by_every_name() -> None:
    tasks = all_tasks()
    assert len(tasks) == len({task.env_id for task in tasks}) == 38
    ball_run = find_task("presa/SafetyBallRun-v0")
    assert ball_run is find_task("sb3_presa:presa/SafetyBallRun-v0")
    assert ball_run is find_task("SafetyBallRun-v0")
    assert ball_run is not None
    assert (ball_run.horizon, ball_run.cost_limits) == (100, (10.0, 20.0, 40.0))
    assert ball_run.normalized_reward(ball_run.reward_min) == 0
    assert ball_run.normalized_reward(ball_run.reward_max) == 1
    assert ball_run.published["trac"] == (0.27, 0.49)
    assert find_task("CartPole-v1") is None
    for task in tasks:
        assert task.reward_min < task.reward_max and 0 < task.dataset_max_cost <= task.horizon
        assert list(task.cost_limits) == sorted(task.cost_limits) and len(task.cost_limits) == 3
