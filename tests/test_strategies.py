"""What is asked next: legal pairs, the same again for the same state, and more learned of each."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch as th
from algorithm_data import alignment_of
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import UNIT, episode, write

from sb3_presa import PRESA
from sb3_presa.annotation.answers.answer import Answer, Segment
from sb3_presa.annotation.asking.insertion import InsertionRanking, Ranking
from sb3_presa.annotation.asking.model_utilities import segment_utilities
from sb3_presa.annotation.asking.pool import Pair, draw_pool
from sb3_presa.annotation.asking.quick_models import (
    LogisticEnsemble,
    SegmentFeatures,
    fit_preferences,
    fit_safety,
    with_offset,
)
from sb3_presa.annotation.asking.strategies import (
    STRATEGIES,
    Strategy,
    make_strategy,
)
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.feedback.table import Feedback

LENGTH = 5


def drifting(n_episodes: int, seed: int, steps: int = 20) -> Transitions:
    """Episodes that each stay about a place of their own, so that segments differ."""
    random = np.random.default_rng(seed)
    places = np.repeat(random.normal(size=(n_episodes, 4)), steps, axis=0)
    lengths = np.full(n_episodes, steps, np.int64)
    n = n_episodes * steps
    return Transitions(
        observations=(places + 0.5 * random.normal(size=places.shape)).astype(np.float32),
        actions=random.uniform(-1, 1, (n, 1)).astype(np.float32),
        episode_ids=np.arange(n_episodes) * 3,  # ids need not be rows
        episode_starts=np.cumsum(lengths) - lengths,
        episode_lengths=lengths,
        observation_space=spaces.Box(-np.inf, np.inf, (4,), np.float32),
        action_space=UNIT,
        dataset_id="toy/drift-v0",
    )


def means(
    transitions: Transitions, segments: list[Segment]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The mean observation of each segment, worked out anew."""
    starts = dict(
        zip(transitions.episode_ids.tolist(), transitions.episode_starts.tolist(), strict=True)
    )
    assert not isinstance(transitions.observations, dict)
    rows = [starts[e] + s for e, s, _ in segments]
    return np.asarray(
        [
            transitions.observations[a : a + n].mean(0)
            for a, (_, _, n) in zip(rows, segments, strict=True)
        ],
        np.float64,
    )


