"""Data, models and comparisons that the tests of the algorithms share."""

import copy
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gymnasium as gym
import minari
import numpy as np
import numpy.typing as npt
import pytest
import torch as th
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer
from minari.serialization import serialize_space
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import KVWriter, Logger

from sb3_presa.data.minari_store import write_dataset
from sb3_presa.data.transitions import Transitions
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.alignment import Align
from sb3_presa.learning.losses import PairBatch
from sb3_presa.learning.settings import ObjectiveSettings

#: PRESA in 15 steps: 6 of cloning, 4 towards the attainable level, 5 on the Lagrangian.
TINY_PRESA: dict[str, Any] = {
    "completion": False,
    "n_cloning_steps": 6,
    "objective_kwargs": {"n_attain_steps": 4},
    "cloning_batch_size": 16,
    "n_pairs": 4,
    "n_segment_steps": 5,
    "average_decay": 0.5,
}
TINY_STEPS = 15

# Made once, for many tests use the same ones
_TINY_FEEDBACK: dict[tuple[Any, ...], Feedback] = {}
_RANDOM_DATASETS: dict[tuple[Any, ...], Path] = {}
_KEPT = TemporaryDirectory()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks of this size are slower on more threads, and sums repeat exactly on one."""
    n_threads = th.get_num_threads()
    th.set_num_threads(1)
    yield
    th.set_num_threads(n_threads)


def in_objective(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of PRESA, those of its objective that only experts turn where they belong."""
    expert = {f.name for f in fields(ObjectiveSettings) if f.default is not MISSING}
    flat = {name: value for name, value in settings.items() if name not in expert}
    given = {name: value for name, value in settings.items() if name in expert}
    flat["objective_kwargs"] = {**flat.get("objective_kwargs", {}), **given}
    return flat


def alignment_of(model: Any) -> Align:
    """The last phase of a run, ready to evaluate its loss."""
    phase = model.phases(model.num_timesteps + 1)[-1]
    assert isinstance(phase, Align)
    phase.prepare()
    return phase


def loss_of(model: Any, batch: PairBatch) -> tuple[th.Tensor, dict[str, th.Tensor]]:
    """The loss of the last phase on a batch, after which its next state is the objective's."""
    before = {name: value.clone() for name, value in model.objective.state().items()}
    loss, metrics, state = alignment_of(model).pair_loss(batch, before)
    model.objective.keep(state)
    return loss, metrics


def tiny_feedback(dataset: MinariDataset, **options: Any) -> Feedback:
    """60 comparisons of segments of 8 steps, about half of them safe; made once for equal files."""
    given = {"cost_limit": 4.0, "seed": 0, **options}
    content = sha256((dataset.storage.data_path / "main_data.hdf5").read_bytes()).digest()
    key = (dataset.id, content, repr(sorted(given.items())))
    if key not in _TINY_FEEDBACK:
        _TINY_FEEDBACK[key] = Feedback.synthetic(dataset, 60, 8, **given)
    return copy.deepcopy(_TINY_FEEDBACK[key])


def lone_feedback(
    segments: npt.ArrayLike,
    p_safe: npt.ArrayLike,
    comparisons: npt.ArrayLike = (),
    preferences: npt.ArrayLike = (),
) -> Feedback:
    """Labels on episodes that exist in name only."""
    rows = np.asarray(segments, dtype=np.int64).reshape(-1, 3)
    return Feedback(
        segments=rows,
        p_safe=np.asarray(p_safe, dtype=np.float32),
        comparisons=np.asarray(comparisons, dtype=np.int64).reshape(-1, 2),
        preferences=np.asarray(preferences, dtype=np.float32),
        episode_hashes={int(episode): bytes(32) for episode in rows[:, 0]},
        dataset_id="toy/none-v0",
    )


def flat_transitions(lengths: Sequence[int], episode_ids: Sequence[int]) -> Transitions:
    """Each observation is (episode id, step), each action is zero."""
    observations = [
        (episode, step)
        for episode, length in zip(episode_ids, lengths, strict=True)
        for step in range(length)
    ]
    sizes = np.asarray(lengths, dtype=np.int64)
    return Transitions(
        observations=np.asarray(observations, dtype=np.float32),
        actions=np.zeros((len(observations), 1), dtype=np.float32),
        episode_ids=np.asarray(episode_ids, dtype=np.int64),
        episode_starts=np.cumsum(sizes) - sizes,
        episode_lengths=sizes,
        observation_space=gym.spaces.Box(-np.inf, np.inf, (2,)),
        action_space=gym.spaces.Box(-1.0, 1.0, (1,)),
        dataset_id="toy/none-v0",
    )


