"""Sets of human preferences in public layouts, and pickles that are up to something."""

import collections
import io
import pickle
import pickletools
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import episode, write
from minari import MinariDataset

from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.feedback.array_pickle import read_numbers
from sb3_presa.feedback.human_preferences import Crossing, import_preferences, read_labels
from sb3_presa.feedback.table import Feedback

#: Steps of the episodes: the first and the third are cut off (a timeout), the second ends, and the
#: fourth is the last of the file. Of the flat arrays for Q-learning, 9 + 8 + 11 + 6 are left.
LENGTHS = (10, 8, 12, 7)


@pytest.fixture
def dataset(minari_root: Path) -> MinariDataset:
    episodes = []
    for seed, steps in enumerate(LENGTHS):
        last = np.arange(steps) == steps - 1
        ended = seed in (1, 3)
        flags = {"terminations": last & ended, "truncations": last & (not ended)}
        episodes.append(episode(steps, seed, **flags))
    return write("d4rl/toy-v0", episodes)


def q_learning_rows(dataset: MinariDataset) -> np.ndarray[Any, np.dtype[Any]]:
    """Observations of the flat arrays, as D4RL makes them of its own arrays."""
    parts = list(dataset.iterate_episodes())
    observations = np.concatenate([part.observations[:-1] for part in parts])
    timeouts = np.concatenate([part.truncations for part in parts])
    return np.asarray(
        [o for o, cut in zip(observations[:-1], timeouts[:-1], strict=True) if not cut]
    )


def preference_transformer(folder: Path, first: Any, second: Any, labels: Any) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in (("indices_num4", first), ("indices_2_num4", second)):
        (folder / name).write_bytes(pickle.dumps(np.asarray(content, np.int32)))
    (folder / "label_human").write_bytes(pickle.dumps(labels))
    (folder / "label_dummy").write_bytes(pickle.dumps(np.ones((4, 2))))
    return folder


def test_preference_transformers_layout(dataset: MinariDataset, tmp_path: Path) -> None:
    first, second = [0, 9, 17, 30], [5, 13, 24, 28]
    folder = preference_transformer(tmp_path / "set", first, second, [0, 1, -1, 0])
    found = import_preferences(dataset, folder, segment_length=4)
    np.testing.assert_array_equal(found.preferences, [1.0, 0.0, 0.5, 1.0])
    # What the annotators saw is what the labels are put on: the same observations.
    flat, episodes = q_learning_rows(dataset), list(dataset.iterate_episodes())
    for (a, b), *starts in zip(found.comparisons, first, second, strict=True):
        for row, start in zip((a, b), starts, strict=True):
            which, step, length = found.segments[row].tolist()
            assert length == 4
            np.testing.assert_array_equal(
                episodes[which].observations[step : step + 4], flat[start : start + 4]
            )
    assert np.isnan(found.p_safe).all()
    assert found.provenance["rows"] == "qlearning"
    found.save(dataset, "people")
    assert len(Feedback.load(dataset, "people").comparisons) == 4


def test_uni_rlhfs_layout(dataset: MinariDataset, tmp_path: Path) -> None:
    stem = "domain_mujoco_env_toy_num_2_len_5_0123abcd.pkl"
    files = {"indices_1": [0, 9], "indices_2": [17, 28], "human_label": [1, 0]}
    for name, content in files.items():
        (tmp_path / f"{name}_{stem}").write_bytes(pickle.dumps(content, protocol=2))
    found = import_preferences(dataset, tmp_path, rows="qlearning")
    np.testing.assert_array_equal(found.segments, [(0, 0, 5), (1, 0, 5), (2, 0, 5), (3, 0, 5)])
    np.testing.assert_array_equal(found.comparisons, [(0, 2), (1, 3)])
    np.testing.assert_array_equal(found.preferences, [0.0, 1.0])
    # Counting every step, the second episode starts at row 10, not at 9.
    every = import_preferences(dataset, tmp_path, rows="all", crossing="clip")
    assert every.segments.tolist() == [[0, 0, 5], [0, 9, 1], [1, 7, 1], [2, 10, 2]]
    with pytest.raises(
        ConfigError, match="`segment_length` must be 5, as in the file names, got 4"
    ):
        import_preferences(dataset, tmp_path, segment_length=4)


def test_segments_that_cross_an_end(dataset: MinariDataset, tmp_path: Path) -> None:
    folder = preference_transformer(tmp_path / "set", [6, 0, 3, 3], [20, 9, 9, 3], [0, 1, 0, 1])
    with pytest.raises(
        FeedbackError,
        match=r"got 5 steps from flat row 6.*episode 0 has 3 steps left.*indices_num4, row 0",
    ):
        import_preferences(dataset, folder, segment_length=5)
    lengths: dict[Crossing, list[int]] = {"clip": [3, 5, 5], "drop": [5, 5]}
    for crossing, expected in lengths.items():
        found = import_preferences(dataset, folder, segment_length=5, crossing=crossing)
        assert found.segments[found.comparisons[:, 0], 2].tolist() == expected
        assert found.provenance["compared_with_itself"] == 1
        assert found.provenance["dropped"] == (1 if crossing == "drop" else 0)


