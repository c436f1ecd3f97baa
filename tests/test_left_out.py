"""Labels whose episodes are gone: told of, unless it was a part of the data that was asked for."""

import warnings

import made_up
import minari
import pytest
from algorithm_data import tiny_feedback
from minari import MinariDataset

from sb3_presa import CPL


def labelled(seeds: range) -> MinariDataset:
    """Episodes of these seeds in ``toy/box-v0``, whatever was there."""
    return made_up.write("toy/logs-v0", [made_up.episode(12, seed) for seed in seeds])


def test_labels_of_episodes_that_have_changed(minari_root: object) -> None:
    feedback = tiny_feedback(labelled(range(8)))
    minari.delete_dataset("toy/logs-v0")
    other = labelled(range(4, 12))
    with pytest.warns(
        UserWarning, match=r"of \d+ labelled segments and .* are left out.*'toy/logs-v0'"
    ):
        model = CPL.load_offline(other, feedback)
    assert model.feedback is not None and 0 < len(model.feedback.segments) < len(feedback.segments)


def test_a_part_that_was_chosen(minari_root: object) -> None:
    dataset = labelled(range(8))
    feedback = tiny_feedback(dataset)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CPL.load_offline(dataset, feedback)
        CPL.load_offline(dataset.filter_episodes(lambda e: e.id < 4), feedback)
