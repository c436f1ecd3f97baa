"""The numbers that describe a dataset, against counts by hand, and their rendering."""

import io
from pathlib import Path

import numpy as np
import pytest
from made_up import episode, write
from minari import MinariDataset
from rich.console import Console

from sb3_presa.feedback.summary import DatasetSummary, render_summary, summarize
from sb3_presa.feedback.table import Feedback


def rendered(summary: DatasetSummary) -> str:
    """What a terminal of 200 columns shows."""
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(render_summary(summary))
    return console.export_text()


@pytest.fixture
def labelled(minari_root: Path) -> DatasetSummary:
    """Four episodes of 4 steps that cost 0, 1, 2 and 4, labelled by hand for a limit of 1."""
    costs = [[0, 0, 0, 0], [0, 0, 0, 1], [1, 1, 0, 0], [1, 1, 1, 1]]
    dataset = write(
        "four-v0",
        [
            episode(4, i, infos={"cost": np.array(c)}, rewards=np.full(4, float(i)))
            for i, c in enumerate(costs)
        ],
    )
    Feedback.create(
        dataset,
        segments=[(0, 0, 4), (1, 0, 4), (2, 2, 2), (3, 0, 4), (3, 0, 2), (1, 0, 3)],
        p_safe=[True, True, True, False, None, 0.5],
        # preferred unsafe, other safe; the same the other way round; both safe; a tie; unlabelled
        comparisons=[(3, 0), (0, 3), (1, 3), (0, 1), (3, 1), (4, 0), (5, 0)],
        preferences=[1, 0.2, 0.9, 1, 0.5, 1, 1],
        provenance={"source": "anna", "cost_limit": 1},
    ).save(dataset, "anna")
    return summarize("four-v0")


def test_counts_of_a_dataset(labelled: DatasetSummary) -> None:
    assert (labelled.episodes, labelled.steps, labelled.horizon) == (4, 16, 4)
    assert labelled.costs is not None
    assert tuple(vars(labelled.costs).values()) == (0, 0.75, 1.5, 2.5, 4, 1.75)
    assert tuple(vars(labelled.returns).values()) == (0, 3, 6, 9, 12, 6)
    assert labelled.reference is None
    assert labelled.env_id is None


def test_counts_of_feedback(labelled: DatasetSummary) -> None:
    (found,) = labelled.feedback
    assert (found.name, found.source, found.segments) == ("anna", "anna", 6)
    assert found.lengths == (2, 4)
    assert (found.safe, found.unsafe, found.unsure, found.unlabelled) == (3, 1, 1, 1)
    assert (found.comparisons, found.ties, found.cost_limit) == (7, 1, 1)
    # Of the four comparisons with two labels and no tie, the first two.
    assert found.conflicting == 2 / 4
    # Segment 2 is safe, its episode is not; the other three labels are those of their episodes.
    assert found.episode_agreement == 3 / 4


def test_rendering(labelled: DatasetSummary) -> None:
    text = rendered(labelled)
    for part in ("four-v0", "Box(-inf, inf, (2,), float32)", "3 / 1", "7 (1)", "50.0%", "75.0%"):
        assert part in text


def test_synthetic_labels_of_whole_episodes_agree_with_them(box_dataset: MinariDataset) -> None:
    whole = box_dataset.filter_episodes(lambda e: len(e) == 20)
    Feedback.synthetic(whole, 200, cost_limit=8).save(whole)
    Feedback.synthetic(whole, 200, 3, cost_limit=8).save(whole, "short")
    default, short = summarize(whole).feedback
    assert default.episode_agreement == 1
    assert short.episode_agreement is not None
    assert 0.5 < short.episode_agreement < 1
    assert default.conflicting is not None
    assert default.conflicting > 0
    assert "-10 to 20" in rendered(summarize(whole))


def test_datasets_with_little_in_them(minari_root: Path) -> None:
    dataset = write("bare-v0", [episode(4, i, infos=None) for i in range(2)])
    bare = summarize(dataset)
    assert bare.costs is None
    assert bare.feedback == ()
    text = rendered(bare)
    for part in ("no costs", "no feedback", "not recorded", "none"):
        assert part in text
    Feedback.create(dataset, [(0, 0, 4)], [1]).save(dataset)
    (found,) = summarize(dataset).feedback
    assert (found.conflicting, found.episode_agreement) == (None, None)


def test_feedback_that_cannot_be_used_is_said_not_raised(box_dataset: MinariDataset) -> None:
    Feedback.create(box_dataset, [(5, 0, 4)], [1]).save(box_dataset, "good")
    path = Feedback.create(box_dataset, [(0, 0, 4)], [1]).save(box_dataset, "rotten")
    path.write_bytes(path.read_bytes()[:500])
    good, rotten = summarize(box_dataset).feedback
    assert good.problem is None
    assert rotten.problem is not None
    assert "rotten.hdf5 is damaged" in rotten.problem
    assert "feedback 'rotten' cannot be used" in rendered(summarize(box_dataset))
    (gone, _) = summarize(box_dataset.filter_episodes(lambda e: e.id == 0)).feedback
    assert gone.problem is not None
    assert "none of the 1 is: this feedback was made for other data" in gone.problem
