"""Label completion: what it estimates, what algorithms make of it, and how it is shown."""

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
import torch as th
from algorithm_data import TINY_PRESA, in_objective
from fitted_once import labels_fitted_once  # noqa: F401
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import recorded, write
from matplotlib.figure import Figure
from minari import MinariDataset
from typer.testing import CliRunner

from sb3_presa import BC, PRESA, Feedback
from sb3_presa.cli import app
from sb3_presa.completion import Completion, complete, estimating
from sb3_presa.completion.accuracy import Accuracy, balanced_share_right, calibration, share_right
from sb3_presa.completion.clips import labels_are_of_clips
from sb3_presa.completion.cross_fit import unseen_mean
from sb3_presa.completion.features import StepFeatures, step_vectors
from sb3_presa.completion.fitting import fit_labels
from sb3_presa.completion.label_arrays import Labels
from sb3_presa.completion.label_models import (
    STEEPNESS,
    SafetyModel,
    _safety_loss,
    fit_comparisons,
    fit_safety,
    p_safe_of,
    risk_of,
)
from sb3_presa.completion.sampling import sample_steps
from sb3_presa.completion.segment_values import half_means, p_safe_of_long, segment_sums
from sb3_presa.completion.selection import (
    beginnings_of,
    select,
    select_better,
    weight_of_beginnings,
)
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.evaluation import completion_figure
from sb3_presa.evaluation.figures import written_figure
from sb3_presa.feedback.file import feedback_path
from sb3_presa.learning.offline_data import Needs, narrow

