"""Pairs of clips with answers: episodes and comparisons from one file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sb3_presa import Feedback
from sb3_presa.data import import_logs, load_transitions
from sb3_presa.errors import DatasetError

#: Beside the checkout, or beside the folder of several.
PEOPLE = [
    path
    for parent in Path(__file__).parents[2:4]
    for path in sorted(parent.glob("shared/people/*_eval.npz"))
]


@pytest.fixture(autouse=True)
def _own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))


def pairs(count: int = 4, extra: int = 0) -> dict[str, Any]:
    """Clips of 5 steps; the second clip of a pair is the first one of the next."""
    random = np.random.default_rng(0)
    observed = random.normal(size=(count + 1, 5 + extra, 3))
    acted = random.uniform(-1, 1, (count + 1, 5, 2))
    return {
        "obs_1": observed[:-1],
        "obs_2": observed[1:],
        "action_1": acted[:-1],
        "action_2": acted[1:],
        "label": np.array([0.0, 0.5, 1.0, 0.25])[:count],
    }


@pytest.mark.parametrize("extra", [0, 1])
def test_episodes_and_comparisons_come_from_one_file(tmp_path: Path, extra: int) -> None:
    arrays = pairs(extra=extra)
    np.savez(tmp_path / "pairs.npz", allow_pickle=False, **arrays)
    dataset = import_logs(tmp_path / "pairs.npz", "people/lift-v0", feedback="people")
    found, labels = load_transitions(dataset), Feedback.load(dataset, "people")
    assert found.episode_lengths.tolist() == [5] * 5  # a clip of two pairs is one episode
    assert labels.preferences.tolist() == [1.0, 0.5, 0.0, 0.75]  # of the first one
    for row, (first, second) in enumerate(labels.segments[labels.comparisons][..., 0]):
        for side, episode in ((1, first), (2, second)):
            observed, acted = found.episode(int(episode))
            assert isinstance(observed, np.ndarray)
            np.testing.assert_allclose(observed, arrays[f"obs_{side}"][row][:5], rtol=1e-6)
            np.testing.assert_allclose(acted, arrays[f"action_{side}"][row], rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": np.array([0, 1, 2, 1.0])}, r"labels must be in \[0, 1\] .* got 2.0 in row 2"),
        ({"label": np.array([0, np.nan, 1, 1.0])}, "got nan in row 1"),
        ({"obs_2": np.zeros((3, 5, 3))}, "'obs_2' must have one clip per label, 4, got shape"),
        ({"action_1": np.full((4, 5, 2), np.inf)}, "actions must be finite .*pair 0, clip 1"),
    ],
)
def test_wrong_pairs_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "pairs.npz", allow_pickle=False, **(pairs() | change))
    with pytest.raises(DatasetError, match=message):
        import_logs(tmp_path / "pairs.npz", "people/lift-v0")
    assert not (tmp_path / "minari" / "people").exists()


def test_a_name_that_is_taken_by_nothing_leaves_no_dataset(tmp_path: Path) -> None:
    """Labels and episodes appear together or not at all."""
    np.savez(tmp_path / "pairs.npz", allow_pickle=False, **pairs())
    with pytest.raises(ValueError, match="the name of feedback must have"):
        import_logs(tmp_path / "pairs.npz", "people/lift-v0", feedback="no/name")
    assert not (tmp_path / "minari" / "people" / "lift-v0").exists()


def test_comparisons_of_clips_that_are_left_out_go_with_them(tmp_path: Path) -> None:
    arrays = pairs()
    arrays["obs_1"][0, 2, 1] = np.nan
    np.savez(tmp_path / "pairs.npz", allow_pickle=False, **arrays)
    dataset = import_logs(tmp_path / "pairs.npz", "people/lift-v0", skip_faulty=True)
    assert Feedback.load(dataset).preferences.tolist() == [0.5, 0.0, 0.75]


@pytest.mark.skipif(not PEOPLE, reason="sets of people's answers are not distributed")
def test_answers_of_real_people_come_in() -> None:
    for path in PEOPLE:
        dataset = import_logs(path, "people/real-v0", overwrite=True)
        labels, given = Feedback.load(dataset), np.load(path)["label"]
        assert labels.preferences.tolist() == (1 - given).tolist()
        lengths = load_transitions(dataset).episode_lengths
        assert set(labels.segments[:, 2]) == set(lengths) == {np.load(path)["action_1"].shape[1]}
