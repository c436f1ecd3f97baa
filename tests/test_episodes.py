"""Datasets as flat arrays: what is read, what is refused, and what the refusal says."""

import dataclasses
import json
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import minari
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from made_up import REAL, UNIT, episode, write
from minari import MinariDataset
from toy_envs import HORIZON, KINDS, Kind

from sb3_presa.data.datasets import dataset_horizon, resolve_dataset, reward_reference
from sb3_presa.data.episodes import load_outcomes, load_transitions
from sb3_presa.data.transitions import Transitions, episode_hash
from sb3_presa.errors import DatasetError
from sb3_presa.feedback.table import Feedback


@pytest.mark.parametrize("kind", KINDS)
def test_transitions_are_the_episodes_without_their_outcomes(
    make_dataset: Callable[[Kind], MinariDataset], kind: Kind
) -> None:
    dataset = make_dataset(kind).filter_episodes(lambda episode: episode.id % 3 != 1)
    transitions, outcomes = load_transitions(dataset), load_outcomes(dataset)
    episodes = list(dataset.iterate_episodes())

    assert transitions.episode_ids.tolist() == [e.id for e in episodes]
    assert transitions.episode_lengths.tolist() == [len(e) for e in episodes]
    np.testing.assert_array_equal(
        transitions.actions, np.concatenate([e.actions for e in episodes])
    )
    seen = transitions.observations
    for key, values in seen.items() if isinstance(seen, dict) else [("", seen)]:
        stored = [e.observations[key] if key else e.observations for e in episodes]
        np.testing.assert_array_equal(values, np.concatenate([s[:-1] for s in stored]))
    np.testing.assert_array_equal(outcomes.rewards, np.concatenate([e.rewards for e in episodes]))
    np.testing.assert_array_equal(
        outcomes.costs, np.concatenate([e.infos["cost"][1:] for e in episodes])
    )
    np.testing.assert_array_equal(outcomes.episode_starts, transitions.episode_starts)
    np.testing.assert_allclose(
        outcomes.episode_returns, [e.rewards.sum(dtype=float) for e in episodes]
    )
    np.testing.assert_allclose(
        outcomes.episode_costs, [e.infos["cost"].sum(dtype=float) for e in episodes]
    )


@pytest.mark.parametrize(
    ("kind", "observed", "acted"),
    [
        ("box", {"float32"}, "float32"),
        ("discrete", {"float32"}, "int64"),
        ("multidiscrete", {"float32"}, "int64"),
        ("dict", {"float32", "int64"}, "float32"),
        ("image", {"uint8"}, "float32"),
    ],
)
def test_number_types(
    make_dataset: Callable[[Kind], MinariDataset], kind: Kind, observed: set[str], acted: str
) -> None:
    transitions = load_transitions(make_dataset(kind))
    seen = transitions.observations
    arrays = seen.values() if isinstance(seen, dict) else [seen]
    assert {str(array.dtype) for array in arrays} == observed
    assert transitions.actions.dtype == acted


def test_the_learner_is_given_no_outcomes() -> None:
    names = {field.name for field in dataclasses.fields(Transitions)}
    assert names == {
        "observations",
        "actions",
        "episode_ids",
        "episode_starts",
        "episode_lengths",
        "terminated",  # when the task ended is in every log; it has no reward and no cost
        "observation_space",
        "action_space",
        "dataset_id",
        "observation_names",
        "action_names",
    }


def test_minari_jpeg_images_and_double_precision(minari_root: Path) -> None:
    """What Minari's own writer does by default: JPEG, and floats as they come."""
    space = spaces.Box(0, 255, (40, 40, 3), np.uint8)
    pictures = np.random.default_rng(0).integers(0, 256, (4, 40, 40, 3)).astype(np.uint8)
    write("pictures-v0", [episode(3, observations=pictures)], space)
    dataset = minari.load_dataset("pictures-v0")
    assert isinstance(dataset[0].observations, np.ndarray)
    np.testing.assert_array_equal(
        load_transitions(dataset).observations, dataset[0].observations[:-1]
    )
    doubles = np.random.default_rng(0).normal(size=(4, 2))
    wide = load_transitions(write("doubles-v0", [episode(3, observations=doubles)]))
    np.testing.assert_array_equal(wide.observations, doubles[:-1].astype(np.float32))


