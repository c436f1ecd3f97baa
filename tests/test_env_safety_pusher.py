"""The scripted agent of SafetyGym's Push tasks: it pushes, and keeps clear if told to."""

import gymnasium as gym
import numpy as np
import pytest

from sb3_presa.envs.safety import SafetyGymEnv
from sb3_presa.envs.safety_pusher import _away, _Sight, push_driver, to_push
from sb3_presa.envs.safety_senses import Senses
from sb3_presa.errors import ConfigError


def push(env: SafetyGymEnv, seed: int, clearance: float, n_steps: int) -> tuple[int, float]:
    """Goals reached and cost of an episode's first steps."""
    observation, _ = env.reset(seed=seed)
    act, goals, cost = push_driver(env, 0.7, clearance), 0, 0.0
    for _ in range(n_steps):
        observation, _, _, _, info = env.step(act(observation))
        goals, cost = goals + bool(info["goal_met"]), cost + info["cost"]
    return goals, cost


@pytest.mark.parametrize("task_id", ["SafetyPointPush1-v0", "SafetyCarPush1-v0"])
def test_it_brings_the_box_to_goals(task_id: str) -> None:
    env = SafetyGymEnv(task_id)
    assert push(env, 0, 0.2, 500)[0] >= 1


def test_one_told_to_keeps_clear_of_hazards() -> None:
    env = SafetyGymEnv("SafetyCarPush1-v0")
    blind, clear = push(env, 2, 0.0, 400), push(env, 2, 0.2, 400)
    assert clear[1] == 0 < blind[1]


@pytest.mark.parametrize("task_id", ["SafetyPointPush2-v0", "SafetyCarPush1-v0"])
def test_it_sees_where_the_box_is(task_id: str) -> None:
    env = SafetyGymEnv(task_id)
    for seed in range(3):
        observation, _ = env.reset(seed=seed)
        data = env._sim.task.data
        agent, box = data.body("agent"), data.body("push_box")
        x, y = ((box.xpos - agent.xpos) @ agent.xmat.reshape(3, 3))[:2]
        # A car's front is at its negative y axis.
        truly = complex(-y, x) if "Car" in task_id else complex(x, y)
        sight = _Sight(Senses(env))
        assert sight(observation, "push_box") == [pytest.approx(truly, abs=0.05)]


def test_its_action_depends_on_the_observation_alone() -> None:
    env = SafetyGymEnv("SafetyPointPush1-v0")
    observation, _ = env.reset(seed=0)
    act, seen, done = push_driver(env, 0.6, 0.2), [], []
    for _ in range(60):
        seen.append(observation)
        done.append(act(observation))
        observation, *_ = env.step(done[-1])
    assert len(np.unique(done, axis=0)) > 20
    again = push_driver(env, 0.6, 0.2)
    assert np.array_equal([again(observation) for observation in seen[::-1]], done[::-1])


def test_styles_differ() -> None:
    env = SafetyGymEnv("SafetyPointPush1-v0")
    observation, _ = env.reset(seed=0)
    actions = {to_push(env, np.random.default_rng(i))(observation).tobytes() for i in range(4)}
    assert len(actions) > 1


def test_a_pillar_right_ahead_does_not_hold_it() -> None:
    env = SafetyGymEnv("SafetyPointPush1-v0")
    observation, _ = env.reset(seed=105)  # the box is behind the pillar
    begin = env._sim.task.dist_box()
    act = push_driver(env, 0.6, 0.25)
    for _ in range(400):
        observation, *_ = env.step(act(observation))
    assert env._sim.task.dist_box() < 0.6 < begin


def test_what_is_right_ahead_is_passed_on_one_side() -> None:
    """A push straight back holds an agent: there, its clones stood still."""
    away = _away(1 + 0j, [0.4 + 0j], 0.55)
    assert away.real < 0
    assert abs(away.imag) > abs(away.real) / 2


def test_a_task_without_a_box_is_refused() -> None:
    env = gym.make("presa/SafetyPointGoal1-v0")
    with pytest.raises(ConfigError, match="must contain push_box_lidar"):
        push_driver(env, 0.6, 0.2)
