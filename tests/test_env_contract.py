"""What every environment under ``presa/`` promises, whatever its simulator."""

import functools
import hashlib
import itertools
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from needs import needs, simulator_of
from stable_baselines3.common.env_checker import check_env as sb3_check_env
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import SubprocVecEnv

import sb3_presa
from sb3_presa.envs import SIMULATORS
from sb3_presa.errors import SimulatorBusyError

Env = gym.Env[Any, Any]

ENTRIES = {entry.env_id: entry for found in SIMULATORS.values() for entry in found.envs}
SIMULATOR_OF = {env_id: found for found in SIMULATORS.values() for env_id in found.env_ids}
#: One task of each kind, with robots and levels by turns: tasks of a kind share their code. All
#: tasks are made and stepped; whole episodes, pictures and other processes are tested with these.
OF_EACH_KIND = [
    f"presa/{name}"
    for name in (
        "SafetyPointButton1-v0",
        "SafetyPointGoal2-v0",
        "SafetyCarPush2-v0",
        "SafetyCarCircle1-v0",
        "SafetySwimmerVelocity-v1",
        "SafetyHopperVelocity-v1",
        "SafetyAntVelocity-v1",
        "SafetyBallRun-v0",
        "SafetyCarCircle-v0",
        "SafetyDroneRun-v0",
        "SafetyAntCircle-v0",
        "MetaDrive-easysparse-v0",
        "MetaDrive-harddense-v0",
        "HighwaySafe-v0",
        "HighwaySafeDiscrete-v0",
    )
]
#: One world a process: the second environment to be reset takes it from the first.
ONE_WORLD = {"metadrive"}


def episode(env: Env, seed: int, steps: int = 12, draw: bool = False) -> Iterator[bytes]:
    """All that the first steps of an episode return, with actions that depend on the seed."""
    env.action_space.seed(seed)
    observation, info = env.reset(seed=seed)
    yield observation.tobytes() + repr(sorted(info.items())).encode()
    for _ in range(steps):
        if draw:
            env.render()
        observation, *rest, info = env.step(env.action_space.sample())
        yield observation.tobytes() + repr((rest, sorted(info.items()))).encode()
        if any(rest[1:]):
            return


def fingerprint(env: Env, seed: int, draw: bool = False) -> str:
    """Hash of the start of an episode."""
    return hashlib.sha256(b"".join(episode(env, seed, draw=draw))).hexdigest()


def print_fingerprints(simulator: str, seed: int) -> None:
    """What the second process does: a fingerprint of a pickled copy of each environment, and what
    the process shares with other packages and is different afterwards."""

    def shared() -> dict[str, str]:
        generator = np.random.get_state()  # noqa: NPY002
        gym_of_old = str(sys.modules.get("gym"))
        return {**os.environ, "numpy's generator": str(generator), "gym": gym_of_old}

    before, prints = shared(), {}
    for env_id in SIMULATORS[simulator].env_ids:
        if env_id not in OF_EACH_KIND:
            continue
        original = gym.make(env_id).unwrapped
        original.close()
        copy = pickle.loads(pickle.dumps(original))
        prints[env_id] = fingerprint(copy, seed)
        copy.close()
    changed = sorted(key for key, _ in before.items() ^ shared().items())
    print("\n" + json.dumps({"prints": prints, "changed": changed}))


@functools.cache
def elsewhere(simulator: str, seed: int) -> dict[str, Any]:
    """What ``print_fingerprints`` prints in a fresh process."""
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "import test_env_contract as contract\n"
        f"contract.print_fingerprints({simulator!r}, {seed})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


each_simulator = pytest.mark.parametrize(
    "simulator", [pytest.param(name, marks=needs(name)) for name in SIMULATORS]
)


