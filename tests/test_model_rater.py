"""Models that answer beside people: what they see, and that they never overrule anybody."""

import time
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from made_up import episode, write
from minari import MinariDataset

from sb3_presa.annotation.answers.answer import Answer, Segment
from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.annotation.asking.model_rater import RatedClip, Said, rate
from sb3_presa.annotation.consensus.merge import METHODS, MergeMethod, merge_answers
from sb3_presa.data.episodes import load_transitions
from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.feedback.file import answers_path

ONE: Segment = (0, 0, 5)
OTHER: Segment = (1, 3, 5)


@pytest.fixture
def dataset(minari_root: object) -> MinariDataset:
    """Two pairs that a person has answered: the first is better, both are safe."""
    made = write("toy/rated-v0", [episode(30, seed) for seed in range(4)])
    hashes = load_transitions(made).hashes_by_id()
    with closing(AnswerStore(answers_path(made, "people"), made.id)) as store:
        store.record_episodes(hashes)
        for first, second in ((ONE, OTHER), ((2, 0, 5), (3, 0, 5))):
            store.add(Answer("ann", first, second, 1.0, 1.0, 1.0, 2.0, time.time()))
    return made


def contrary(first: RatedClip, second: RatedClip) -> Said:
    return Said(0.0, 0.0, 0.0)


@pytest.mark.parametrize("method", METHODS)
def test_a_model_never_overrules_a_person(dataset: MinariDataset, method: MergeMethod) -> None:
    assert rate(dataset, contrary, "it", feedback="people", n_pairs=8, segment_length=5) == 8
    with closing(AnswerStore(answers_path(dataset, "people"), dataset.id)) as store:
        alone = merge_answers(store, dataset, method, left_out=["model:it"])
        both = merge_answers(store, dataset, method)
        answers = store.answers(annotator="model:it")
    shared = {(a.first, a.second) for a in answers} & {(ONE, OTHER), ((2, 0, 5), (3, 0, 5))}
    assert len(shared) == 2  # a quarter of eight
    assert len(both.comparisons) == 8
    labels = {tuple(s): p for s, p in zip(both.segments.tolist(), both.p_safe, strict=True)}
    for segment, p_safe in zip(alone.segments.tolist(), alone.p_safe, strict=True):
        assert labels[tuple(segment)] == p_safe if method != "noise-model" else p_safe > 0.5
        assert labels[tuple(segment)] > 0.5
    others = [p for s, p in labels.items() if list(s) not in alone.segments.tolist()]
    assert len(others) > 5 and max(others) < 0.5


def test_a_model_sees_the_steps_of_its_clips(dataset: MinariDataset) -> None:
    seen: list[RatedClip] = []

    def rater(first: RatedClip, second: RatedClip) -> Said:
        seen.extend((first, second))
        return Said()

    rate(dataset, rater, "it", feedback="people", n_pairs=3, segment_length=7, overlap=0.0)
    assert len(seen) == 6
    for clip in seen:
        number, start, length = clip.segment
        logged = dataset[number]
        assert length == 7 and len(clip.actions) == 7
        np.testing.assert_array_equal(clip.observations, logged.observations[start : start + 7])
        np.testing.assert_array_equal(clip.actions, logged.actions[start : start + 7])


def test_what_was_answered_is_not_asked_again(dataset: MinariDataset) -> None:
    calls = []

    def tires(first: RatedClip, second: RatedClip) -> Said:
        calls.append(first)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return Said(1.0)

    with pytest.raises(KeyboardInterrupt):
        rate(dataset, tires, "it", feedback="people", n_pairs=5, segment_length=5)
    assert rate(dataset, tires, "it", feedback="people", n_pairs=5, segment_length=5) == 3
    assert rate(dataset, tires, "it", feedback="people", n_pairs=5, segment_length=5) == 0


def test_an_interruption_does_not_change_the_share_of_peoples_questions(
    dataset: MinariDataset,
) -> None:
    with closing(AnswerStore(answers_path(dataset, "people"), dataset.id)) as store:
        for start in range(1, 9):
            clips: tuple[Segment, Segment] = (0, start, 5), (1, start, 5)
            store.add(Answer("ann", *clips, 1.0, 1.0, 1.0, 2.0, time.time()))
    asked_before = 0

    def tires(first: RatedClip, second: RatedClip) -> Said:
        nonlocal asked_before
        asked_before += 1
        if asked_before == 4:
            raise KeyboardInterrupt
        return Said(1.0)

    settings: dict[str, Any] = {
        "feedback": "people",
        "n_pairs": 8,
        "segment_length": 5,
        "overlap": 0.5,
    }
    with pytest.raises(KeyboardInterrupt):
        rate(dataset, tires, "it", **settings)
    rate(dataset, tires, "it", **settings)
    with closing(AnswerStore(answers_path(dataset, "people"), dataset.id)) as store:
        asked = {answer.question for answer in store.answers(annotator="model:it")}
        people = {answer.question for answer in store.answers(annotator="ann")}
    assert (len(asked), len(asked & people)) == (8, 4)


def test_a_name_is_checked_before_the_model_is_called(dataset: MinariDataset) -> None:
    def never(first: RatedClip, second: RatedClip) -> Said:
        raise AssertionError

    with pytest.raises(FeedbackError, match="an annotator's name must have 1 to 64"):
        rate(dataset, never, "x" * 59, feedback="people", n_pairs=1, segment_length=5)


def test_what_is_no_answer_is_refused(dataset: MinariDataset) -> None:
    with pytest.raises(FeedbackError, match=r"`preference` must be one of"):
        rate(dataset, lambda *_: Said(0.7), "it", feedback="people", n_pairs=1, segment_length=5)
    with pytest.raises(ConfigError, match=r"`overlap` in \[0, 1\], got 1, 5 and 2"):
        rate(dataset, contrary, "it", n_pairs=1, segment_length=5, overlap=2)
