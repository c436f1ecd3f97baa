"""Labels made from rewards and costs: by the rule, from the seed, each option on its own."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import assert_same, episode, write
from minari import MinariDataset
from toy_envs import HORIZON

from sb3_presa.errors import ConfigError, DatasetError, FeedbackError
from sb3_presa.feedback.table import Feedback

ON_DATASET = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
shares = st.floats(0, 1)
lengths = st.none() | st.integers(1, HORIZON + 5)


@ON_DATASET
@given(
    length=lengths,
    limit=st.floats(0, HORIZON),
    seed=st.integers(0, 2**32),
    count=st.integers(1, 80),
)
def test_labels_follow_the_rule(
    box_dataset: MinariDataset, length: int | None, limit: float, seed: int, count: int
) -> None:
    """Every label agrees with a plain sum over the steps of its segment."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # labels of one kind only
        feedback = Feedback.synthetic(box_dataset, count, length, cost_limit=limit, seed=seed)
    episodes = {e.id: e for e in box_dataset.iterate_episodes()}
    returns = []
    for (number, start, steps), p_safe in zip(
        feedback.segments.tolist(), feedback.p_safe.tolist(), strict=True
    ):
        recorded = episodes[number]
        assert steps == min(len(recorded), HORIZON if length is None else length)
        rows = slice(start, start + steps)
        returns.append(sum(recorded.rewards[rows].tolist()))
        cost = sum(recorded.infos["cost"][1:][rows].tolist())
        assert p_safe == float(cost <= limit * steps / HORIZON + 1e-9 * max(1, limit))
    assert len(feedback.comparisons) == count
    assert len(np.unique(feedback.segments, axis=0)) == len(feedback.segments)
    for (first, second), preference in zip(
        feedback.comparisons.tolist(), feedback.preferences.tolist(), strict=True
    ):
        gap = returns[first] - returns[second]
        tie = abs(gap) <= 1e-6 * max(1, abs(returns[first]), abs(returns[second]))
        assert preference == (0.5 if tie else float(gap > 0))


@settings(ON_DATASET, max_examples=8)
@given(seed=st.integers(0, 2**32), flips=st.tuples(shares, shares), gaps=st.tuples(shares, shares))
def test_every_option_draws_for_itself(
    box_dataset: MinariDataset,
    seed: int,
    flips: tuple[float, float],
    gaps: tuple[float, float],
) -> None:
    """Flips and gaps change what they name, and nothing else; a call repeats exactly."""
    fixed: dict[str, Any] = {"n_comparisons": 60, "segment_length": 6, "cost_limit": 6}
    plain = Feedback.synthetic(box_dataset, **fixed, seed=seed)
    options: dict[str, Any] = {
        "flip_preferences": flips[0],
        "flip_safety": flips[1],
        "unlabelled_preferences": gaps[0],
        "unlabelled_safety": gaps[1],
    }
    noisy = Feedback.synthetic(box_dataset, **fixed, seed=seed, **options)
    assert_same(noisy, Feedback.synthetic("toy/box-v0", **fixed, seed=seed, **options))
    np.testing.assert_array_equal(noisy.segments, plain.segments)
    assert noisy.provenance == {**plain.provenance, **options}

    one_by_one = {
        name: Feedback.synthetic(box_dataset, **fixed, seed=seed, **{name: share})
        for name, share in options.items()
    }
    safety = one_by_one["flip_safety"].p_safe.copy()
    safety[np.isnan(one_by_one["unlabelled_safety"].p_safe)] = np.nan
    np.testing.assert_array_equal(noisy.p_safe, safety)
    left = one_by_one["unlabelled_preferences"].comparisons
    np.testing.assert_array_equal(noisy.comparisons, left)
    flipped = one_by_one["flip_preferences"]
    expected = {
        tuple(p): v for p, v in zip(flipped.comparisons.tolist(), flipped.preferences, strict=True)
    }
    assert all(
        expected[tuple(pair)] == value
        for pair, value in zip(noisy.comparisons.tolist(), noisy.preferences, strict=True)
    )


def test_shares_are_what_was_asked_for(box_dataset: MinariDataset) -> None:
    """Counts stay within 5 standard deviations: a right implementation fails once in 10^6 runs."""

    def make(**options: float) -> Feedback:
        return Feedback.synthetic(box_dataset, 20_000, 3, cost_limit=6, seed=7, **options)

    plain = make()
    compared, judged = len(plain.comparisons), len(plain.segments)
    decided = plain.preferences != 0.5
    for share in (0.0, 0.2, 1.0):
        flips = make(flip_preferences=share).preferences != plain.preferences
        _assert_share(int(flips.sum()), int(decided.sum()), share)
        flips = make(flip_safety=share).p_safe != plain.p_safe
        _assert_share(int(flips.sum()), judged, share)
        gaps = np.isnan(make(unlabelled_safety=share).p_safe)
        _assert_share(int(gaps.sum()), judged, share)
        left = len(make(unlabelled_preferences=share).comparisons)
        _assert_share(compared - left, compared, share)


