"""Answers of several people become one feedback; whom the noise model trusts."""

import re
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import episode, write

from sb3_presa.annotation.answers.answer import Answer, Segment
from sb3_presa.annotation.consensus.agreement import preference_votes, safety_votes
from sb3_presa.annotation.consensus.merge import METHODS, MergeMethod, merge_answers
from sb3_presa.annotation.consensus.noise_model import fit_noise_model
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.feedback.table import Feedback

#: The ratings of Dawid and Skene (1979), table 1: 45 patients; three assessments of anaesthetist 1,
#: then one each of 2 to 5.
ANAESTHETISTS = """
1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343
1111111 2223212 1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222
1111111 1111111 2322222 1111111 1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343
2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222
"""


@pytest.fixture
def transitions(minari_root: object) -> Transitions:
    return load_transitions(write("toy/merge-v0", [episode(400, seed) for seed in range(4)]))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Transitions:
    """Episodes for many examples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINARI_DATASETS_PATH", str(tmp_path_factory.mktemp("merge")))
        return load_transitions(write("toy/many-v0", [episode(30, seed) for seed in range(3)]))


def answer(
    who: str,
    first: Segment,
    second: Segment | None,
    preference: float | None,
    safe: tuple[float | None, float | None] = (None, None),
) -> Answer:
    return Answer(who, first, second, preference, *safe, seconds=1.0, answered_at=0.0)


def test_noise_model_is_that_of_dawid_and_skene() -> None:
    """Without priors: the class marginals and anaesthetist 1's error rates, table 2."""
    triples = [
        (patient, max(0, column - 2), int(rating) - 1)
        for patient, ratings in enumerate(ANAESTHETISTS.split())
        for column, rating in enumerate(ratings)
    ]
    model = fit_noise_model(*np.asarray(triples).T, n_classes=4, prior_strength=0.0)  # type: ignore[misc]
    np.testing.assert_allclose(model.prevalence, [0.40, 0.42, 0.11, 0.07], atol=0.005)
    np.testing.assert_allclose(
        model.confusion[0, :3],
        [[0.89, 0.11, 0.00, 0.00], [0.07, 0.88, 0.05, 0.00], [0.00, 0.34, 0.66, 0.00]],
        atol=0.0051,
    )
    np.testing.assert_allclose(model.confusion.sum(axis=2), 1.0)


