"""Every format is read as what was recorded, and held against what it says of itself."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import minari
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet
import pytest
from gymnasium import spaces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import REAL, UNIT, episode, write
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer

from sb3_presa.data.datasets import read_episode, read_episodes
from sb3_presa.data.episodes import load_endings, load_outcomes, load_transitions
from sb3_presa.data.minari_store import write_dataset
from sb3_presa.data.stored import most_bytes
from sb3_presa.data.transitions import episode_hash
from sb3_presa.errors import DatasetError

Arrays = dict[str, Any]
Writer = Callable[[list[Arrays], gym.Space[Any], gym.Space[Any]], MinariDataset]

PICTURE = spaces.Box(0, 255, (33, 35, 3), np.uint8)
OBSERVATIONS: list[gym.Space[Any]] = [
    REAL,
    spaces.Box(-5.0, 5.0, (2, 3), np.float64),
    spaces.Box(0, 9, (), np.float32),
    spaces.Box(0, 255, (4,), np.uint8),
    spaces.Box(-100, 100, (2,), np.int32),
    PICTURE,
    spaces.Discrete(5, start=-2),
    spaces.MultiDiscrete([3, 4]),
    spaces.MultiBinary(4),
    spaces.Dict(
        {"observation.state": REAL, "zone": spaces.Discrete(3), "bits": spaces.MultiBinary(2)}
    ),
]
ACTIONS: list[gym.Space[Any]] = [
    UNIT,
    spaces.Box(-0.1, 0.1, (2, 2), np.float64),
    spaces.Discrete(4, start=1),
    spaces.MultiDiscrete([2, 5]),
]
ON_DATASETS = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


def draw(space: gym.Space[Any], rows: int, random: np.random.Generator) -> Any:
    """Values of a space, a row each."""
    if isinstance(space, spaces.Dict):
        return {key: draw(part, rows, random) for key, part in space.spaces.items()}
    space.seed(int(random.integers(2**31)))
    return np.asarray([space.sample() for _ in range(rows)]).reshape(rows, *(space.shape or ()))


def record(
    steps: int, seed: int, observation_space: gym.Space[Any], action_space: gym.Space[Any]
) -> Arrays:
    """An episode, whose costs are a list: Minari cannot read its own Arrow form of 1-D arrays."""
    random = np.random.default_rng(seed)
    return episode(
        steps,
        seed,
        observations=draw(observation_space, steps + 1, random),
        actions=draw(action_space, steps, random),
        infos={"cost": [0.0, *random.integers(0, 2, steps).astype(float).tolist()]},
    )


def by_minari(**options: Any) -> Writer:
    return lambda episodes, observed, acted: write(
        fresh("by/minari-v0"), episodes, observed, acted, jpeg_encoding=False, **options
    )


def packed(episodes: list[Arrays], observed: gym.Space[Any], acted: gym.Space[Any]) -> Any:
    return write_dataset(
        "by/us-v0",
        [EpisodeBuffer(**arrays) for arrays in episodes],
        observation_space=observed,
        action_space=acted,
        overwrite=True,
    )


def compressed(episodes: list[Arrays], observed: gym.Space[Any], acted: gym.Space[Any]) -> Any:
    """With each table compressed, and in chunks of a few rows."""
    dataset = by_minari()(episodes, observed, acted)
    with h5py.File(data_file(dataset), "r+") as file:
        for path in table_paths(file):
            values = file[path][()]
            del file[path]
            file.create_dataset(path, data=values, compression="gzip", chunks=True)
    return dataset


WRITERS: dict[str, Writer] = {
    "HDF5 of sb3_presa": packed,
    "HDF5 of Minari": by_minari(),
    "HDF5, gzip": compressed,
    "Arrow": by_minari(data_format="arrow"),
    "Parquet": by_minari(data_format="parquet"),
}
every_format = pytest.mark.parametrize("by", WRITERS.values(), ids=WRITERS)


def fresh(dataset_id: str) -> str:
    """The id, under which there is nothing."""
    shutil.rmtree(minari.storage.get_dataset_path(dataset_id), ignore_errors=True)
    return dataset_id


def data_file(dataset: MinariDataset) -> Path:
    return Path(dataset.storage.data_path) / "main_data.hdf5"


def table_paths(file: h5py.File) -> list[str]:
    paths: list[str] = []
    file.visititems(
        lambda name, item: paths.append(name) if isinstance(item, h5py.Dataset) else None
    )
    return paths


def parts(values: Any) -> Mapping[str, npt.NDArray[Any]]:
    return values if isinstance(values, dict) else {"": values}


@every_format
@ON_DATASETS
@given(
    observed=st.sampled_from(OBSERVATIONS),
    acted=st.sampled_from(ACTIONS),
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_every_format_is_read_as_it_was_recorded(
    minari_root: Path,
    by: Writer,
    observed: gym.Space[Any],
    acted: gym.Space[Any],
    lengths: list[int],
    seed: int,
    data: st.DataObject,
) -> None:
    recorded = [record(n, seed + i, observed, acted) for i, n in enumerate(lengths)]
    dataset = by(recorded, observed, acted)
    ids = data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, unique=True))
    filtered = MinariDataset(dataset.storage, np.asarray(ids))
    kept = [recorded[i] for i in ids]

    transitions, endings = load_transitions(filtered), load_endings(filtered)
    outcomes = load_outcomes(filtered)
    assert transitions.episode_ids.tolist() == outcomes.episode_ids.tolist() == ids
    assert transitions.episode_lengths.tolist() == [len(one["actions"]) for one in kept]
    seen, last = parts(transitions.observations), parts(endings.observations)
    for key, values in parts(kept[0]["observations"]).items():
        stored = [parts(one["observations"])[key] for one in kept]
        expected = np.concatenate([rows[:-1] for rows in stored])
        np.testing.assert_array_equal(seen[key], expected.astype(seen[key].dtype))
        np.testing.assert_array_equal(
            last[key], np.asarray([rows[-1] for rows in stored]).astype(last[key].dtype)
        )
        # float64 where a file kept it: rounded beside the rows that it is used with, no sooner
        learnt = _learnt_from(values.dtype)
        exact = learnt if learnt.kind != "f" else np.result_type(values.dtype, learnt)
        assert {seen[key].dtype, last[key].dtype} <= {learnt, exact}
    expected = np.concatenate([one["actions"] for one in kept])
    np.testing.assert_array_equal(transitions.actions, expected.astype(transitions.actions.dtype))
    np.testing.assert_array_equal(
        outcomes.costs, np.concatenate([c["infos"]["cost"][1:] for c in kept])
    )
    rewards = np.concatenate([one["rewards"] for one in kept])
    np.testing.assert_allclose(outcomes.rewards, rewards, rtol=1e-6)
    for one, content in zip(kept, transitions.hash_episodes(), strict=True):
        rows = {key: values[:-1] for key, values in parts(one["observations"]).items()}
        assert content == present_hash(rows, one["actions"])


def _learnt_from(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Bits, pictures and choices as they are, all other numbers as float32."""
    return dtype if dtype in (np.int8, np.uint8, np.int64) else np.dtype(np.float32)


