"""Labels: what may be said, that it survives the disk, and that it stays with its own data."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import minari
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import REAL, UNIT, assert_same, episode, kill_at_random, write
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer
from minari.dataset.minari_dataset import DATASET_ID_RE

from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import FeedbackError, FeedbackNotFoundError
from sb3_presa.feedback.file import read_feedback, write_feedback
from sb3_presa.feedback.table import Feedback

QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
probabilities = st.floats(0, 1, width=32)
names = st.text(max_size=20).map(lambda text: text.encode("utf-8", "ignore").decode())
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(-9, 9) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def patchy_feedback(draw: st.DrawFn, lengths: Mapping[int, int] | None = None) -> Feedback:
    """Any labels on episodes of the given lengths: with gaps, ties and segments of all lengths."""
    if lengths is None:
        ids = draw(st.lists(st.integers(0, 2**40), min_size=1, max_size=5, unique=True))
        lengths = {i: draw(st.integers(1, 50)) for i in ids}
    segments = []
    for _ in range(draw(st.integers(1, 8))):
        number = draw(st.sampled_from(sorted(lengths)))
        start = draw(st.integers(0, lengths[number] - 1))
        segments.append((number, start, draw(st.integers(1, lengths[number] - start))))
    rows = st.integers(0, len(segments) - 1)
    pairs = st.tuples(rows, rows).filter(lambda pair: pair[0] != pair[1])
    pair_list = draw(st.lists(pairs, max_size=8)) if len(segments) > 1 else []
    safe = [draw(st.none() | probabilities) for _ in segments]
    return Feedback(
        segments=np.array(segments),
        p_safe=np.array([np.nan if p is None else p for p in safe], np.float32),
        comparisons=np.array(pair_list, np.int64).reshape(-1, 2),
        preferences=np.array([draw(probabilities) for _ in pair_list], np.float32),
        episode_hashes={i: draw(st.binary(min_size=32, max_size=32)) for i in lengths},
        dataset_id=draw(st.from_regex(DATASET_ID_RE, fullmatch=True)),
        provenance=draw(st.dictionaries(names, json_values, max_size=3)),
    )


@QUICK
@given(feedback=patchy_feedback())
def test_any_feedback_survives_the_disk(tmp_path: Path, feedback: Feedback) -> None:
    path = tmp_path / "feedback" / "labels.hdf5"
    write_feedback(path, vars(feedback))
    assert_same(Feedback(**read_feedback(path)), feedback)
    assert [file.name for file in path.parent.iterdir()] == ["labels.hdf5"]


def test_save_load_and_names(box_dataset: MinariDataset) -> None:
    assert Feedback.names(box_dataset) == []
    labels = Feedback.create(box_dataset, [(2, 0, 5), (3, 1, 6)], [True, None], [(1, 0)])
    path = labels.save("toy/box-v0")
    assert path == Path(box_dataset.storage.data_path) / "feedback" / "default.hdf5"
    assert_same(Feedback.load(box_dataset), labels)
    replace(labels, p_safe=np.array([0.0, 1.0], np.float32)).save(box_dataset, "by-anna_2.1")
    assert Feedback.names(box_dataset) == ["by-anna_2.1", "default"]
    assert Feedback.load(box_dataset, "by-anna_2.1").p_safe.tolist() == [0, 1]
    assert len(minari.load_dataset("toy/box-v0")) == len(box_dataset)


def test_labels_made_by_hand(box_dataset: MinariDataset) -> None:
    labels = Feedback.create(
        "toy/box-v0",
        segments=[(0, 0, 20), (3, 2, 5), (9, 0, 1)],
        p_safe=[True, None, 0.25],
        comparisons=[(0, 1), (2, 1)],
    )
    np.testing.assert_array_equal(labels.p_safe, np.array([1, np.nan, 0.25], np.float32))
    assert labels.preferences.tolist() == [1, 1]
    assert labels.dataset_id == "toy/box-v0"
    assert sorted(labels.episode_hashes) == [0, 3, 9]
    safety_only = Feedback.create(box_dataset, [(0, 0, 20)], [False])
    assert safety_only.comparisons.shape == (0, 2)
    preferences_only = Feedback.create(
        box_dataset, [(0, 0, 3), (1, 0, 9)], None, [[0, 1]], [0.5], {"by": "anna"}
    )
    assert np.isnan(preferences_only.p_safe).all()
    assert preferences_only.provenance == {"by": "anna"}
    with pytest.raises(ValueError, match="read-only"):
        labels.p_safe[0] = 0


def test_masked_labels_are_not_labelled(box_dataset: MinariDataset) -> None:
    segments = [(0, 0, 5), (1, 0, 5)]
    p_safe = np.ma.array([0.0, 1.0], mask=[True, False])
    found = Feedback.create(box_dataset, segments, p_safe)
    np.testing.assert_array_equal(found.p_safe, [np.nan, 1.0])
    column = pd.array([None, True], dtype="boolean")
    np.testing.assert_array_equal(
        Feedback.create(box_dataset, segments, column).p_safe, [np.nan, 1.0]
    )
    whole = np.ma.array([0, 1], mask=[True, False])
    assert np.isnan(Feedback.create(box_dataset, segments, whole).p_safe[0])
    with pytest.raises(FeedbackError, match="`segments` must have a number in every place"):
        Feedback.create(box_dataset, np.ma.masked_equal(np.array(segments), 5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"segments": [(0, 0, 20), (3, 5, 3)]},
            "`segments` must end within .* start 5 and length 3 .*row 1",
        ),
        ({"segments": [(0, 0, 20), (3, 8, 1)]}, "start 8.* episode 3 of 7 steps .row 1"),
        ({"segments": [(0, 2**62, 2**62), (3, 0, 1)]}, "must end within .* start 4611686.*row 0"),
        ({"segments": [(0, 0, 5), (99, 0, 1)]}, "24 ids from 0 to 23.*, got episode 99 .row 1"),
        (
            {"segments": [(0, -1, 5), (3, 0, 1)]},
            "start >= 0 .* got episode 0, start -1, length 5 .row 0",
        ),
        ({"segments": [(0, 0, 5), (3, 0, 0)]}, "length >= 1, got .*length 0 .row 1"),
        ({"segments": [(0, 0, 5), (3, 0.5, 1)]}, "`segments` must be integers, got .*0.5.*row 1"),
        ({"segments": [(0, 0, 5), (3, 0)]}, "`segments` must have 3 numbers in every row"),
        ({"segments": [(0, 0), (3, 0)]}, r"shape .n, 3., got int64 of shape \(2, 2\)"),
        (
            {"segments": [], "p_safe": [], "comparisons": []},
            "`segments` must have at least one row",
        ),
        ({"p_safe": [1, 1.5]}, r"`p_safe` must be a number in \[0, 1\], or NaN.* got 1.5 .row 1"),
        ({"p_safe": [-0.5, 1]}, "`p_safe` must be .* got -0.5 .row 0"),
        ({"p_safe": [np.inf, 1]}, "`p_safe` must be .* got inf .row 0"),
        (
            {"p_safe": [1]},
            r"`p_safe` must be numbers of shape \(2,\).* got float64 of shape \(1,\)",
        ),
        ({"p_safe": ["yes", "no"]}, "`p_safe` must be numbers"),
        (
            {"comparisons": [(0, 1), (0, 2)]},
            r"`comparisons` must be .* 0 to 1, got \[0, 2\] .row 1",
        ),
        ({"comparisons": [(-1, 1)]}, "`comparisons` must be .*row 0"),
        (
            {"comparisons": [(1, 1)]},
            "`comparisons` must be .*different segments, got .1, 1. .row 0",
        ),
        ({"preferences": [1.25]}, r"`preferences` must be a number in \[0, 1\], got 1.25 .row 0"),
        ({"preferences": [None]}, "`preferences` must be .* got nan .row 0.; leave out"),
        (
            {"preferences": [1, 0]},
            r"`preferences` must be numbers of shape \(1,\).* got float64 of shape \(2,\)",
        ),
        ({"provenance": {"when": object()}}, "`provenance` must contain only JSON"),
    ],
)
def test_wrong_labels_are_refused_by_row(
    box_dataset: MinariDataset, change: dict[str, Any], message: str
) -> None:
    good: dict[str, Any] = {
        "segments": [(0, 0, 20), (3, 0, 7)],
        "p_safe": [1, 0],
        "comparisons": [(0, 1)],
    }
    Feedback.create(box_dataset, **good)
    with pytest.raises(FeedbackError, match=message):
        Feedback.create(box_dataset, **(good | change))


def test_a_million_segments(box_dataset: MinariDataset) -> None:
    transitions, random, count = load_transitions(box_dataset), np.random.default_rng(0), 10**6
    which = random.integers(len(transitions.episode_ids), size=count)
    available = transitions.episode_lengths[which]
    start = random.integers(available)
    length = 1 + random.integers(available - start)
    segments = np.column_stack([transitions.episode_ids[which], start, length])
    pairs = np.column_stack([np.arange(count), np.roll(np.arange(count), 1)])
    safe, preferences = random.random(count), random.random(count)
    labels = Feedback.create(transitions, segments, safe, pairs, preferences)
    labels.save(box_dataset)
    assert_same(Feedback.load(box_dataset).align(transitions), labels)
    last = segments.copy()
    last[-1, 2] = 99
    with pytest.raises(FeedbackError, match=r"must end within their episode.*row 999999"):
        Feedback.create(transitions, last, safe, pairs, preferences)


def _in_memory(episodes: Mapping[int, int]) -> Transitions:
    """Transitions without a disk: episode id -> seed, which stands for the episode's content."""
    arrays = [episode(3 + seed % 5, seed) for seed in episodes.values()]
    lengths = np.array([len(a["actions"]) for a in arrays], np.int64)
    return Transitions(
        observations=np.concatenate([a["observations"][:-1] for a in arrays]),
        actions=np.concatenate([a["actions"] for a in arrays]),
        episode_ids=np.array(list(episodes), np.int64),
        episode_starts=np.cumsum(lengths) - lengths,
        episode_lengths=lengths,
        observation_space=REAL,
        action_space=UNIT,
        dataset_id="memory-v0",
    )