def test_options_do_not_share_their_luck(box_dataset: MinariDataset) -> None:
    """What is flipped is not what is left out, nor what is flipped elsewhere."""
    fixed: dict[str, Any] = {"n_comparisons": 20_000, "segment_length": 3, "cost_limit": 6}
    plain = Feedback.synthetic(box_dataset, **fixed)
    noisy = Feedback.synthetic(
        box_dataset,
        **fixed,
        flip_preferences=0.3,
        flip_safety=0.3,
        unlabelled_preferences=0.3,
        unlabelled_safety=0.3,
    )
    labelled = ~np.isnan(noisy.p_safe)
    flipped = labelled & (noisy.p_safe != plain.p_safe)
    _assert_share(int(flipped.sum()), int(labelled.sum()), 0.3)
    kept = dict(zip(map(tuple, plain.comparisons.tolist()), plain.preferences, strict=True))
    before = np.array([kept[tuple(pair)] for pair in noisy.comparisons.tolist()])
    decided = before != 0.5
    turned = decided & (noisy.preferences != before)
    _assert_share(int(turned.sum()), int(decided.sum()), 0.3)
    # Row by row, the two kinds of flips coincide as often as chance has it.
    rows = min(len(plain.segments), len(plain.comparisons))
    flips = Feedback.synthetic(box_dataset, **fixed, flip_preferences=0.3, flip_safety=0.3)
    decided = plain.preferences[:rows] != 0.5
    both = (flips.preferences != plain.preferences)[:rows] & (flips.p_safe != plain.p_safe)[:rows]
    _assert_share(int(both[decided].sum()), int(decided.sum()), 0.09)


def _assert_share(count: int, total: int, share: float) -> None:
    assert total > 200
    assert abs(count - share * total) <= 5 * np.sqrt(total * share * (1 - share))


def test_segments_are_drawn_evenly_over_episodes_then_starts(box_dataset: MinariDataset) -> None:
    """As often from a short episode as from a long one; 5 standard deviations, 64 counts."""
    count, length = 20_000, 5
    feedback = Feedback.synthetic(box_dataset, count, length, cost_limit=6, seed=1)
    drawn = feedback.segments[feedback.comparisons.ravel()]
    lengths = {e.id: len(e) for e in box_dataset.iterate_episodes()}
    for number in lengths:
        _assert_share(int(np.sum(drawn[:, 0] == number)), 2 * count, 1 / len(lengths))
    of_one = drawn[drawn[:, 0] == 12]
    for start in range(lengths[12] - length + 1):
        share = 1 / (lengths[12] - length + 1)
        _assert_share(int(np.sum(of_one[:, 1] == start)), len(of_one), share)
    assert (feedback.comparisons[:, 0] != feedback.comparisons[:, 1]).all()
    other = Feedback.synthetic(box_dataset, count, length, cost_limit=6, seed=2)
    assert not np.array_equal(other.comparisons, feedback.comparisons)


def test_rounding_ties(minari_root: Path) -> None:
    """Returns that differ by rounding tie; returns that differ by more do not."""
    base = np.full(10, 0.1)
    write("ties-v0", [episode(10, i, rewards=base * (1 + i * 1e-9)) for i in range(4)])
    assert (Feedback.synthetic("ties-v0", 50, cost_limit=5).preferences == 0.5).all()
    write("gaps-v0", [episode(10, i, rewards=base * (1 + i * 1e-5)) for i in range(4)])
    assert not (Feedback.synthetic("gaps-v0", 50, cost_limit=5).preferences == 0.5).any()


@pytest.mark.parametrize(("limit", "word"), [(20, "safe"), (0, "unsafe")])
def test_labels_of_one_kind_only_warn(minari_root: Path, limit: float, word: str) -> None:
    costs = {"cost": np.ones(11)}
    write("same-v0", [episode(10, i, infos=costs) for i in range(3)])
    with pytest.warns(UserWarning, match=f"all 3 segments are {word} at cost limit {limit}.0"):
        feedback = Feedback.synthetic("same-v0", 50, cost_limit=limit)
    assert (feedback.p_safe == (word == "safe")).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_comparisons": 0}, "`n_comparisons` must be an integer >= 1, got 0"),
        ({"n_comparisons": 2.5}, "`n_comparisons` must be an integer >= 1, got 2.5"),
        ({"segment_length": 0}, "`segment_length` must be an integer >= 1, got 0"),
        ({"seed": -1}, "`seed` must be an integer >= 0, got -1"),
        ({"cost_limit": -1}, "`cost_limit` must be a finite number >= 0, got -1"),
        ({"cost_limit": np.nan}, "`cost_limit` must be .* got nan"),
        ({"flip_safety": 1.2}, r"`flip_safety` must be in \[0, 1\], got 1.2"),
        ({"unlabelled_preferences": -0.1}, r"`unlabelled_preferences` must be in .* got -0.1"),
    ],
)
def test_options_out_of_range(
    box_dataset: MinariDataset, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Feedback.synthetic(box_dataset, **({"cost_limit": 5} | options))


def test_datasets_that_cannot_be_labelled(minari_root: Path) -> None:
    write("free-v0", [episode(5, i, infos=None) for i in range(2)])
    with pytest.raises(DatasetError, match=r"'free-v0', episode 0: infos\['cost'\] must be given"):
        Feedback.synthetic("free-v0", cost_limit=5)
    write("single-v0", [episode(5)])
    with pytest.raises(FeedbackError, match=r"two different segments of length 5 .* got 1"):
        Feedback.synthetic("single-v0", cost_limit=5)
    assert len(Feedback.synthetic("single-v0", 9, 1, cost_limit=0.5).segments) == 5