def present_hash(observations: Mapping[str, Any], actions: Any) -> bytes:
    """The hash of episodes that labels on disk were made with, written down once more."""
    digest = hashlib.sha256()
    for key, values in [*sorted(observations.items()), ("actions", actions)]:
        name = {"f": "<f4"}.get(values.dtype.kind, "|u1" if values.dtype == np.uint8 else "<i8")
        if values.dtype == np.int32:  # of a Box, which is learnt from as float32
            name = "<f4"
        numbers = np.ascontiguousarray(values.astype(name))
        digest.update(f"{key}|{name}|{numbers.shape}|".encode() + numbers.tobytes())
    return digest.digest()


def test_hashes_are_those_of_labels_on_disk() -> None:
    """Made at commit b58b696."""
    numbers = np.arange(12, dtype=np.float64).reshape(4, 3) / 7
    pictures, choices = np.arange(8, dtype=np.uint8).reshape(4, 2), np.arange(4)
    found = [
        episode_hash(numbers, numbers[:, :1]),
        episode_hash(pictures, choices),
        episode_hash({"b": numbers, "a": pictures, "c": choices}, numbers),
    ]
    expected = ["6c54d1752221455f", "ae20c5d7620668ef", "6717bdb25e7572f4"]
    assert [one.hex()[:16] for one in found] == expected


