"""Tables and arrays become datasets: every number in its place, and wrong input is refused."""

import contextlib
import csv
import gc
import gzip
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from logged import NAMES, robot_episode, rows_of, table_of, write_csv
from minari import MinariDataset
from typer.testing import CliRunner

from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.annotation.clips.columns import columns_of
from sb3_presa.cli import app
from sb3_presa.data import check_dataset, import_logs, load_outcomes, load_transitions, read_logs
from sb3_presa.data.episodes import load_endings
from sb3_presa.data.formats.arrow_files import ArrowFiles
from sb3_presa.data.formats.format import Options
from sb3_presa.errors import ConfigError, DatasetError
from sb3_presa.feedback import Feedback
from sb3_presa.feedback.file import answers_path

LENGTHS = (5, 3, 12)
EPISODES = [robot_episode(steps, seed) for seed, steps in enumerate(LENGTHS)]
COLUMNS: dict[str, Any] = {"observations": "x,y,sp*", "actions": "steering,throttle"}


@pytest.fixture(autouse=True)
def _own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))


def csv_folder(folder: Path) -> Path:
    (folder / "runs").mkdir()
    for number, episode in enumerate(EPISODES):
        write_csv(folder / "runs" / f"run_{number * 5}.csv", rows_of(episode))
    return folder / "runs"


def one_csv(folder: Path) -> Path:
    pyarrow.csv.write_csv(table_of(EPISODES), folder / "log.csv")
    return folder / "log.csv"


def semicolons(folder: Path) -> Path:
    table = table_of(EPISODES)
    return write_csv(folder / "log.csv", table.to_pydict(), ";")


def decimal_commas(folder: Path) -> Path:
    path = semicolons(folder)
    path.write_text(path.read_text().replace(".", ","))
    return path


def packed_csv(folder: Path) -> Path:
    path = folder / "log.csv.gz"
    path.write_bytes(gzip.compress(one_csv(folder).read_bytes()))
    return path


def one_parquet(folder: Path) -> Path:
    pyarrow.parquet.write_table(table_of(EPISODES), folder / "log.parquet", row_group_size=4)
    return folder / "log.parquet"


def one_feather(folder: Path) -> Path:
    pyarrow.feather.write_feather(table_of(EPISODES), folder / "log.arrow")
    return folder / "log.arrow"


def one_npz(folder: Path) -> Path:
    np.savez(folder / "log.npz", allow_pickle=False, **EPISODES[0])
    return folder / "log.npz"


def data_frame(folder: Path) -> pd.DataFrame:
    return table_of(EPISODES).to_pandas()


def indexed_frame(folder: Path) -> pd.DataFrame:
    return data_frame(folder).set_index(["episode", "time [s]"])


def assert_holds(dataset: MinariDataset, *, has_last: bool = True) -> None:
    transitions, outcomes = load_transitions(dataset), load_outcomes(dataset)
    assert transitions.episode_lengths.tolist() == list(LENGTHS)
    stacked = {
        "observations": np.concatenate([e["observations"][:-1] for e in EPISODES]),
        "actions": np.concatenate([e["actions"] for e in EPISODES]),
    }
    np.testing.assert_array_equal(transitions.observations, stacked["observations"].astype("f4"))
    np.testing.assert_array_equal(transitions.actions, stacked["actions"].astype("f4"))
    np.testing.assert_allclose(
        outcomes.rewards, np.concatenate([e["rewards"] for e in EPISODES]), rtol=1e-6
    )
    np.testing.assert_array_equal(outcomes.costs, np.concatenate([e["costs"] for e in EPISODES]))
    last = [e["observations"][-1 if has_last else -2] for e in EPISODES]
    np.testing.assert_allclose(np.asarray(load_endings(dataset).observations), last, rtol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        csv_folder,
        one_csv,
        semicolons,
        decimal_commas,
        packed_csv,
        one_parquet,
        one_feather,
        data_frame,
        indexed_frame,
    ],
)
def test_every_kind_of_table_gives_the_same_dataset(
    make: Callable[[Path], Any], tmp_path: Path
) -> None:
    dataset = import_logs(make(tmp_path), "me/robot-v0", **COLUMNS)
    assert_holds(dataset)
    assert not check_dataset(dataset).faults
    assert load_transitions(dataset).observation_names == {"": NAMES}
    assert load_transitions(dataset).action_names == ("steering", "throttle")