def raters(
    accuracies: dict[str, float], n: int, seed: int, n_of: dict[str, int] | None = None
) -> tuple[list[Answer], np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Answers of people who are right this often, on n pairs and the first segment of each."""
    random = np.random.default_rng(seed)
    truth, safe = random.random(n) < 0.5, random.random(n) < 0.7
    answers = []
    for who, accuracy in accuracies.items():
        asked = range(n) if n_of is None else range(n_of.get(who, n))
        for item in asked:
            first, second = (item % 4, item, 5), ((item + 1) % 4, item + 7, 5)
            says = float(truth[item] == (random.random() < accuracy))
            calls = float(safe[item] == (random.random() < accuracy))
            if random.random() < 0.5:  # shown the other way round
                answers.append(answer(who, second, first, 1.0 - says, (None, calls)))
            else:
                answers.append(answer(who, first, second, says, (calls, None)))
    return answers, truth


def accuracy_of(feedback: Feedback, truth: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    """Share of the pairs of :func:`raters` that are right; half a point for a tie."""
    points = []
    for (a, b), preference in zip(feedback.comparisons, feedback.preferences, strict=True):
        starts = feedback.segments[[a, b], 1]
        first_is_first = starts[0] < starts[1]  # the second of a pair starts seven steps later
        wins = preference if first_is_first else 1.0 - preference
        item = int(starts.min())
        points.append(0.5 if wins == 0.5 else float((wins > 0.5) == truth[item]))
    assert len(points) == len(truth)
    return float(np.mean(points))


def test_noise_model_trusts_those_who_are_right(transitions: Transitions) -> None:
    """One good rater, three who hardly know: the majority drowns the one, the model does not."""
    people = {"expert": 0.97, "x": 0.6, "y": 0.58, "z": 0.56}
    answers, truth = raters(people, 300, seed=0)
    majority = merge_answers(answers, transitions, "majority")
    model = merge_answers(answers, transitions, "noise-model")
    assert accuracy_of(model, truth) > accuracy_of(majority, truth) + 0.05
    believed = model.provenance["noise_model"]["preference"]["accuracy"]
    assert max(believed, key=believed.__getitem__) == "expert"
    # It does not say to know more than it does: of pairs at p, at least p are right.
    sure = np.abs(model.preferences - 0.5) + 0.5
    assert 0.75 < sure.mean() < accuracy_of(model, truth) + 0.02


def test_rare_unsafe_clips_are_not_taken_for_errors() -> None:
    """Where the shares of the classes are not estimated, most safe answers look like noise."""
    generator = np.random.default_rng(1)
    unsafe = generator.random(1000) < 0.05
    answers = np.where(generator.random((5, 1000)) < 0.85, unsafe, ~unsafe).astype(int)
    people, clips = np.indices(answers.shape)
    model = fit_noise_model(clips.ravel(), people.ravel(), answers.ravel(), 2)
    called = model.posterior[:, 1] > 0.5
    majority = answers.mean(axis=0) > 0.5
    assert (called == unsafe).mean() > max(0.97, (majority == unsafe).mean())
    assert abs(model.prevalence[1] - unsafe.mean()) < 0.02


def test_one_with_few_answers_does_not_break_it(transitions: Transitions) -> None:
    """A newcomer with one answer, which contradicts everybody, is neither a saint nor a liar."""
    answers, truth = raters({"ann": 0.9, "bob": 0.9, "cid": 0.9}, 200, seed=1)
    without = merge_answers(answers, transitions, "noise-model")
    row = int(np.argmax(without.preferences))  # everybody says the first is better
    first, second = (
        (int(s[0]), int(s[1]), int(s[2])) for s in without.segments[without.comparisons[row]]
    )
    odd = answer("new", second, first, 1.0)
    found = merge_answers([*answers, odd], transitions, "noise-model")
    believed = found.provenance["noise_model"]["preference"]["accuracy"]
    others = float(np.mean([believed[who] for who in ("ann", "bob", "cid")]))
    assert 0.7 < believed["new"] < others
    np.testing.assert_allclose(found.preferences, without.preferences, atol=0.1)
    assert accuracy_of(found, truth) > 0.95


def test_somebody_alone_is_believed_as_far_as_the_prior(transitions: Transitions) -> None:
    """Nobody to compare with: not certainty, the assumed accuracy, however many the answers."""
    answers, _ = raters({"ann": 1.0}, 300, seed=2)
    found = merge_answers(answers, transitions, "noise-model", prior_accuracy=0.9)
    sure = np.abs(found.preferences - 0.5) + 0.5
    assert 0.85 < sure.min() <= sure.max() < 0.97
    assert np.all((found.p_safe[~np.isnan(found.p_safe)] % 1.0) != 0.0)


def test_majority_and_mean_by_hand(transitions: Transitions) -> None:
    a, b, c = ((0, start, 5) for start in (0, 10, 20))
    answers = [
        answer("ann", a, b, 1.0, (1.0, 0.0)),
        answer("bob", b, a, 0.0, (0.0, 1.0)),
        answer("cid", a, b, 0.0, (0.0, 0.0)),
        answer("ann", a, c, 1.0, (None, 1.0)),
        answer("bob", c, a, 1.0, (0.0, None)),
        answer("cid", b, c, None),
        answer("dee", b, c, 0.5),
    ]
    expected: dict[MergeMethod, tuple[list[float], list[float]]] = {
        "majority": ([1.0, 0.5, 0.5], [1.0, 0.0, 0.5]),
        "mean": ([2 / 3, 0.5, 0.5], [2 / 3, 0.0, 0.5]),
    }
    for method, (preferences, p_safe) in expected.items():
        found = merge_answers(answers, transitions, method)
        np.testing.assert_array_equal(found.segments, [a, b, c])
        np.testing.assert_array_equal(found.comparisons, [[0, 1], [0, 2], [1, 2]])
        np.testing.assert_allclose(found.preferences, preferences, rtol=1e-6)
        np.testing.assert_allclose(found.p_safe, p_safe, rtol=1e-6)
        assert found.provenance["source"] == "annotators"
        assert found.provenance["method"] == method
        assert found.provenance["annotators"]["bob"] == {
            "answers": 2,
            "comparisons": 2,
            "safety_labels": 3,
        }


def turned(one: Answer) -> Answer:
    """The same answer, shown with its sides swapped."""
    if one.second is None:
        return one
    return replace(
        one,
        first=one.second,
        second=one.first,
        preference=None if one.preference is None else 1.0 - one.preference,
        safe_first=one.safe_second,
        safe_second=one.safe_first,
    )


@pytest.mark.parametrize("method", METHODS)
def test_merging_does_not_depend_on_sides(transitions: Transitions, method: MergeMethod) -> None:
    answers, _ = raters({"ann": 0.9, "bob": 0.7, "cid": 0.6}, 40, seed=3)
    other_way = [turned(one) for one in answers]
    here, there = (merge_answers(these, transitions, method) for these in (answers, other_way))
    np.testing.assert_array_equal(here.comparisons, there.comparisons)
    np.testing.assert_allclose(here.preferences, there.preferences)
    np.testing.assert_allclose(here.p_safe, there.p_safe)


@st.composite
def said_by_many(draw: st.DrawFn) -> list[Answer]:
    """Answers of up to four people on few pairs, so that they meet, tie and repeat themselves."""
    places = st.sampled_from([(0, 0, 5), (0, 9, 5), (1, 0, 5), (2, 0, 5)])
    pairs = st.lists(places, min_size=1, max_size=2, unique=True)
    safety = st.sampled_from([None, 0.0, 1.0])
    rows = draw(
        st.lists(st.tuples(st.sampled_from("abcd"), pairs, safety, safety), min_size=1, max_size=12)
    )
    return [
        Answer(
            who,
            pair[0],
            pair[1] if len(pair) == 2 else None,
            draw(st.sampled_from([None, 0.0, 0.5, 1.0])) if len(pair) == 2 else None,
            left,
            right if len(pair) == 2 else None,
            seconds=None,
            answered_at=float(time),
        )
        for time, (who, pair, left, right) in enumerate(rows)
    ]


@settings(max_examples=100)
@given(said_by_many(), st.randoms(use_true_random=False), st.sampled_from(METHODS))
def test_merging_depends_on_votes_alone(
    place: Transitions, answers: list[Answer], random: Random, method: MergeMethod
) -> None:
    """Not on the order of rows and sides, nor on names; a tie is one, and silence no label."""
    votes, safe = preference_votes(answers), safety_votes(answers)
    if not votes and not safe:
        return
    here = merge_answers(answers, place, method)
    names = dict(zip("abcd", random.sample("abcd", 4), strict=True))
    shuffled = [replace(one, annotator=names[one.annotator]) for one in answers]
    shuffled = [turned(one) if random.random() < 0.5 else one for one in shuffled]
    random.shuffle(shuffled)
    there = merge_answers(shuffled, place, method)
    np.testing.assert_array_equal(here.segments, there.segments)
    np.testing.assert_array_equal(here.comparisons, there.comparisons)
    close = 1e-6 if method == "noise-model" else 0.0  # its sums run over people by their names
    np.testing.assert_allclose(here.preferences, there.preferences, rtol=0, atol=close)
    np.testing.assert_allclose(here.p_safe, there.p_safe, rtol=0, atol=close)

    merged = [tuple(row) for row in here.segments.tolist()]
    pairs = [(merged[a], merged[b]) for a, b in here.comparisons]
    assert pairs == sorted(votes), "each pair with a vote once, and no other"
    for pair, preference in zip(pairs, here.preferences, strict=True):
        said = sorted(votes[pair].values())
        if said == [1.0 - vote for vote in reversed(said)]:  # as many for one as for the other
            assert preference == pytest.approx(0.5) or method == "noise-model"
    labelled = dict(zip(merged, here.p_safe.tolist(), strict=True))
    assert {segment for segment, label in labelled.items() if label == label} == set(safe)


def test_equal_votes_are_a_tie_whoever_is_first(transitions: Transitions) -> None:
    """The noise model too, where nothing tells that one of the two errs more."""
    pairs = [((0, start, 5), (1, start, 5)) for start in range(0, 40, 10)]
    says = [("ann", 1.0), ("bob", 0.0)]
    for order in (says, says[::-1]):
        answers = [answer(who, *pair, vote, (vote, None)) for pair in pairs for who, vote in order]
        for method in METHODS:
            found = merge_answers(answers, transitions, method)
            np.testing.assert_allclose(found.preferences, 0.5, atol=1e-6)
    assert merge_answers(answers, transitions).p_safe[0] == 0.5


def test_the_last_answer_counts_by_time_where_it_is_known(transitions: Transitions) -> None:
    pair = (0, 0, 5), (1, 0, 5)
    rows = [replace(answer("ann", *pair, vote), answered_at=at) for vote, at in ((1, 9), (0, 3))]
    assert merge_answers(rows, transitions).preferences[0] == 1.0
    rows = [replace(one, answered_at=None) for one in rows]
    assert merge_answers(rows, transitions).preferences[0] == 0.0


def test_refusals(transitions: Transitions) -> None:
    one = answer("ann", (0, 0, 5), (1, 0, 5), 1.0)
    with pytest.raises(ConfigError, match=r"majority, mean, noise-model, got 'median'"):
        merge_answers([one], transitions, "median")  # type: ignore[arg-type]
    for nobody in (["ana"], "anna"):  # of a text, each part would be a name
        with pytest.raises(ConfigError, match=f"names among ann, got {re.escape(repr(nobody))}"):
            merge_answers([one], transitions, left_out=nobody)
    with pytest.raises(ConfigError, match=r"`prior_accuracy` must be in .0, 1., got 1"):
        merge_answers([one], transitions, prior_accuracy=1.0)
    with pytest.raises(
        FeedbackError, match="at least one preference or safety label to merge, got none"
    ):
        merge_answers([answer("ann", (0, 0, 5), (1, 0, 5), None)], transitions)
    with pytest.raises(FeedbackError, match="start 399 and length 5 for episode 0"):
        merge_answers([one, answer("ann", (0, 399, 5), (1, 0, 5), 1.0)], transitions)


A, B = (0, 0, 20), (1, 0, 20)


@pytest.mark.parametrize("method", METHODS)
def test_a_winner_counts_by_how_much_better_it_is(place: Transitions, method: MergeMethod) -> None:
    def merged(*said: tuple[str, float, int | None]) -> float:
        given_ = [
            replace(answer(who, B, A, preference), strength=strength)
            for who, preference, strength in said
        ]
        [found] = merge_answers(given_, place, method).preferences.tolist()
        return 1.0 - float(found)  # B has the larger number, so the merge turns the pair

    weak, clear, far, none = (merged(("ann", 1.0, strength)) for strength in (1, 2, 3, None))
    assert weak < clear < far == none
    assert merged(("ann", 0.0, 1)) == pytest.approx(1.0 - weak)
    two = merged(("ann", 1.0, 1), ("ben", 1.0, 3))
    assert weak < two < merged(("ann", 1.0, 3), ("ben", 1.0, 3)) + 1e-6
    if method != "noise-model":
        assert (weak, clear, far) == pytest.approx((0.75, 0.9, 1.0))
        assert two == pytest.approx(0.875)
        against = {"majority": 0.5, "mean": (0.75 + 0.1) / 2}
        assert merged(("ann", 1.0, 1), ("ben", 0.0, 2)) == pytest.approx(against[method])


def marked(who: str, moment: int | None, safe: float = 0.0, second: bool = False) -> Answer:
    if second:
        said = answer(who, B, A, 0.5, (None, safe))
        return replace(said, unsafe_from_second=moment)
    return replace(answer(who, A, B, 0.5, (safe, None)), unsafe_from_first=moment)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("second", [False, True])
def test_a_moment_splits_an_unsafe_clip(
    place: Transitions, method: MergeMethod, second: bool
) -> None:
    merged = merge_answers([marked("ann", 7, second=second)], place, method)
    labels = dict(zip(map(tuple, merged.segments.tolist()), merged.p_safe.tolist(), strict=True))
    assert labels.pop(A) == labels.pop((0, 7, 1)) < 0.5
    assert labels.pop((0, 0, 7)) == 1.0
    [(left, p_safe)] = labels.items()
    assert left == B
    assert np.isnan(p_safe)
    assert merged.provenance["parts"] == 2


def test_moments_of_several_people(place: Transitions) -> None:
    def parts(*given_: Answer, method: MergeMethod = "mean") -> dict[Segment, float]:
        found = merge_answers(given_, place, method)
        rows = zip(map(tuple, found.segments.tolist()), found.p_safe.tolist(), strict=True)
        return {
            segment: round(label, 4)
            for segment, label in rows
            if segment not in (A, B) and not np.isnan(label)
        }

    three = [marked("ann", 4), marked("ben", 9), marked("cleo", 12)]
    assert parts(*three) == {(0, 9, 1): 0.0, (0, 0, 9): 0.6667}  # ann's moment is within
    assert parts(*three, method="majority") == {(0, 9, 1): 0.0, (0, 0, 9): 1.0}
    assert parts(*three[:2]) == {(0, 4, 1): 0.0, (0, 0, 4): 1.0}  # the lower median
    outvoted = [marked("ann", 4), marked("ben", None, 1.0), marked("cleo", None, 1.0)]
    assert parts(*outvoted) == {}
    assert parts(marked("ann", 0)) == {(0, 0, 1): 0.0}  # no start is safe
    later = [marked("ann", 4), marked("ann", None)]  # the last word has no moment
    assert parts(*later) == {}
    assert parts(marked("ann", 4), replace(marked("ann", 9), role="repeat")) == {
        (0, 4, 1): 0.0,
        (0, 0, 4): 1.0,
    }
    whole = answer("ann", (0, 4, 1), None, None, (1.0, None))  # a part that was judged as a whole
    assert parts(marked("ann", 4), whole) == {(0, 4, 1): 1.0, (0, 0, 4): 1.0}


def test_a_model_that_agrees_does_not_make_a_preference_stronger(transitions: Transitions) -> None:
    first, second = (0, 0, 5), (1, 0, 5)
    said = replace(answer("ann", first, second, 1.0, (0.0, 1.0)), strength=1)
    it = replace(answer("model:it", first, second, 1.0, (0.0, 1.0)), unsafe_from_first=2)
    merged = merge_answers([said, it], transitions)
    assert merged.preferences.tolist() == [0.75]
    assert len(merged.segments) == 2  # the model's moment makes no parts
