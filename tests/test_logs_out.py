"""Labelled datasets leave as Parquet, and come back as they were."""

import contextlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from logged import robot_episode, table_of
from made_up import episode, write
from minari import MinariDataset
from typer.testing import CliRunner

from sb3_presa import Feedback
from sb3_presa.annotation.answers.answer import Answer, Guess
from sb3_presa.annotation.answers.exchange import ANSWER_COLUMNS
from sb3_presa.annotation.answers.parquet import export_lerobot, export_parquet, step_labels
from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.cli import app
from sb3_presa.data import import_logs, load_outcomes, load_transitions
from sb3_presa.errors import DatasetError, FeedbackNotFoundError
from sb3_presa.feedback.file import answers_path

WRITTEN = Path(__file__).parent / "written"
EPISODES = [robot_episode(steps, seed) for seed, steps in enumerate((5, 3, 9))]
COLUMNS: dict[str, Any] = {"observations": "x,y,speed", "actions": "steering,throttle"}


@pytest.fixture(autouse=True)
def _own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))


def labelled(dataset: MinariDataset) -> Feedback:
    feedback = Feedback.create(
        dataset,
        [(0, 0, 4), (2, 1, 3), (1, 0, 3), (2, 2, 2)],
        p_safe=[1.0, 0.0, None, 0.5],
        comparisons=[(0, 1), (2, 3)],
        preferences=[1.0, 0.25],
    )
    feedback.save(dataset, "people")
    return feedback


def test_a_row_a_step_comes_back_with_the_labels_that_it_had(tmp_path: Path) -> None:
    dataset = import_logs(table_of(EPISODES), "me/robot-v0", **COLUMNS)
    feedback = labelled(dataset)
    done = CliRunner().invoke(
        app, ["export-parquet", "me/robot-v0", str(tmp_path / "out"), "--feedback", "people"]
    )
    assert done.exit_code == 0, done.output
    table = pyarrow.parquet.read_table(tmp_path / "out" / "steps.parquet")
    assert table.column_names == [
        *("episode", "step", "observation.x", "observation.y", "observation.speed"),
        *("action.steering", "action.throttle", "reward", "cost", "terminated", "truncated"),
        "timestamp",
    ]
    assert table.schema.field("observation.speed").metadata == {b"unit": b"m/s"}
    assert table.column("step").to_pylist() == [*range(5), *range(3), *range(9)]
    again = import_logs(tmp_path / "out" / "steps.parquet", "me/again-v0")
    one, other = load_transitions(dataset), load_transitions(again)
    np.testing.assert_array_equal(one.observations, other.observations)
    np.testing.assert_array_equal(one.actions, other.actions)
    np.testing.assert_array_equal(load_outcomes(dataset).costs, load_outcomes(again).costs)
    assert other.observation_names[""][2] == "observation.speed [m/s]"
    assert len(feedback.align(again).segments) == 4
    labels = pyarrow.parquet.read_table(tmp_path / "out" / "labels.parquet").to_pylist()
    assert [row["preference_for_first"] for row in labels[:2]] == [1.0, 0.25]
    assert labels[0]["first_episode"] == 0 and labels[0]["second_episode"] == 2
    assert labels[1]["p_safe_first"] is None and labels[1]["p_safe_second"] == 0.5


@pytest.mark.parametrize("kind", ["parquet", "lerobot"])
def test_only_an_earlier_export_is_replaced(kind: str, tmp_path: Path) -> None:
    """`--overwrite` removed whatever was in the folder: home folders, and the LeRobot source."""
    dataset = import_logs(WRITTEN / "lerobot_v30", "me/cube-v0")
    Feedback.create(dataset, [(0, 0, 4)], p_safe=[1.0]).save(dataset, "people")
    source, mine = shutil.copytree(WRITTEN / "lerobot_v30", tmp_path / "source"), tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")

    def export(folder: Path) -> None:
        if kind == "parquet":
            export_parquet(dataset, folder, overwrite=True)
        else:
            export_lerobot(dataset, source, folder, "people", overwrite=True)

    for folder in (mine, source, mine / "thesis.tex"):
        before = sorted(folder.rglob("*"))
        with pytest.raises(DatasetError, match=f"{folder} must be an earlier export"):
            export(folder)
        assert folder.exists() and sorted(folder.rglob("*")) == before
    export(tmp_path / "out")
    export(tmp_path / "out")