@pytest.mark.parametrize(
    ("lines", "read"),
    [
        ("\n\nx;y\n1,5;2\n2,5;3", [1.5, 2.5]),  # empty lines before the heading
        ("x\ty\n1,5\t2\n-0,123\t3", [1.5, -0.123]),
        ("x;y\n1,5e-3;2\n12,345;3", [0.0015, 12.345]),
        ("x;y\n1,234;2\n5,678;3", None),  # thousands, perhaps
        ("x;y\n1,5;2.5\n2,5;3.5", None),  # both
        ("x,y\n1,5\n2,5", [1.0, 2.0]),
    ],
)
def test_a_comma_within_numbers_is_read_where_it_is_sure(
    lines: str, read: list[float] | None, tmp_path: Path
) -> None:
    (tmp_path / "log.csv").write_text(lines + "\n")
    [table] = ArrowFiles("csv").read(tmp_path / "log.csv", "log.csv", Options()).tables
    found = table.load("x").values
    assert (found.dtype.kind == "O") if read is None else found.tolist() == read


def test_without_a_row_for_the_last_observation_it_is_repeated(tmp_path: Path) -> None:
    log = read_logs(table_of(EPISODES, last_row=False), **COLUMNS)
    assert any("3 episodes have T observations for T steps" in note for note in log.notes)
    assert_holds(log.save("me/robot-v0"), has_last=False)


def test_npz_of_one_and_of_many_episodes(tmp_path: Path) -> None:
    for number, episode in enumerate(EPISODES):
        np.savez(tmp_path / f"{number}.npz", allow_pickle=False, **episode)
    assert_holds(import_logs(str(tmp_path / "*.npz"), "me/files-v0"))
    assert_holds(import_logs(EPISODES, "me/arrays-v0"))
    alike = [robot_episode(4, seed) for seed in range(3)]
    stacked: dict[str, Any] = {name: np.stack([each[name] for each in alike]) for name in alike[0]}
    stacked["success"] = np.array([True, False, True])
    np.savez(tmp_path / "batch.npz", allow_pickle=False, **stacked)
    dataset = import_logs(tmp_path / "batch.npz", "me/batch-v0")
    assert load_transitions(dataset).episode_lengths.tolist() == [4, 4, 4]
    facts = [dict(each)["success"] for each in dataset.storage.get_episode_metadata(range(3))]
    assert facts == [True, False, True]


def test_a_dict_space_has_its_parts_and_their_names(tmp_path: Path) -> None:
    dataset = import_logs(
        table_of(EPISODES),
        "me/robot-v0",
        observations={"place": "x,y", "pace": "speed"},
        actions="steering,throttle",
        units={"steering": "rad"},
    )
    transitions = load_transitions(dataset)
    assert isinstance(transitions.observations, dict)
    assert {key: part.shape for key, part in transitions.observations.items()} == {
        "place": (20, 2),
        "pace": (20, 1),
    }
    assert transitions.observation_names == {"place": NAMES[:2], "pace": NAMES[2:]}
    assert transitions.action_names == ("steering [rad]", "throttle")


def test_flags_end_episodes_and_say_how(tmp_path: Path) -> None:
    flat = {name: np.concatenate([e[name] for e in EPISODES]) for name in ("actions", "rewards")}
    flat["observations"] = np.concatenate([e["observations"][:-1] for e in EPISODES])
    ends = np.cumsum(LENGTHS) - 1
    flat["terminals"], flat["timeouts"] = np.zeros(20, bool), np.zeros(20, bool)
    flat["terminals"][ends[0]] = flat["timeouts"][ends[1]] = True
    dataset = import_logs(flat, "me/robot-v0")
    assert load_transitions(dataset).episode_lengths.tolist() == list(LENGTHS)
    assert load_endings(dataset).terminated.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("end", "ended", "cut", "found"),
    [
        ("terminated", True, True, (True, True)),
        ("terminated", True, False, (True, False)),
        ("terminated", False, True, (False, True)),
        ("terminated", False, False, (False, True)),
        ("dones", True, True, (False, True)),
        ("done", True, False, (True, False)),
        ("done", False, True, (False, True)),
    ],
)
def test_both_flags_of_the_last_step_count(
    end: str, ended: bool, cut: bool, found: tuple[bool, bool]
) -> None:
    """A done of Stable-Baselines3 is an end of either kind, and a flag beside it tells which."""
    last = np.arange(5) == 4
    log = {"state_a": np.arange(5.0), "action": np.linspace(-1, 1, 5)}
    flags = {end: last & ended, "truncated": last & cut}
    (episode,) = import_logs(pd.DataFrame(log | flags), "me/robot-v0").iterate_episodes()
    assert (bool(episode.terminations[-1]), bool(episode.truncations[-1])) == found
    assert not episode.terminations[:-1].any() and not episode.truncations[:-1].any()


@pytest.mark.parametrize("role", ["x", "throttle", "cost", "reward"])
@pytest.mark.parametrize("kind", ["timedelta64[ns]", "datetime64[s]"])
def test_times_and_durations_are_no_numbers(role: str, kind: str) -> None:
    """As whole numbers of an unknown unit they would be 1e9 times too large."""
    columns: dict[str, Any] = {name: np.arange(4.0) for name in ("x", "throttle", "cost", "reward")}
    columns[role] = np.arange(4).astype(kind)
    log = read_logs(pa.table(pd.DataFrame(columns)), observations="x", actions="throttle")
    (fault,) = log.faults
    assert fault.kind == f"column '{role}' must hold numbers"