def test_arrow_storage_reads_alike(minari_root: Path) -> None:
    # Costs as Minari's collector gives them: it cannot read its own arrow form of 1-D arrays.
    episodes = [episode(n, infos={"cost": [0.0] * n + [1.0]}) for n in (5, 9)]
    hdf5 = load_transitions(write("one-v0", episodes))
    arrow = load_transitions(write("two-v0", episodes, data_format="arrow"))
    assert hdf5.hash_episodes() == arrow.hash_episodes()
    np.testing.assert_array_equal(load_outcomes("one-v0").costs, load_outcomes("two-v0").costs)


def test_costs_with_and_without_a_row_for_the_reset(minari_root: Path) -> None:
    plain = [episode(4, s, infos={"cost": np.array([0.0, 1, 2, 3])}) for s in range(2)]
    column = [episode(4, s, infos={"cost": np.array([[9.0], [0], [1], [2], [3]])}) for s in (0, 1)]
    expected = [0, 1, 2, 3] * 2
    assert load_outcomes(write("plain-v0", plain)).costs.tolist() == expected
    assert load_outcomes(write("column-v0", column)).costs.tolist() == expected


def _bad_datasets() -> dict[str, tuple[dict[str, Any], str]]:
    """Name -> what is wrong with episode 1, and what the message must say."""
    nan = episode(4, 1)["observations"]
    nan[2, 1] = np.nan
    outside, infinite = np.zeros((4, 1), np.float32), np.zeros((4, 1), np.float32)
    outside[3], infinite[1] = -1.5, -np.inf
    return {
        "nan-observation": (
            {"observations": nan},
            "episode 1, step 2: observation must be finite, got nan",
        ),
        "overflow": (
            {"observations": np.full((5, 2), 1e300)},
            r"episode 1, step 0: observation must be in \[-3.4\d*e\+38, 3.4\d*e\+38\], got 1e\+300",
        ),
        "infinite-action": (
            {"actions": infinite},
            "episode 1, step 1: action must be finite, got -inf",
        ),
        "outside": (
            {"actions": outside},
            r"episode 1, step 3: action must be in \[-1.0, 1.0\], got -1.5",
        ),
        "short-observations": (
            {"observations": np.zeros((4, 2), np.float32)},
            "'bad-v0', episode 1: observations must have 5 rows, one before each of 4 .*, got 4",
        ),
        "wide-actions": (
            {"actions": np.zeros((4, 3), np.float32)},
            r"'bad-v0', episode 1: actions must have the shape \(1,\) per step, .*, got \(3,\)",
        ),
    }


@pytest.mark.parametrize(("changes", "message"), _bad_datasets().values(), ids=_bad_datasets())
def test_bad_numbers_are_refused_by_episode_and_step(
    minari_root: Path, changes: dict[str, Any], message: str
) -> None:
    dataset = write("bad-v0", [episode(4, 0), episode(4, 1, **changes)])
    with pytest.raises(DatasetError, match=message):
        load_transitions(dataset)


