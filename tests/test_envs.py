"""Registration of the environments, the table of tasks, and what is the Bullet simulator's own.

What all environments promise is tested in ``test_env_contract.py``.
"""

import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
from needs import needs

from sb3_presa.envs import SIMULATORS, all_tasks, find_task, register_envs
from sb3_presa.envs.bullet import SafetyBulletEnv, make_upstream
from sb3_presa.errors import ConfigError


@needs("bullet")
@pytest.mark.parametrize("env_id", SIMULATORS["bullet"].env_ids)
def test_the_numbers_are_upstreams(env_id: str) -> None:
    """Step by step, against upstream's own class that draws from the same random numbers."""
    env = gym.make(env_id)
    kwargs = gym.spec(env_id).kwargs
    drawn, _ = gym.utils.seeding.np_random(5)
    np.random.seed(int(drawn.integers(2**32)))  # noqa: NPY002 - upstream's generator
    upstream = make_upstream(**kwargs)
    observation, _ = env.reset(seed=5)
    np.testing.assert_array_equal(observation, upstream.reset()[0].astype(np.float32))
    env.action_space.seed(5)
    for _ in range(40):
        action = env.action_space.sample()
        observation, reward, terminated, _, info = env.step(action)
        expected, *rest = upstream.step(action)
        np.testing.assert_array_equal(observation, expected.astype(np.float32))
        assert [reward, terminated] == rest[:2]
        assert info["cost"] == rest[-1]["cost"]
    upstream.close()
    env.close()


@needs("bullet")
def test_driving_at_full_speed_costs_and_standing_does_not() -> None:
    env = gym.make("presa/SafetyBallRun-v0")

    def cost_of(action: list[float]) -> float:
        env.reset(seed=0)
        steps = [env.step(np.array(action, dtype=np.float32)) for _ in range(60)]
        return sum(float(info["cost"]) for *_, info in steps)

    assert cost_of([0.0, 0.0]) == 0
    assert cost_of([1.0, 0.0]) > 20


@needs("bullet")
@pytest.mark.parametrize("agent", ["Ball", "Car", "Drone", "Ant"])
def test_pictures_show_the_agent_and_not_its_cost(agent: str) -> None:
    """Upstream's red sphere hid the one and told the other."""
    env = SafetyBulletEnv(agent, "Run", render_mode="rgb_array")
    env.reset(seed=0)

    def red() -> float:
        picture = env.render()
        assert picture is not None
        ahead, others = picture[:, :, 0].astype(int), picture[:, :, 1:].max(axis=2).astype(int)
        return float(np.mean((ahead > 120) & (others < 40)))

    agent_itself = red()
    assert agent_itself < 0.005
    for does_cost in (True, False, True):
        env._sim.agent.violates_constraints(does_cost)  # what upstream's step calls
        assert red() == agent_itself
    env.close()


@needs("bullet")
@pytest.mark.parametrize("env_id", ["presa/SafetyCarRun-v0", "presa/SafetyDroneCircle-v0"])
def test_unseeded_resets_vary_and_follow_the_last_seed(env_id: str) -> None:
    env = gym.make(env_id)

    def positions() -> list[bytes]:
        env.reset(seed=3)
        return [env.reset()[0].tobytes() for _ in range(3)]

    first = positions()
    assert len(set(first)) == 3
    assert positions() == first


@needs("bullet")
def test_numpys_global_generator_is_left_alone() -> None:
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random(3)  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    env = gym.make("presa/SafetyBallRun-v0")
    env.reset(seed=1)
    env.step(env.action_space.sample())
    env.reset()
    assert (np.random.random(3) == expected).all()  # noqa: NPY002


@needs("bullet")
def test_closing_twice_is_fine_and_a_closed_environment_resets() -> None:
    env = SafetyBulletEnv("Ball", "Run")
    env.close()
    env.close()
    observation, _ = env.reset(seed=0)
    assert observation in env.observation_space
    env.close()


@needs("bullet")
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


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"agent": "Truck", "task": "Run"}, "`agent` must be one of .*'Ball'.*, got 'Truck'"),
        ({"agent": "Ball", "task": "Fly"}, "`task` must be one of .*'Run'.*, got 'Fly'"),
        (
            {"agent": "Ball", "task": "Run", "render_mode": "human"},
            "`render_mode` must be .*, got 'human'",
        ),
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