@pytest.mark.parametrize(("step", "noted"), [(100_000_000, True), (100, True), (1, False)])
def test_times_that_are_hardly_seconds_are_noted(step: int, noted: bool) -> None:
    """Nanoseconds since 1970 are usual in pandas and ROS."""
    times = 1_767_225_600_000_000_000 + step * np.arange(5) * (1 if step > 1000 else 25)
    columns = {"time": times, "x": np.arange(5.0), "throttle": np.arange(5.0)}
    log = read_logs(pa.table(columns), observations="x", actions="throttle")
    notes = [note for note in log.notes if "taken as seconds" in note]
    assert len(notes) == noted
    if step > 1000:
        assert "the median step lasts 1e+08 s" in notes[0]


@pytest.mark.parametrize(
    ("times", "first"),
    [
        (np.array([1767225600.5, 1767225600.6]), 1767225600.5),
        (np.array([70, 71]), 70),
        (
            pd.to_datetime(["2026-01-01 00:00:00.5", "2026-01-01 00:00:00.6"]),
            "2026-01-01T00:00:00.5",
        ),
    ],
)
def test_the_time_of_the_first_step_is_kept(times: Any, first: Any) -> None:
    """Pictures and reports of incidents are found by it."""
    table = pd.DataFrame({"time": times, "x": [0.0, 1.0], "throttle": [0.0, 1.0]})
    dataset = import_logs(table, "me/robot-v0", observations="x", actions="throttle")
    (kept,) = dataset.storage.get_episode_metadata([0])
    if isinstance(first, str):
        assert np.datetime64(kept["first_time"]) == np.datetime64(first)
    else:
        assert kept["first_time"] == first


def test_the_row_behind_a_flag_is_the_last_observation_if_it_has_no_action() -> None:
    table = table_of(EPISODES).drop_columns(["episode"])
    flags = np.zeros(len(table), bool)
    flags[np.cumsum([steps + 1 for steps in LENGTHS]) - 2] = True  # at the last action
    table = table.append_column("done", pa.array(flags))
    # times start anew: within an episode they still increase
    assert_holds(import_logs(table, "me/robot-v0", **COLUMNS))


def test_integers_are_choices_only_where_the_file_declares_them(tmp_path: Path) -> None:
    actions = [0, 2, 1, 2]
    columns: dict[str, list[Any]] = {"state_a": [0.1, 0.2, 0.3, 0.4], "action": actions}
    assert read_logs(pa.table(columns)).require_sound().action == spaces.Discrete(3)
    path = write_csv(tmp_path / "log.csv", columns)
    with pytest.raises(ConfigError, match="kind of the actions must be given, for action"):
        read_logs(path)
    assert read_logs(path, kind="discrete").require_sound().action == spaces.Discrete(3)
    box = read_logs(path, kind="continuous").require_sound().action
    assert isinstance(box, spaces.Box) and (box.low[0], box.high[0]) == (0.0, 2.0)
    with_gap = pa.table({"state_a": [*columns["state_a"], 0.5], "action": [*actions, None]})
    log = read_logs(with_gap)  # the last observation makes pandas' integers floats
    assert log.require_sound().action == spaces.Discrete(3) and log.steps == 4


def test_bounds_are_given_or_those_of_the_data() -> None:
    table = table_of(EPISODES)
    box = read_logs(table, **COLUMNS).require_sound().action
    acted = np.concatenate([e["actions"] for e in EPISODES]).astype(np.float32)
    assert isinstance(box, spaces.Box)
    np.testing.assert_array_equal([box.low, box.high], [acted.min(axis=0), acted.max(axis=0)])
    given = read_logs(table, **COLUMNS, bounds={"": (-2, 2), "thr*": (-3, 1), "x": (-9, 9)})
    box = given.require_sound().action
    assert isinstance(box, spaces.Box)
    assert [box.low.tolist(), box.high.tolist()] == [[-2, -3], [2, 1]]
    observed = given.require_sound().observation
    assert isinstance(observed, spaces.Box)
    assert observed.low.tolist() == [-9, -np.inf, -np.inf]
    tight = read_logs(table, **COLUMNS, bounds=(-0.5, 0.5))
    outside = int((np.abs(np.concatenate([e["actions"] for e in EPISODES])) > 0.5).any(1).sum())
    (fault,) = tight.faults
    assert fault.count == outside and "clip" in fault.remedy and "row 1, column" in fault.places[0]
    clipped = read_logs(table, **COLUMNS, bounds=(-0.5, 0.5), clip=True).save("me/robot-v0")
    assert np.abs(load_transitions(clipped).actions).max() == 0.5


