"""The learner cannot reach rewards or costs, unless it says that it reads them."""

import gc
import types
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import h5py
import minari
import numpy as np
import numpy.typing as npt
import pytest
import torch as th
from algorithm_data import (  # noqa: F401
    TINY_STEPS,
    assert_same_weights,
    learn_quietly,
    one_thread,
    record_log,
    tiny_feedback,
    weights_of,
)
from contract import CASES, Case
from minari import MinariDataset
from minari.dataset.minari_storage import MinariStorage

from sb3_presa.data.episodes import load_outcomes
from sb3_presa.data.transitions import Outcomes
from sb3_presa.errors import DatasetError

Numbers = npt.NDArray[np.float64]

every_case_from_feedback, every_case_from_outcomes = (
    pytest.mark.parametrize(
        "case",
        [case for case in CASES if ("outcomes" in case.algorithm.needs) == reads],
        ids=lambda case: case.name,
    )
    for reads in (False, True)
)


def rewrite_outcomes(root: Path, fill: Callable[[int], Any]) -> MinariDataset:
    """The dataset ``toy/box-v0`` with other rewards and costs, all else as it was."""
    with h5py.File(root / "toy/box-v0/data/main_data.hdf5", "r+") as file:
        for episode in file.values():
            for name in ("rewards", "infos/cost"):
                old = episode[name]
                episode[name][...] = np.broadcast_to(fill(len(old)), old.shape)
    return minari.load_dataset("toy/box-v0")


@every_case_from_feedback
@pytest.mark.parametrize("garbage", ["nan", "random"])
def test_training_is_the_same_bit_for_bit_on_garbage_outcomes(
    case: Case, garbage: str, box_dataset: MinariDataset, minari_root: Path
) -> None:
    feedback = tiny_feedback(box_dataset)
    honest = case.make(box_dataset, feedback)
    honest_log = record_log(honest)
    learn_quietly(honest, TINY_STEPS, log_interval=5)
    random = np.random.default_rng(0)
    fill = {"nan": lambda n: np.nan, "random": lambda n: random.uniform(0, 1e6, n)}[garbage]
    dataset = rewrite_outcomes(minari_root, fill)
    if garbage == "random":
        assert abs(load_outcomes(dataset).rewards).max() > 1e5, "they were not rewritten"
    blind = case.make(dataset, feedback)
    blind_log = record_log(blind)
    learn_quietly(blind, TINY_STEPS, log_interval=5)
    assert_same_weights(honest, blind)
    for one, other in zip(honest_log.entries, blind_log.entries, strict=True):
        assert {k: v for k, v in one.items() if "time/" not in k} == {
            k: v for k, v in other.items() if "time/" not in k
        }


@every_case_from_outcomes
def test_what_reads_outcomes_learns_something_else_from_others(
    case: Case, box_dataset: MinariDataset, minari_root: Path
) -> None:
    feedback = tiny_feedback(box_dataset)
    honest = case.trained(box_dataset, feedback)
    assert_same_weights(honest, case.trained(box_dataset, tiny_feedback(box_dataset, seed=1)))
    random = np.random.default_rng(0)
    other = case.trained(rewrite_outcomes(minari_root, lambda n: random.random(n) < 0.2), feedback)
    name = "/policy/actor.head.mean.weight"
    assert not np.array_equal(weights_of(honest)[name], weights_of(other)[name])
    with pytest.raises(DatasetError, match="must be finite"):
        case.make(rewrite_outcomes(minari_root, lambda n: np.nan), feedback)


def reachable(root: Any) -> Iterator[Any]:
    """Everything that references lead to, modules and classes apart."""
    seen: set[int] = set()
    queue = [root]
    while queue:
        found = queue.pop()
        skipped = (type, types.ModuleType, types.FrameType, types.CodeType)
        if id(found) in seen or isinstance(found, skipped):
            continue
        seen.add(id(found))
        yield found
        if isinstance(found, types.FunctionType):  # not its module's globals
            queue.extend(found.__closure__ or ())
            continue
        queue.extend(gc.get_referents(found))
        queue.extend(vars(found).values() if hasattr(found, "__dict__") else ())


def numbers_in(objects: Iterable[Any]) -> Iterator[Numbers]:
    """The numbers in arrays, tensors and lists, flat."""
    for found in objects:
        if isinstance(found, th.Tensor):
            yield found.detach().double().flatten().numpy()
        elif isinstance(found, np.ndarray) and found.dtype.kind in "fiub":
            yield found.astype(np.float64).ravel()
        elif isinstance(found, list | tuple) and found and isinstance(found[0], float):
            yield np.asarray([x for x in found if isinstance(x, float)])


def contains(found: Numbers, secret: Numbers) -> bool:
    """Whether the secret numbers are somewhere in what was found, one after the other."""
    if len(found) < len(secret):
        return False
    starts = np.flatnonzero(np.isclose(found[: len(found) - len(secret) + 1], secret[0]))
    return any(np.allclose(found[s : s + len(secret)], secret) for s in starts)


@every_case_from_feedback
def test_no_reference_from_the_model_leads_to_rewards_or_costs(
    case: Case, box_dataset: MinariDataset, minari_root: Path
) -> None:
    """Neither whole nor a single episode's, in order, as arrays, tensors or lists."""
    feedback = tiny_feedback(box_dataset)
    random = np.random.default_rng(0)
    dataset = rewrite_outcomes(minari_root, random.random)
    outcomes = load_outcomes(dataset)
    model = learn_quietly(case.make(dataset, feedback), TINY_STEPS)
    assert model.source is not None
    objects = list(reachable(model))
    assert not [o for o in objects if isinstance(o, MinariDataset | MinariStorage | Outcomes)]
    arrays = list(numbers_in(objects))
    start, length = int(outcomes.episode_starts[2]), int(outcomes.episode_lengths[2])
    rows = slice(start, start + length)
    for secret in (outcomes.rewards[rows], outcomes.costs[rows]):
        for dtype in (np.float64, np.float32):
            hidden = secret.astype(dtype).astype(np.float64)
            assert not any(contains(found, hidden) for found in arrays)
    model.leak = {"somewhere": [float(x) for x in outcomes.costs]}
    leaked = numbers_in(reachable(model))
    assert any(contains(found, outcomes.costs[rows]) for found in leaked), "the search is blind"
