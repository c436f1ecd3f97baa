"""Hashes of episodes: made where labels ask for them, and once."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from algorithm_data import flat_transitions
from made_up import episode, write
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer
from toy_envs import Kind

from sb3_presa.data import transitions as module
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.hdf5_episodes import Hdf5Episodes
from sb3_presa.data.transitions import Transitions, episode_hash
from sb3_presa.feedback.summary import summarize
from sb3_presa.feedback.table import Feedback


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How many episodes of each length were hashed; in these tests, lengths tell them apart."""
    counts: Counter[int] = Counter()

    def counting(observations: Any, actions: Any) -> bytes:
        counts[len(actions)] += 1
        return episode_hash(observations, actions)

    monkeypatch.setattr(module, "episode_hash", counting)
    return counts


@pytest.fixture
def dataset(minari_root: Path) -> MinariDataset:
    """Episodes of 3 to 8 steps, whose ids are 3 less."""
    return write("toy/six-v0", [episode(steps, steps) for steps in range(3, 9)])


def test_an_episode_is_hashed_when_its_hash_is_asked_for(
    dataset: MinariDataset, hashed: Counter[int]
) -> None:
    transitions = load_transitions(dataset)
    hashes = transitions.hashes_by_id()
    assert list(hashes) == [0, 1, 2, 3, 4, 5]
    assert len(hashes) == 6
    assert 6 not in hashes
    assert not hashed
    assert hashes[2] == transitions.hashes_by_id()[2]
    assert hashed == {5: 1}
    assert transitions.hash_episodes() == list(hashes.values())
    assert hashed == dict.fromkeys(range(3, 9), 1)


@pytest.mark.parametrize("kind", ["box", "dict", "image", "discrete"])
def test_a_hash_is_of_the_episode_alone(
    make_dataset: Callable[[Kind], MinariDataset], kind: Kind
) -> None:
    transitions = load_transitions(make_dataset(kind))
    for index, one in enumerate(transitions.hash_episodes()):
        assert one == episode_hash(*transitions.episode(index))
    assert len(set(transitions.hash_episodes())) == 24


def test_labels_hash_only_their_own_episodes(dataset: MinariDataset, hashed: Counter[int]) -> None:
    labels = Feedback.create(dataset, [(1, 0, 2), (4, 1, 3), (1, 1, 2)], p_safe=[1, 0, 1])
    assert hashed == {4: 1, 7: 1}
    assert sorted(labels.episode_hashes) == [1, 4]
    transitions = load_transitions(dataset)
    for _ in range(2):
        labels.align(transitions)
    assert hashed == {4: 2, 7: 2}


def test_labels_of_renumbered_episodes_are_found(
    dataset: MinariDataset, minari_root: Path, hashed: Counter[int]
) -> None:
    labels = Feedback.create(dataset, [(1, 0, 2), (4, 1, 3)], p_safe=[1, 0])
    turned = write("toy/turned-v0", [episode(steps, steps) for steps in range(8, 2, -1)])
    transitions = load_transitions(turned)
    hashed.clear()
    assert labels.align(transitions).segments[:, 0].tolist() == [4, 1]
    assert hashed == dict.fromkeys(range(3, 9), 1)


def test_synthetic_labels_and_summaries_read_and_hash_once(
    dataset: MinariDataset, hashed: Counter[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many sets of feedback lie beside the data."""
    looked: Counter[tuple[int, str]] = Counter()
    columns = Hdf5Episodes.columns

    def counting(storage: Hdf5Episodes, one: int, fields: Any) -> Any:
        looked.update((one, field) for field in fields)
        return columns(storage, one, fields)

    monkeypatch.setattr(Hdf5Episodes, "columns", counting)
    labels = Feedback.synthetic(dataset, 60, cost_limit=2.0)
    assert max(looked.values()) == 1
    assert max(hashed.values()) == 1
    for name in ("one", "two", "three"):
        labels.save(dataset, name)
    for counts in (looked, hashed):
        counts.clear()
    assert len(summarize(dataset).feedback) == 3
    assert max(looked.values()) == 1
    assert max(hashed.values()) == 1


def test_labels_of_appended_and_filtered_data_are_aligned(dataset: MinariDataset) -> None:
    labels = Feedback.create(dataset, [(1, 0, 2), (4, 1, 3)], p_safe=[1, 0])
    dataset.update_dataset_from_buffer([EpisodeBuffer(**episode(9, 9))])
    assert labels.align(dataset).segments.tolist() == labels.segments.tolist()
    late = MinariDataset(dataset.storage, np.array([6, 4]))
    assert labels.align(late).segments.tolist() == [[4, 1, 3]]


def test_transitions_of_arrays_at_hand_are_hashed_alike() -> None:
    arrays = episode(5)
    one = Transitions(
        observations=arrays["observations"][:-1],
        actions=arrays["actions"],
        episode_ids=np.array([7]),
        episode_starts=np.array([0]),
        episode_lengths=np.array([5]),
        observation_space=None,  # type: ignore[arg-type]
        action_space=None,  # type: ignore[arg-type]
        dataset_id="",
    )
    assert one.hashes_by_id() == {7: episode_hash(arrays["observations"], arrays["actions"])}


@pytest.mark.parametrize(
    ("n_short", "n_ended", "early"), [(1, 1, False), (2, 2, True), (10, 1, False), (10, 10, True)]
)
def test_when_episodes_end_early(n_short: int, n_ended: int, early: bool) -> None:
    """One in ten, which the task ended, and before half of the longest."""
    lengths = np.full(20, 10)
    lengths[:n_short] = 4
    one = flat_transitions(lengths.tolist(), range(20))
    assert replace(one, terminated=np.arange(20) < n_ended).end_early == early
    half = flat_transitions(np.maximum(lengths, 5).tolist(), range(20))
    assert not replace(half, terminated=np.ones(20, dtype=bool)).end_early
    assert not one.end_early, "nobody says how they ended"


def test_how_episodes_ended_is_read(minari_root: Path) -> None:
    ended, cut = episode(3, 3), episode(4, 4)
    ended["terminations"][-1], ended["truncations"][-1] = True, False
    found = load_transitions(write("toy/ends-v0", [ended, cut])).terminated
    assert found is not None and found.tolist() == [True, False]