def test_a_value_outside_its_bounds_is_named_by_line_and_column(tmp_path: Path) -> None:
    rows = {"x": [0.0, 0.1, 0.2], "throttle": [0.0, 0.5, 0.5], "steering": [0.0, 0.0, 7.0]}
    path = write_csv(tmp_path / "log.csv", rows)
    columns: dict[str, Any] = {"observations": "x", "actions": "throttle,steering"}
    (fault,) = read_logs(path, **columns, bounds=(-1, 1)).faults
    assert fault.places == ["log.csv, line 4, column 'steering': 7 is outside [-1, 1]"]
    (fault,) = read_logs(path, **columns, bounds={"": (-9, 9), "x": (0, 0.1)}).faults
    assert fault.places == ["log.csv, line 4: 0.2 is outside [0, 0.1]"]


@pytest.mark.parametrize("bounds", ["-1:1", (-1,), (-np.inf, np.inf), {"actions": (0, "x")}, 3])
def test_bounds_that_are_none_are_refused(bounds: Any) -> None:
    with pytest.raises(ConfigError, match="`bounds` must be two finite numbers such as"):
        read_logs({"observations": [[0.0], [1.0]], "actions": [[0.5]]}, bounds=bounds)
    with pytest.raises(ConfigError, match="`units` must be a dict such as"):
        read_logs({"observations": [[0.0], [1.0]], "actions": [[0.5]]}, units="x=m")  # type: ignore[arg-type]


def test_a_number_of_an_array_is_named_by_its_place() -> None:
    seen, acted = np.zeros((4, 3)), np.zeros((4, 2))
    seen[2, 1], acted[3, 1] = np.nan, 5.0
    log = read_logs({"observations": seen, "actions": acted}, bounds=(-1, 1))
    assert [fault.places for fault in log.faults] == [
        ["the table, row 2, 'observations[1]': nan"],
        ["the table, row 3, 'actions[1]': 5 is outside [-1, 1]"],
    ]