@pytest.mark.parametrize("parts", [{"place": "x,y", "pace": "speed"}, {"pace": "x,y,speed"}])
def test_the_parts_of_a_dict_space_come_back(tmp_path: Path, parts: dict[str, str]) -> None:
    """Labels are found by the hashes of episodes, in which each part counts by its key."""
    dataset = import_logs(
        table_of(EPISODES), "me/robot-v0", observations=parts, actions="steering,throttle"
    )
    feedback = labelled(dataset)
    file = export_parquet(dataset, tmp_path / "out") / "steps.parquet"
    again = import_logs(file, "me/again-v0")
    assert again.observation_space == dataset.observation_space
    assert len(feedback.align(again).segments) == 4
    flat = import_logs(file, "me/flat-v0", observations="observation.*")
    assert flat.observation_space.shape == (3,)
    table = pyarrow.parquet.read_table(file)
    pyarrow.parquet.write_table(table.drop_columns(["observation.pace.speed"]), file)
    assert import_logs(file, "me/less-v0").observation_space.shape == (2,)


@pytest.mark.parametrize("first", [True, False])
def test_an_episode_without_costs_leaves_beside_one_with_them(tmp_path: Path, first: bool) -> None:
    made = [episode(5), episode(4, infos=None)][:: 1 if first else -1]
    folder = export_parquet(write("me/mixed-v0", made), tmp_path / "out")
    costs = pyarrow.parquet.read_table(folder / "steps.parquet").column("cost").to_pylist()
    known = made[0 if first else 1]["infos"]["cost"][1:].tolist()
    assert costs == ([*known, *[None] * 4] if first else [*[None] * 4, *known])


def test_answers_of_people_leave_beside_their_labels(tmp_path: Path) -> None:
    dataset = import_logs(table_of(EPISODES), "me/robot-v0", **COLUMNS)
    labelled(dataset)
    said = Answer(
        "ann", (0, 0, 4), (2, 1, 3), 1.0, 1.0, 0.0, None, 5.0, "random", {"seed": 3}, strength=2,
        unsafe_from_second=1, tags=("jerky",), note="Ü", guess=Guess(0.75, shown=False),
    )  # fmt: skip
    with contextlib.closing(AnswerStore(answers_path(dataset, "people"), dataset.id)) as store:
        store.record_episodes(load_transitions(dataset).hashes_by_id())
        store.add_all([said, replace(said, annotator="ben", tags=(), note="", guess=None)])
    export_parquet(dataset, tmp_path / "out", "people")
    table = pyarrow.parquet.read_table(tmp_path / "out" / "answers.parquet")
    assert table.column_names == list(ANSWER_COLUMNS)
    ann, ben = table.to_pylist()
    assert (ann["strength"], ann["unsafe_from_first"], ann["unsafe_from_second"]) == (2, None, 1)
    assert (ann["tags"], ann["note"], ann["role"]) == (["jerky"], "Ü", "asked")
    assert json.loads(ann["guess"])["shown"] is False
    assert json.loads(ann["strategy_parameters"]) == {"seed": 3}
    assert (ben["annotator"], ben["tags"], ben["guess"], ben["seconds"]) == (
        "ben",
        None,
        None,
        None,
    )


def test_dicts_and_pictures_leave_as_lists(tmp_path: Path) -> None:
    dataset = import_logs(WRITTEN / "robomimic_dict.hdf5", "mimic/lift-v0")
    table = pyarrow.parquet.read_table(export_parquet(dataset, tmp_path / "out") / "steps.parquet")
    names = [name for name in table.column_names if name.startswith("observation")]
    assert names[0] == "observation.agentview_image" and len(names) == 1 + 5 + 3
    back = import_logs(
        tmp_path / "out" / "steps.parquet",
        "mimic/back-v0",
        observations={"agentview_image": names[:1], "object": "observation.object.*"},
        actions="action.*",
    )
    one, other = load_transitions(dataset).observations, load_transitions(back).observations
    assert isinstance(one, dict) and isinstance(other, dict)
    for key in other:
        np.testing.assert_array_equal(one[key], other[key])


