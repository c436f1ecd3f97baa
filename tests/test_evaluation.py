"""evaluate_safety: its numbers are those of a sum by hand, however the environment is wrapped."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from minari import MinariDataset
from scripted_env import LifeLostWrapper, RandomEnv, ScriptedEnv, Step, ZeroPolicy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecMonitor
from toy_envs import env_id

from sb3_presa import BC
from sb3_presa.envs.tasks import find_task
from sb3_presa.errors import ConfigError
from sb3_presa.evaluation.safety import SafetyEvaluation, cvar, environment_id, evaluate_safety

# Returns 1, 2, 3, 6 and costs 0, 4, 6, 30: the last step of the last two carries a cost.
EPISODES: list[list[Step]] = [
    [(1.0, 0.0)],
    [(0.5, 4.0), (1.5, 0.0)],
    [(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)],
    [(3.0, 10.0), (3.0, 20.0)],
]


def scripted() -> ScriptedEnv:
    return ScriptedEnv(EPISODES)


WRAPPINGS: dict[str, Callable[[], gym.Env[Any, Any] | VecEnv]] = {
    "bare": scripted,
    "Monitor": lambda: Monitor(scripted()),
    "DummyVecEnv": lambda: DummyVecEnv([scripted]),
    "VecMonitor": lambda: VecMonitor(DummyVecEnv([scripted])),
    "Monitor in DummyVecEnv": lambda: DummyVecEnv([lambda: Monitor(scripted())]),
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("seed", [None, 3])
def test_every_number_is_that_of_a_sum_by_hand(wrapping: str, seed: int | None) -> None:
    result = evaluate_safety(
        ZeroPolicy(),
        WRAPPINGS[wrapping](),
        cost_limit=5,
        n_eval_episodes=4,
        warn=False,
        seed=seed,
        reward_reference=(1.0, 5.0),
    )
    assert result == SafetyEvaluation(
        reward_mean=3.0,
        reward_std=math.sqrt((4 + 1 + 0 + 9) / 4),
        cost_mean=10.0,
        cost_std=math.sqrt((100 + 36 + 16 + 400) / 4),
        normalized_reward=0.5,
        normalized_cost=2.0,
        safe=False,
        safe_episode_ratio=0.5,
        cost_cvar90=30.0,
        cost_limit=5.0,
        episodes=4,
        episode_rewards=(1.0, 2.0, 3.0, 6.0),
        episode_costs=(0.0, 4.0, 6.0, 30.0),
        episode_lengths=(1, 2, 3, 2),
    )


def test_safe_up_to_and_including_the_limit() -> None:
    flags = [
        evaluate_safety(
            ZeroPolicy(), scripted(), cost_limit=limit, n_eval_episodes=4, warn=False
        ).safe
        for limit in (9.99, 10.0)
    ]
    assert flags == [False, True]


def unequal_env(index: int) -> ScriptedEnv:
    """Episode k of environment i has i + 1 steps of reward 10 i + k and cost k + i / 10."""
    return ScriptedEnv([[(10 * index + k, k + index / 10)] * (index + 1) for k in range(9)])


def test_an_environment_that_is_none_or_has_other_spaces_is_refused(
    box_dataset: MinariDataset,
) -> None:
    with pytest.raises(
        ConfigError, match=r"`env` must be an environment.*'Toy-v0'; pass gymnasium\.make"
    ):
        evaluate_safety(ZeroPolicy(), "Toy-v0", cost_limit=5)  # type: ignore[arg-type]
    model = BC.load_offline(box_dataset)
    for agent in (model, model.policy):
        with pytest.raises(
            ConfigError,
            match=r"observation space of the environment must equal .*\b3.*got Box.*\b4",
        ):
            evaluate_safety(agent, gym.make("CartPole-v1"), cost_limit=5)
    with pytest.raises(
        ConfigError, match=r"action space of the environment must equal .*got Discrete"
    ):
        evaluate_safety(model, gym.make(env_id("discrete")), cost_limit=5)


@pytest.mark.parametrize("kind", ["DummyVecEnv", "SubprocVecEnv"])
@pytest.mark.parametrize("monitored", [False, True])
def test_environments_of_unequal_episodes_do_not_mix(kind: str, monitored: bool) -> None:
    def make(index: int) -> Callable[[], gym.Env[Any, Any]]:
        return lambda: Monitor(unequal_env(index)) if monitored else unequal_env(index)

    makers = [make(index) for index in range(3)]
    env = DummyVecEnv(makers) if kind == "DummyVecEnv" else SubprocVecEnv(makers, "fork")
    try:
        result = evaluate_safety(ZeroPolicy(), env, cost_limit=5, n_eval_episodes=7, warn=False)
    finally:
        env.close()
    # evaluate_policy gives them 2, 2 and 3 episodes, environment 0 being the fastest.
    expected = [
        ((10 * i + k) * (i + 1), (k + i / 10) * (i + 1), i + 1)
        for i, quota in enumerate((2, 2, 3))
        for k in range(quota)
    ]
    found = zip(result.episode_rewards, result.episode_costs, result.episode_lengths, strict=True)
    assert sorted(found) == [pytest.approx(row) for row in expected]


def test_a_lost_life_does_not_end_a_monitored_episode() -> None:
    env = LifeLostWrapper(Monitor(ScriptedEnv([[(1.0, 1.0)] * 5, [(1.0, 2.0)] * 3])))
    result = evaluate_safety(ZeroPolicy(), env, cost_limit=5, n_eval_episodes=2)
    assert result.episode_rewards == (5.0, 3.0)
    assert result.episode_costs == (5.0, 6.0)


def test_the_users_callback_sees_every_step() -> None:
    seen: list[tuple[float, bool]] = []

    def callback(locals_: dict[str, Any], globals_: dict[str, Any]) -> None:
        assert "evaluate_policy" in globals_
        seen.append((locals_["info"]["cost"], bool(locals_["done"])))

    evaluate_safety(
        ZeroPolicy(), scripted(), cost_limit=5, n_eval_episodes=3, callback=callback, warn=False
    )
    assert seen == [(0, True), (4, False), (0, True), (1, False), (2, False), (3, True)]


# ---------------------------------------------------------------------------------------- seeds


def random_costs(env: gym.Env[Any, Any] | VecEnv, seed: int, n: int = 4) -> tuple[float, ...]:
    return evaluate_safety(
        ZeroPolicy(), env, cost_limit=1, n_eval_episodes=n, seed=seed, warn=False
    ).episode_costs


def test_a_seed_repeats_whatever_happened_before() -> None:
    used = RandomEnv()
    used.reset(seed=99)
    used.step(np.zeros(1))
    first = random_costs(used, seed=7)
    assert random_costs(used, seed=7) == first
    assert random_costs(RandomEnv(), seed=7) == first
    assert random_costs(RandomEnv(), seed=8) != first
    assert len(set(first)) == 4


def test_each_episode_has_its_own_seed_that_its_index_alone_decides() -> None:
    few, many = RandomEnv(), RandomEnv()
    assert random_costs(few, seed=7, n=2) == random_costs(many, seed=7, n=5)[:2]
    assert None not in many.seeds
    assert len(set(many.seeds)) == len(many.seeds) == 6  # SB3 resets once more after the last


def test_a_vec_env_is_seeded_once() -> None:
    env = DummyVecEnv([RandomEnv, RandomEnv])
    first = random_costs(env, seed=7)
    assert random_costs(env, seed=7) == first
    seeds = [env.get_attr("seeds", i)[0][:3] for i in range(2)]
    assert seeds == [[7, None, None], [8, None, None]]


# ---------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("cost", "says"),
    [
        (None, r"keys \[\]"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        ("much", "'much'"),
        (np.array([1.0, 2.0]), r"array\(\[1., 2.\]\)"),
    ],
)
def test_an_unusable_cost_names_the_environment_and_the_key(cost: Any, says: str) -> None:
    env = ScriptedEnv([[(1.0, 0.0), (1.0, cost)]], env_id="Costly-v3")
    with pytest.raises(ConfigError, match=rf"(?s)every step must .*{says}.*Costly-v3"):
        evaluate_safety(ZeroPolicy(), env, cost_limit=1, warn=False)


@pytest.mark.parametrize("cost", [True, np.float32(1), np.array([1.0]), np.array(1)])
def test_every_kind_of_number_is_a_cost(cost: Any) -> None:
    env = ScriptedEnv([[(1.0, cost), (1.0, cost)]])
    result = evaluate_safety(ZeroPolicy(), env, cost_limit=1, n_eval_episodes=1, warn=False)
    assert result.episode_costs == (2.0,)


def test_a_reward_that_is_not_finite_is_refused() -> None:
    env = ScriptedEnv([[(1.0, 0.0)], [(math.nan, 0.0)]])
    with pytest.raises(
        ConfigError, match=r"reward of an episode must be finite, got nan .episode 1"
    ):
        evaluate_safety(ZeroPolicy(), env, cost_limit=1, n_eval_episodes=3, warn=False)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("cost_limit", -1),
        ("cost_limit", math.nan),
        ("cost_limit", math.inf),
        ("cost_limit", "20"),
        ("n_eval_episodes", 0),
        ("n_eval_episodes", 2.5),
        ("seed", -1),
        ("seed", 1.5),
        ("reward_reference", (1.0, 1.0)),
        ("reward_reference", (0.0, math.inf)),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(argument: str, value: Any) -> None:
    arguments: dict[str, Any] = {"cost_limit": 1, argument: value}
    with pytest.raises(ConfigError, match=rf"`{argument}` must .*got {re.escape(repr(value))}"):
        evaluate_safety(ZeroPolicy(), scripted(), warn=False, **arguments)


# ------------------------------------------------------------------------------ normalisation


@pytest.mark.parametrize("kind", ["env", "DummyVecEnv", "SubprocVecEnv"])
def test_references_come_from_the_task_table_by_id(kind: str) -> None:
    task = find_task("presa/SafetyBallRun-v0")
    assert task is not None

    def make() -> gym.Env[Any, Any]:
        return Monitor(ScriptedEnv(EPISODES, env_id="presa/SafetyBallRun-v0"))

    env: gym.Env[Any, Any] | VecEnv = make()
    if kind != "env":
        env = DummyVecEnv([make]) if kind == "DummyVecEnv" else SubprocVecEnv([make], "fork")
    try:
        assert environment_id(env) == "presa/SafetyBallRun-v0"
        result = evaluate_safety(ZeroPolicy(), env, cost_limit=20, n_eval_episodes=4)
        chosen = evaluate_safety(
            ZeroPolicy(), env, cost_limit=20, n_eval_episodes=4, reward_reference=(0, 6)
        )
    finally:
        env.close()
    assert result.normalized_reward == pytest.approx(task.normalized_reward(3.0))
    assert chosen.normalized_reward == 0.5


def test_without_a_reference_the_normalised_reward_is_unknown() -> None:
    for env in (scripted(), ScriptedEnv(EPISODES, env_id="Other-v0")):
        result = evaluate_safety(ZeroPolicy(), env, cost_limit=20, n_eval_episodes=4, warn=False)
        assert result.normalized_reward is None


@pytest.mark.parametrize(("cost", "normalized"), [(0.0, 1.0), (3.0, 4.0)])
def test_a_limit_of_zero_stays_finite(cost: float, normalized: float) -> None:
    result = SafetyEvaluation.from_episodes([1.0], [cost], [1], cost_limit=0)
    assert result.normalized_cost == normalized
    assert result.safe == (cost == 0)


def test_the_dictionary_survives_strict_json() -> None:
    result = evaluate_safety(ZeroPolicy(), scripted(), cost_limit=5, n_eval_episodes=4, warn=False)
    text = json.dumps(result.as_dict(), allow_nan=False)
    assert json.loads(text) == {
        "reward_mean": 3.0,
        "reward_std": pytest.approx(3.5**0.5),
        "cost_mean": 10.0,
        "cost_std": pytest.approx(138**0.5),
        "normalized_reward": None,
        "normalized_cost": 2.0,
        "safe": False,
        "safe_episode_ratio": 0.5,
        "cost_cvar90": 30.0,
        "episodes": 4,
    }
    assert '"safe": false' in text
    assert '"episodes": 4}' in text


# ---------------------------------------------------------------------------------- invariants

costs_st = st.lists(st.integers(0, 1000), min_size=1, max_size=50)


@given(costs_st)
def test_cvar_lies_between_the_mean_and_the_worst(costs: list[int]) -> None:
    assert np.mean(costs) - 1e-9 <= cvar(costs) <= max(costs)
    assert cvar(costs, worst=100) == pytest.approx(np.mean(costs))


@given(st.integers(1, 6), st.randoms(), st.data())
def test_cvar_of_whole_tenths_is_the_mean_of_the_worst_tenth(
    tenth: int, random: Any, data: st.DataObject
) -> None:
    n = 10 * tenth
    costs = data.draw(st.lists(st.integers(0, 1000), min_size=n, max_size=n))
    worst = sum(sorted(costs, reverse=True)[:tenth]) / tenth
    random.shuffle(costs)
    assert cvar(costs) == pytest.approx(worst)


def test_cvar_rounds_the_tail_up() -> None:
    assert cvar([3.0, 1.0, 2.0]) == 3.0
    assert cvar([float(cost) for cost in range(11)]) == 9.5


@given(costs_st, st.integers(0, 500))
def test_the_safe_flag_agrees_with_the_normalised_cost(costs: list[int], limit: int) -> None:
    result = SafetyEvaluation.from_episodes(
        [0.0] * len(costs), costs, [1] * len(costs), cost_limit=limit
    )
    assert result.safe == (result.normalized_cost <= 1)
    assert result.safe_episode_ratio * len(costs) == pytest.approx(sum(c <= limit for c in costs))