def test_a_pause_of_the_recorder_is_noted(tmp_path: Path) -> None:
    def gaps(times: list[float]) -> list[str]:
        path = write_csv(tmp_path / "log.csv", {"time": times, "x": times, "throttle": times})
        log = read_logs(path, observations="x", actions="throttle")
        return [note for note in log.notes if note.startswith("steps that last")]

    (note,) = gaps([0.0, 0.1, 0.2, 0.3, 5.5, 5.6, 5.7])
    assert ": 1. The longest, of 5.2 s, ends at log.csv, line 6." in note
    assert not gaps([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


def test_a_log_does_not_hold_its_tables(tmp_path: Path) -> None:
    """Beside what it made of them; places for messages were once their owners."""
    columns = {name: np.zeros(50_000) for name in ("x", "throttle", "left_out")}
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "log.parquet")
    gc.collect()
    before = pa.total_allocated_bytes()
    log = read_logs(tmp_path / "log.parquet", observations="x", actions="throttle")
    gc.collect()
    assert log.steps == 50_000 and pa.total_allocated_bytes() - before < 100_000


def test_a_folder_that_is_called_a_lerobot_dataset_says_what_it_lacks(tmp_path: Path) -> None:
    folder = csv_folder(tmp_path)
    with pytest.raises(DatasetError, match=r"runs cannot be read as a LeRobot dataset: .*info"):
        read_logs(folder, format="lerobot")


@pytest.mark.parametrize(
    ("option", "takers"),
    [
        ({"split": "train"}, "robomimic"),
        ({"rate": 10}, "rosbag and mcap"),
        ({"resampling": "linear"}, "rosbag and mcap"),
        ({"cameras": "front"}, "lerobot"),
    ],
)
def test_options_of_other_formats_are_refused(
    tmp_path: Path, option: dict[str, Any], takers: str
) -> None:
    (name,) = option
    with pytest.raises(ConfigError, match=f"`{name}` must be left out for csv.* {takers} alone"):
        read_logs(one_csv(tmp_path), **COLUMNS, **option)
    with pytest.raises(ConfigError, match=f"`{name}` must be left out for tables"):
        read_logs(table_of(EPISODES), **COLUMNS, **option)


def test_folders_in_a_list_and_of_a_named_format(tmp_path: Path) -> None:
    folder = csv_folder(tmp_path)
    more = write_csv(tmp_path / "more.csv", rows_of(EPISODES[0]))
    assert len(read_logs([folder, more], **COLUMNS).episodes) == len(EPISODES) + 1
    assert len(read_logs(folder, format="csv", **COLUMNS).episodes) == len(EPISODES)


def test_types_that_nobody_would_guess(tmp_path: Path) -> None:
    """Half precision, flags, categories of integers, lists of fixed length, and numbers that
    float32 does not tell apart."""
    rows = 6
    place = 5_800_000.0 + 0.001 * np.arange(rows)
    frame = pa.table(
        {
            "half": pa.array(np.linspace(0, 1, rows).astype(np.float16)),
            "flag": [True, False] * 3,
            "gear": pa.array([3, 1, 2, 3, 1, 2]).dictionary_encode(),
            "arm": pa.FixedSizeListArray.from_arrays(pa.array(np.arange(12.0)), 2),
            "north": place,
            "action": np.linspace(-1, 1, rows),
        }
    )
    pyarrow.parquet.write_table(frame, tmp_path / "log.parquet")
    dataset = import_logs(tmp_path / "log.parquet", "me/odd-v0", observations="half,flag,gear,arm")
    observations = load_transitions(dataset).observations
    assert isinstance(observations, np.ndarray) and observations.dtype == np.float32
    assert observations[:, 1:3].tolist() == [[1, 3], [0, 1], [1, 2], [0, 3], [1, 1], [0, 2]]
    assert observations[:, 3:].tolist() == np.arange(12.0).reshape(6, 2).tolist()
    names = load_transitions(dataset).observation_names[""]
    assert names == ("half", "flag", "gear", "arm[0]", "arm[1]")
    far = import_logs(tmp_path / "log.parquet", "me/far-v0", observations="north")
    kept = load_transitions(far).observations
    assert isinstance(kept, np.ndarray) and kept.dtype == np.float64
    np.testing.assert_array_equal(kept[:, 0], place)


def test_categories_are_read_by_their_values_and_not_by_their_order() -> None:
    """pandas numbers categories in an order that Parquet does not keep."""
    gear = pd.Categorical([3, 1, 2], categories=[2, 3, 1])
    log = read_logs(pd.DataFrame({"state": gear, "action": [0.1, 0.2, 0.3]}))
    assert log.episodes[0].observations[""][:3, 0].tolist() == [3, 1, 2]


def test_an_episode_of_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        write_csv(tmp_path / name, rows_of(EPISODES[0]) | {"episode": [4] * 6})
    (fault,) = read_logs([tmp_path / "a.csv", tmp_path / "b.csv"], **COLUMNS).faults
    assert "episode 4 in a.csv and in b.csv" in str(fault) and "--episode ''" in str(fault)
    log = read_logs([tmp_path / "a.csv", tmp_path / "b.csv"], **COLUMNS, episode="")
    assert len(log.episodes) == 2 and not list(log.faults)


def test_a_missing_list_keeps_its_row() -> None:
    """pyarrow leaves a null list out when it flattens: later rows would move up."""
    gap = pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float64(), 2))
    table = pa.table({"state": gap, "action": [0.1, 0.2, 0.3]})
    (fault,) = read_logs(table).faults
    assert fault.places == ["the table, row 1, 'state[0]': nan"] and fault.count == 1
    for kind in (pa.list_(pa.float64()), pa.list_(pa.int64(), 2)):
        acted = pa.array([[1, 2], [3, 4], None], kind)
        log = read_logs(pa.table({"state": [0.1, 0.2, 0.3], "action": acted}), kind="continuous")
        (episode,) = log.episodes
        assert episode.actions.tolist() == [[1, 2], [3, 4]] and not list(log.faults)
    with pytest.raises(DatasetError, match="column 'action': a list is missing in 3 rows"):
        read_logs(pa.table({"state": [0.1] * 3, "action": pa.array([None] * 3, kind)}))
    ragged = pa.table({"state": [[1.0], [1.0, 2.0]], "action": [0.1, 0.2]})
    with pytest.raises(DatasetError, match="lists must have one length, got 1 to 2"):
        read_logs(ragged)


def test_a_faulty_row_is_named_with_its_line_and_column(tmp_path: Path) -> None:
    columns = rows_of(EPISODES[0])
    columns["y [m]"][2] = "nan"
    path = write_csv(tmp_path / "run.csv", columns)
    with pytest.raises(DatasetError, match=r"finite \(run.csv, line 4, column 'y': nan\)") as found:
        import_logs(path, "me/robot-v0", **COLUMNS)
    assert "skip_faulty" in str(found.value)
    assert not (tmp_path / "minari" / "me").exists()
    write_csv(tmp_path / "run2.csv", rows_of(EPISODES[1]))
    both = [path, tmp_path / "run2.csv"]
    dataset = import_logs(both, "me/robot-v0", **COLUMNS, skip_faulty=True)
    assert load_transitions(dataset).episode_lengths.tolist() == [3]
    assert "left out" in dataset.storage.metadata["import_notes"]


def test_lines_are_those_of_an_editor(tmp_path: Path) -> None:
    """Also behind empty lines, and behind a value of two lines."""
    path = tmp_path / "run.csv"
    path.write_text('x,note,a\n1,"two\nlines",.3\n\n\noops,one,.4\n')
    with pytest.raises(DatasetError, match=r"run.csv, line 6: 'oops'"):
        import_logs(path, "me/robot-v0", observations="x", actions="a")