def _content(transitions: Transitions, segment: Any) -> bytes:
    """The bytes of the steps that a segment names."""
    number, start, length = segment.tolist()
    index = transitions.episode_ids.tolist().index(number)
    first = int(transitions.episode_starts[index]) + start
    assert start + length <= transitions.episode_lengths[index]
    rows = slice(first, first + length)
    assert isinstance(transitions.observations, np.ndarray)
    return transitions.observations[rows].tobytes() + transitions.actions[rows].tobytes()


id_to_content = st.dictionaries(st.integers(0, 12), st.integers(0, 9), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(before=id_to_content, after=id_to_content, data=st.data())
def test_labels_never_move_to_other_data(
    before: dict[int, int], after: dict[int, int], data: st.DataObject
) -> None:
    """However episodes come, go, double and change their ids, a label stays with its steps."""
    old, new = _in_memory(before), _in_memory(after)
    lengths = dict(zip(before, old.episode_lengths.tolist(), strict=True))
    hashes = dict(zip(before, old.hash_episodes(), strict=True))
    feedback = replace(data.draw(patchy_feedback(lengths)), episode_hashes=hashes)
    kept = np.array([before[i] in after.values() for i in feedback.segments[:, 0].tolist()])
    if not kept.any():
        with pytest.raises(
            FeedbackError, match=r"none of the .* is: this feedback was made for other data"
        ):
            feedback.align(new)
        return
    aligned = feedback.align(new)
    assert aligned.dataset_id == "memory-v0"
    np.testing.assert_array_equal(aligned.p_safe, feedback.p_safe[kept])
    original = [_content(old, row) for row in feedback.segments]
    moved = [_content(new, row) for row in aligned.segments]
    assert moved == [part for part, keep in zip(original, kept, strict=True) if keep]
    whole = kept[feedback.comparisons].all(axis=1)
    np.testing.assert_array_equal(aligned.preferences, feedback.preferences[whole])
    assert [[moved[i] for i in pair] for pair in aligned.comparisons] == [
        [original[i] for i in pair] for pair in feedback.comparisons[whole]
    ]
    assert_same(aligned.align(new), aligned)


def test_labels_survive_what_minari_does_to_datasets(box_dataset: MinariDataset) -> None:
    feedback = Feedback.create(
        box_dataset,
        [(i, i % 3, 4) for i in range(24)],
        np.arange(24) % 2,
        [(i, i + 1) for i in range(23)],
    )
    feedback.save(box_dataset)
    more: dict[str, Any] = episode(20, 5) | {"observations": np.zeros((21, 3), np.float32)}
    more["actions"] = np.zeros((20, 2), np.float32)
    box_dataset.update_dataset_from_buffer([EpisodeBuffer(**more)])
    reopened = minari.load_dataset("toy/box-v0")
    assert len(reopened) == 25
    assert_same(Feedback.load(reopened).align(reopened), feedback)

    filtered = reopened.filter_episodes(lambda e: e.id in (4, 5, 9))
    aligned = Feedback.load(filtered).align(filtered)
    assert aligned.segments[:, 0].tolist() == [4, 5, 9]
    assert aligned.comparisons.tolist() == [[0, 1]]

    halves = minari.split_dataset(reopened, [12, 13], seed=3)
    found = [feedback.align(half).segments[:, 0].tolist() for half in halves]
    assert sorted(found[0] + found[1]) == list(range(24))

    write_like = minari.combine_datasets([halves[0], halves[1]], "toy/both-v0")
    combined = load_transitions(write_like)
    shuffled = feedback.align(combined)
    before = load_transitions(reopened)
    assert [_content(combined, row) for row in shuffled.segments] == [
        _content(before, row) for row in feedback.segments
    ]
    np.testing.assert_array_equal(shuffled.p_safe, feedback.p_safe)


def test_feedback_of_another_dataset_is_refused(minari_root: Path) -> None:
    one, other = write("one-v0", [episode(5, 0)]), write("other-v0", [episode(5, 1)])
    path = Feedback.create(one, [(0, 0, 5)], [1]).save(one)
    (minari_root / "other-v0/data/feedback").mkdir()
    shutil.copy(path, minari_root / "other-v0/data/feedback")
    with pytest.raises(FeedbackError, match=r"'other-v0' .*none of the 1 is.*other data, 'one-v0'"):
        Feedback.load(other).align(other)


def test_labels_are_not_saved_beside_other_data(make_dataset: Any) -> None:
    """Those that are there stay; a part of the data, under another id, takes them."""
    one, other = make_dataset("box"), make_dataset("discrete")
    Feedback.create(other, [(1, 0, 4)], [0]).save(other)
    labels = Feedback.create(one, [(0, 0, 5)], [1])
    with pytest.raises(FeedbackError, match="feedback was made for other data, 'toy/box-v0'"):
        labels.save(other)
    assert Feedback.load(other).segments.tolist() == [[1, 0, 4]]
    replace(labels, dataset_id="me/before-v0").save(one, "renamed")
    assert Feedback.names(one) == ["renamed"]


def test_a_segment_over_the_end_is_refused_on_alignment(box_dataset: MinariDataset) -> None:
    feedback = Feedback.create(box_dataset, [(0, 0, 5), (3, 0, 7)], [1, 1])
    longer = replace(feedback, segments=np.array([(0, 0, 5), (3, 0, 8)]))
    with pytest.raises(FeedbackError, match=r"must end within .* start 0 and length 8 .*row 1"):
        longer.align(box_dataset)


def test_missing_feedback_says_what_there_is(box_dataset: MinariDataset) -> None:
    with pytest.raises(
        FeedbackNotFoundError,
        match=r"feedback 'default' not found for dataset 'toy/box-v0'.*available: none",
    ):
        Feedback.load(box_dataset)
    Feedback.create(box_dataset, [(0, 0, 5)], [1]).save(box_dataset, "anna")
    with pytest.raises(FileNotFoundError, match=r"feedback 'ana' not found .*available: 'anna'"):
        Feedback.load(box_dataset, "ana")


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a\\b", ".hidden", "-x", "a" * 101, "a b"])
def test_names_that_leave_the_folder_are_refused(box_dataset: MinariDataset, name: str) -> None:
    feedback = Feedback.create(box_dataset, [(0, 0, 5)], [1])
    for use in (lambda: feedback.save(box_dataset, name), lambda: Feedback.load(box_dataset, name)):
        with pytest.raises(FeedbackError, match="the name of feedback must have"):
            use()


@pytest.fixture
def saved(box_dataset: MinariDataset) -> tuple[Path, Feedback]:
    """Feedback on the disk, with its file."""
    feedback = Feedback.synthetic(box_dataset, 200, 5, cost_limit=4)
    return feedback.save(box_dataset), feedback


def test_truncated_and_foreign_files_are_named(saved: tuple[Path, Feedback]) -> None:
    path, _ = saved
    whole = path.read_bytes()
    for size in [0, 1, 100, len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:size])
        with pytest.raises(FeedbackError, match=r"default\.hdf5 is damaged"):
            Feedback.load("toy/box-v0")
    path.write_bytes(b"not a feedback file, but long enough to be one" * 100)
    with pytest.raises(FeedbackError, match=r"default\.hdf5 is damaged"):
        Feedback.load("toy/box-v0")
    with h5py.File(path, "w") as file:
        file["observations"] = np.zeros(3)
    with pytest.raises(FeedbackError, match=r"default\.hdf5 is not a feedback file"):
        Feedback.load("toy/box-v0")