def test_combined_split_and_appended_datasets(minari_root: Path) -> None:
    one = write("toy/one-v0", [episode(n, n) for n in (3, 5)])
    two = write("toy/two-v0", [episode(n, n) for n in (4, 6, 2)])
    both = minari.combine_datasets([one, two], "toy/both-v0")
    hashes = [*load_transitions(one).hash_episodes(), *load_transitions(two).hash_episodes()]
    assert load_transitions(both).hash_episodes() == hashes
    halves = minari.split_dataset(both, [2, 3], seed=1)
    found = [h for half in halves for h in load_transitions(half).hash_episodes()]
    assert sorted(found) == sorted(hashes)
    one.update_dataset_from_buffer([EpisodeBuffer(**episode(7, 7))])
    assert load_transitions(one).episode_lengths.tolist() == [3, 5, 7]
    twice = MinariDataset(one.storage, np.array([2, 0, 2]))
    assert load_transitions(twice).episode_lengths.tolist() == [7, 3, 7]


@pytest.mark.parametrize("data_format", ["arrow", "parquet"])
@pytest.mark.parametrize("steps", [32_767, 32_768, 131_071])
def test_long_episodes_are_whole(minari_root: Path, data_format: str, steps: int) -> None:
    """Arrow reads a long table in pieces, which Minari takes for episodes."""
    space = spaces.Dict({"here": spaces.Box(-9, 9, (2,), np.float32), "mode": spaces.Discrete(9)})
    recorded = []
    for number in range(2):
        clock = np.arange(steps + 1)
        here = np.stack([clock / steps, np.full(steps + 1, number)], axis=1).astype(np.float32)
        recorded.append(
            {
                "observations": {"here": here, "mode": clock % 9},
                "actions": np.full((steps, 1), number / 2, np.float32),
                "rewards": clock[:-1] * 1.0,
                "terminations": np.zeros(steps, bool),
                "truncations": clock[1:] == steps,
                "infos": {"cost": (clock % 2 * 1.0).tolist(), "speed": [[0.5, 1.0]] * (steps + 1)},
            }
        )
    dataset = write("toy/long-v0", recorded, space, UNIT, data_format=data_format)
    transitions, outcomes = load_transitions(dataset), load_outcomes(dataset)
    assert transitions.episode_lengths.tolist() == [steps, steps]
    for key, values in parts(transitions.observations).items():
        expected = np.concatenate([one["observations"][key][:-1] for one in recorded])
        np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(outcomes.rewards, np.tile(np.arange(steps), 2))
    np.testing.assert_array_equal(outcomes.costs, np.tile(np.arange(1, steps + 1) % 2, 2))
    whole = read_episode(dataset, 1)
    assert whole.id == 1
    assert len(whole.rewards) == len(whole.actions) == steps
    np.testing.assert_array_equal(whole.observations["mode"], np.arange(steps + 1) % 9)
    assert np.shape(whole.infos["speed"]) == (steps + 1, 2)


@pytest.mark.parametrize("data_format", ["arrow", "parquet"])
def test_episodes_whose_order_is_not_kept_are_refused(minari_root: Path, data_format: str) -> None:
    """pyarrow writes tables of more rows by several threads, as Minari asks it to."""
    long = {
        "observations": np.zeros((131_073, 2), np.float32),
        "actions": np.zeros((131_072, 1), np.float32),
        "rewards": np.zeros(131_072),
        "terminations": np.zeros(131_072, bool),
        "truncations": np.zeros(131_072, bool),
    }
    dataset = write("toy/long-v0", [episode(3, infos=None), long], data_format=data_format)
    with pytest.raises(
        DatasetError, match=r"episode 1: .* fewer than 131,072 steps, got 131,072.* HDF5"
    ):
        load_transitions(dataset)
    first = MinariDataset(dataset.storage, np.array([0]))
    assert len(load_transitions(first).actions) == 3