@pytest.mark.parametrize(
    ("infos", "message"),
    [
        (None, r"'bad-v0', episode 1: infos\['cost'\] must be given"),
        (
            {"cost": np.zeros(7)},
            r"episode 1: infos\['cost'\] must be one .* 4 steps, or 5 .* shape \(7,\)",
        ),
        ({"cost": np.zeros((4, 2))}, r"episode 1: infos\['cost'\] must be one .* shape \(4, 2\)"),
        (
            {"cost": np.array([0.0, 1, np.inf, 0])},
            "episode 1, step 2: cost must be finite, got inf",
        ),
        (
            {"cost": np.array([0.0, 1, -1, 0])},
            "episode 1, step 2: cost must be at least 0, got -1; where it stands for nothing",
        ),
        (
            {"cost": np.array(["a", "b", "c", "d"], "S1")},
            "episode 1: infos.* must be one number .*, got .S1",
        ),
    ],
)
def test_bad_costs_are_refused_by_episode(
    minari_root: Path, infos: dict[str, Any] | None, message: str
) -> None:
    dataset = write("bad-v0", [episode(4, 0), episode(4, 1, infos=infos)])
    with pytest.raises(DatasetError, match=message):
        load_outcomes(dataset)
    load_transitions(dataset)  # training does not need costs


def test_rewards_that_are_not_finite_are_refused(minari_root: Path) -> None:
    dataset = write("bad-v0", [episode(3, rewards=np.array([0, np.nan, 0]))])
    with pytest.raises(DatasetError, match="episode 0, step 1: reward must be finite, got nan"):
        load_outcomes(dataset)


def test_discrete_actions_outside_are_refused_and_rounding_is_not(minari_root: Path) -> None:
    high = write("high-v0", [episode(3, actions=np.array([0, 4, 2]))], REAL, spaces.Discrete(4))
    with pytest.raises(DatasetError, match=r"episode 0, step 1: action must be in \[0, 3\], got 4"):
        load_transitions(high)
    rounded = np.nextafter(np.array([[0.1], [0.1]], np.float32), np.float32(1))
    narrow = spaces.Box(-0.1, 0.1, (1,), np.float64)
    close = write("close-v0", [episode(2, actions=rounded)], REAL, narrow)
    np.testing.assert_array_equal(load_transitions(close).actions, rounded)


@pytest.mark.parametrize(
    ("observation_space", "action_space", "message"),
    [
        (spaces.Tuple((REAL, REAL)), UNIT, "observation space must be Box, .*, got Tuple"),
        (
            spaces.Dict({"a": spaces.Dict({"b": REAL})}),
            UNIT,
            "observation 'a' space must be Box, .*, got Dict",
        ),
        (
            spaces.Dict({"a": REAL, "t": spaces.Text(5)}),
            UNIT,
            "observation 't' space must be Box, .*, got Text",
        ),
        (
            REAL,
            spaces.Dict({"a": UNIT}),
            "action space must be Box, Discrete or MultiDiscrete, got Dict",
        ),
    ],
)
def test_spaces_that_no_policy_takes_are_refused(
    minari_root: Path,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    message: str,
) -> None:
    # Refused before any episode is read, so one of another shape will do.
    write("odd-v0", [episode(3)])
    metadata = minari_root / "odd-v0/data/metadata.json"
    entries = json.loads(metadata.read_text())
    for name, space in (("observation_space", observation_space), ("action_space", action_space)):
        entries[name] = minari.serialization.serialize_space(space)
    metadata.write_text(json.dumps(entries))
    with pytest.raises(DatasetError, match=message):
        load_transitions("odd-v0")


def test_a_dataset_is_found_by_id_path_and_object(box_dataset: MinariDataset) -> None:
    folder = Path(box_dataset.storage.data_path).parent
    for name in ("toy/box-v0", str(folder), folder, folder / "data", box_dataset):
        assert resolve_dataset(name).id == "toy/box-v0"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("toy/ball-v0", "dataset 'toy/ball-v0' not found.*MINARI_DATASETS_PATH.*: toy/box-v0"),
        ("D4RL/pen/human-v2", "not found.* come by `minari download D4RL/pen/human-v2`"),
        (
            "presa/point-circle1-small-v0",
            r"'presa/point-circle1-small-v0' not found.*`export MINARI_DATASETS_PATH=datasets`"
            r".*`sb3_presa\.data\.example_dataset\(\)`",
        ),
        ("toy/box", "must end in a version; try 'toy/box-v0'"),
        ("no id!", "must have the form"),
        (Path("/nowhere/at-all"), "dataset '/nowhere/at-all' not found"),
    ],
)
def test_a_dataset_that_is_not_there(
    box_dataset: MinariDataset, name: str | Path, message: str
) -> None:
    with pytest.raises(DatasetError, match=message) as refusal:
        resolve_dataset(name)
    assert ("example_dataset" in str(refusal.value)) == (name == "presa/point-circle1-small-v0")


