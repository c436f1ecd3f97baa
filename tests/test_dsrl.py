"""The benchmark's files: there and back bit for bit, and nobody's real file is turned away."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import minari
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium import spaces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import episode, kill_at_random, write
from minari import MinariDataset

from sb3_presa.data.datasets import dataset_horizon, reward_reference
from sb3_presa.data.dsrl import export_dsrl, import_dsrl
from sb3_presa.data.episodes import load_outcomes, load_transitions
from sb3_presa.errors import ConfigError, DatasetError

Tables = dict[str, npt.NDArray[Any]]


def make_tables(lengths: list[int], seed: int = 0, observations: int = 3) -> Tables:
    """A file that Minari can represent whole; the first episode ends terminal, others time out."""
    random, steps = np.random.default_rng(seed), sum(lengths)
    ends = np.cumsum(lengths) - 1
    here = random.normal(size=(steps, observations)).astype(np.float32)
    following = np.roll(here, -1, axis=0)
    following[ends] = random.normal(size=(len(ends), observations))
    terminals, timeouts = np.zeros(steps, bool), np.zeros(steps, bool)
    terminals[ends[0]], timeouts[ends[1:]] = True, True
    return {
        "observations": here,
        "next_observations": following,
        "actions": random.uniform(-1, 1, (steps, 2)).astype(np.float32),
        "rewards": random.normal(size=steps).astype(np.float32),
        "costs": random.integers(0, 2, steps).astype(np.float32),
        "terminals": terminals,
        "timeouts": timeouts,
    }


def save(path: Path, tables: Tables) -> Path:
    with h5py.File(path, "w") as file:
        for name, table in tables.items():
            file[name] = table
    return path


def load(path: Path) -> Tables:
    with h5py.File(path) as file:
        return {name: table[()] for name, table in file.items()}


def assert_bit_equal(one: Tables, other: Tables) -> None:
    assert set(one) == set(other)
    for name, table in one.items():
        assert table.dtype == other[name].dtype
        assert table.shape == other[name].shape
        assert table.tobytes() == other[name].tobytes()


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6), seed=st.integers(0, 2**32))
def test_there_and_back_bit_for_bit(minari_root: Path, lengths: list[int], seed: int) -> None:
    tables = make_tables(lengths, seed)
    tables["rewards"][0], tables["costs"][0] = np.float32(-0.0), np.float32(1e-45)
    tables["next_observations"][sum(lengths) - 1, 0] = -0.0
    source = save(minari_root / "in.hdf5", tables)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset = import_dsrl(source, "there-v0", strict=True, overwrite=True)
        back = export_dsrl(dataset, minari_root / "out.hdf5", overwrite=True)
    assert_bit_equal(tables, load(back))
    assert load_transitions(dataset).episode_lengths.tolist() == lengths


def test_from_minari_to_a_file_and_back(box_dataset: MinariDataset, tmp_path: Path) -> None:
    before = load_transitions(box_dataset)
    imported = import_dsrl(
        export_dsrl(box_dataset, tmp_path / "x.hdf5"), "toy/back-v0", strict=True
    )
    assert load_transitions(imported).hash_episodes() == before.hash_episodes()
    np.testing.assert_array_equal(load_outcomes(imported).costs, load_outcomes(box_dataset).costs)
    np.testing.assert_array_equal(
        load_outcomes(imported).rewards, load_outcomes(box_dataset).rewards
    )


def _damage(change: Callable[[Tables], object]) -> Tables:
    tables = make_tables([4, 5, 6])
    change(tables)
    return tables


def _set(name: str, row: Any, value: Any) -> Callable[[Tables], object]:
    return lambda tables: tables[name].__setitem__(row, value)


ODD_FILES = {
    "next": (_set("next_observations", (6, 1), 9.0), r"1 x next_observations .*\(row 6\)"),
    "sign-of-zero": (
        lambda t: (_set("next_observations", 6, -0.0)(t), _set("observations", 7, 0.0)(t)),
        r"1 x next_observations .*\(row 6\)",
    ),
    "tail": (_set("timeouts", 14, False), r"1 x last episode without an end flag.*\(row 14\)"),
    "both-flags": (_set("terminals", 8, True), r"1 x step flagged both .*\(row 8\)"),
    "nan": (_set("observations", 5, np.nan), r"1 x episode with .* left out \(episode 1\)"),
    "infinite-reward": (_set("rewards", 14, np.inf), r"1 x episode with .* \(episode 2\)"),
    "no-next": (lambda t: t.pop("next_observations"), "no table 'next_observations': each"),
    "no-costs": (lambda t: t.pop("costs"), "no table 'costs': imported without costs"),
    "no-rewards": (lambda t: t.pop("rewards"), "no table 'rewards': recorded as 0"),
    "no-timeouts": (lambda t: t.pop("timeouts"), "no table 'timeouts': no step counts"),
}


@pytest.mark.parametrize(("change", "message"), ODD_FILES.values(), ids=ODD_FILES)
def test_odd_files_are_imported_with_a_count_and_refused_if_strict(
    minari_root: Path, change: Callable[[Tables], object], message: str
) -> None:
    source = save(minari_root / "odd.hdf5", _damage(change))
    with pytest.raises(DatasetError, match=message):
        import_dsrl(source, "odd-v0", strict=True)
    assert minari.list_local_datasets() == {}
    with pytest.warns(UserWarning, match=message):
        dataset = import_dsrl(source, "odd-v0")
    transitions = load_transitions(dataset)
    ends = [bool(e.terminations[-1] or e.truncations[-1]) for e in dataset]
    assert all(ends)
    assert len(transitions.actions) >= 9


def test_what_is_kept_of_an_odd_file(minari_root: Path) -> None:
    tables = _damage(_set("next_observations", (6, 1), 9.0))
    tables["timeouts"][14] = False
    tables["terminals"][8] = True
    tables["observations"][0, 0] = np.nan
    with pytest.warns(UserWarning, match="3 x|1 x"):
        dataset = import_dsrl(save(minari_root / "odd.hdf5", tables), "odd-v0")
    assert load_transitions(dataset).episode_lengths.tolist() == [5, 6]
    back = load(export_dsrl(dataset, minari_root / "back.hdf5"))
    tables["next_observations"][6] = tables["observations"][7]
    tables["timeouts"][14] = True
    assert_bit_equal({name: table[4:] for name, table in tables.items()}, back)


def test_real_files_come_in_many_types(minari_root: Path) -> None:
    """float64, flags as numbers, a trailing dimension, tables that nobody asked for."""
    tables = make_tables([4, 5])
    varied: Tables = {
        name: tables[name].astype(np.float64)
        for name in ("observations", "next_observations", "actions")
    }
    varied["rewards"] = tables["rewards"].astype(np.float64)[:, None]
    varied["costs"] = tables["costs"].astype(np.int64)[:, None]
    varied["terminals"] = tables["terminals"].astype(np.uint8)
    varied["timeouts"] = tables["timeouts"].astype(np.float64)[:, None]
    varied["infos/goal"] = np.zeros((2, 2))
    varied["version"] = np.array(3)
    source = save(minari_root / "varied.hdf5", varied)
    back = export_dsrl(import_dsrl(source, "varied-v0", strict=True), minari_root / "back.hdf5")
    assert_bit_equal(tables, load(back))


def test_the_spaces_of_a_file_without_an_environment(minari_root: Path) -> None:
    tables = make_tables([4, 5])
    space = import_dsrl(save(minari_root / "a.hdf5", tables), "a-v0").action_space
    assert space == spaces.Box(-1, 1, (2,), np.float32)
    tables["actions"][3, 1] = 2.5
    dataset = import_dsrl(save(minari_root / "b.hdf5", tables), "b-v0", strict=True)
    assert dataset.action_space == spaces.Box(np.array([-1, -1], "f4"), np.array([1, 2.5], "f4"))
    load_transitions(dataset)
    tables["actions"] = np.arange(9) % 4
    dataset = import_dsrl(save(minari_root / "c.hdf5", tables), "c-v0", strict=True)
    assert dataset.action_space == spaces.Discrete(4)
    assert load_transitions(dataset).actions.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0]


def test_an_environment_gives_its_spaces_and_clips(minari_root: Path) -> None:
    tables = make_tables([4, 5])
    tables["actions"][2, 0], tables["actions"][7, 1] = (
        1.5,
        np.nextafter(np.float32(1), np.float32(2)),
    )
    source = save(minari_root / "x.hdf5", tables)
    message = r"1 x action outside the environment's bounds, clipped \(row 2\)"
    with pytest.raises(DatasetError, match=message):
        import_dsrl(source, "toy/x-v0", "toy/PointBox-v0", strict=True)
    with pytest.warns(UserWarning, match=message):
        dataset = import_dsrl(source, "toy/x-v0", "toy/PointBox-v0")
    assert dataset.env_spec is not None
    assert dataset.env_spec.id == "toy/PointBox-v0"
    assert dataset_horizon(dataset) == 20
    tables["actions"][2, 0] = 1.0
    np.testing.assert_array_equal(load_transitions(dataset).actions, tables["actions"])
    wrong = save(minari_root / "y.hdf5", make_tables([4], observations=5))
    with pytest.raises(DatasetError, match=r"shape \(3,\) per step, .* got \(5,\) .* another env"):
        import_dsrl(wrong, "toy/y-v0", "toy/PointBox-v0")
    with pytest.raises(
        ConfigError, match=r"`env_id` must be a registered environment .* got 'toy/Nothing-v0'"
    ):
        import_dsrl(source, "toy/y-v0", "toy/Nothing-v0")


@pytest.mark.parametrize("value", [0.49, 2, -1, 1e9, np.nan])
def test_actions_that_are_no_choice_are_refused(minari_root: Path, value: float) -> None:
    """Nothing is rounded or clipped to a choice: with the row, the value and the space."""
    tables = make_tables([4, 5], observations=4)
    tables["actions"] = np.zeros((9, 1), np.float32)
    tables["actions"][[2, 7]] = 1
    source = save(minari_root / "discrete.hdf5", tables)
    for strict in (False, True):
        made = import_dsrl(source, f"dsrl/cart{strict:d}-v0", "CartPole-v1", strict)
        assert load_transitions(made).actions.tolist() == [0, 0, 1, 0, 0, 0, 0, 1, 0]
    tables["actions"][3] = value
    save(source, tables)
    said = r"whole numbers in \[0, 1\], as Discrete\(2\) has them, got .* in row 3"
    with pytest.raises(DatasetError, match=said):
        import_dsrl(source, "dsrl/wrong-v0", "CartPole-v1")
    if value == int(value if np.isfinite(value) else 0.5):
        tables["actions"] = tables["actions"].astype(np.int64)
        with pytest.raises(DatasetError, match=said):
            import_dsrl(save(source, tables), "dsrl/wrong-v0", "CartPole-v1")


def test_large_offsets_come_and_go_in_float64(minari_root: Path) -> None:
    tables = make_tables([4, 5])
    for name in ("observations", "next_observations"):
        tables[name] = tables[name].astype(np.float64)
        tables[name][:, 0] = 5.8e6 + 0.01 * tables[name][:, 0]
    tables["next_observations"][:3] = tables["observations"][1:4]
    tables["next_observations"][4:8] = tables["observations"][5:]
    made = import_dsrl(save(minari_root / "map.hdf5", tables), "dsrl/map-v0", strict=True)
    assert_bit_equal(load(export_dsrl(made, minari_root / "back.hdf5")), tables)


def test_a_task_of_the_benchmark_gives_its_references(minari_root: Path) -> None:
    """Also one whose simulator is nowhere near."""
    source = save(minari_root / "x.hdf5", make_tables([4, 5], observations=76))
    dataset = import_dsrl(source, "presa/point-v0", "SafetyPointButton1-v0", strict=True)
    assert reward_reference(dataset) == (0.0088, 41.193)
    assert dataset_horizon(dataset) == 1000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.pop("actions"),
            r"must contain the table 'actions', got costs, next_.*x\.hdf5",
        ),
        (
            lambda t: t.update(rewards=np.zeros(3)),
            r"table 'rewards' must have one row for each of 15 steps, got shape \(3,\)",
        ),
        (
            lambda t: t.update(costs=np.zeros((15, 2))),
            r"table 'costs' must have one number per step, got shape \(15, 2\)",
        ),
        (
            lambda t: t.update(next_observations=np.zeros((15, 2))),
            r"'next_observations' must have the shape of .*, got \(15, 2\)",
        ),
        (
            lambda t: t.update(actions=np.array([b"a"] * 15)),
            r"table 'actions' must hold numbers, got \|S1",
        ),
        (
            lambda t: t["observations"].fill(np.nan),
            "at least one episode must have finite numbers only, got none of 3",
        ),
    ],
)
def test_files_that_cannot_be_read(
    minari_root: Path, change: Callable[[Tables], object], message: str
) -> None:
    source = save(minari_root / "x.hdf5", _damage(change))
    with pytest.raises(DatasetError, match=message):
        import_dsrl(source, "x-v0")
    assert minari.list_local_datasets() == {}


def test_refusals_leave_what_was_there(minari_root: Path) -> None:
    source = save(minari_root / "x.hdf5", make_tables([4, 5]))
    kept = load_transitions(import_dsrl(source, "x-v0"))
    for path, name, message in (
        (source, "x-v0", "'x-v0' exists already"),
        (source, "x", "must have the form"),
        (minari_root / "none.hdf5", "y-v0", "does not exist"),
    ):
        with pytest.raises(DatasetError, match=message):
            import_dsrl(path, name)
    source.write_bytes(source.read_bytes()[:3000])
    with pytest.raises(DatasetError, match=r"x\.hdf5 cannot be read as HDF5"):
        import_dsrl(source, "x-v0", overwrite=True)
    assert load_transitions("x-v0").hash_episodes() == kept.hash_episodes()


def test_exports_that_are_refused(dict_dataset: MinariDataset, tmp_path: Path) -> None:
    with pytest.raises(
        DatasetError, match=r"observation space must be Box .* got Dict .*'toy/dict-v0'"
    ):
        export_dsrl(dict_dataset, tmp_path / "x.hdf5")
    free = write("free-v0", [episode(4, infos=None)])
    with pytest.raises(DatasetError, match=r"'free-v0', episode 0: infos\['cost'\] must be given"):
        export_dsrl(free, tmp_path / "x.hdf5")
    whole, taken = write("whole-v0", [episode(4)]), tmp_path / "taken.hdf5"
    taken.write_text("mine")
    with pytest.raises(DatasetError, match="exists already"):
        export_dsrl(whole, taken)
    with pytest.raises(ConfigError, match=r"x\.hdf5 cannot be written: File exists"):
        export_dsrl(whole, taken / "x.hdf5")
    assert taken.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datasets", "taken.hdf5"]


def test_episodes_without_a_flag_are_kept_apart(minari_root: Path) -> None:
    open_end = {"truncations": np.zeros(4, dtype=bool)}
    dataset = write("open-v0", [episode(4, s, **open_end) for s in range(3)])
    with pytest.warns(UserWarning, match="3 episodes of 'open-v0' end without a flag"):
        path = export_dsrl(dataset, minari_root / "x.hdf5")
    again = load_transitions(import_dsrl(path, "again-v0", strict=True))
    assert again.hash_episodes() == load_transitions(dataset).hash_episodes()


@pytest.mark.parametrize("field", ["terminations", "truncations"])
def test_an_episode_with_a_flag_in_its_middle_is_exported_as_two(
    minari_root: Path, field: str
) -> None:
    flags = {field: np.arange(6) % 3 == 2}
    dataset = write("early-v0", [episode(4), episode(6, **flags)])
    with pytest.warns(UserWarning, match="1 episodes of 'early-v0' have a flag before their last"):
        path = export_dsrl(dataset, minari_root / "x.hdf5")
    with warnings.catch_warnings(action="ignore"):
        again = load_transitions(import_dsrl(path, "again-v0"))
    assert again.episode_lengths.tolist() == [4, 3, 3]


def test_costs_below_0_are_refused_unless_their_episode_is_left_out(minari_root: Path) -> None:
    """No other command would read the dataset."""
    tables = make_tables([4, 5])
    tables["costs"][6] = -1
    source = save(minari_root / "x.hdf5", tables)
    with pytest.raises(
        DatasetError, match=r"'costs' must be at least 0, got -1 in row 6 .*x\.hdf5"
    ):
        import_dsrl(source, "x-v0")
    assert minari.list_local_datasets() == {}
    tables["rewards"][7] = np.nan
    with pytest.warns(UserWarning, match="infinite or missing numbers, left out"):
        dataset = import_dsrl(save(source, tables), "x-v0")
    assert load_outcomes(dataset).episode_lengths.tolist() == [4]


@pytest.mark.parametrize("field", ["observations", "terminations", "truncations", "rewards"])
def test_episodes_of_other_lengths_are_not_exported(minari_root: Path, field: str) -> None:
    """As many observations as actions would make columns of different lengths."""
    dataset = write("short-v0", [episode(9), episode(9)])
    with h5py.File(Path(dataset.storage.data_path) / "main_data.hdf5", "r+") as file:
        table = file["episode_1"][field]
        table.resize(len(table) - 1, axis=0)
    with pytest.raises(DatasetError, match=f"'short-v0', episode 1: {field} must have"):
        export_dsrl(dataset, minari_root / "x.hdf5")
    assert not (minari_root / "x.hdf5").exists()


def test_a_file_that_says_it_holds_more_than_it_can_is_refused(minari_root: Path) -> None:
    """A table of HDF5 may declare rows that were never written."""
    source = save(minari_root / "x.hdf5", make_tables([4, 5]))
    with h5py.File(source, "r+") as file:
        del file["observations"]
        file.create_dataset("observations", (2**33, 3), "f4", chunks=True)
    with pytest.raises(
        DatasetError,
        match=r"table 'observations' must fit into the file of .* bytes, got 103,079,215",
    ):
        import_dsrl(source, "x-v0")


def test_importing_survives_kill_9(minari_root: Path) -> None:
    """Before and after each kill there is the old dataset or the new one, whole."""
    old, new = make_tables([20] * 30, 0), make_tables([20] * 30, 1)
    sources = [save(minari_root / f"{n}.hdf5", t) for n, t in (("old", old), ("new", new))]
    wholes = [load_transitions(import_dsrl(s, "toy/x-v0", overwrite=True)) for s in sources]
    allowed = [whole.hash_episodes() for whole in wholes]

    def import_again() -> None:
        import_dsrl(sources[0], "toy/x-v0", overwrite=True)
        import_dsrl(sources[1], "toy/x-v0", overwrite=True)

    def check() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert list(minari.list_local_datasets()) == ["toy/x-v0"]
        assert load_transitions("toy/x-v0").hash_episodes() in allowed
        load_outcomes("toy/x-v0")

    kill_at_random(import_again, check, kills=15)
    import_again()
    assert load_transitions("toy/x-v0").hash_episodes() == allowed[1]