@pytest.mark.parametrize(
    "each", [pytest.param(env_id, marks=needs(simulator_of(env_id))) for env_id in ENTRIES]
)
def test_spaces_steps_and_costs(each: str) -> None:
    env = gym.make(each)
    assert env.spec is not None and env.spec.max_episode_steps == ENTRIES[each].horizon
    space = env.observation_space
    assert isinstance(space, gym.spaces.Box) and space.dtype == np.float32
    if isinstance(env.action_space, gym.spaces.Box):
        assert env.action_space.dtype == np.float32
        assert np.isfinite([env.action_space.low, env.action_space.high]).all()
    else:
        assert isinstance(env.action_space, gym.spaces.Discrete)
    env.action_space.seed(0)
    observation, info = env.reset(seed=0)
    assert observation in space and type(info) is dict
    for _ in range(20):
        observation, reward, *ends, info = env.step(env.action_space.sample())
        assert observation.dtype == np.float32 and observation in space
        assert type(reward) is float
        assert [type(end) for end in ends] == [bool, bool]
        assert type(info["cost"]) is float and info["cost"] >= 0
        if any(ends):
            env.reset()
    env.close()


@pytest.fixture(
    scope="class",
    params=[pytest.param(env_id, marks=needs(simulator_of(env_id))) for env_id in OF_EACH_KIND],
)
def env_id(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="class")
def env(env_id: str) -> Iterator[Env]:
    made = gym.make(env_id)
    yield made
    made.close()