def test_lines_are_found_behind_values_of_any_length(tmp_path: Path) -> None:
    """Such as pictures as text; what Python's reader allows elsewhere stays as it is."""
    path, before = tmp_path / "run.csv", csv.field_size_limit()
    path.write_text(f"x,note,a\n1,{'p' * (before + 1)},.3\noops,one,.4\n")
    with pytest.raises(DatasetError, match=r"run.csv, line 3: 'oops'"):
        import_logs(path, "me/robot-v0", observations="x", actions="a")
    assert csv.field_size_limit() == before


def test_every_column_of_text_is_named(tmp_path: Path) -> None:
    """Such as those of a program that writes units behind numbers."""
    path = tmp_path / "run.csv"
    path.write_text("x;y;a\n0.5m;1;0.25m\n0.6m;2;0.5m\n")
    faults = [str(fault) for fault in read_logs(path, observations="x,y", actions="a").faults]
    assert [fault.split("'")[1] for fault in faults] == ["a", "x"]


def test_a_row_that_is_too_short_is_named(tmp_path: Path) -> None:
    """The last row of a run that was killed."""
    path = tmp_path / "run.csv"
    path.write_text("x,y,a\n1,2,.3\n2,2,.4\n3,")
    with pytest.raises(DatasetError, match=r"run.csv cannot be read as csv: .*Row #4: Expected 3"):
        read_logs(path, observations="x,y", actions="a")


def test_blanks_around_headings_are_no_part_of_names(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_text("x, y [m] , a\n1, 2, .3\n2, 2, .4\n")
    log = read_logs(path, observations="x,y", actions="a")
    assert [str(fact) for fact in log.columns] == [
        "x in [1, 2]",
        "y [m] in [2, 2]",
        "a in [0.3, 0.4]",
    ]


def test_episodes_that_are_joined_of_parts_are_noted() -> None:
    """Numbers that start again behind a restart look like episodes that alternate."""
    columns = {"episode": [0, 0, 1, 0, 0, 1], "state": np.arange(6.0), "action": [0.1] * 6}
    noted = "2 episodes have rows of others between theirs"
    assert noted in "\n".join(read_logs(pa.table(columns)).notes)
    timed = pa.table({**columns, "time": np.arange(6.0)})
    assert noted not in "\n".join(read_logs(timed).notes)
    whole = pa.table({**columns, "episode": [0, 0, 1, 1, 2, 2]})
    assert "between theirs" not in "\n".join(read_logs(whole).notes)


def test_a_key_of_a_dict_space_is_named_once(tmp_path: Path) -> None:
    """Before, the last one counted, and the columns of the others were left out."""
    options = ["--observations", "a=x", "--observations", "a=y", "--actions", "throttle"]
    done = CliRunner().invoke(app, ["import", str(one_csv(tmp_path)), "--dry-run", *options])
    assert done.exit_code == 1
    assert "--observations must name each key once, got 'a' twice" in done.stderr


def test_a_file_of_a_heading_alone_has_no_step(tmp_path: Path) -> None:
    """As a run that was broken off leaves it. Its columns have no type."""
    (tmp_path / "a.csv").write_text("x,y,a\n1,2,.3\n2,2,.4\n")
    (tmp_path / "b.csv").write_text("x,y,a\n")
    log = read_logs(tmp_path, observations="x,y", actions="a")
    assert len(log.episodes) == 1
    assert "1 episodes have no step and are left out" in log.notes
    with pytest.raises(DatasetError, match=r"b\.csv must have at least one step"):
        import_logs(tmp_path / "b.csv", "me/robot-v0", observations="x,y", actions="a")
    tried = ["import", str(tmp_path / "b.csv"), "--observations", "x,y", "--actions", "a"]
    assert CliRunner().invoke(app, [*tried, "--dry-run"]).exit_code == 1


@pytest.mark.parametrize("dtype", ["uint8", "uint32", "uint64", "int8"])
def test_whole_times_of_any_type_must_increase(dtype: str) -> None:
    """Differences of small types came round: times that fell looked as if they rose."""
    columns = {"x": np.arange(4.0), "a": np.full(4, 0.5)}
    rising = {"time": np.array([-100 if dtype == "int8" else 0, 40, 90, 120]).astype(dtype)}
    options: dict[str, Any] = {"observations": "x", "actions": "a"}
    times = read_logs(columns | rising, **options).episodes[0].times
    assert times is not None
    assert times[1] - times[0] == (140 if dtype == "int8" else 40)
    falling = {"time": np.array([100, 10, 20, 30]).astype(dtype)}
    log = read_logs(columns | falling, **options)
    assert "times must increase within an episode" in str(next(iter(log.faults)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x [m]": ["a lot"] * 6}, "column 'x' must hold numbers .*line 2: 'a lot'"),
        ({"steering": [0.1, None, 0.1, 0.1, 0.1, None], "throttle": [0.1] * 5 + [None]}, "finite"),
        ({"steering": [0.1, None, *[0.1] * 4], "throttle": [0.1, None, *[0.1] * 4]}, "an action"),
        ({"time [s]": [0, 0.1, 0.1, 0.2, 0.3, 0.4]}, "times must increase .*line 4"),
        ({"done": [0, 1, 0, 0, 0, 1], "episode": [1] * 6}, "only the last step .*line 3"),
        ({"episode": [1, 1, None, 1, 1, 1]}, "every row must name its episode .*line 4"),
        ({"cost": [0, None, 0, 0, 0, None]}, "costs must be finite .*line 3"),
        ({"cost": [0, 1, -1, 0, 0, 0]}, "costs must be at least 0 .*line 4: -1.*leave the episode"),
    ],
)
def test_faults_are_named(change: dict[str, list[Any]], message: str, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "run.csv", rows_of(EPISODES[0]) | change)
    (fault,) = read_logs(path, **COLUMNS).faults
    assert re.search(message, str(fault)), str(fault)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {},
            "`observations` must name columns of log.csv, but none is called .* It has time, x, y",
        ),
        ({"observations": "x,z*", "actions": "throttle"}, "got 'z\\*'. It has"),
        ({"observations": "*", "actions": "throttle"}, "rewards or costs"),
        ({"observations": "x,thr*", "actions": "throttle"}, "'throttle' as both"),
        ({**COLUMNS, "reward": "profit"}, "`reward` must name a column .* got 'profit'"),
        ({**COLUMNS, "bounds": (1, -1)}, "`bounds` must have low < high, got 1:-1"),
        ({**COLUMNS, "bounds": {"q": (0, 1)}}, "`bounds` must name columns that are read"),
        (
            {**COLUMNS, "units": {"sped": "m"}},
            "`units` must name columns .* got 'sped'; they are x,",
        ),
        ({**COLUMNS, "kind": "both"}, "`kind` must be continuous or discrete, got 'both'"),
        ({**COLUMNS, "format": "xls"}, "`format` must be one of"),
        ({**COLUMNS, "kind": "discrete"}, "got real numbers in steering, throttle"),
        ({**COLUMNS, "rate": 0}, "`rate` must be greater than 0"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        read_logs(one_csv(tmp_path), **options)


@pytest.mark.parametrize("make", [one_csv, one_parquet, one_feather])
def test_damaged_files_are_refused(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path)
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + b'"\xff\xfe,' * 3 + content[middle + 9 : -7])
    with pytest.raises(DatasetError, match="log"):
        import_logs(path, "me/robot-v0", **COLUMNS)
    assert not (tmp_path / "minari" / "me").exists()


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "agent.bin").write_bytes(b"\0\1\2")
    for path, message in (
        (tmp_path / "agent.bin", "must be of one of the formats"),
        (tmp_path / "none.csv", "must be a file, a folder or a pattern of files, got none"),
        (tmp_path / "*.feather", "got none"),
    ):
        with pytest.raises(DatasetError, match=message):
            read_logs(path)
    with pytest.raises(DatasetError, match="must be a table of pandas or pyarrow"):
        read_logs(3)
    (tmp_path / "a.csv").write_text("state,action,state\n1,2,3\n")
    with pytest.raises(DatasetError, match=r"different names, got \['state'\] twice \(a.csv\)"):
        read_logs(tmp_path / "a.csv")
    one_parquet(tmp_path)
    with pytest.raises(DatasetError, match="must be of one format, got csv, parquet"):
        read_logs([tmp_path / "a.csv", tmp_path / "log.parquet"])