@every_format
def test_one_episode_is_read_with_its_infos(minari_root: Path, by: Writer) -> None:
    infos = {"cost": [0.0, 1, 2], "deep": {"wind": np.arange(6.0).reshape(3, 2)}}
    dataset = by([episode(2, 0), episode(2, 1, infos=infos)], REAL, UNIT)
    found = read_episode(dataset, 1)
    assert np.ravel(found.infos["cost"]).tolist() == [0, 1, 2]
    np.testing.assert_array_equal(found.infos["deep"]["wind"], np.arange(6).reshape(3, 2))
    assert read_episode(by([episode(2, infos=None)], REAL, UNIT), 0).infos == {}


def test_one_dimensional_infos_in_arrow(minari_root: Path) -> None:
    """Minari cannot read what it wrote; costs are of no concern to training either way."""
    costs = np.array([9.0, 0, 1, 2])
    dataset = write("toy/flat-v0", [episode(3, infos={"cost": costs})], data_format="arrow")
    assert len(load_transitions(dataset).actions) == 3
    assert load_outcomes(dataset).costs.tolist() == [0, 1, 2]
    none = write("toy/none-v0", [episode(3, infos=None)], data_format="arrow")
    with pytest.raises(DatasetError, match=r"episode 0: infos\['cost'\] must be given"):
        load_outcomes(none)


@pytest.mark.parametrize("data_format", ["hdf5", "arrow", "parquet"])
def test_jpeg_pictures_are_decoded(minari_root: Path, data_format: str) -> None:
    """In colour and in gray, in a Dict, and of rows whose codes are equally long."""
    random = np.random.default_rng(0)
    gray = spaces.Box(0, 255, (40, 36), np.uint8)
    space = spaces.Dict({"eye": PICTURE, "gray": gray, "blank": gray})
    observations = {key: draw(space[key], 4, random) for key in ("eye", "gray")}
    observations["blank"] = np.zeros((4, 40, 36), np.uint8)
    dataset = write(
        "toy/eyes-v0",
        [episode(3, observations=observations, infos=None)],
        space,
        data_format=data_format,
    )
    decoded: Any = dataset[0].observations
    seen, last = load_transitions(dataset).observations, load_endings(dataset).observations
    for key, pictures in decoded.items():
        np.testing.assert_array_equal(seen[key], pictures[:-1])
        np.testing.assert_array_equal(last[key], pictures[-1:])


def test_pictures_of_minari_before_jpeg(minari_root: Path) -> None:
    """0.5.0 to 0.5.2 stored them as they are, and did not say so."""
    pictures = draw(PICTURE, 4, np.random.default_rng(0))
    dataset = write("toy/old-v0", [episode(3, observations=pictures)], PICTURE, jpeg_encoding=False)
    edit_metadata(dataset, lambda entries: entries.pop("jpeg_encoding"))
    np.testing.assert_array_equal(load_transitions("toy/old-v0").observations, pictures[:-1])


def test_choices_of_arrow_before_fixed_lists(minari_root: Path) -> None:
    """Minari 0.5.0 to 0.5.2 stored MultiDiscrete as lists of any length, padded by nothing."""
    space = spaces.MultiDiscrete([3, 4])
    actions = np.array([[2, 3], [0, 1], [1, 0]])
    dataset = write("toy/lists-v0", [episode(3, actions=actions)], REAL, space, data_format="arrow")
    path = Path(dataset.storage.data_path) / "0/part-0.arrow"
    with pa.ipc.open_file(path) as file:
        table = file.read_all()
    lists = pa.array([*actions.tolist(), None], pa.list_(pa.int32()))
    table = table.set_column(table.schema.get_field_index("actions"), "actions", lists)
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table)
    np.testing.assert_array_equal(load_transitions(dataset).actions, actions)


