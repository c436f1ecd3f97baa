"""Agents that go on from another's clone end as if they had cloned themselves."""

from collections.abc import Sequence
from typing import Any

import pytest
from algorithm_data import TINY_STEPS, assert_same_weights, tiny_feedback
from contract import (
    CASES,
    PRESA_CASE,
    Case,
)
from fitted_once import labels_fitted_once  # noqa: F401
from minari import MinariDataset

from sb3_presa import CPL
from sb3_presa.benchmark.engine.shared_cloning import Seconds, SharedClones
from sb3_presa.learning.phases import Clone, Phase

#: Those whose cloning does not depend on the labels that were given.
SHARING = {"cpl", "safe-first", "safety-only", "trac"}


def agent(case: Case, dataset: MinariDataset, seed: int = 0, **changes: Any) -> Any:
    return case.make(dataset, tiny_feedback(dataset, seed=seed), seed=seed, **changes)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_shared_clone_changes_nothing(case: Case, box_dataset: MinariDataset) -> None:
    """Bit for bit, whatever labels the agent had that cloned; and time is told of as spared."""
    clones = SharedClones()
    first = case.make(box_dataset, tiny_feedback(box_dataset, seed=1), seed=0)
    assert clones.learn(first, "box", TINY_STEPS) == Seconds()
    shared, alone = agent(case, box_dataset), agent(case, box_dataset)
    spared = clones.learn(shared, "box", TINY_STEPS)
    alone.learn(TINY_STEPS)
    assert (spared.wall > 0) == (case.name in SHARING)
    assert shared.num_timesteps == alone.num_timesteps == TINY_STEPS
    assert_same_weights(shared, alone)


@pytest.mark.filterwarnings("ignore")
def test_other_beginnings_are_not_shared(box_dataset: MinariDataset) -> None:
    """Another seed, other data, another setting of cloning; an agent that only clones."""
    case = PRESA_CASE
    clones = SharedClones()
    clones.learn(agent(case, box_dataset), "box", TINY_STEPS)
    others: list[tuple[Any, str, int]] = [
        (agent(case, box_dataset, seed=1), "box", TINY_STEPS),
        (agent(case, box_dataset), "another", TINY_STEPS),
        (agent(case, box_dataset, cloning_learning_rate=1e-4), "box", TINY_STEPS),
        (agent(case, box_dataset, n_cloning_steps=5), "box", TINY_STEPS),
        (agent(case, box_dataset, average_decay=0.9), "box", TINY_STEPS),
        (agent(case, box_dataset), "box", 3),
    ]
    for model, dataset, steps in others:
        assert clones.learn(model, dataset, steps) == Seconds()
        assert model.num_timesteps == steps
    assert clones.learn(agent(case, box_dataset), "box", TINY_STEPS) > Seconds()


class OwnClone(Clone):
    """Clones in a way that no key tells of."""


class Own(CPL):
    """A user's class."""

    def phases(self, total_timesteps: int | None = None) -> Sequence[Phase]:
        clone, *rest = super().phases(total_timesteps)
        assert isinstance(clone, Clone)
        own = OwnClone(
            clone.start,
            clone.stop,
            clone.learning_rates.__getitem__,
            rows=clone.rows,
            policy=clone.policy,
            source=clone.source,
            autocast=clone.autocast,
        )
        return [own, *rest]


@pytest.mark.filterwarnings("ignore")
def test_a_class_of_ones_own_is_left_alone(box_dataset: MinariDataset) -> None:
    clones = SharedClones()
    feedback = tiny_feedback(box_dataset, seed=0)
    for algorithm, spared in ((CPL, False), (CPL, True), (Own, False)):
        model = algorithm.load_offline(box_dataset, feedback, seed=0, n_cloning_steps=2)
        assert (clones.learn(model, "box", 4) > Seconds()) == spared