def test_another_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes("action,state [\N{DEGREE SIGN}]\n0.5,1.5\n".encode("latin-1"))
    with pytest.raises(DatasetError, match="must be text in UTF-8, but is not"):
        read_logs(path)
    path.write_text("action,state [\N{DEGREE SIGN}]\n0.5,1.5\n", encoding="utf-8-sig")
    assert read_logs(path).columns[0].unit == "\N{DEGREE SIGN}"


@pytest.mark.parametrize("make", [one_csv, one_parquet, one_feather, one_npz])
def test_flipped_bytes_are_refused_or_harmless(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    """No other error gets through, and nothing hangs."""
    path, random = make(tmp_path), np.random.default_rng(0)
    content = path.read_bytes()
    for _ in range(25):
        damaged = bytearray(content)
        for place in random.integers(len(content), size=3).tolist():
            damaged[place] = int(random.integers(256))
        path.write_bytes(bytes(damaged)[: len(content) - int(random.integers(0, 9))])
        with contextlib.suppress(DatasetError, ConfigError):
            read_logs(path, **(COLUMNS if make is not one_npz else {}))


def test_a_small_file_cannot_ask_for_much(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    pyarrow.parquet.write_table(pa.table({"state": np.zeros(20_000_000, np.int8)}), path)
    assert path.stat().st_size < 100_000
    with pytest.raises(DatasetError, match="20,000,000 rows of 1 columns: it is damaged"):
        read_logs(path)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_interleaved_episodes_keep_their_order(lengths: list[int], random: Any) -> None:
    """However the rows of episodes are mixed, each keeps the order of its own."""
    order = [number for number, steps in enumerate(lengths) for _ in range(steps)]
    random.shuffle(order)
    seen = [0] * len(lengths)
    rows = []
    for number in order:
        rows.append((f"e{number}", number * 100 + seen[number], 0.1))
        seen[number] += 1
    episode, state, action = (list(column) for column in zip(*rows, strict=True))
    log = read_logs(pa.table({"episode": episode, "state": state, "action": action}))
    for logged in log.episodes:
        number = int(logged.where.rpartition("e")[2])
        expected = [number * 100 + step for step in range(lengths[number])]
        assert logged.observations[""][:-1, 0].tolist() == expected


def test_the_command_prints_before_it_writes(tmp_path: Path) -> None:
    source = str(csv_folder(tmp_path))
    options = ["--observations", "x,y,speed", "--actions", "steering,throttle", "--bounds", "-1:1"]
    run = CliRunner()
    dry = run.invoke(app, ["import", source, "--dry-run", *options])
    assert dry.exit_code == 0, dry.output
    assert "episodes: 3 of 3 to 12 steps, 20 in all" in dry.output
    assert "observation: x [m] in [" in dry.output
    assert not (tmp_path / "minari").exists()
    done = run.invoke(app, ["import", source, "--id", "me/robot-v0", *options])
    assert done.exit_code == 0 and "Wrote me/robot-v0: 3 episodes, 20 steps" in done.output
    info = run.invoke(app, ["info", "me/robot-v0"])
    assert "x [m], y [m], speed [m/s]" in info.output and "steering, throttle" in info.output
    broken = tmp_path / "broken.csv"
    write_csv(broken, rows_of(EPISODES[0]) | {"x [m]": ["much"] * 6})
    refused = run.invoke(app, ["import", str(broken), "--id", "me/b-v0", *options])
    assert refused.exit_code == 1 and "fault: " in refused.output
    assert "1 kind of fault in the logs, listed above; nothing was written" in refused.stderr
    taken = run.invoke(app, ["import", source, "--id", "me/robot-v0", *options])
    assert taken.exit_code == 1


def test_names_are_shown_where_numbers_are() -> None:
    columns = rows_of(robot_episode(12)) | {"speed [m/s]": [2.0] * 13}
    dataset = import_logs(pa.table(columns), "me/robot-v0", **COLUMNS, bounds=(-50, 50))
    notes = [str(note) for note in check_dataset(dataset).notes]
    assert any("constant observations" in note and "speed [m/s]" in note for note in notes)
    assert any("coordinate steering lies in" in note for note in notes)
    drawn = {(each.part, each.name, each.unit) for each in columns_of(dataset)}
    assert {("observation", "speed", "m/s"), ("action", "throttle", "")} < drawn


def test_reading_logs_needs_no_torch() -> None:
    code = (
        "import sys\nfrom sb3_presa.data import read_logs\n"
        "read_logs({'observations': [[0.0], [1.0]], 'actions': [[0.5]]})\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_a_root_relative_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Minari joins such a root to itself when it adds up sizes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINARI_DATASETS_PATH", "mine")
    import_logs(EPISODES[0], "me/robot-v0")
    assert load_transitions("me/robot-v0").episode_lengths.tolist() == [5]
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["me"]


def test_an_import_again_keeps_feedback(tmp_path: Path) -> None:
    """Wrong bounds are found after the first answers. Labels hold for the same episodes only."""
    dataset = import_logs(EPISODES, "me/robot-v0", bounds=(-50, 50))
    transitions = load_transitions(dataset)
    Feedback.create(transitions, [(0, 0, 5), (1, 0, 3)], p_safe=[1.0, 0.0]).save(dataset, "mine")
    store = AnswerStore(answers_path(dataset, "people"), dataset.id)
    store.record_episodes({0: bytes(32)})
    again = import_logs(EPISODES, "me/robot-v0", bounds=(-60, 60), overwrite=True)
    assert isinstance(space := again.action_space, spaces.Box) and space.high[0] == 60
    assert Feedback.load(again, "mine").align(again).n_labels == 2
    store.record_episodes({1: bytes(32)})  # a server goes on writing
    assert set(AnswerStore(answers_path(again, "people")).episode_hashes) == {0, 1}
    other = import_logs(EPISODES[1:], "me/robot-v0", overwrite=True)
    assert Feedback.load(other, "mine").align(other).segments.tolist() == [[0, 0, 3]]


def test_labels_beside_the_data_appear_with_them_or_not_at_all(tmp_path: Path) -> None:
    def fail(dataset: MinariDataset) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_logs(EPISODES[0], "me/robot-v0", finish=fail)
    assert list((tmp_path / "minari").glob("*/*")) == []