def edit_metadata(dataset: MinariDataset, edit: Callable[[dict[str, Any]], object]) -> None:
    path = Path(dataset.storage.data_path) / "metadata.json"
    entries = json.loads(path.read_text())
    edit(entries)
    path.write_text(json.dumps(entries))


@pytest.mark.parametrize("steps", [3, 9, 2**40, -1])
@pytest.mark.parametrize("data_format", ["hdf5", "arrow", "parquet"])
def test_episodes_are_held_against_their_total_steps(
    minari_root: Path, data_format: str, steps: int
) -> None:
    """Also where an array of as many steps would not fit into any memory."""
    dataset = write(
        "toy/odd-v0", [episode(4), episode(5, infos={"cost": [0.0] * 6})], data_format=data_format
    )
    dataset.storage.update_episode_metadata([{"total_steps": steps}], [1])
    for load in (load_transitions, load_outcomes, load_endings):
        with pytest.raises(
            DatasetError, match=rf"odd-v0'(, episode 1)?: .*({steps}|{steps + 4:,})"
        ):
            load(dataset)
    with pytest.raises(DatasetError, match="odd-v0"):
        list(read_episodes(dataset, ("actions",)))
    with pytest.raises(DatasetError, match="episode 1"):
        read_episode(dataset, 1)
    dataset.storage.update_episode_metadata([{"total_steps": 5}], [1])
    assert load_transitions(dataset).episode_lengths.tolist() == [4, 5]


def test_the_remedy_for_another_total_steps_works(minari_root: Path) -> None:
    """Minari writes it where an episode is appended to: the number is that of the last part."""
    dataset = write("toy/grown-v0", [episode(4)])
    more: Any = episode(3)
    more["observations"], more["infos"] = more["observations"][:-1], {"cost": np.zeros(3)}
    dataset.storage.update_episodes([EpisodeBuffer(id=0, **more)])
    with pytest.raises(DatasetError, match=r"7 rows|got 7\. If the rows are right") as refusal:
        load_outcomes(dataset)
    remedy = str(refusal.value).rpartition("number: ")[2]
    eval(remedy, {"dataset": dataset})
    assert load_outcomes(dataset).episode_lengths.tolist() == [7]
    assert load_transitions(dataset).episode_lengths.tolist() == [7]


@pytest.mark.parametrize("data_format", ["hdf5", "arrow"])
def test_where_nothing_is_said_of_steps_the_rows_say_it(
    minari_root: Path, data_format: str
) -> None:
    dataset = write("toy/mute-v0", [episode(4), episode(2)], data_format=data_format)
    if data_format == "hdf5":
        with h5py.File(data_file(dataset), "r+") as file:
            for group in file.values():
                del group.attrs["total_steps"]
    else:
        for path in Path(dataset.storage.data_path).glob("*/metadata.json"):
            path.write_text("{}")
    edit_metadata(dataset, lambda entries: entries.update(total_steps=2**50))
    assert load_transitions(dataset).episode_lengths.tolist() == [4, 2]


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("observations", r"episode 1: observations must have 6 rows, one before .*, got 5"),
        ("actions", r"episode 1: actions must have 5 rows, as many as .* got 4"),
        ("rewards", r"episode 1: rewards must have 5 rows, as many as .* got 4"),
        ("terminations", r"episode 1: terminations must have 5 rows, .* got 4"),
        ("truncations", r"episode 1: truncations must have 5 rows, .* got 4"),
    ],
)
def test_every_field_is_held_against_the_steps(minari_root: Path, field: Any, message: str) -> None:
    short = {field: episode(5)[field][:-1]}
    dataset = write("toy/short-v0", [episode(5), episode(5)])
    with h5py.File(data_file(dataset), "r+") as file:
        file["episode_1"][field].resize(len(short[field]), axis=0)
    with pytest.raises(DatasetError, match=message):
        list(read_episodes(dataset, (field,)))