def test_newer_and_incomplete_files_are_named(saved: tuple[Path, Feedback]) -> None:
    path, _ = saved
    with h5py.File(path, "a") as file:
        del file["p_safe"]
    with pytest.raises(
        FeedbackError, match=r"default\.hdf5 is damaged: table 'p_safe' must be .* got no table"
    ):
        Feedback.load("toy/box-v0")
    with h5py.File(path, "a") as file:
        file.attrs["format_version"] = 2
    with pytest.raises(
        FeedbackError, match=r"format version .* must be 1 to 1, got 2 .*default\.hdf5"
    ):
        Feedback.load("toy/box-v0")


def test_bad_rows_in_a_file_are_named(saved: tuple[Path, Feedback]) -> None:
    path, _ = saved
    for table, row, value, message in (
        ("p_safe", 7, 2.0, "`p_safe` must be .* got 2.0 .row 7"),
        ("comparisons", 3, 10**9, r"`comparisons` must be .*got \[1000000000.*row 3"),
        ("segments", 11, -5, "`segments` must have .* got episode -5.*row 11"),
        ("preferences", 2, np.nan, "`preferences` must be .* got nan .row 2"),
        ("episode_ids", 0, 77, "`episode_hashes` must .* episode 0 is missing .row 0"),
    ):
        before = path.read_bytes()
        with h5py.File(path, "a") as file:
            file[table][row] = value
        with pytest.raises(FeedbackError, match=message):
            Feedback.load("toy/box-v0")
        path.write_bytes(before)