def test_labels_of_scripted_teachers(tmp_path: Path) -> None:
    path = tmp_path / "fake_label"
    path.write_bytes(pickle.dumps(np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])))
    np.testing.assert_array_equal(read_labels(path), [1.0, 0.0, 0.5])
    path.write_bytes(pickle.dumps([[1.0, 0.0], [1.0, 1.0]]))
    with pytest.raises(
        FeedbackError, match=r"two probabilities.* got \[1\.0, 1\.0\] .*fake_label, row 1"
    ):
        read_labels(path)


def test_refusals_name_the_file_and_the_row(dataset: MinariDataset, tmp_path: Path) -> None:
    cases: list[tuple[Any, Any, Any, str]] = [
        ([0, 34], [9, 9], [0, 1], r"must be a row of .*, 0 to 33, got 34 .*indices_num4, row 1"),
        ([0, -1], [9, 9], [0, 1], r"got -1 .*indices_num4, row 1"),
        ([0], [9, 9], [0, 1], r"must have shape \(2,\).* got \(1,\) .*indices_num4"),
        ([0, 0], [9, 9], [0, 2], r"must be 0 \(the first is better\).* got 2 .*label_human, row 1"),
    ]
    for first, second, labels, said in cases:
        folder = preference_transformer(tmp_path / "set", first, second, labels)
        with pytest.raises(FeedbackError, match=said):
            import_preferences(dataset, folder, segment_length=3)
    with pytest.raises(ConfigError, match="`segment_length` must be given"):
        import_preferences(dataset, folder)
    (folder / "indices_num5").write_bytes(b"")
    with pytest.raises(FeedbackError, match=r"2 files for first \(indices_num4, indices_num5;"):
        import_preferences(dataset, folder, segment_length=3)


numbers = st.sampled_from(["i1", "i4", "i8", "u2", "f4", "f8", ">i4", "b1"])


@settings(max_examples=60)
@given(
    numbers, st.integers(0, 40), st.integers(0, 5), st.booleans(), st.randoms(use_true_random=False)
)
def test_arrays_of_every_protocol_are_read(
    tmp_path_factory: pytest.TempPathFactory,
    dtype: str,
    rows: int,
    protocol: int,
    two: bool,
    random: Any,
) -> None:
    values = np.asarray([random.randint(0, 100) for _ in range(2 * rows)]).astype(dtype)
    array = np.asfortranarray(values.reshape(rows, 2)) if two else values
    path = tmp_path_factory.getbasetemp() / "array.pkl"
    old = pickle.dumps(array, protocol).replace(b"numpy._core", b"numpy.core")
    for content in (pickle.dumps(array, protocol), old if protocol < 4 else pickle.dumps(array, 4)):
        path.write_bytes(content)
        np.testing.assert_array_equal(read_numbers(path), array)
    path.write_bytes(pickle.dumps([*array], protocol))  # a list of NumPy's numbers, or of rows
    if rows:
        np.testing.assert_array_equal(read_numbers(path), array)


def test_a_pickle_of_python_2_is_read(tmp_path: Path) -> None:
    """Its bytes are text; written here opcode by opcode, as Python 2's NumPy did."""
    data = np.array([3, 300], "<i4").tobytes()
    content = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85q\x03"
        b"U\x01bq\x04\x87q\x05Rq\x06(K\x01K\x02\x85q\x07cnumpy\ndtype\nq\x08U\x02i4q\x09K\x00K\x01"
        b"\x87q\x0aRq\x0b(K\x03U\x01<q\x0cNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0db\x89U"
        + bytes([len(data)])
        + data
        + b"q\x0etq\x0fb."
    )
    (tmp_path / "old").write_bytes(content)
    np.testing.assert_array_equal(read_numbers(tmp_path / "old"), [3, 300])