@pytest.mark.parametrize("field", ["observations", "actions"])
def test_tables_that_the_file_cannot_hold_are_refused(minari_root: Path, field: str) -> None:
    """A table of HDF5 may declare rows that were never written."""
    steps = 2**33
    dataset = write("toy/huge-v0", [episode(5)])
    with h5py.File(data_file(dataset), "r+") as file:
        for name in (field, "rewards"):
            rows = steps + (name == "observations")
            shape = (rows, *file["episode_0"][name].shape[1:])
            del file["episode_0"][name]
            file["episode_0"].create_dataset(name, shape, "f4", chunks=True)
        file["episode_0"].attrs["total_steps"] = steps
    for load in (load_transitions, load_outcomes):
        with pytest.raises(
            DatasetError, match=r"8,589,934,592 steps must fit into the files of .* got"
        ):
            load(dataset)
    with pytest.raises(DatasetError, match="8,589,934,592 steps must fit"):
        read_episode(dataset, 0)
    with h5py.File(data_file(dataset), "r+") as file:
        file["episode_0"].attrs["total_steps"] = 5
    with pytest.raises(DatasetError, match=f"{field} must have"):
        load_transitions(dataset)


def test_costs_that_the_file_cannot_hold_are_refused(minari_root: Path) -> None:
    dataset = write("toy/huge-v0", [episode(5)])
    with h5py.File(data_file(dataset), "r+") as file:
        del file["episode_0/infos/cost"]
        file.create_dataset("episode_0/infos/cost", (5, 2**33), "f4", chunks=True)
    with pytest.raises(DatasetError, match="episode 0: cost must fit"):
        load_outcomes(dataset)


def test_a_small_parquet_file_of_many_rows_is_refused(minari_root: Path) -> None:
    dataset = write("toy/rows-v0", [episode(5)], data_format="parquet")
    path = Path(dataset.storage.data_path) / "0/part-0.parquet"
    table = pa.parquet.read_table(path)
    pa.parquet.write_table(pa.concat_tables([table] * 1000), path)
    with pytest.raises(DatasetError, match=r"episode 0: the table must have 6 rows, .* got 6000"):
        load_transitions(dataset)


def test_episodes_without_a_step_are_left_out(minari_root: Path) -> None:
    dataset = write("toy/empty-v0", [episode(4), episode(3), episode(2)])
    with h5py.File(data_file(dataset), "r+") as file:
        group = file["episode_1"]
        for name in ("observations", "actions", "rewards", "terminations", "truncations"):
            group[name].resize(int(name == "observations"), axis=0)
        group.attrs["total_steps"] = 0
    for load in (load_transitions, load_outcomes):
        assert load(dataset).episode_ids.tolist() == [0, 2]
    assert len(load_endings(dataset).terminated) == 2
    dataset.storage.update_episode_metadata([{"total_steps": 0}], [2])
    with pytest.raises(DatasetError, match=r"episode 2: actions must have 0 rows.* got 2"):
        load_transitions(dataset)


def test_what_is_missing_is_named(minari_root: Path) -> None:
    space = spaces.Dict({"here": REAL, "there": REAL})
    one = episode(3)["observations"]
    dataset = write("toy/keys-v0", [episode(3, observations={"here": one, "there": one})], space)
    with h5py.File(data_file(dataset), "r+") as file:
        del file["episode_0/observations/there"]
    with pytest.raises(DatasetError, match=r"'toy/keys-v0' is damaged: .*'there'"):
        load_transitions(dataset)
    nulls = write("toy/nulls-v0", [episode(3)], data_format="arrow")
    path = Path(nulls.storage.data_path) / "0/part-0.arrow"
    with pa.ipc.open_file(path) as file:
        table = file.read_all()
    column = pa.array([0.5, None, 1.0, 0.0])
    table = table.set_column(table.schema.get_field_index("rewards"), "rewards", column)
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table)
    with pytest.raises(DatasetError, match=r"'toy/nulls-v0' is damaged: a value is missing"):
        load_outcomes(nulls)


def test_small_arrays_are_always_read_and_large_ones_by_the_file() -> None:
    assert most_bytes(0) >= 10**7
    assert most_bytes(10**9) >= 10**12  # zeros of deflate take a thousandth
    assert most_bytes(10**9) < 10**13