class Rater:
    """Likes one direction, with noise; calls safe what lies on one side, without."""

    def __init__(self, transitions: Transitions, seed: int) -> None:
        self._data, self._random = transitions, np.random.default_rng(seed)

    def worth(self, segments: list[Segment]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        place = means(self._data, segments)
        return np.asarray(place @ [2.0, -1.0, 0.5, 0.0])

    def is_safe(self, segments: list[Segment]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        place = means(self._data, segments)
        return np.asarray(place @ [0.0, 1.0, 1.0, 0.5] < 1.5)

    def answer(self, pair: Pair) -> Answer:
        first, second = self.worth(list(pair))
        chance = 1.0 / (1.0 + math.exp(-10.0 * (first - second)))
        safe = self.is_safe(list(pair)).astype(float).tolist()
        prefers = float(self._random.random() < chance)
        return Answer("rater", pair.first, pair.second, prefers, safe[0], safe[1], 1.0, 0.0)


def ask(strategy: Strategy, rater: Rater, n: int, at_a_time: int = 5) -> list[Answer]:
    answers: list[Answer] = []
    while len(answers) < n:
        answers += [rater.answer(pair) for pair in strategy.next_pairs(at_a_time, answers)]
    return answers[:n]


TRANSITIONS = drifting(30, seed=0)


@settings(max_examples=40)
@given(
    st.sampled_from(STRATEGIES),
    st.integers(0, 30),
    st.integers(0, 8),
    st.integers(0, 5),
    st.integers(2, 12),
)
def test_pairs_are_new_and_whole(name: str, asked: int, n: int, waiting: int, pool: int) -> None:
    strategy = make_strategy(name, TRANSITIONS, LENGTH, seed=pool, pool_size=pool)
    rater = Rater(TRANSITIONS, 0)
    everything = make_strategy("random", TRANSITIONS, LENGTH, seed=pool, pool_size=pool)
    pairs = everything.next_pairs(asked + waiting, [])
    answers = [rater.answer(Pair(b, a)) for a, b in pairs[waiting:]]
    found = strategy.next_pairs(n, answers, pairs[:waiting])
    possible = pool * (pool - 1) // 2
    assert len(found) == min(n, possible - len(pairs))
    keys = [pair.key() for pair in found]
    assert len({*keys, *(pair.key() for pair in pairs)}) == len(found) + len(pairs)
    for pair in found:
        assert pair.first != pair.second
        for which, start, length in pair:
            assert which in TRANSITIONS.episode_ids and length == LENGTH
            assert 0 <= start <= 20 - LENGTH
    assert strategy.next_pairs(n, answers, pairs[:waiting]) == found
    json.dumps(dict(strategy.parameters))


@pytest.mark.parametrize("name", STRATEGIES)
def test_parameters_tell_how_to_choose_the_same_again(name: str) -> None:
    strategy = make_strategy(name, TRANSITIONS, LENGTH, seed=4, pool_size=50)
    answers = ask(strategy, Rater(TRANSITIONS, 0), 10)
    given_ = json.loads(json.dumps(dict(strategy.parameters)))
    again = make_strategy(strategy.name, TRANSITIONS, **given_)
    assert again.next_pairs(5, answers) == strategy.next_pairs(5, answers)
    other = make_strategy(name, TRANSITIONS, LENGTH, seed=5, pool_size=50)
    assert other.next_pairs(5, answers) != strategy.next_pairs(5, answers)


def held_out(
    transitions: Transitions, rater: Rater, seed: int
) -> tuple[Callable[[list[Answer]], float], Callable[[list[Answer]], float]]:
    """How well models of answers do on segments that nobody was asked about."""
    others = draw_pool(transitions, LENGTH, 400, 1000 + seed)
    features = SegmentFeatures(transitions, others, n_fourier=0)
    rows = features(others)
    differences, with_ones = rows[:200] - rows[200:], with_offset(rows)
    better = rater.worth(others[:200]) > rater.worth(others[200:])
    safe = rater.is_safe(others)

    def preference(answers: list[Answer]) -> float:
        model = fit_preferences(features, answers, LogisticEnsemble(4, seed=9))
        return float(np.mean((model.probabilities(differences).mean(axis=1) > 0.5) == better))

    def safety(answers: list[Answer]) -> float:
        model = fit_safety(features, answers, LogisticEnsemble(4, seed=9))
        return float(np.mean((model.probabilities(with_ones).mean(axis=1) > 0.5) == safe))

    return preference, safety


def labels_until(
    accuracy: Callable[[list[Answer]], float], answers: list[Answer], level: float
) -> int:
    """The first number of answers, in steps of five, with which a level is reached."""
    counts = range(5, len(answers) + 1, 5)
    return next((n for n in counts if accuracy(answers[:n]) >= level), len(answers) + 5)


@pytest.mark.parametrize(("name", "level"), [("disagreement", 0.92), ("uncertainty", 0.94)])
def test_fewer_labels_than_at_random(name: str, level: float) -> None:
    """A sign test over 12 datasets and raters, in which only wins and losses count.

    Were the strategy no better than chance, the test would pass with a probability of at most 2%.
    Levels and settings were chosen with other seeds than these.
    """
    light = {"candidates": 200, "n_members": 8, "n_fourier": 0}
    wins = losses = 0
    for seed in range(100, 112):
        transitions = drifting(60, seed)
        judge = held_out(transitions, Rater(transitions, seed), seed)[name == "uncertainty"]
        needed = []
        for strategy, options in (("random", {}), (name, light)):
            chosen = make_strategy(strategy, transitions, LENGTH, seed, pool_size=300, **options)
            answers = ask(chosen, Rater(transitions, seed), 80)
            needed.append(labels_until(judge, answers, level))
        wins += needed[1] < needed[0]
        losses += needed[1] > needed[0]
    n = wins + losses
    by_chance = sum(math.comb(n, k) for k in range(wins, n + 1)) / 2**n
    assert by_chance <= 0.02, (wins, losses)


def test_coverage_leaves_less_unseen_than_chance() -> None:
    """The farthest segment from any that was shown is nearer than after random pairs."""
    farthest = {}
    for name in ("coverage", "random"):
        strategy = make_strategy(name, TRANSITIONS, LENGTH, seed=1, pool_size=200)
        shown = {s for a in ask(strategy, Rater(TRANSITIONS, 0), 20) for s in (a.first, a.second)}
        pool = draw_pool(TRANSITIONS, LENGTH, 200, 1)
        features = SegmentFeatures(TRANSITIONS, pool, 0)
        seen, all_ = features.linear([s for s in shown if s]), features.linear(pool)
        distances = np.linalg.norm(all_[:, None] - seen[None], axis=2).min(axis=1)
        farthest[name] = float(distances.max())
    assert farthest["coverage"] < 0.8 * farthest["random"]


def test_saved_models_can_be_asked(minari_root: Path, tmp_path: Path) -> None:
    """The pair that is asked first is the one on which their utilities differ most."""
    dataset = write("toy/models-v0", [episode(20, seed) for seed in range(6)])
    feedback = Feedback.create(dataset, [(0, 0, 10), (1, 0, 10)], [1, 0], [(0, 1)], [1.0])
    paths = []
    for seed in (0, 1):
        model = PRESA.load_offline(
            dataset, feedback, n_cloning_steps=2, seed=seed, n_pairs=2
        ).learn(6)
        paths.append(str(tmp_path / f"model{seed}.zip"))
        model.save(paths[-1])
    strategy = make_strategy("disagreement", dataset, 10, pool_size=20, models=paths)
    assert strategy.parameters["models"] == paths
    transitions = load_transitions(dataset)
    pool = draw_pool(transitions, 10, 20, 0)
    utilities = segment_utilities(paths, transitions, pool)
    first = strategy.next_pairs(1, [])[0]
    row = {segment: number for number, segment in enumerate(pool)}

    def disagreement(a: Segment, b: Segment) -> float:
        chances = 1 / (1 + np.exp(utilities[row[b]] - utilities[row[a]]))
        return float(chances.std())

    best = max(disagreement(a, b) for a in pool for b in pool if a != b)
    assert disagreement(*first) == pytest.approx(best)
    with pytest.raises(ConfigError, match="is not a saved PRESA model"):
        broken = tmp_path / "broken.zip"
        broken.write_bytes(b"x")
        make_strategy("disagreement", dataset, 10, models=[str(broken), paths[0]])


@pytest.mark.parametrize("clip_range", [None, 0.25])
@pytest.mark.parametrize("normalize_length", [True, False])
def test_models_are_asked_by_the_utilities_that_they_were_trained_with(
    minari_root: Path, tmp_path: Path, clip_range: float | None, normalize_length: bool
) -> None:
    dataset = write("toy/models-v0", [episode(20, seed) for seed in range(4)])
    segments = [(0, 0, 12), (1, 4, 5), (2, 3, 9), (3, 0, 12)]
    feedback = Feedback.create(dataset, segments, [1, 0, 1, 0], [(0, 1), (2, 3)], [1.0, 0.0])
    model = PRESA.load_offline(
        dataset,
        feedback,
        learning_rate=0.05,
        n_cloning_steps=5,
        n_pairs=2,
        gamma=0.9,
        alpha=0.3,
        clip_range=clip_range,
        objective_kwargs={"n_attain_steps": 0, "normalize_length": normalize_length},
        average_decay=0.0,  # what is trained is what acts
        precision="float32",
        device="cpu",
        seed=0,
    ).learn(40)
    model.save(tmp_path / "model.zip")
    batch = alignment_of(model).evaluate(th.arange(2))
    assert bool((batch.log_ratio < math.log(0.5)).any())  # there is something to clip
    trained_with = model.objective.preference_utility(batch)
    found = segment_utilities([str(tmp_path / "model.zip")], load_transitions(dataset), segments)
    np.testing.assert_allclose(found[:, 0], trained_with.detach().numpy().ravel(), rtol=1e-4)


def test_models_know_what_they_were_told() -> None:
    """Certain where many answers are, of two minds where none is."""
    random = np.random.default_rng(0)
    features = np.concatenate([random.normal(size=(300, 2)), np.zeros((300, 1))], axis=1)
    targets = (features[:, 0] > 0).astype(float)
    ensemble = LogisticEnsemble(16, seed=1).fit(features, targets)
    assert np.mean((ensemble.probabilities(features).mean(1) > 0.5) == targets) > 0.98
    known, unknown = ensemble.probabilities(np.array([[2.0, 0.0, 0.0], [0.0, 0.0, 2.0]]))
    assert known.std() < 0.05 < 0.2 < unknown.std()
    empty = LogisticEnsemble(64, prior_scale=2.0).fit(np.empty((0, 3)), np.empty(0))
    assert empty.weights.std() == pytest.approx(2.0, rel=0.2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "best"}, r"the strategy must be one of random, disagreement.* got 'best'"),
        (
            {"name": "random", "candidates": 5},
            r"strategy 'random' must be among pool_size, got 'candidates'",
        ),
        (
            {"name": "random", "segment_length": 0},
            r"`segment_length` must be an integer >= 1, got 0",
        ),
        ({"name": "random", "pool_size": 1}, r"`pool_size` must be an integer >= 2, got 1"),
        (
            {"name": "disagreement", "prior_scale": 0},
            r"`prior_scale` must be .*greater than 0, got 0",
        ),
        (
            {"name": "disagreement", "models": ["one.zip"]},
            r"`models` must be .*two saved models, got \['one.zip'\]",
        ),
        ({"name": "disagreement", "models": "ab"}, r"`models` must be .* got 'ab'"),
    ],
)
def test_refusals(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make_strategy(data=TRANSITIONS, **{"segment_length": LENGTH, **arguments})  # type: ignore[arg-type]


def test_answers_on_other_data_are_refused() -> None:
    strategy = make_strategy("disagreement", TRANSITIONS, LENGTH, pool_size=10)
    other = Answer("a", (1, 0, 5), (3, 0, 5), 1.0, None, None, 1.0, 1.0)
    with pytest.raises(
        FeedbackError, match=r"must be within the dataset's episodes, got \(1, 0, 5\)"
    ):
        strategy.next_pairs(1, [other])


def test_images_and_discrete_values_have_features() -> None:
    image = spaces.Box(0, 255, (16, 16, 3), np.uint8)
    random = np.random.default_rng(0)
    transitions = Transitions(
        observations={
            "camera": random.integers(0, 255, (40, 16, 16, 3), np.uint8),
            "gear": random.integers(2, 5, 40),
        },
        actions=random.integers(0, 3, 40),
        episode_ids=np.arange(2),
        episode_starts=np.array([0, 20]),
        episode_lengths=np.array([20, 20]),
        observation_space=spaces.Dict(camera=image, gear=spaces.Discrete(3, start=2)),
        action_space=spaces.Discrete(3),
        dataset_id="toy/image-v0",
    )
    for name in STRATEGIES:
        assert len(make_strategy(name, transitions, 4).next_pairs(3, [])) == 3


def test_choosing_needs_no_torch() -> None:
    code = (
        "import sys, sb3_presa.annotation.asking.strategies, sb3_presa.annotation.consensus.merge\n"
        "assert not {'torch', 'stable_baselines3'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


class Scale:
    """Says which of two numbers is larger, wrongly at a known rate."""

    def __init__(self, error_rate: float, seed: int) -> None:
        self.error_rate, self.random = error_rate, np.random.default_rng(seed)

    def answer(self, first: Segment, second: Segment) -> Answer:
        better = float(first[0] > second[0])
        if self.random.random() < self.error_rate:
            better = 1.0 - better
        return Answer("ann", first, second, better, None, None, None, None)


def test_a_clip_is_placed_by_as_many_answers_as_halving_needs_though_some_are_wrong() -> None:
    counts, apart = [], []
    for seed in range(5):
        scale, numbers = Scale(0.1, seed), np.random.default_rng(seed).permutation(64)
        ranking = Ranking((int(numbers[0]), 0, 1))
        for number in numbers[1:].tolist():
            segment, count = (number, 0, 1), 0
            while segment not in ranking.order:
                ranking.add(scale.answer(segment, ranking.opponents(segment)[0]))
                count += 1
            assert count <= math.ceil(math.log2(len(ranking.order))) + 2
            counts.append(count)
        apart += [abs(place - (63 - segment[0])) for place, segment in enumerate(ranking.order)]
    assert np.mean(counts) < 6.5  # log2 of 64 is 6
    assert np.mean(apart) < 4.5  # at random it is 21


@given(st.lists(st.integers(0, 60), min_size=2, max_size=30, unique=True))
def test_without_errors_a_ranking_is_right(numbers: list[int]) -> None:
    ranking, scale = Ranking((numbers[0], 0, 1), error_rate=0.01), Scale(0.0, 0)
    for number in numbers[1:]:
        while (number, 0, 1) not in ranking.order:
            opponent = ranking.opponents((number, 0, 1))[0]
            ranking.add(scale.answer(opponent, (number, 0, 1)))  # on either side
    assert [segment[0] for segment in ranking.order] == sorted(numbers, reverse=True)


def test_a_tie_places_a_clip_beside_its_equal_and_clips_are_searched_for_at_once() -> None:
    ranking = Ranking((5, 0, 1), error_rate=0.01)
    for other, better in ((9, 1.0), (1, 0.0)):
        ranking.add(Answer("ann", (other, 0, 1), (5, 0, 1), better, None, None, None, None))
    assert [one[0] for one in ranking.order] == [9, 5, 1]
    new, twin = (7, 0, 1), (6, 0, 1)
    ranking.add(Answer("ann", new, (5, 0, 1), 1.0, None, None, None, None))
    ranking.add(Answer("ben", twin, (9, 0, 1), 0.0, None, None, None, None))
    assert set(ranking.searched) == {new, twin}
    ranking.add(Answer("ann", new, (9, 0, 1), 0.0, None, None, None, None))
    assert [one[0] for one in ranking.order] == [9, 7, 5, 1]
    # Its gaps below 9 are as likely together as before
    assert ranking.searched[twin].sum() == pytest.approx(1.0)
    assert len(ranking.searched[twin]) == 5
    ranking.add(Answer("ann", twin, (5, 0, 1), 0.5, None, None, None, None))
    assert [one[0] for one in ranking.order] == [9, 7, 5, 6, 1]


def test_the_ranking_strategy_asks_about_a_clip_until_it_is_placed() -> None:
    strategy = make_strategy("ranking", TRANSITIONS, LENGTH, seed=3, pool_size=12)
    rater = Rater(TRANSITIONS, 0)
    answers = ask(strategy, rater, 40, at_a_time=3)
    assert isinstance(strategy, InsertionRanking)
    ranking = strategy.ranking(answers)
    assert len(ranking.order) > 8
    worth = rater.worth(ranking.order)
    above = [a > b for n, a in enumerate(worth) for b in worth[n + 1 :]]
    assert np.mean(above) > 0.85
    taken_back = strategy.ranking(answers[:-1])
    assert strategy.next_pairs(3, answers[:-1]) != strategy.next_pairs(3, answers)
    assert len(taken_back.order) in (len(ranking.order), len(ranking.order) - 1)


def test_mixed_takes_pairs_of_both_models_in_turn() -> None:
    light = {"pool_size": 40, "candidates": 60, "n_members": 4, "n_fourier": 0}
    mixed, doubted, unclear = (
        make_strategy(name, TRANSITIONS, LENGTH, seed=3, **light)
        for name in ("mixed", "disagreement", "uncertainty")
    )
    rater = Rater(TRANSITIONS, 0)
    answers = ask(make_strategy("random", TRANSITIONS, LENGTH, 3, pool_size=40), rater, 10)
    found = {pair.key() for pair in mixed.next_pairs(6, answers)}
    for one in (doubted, unclear):
        assert len(found & {pair.key() for pair in one.next_pairs(3, answers)}) == 3


@pytest.mark.parametrize(("steps", "remedy"), [(5, "use a shorter segment length"), (1, "add")])
def test_a_single_segment_is_refused_with_its_reason(
    minari_root: Path, steps: int, remedy: str
) -> None:
    transitions = load_transitions(write("toy/one-v0", [episode(steps, 0)]))
    with pytest.raises(ConfigError, match=f"got 1: its only episode has {steps} .*; {remedy}"):
        make_strategy("random", transitions, 100)