class Runs:
    """Unpickled by pickle itself, this calls a function of anybody's choosing."""

    def __init__(self, function: Any, *arguments: Any, state: Any = None) -> None:
        self.call = (function, arguments, state) if state is not None else (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


ALARM: list[str] = []


def sound_the_alarm(*_: Any) -> list[str]:
    ALARM.append("executed")
    return [1]  # type: ignore[list-item]


def _objects_from_bytes() -> bytes:
    """NumPy's own functions, asked for an array of objects at given addresses."""
    honest = pickle.dumps(np.array([1, 2], np.int64), protocol=2)
    return honest.replace(b"X\x02\x00\x00\x00i8", b"X\x02\x00\x00\x00O8")


def _wrong_length(protocol: int) -> bytes:
    """Two numbers' bytes, said to be 200."""
    honest = pickle.dumps(np.array([1, 2], np.int64), protocol=2)
    return honest.replace(b"K\x02\x85", b"K\xc8\x85")


#: NumPy's own functions for unpickling.
RECONSTRUCT: Any = np.zeros(1).__reduce__()[0]
SCALAR: Any = np.float64(1.0).__reduce__()[0]
MALICIOUS: dict[str, bytes] = {
    "a call": pickle.dumps(Runs(sound_the_alarm)),
    "a call of protocol 0": pickle.dumps(Runs(sound_the_alarm), protocol=0),
    "a call inside a list": pickle.dumps([0, 1, Runs(sound_the_alarm)]),
    "a call inside an array of objects": pickle.dumps(
        np.array([Runs(sound_the_alarm), 1], dtype=object)
    ),
    "eval": b"cbuiltins\neval\n(S'1'\ntR.",
    "os.system by the old opcode": b"(S'true'\nios\nsystem\n.",
    "an instance of the old kind": b"(cposix\nsystem\nS'true'\no.",
    "a name that needs an attribute": b"\x80\x04\x8c\x05numpy\x8c\x0edtype.__init__\x93.",
    "numpy's load": b"cnumpy\nload\n(S'x'\ntR.",
    "numpy's loads by a module": b"cnumpy.core.multiarray\nfromfile\n(S'x'\ntR.",
    "reconstruct of another class": pickle.dumps(Runs(RECONSTRUCT, np.matrix, (0,), b"b")),
    "reconstruct without contents": pickle.dumps(Runs(RECONSTRUCT, np.ndarray, (0,), b"b")),
    "objects from bytes": _objects_from_bytes(),
    "records": pickle.dumps(np.zeros(2, dtype=[("a", "i4"), ("b", "O")])),
    "text": pickle.dumps(np.array(["a", "b"])),
    "dates": pickle.dumps(np.array(["2020-01-01"], dtype="datetime64[D]")),
    "a scalar of objects": pickle.dumps(Runs(SCALAR, np.dtype("O"), b"\0" * 8)),
    "more numbers than bytes": _wrong_length(2),
    "a scalar of too few bytes": pickle.dumps(Runs(SCALAR, np.dtype("i8"), b"\0" * 4)),
    "a call of ndarray": b"cnumpy\nndarray\n((K\x05ttR.",
    "state of ndarray": b"cnumpy\nndarray\n(NNtb.",
    "state of a function": b"cnumpy.core.multiarray\n_reconstruct\n(NNtb.",
    "bytes of any length": b"c__builtin__\nbytes\n(I1000000000000\ntR.",
    "a dictionary": pickle.dumps({"labels": [1]}),
    "an ordered dictionary": pickle.dumps(collections.OrderedDict(a=1)),
    "an instance": pickle.dumps(Path("x")),
    "a set": pickle.dumps({1, 2}),
    "text in a list": pickle.dumps([1, "2"]),
    "a list of lists of lists": pickle.dumps([[[1]]]),
    "a persistent id": b"Psomething\n.",
    "an extension": b"\x80\x02\x82\x01.",
    "a memo of four thousand million": b"\x80\x02K\x01r\xff\xff\xff\xff.",
    "a promise of many bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"abc.",
    "what follows the end": pickle.dumps([1]) + pickle.dumps(Runs(sound_the_alarm)),
    "nothing": b"",
    "an empty stack": b".",
    "noise": bytes(range(256)),
    "too large a number": pickle.dumps([10**400]),
}


@pytest.mark.parametrize("name", MALICIOUS)
def test_nothing_but_numbers_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "indices"
    path.write_bytes(MALICIOUS[name])
    with pytest.raises(FeedbackError, match="indices"):
        read_numbers(path)
    assert not ALARM


def test_the_malicious_pickles_do_work_elsewhere() -> None:
    """Or the test above would show nothing."""
    pickle.loads(MALICIOUS["a call inside an array of objects"])
    assert ALARM == ["executed"]
    ALARM.clear()


def test_lists_that_hold_themselves_many_times_end_soon(tmp_path: Path) -> None:
    """Each of 64 lists holds the one before it twice: 2**64 numbers, in a few hundred bytes."""
    bomb: Any = [1]
    for _ in range(64):
        bomb = [bomb, bomb]
    endless: list[Any] = []
    endless.append(endless)
    for content in (bomb, endless):
        path = tmp_path / "bomb"
        path.write_bytes(pickle.dumps(content))
        with pytest.raises(FeedbackError, match="a list of"):
            read_numbers(path)


@settings(max_examples=150)
@given(st.data())
def test_damaged_pickles_are_refused_or_hold_numbers(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """One to four bytes of a good file changed: an error of ours, or numbers; nothing else."""
    protocol = data.draw(st.integers(0, 5))
    content = bytearray(pickle.dumps(np.arange(6), protocol))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(bytes(content))
    try:
        found = read_numbers(path)
    except FeedbackError:
        return
    assert found.dtype.kind in "iufb"


def test_every_opcode_that_is_allowed_exists() -> None:
    from sb3_presa.feedback.array_pickle import _OPCODES

    assert set(_OPCODES.split()) <= {opcode.name for opcode in pickletools.opcodes}
    assert list(pickletools.genops(io.BytesIO(pickle.dumps([1]))))
