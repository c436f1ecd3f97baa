"""What users bring: names of keys, spaces, bounds, seeds and environments of many kinds."""

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch as th
from algorithm_data import episode, one_thread, stored, tiny_feedback  # noqa: F401
from contract import (
    CASES,
    PRESA_CASE,
    Case,
    every_case,
)
from fitted_once import labels_fitted_once  # noqa: F401
from gymnasium.wrappers import NormalizeObservation
from minari import MinariDataset
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import StopTrainingOnMaxEpisodes
from stable_baselines3.common.torch_layers import CombinedExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from toy_envs import env_id

from sb3_presa import BC, Feedback, evaluate_safety
from sb3_presa.data import load_transitions
from sb3_presa.data.dsrl import export_dsrl, import_dsrl
from sb3_presa.deploy.export import export_policy
from sb3_presa.errors import ConfigError, PresaError
from sb3_presa.policies.extractors import AnyKeyCombinedExtractor
from sb3_presa.policies.policy import MlpPolicy

UNIT = gym.spaces.Box(-1, 1, (2,))
STEPS = 12


def dataset(
    name: str, observed: gym.spaces.Space[Any], actions: gym.spaces.Space[Any] = UNIT
) -> MinariDataset:
    """Ten episodes of samples of the spaces."""
    observed.seed(0)
    UNIT.seed(0)
    rows = [[observed.sample() for _ in range(STEPS + 1)] for _ in range(10)]
    half_of_them_unsafe = [np.arange(STEPS) % 2 * (number % 2) for number in range(10)]
    return stored(
        name,
        [
            episode(row, np.stack([UNIT.sample() for _ in range(STEPS)]), np.ones(STEPS), costs)
            for row, costs in zip(rows, half_of_them_unsafe, strict=True)
        ],
        observed,
        actions,
    )


KEYS = gym.spaces.Dict(
    {
        "observation.state": gym.spaces.Box(-1, 1, (3,)),
        "a/b": gym.spaces.Discrete(4),
        "training": gym.spaces.Box(-1, 1, (2,)),
        "keys": gym.spaces.Box(-5, 5, (1,)),
        "type": gym.spaces.MultiBinary(3),
    }
)


@every_case
def test_keys_of_any_name(case: Case, minari_root: Any) -> None:
    """With the dot of LeRobot's keys, a slash, and names that PyTorch's modules own."""
    model = case.trained(dataset("keys", KEYS), policy="MultiInputPolicy")
    action, _ = model.predict(KEYS.sample(), deterministic=True)
    assert UNIT.contains(action)