def test_a_flipped_bit_never_changes_a_label(box_dataset: MinariDataset) -> None:
    """Wherever a file rots, it is refused, or what it says is unharmed."""
    random = np.random.default_rng(0)
    feedback = Feedback.create(
        box_dataset,
        np.column_stack([np.arange(24), np.zeros(24), np.full(24, 7)]),
        random.random(24),
        np.column_stack([np.arange(23), np.arange(1, 24)]),
        random.random(23),
    )
    path = feedback.save(box_dataset)
    whole, refused = path.read_bytes(), 0
    with h5py.File(path) as file:  # flips anywhere, and flips within the labels
        chunks = [file[name].id.get_chunk_info(0) for name in ("p_safe", "preferences")]
    places = random.integers(len(whole), size=150).tolist()
    places += [c.byte_offset + i for c in chunks for i in range(0, c.size, 3)]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        try:
            found = Feedback.load(box_dataset)
        except FeedbackError as error:
            assert "default.hdf5" in str(error)
            refused += 1
            continue
        named = replace(found, dataset_id=feedback.dataset_id, provenance=feedback.provenance)
        assert_same(named, feedback)
    assert refused > 50


def test_saving_survives_kill_9(box_dataset: MinariDataset) -> None:
    transitions = load_transitions(box_dataset)
    segments = np.tile([(i, 0, 5) for i in range(24)], (10_000, 1))
    old, new = (Feedback.create(transitions, segments, np.full(240_000, p)) for p in (0, 1))
    old.save(box_dataset)

    def save_again() -> None:
        for labels in (new, old, new):
            labels.save(box_dataset)

    def check() -> None:
        found = Feedback.load(box_dataset)
        assert_same(found, new if found.p_safe[0] == 1 else old)
        assert Feedback.names(box_dataset) == ["default"]

    kill_at_random(save_again, check, kills=15)
    save_again()
    assert_same(Feedback.load(box_dataset), new)
    assert len(load_transitions(box_dataset).actions) == len(transitions.actions)