N_EPISODES, STEPS, CLIP = 60, 30, 6
OBSERVATIONS = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)
ACTIONS = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Episodes with a level of reward (the action) and a share of costly steps (x above 0)."""
    random = np.random.default_rng(0)
    level = random.uniform(-0.9, 0.9, N_EPISODES)
    share = random.choice([0.0, 0.1, 0.6, 0.9], N_EPISODES)
    episodes = []
    for i in range(N_EPISODES):
        costly = random.random(STEPS + 1) < share[i]
        x = np.where(costly, 1.0, -1.0) + 0.1 * random.normal(size=STEPS + 1)
        observations = np.stack([x, random.normal(size=STEPS + 1)], axis=1)
        actions = np.clip(level[i] + 0.1 * random.normal(size=(STEPS, 1)), -1, 1)
        episodes.append(recorded(observations, actions, costly[:STEPS], actions[:, 0]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINARI_DATASETS_PATH", str(tmp_path_factory.mktemp("minari")))
        yield write("toy/clips-v0", episodes, OBSERVATIONS, ACTIONS), level, share


def clips(logged: Any, n: int = 150, flip: float = 0.1, seed: int = 0) -> Feedback:
    """Comparisons and safety labels of short clips; a share of each kind is wrong."""
    dataset, level, _ = logged
    costs = np.stack([episode.infos["cost"][1:] for episode in dataset.iterate_episodes()])
    random = np.random.default_rng(seed)
    segments = np.stack(
        [
            random.integers(N_EPISODES, size=2 * n),
            random.integers(STEPS - CLIP + 1, size=2 * n),
            np.full(2 * n, CLIP),
        ],
        axis=1,
    )
    cost = np.array([costs[e, s : s + length].mean() for e, s, length in segments])
    p_safe = (cost <= 0.34) != (random.random(2 * n) < flip)
    pairs = np.arange(2 * n).reshape(n, 2)
    better = level[segments[pairs[:, 0], 0]] > level[segments[pairs[:, 1], 0]]
    preferences = better != (random.random(n) < flip)
    return Feedback.create(dataset, segments, p_safe, pairs, preferences)


def test_segments_that_nobody_labelled_do_not_count_as_labelled(completion: Completion) -> None:
    given = completion.labelled
    n = len(completion.transitions.episode_ids)
    whole = np.stack([np.arange(n), np.zeros(n), np.full(n, STEPS)], axis=1).astype(np.int64)
    more = replace(
        given,
        segments=np.concatenate([given.segments, whole]),
        p_safe=np.concatenate([given.p_safe, np.full(n, np.nan, dtype="f4")]),
    )
    assert replace(completion, labelled=more).coverage == completion.coverage < 1.0


@pytest.fixture(scope="module")
def completion(logged: Any) -> Completion:
    return complete(logged[0], clips(logged))


# --- estimates ------------------------------------------------------------------------------


def test_clips_determine_episodes(logged: Any, completion: Completion) -> None:
    """A tenth of the labels is wrong, and nobody was asked about an episode."""
    _, level, share = logged
    assert completion.merit is not None and completion.p_safe is not None
    assert completion.segments.tolist() == [[i, 0, STEPS] for i in range(N_EPISODES)]
    assert np.corrcoef(completion.merit, level)[0, 1] > 0.95
    assert (completion.p_safe[share <= 0.1] > 0.5).mean() > 0.9
    assert (completion.p_safe[share >= 0.6] < 0.5).all()
    assert completion.safety_model is SafetyModel.RATE  # clips of one length cannot tell


@pytest.mark.parametrize("terminated", [True, False])
@pytest.mark.parametrize("clipped", [True, False])
def test_what_ends_early_earns_nothing_more(
    terminated: bool, clipped: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Clips tell rates. Episodes that the task ended rank by rate and length, recordings that were cut
    off by their rate. Whole episodes rank as their comparisons say, here of rates.
    """
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    random = np.random.default_rng(0)
    level, lengths = random.uniform(0.0, 0.9, N_EPISODES), np.full(N_EPISODES, STEPS)
    lengths[::2] = random.integers(CLIP, STEPS // 2, N_EPISODES // 2)
    episodes = []
    for rate, n in zip(level, lengths, strict=True):
        actions = np.clip(rate + 0.1 * random.normal(size=(n, 1)), -1, 1)
        episode = recorded(random.normal(size=(n + 1, 2)), actions)
        ended = terminated and n < STEPS
        episode["terminations"][-1], episode["truncations"][-1] = ended, not ended
        episodes.append(episode)
    dataset = write("toy/ends-v0", episodes, OBSERVATIONS, ACTIONS)
    assert load_transitions(dataset).end_early == terminated
    pairs = np.arange(400).reshape(200, 2)
    labelled = random.integers(N_EPISODES, size=400)
    sizes = np.where(clipped, CLIP, lengths[labelled])
    starts = random.integers(lengths[labelled] - sizes + 1)
    clip = np.stack([labelled, starts, sizes], axis=1)
    preferences = level[labelled][pairs] @ [1.0, -1.0] > 0.0
    merit = complete(dataset, Feedback.create(dataset, clip, None, pairs, preferences)).merit
    assert merit is not None
    expected = level * lengths if terminated and clipped else level
    assert np.corrcoef(merit, expected)[0, 1] > 0.9


def test_the_best_of_what_is_safe_is_chosen(logged: Any, completion: Completion) -> None:
    _, level, share = logged
    chosen = completion.selected(0.7)
    assert chosen.sum() == 6  # the fewest of 60
    assert (share[chosen] <= 0.1).all()
    assert level[chosen].mean() > level[share <= 0.1].mean()


def test_what_is_a_habit_ranks_the_second_halves(logged: Any, completion: Completion) -> None:
    """Luck does not: then second halves are other episodes'."""
    habit, p_safe = completion.split_half(0.7), completion.p_safe
    assert p_safe is not None and habit.n == np.count_nonzero(p_safe >= 0.7)
    assert habit.value > 0.9
    logs = load_transitions(logged[0])
    episodes = logs.actions.reshape(N_EPISODES, STEPS)
    luck = np.concatenate([episodes[:, : STEPS // 2], episodes[::-1, STEPS // 2 :]], axis=1)
    random = np.random.default_rng(1)
    segments = np.stack([np.arange(N_EPISODES), np.zeros(N_EPISODES), np.full(N_EPISODES, STEPS)])
    first = random.integers(N_EPISODES, size=150)
    pairs = np.stack([first, (first + random.integers(1, N_EPISODES, 150)) % N_EPISODES], axis=1)
    total = luck.sum(axis=1)
    preferences = (total[pairs[:, 0]] > total[pairs[:, 1]]).astype(float)
    swapped = replace(logs, actions=luck.reshape(-1, 1))
    labels = Feedback.create(swapped, segments.T.astype(int), None, pairs, preferences)
    found = complete(swapped, labels).split_half()
    assert found.n == N_EPISODES and found.low < 0.0 < found.high
    assert math.isnan(replace(completion, merit_of_halves=None).split_half().value)
    with pytest.raises(ConfigError, match="`level` must be"):
        completion.split_half(1.5)


def test_halves_of_one_step_are_the_step() -> None:
    values = np.array([[1.0, 2.0, 3.0, 8.0]], dtype=np.float32)
    halves = half_means(values, np.array([0, 3, 0]), np.array([3, 1, 4]))
    assert halves[:, 0].tolist() == [[1.0, 8.0, 1.5], [2.5, 8.0, 5.5]]


def test_all_models_must_agree_where_labels_are_not_known_well(completion: Completion) -> None:
    lowest = completion.p_safe_lowest
    assert lowest is not None and completion.p_safe is not None and completion.aligns
    assert (lowest <= completion.p_safe + 1e-12).all()
    first = np.flatnonzero(completion.selected(0.7))[0]
    doubted = replace(completion, p_safe_lowest=np.where(np.arange(N_EPISODES) == first, 0, lowest))
    assert doubted.selected(0.7)[first]
    poor = replace(doubted, safety_accuracy=replace(completion.safety_accuracy, value=0.69))
    assert not poor.aligns and not poor.selected(0.7)[first]


def test_accuracy_is_of_labels_that_were_not_seen(logged: Any, completion: Completion) -> None:
    """It cannot be above the share of labels that are right by much; random labels are at 1/2."""
    assert completion.preference_accuracy.n == 150
    assert 0.75 < completion.preference_accuracy.value < 0.97
    assert completion.helps and completion.ranks and completion.aligns
    noise = complete(logged[0], clips(logged, flip=0.5, seed=3))
    assert abs(noise.safety_accuracy.value - 0.5) < 0.15
    assert abs(noise.preference_accuracy.value - 0.5) < 0.15
    assert not noise.aligns


def test_doubts_are_the_wrong_labels(logged: Any, completion: Completion) -> None:
    right = clips(logged, flip=0.0)
    wrong = completion.labelled.p_safe != right.p_safe
    rows = [doubt.row for doubt in completion.doubts if doubt.kind == "safety"]
    assert wrong[rows].mean() > 0.7 and wrong[rows].sum() > 0.6 * wrong.sum()
    chances = [doubt.p_wrong for doubt in completion.doubts]
    assert chances == sorted(chances, reverse=True) and min(chances) > 0.5
    corrected = completion.corrected()
    assert ((corrected.p_safe > 0.5) == (right.p_safe > 0.5)).mean() > (~wrong).mean()


def test_it_repeats_and_reads_no_outcome(
    logged: Any, completion: Completion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transitions that it is given hold neither rewards nor costs."""
    monkeypatch.setattr(estimating, "fit_labels", fit_labels)  # each is fitted anew
    again = complete(load_transitions(logged[0]), clips(logged))
    assert again.p_safe is not None and completion.p_safe is not None
    assert np.array_equal(again.p_safe, completion.p_safe)
    other = complete(logged[0], clips(logged), seed=1)
    assert other.p_safe is not None and not np.array_equal(other.p_safe, completion.p_safe)


def test_one_kind_of_label_is_enough(logged: Any) -> None:
    both = clips(logged)
    only_safety = Feedback.create(logged[0], both.segments, both.p_safe)
    found = complete(logged[0], only_safety)
    assert found.merit is None and found.p_safe is not None and found.helps
    assert found.feedback().comparisons.shape == (0, 2)
    assert (found.selected() == (found.p_safe >= 0.7)).all()
    only_pairs = Feedback.create(logged[0], both.segments, None, both.comparisons, both.preferences)
    found = complete(logged[0], only_pairs)
    assert found.p_safe is None and found.ranks and found.selected().sum() == 6
    assert np.isnan(found.feedback().p_safe).all()
    neither = Feedback.create(logged[0], both.segments)
    with pytest.raises(FeedbackError, match="comparisons or safety labels"):
        complete(logged[0], neither)


def test_lengths_tell_what_safe_means(logged: Any) -> None:
    """Labels "nothing bad happened" of short and of long segments."""
    dataset = logged[0]
    costs = np.stack([episode.infos["cost"][1:] for episode in dataset.iterate_episodes()])
    random = np.random.default_rng(0)
    lengths = random.choice([2, 20], 400)
    starts = random.integers(STEPS - lengths + 1)
    segments = np.stack([random.integers(N_EPISODES, size=400), starts, lengths], axis=1)
    total = np.array([costs[e, s : s + length].sum() for e, s, length in segments])
    means = {
        "any": total == 0,
        "rate": total / lengths <= 0.34,
    }
    for meaning, p_safe in means.items():
        assert complete(dataset, Feedback.create(dataset, segments, p_safe)).safety_model == meaning
    with pytest.raises(ConfigError, match="safety_model"):
        complete(dataset, Feedback.create(dataset, segments, total == 0), safety_model="all")  # type: ignore[arg-type]


def test_long_episodes_are_completed_in_windows(logged: Any) -> None:
    random = np.random.default_rng(0)
    segments = np.stack([random.integers(N_EPISODES, size=80), np.zeros(80), np.ones(80)], axis=1)
    found = complete(logged[0], Feedback.create(logged[0], segments, random.random(80) < 0.5))
    assert found.segments[:2].tolist() == [[0, 0, 15], [0, 15, 15]]
    assert found.segments[:, 2].sum() == N_EPISODES * STEPS


def test_feedback_has_a_method_for_it(logged: Any, completion: Completion) -> None:
    found = clips(logged).complete(logged[0])
    assert isinstance(found, Completion)
    assert np.array_equal(found.segments, completion.segments)


@pytest.mark.parametrize(("flip", "taken"), [(0.0, 0.1), (0.1, 0.1), (0.3, 0.3)])
def test_the_share_of_wrong_labels_is_found(logged: Any, flip: float, taken: float) -> None:
    """Where three labels in ten are wrong, safe episodes are still called safe."""
    found = complete(logged[0], clips(logged, n=300, flip=flip))
    share = logged[2]
    assert found.error_rates == (taken, taken)
    assert found.p_safe is not None
    assert (found.p_safe[share <= 0.1] >= 0.7).mean() > 0.8
    assert (found.p_safe[share >= 0.6] < 0.5).all()


def test_a_rare_label_is_not_explained_away(logged: Any) -> None:
    """One label in five says "unsafe": a fifth of wrong labels would explain all of them."""
    labels = clips(logged, n=100, flip=0.0)
    random = np.random.default_rng(1)
    rare = replace(labels, p_safe=(random.random(200) > 0.2).astype(np.float32))
    assert complete(logged[0], rare).error_rates.safety == 0.1


# --- parts ----------------------------------------------------------------------------------


def test_comparisons_are_fitted_with_a_share_of_wrong_answers() -> None:
    random = np.random.default_rng(0)
    differences, truth = random.normal(size=(400, 5)), np.array([3.0, -2.0, 0.0, 1.0, 0.0])
    answers = (differences @ truth > 0) != (random.random(400) < 0.1)
    weights = fit_comparisons(differences, answers.astype(float), 0.01)
    assert np.dot(weights, truth) / np.linalg.norm(weights) / np.linalg.norm(truth) > 0.98


@pytest.mark.parametrize("model", list(SafetyModel))
def test_risk_is_found_where_it_is(model: SafetyModel) -> None:
    """Steps of kind 1 are bad: more than half of a segment, or any at all."""
    random = np.random.default_rng(0)
    kinds = random.random((300, 8)) < random.choice([0.0, 0.2, 0.9], (300, 1))
    safe = kinds.mean(axis=1) <= 0.5 if model is SafetyModel.RATE else ~kinds.any(axis=1)
    features = th.tensor(np.stack([kinds.ravel(), ~kinds.ravel()], axis=1), dtype=th.float32)
    lengths = th.full((300,), 8.0)
    segment_of = th.arange(300).repeat_interleave(8)
    labels = th.tensor(safe, dtype=th.float32)
    found = fit_safety(features, segment_of, th.ones(2400), lengths, labels, model)
    bad, good = risk_of(th.eye(2), found).tolist()
    assert bad > 10 * good
    totals = th.zeros(300).index_add(0, segment_of, risk_of(features, found))
    chance = p_safe_of(totals, lengths, model)
    assert ((chance > 0.5).numpy() == safe).mean() > 0.95


@pytest.mark.parametrize("model", list(SafetyModel))
@pytest.mark.parametrize("error_rate", [0.1, 0.3])
def test_the_gradient_by_hand_is_that_of_autograd(model: SafetyModel, error_rate: float) -> None:
    """As near as rounding lets it be: what was fitted with autograd is fitted again."""
    random = th.Generator().manual_seed(0)
    across, segment_of = th.randn(7, 300, generator=random), th.arange(300) // 10
    steps_for, p_safe = 1.0 + th.rand(300, generator=random), th.rand(30, generator=random)
    parameters = th.randn(8, generator=random).requires_grad_()
    labels = (segment_of, steps_for, th.full((30,), 15.0), p_safe)
    loss, gradient = _safety_loss(parameters, across, *labels, model, error_rate)
    th.testing.assert_close(gradient, th.autograd.grad(loss, parameters)[0], rtol=1e-5, atol=1e-5)


def test_the_two_meanings_by_hand() -> None:
    risk, lengths = th.tensor([0.0, 5.0, 10.0]), th.tensor([10.0, 10.0, 10.0])
    rate = p_safe_of(risk, lengths, SafetyModel.RATE)
    expected = [1 / (1 + math.exp(-STEEPNESS * (1 - r))) for r in (0.0, 0.5, 1.0)]
    assert rate.tolist() == pytest.approx(expected, abs=1e-6)
    anything = p_safe_of(risk, lengths, SafetyModel.ANY)
    assert anything.tolist() == pytest.approx([1.0, math.exp(-5), math.exp(-10)], rel=1e-5)


def test_a_long_segment_is_not_called_safe_for_what_labels_cannot_say() -> None:
    """Three of ten parts just beyond the boundary: their mean is low, and how far they are beyond
    it is unknown. A segment as long as those that were labelled is left as it is."""
    risks = np.repeat([1.5, 1.5, 1.5, *[0.0] * 7], 10)[None].astype(np.float32)
    long = p_safe_of_long(risks, np.array([0]), np.array([100]), 10)
    beyond = 1 / (1 + math.exp(-STEEPNESS * 0.5))
    inside = 1 / (1 + math.exp(STEEPNESS))
    mean = 0.45 + 0.3 * beyond + 0.7 * inside
    assert long[0, 0] == pytest.approx(1 / (1 + math.exp(-STEEPNESS * (1 - mean))), abs=1e-5)
    one = p_safe_of_long(risks, np.array([20]), np.array([10]), 10)
    assert one[0, 0] == pytest.approx(1 - beyond, abs=1e-5)


def test_only_models_that_have_not_seen_a_label_are_asked() -> None:
    by_model = np.arange(24.0).reshape(8, 3)  # two draws of four models, three labels
    found = unseen_mean(by_model, np.array([0, 3, 1]))
    assert found.tolist() == [(0 + 12) / 2, (10 + 22) / 2, (5 + 17) / 2]


def test_whether_to_complete_is_decided_by_the_ranking(completion: Completion) -> None:
    """Where most segments are safe, all are predicted to be: right in half of the kinds."""
    coin = Accuracy(0.5, 0.4, 0.6, 200)
    assert replace(completion, safety_accuracy=coin).helps
    assert not replace(completion, safety_ranking=coin).helps


@pytest.mark.parametrize(
    ("n", "each"), [(10, 1_000), (264, 145), (600, 64), (2_000, 32), (8_000, 16)]
)
def test_more_steps_of_a_segment_are_sampled_where_segments_are_few(n: int, each: int) -> None:
    labels = Labels(
        starts=np.arange(n) * 1_000,
        lengths=np.full(n, 1_000),
        episodes=np.arange(n),
        p_safe=np.ones(n),
        comparisons=np.zeros((0, 2), dtype=np.int64),
        preferences=np.zeros(0),
    )
    sampled = sample_steps(labels, np.random.default_rng(0))
    counts = np.bincount(sampled.segment_of, minlength=n)
    assert set(counts.tolist()) - {0} == {each} and (counts > 0).sum() == min(n, 4_096)
    assert sampled.steps_for == pytest.approx(1_000 / each)


@given(
    values=st.lists(st.floats(-5, 5, width=32), min_size=6, max_size=12),
    cut=st.integers(1, 5),
)
@settings(max_examples=25, deadline=None)
def test_sums_of_segments_add_up(values: list[float], cut: int) -> None:
    rows = np.array([values], dtype=np.float32)
    n = len(values)
    sums = segment_sums(rows, np.array([0, 0, cut]), np.array([n, cut, n - cut]))[0]
    assert sums[0] == pytest.approx(sums[1] + sums[2], abs=1e-4)


@given(
    p_safe=st.lists(st.floats(0, 1), min_size=1, max_size=250),
    seed=st.integers(0, 99),
    level=st.floats(0.05, 0.95),
)
@settings(max_examples=50, deadline=None)
@pytest.mark.filterwarnings("ignore:.*segments are safe")
def test_what_is_selected(p_safe: list[float], seed: int, level: float) -> None:
    """Of what is safe the best, and at least a tenth of all, 5 or 20."""
    safe, merit = np.array(p_safe), np.random.default_rng(seed).normal(size=len(p_safe))
    chosen = select(len(safe), safe, merit, level)
    least = min(len(safe), max(5, min(20, len(safe) // 10)))
    assert chosen.sum() >= least
    reaches = safe >= level
    if reaches.sum() >= least:
        assert (reaches[chosen]).all()
        assert merit[chosen].min() >= merit[reaches & ~chosen].max(initial=-np.inf)


def test_beginnings_of_more_episodes_are_imitated(completion: Completion) -> None:
    """A tenth of each of the better half that is safe, which has weights and no labels."""
    made = completion.feedback(0.5, seed=0)
    assert made.weights is not None and completion.merit is not None
    assert completion.p_safe is not None
    whole, chosen = len(completion.segments), completion.selected(0.5)
    beginnings, weights = made.segments[whole:], made.weights[whole:]
    assert (beginnings[:, 1:] == [0, STEPS // 10]).all()
    assert np.isnan(made.p_safe[whole:]).all() and made.comparisons.max() < whole
    safe = completion.p_safe >= 0.5
    better = safe & (completion.merit >= np.quantile(completion.merit[safe], 0.5))
    begun = np.isin(completion.segments[:, 0], beginnings[:, 0])
    assert begun.sum() > 0 and (better[begun]).all() and not (begun & chosen).any()
    steps = [int(made.segments[:whole, 2] @ chosen), int(beginnings[:, 2].sum())]
    assert weights == pytest.approx(weight_of_beginnings(*steps))


def test_what_does_not_begin_an_episode_is_no_beginning(completion: Completion) -> None:
    """A window of a long episode stands behind, too, as one of the better half, without weight."""
    windows = completion.segments.copy()
    windows[::2, 1:] = [STEPS // 2, STEPS - STEPS // 2]
    of_windows = replace(completion, segments=windows)
    made = of_windows.feedback(0.5, seed=0)
    assert made.weights is not None and completion.merit is not None
    chosen = select_better(completion.p_safe, completion.merit, 0.5) & ~of_windows.selected(0.5)
    behind = made.segments[len(windows) :]
    assert np.array_equal(behind[:, :2], windows[chosen, :2])
    assert np.array_equal(made.weights[len(windows) :] > 0.0, behind[:, 1] == 0)
    assert len(np.unique(behind[:, 1])) == 2


def test_the_share_of_what_is_imitated_that_beginnings_have() -> None:
    assert weight_of_beginnings(100, 10) == 1.0  # no more than what is imitated whole
    assert weight_of_beginnings(850, 300) == pytest.approx(0.5)
    assert beginnings_of(np.array([1, 4, 15, 500])).tolist() == [1, 1, 2, 50]


def test_too_few_safe_segments_are_said() -> None:
    with pytest.warns(UserWarning, match="1 of 300 segments are safe.*the 20 safest"):
        chosen = select(300, np.r_[0.9, np.linspace(0.1, 0.4, 299)], None, 0.7)
    assert chosen.sum() == 20 and chosen[0]


def test_inputs_of_every_space() -> None:
    spaces = gym.spaces
    transitions = flat(
        spaces.Dict(
            {
                "image": spaces.Box(0, 255, (16, 24, 3), np.uint8),
                "mode": spaces.Discrete(3, start=2),
                "on": spaces.MultiBinary(2),
            }
        ),
        spaces.MultiDiscrete([2, 3]),
        {
            "image": np.full((4, 16, 24, 3), 7, dtype=np.uint8),
            "mode": np.array([2, 3, 4, 2]),
            "on": np.array([[0, 1]] * 4, dtype=np.int8),
        },
        np.array([[0, 2], [1, 0], [0, 0], [1, 1]]),
    )
    vectors = step_vectors(transitions, slice(0, 4))
    assert vectors.shape == (4, 3 * 64 + 3 + 2 + 5)
    assert (vectors[:, :192] == 7).all()
    assert vectors[:, 192:195].argmax(1).tolist() == [0, 1, 2, 0]
    assert vectors[0, 195:].tolist() == [0, 1, 1, 0, 0, 0, 1]


def flat(observation_space: Any, action_space: Any, observations: Any, actions: Any) -> Any:
    return Transitions(
        observations=observations,
        actions=actions,
        episode_ids=np.array([0]),
        episode_starts=np.array([0]),
        episode_lengths=np.array([len(actions)]),
        observation_space=observation_space,
        action_space=action_space,
        dataset_id="toy/flat-v0",
    )


def test_features_keep_a_small_spread_at_a_large_offset() -> None:
    """And one that does not vary does not become noise."""
    random = np.random.default_rng(0)
    x = random.normal(size=(500, 1))
    observations = np.concatenate([1e6 + 1e-3 * x, np.full_like(x, 0.3)], axis=1)
    space = gym.spaces.Box(-np.inf, np.inf, (2,), np.float64)
    transitions = flat(space, ACTIONS, observations, np.zeros((500, 1), dtype=np.float32))
    features = StepFeatures.draw(transitions, 8, False, 2.0, np.random.default_rng(0))
    values = features.at(slice(0, 500))
    assert values.std(0).max() * math.sqrt(features.n_features) == pytest.approx(1.0, abs=0.01)
    assert abs(np.corrcoef(values[:, 8].numpy(), x[:, 0])[0, 1]) > 0.999
    assert values[:, 9:].abs().max() < 1e-6


def test_accuracy_of_two_kinds_weighs_them_alike() -> None:
    labels = np.r_[np.ones(90), np.zeros(10)]
    always = balanced_share_right(np.ones(100), labels)
    assert always.value == 0.5 and always.n == 100 and not always.above_chance
    right = balanced_share_right(labels, labels)
    assert right.value == 1.0 and right.above_chance
    assert share_right(np.zeros(0)).n == 0 and str(share_right(np.zeros(0))) == "no labels"
    bins = calibration(np.array([0.1, 0.15, 0.9]), np.array([0.0, 1.0, 1.0]))
    assert [one.seen.n for one in bins] == [2, 0, 0, 0, 1]
    assert bins[0].predicted == pytest.approx(0.125) and bins[0].seen.value == 0.5


# --- what algorithms make of it -------------------------------------------------------------

SMALL: dict[str, Any] = {"device": "cpu", "seed": 0, "policy_kwargs": {"net_arch": [8]}}


def presa(dataset: MinariDataset, feedback: Feedback, **kwargs: Any) -> PRESA:
    return PRESA.load_offline(dataset, feedback, **in_objective(SMALL | TINY_PRESA | kwargs))


def test_presa_learns_from_the_completed_labels(logged: Any, completion: Completion) -> None:
    model = presa(logged[0], clips(logged), completion="auto", safety_level=0.6)
    assert model.feedback is not None and model.feedback.weights is not None
    chosen = complete(logged[0], clips(logged), seed=model.data_seed).selected(0.6)
    assert np.array_equal(model.feedback.weights[: len(chosen)] > 0, chosen)
    # cloning draws all that may be safe, then the steps of what was chosen, and beginnings
    safe, clone, *aligning = model.phases(15)
    rows = clone.sample(th.Generator().manual_seed(0))
    episodes, steps = rows // STEPS, rows % STEPS
    assert set(episodes[steps >= STEPS // 10].tolist()) <= set(np.flatnonzero(chosen).tolist())
    rows = safe.sample(th.Generator().manual_seed(0))
    assert set((rows // STEPS).tolist()) & set(np.flatnonzero(~chosen).tolist())
    assert [phase.name for phase in aligning] == ["attain", "constrain"]


@pytest.mark.parametrize(("early", "sure"), [(True, True), (True, False), (False, True)])
def test_cloning_begins_with_the_better_half_where_episodes_end_early_and_labels_are_known_well(
    early: bool,
    sure: bool,
    logged: Any,
    completion: Completion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Transitions, "end_early", early)
    monkeypatch.setattr(Completion, "aligns", sure)
    made = completion.feedback(0.5, seed=0)
    assert made.provenance["end_early"] == early and made.provenance["aligns"] == sure
    model = presa(logged[0], made, completion=False, unsafe_cloning_weight=0.0)
    first: Any = model.phases(15)[0]
    mass = first.rows.mass
    drawn = mass.diff(prepend=mass.new_zeros(1)).reshape(-1, STEPS) > 0.0
    assert completion.merit is not None and completion.p_safe is not None
    better = select_better(completion.p_safe, completion.merit, 0.5)
    expected = better if early and sure else completion.p_safe > 0.0
    assert np.array_equal(drawn.all(1).numpy(), expected)
    assert np.array_equal(drawn.any(1).numpy(), expected)
    assert 0 < better.sum() < (completion.p_safe > 0.0).sum()


def test_labels_are_used_as_given_where_asked_or_too_few(logged: Any) -> None:
    given = clips(logged)
    for kwargs, labels in (({"completion": False}, given), ({}, clips(logged, n=10))):
        model = presa(logged[0], labels, **({"completion": "auto"} | kwargs))
        assert model.feedback is not None and model.feedback.weights is None
        assert len(model.feedback.segments) == len(labels.segments)
    assert not complete(logged[0], clips(logged, n=10)).helps
    assert PRESA.PAPER["completion"] is False


def test_what_is_missing_is_named_where_labels_are_not_completed(logged: Any) -> None:
    labels = clips(logged)
    no_safety = np.full(len(labels.segments), np.nan, dtype=np.float32)
    ties = replace(labels, preferences=np.full(150, 0.5, dtype=np.float32), p_safe=no_safety)
    with pytest.warns(UserWarning, match="not used: all comparisons are ties or of one pair"):
        presa(logged[0], ties, completion="auto")
    unsure = Feedback.create(logged[0], labels.segments, np.full(len(labels.segments), 0.5))
    with pytest.warns(UserWarning, match="not used: every safety label is 0.5"):
        presa(logged[0], unsure, completion="auto")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda found: found.selected(1.0), "`level` must be .*, got 1.0"),
        (lambda found: found.feedback("a"), "`level` must be .*, got 'a'"),
        (lambda found: found.feedback(None), "`level` must be .*, got None"),
        (lambda found: found.feedback([]), "`level` must be a number or several, got none"),
        (lambda found: found.feedback(0.7, -1), "`seed` must be .*, got -1"),
        (lambda found: found.calibration("x"), "`kind` must be .*, got 'x'"),
        (lambda found: complete(found.transitions, found.labelled, seed=-1), "`seed` must be"),
    ],
)
def test_arguments_out_of_range_are_refused(
    completion: Completion, call: Any, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        call(completion)


@pytest.mark.parametrize(("has_safety", "seed"), [(True, 3), (False, 4)])
def test_labels_that_cannot_be_predicted_are_used_as_given(
    logged: Any, has_safety: bool, seed: int
) -> None:
    noise = clips(logged, flip=0.5, seed=seed)
    if not has_safety:
        noise = replace(noise, p_safe=np.full(len(noise.segments), np.nan))
    found = complete(logged[0], noise)
    assert not found.helps
    does, accuracy = (
        ("rank segments by safety", found.safety_ranking)
        if has_safety
        else ("predict it", found.preference_accuracy)
    )
    said = re.escape(f" {does} no better than chance, {accuracy}. Label more")
    with pytest.warns(UserWarning, match=f"label completion is not used.*{said}"):
        model = presa(logged[0], noise, completion="auto")
    assert model.feedback is not None and model.feedback.weights is None
    forced = presa(logged[0], noise, completion=True)
    assert forced.feedback is not None and forced.feedback.weights is not None


def recordings(
    logged: Any, name: str, starts_at_rest: bool = False
) -> tuple[MinariDataset, Feedback]:
    """Clips of the logged episodes as a dataset of their own, and comparisons of them."""
    dataset, level, _ = logged
    random = np.random.default_rng(0)
    buffers, of_episode = [], random.integers(N_EPISODES, size=120)
    episodes = list(dataset.iterate_episodes())
    for episode, start in zip(of_episode, random.integers(STEPS - CLIP, size=120), strict=True):
        some = slice(start, start + CLIP + 1)
        observations = episodes[episode].observations[some].copy()
        observations[0, 1] *= 0.0 if starts_at_rest else 1.0
        buffers.append(recorded(observations, episodes[episode].actions[some][:CLIP]))
    dataset = write(f"toy/{name}-v0", buffers, OBSERVATIONS, ACTIONS)
    pairs = np.arange(120).reshape(-1, 2)
    better = (level[of_episode[pairs[:, 0]]] > level[of_episode[pairs[:, 1]]]).astype(float)
    segments = np.stack([np.arange(120), np.zeros(120, dtype=int), np.full(120, CLIP)], axis=1)
    return dataset, Feedback.create(dataset, segments, None, pairs, better)


def test_labels_of_clips_are_used_as_given(logged: Any) -> None:
    """The best of them show no beginning, which the others do."""
    dataset, labels = recordings(logged, "given")
    found = complete(dataset, labels)
    assert found.of_clips and found.ranks and not found.helps
    with pytest.warns(
        UserWarning, match="not used: the comparisons are of whole recordings that begin"
    ):
        model = presa(dataset, labels, completion="auto")
    assert model.feedback is not None and model.feedback.weights is None
    forced = presa(dataset, labels, completion=True)
    assert forced.feedback is not None and forced.feedback.weights is not None
    safe = replace(labels, p_safe=np.ones(120, dtype=np.float32))
    assert complete(dataset, safe).of_clips and not complete(dataset, safe).helps
    moves = np.array([episode.actions.mean() for episode in dataset.iterate_episodes()])
    both = replace(labels, p_safe=(moves > np.median(moves)).astype(np.float32))
    assert complete(dataset, both).helps and not complete(dataset, both).of_clips


def test_one_label_or_an_unused_row_does_not_change_what_labels_are_of(logged: Any) -> None:
    dataset, labels = recordings(logged, "one-more")
    p_safe = np.full(120, np.nan, dtype=np.float32)
    p_safe[0] = 1.0
    assert complete(dataset, replace(labels, p_safe=p_safe)).of_clips
    more = np.concatenate([labels.segments, [[0, 1, 2]]])
    unused = Feedback.create(dataset, more, None, labels.comparisons, labels.preferences)
    assert complete(dataset, unused).of_clips
    only_safe = Feedback.create(dataset, labels.segments, np.ones(120))
    assert not labels_are_of_clips(load_transitions(dataset), only_safe)


def starts(
    first: npt.NDArray[np.float64], rest: npt.NDArray[np.float64], name: str
) -> tuple[Any, Feedback]:
    """Recordings of two steps, all compared as wholes."""
    n, width = first.shape
    buffers = [
        {
            "observations": np.stack([first[i], rest[i], rest[i]]),
            "actions": np.zeros((2, 1), dtype=np.float32),
            "rewards": np.zeros(2),
            "terminations": np.zeros(2, dtype=bool),
            "truncations": np.array([False, True]),
            "infos": {"cost": np.zeros(3)},
        }
        for i in range(n)
    ]
    space = gym.spaces.Box(-np.inf, np.inf, (width,), np.float64)
    transitions = load_transitions(write(f"toy/{name}-v0", buffers, space, ACTIONS))
    segments = [(i, 0, 2) for i in range(n)]
    pairs = [(i, i + 1) for i in range(0, n, 2)]
    return transitions, Feedback.create(transitions, segments, None, pairs)


@pytest.mark.usefixtures("minari_root")
@pytest.mark.parametrize("offset", [0.0, 5.8e6])
@pytest.mark.parametrize("home", [False, True])
def test_clips_are_known_at_any_offset(offset: float, home: bool) -> None:
    """As that of map coordinates in metres."""
    random = np.random.default_rng(0)
    first, rest = random.normal(size=(2, 40, 2))
    first[:, 0] *= 0.0 if home else 1.0
    found = starts(first + offset, rest + offset, f"offset{int(offset)}-{int(home)}")
    assert labels_are_of_clips(*found) is not home


@pytest.mark.usefixtures("minari_root")
@pytest.mark.parametrize(("n_up", "of_clips"), [(1, True), (40, False)])
def test_a_flag_that_is_rarely_up_tells_nothing_of_starts(n_up: int, of_clips: bool) -> None:
    """It may be down at all of them by chance; one that is often up is at rest there."""
    random = np.random.default_rng(0)
    first, rest = random.normal(size=(2, 60, 2))
    first[:, 1], rest[:, 1] = 0.0, np.arange(60) < n_up
    assert labels_are_of_clips(*starts(first, rest, f"flag{n_up}")) is of_clips


def test_recordings_that_begin_at_rest_are_episodes(logged: Any) -> None:
    dataset, labels = recordings(logged, "rest", starts_at_rest=True)
    found = complete(dataset, labels)
    assert found.helps and not found.of_clips


def test_labels_of_parts_are_not_of_clips(logged: Any) -> None:
    """Short segments of recordings that begin anywhere are completed, as those of episodes are."""
    dataset, labels = recordings(logged, "parts")
    parts = labels.segments.copy()
    parts[:, 2] = CLIP // 2
    of_parts = Feedback.create(dataset, parts, None, labels.comparisons, labels.preferences)
    assert not complete(dataset, of_parts).of_clips


def test_few_recordings_are_not_called_clips(logged: Any) -> None:
    """The spread of a few starts is not known."""
    dataset, labels = recordings(logged, "few")
    few = load_transitions(dataset.filter_episodes(lambda episode: episode.id < 19))
    first = Feedback.create(few, labels.segments[:19], None, labels.comparisons[:9], np.ones(9))
    assert not labels_are_of_clips(few, first)


def test_uncertain_labels_are_imitated_and_not_aligned_with(logged: Any) -> None:
    """The run is cloning to its end; nothing is pushed away from."""
    uncertain = complete(logged[0], clips(logged, flip=0.3, seed=1))
    assert uncertain.helps and not uncertain.aligns
    model = presa(logged[0], uncertain.feedback(), completion="auto")
    phases = model.phases(15)
    steps = [(phase.name, phase.start, phase.stop) for phase in phases]
    turn = model.n_cloning_steps // 2
    assert steps == [("clone", 0, turn), ("clone", turn, 15)]


def test_held_out_labels_are_not_completed_from(logged: Any) -> None:
    """Their values change nothing of what is trained on."""
    given = clips(logged)
    model = presa(logged[0], given, completion=True, validation_fraction=0.3)
    held = model.source.held_out if model.source is not None else None
    assert held is not None
    known = ~held.p_safe.isnan()
    pairs = zip(held.starts[known].tolist(), held.lengths[known].tolist(), strict=True)
    kept = {tuple(row) for row in pairs}
    assert kept
    places = given.segments[:, 0] * STEPS + given.segments[:, 1]
    is_held = np.array([(place, CLIP) in kept for place in places.tolist()])
    changed = Feedback.create(
        logged[0],
        given.segments,
        np.where(is_held, 1 - given.p_safe, given.p_safe),
        given.comparisons,
        given.preferences,
    )
    other = presa(logged[0], changed, completion=True, validation_fraction=0.3)
    assert model.feedback is not None and other.feedback is not None
    assert np.array_equal(model.feedback.p_safe, other.feedback.p_safe, equal_nan=True)


def test_the_anchor_follows_the_weights(logged: Any) -> None:
    from sb3_presa.learning.losses import _worth

    model = presa(logged[0], clips(logged), completion=True)
    phase: Any = model.phases(15)[-1]
    drawn = phase.sample(th.Generator().manual_seed(0))
    assert model.source is not None and model.source.training.weights is not None
    weights = model.source.training.weights[model.source.training.pairs[drawn.pairs]]
    batch: Any = type("Batch", (), {"segment_weights": weights})()
    assert th.equal(_worth(batch, True, True), weights)
    assert weights.sum() > 0  # every other pair has a segment that is imitated


def test_bc_clones_the_best(logged: Any) -> None:
    _, _, share = logged
    model = BC.load_offline(logged[0], clips(logged), data="best", batch_size=64, **SMALL)
    rows = model.phases(5)[0].sample(th.Generator().manual_seed(0))
    assert (share[(rows // STEPS).numpy()] <= 0.1).all()


def test_completed_labels_are_feedback(logged: Any, completion: Completion) -> None:
    """Saved, loaded, and trained on by algorithms that know nothing of completion."""
    made = completion.feedback(0.7, seed=0)
    made.save(logged[0], "completed")
    read = Feedback.load(logged[0], "completed")
    for name in ("segments", "p_safe", "comparisons", "preferences", "weights"):
        assert np.array_equal(getattr(read, name), getattr(made, name), equal_nan=True), name
    assert read.provenance["source"] == "completed"
    assert read.weights is not None
    whole = len(completion.segments)
    chosen = completion.selected(0.7)
    assert np.array_equal(read.weights[:whole] == 1.0, chosen)
    model = presa(logged[0], read, completion=True)  # complete already: taken as it is
    assert model.feedback is not None and len(model.feedback.segments) == len(read.segments)
    for data in ("safe", "preferred-and-safe", "best"):
        BC.load_offline(logged[0], "completed", data=data, batch_size=16, **SMALL).learn(2)


# --- weights of feedback --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], "by segment"),
        ([1.0, -1.0], "at least 0, got -1.0 \\(row 1\\)"),
        ([math.nan, 1.0], "finite"),
    ],
)
def test_wrong_weights_are_refused(logged: Any, weights: list[float], message: str) -> None:
    with pytest.raises(FeedbackError, match=message):
        Feedback.create(logged[0], [(0, 0, 5), (1, 0, 5)], [1, 0], weights=weights)


def test_weights_stay_with_their_segments(logged: Any) -> None:
    made = Feedback.create(logged[0], [(0, 0, 5), (1, 0, 5)], [1, 0], weights=[0.25, 4.0])
    one, both = made.subset(np.array([False, True])).weights, made.align(logged[0]).weights
    assert one is not None and one.tolist() == [4.0]
    assert both is not None and both.tolist() == [0.25, 4.0]


# --- command line ---------------------------------------------------------------------------


def test_the_command_prints_what_it_believes(logged: Any, tmp_path: Any) -> None:
    dataset = logged[0]
    clips(logged).save(dataset, "people")
    picture, figures = tmp_path / "completion.png", tmp_path / "completion.json"
    run = CliRunner().invoke(
        app,
        [
            *("complete", dataset.id, "--plot", str(picture), "--json", str(figures)),
            *("--into", "all", "--safety-level", "0.6"),
        ],
    )
    assert run.exit_code == 0, run.output
    for text in ("comparisons", "safety labels", "Calibration", "Labels in doubt", "Imitated"):
        assert text in run.output
    assert picture.read_bytes().startswith(b"\x89PNG")
    found = json.loads(figures.read_text())
    assert found["comparisons"]["n"] == 150 and found["used"] and found["aligns"]
    assert not found["end_early"] and "end early" not in run.output
    assert found["doubts"][0]["segments"][0][2] == CLIP
    assert found["split_half"]["value"] > 0.9 and "rank second halves: 0.9" in run.output
    saved = Feedback.load(dataset, "all")
    assert saved.weights is not None
    assert int((saved.weights[: found["segments"]] > 0).sum()) == found["imitated"]
    printed = CliRunner().invoke(app, ["complete", dataset.id, "--json", "-"])
    assert json.loads(printed.output)["segments"] == N_EPISODES


@pytest.mark.parametrize(("sure", "part"), [(True, "the better half of"), (False, "all that is")])
def test_the_command_says_that_episodes_end_early(
    sure: bool, part: str, monkeypatch: pytest.MonkeyPatch, logged: Any
) -> None:
    monkeypatch.setattr(Transitions, "end_early", True)
    monkeypatch.setattr(Completion, "aligns", sure)
    clips(logged).save(logged[0], "people")
    run = CliRunner().invoke(app, ["complete", logged[0].id])
    said = " ".join(run.output.split())
    assert (
        f"Many episodes end early, and some are safe for that alone: cloning begins with {part}"
        in said
    )


def test_the_command_replaces_completed_labels_alone(logged: Any) -> None:
    clips(logged).save(logged[0], "friends")
    command = ["complete", logged[0].id, "--feedback", "friends", "--json", "-", "--into"]
    refused = CliRunner().invoke(app, [*command, "friends"])
    assert refused.exit_code == 1
    said = r"'friends' of toy/clips-v0 exists already \(source .*--overwrite"
    assert re.search(said, str(refused.exception) + refused.output)
    assert Feedback.load(logged[0], "friends").weights is None
    for name in (["estimates"], ["estimates"], ["friends", "--overwrite"]):
        done = CliRunner().invoke(app, [*command, *name])
        assert done.exit_code == 0 and json.loads(done.stdout)["imitated"]
    assert Feedback.load(logged[0], "friends").weights is not None


def test_the_command_says_what_it_has_no_labels_of(logged: Any) -> None:
    labels = clips(logged, n=15)
    unknown = np.full(len(labels.segments), np.nan, dtype=np.float32)
    replace(labels, p_safe=unknown).save(logged[0], "compared")
    run = CliRunner().invoke(app, ["complete", logged[0].id, "--feedback", "compared"])
    assert run.exit_code == 0, run.output
    assert "Safe means" not in run.output and "of the safety labels" not in run.output
    said = " ".join(run.output.split())
    assert "completion='auto': no (15 labels; fewer than 40 are used as given)." in said


def test_the_command_does_not_call_ties_wrong(logged: Any) -> None:
    """Which said that 10% of them were taken to be wrong."""
    labels = clips(logged, n=15)
    ties = np.full(len(labels.comparisons), 0.5, dtype=np.float32)
    replace(labels, preferences=ties).save(logged[0], "ties")
    run = CliRunner().invoke(app, ["complete", logged[0].id, "--feedback", "ties"])
    assert run.exit_code == 0, run.output
    assert "% of the safety labels." in run.output and "of the comparisons" not in run.output


def test_the_command_looks_for_a_place_before_its_work(logged: Any) -> None:
    labels = clips(logged, n=15)
    labels.save(logged[0], "people")
    feedback_path(logged[0], "taken").mkdir()
    command = ["complete", logged[0].id, "--into", "taken", "--overwrite"]
    run = CliRunner().invoke(app, command)
    assert run.exit_code == 1 and run.stdout == ""


def test_no_marker_is_cut_and_no_legend_hides_points(
    logged: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Figure] = []

    @contextmanager
    def kept(path: Path, width: float, height: float) -> Iterator[Figure]:
        with written_figure(path, width, height) as figure:
            yield figure
        figures.append(figure)

    monkeypatch.setattr(completion_figure, "written_figure", kept)
    completion_figure.draw_completion(complete(logged[0], clips(logged)), tmp_path / "a.png")
    (figure,) = figures
    _, calibration = figure.axes
    for low, high in (calibration.get_xlim(), calibration.get_ylim()):
        assert low < 0.0 and high > 1.0
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "imitated",
        "safe",
        "first preferred",
    ]
    for axes in figure.axes:
        assert axes.get_legend() is None
        assert not axes.get_window_extent().overlaps(legend.get_window_extent())


@pytest.mark.parametrize(
    ("needs", "along", "up", "known"),
    [
        (
            frozenset({"comparisons"}),
            "place (no safety labels)",
            "predicted reward per step",
            "comparisons",
        ),
        (frozenset({"safety labels"}), "estimated P(safe)", "place (no comparisons)", "safety"),
    ],
)
def test_one_kind_of_label_tells_of_one_axis(
    logged: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    needs: Needs,
    along: str,
    up: str,
    known: str,
) -> None:
    """Nothing is drawn at, or said of, a value that is not known."""
    drawn: list[tuple[str, str, list[float]]] = []

    @contextmanager
    def looked_at(path: Path, width: float, height: float) -> Iterator[Figure]:
        with written_figure(path, width, height) as figure:
            yield figure
            axes = figure.axes[0]
            rest, chosen = (np.asarray(points.get_offsets()) for points in axes.collections)
            places = np.concatenate([rest, chosen])[:, 0 if "place" in along else 1]
            drawn.append((axes.get_xlabel(), axes.get_ylabel(), sorted(places.tolist())))

    monkeypatch.setattr(completion_figure, "written_figure", looked_at)
    narrow(clips(logged), needs).save(logged[0], "people")
    command = ["complete", logged[0].id, "--feedback", "people", "--json", "-"]
    run = CliRunner().invoke(app, [*command, "--plot", str(tmp_path / "a.png")])
    assert run.exit_code == 0, run.output
    rates = json.loads(run.stdout)["error_rates"]
    assert {kind for kind, rate in rates.items() if rate is not None} == {known}
    n = int(logged[0].total_episodes)
    assert drawn == [(along, up, [float(place) for place in range(1, n + 1)])]


def test_the_command_without_labels_says_so(logged: Any) -> None:
    run = CliRunner().invoke(app, ["complete", logged[0].id, "--feedback", "nobody"])
    assert run.exit_code != 0