@pytest.mark.parametrize("folder", ["x/varied-v0", "x/without-a-version"])
def test_a_folder_that_is_no_dataset_does_not_hide_those_that_are(
    folder: str, box_dataset: MinariDataset
) -> None:
    """Minari leaves the first kind behind when it refuses an id, and can list none with either."""
    root = Path(box_dataset.storage.data_path).parents[2]
    (root / folder / "data").mkdir(parents=True)
    if not folder.endswith("-v0"):
        (root / folder / "data" / "metadata.json").write_text("{}")
    said = r"ball-v0' not found.*: toy/box-v0 \(Minari cannot list them"
    with pytest.raises(DatasetError, match=said):
        resolve_dataset("toy/ball-v0")


def test_a_file_of_a_dataset_names_the_folder_to_name(box_dataset: MinariDataset) -> None:
    data = Path(box_dataset.storage.data_path)
    for file in (data / "main_data.hdf5", str(data / "metadata.json")):
        with pytest.raises(
            DatasetError, match=re.escape(f"file of the dataset in '{data.parent}': name this")
        ):
            resolve_dataset(file)
    bare = data.rename(data.parent / "other")
    with pytest.raises(DatasetError, match=re.escape(f"of the dataset in '{bare}': name this")):
        resolve_dataset(bare / "main_data.hdf5")


def test_damaged_datasets_are_named(box_dataset: MinariDataset) -> None:
    folder = Path(box_dataset.storage.data_path)
    data = (folder / "main_data.hdf5").read_bytes()
    (folder / "main_data.hdf5").write_bytes(data[: len(data) // 2])
    with pytest.raises(
        DatasetError, match=re.escape("'toy/box-v0' is damaged") + f".*{re.escape(str(folder))}"
    ):
        load_transitions("toy/box-v0")
    (folder / "metadata.json").write_text("{")
    with pytest.raises(DatasetError, match=re.escape(f"{folder} cannot be opened")):
        load_transitions("toy/box-v0")


def test_empty_episodes_are_passed_over_and_empty_datasets_refused(
    box_dataset: MinariDataset,
) -> None:
    nothing = box_dataset.filter_episodes(lambda episode: False)
    for load in (load_transitions, load_outcomes):
        with pytest.raises(
            DatasetError,
            match="'toy/box-v0' must have at least one step, got none in its 0 episodes",
        ):
            load(nothing)


@pytest.mark.parametrize("shape", [(4, 2), (4, 1, 2), (2, 2)])
@pytest.mark.parametrize("data_format", ["hdf5", "arrow"])
def test_rewards_are_one_number_a_step(
    minari_root: Path, data_format: str, shape: tuple[int, ...]
) -> None:
    """Which of several would be meant is not known."""
    dataset = write("many-v0", [episode(4, infos=None)])
    if data_format == "arrow":
        dataset = write("many-v1", [episode(4, infos=None)], data_format="arrow")
        replace_rewards(dataset, np.ones(shape))
    else:
        with h5py.File(Path(dataset.storage.data_path) / "main_data.hdf5", "r+") as file:
            del file["episode_0/rewards"]
            file["episode_0/rewards"] = np.ones(shape)
    with pytest.raises(DatasetError, match=r"episode 0: rewards must (be one number|have 4 rows)"):
        load_outcomes(dataset, missing_costs="nan")


def replace_rewards(dataset: MinariDataset, rewards: npt.NDArray[Any]) -> None:
    """Put a row of rewards in place of each reward of episode 0."""
    path = Path(dataset.storage.data_path) / "0/part-0.arrow"
    with pa.ipc.open_file(path) as file:
        table = file.read_all()
    rows = [*rewards.reshape(len(rewards), -1).tolist()]
    column = pa.array([*rows, *[rows[-1]] * (len(table) - len(rows))])
    table = table.set_column(table.schema.get_field_index("rewards"), "rewards", column)
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table)


def test_a_column_of_rewards_is_read(minari_root: Path) -> None:
    rewards = np.array([[1.0], [2.0], [3.0]])
    assert load_outcomes(write("one-v0", [episode(3, rewards=rewards)])).rewards.tolist() == [
        1,
        2,
        3,
    ]


SHORT = EnvSpec("toy/PointBox-v0", "toy_envs:PointEnv", max_episode_steps=25)
TASK = EnvSpec("SafetyBallRun-v0", "toy_envs:PointEnv")


@pytest.mark.parametrize(
    ("entries", "recorded"),
    [
        ({"env_spec": SHORT.to_json()}, 25),
        ({"max_episode_steps": 25}, 25),
        ({"env_spec": TASK.to_json()}, 100),
    ],
    ids=["environment", "metadata", "task"],
)
def test_a_horizon_shorter_than_an_episode_is_not_believed(
    minari_root: Path, entries: dict[str, Any], recorded: int
) -> None:
    """Synthetic labels would allow whole episodes a multiple of the cost limit."""
    steps = 2 * recorded
    costs = np.r_[0.0, np.ones(20), np.zeros(steps - 20)]
    dataset = write("long-v0", [episode(steps, s, infos={"cost": costs}) for s in range(4)])
    path = Path(dataset.storage.data_path) / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))
    message = f"horizon of dataset 'long-v0' is {recorded} steps, but an episode has {steps}"
    with pytest.warns(UserWarning, match=message):
        assert dataset_horizon("long-v0") == steps
    with pytest.warns(UserWarning, match=rf"{message}|All .* segments are unsafe"):
        labels = Feedback.synthetic("long-v0", 10, cost_limit=15)
    assert (labels.p_safe == 0).all()
    assert labels.provenance["horizon"] == steps
    entries["max_episode_steps"] = steps
    if "env_spec" not in entries:
        path.write_text(json.dumps(json.loads(path.read_text()) | entries))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert dataset_horizon("long-v0") == steps