class TestContract:
    def test_a_reset_says_what_a_step_says_and_costs_nothing(self, env: Env) -> None:
        """Minari's own collector records infos of one structure only."""
        _, at_reset = env.reset(seed=0)
        again = env.reset()[1]
        *_, at_step = env.step(env.action_space.sample())
        for info in (at_reset, again):
            assert {k: type(v) for k, v in info.items()} == {k: type(v) for k, v in at_step.items()}
            assert all(v == 0.0 for name, v in info.items() if name.startswith("cost"))
        moved = {name for name in at_step if name.endswith("_position")}
        assert all(abs(at_reset[name] - at_step[name]) < 0.2 for name in moved)
        assert not moved or any(at_reset[name] for name in moved)

    def test_an_episode_is_cut_at_its_horizon_and_not_before(self, env: Env, env_id: str) -> None:
        horizon = ENTRIES[env_id].horizon
        env.reset(seed=0)
        discrete = isinstance(env.action_space, gym.spaces.Discrete)
        idle: Any = 1 if discrete else np.zeros(env.action_space.shape or (), dtype=np.float32)
        for step in range(1, horizon + 1):
            _, _, terminated, truncated, _ = env.step(idle)
            assert truncated == (step == horizon), f"step {step} of {horizon}"
            if terminated:
                break

    def test_a_seed_repeats_whatever_came_before_and_wherever_it_is(
        self, env: Env, env_id: str
    ) -> None:
        first, other = fingerprint(env, 1), fingerprint(env, 2)
        assert first != other
        env.reset()
        env.step(env.action_space.sample())
        assert fingerprint(env, 1) == first
        assert elsewhere(SIMULATOR_OF[env_id].name, 1)["prints"][env_id] == first

    def test_two_in_one_process(self, env: Env, env_id: str) -> None:
        other = gym.make(env_id)
        if SIMULATOR_OF[env_id].name in ONE_WORLD:
            env.reset(seed=1)
            other.reset(seed=1)
            with pytest.raises(SimulatorBusyError, match="SubprocVecEnv"):
                env.step(env.action_space.sample())
        else:
            alone = list(episode(env, 1)), list(episode(other, 2))
            both = list(itertools.zip_longest(episode(env, 1), episode(other, 2), fillvalue=b""))
            assert b"".join(one for one, _ in both) == b"".join(alone[0])
            assert b"".join(two for _, two in both) == b"".join(alone[1])
        other.close()

    def test_pictures_need_no_screen_and_change_nothing(
        self, env: Env, env_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        expected = fingerprint(env, 3)
        env.close()
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            monkeypatch.delenv(name, raising=False)
        drawn = gym.make(env_id, render_mode="rgb_array")
        assert fingerprint(drawn, 3, draw=True) == expected
        picture: Any = drawn.render()
        assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
        assert min(picture.shape[:2]) >= 100 and picture.std() > 5
        drawn.close()

    def test_closing_twice_is_fine(self, env: Env) -> None:
        env.unwrapped.close()
        env.unwrapped.close()
        observation, _ = env.reset(seed=0)
        assert observation in env.observation_space

    @pytest.mark.filterwarnings(
        "error",
        # True of some simulators' observations, and theirs to say
        "ignore:.*A Box observation space (minimum|maximum) value is -?infinity",
    )
    def test_both_checkers_are_satisfied_without_a_warning(self, env: Env) -> None:
        sb3_check_env(env)
        check_env(env.unwrapped)


@each_simulator
def test_it_leaves_to_others_what_the_process_shares(simulator: str) -> None:
    """Environment variables, NumPy's generator and ``gym`` are after all as they were before."""
    assert elsewhere(simulator, 1)["changed"] == []


@each_simulator
def test_it_runs_in_sb3s_subprocesses(simulator: str) -> None:
    env_id = SIMULATORS[simulator].env_ids[-1]
    venv = make_vec_env(f"sb3_presa:{env_id}", 2, seed=0, vec_env_cls=SubprocVecEnv)
    try:
        first: Any = venv.reset()
        assert first.dtype == np.float32
        assert first.shape == (2, *(venv.observation_space.shape or ()))
        venv.action_space.seed(0)
        *_, infos = venv.step(np.stack([venv.action_space.sample()] * 2))
        assert [type(info["cost"]) for info in infos] == [float, float]
    finally:
        venv.close()


def test_all_simulators_draw_in_one_process() -> None:
    """In the order that once broke: MetaDrive brought a PyOpenGL that wanted a screen."""
    names = [name for name, found in SIMULATORS.items() if not found.why_not_on_this_python]
    env_ids = [SIMULATORS[name].env_ids[-1] for name in sorted(names, key="safety".__eq__)]
    code = f"""
import gymnasium, sb3_presa
for env_id in {env_ids}:
    env = gymnasium.make(env_id, render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().std() > 5, env_id
    env.close()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


#: What each simulator cannot do without.
MODULES = [
    ("safety", "safety_gymnasium"),
    ("safety", "mujoco"),
    ("bullet", "bullet_safety_gym"),
    ("bullet", "pybullet"),
    ("metadrive", "metadrive"),
    ("metadrive", "panda3d"),
    ("highway", "highway_env"),
]


def test_one_that_is_missing_is_named_with_its_command() -> None:
    """In a fresh process, as a user finds it, and with each of the packages that it needs."""
    wanted = [pair for pair in MODULES if not SIMULATORS[pair[0]].why_not_on_this_python]
    code = f"""
import importlib.abc, sys
import gymnasium, sb3_presa
from sb3_presa.errors import SimulatorNotInstalledError

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == self.module:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, missing := Missing())
for simulator, missing.module in {wanted}:
    for name in [name for name in sys.modules if name.partition(".")[0] == missing.module]:
        del sys.modules[name]
    try:
        gymnasium.make(sb3_presa.envs.SIMULATORS[simulator].env_ids[0])
    except SimulatorNotInstalledError as error:
        assert missing.module in str(error), error
        assert str(error).endswith(f"sb3-presa install-simulators {{simulator}}"), error
    else:
        raise AssertionError(missing.module)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_task_is_registered_once() -> None:
    assert len(ENTRIES) == 40
    assert set(ENTRIES) == {spec for spec in gym.registry if spec.startswith("presa/")}
    tasks = [task for task in sb3_presa.envs.all_tasks() if task.env_id in ENTRIES]
    assert len(tasks) == 38
    assert all(ENTRIES[task.env_id].horizon == task.horizon for task in tasks)