def random_dataset(
    name: str,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    n_episodes: int = 6,
    n_steps: int = 12,
) -> MinariDataset:
    """A dataset of any spaces, with samples of them and a cost that is 1 a third of the time.

    Many tests use the same one: it is written once, and tests get copies.
    """
    root, dataset_id = Path(os.environ["MINARI_DATASETS_PATH"]), f"toy/{name}-v0"
    observation_space.seed(0)
    action_space.seed(0)
    spaces = (serialize_space(observation_space), serialize_space(action_space))
    key = (name, *spaces, n_episodes, n_steps)
    if key in _RANDOM_DATASETS:
        shutil.copytree(_RANDOM_DATASETS[key], root / dataset_id)
        return minari.load_dataset(dataset_id)
    random = np.random.default_rng(0)
    episodes = [
        episode(
            [observation_space.sample() for _ in range(n_steps + 1)],
            [action_space.sample() for _ in range(n_steps)],
            rewards=random.normal(size=n_steps),
            costs=random.random(n_steps) < 1 / 3,
        )
        for _ in range(n_episodes)
    ]
    dataset = stored(name, episodes, observation_space, action_space)
    _RANDOM_DATASETS[key] = Path(_KEPT.name) / str(len(_RANDOM_DATASETS))
    shutil.copytree(root / dataset_id, _RANDOM_DATASETS[key])
    return dataset


def stored(
    name: str,
    episodes: Sequence[EpisodeBuffer],
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
) -> MinariDataset:
    """The episodes as the dataset ``toy/<name>-v0`` of the test's datasets root."""
    write_dataset(
        f"toy/{name}-v0", episodes, observation_space=observation_space, action_space=action_space
    )
    return minari.load_dataset(f"toy/{name}-v0")


def episode(
    observations: Any, actions: Any, rewards: npt.ArrayLike, costs: npt.ArrayLike
) -> EpisodeBuffer:
    """An episode that is cut off at its end: T + 1 observations, T of everything else."""
    n_steps = len(actions)
    stacked: Any = np.asarray(observations)
    if isinstance(observations[0], Mapping):
        stacked = {key: np.stack([o[key] for o in observations]) for key in observations[0]}
    return EpisodeBuffer(
        observations=stacked,
        actions=np.asarray(actions),
        rewards=np.asarray(rewards, dtype=np.float64),
        terminations=np.zeros(n_steps, dtype=bool),
        truncations=np.arange(n_steps) == n_steps - 1,
        infos={"cost": np.concatenate([[0.0], np.asarray(costs, dtype=np.float64)])},
    )


def weights_of(model: BaseAlgorithm) -> dict[str, npt.NDArray[Any]]:
    """Everything that training changes: policy, optimizer and objective, as copies."""
    return dict(_leaves("", model.get_parameters()))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(f"{path}/{key}", part)
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _leaves(f"{path}/{index}", part)
    elif isinstance(value, th.Tensor):
        yield path, value.detach().numpy().copy()
    else:
        yield path, np.asarray(value)


def assert_same_weights(one: BaseAlgorithm, other: BaseAlgorithm) -> None:
    """Bit for bit."""
    first, second = weights_of(one), weights_of(other)
    assert first.keys() == second.keys()
    different = [name for name in first if not np.array_equal(first[name], second[name])]
    assert different == []


def assert_equal_results(together: Sequence[Any], alone: Sequence[Any]) -> None:
    """Weights, optimizer and objective, within the rounding of float32 sums."""
    for index, (one, other) in enumerate(zip(together, alone, strict=True)):
        assert one.num_timesteps == other.num_timesteps
        assert one._n_updates == other._n_updates
        expected, weights = weights_of(other), weights_of(one)
        assert weights.keys() == expected.keys()
        for name, values in weights.items():
            if values.dtype.kind == "O":  # an option of the optimizer that is None
                assert values == expected[name], name
                continue
            np.testing.assert_allclose(
                values, expected[name], rtol=2e-4, atol=2e-6, err_msg=f"model {index}: {name}"
            )


def assert_finite_weights(model: BaseAlgorithm) -> None:
    for name, values in weights_of(model).items():
        if values.dtype.kind == "f":
            assert np.isfinite(values).all(), name


class LogRecorder(KVWriter):
    """Keeps what a model logs, in the order of writing."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def write(
        self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0
    ) -> None:
        seen = {
            name: value
            for name, value in key_values.items()
            if "stdout" not in (key_excluded[name] or ())
        }
        self.entries.append({**seen, "step": step})

    def close(self) -> None:
        pass

    def series(self, name: str) -> list[float]:
        return [entry[name] for entry in self.entries if name in entry]

    def last(self, name: str) -> float:
        return self.series(name)[-1]


def record_log(model: BaseAlgorithm) -> LogRecorder:
    """From now on the model logs into what is returned, and nowhere else."""
    recorder = LogRecorder()
    model.set_logger(Logger(folder=None, output_formats=[recorder]))
    return recorder


def learn_quietly(model: Any, *args: Any, **kwargs: Any) -> Any:
    """``learn`` without the warning that delta is out of reach, which tiny runs often give."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`delta` should be")
        return model.learn(*args, **kwargs)