@pytest.mark.parametrize("version", ["v21", "v30"])
def test_labels_become_columns_of_lerobot(tmp_path: Path, version: str) -> None:
    source = WRITTEN / f"lerobot_{version}"
    dataset = import_logs(source, "me/cube-v0", cameras="")
    labels = labelled(dataset)
    out = export_lerobot(dataset, source, tmp_path / "out", "people")
    features = json.loads((out / "meta" / "info.json").read_text())["features"]
    assert features["presa.p_safe"] == {"dtype": "float32", "shape": [1], "names": None}
    files = sorted((out / "data").glob("*/*.parquet"))
    tables = [pyarrow.parquet.read_table(file) for file in files]
    safe = np.concatenate([table.column("presa.p_safe").to_numpy() for table in tables])
    nan = np.nan
    #  segments 0 to 3 of episode 0, 1 to 3 and 2 to 3 of episode 2, which has two labels there
    expected = [1, 1, 1, 1, nan, nan, nan, *[nan] * 4, nan, 0, 0.25, 0.25, *[nan] * 5]
    np.testing.assert_array_equal(safe, np.asarray(expected, np.float32))
    preferred = np.concatenate([table.column("presa.preferred").to_numpy() for table in tables])
    expected = [1, 1, 1, 1, nan, nan, nan, 0.25, 0.25, 0.25, nan]
    expected += [nan, 0, 0.375, 0.375, *[nan] * 5]
    np.testing.assert_array_equal(preferred, np.asarray(expected, np.float32))
    again = import_logs(out, "me/again-v0")  # with its cameras; the source is unchanged
    assert load_transitions(again).episode_lengths.tolist() == [7, 4, 9]
    assert "presa.p_safe" not in (source / "meta" / "info.json").read_text()
    assert len(labels.align(again).segments) == 4


def test_labels_of_no_step_are_not_a_number() -> None:
    feedback = Feedback(
        segments=np.array([[4, 0, 2]]),
        p_safe=np.array([np.nan], np.float32),
        comparisons=np.empty((0, 2), int),
        preferences=np.empty(0, np.float32),
        episode_hashes={4: bytes(32)},
        dataset_id="me/robot-v0",
    )
    (columns,) = step_labels(feedback, {4: 3}).values()
    assert all(np.isnan(values).all() for values in columns.values())


def test_nothing_is_overwritten_or_left_half(tmp_path: Path) -> None:
    dataset = import_logs(table_of(EPISODES), "me/robot-v0", **COLUMNS)
    out = tmp_path / "out"
    with pytest.raises(FeedbackNotFoundError):
        export_parquet(dataset, out, "nobody")
    export_parquet(dataset, out)
    with pytest.raises(DatasetError, match="must not exist yet, but it does"):
        export_parquet(dataset, out)
    labelled(dataset)
    with pytest.raises(DatasetError, match="must be imported from LeRobot"):
        export_lerobot(dataset, WRITTEN / "lerobot_v30", tmp_path / "copy", "people")
    narrow: dict[str, Any] = {"cameras": "", "bounds": (-0.5, 0.5), "clip": True}
    cube = import_logs(WRITTEN / "lerobot_v21", "me/cube-v0", **narrow)
    labelled(cube)
    with pytest.raises(DatasetError, match="episode 0 has other ones"):
        export_lerobot(cube, WRITTEN / "lerobot_v30", tmp_path / "copy", "people")
    export_parquet(dataset, out, "people", overwrite=True)
    assert sorted(path.name for path in out.iterdir()) == ["labels.parquet", "steps.parquet"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["minari", "out"]