def test_keys_by_number_compute_what_keys_by_name_do() -> None:
    """And in the order of the space, with more keys than sort as numbers do."""
    space = gym.spaces.Dict({f"k{i}": gym.spaces.Box(-1, 1, (1 + i % 3,)) for i in range(12)})
    observation = {key: th.as_tensor(value)[None] for key, value in space.sample().items()}
    by_name = CombinedExtractor(space)(observation)
    assert th.equal(AnyKeyCombinedExtractor(space)(observation), by_name)


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (gym.spaces.Box(-1, 1, ()), "at least one axis"),
        (gym.spaces.Box(-1, 1, (0,)), "no axis of length 0"),
        (gym.spaces.Dict({"a": gym.spaces.Box(-1, 1, ())}), "at least one axis"),
        (gym.spaces.Dict({}), "at least one key, got an empty Dict"),
        (gym.spaces.Discrete(3, start=1), "Discrete .* must start at 0"),
        (gym.spaces.MultiDiscrete([3, 4], start=[0, 1]), "MultiDiscrete .* must start at 0"),
        (gym.spaces.MultiDiscrete(np.array([[3, 4]])), "must have one axis, got 2 axes"),
        (
            gym.spaces.Dict({"a": gym.spaces.MultiDiscrete(np.array([[3]]))}),
            "must have one axis, got 2 axes",
        ),
        (
            gym.spaces.Dict({"a.b": gym.spaces.Box(0, 255, (20, 64, 3), np.uint8)}),
            "images of at least 36 x 36 are needed .* got 'a.b'",
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("case", [PRESA_CASE, CASES[-1]], ids=lambda case: case.name)
def test_observations_that_no_network_takes_are_refused(
    case: Case, space: gym.spaces.Space[Any], said: str
) -> None:
    policy = "MultiInputPolicy" if isinstance(space, gym.spaces.Dict) else "MlpPolicy"

    class Nowhere(gym.Env[Any, Any]):
        observation_space, action_space = space, UNIT

    with pytest.raises(ConfigError, match=said):
        case.algorithm(policy, Nowhere())


AUTO: dict[str, list[gym.spaces.Space[Any]]] = {
    "MlpPolicy": [
        gym.spaces.Box(-1, 1, (3,)),
        gym.spaces.Discrete(3),
        gym.spaces.Box(0, 255, (20, 20, 3), np.uint8),
    ],
    "CnnPolicy": [
        gym.spaces.Box(0, 255, (36, 36, 3), np.uint8),
        gym.spaces.Box(0, 255, (1, 36, 40), np.uint8),
    ],
    "MultiInputPolicy": [KEYS],
}


@pytest.mark.parametrize(("name", "space"), [(k, s) for k, spaces in AUTO.items() for s in spaces])
@pytest.mark.parametrize("case", [PRESA_CASE, CASES[-1]], ids=lambda case: case.name)
def test_the_policy_is_chosen_by_the_space(
    case: Case, name: str, space: gym.spaces.Space[Any], minari_root: Any, tmp_path: Any
) -> None:
    """Of a dataset and of an environment; saved and loaded, it is the same."""

    class Nowhere(gym.Env[Any, Any]):
        observation_space, action_space = space, UNIT

    data = dataset("auto", space)
    wanted = case.algorithm.policy_aliases[name]
    assert type(case.make(data).policy) is wanted
    model = case.algorithm("auto", Nowhere(), device="cpu", **case.limited(1.0))
    assert type(model.policy) is wanted
    model.save(tmp_path / "model")
    assert type(case.algorithm.load(tmp_path / "model", device="cpu").policy) is wanted


def test_an_image_that_convolutions_swallow_is_named() -> None:
    class Small(gym.Env[Any, Any]):
        observation_space, action_space = gym.spaces.Box(0, 255, (20, 20, 3), np.uint8), UNIT

    with pytest.raises(ConfigError, match="36 x 36 or larger"):
        BC("CnnPolicy", Small())


@pytest.mark.parametrize("bound", [float(np.finfo(np.float32).max), 3e38])
def test_bounds_that_stand_for_none_are_refused(bound: float, minari_root: Any) -> None:
    data = dataset("huge", gym.spaces.Box(-1, 1, (3,)), gym.spaces.Box(-bound, bound, (2,)))
    with pytest.raises(ConfigError, match="bounds whose distance is a finite float32"):
        BC.load_offline(data, None, device="cpu")


def test_seeds_are_whole_numbers_of_32_bits(box_dataset: MinariDataset) -> None:
    seed: Any = np.int64(3)
    one, same = (BC.load_offline(box_dataset, None, seed=s, device="cpu") for s in (seed, 3))
    assert (one.seed, type(one.seed)) == (3, int)
    for a, b in zip(one.policy.parameters(), same.policy.parameters(), strict=True):
        assert th.equal(a, b)
    one.set_random_seed(np.uint32(4))  # type: ignore[arg-type]
    assert one.seed == 4
    for wrong in (-1, 2**32):
        with pytest.raises(
            ConfigError, match=rf"`seed` must be in \[0, 4294967295\] or None, got {wrong}"
        ):
            BC(seed=wrong)
        with pytest.raises(ConfigError, match="`seed` must be in"):
            one.set_random_seed(wrong)


def test_an_agent_of_raw_observations_is_not_evaluated_on_normalised_ones(
    box_dataset: MinariDataset,
) -> None:
    """Whatever normalises them; an SB3 agent that was trained so is."""
    model = BC.load_offline(box_dataset, None, device="cpu")

    def make() -> gym.Env[Any, Any]:
        return gym.make(env_id("box"))

    normalised: list[Any] = [
        VecNormalize(DummyVecEnv([make])),
        DummyVecEnv([lambda: NormalizeObservation(make())]),
        NormalizeObservation(make()),
        gym.wrappers.TimeLimit(NormalizeObservation(make()), 5),
    ]
    for env in normalised:
        with pytest.raises(ConfigError, match="`env` must return raw observations, got "):
            evaluate_safety(model, env, cost_limit=1, n_eval_episodes=1)
    only_rewards = VecNormalize(DummyVecEnv([make]), norm_obs=False)
    assert evaluate_safety(model, only_rewards, cost_limit=1, n_eval_episodes=1).episode_rewards
    ppo = PPO("MlpPolicy", VecNormalize(DummyVecEnv([make])), n_steps=8, device="cpu")
    env = ppo.get_env()
    assert env is not None
    assert evaluate_safety(ppo, env, cost_limit=1, n_eval_episodes=1, warn=False).episode_rewards


class Wrong(gym.Env[Any, Any]):
    """Steps as safety-gymnasium's own environments do."""

    observation_space, action_space = gym.spaces.Box(-1, 1, (3,)), UNIT

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        return np.zeros(3, dtype=np.float32), {}

    def step(self, action: Any) -> Any:
        return np.zeros(3, dtype=np.float32), 0.0, 0.0, False, True, {}


def test_a_step_of_six_values_is_named(box_dataset: MinariDataset) -> None:
    model = BC.load_offline(box_dataset, None, device="cpu")
    with pytest.raises(ConfigError, match=r"`env.step` must return .* cost in info\[.cost.\]"):
        evaluate_safety(model, Wrong(), cost_limit=1, n_eval_episodes=1)


def wide(bound: float, name: str = "wide") -> MinariDataset:
    """Actions of at most 0.8, which the first observation tells, in a box of another size."""
    rng = np.random.default_rng(0)
    episodes = []
    for number in range(8):
        seen = rng.uniform(-1, 1, (STEPS + 1, 3)).astype(np.float32)
        acted = 0.8 * seen[:-1, :1] * np.array([[1.0, 0.5]])
        costs = np.arange(STEPS) % 2 * (number % 2)
        episodes.append(episode(seen, acted, np.ones(STEPS), costs))
    box = gym.spaces.Box(-bound, bound, (2,), np.float32)
    return stored(name, episodes, gym.spaces.Box(-1, 1, (3,)), box)


@pytest.mark.parametrize("bound", [100.0, 1e3, float(np.finfo(np.float32).max), np.inf])
def test_bounds_from_the_data(bound: float, minari_root: Any, tmp_path: Any) -> None:
    """Where the box says little or nothing; saved, loaded and evaluated in the same box."""
    data = wide(bound)
    if bound < 1e38:
        said = rf"coordinate 0 lies in \[-0.7\d+, 0.7\d+\] of \[-{bound:g}, {bound:g}\]; coord"
        with pytest.warns(UserWarning, match=said + ".*'action_quantile': 0.001"):
            BC.load_offline(data, None, device="cpu")
    else:
        with pytest.raises(ConfigError, match=r"'action_quantile': 0\.001"):
            BC.load_offline(data, None, device="cpu")
    kwargs = {"action_quantile": 0.001, "net_arch": [32]}
    with warnings.catch_warnings(action="error"):
        model = BC.load_offline(data, None, policy_kwargs=kwargs, seed=0, device="cpu").learn(400)
    seen = np.random.default_rng(1).uniform(-1, 1, (200, 3)).astype(np.float32)
    truth = 0.8 * seen[:, :1] * np.array([[1.0, 0.5]])
    acted, _ = model.predict(seen, deterministic=True)
    assert np.abs(acted - truth).mean() < 0.1
    model.save(tmp_path / "model")
    loaded = BC.load(tmp_path / "model", device="cpu")
    np.testing.assert_array_equal(loaded.predict(seen, deterministic=True)[0], acted)
    drawn, _ = model.predict(seen)
    assert np.abs(drawn).max() <= 0.8 + 1e-6


def test_an_emergency_brake_is_not_cut_in_silence(minari_root: Any) -> None:
    """A brake of 0.02, in one step of a thousand of 1: to cut it is what the remedy would do."""
    rng = np.random.default_rng(0)
    episodes = []
    for number in range(200):
        seen = rng.uniform(-1, 1, (STEPS + 1, 3)).astype(np.float32)
        acted = 0.02 * np.abs(seen[:-1, :2])
        if number < 2:
            acted[5, 0] = 1.0
        episodes.append(episode(seen, acted, np.ones(STEPS), np.zeros(STEPS)))
    box = gym.spaces.Box(0, 1, (2,))
    data = stored("brake", episodes, gym.spaces.Box(-1, 1, (3,)), box)
    with pytest.warns(UserWarning, match=r"0 lies in .* save 2 actions as far as 1; coordinate 1"):
        BC.load_offline(data, None, device="cpu")
    with pytest.warns(UserWarning, match=r"0 has 2 actions as far as 1, cut to \[.*\]\. If"):
        BC.load_offline(data, None, device="cpu", policy_kwargs={"action_quantile": 0.001})
    with warnings.catch_warnings(action="error"):
        BC.load_offline(data, None, device="cpu", policy_kwargs={"action_quantile": 0.0})


@every_case
def test_every_algorithm_takes_bounds_from_the_data(case: Case, minari_root: Any) -> None:
    model = case.trained(wide(100.0), policy_kwargs={"action_quantile": 0.0})
    assert np.abs(model.predict(np.full((50, 3), 5.0, np.float32))[0]).max() <= 0.8 + 1e-6
    scaled = model.require_source().actions
    assert scaled.abs().max() == 1.0


def test_an_action_that_fills_little_of_its_bounds_is_cloned_as_well(minari_root: Any) -> None:
    """A throttle of 0.04 beside a steering of 0.8, of which a squared error would see nothing."""
    rng = np.random.default_rng(0)

    def driven(seen: Any) -> Any:
        steering = 0.8 * np.sin(3 * seen[:, 2])
        return np.stack([0.04 * seen[:, 0] * seen[:, 1], steering], axis=1)

    episodes = []
    for _ in range(8):
        seen = rng.uniform(-1, 1, (STEPS + 1, 3)).astype(np.float32)
        episodes.append(episode(seen, driven(seen[:-1]), np.ones(STEPS), np.zeros(STEPS)))
    box = gym.spaces.Box(-1, 1, (2,))
    data = stored("throttle", episodes, gym.spaces.Box(-1, 1, (3,)), box)
    with pytest.warns(UserWarning, match="small part of their bounds"):
        model = BC.load_offline(data, None, policy_kwargs={"net_arch": [32]}, seed=0, device="cpu")
    seen = rng.uniform(-1, 1, (500, 3)).astype(np.float32)
    acted, _ = model.learn(400).predict(seen, deterministic=True)
    unexplained = ((acted - driven(seen)) ** 2).mean(0) / driven(seen).var(0)
    assert (unexplained < 0.5).all(), unexplained
    drawn, _ = model.predict(seen)
    assert 0.01 < (drawn - acted)[:, 0].std() < 0.05, "samples are as narrow"


def test_a_constant_action_keeps_its_bounds(minari_root: Any) -> None:
    policy = MlpPolicy(
        gym.spaces.Box(-1, 1, (3,)),
        gym.spaces.Box(np.array([-5, -np.inf, 3]), np.array([5, np.inf, 3]), dtype=np.float64),
        lambda _: 1e-3,
        action_quantile=0.0,
    )
    policy.fit_action_bounds(np.full((7, 3), 3.0))
    assert policy.action_low.tolist() == [-5.0, 2.0, 3.0]
    assert policy.action_high.tolist() == [5.0, 4.0, 3.0]


def test_an_action_of_one_value_is_taken_as_it_is(minari_root: Any, tmp_path: Path) -> None:
    """As the message for bounds that are one number says: a brake that nobody ever used."""
    rng = np.random.default_rng(0)
    episodes = []
    for _ in range(8):
        seen = rng.uniform(-1, 1, (STEPS + 1, 3)).astype(np.float32)
        acted = np.stack([0.8 * seen[:-1, 0], np.zeros(STEPS)], axis=1)
        episodes.append(episode(seen, acted, np.ones(STEPS), np.zeros(STEPS)))
    box = gym.spaces.Box(np.array([-1, 0]), np.array([1, 0]), dtype=np.float32)
    data = stored("brake", episodes, gym.spaces.Box(-1, 1, (3,)), box)
    with pytest.raises(ConfigError, match=r"low < high .*'action_quantile': 0\.001"):
        BC.load_offline(data, None, device="cpu")
    kwargs = {"action_quantile": 0.001}
    model = BC.load_offline(data, None, device="cpu", policy_kwargs=kwargs).learn(5)
    acted, _ = model.predict(rng.uniform(-1, 1, (50, 3)).astype(np.float32))
    assert (acted[:, 1] == 0.0).all() and acted[:, 0].std() > 0.0
    assert all(action in model.action_space for action in acted)
    assert export_policy(model, tmp_path / "policy.onnx", dataset=data).largest_difference < 1e-4


def test_actions_have_the_type_of_their_space(minari_root: Any) -> None:
    rng = np.random.default_rng(0)
    episodes = []
    for _ in range(4):
        seen = rng.uniform(-1, 1, (STEPS + 1, 3)).astype(np.float32)
        acted = (0.8 * seen[:-1, :2]).astype(np.float16)
        episodes.append(episode(seen, acted, np.ones(STEPS), np.zeros(STEPS)))
    box = gym.spaces.Box(-1, 1, (2,), np.float16)
    data = stored("half", episodes, gym.spaces.Box(-1, 1, (3,)), box)
    model = BC.load_offline(data, None, device="cpu").learn(5)
    acted, _ = model.predict(np.zeros(3, dtype=np.float32))
    assert acted.dtype == np.float16 and acted in model.action_space


@every_case
def test_observations_of_truth_values_and_of_no_numbers(
    case: Case, box_dataset: MinariDataset
) -> None:
    """As SB3 takes them: `bool` was an error of PyTorch, and so were objects and texts."""
    model = case.make(box_dataset)

    def act(values: Any) -> Any:
        return model.predict(values, deterministic=True)[0]

    flags = np.array([[True, False, True], [False, False, True]])
    np.testing.assert_array_equal(act(flags), act(flags.astype(np.float32)))
    for wrong, dtype in ((np.array([0.0, None, 1.0]), "object"), (np.array(["a"] * 3), "<U1")):
        with pytest.raises(ConfigError, match=f"must be an array of numbers, got one of {dtype}"):
            act(wrong)


def test_callbacks_may_be_a_list_of_functions_and_callbacks(box_dataset: MinariDataset) -> None:
    """SB3 takes a function alone; in a list it is an `AttributeError` there."""
    calls: list[int] = []

    def stop_at_four(local: Any, _: Any) -> bool:
        calls.append(local["self"].num_timesteps)
        return calls[-1] < 4

    model = BC.load_offline(box_dataset, None, seed=0, device="cpu")
    callbacks: list[Any] = [StopTrainingOnMaxEpisodes(9), stop_at_four, None]
    model.learn(10, callback=callbacks)
    assert (calls, model.num_timesteps) == ([1, 2, 3, 4], 4)


@contextmanager
def written_elsewhere(path: Path, *, killed: bool = False) -> Iterator[None]:
    """While another program has an HDF5 file open to write, or after it was killed."""
    code = f"import h5py, sys; f = h5py.File({str(path)!r}, 'a'); print(1, flush=True); input()"
    command, pipe = [sys.executable, "-c", code], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as other:
        assert other.stdout and other.stdout.readline()
        try:
            if killed:
                other.kill()
                other.wait()
            yield
        finally:
            other.kill()


IN_USE = r"is in use: .*Close it .*h5clear -s FILE"


def test_a_file_in_use_is_not_called_damaged(box_dataset: MinariDataset, tmp_path: Path) -> None:
    """By a notebook or a collector; h5py says `Resource temporarily unavailable`."""
    tiny_feedback(box_dataset).save(box_dataset)
    exported = tmp_path / "data.hdf5"
    export_dsrl(box_dataset, exported)
    data = Path(box_dataset.storage.data_path)
    readers: dict[Path, Callable[[], object]] = {
        data / "main_data.hdf5": lambda: load_transitions(box_dataset),
        data / "feedback" / "default.hdf5": lambda: Feedback.load(box_dataset),
        exported: lambda: import_dsrl(exported, "toy/imported-v0"),
    }
    for path, read in readers.items():
        with written_elsewhere(path), pytest.raises(PresaError, match=IN_USE):
            read()


def test_the_mark_of_a_writer_that_was_killed_is_named(box_dataset: MinariDataset) -> None:
    main = Path(box_dataset.storage.data_path) / "main_data.hdf5"
    with written_elsewhere(main, killed=True), pytest.raises(PresaError, match=IN_USE):
        load_transitions(box_dataset)


def test_a_slash_after_an_id_as_shells_complete_it(box_dataset: MinariDataset) -> None:
    assert len(load_transitions(f"{box_dataset.id}/").actions) == box_dataset.total_steps


def test_no_environment_is_named(box_dataset: MinariDataset) -> None:
    """As `get_env()` gives none of a model that was trained without one."""
    model = BC.load_offline(box_dataset, None, seed=0, device="cpu")
    none: Any = model.get_env()
    with pytest.raises(ConfigError, match="`env` must be an environment or a VecEnv, got None"):
        evaluate_safety(model, none, cost_limit=5)