def test_the_horizon_and_the_references(box_dataset: MinariDataset) -> None:
    early = box_dataset.filter_episodes(lambda episode: len(episode) < HORIZON)
    assert dataset_horizon(early) == HORIZON
    assert reward_reference(early) == (-10.0, 20.0)
    unknown = write("unknown-v0", [episode(7), episode(4)])
    assert dataset_horizon(unknown) == 7
    assert dataset_horizon(unknown.filter_episodes(lambda episode: len(episode) < 7)) == 7
    assert reward_reference(unknown) is None


def test_a_hash_is_of_the_numbers_alone() -> None:
    arrays = episode(6)
    observations, actions = arrays["observations"], arrays["actions"]
    expected = episode_hash(observations, actions)
    assert expected == episode_hash(observations[:-1].astype(">f8"), np.asfortranarray(actions))
    changed = observations.copy()
    changed[5, 1] = np.nextafter(changed[5, 1], np.float32(9))
    for others in (
        (changed, actions),
        (observations, actions[:-1]),
        (actions, observations[:-1]),
        ({"a": observations}, actions),
        (observations.reshape(2, -1), actions),
    ):
        assert episode_hash(*others) != expected
    assert episode_hash({"a": actions, "b": -actions}, actions) == episode_hash(
        {"b": -actions, "a": actions}, actions
    )


def test_data_needs_no_torch() -> None:
    modules = ("data.episodes", "data.dsrl", "feedback.summary", "errors")
    code = (
        "import sys, importlib\n"
        f"for name in {modules}: importlib.import_module('sb3_presa.' + name)\n"
        "sys.exit(sorted({'torch', 'stable_baselines3'} & set(sys.modules)) or None)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
