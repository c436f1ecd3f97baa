"""HDF5 files that D4RL's and robomimic's own code wrote; how is in ``written/make_hdf5.py``."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from gymnasium import spaces
from logged import robot_episode

from sb3_presa.data import import_dsrl, import_logs, load_outcomes, load_transitions, read_logs
from sb3_presa.data.episodes import load_endings
from sb3_presa.errors import ConfigError, DatasetError

WRITTEN = Path(__file__).parent / "written"
LENGTHS = [6, 3, 8, 5, 4, 7, 3, 5, 4, 6, 3]


@pytest.fixture(autouse=True)
def _own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))


def test_d4rl_has_its_episodes_and_their_ends() -> None:
    dataset = import_logs(WRITTEN / "d4rl_maze.hdf5", "d4rl/maze-v0")
    found = load_transitions(dataset)
    assert found.episode_lengths.tolist() == LENGTHS
    assert load_endings(dataset).terminated.tolist() == [True] + [False] * 10
    with h5py.File(WRITTEN / "d4rl_maze.hdf5") as file:
        np.testing.assert_array_equal(found.observations, file["observations"][()])
        np.testing.assert_array_equal(found.actions, file["actions"][()])
    rewards = np.concatenate([np.arange(length) for length in LENGTHS])
    np.testing.assert_array_equal(load_outcomes(dataset, missing_costs="nan").rewards, rewards)


def test_other_arrays_of_the_file_can_be_chosen() -> None:
    log = read_logs(WRITTEN / "d4rl_maze.hdf5", observations="observations,infos/qvel")
    assert log.require_sound().observation.shape == (7,)


def test_dsrl_files_come_in_as_their_own_command_reads_them(tmp_path: Path) -> None:
    """With costs and with the observation after the last step of an episode."""
    random = np.random.default_rng(0)
    ends = np.zeros(9, bool)
    ends[[3, 8]] = True
    with h5py.File(tmp_path / "dsrl.hdf5", "w") as file:
        for name in ("observations", "next_observations"):
            file[name] = random.normal(size=(9, 3)).astype(np.float32)
        file["actions"] = random.uniform(-1, 1, (9, 2)).astype(np.float32)
        file["rewards"], file["costs"] = random.normal(size=9), np.arange(9.0)
        file["terminals"], file["timeouts"] = np.zeros(9, bool), ends
    one = import_logs(tmp_path / "dsrl.hdf5", "me/one-v0")
    with pytest.warns(UserWarning, match="not the next observation"):
        other = import_dsrl(tmp_path / "dsrl.hdf5", "me/other-v0")
    np.testing.assert_array_equal(
        load_transitions(one).observations, load_transitions(other).observations
    )
    np.testing.assert_array_equal(load_endings(one).observations, load_endings(other).observations)
    np.testing.assert_array_equal(load_outcomes(one).costs, load_outcomes(other).costs)


def test_robomimic_demonstrations_come_in_the_order_of_their_numbers() -> None:
    dataset = import_logs(WRITTEN / "robomimic_dict.hdf5", "mimic/lift-v0")
    found = load_transitions(dataset)
    assert found.episode_lengths.tolist() == [3 + number % 4 for number in range(12)]
    space = dataset.observation_space
    assert isinstance(space, spaces.Dict)
    assert set(space) == {"agentview_image", "object", "robot0_eef_pos"}
    assert isinstance(found.observations, dict)
    pictures = found.observations["agentview_image"]
    assert pictures.dtype == np.uint8
    numbers = np.repeat(np.arange(12), found.episode_lengths)
    np.testing.assert_array_equal(pictures[:, 0, 0, 0], 10 * numbers)
    with h5py.File(WRITTEN / "robomimic_dict.hdf5") as file:
        last = file["data/demo_10/next_obs/object"][-1]
    ends = load_endings(dataset).observations
    assert isinstance(ends, dict)
    np.testing.assert_allclose(ends["object"][10], last, rtol=1e-6)
    facts = [dict(each) for each in dataset.storage.get_episode_metadata(range(12))]
    assert facts[10]["demo"] == "demo_10" and "model_file" not in facts[0]
    assert dataset.storage.metadata["robomimic_env"]["env_name"] == "Lift"


def test_filter_keys_are_splits() -> None:
    path = WRITTEN / "robomimic_flat.hdf5"
    whole = import_logs(path, "mimic/flat-v0")
    splits = whole.storage.metadata["splits"]
    assert sorted(splits) == ["train", "valid"] and len(splits["valid"]) == 2
    valid = import_logs(path, "mimic/valid-v0", split="valid")
    lengths = load_transitions(whole).episode_lengths
    assert load_transitions(valid).episode_lengths.tolist() == lengths[splits["valid"]].tolist()
    assert isinstance(whole.observation_space, spaces.Box)
    with pytest.raises(ConfigError, match=r"a filter key of .* got 'test'; it has train, va"):
        read_logs(path, split="test")


def test_groups_are_episodes(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "log.hdf5", "w") as file:
        for number in (10, 9, 2):
            for name, values in robot_episode(number, number).items():
                file[f"run_{number}/{name}"] = values
            file[f"run_{number}"].attrs["driver"] = f"driver {number}"
    dataset = import_logs(tmp_path / "log.hdf5", "me/log-v0")
    assert load_transitions(dataset).episode_lengths.tolist() == [2, 9, 10]
    (fact,) = dataset.storage.get_episode_metadata([0])
    assert dict(fact)["driver"] == "driver 2"


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = Path(shutil.copy(WRITTEN / "robomimic_flat.hdf5", tmp_path))
    with h5py.File(path, "r+") as file:
        file["data/demo_3"].attrs["num_samples"] = 9
    with pytest.raises(DatasetError, match="demo_3 must have the 9 steps that it declares"):
        import_logs(path, "me/log-v0")
    path = Path(shutil.copy(WRITTEN / "d4rl_maze.hdf5", tmp_path))
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(DatasetError, match=r"d4rl_maze.hdf5 cannot be read"):
        import_logs(path, "me/log-v0")
    with h5py.File(tmp_path / "huge.hdf5", "w") as file:
        file.create_dataset("observations", (10**9, 4), "f8", chunks=(10**6, 4))
        file["actions"] = np.zeros((3, 1))
    with pytest.raises(DatasetError, match="32,000,000,024 bytes of arrays: it is damaged"):
        read_logs(tmp_path / "huge.hdf5")
    with h5py.File(tmp_path / "empty.hdf5", "w"):
        pass
    with pytest.raises(DatasetError, match="must hold arrays, got none"):
        read_logs(tmp_path / "empty.hdf5")
    assert not (tmp_path / "minari" / "me").exists()


def test_arrays_that_lie_in_other_files_are_read_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HDF5 itself reads zeros for a file that is gone, and another one of the current folder."""
    for number in (0, 1):
        with h5py.File(tmp_path / f"run_{number}.h5", "w") as file:
            file["actions"] = np.full((3, 2), number + 0.5)
    both = h5py.VirtualLayout((6, 2), "f8")
    for number in (0, 1):
        both[3 * number : 3 * number + 3] = h5py.VirtualSource(
            f"run_{number}.h5", "actions", (3, 2)
        )
    (tmp_path / "moved").mkdir()
    for path in (tmp_path / "both.h5", tmp_path / "moved" / "both.h5"):
        with h5py.File(path, "w") as file:
            file["observations"], file["timeouts"] = np.zeros((6, 1)), np.arange(6) % 3 == 2
            file.create_virtual_dataset("actions", both)
    dataset = import_logs(tmp_path / "both.h5", "me/both-v0")
    assert load_transitions(dataset).actions[:, 0].tolist() == [0.5] * 3 + [1.5] * 3
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match=r"sources of '/actions' must exist.*moved/run_0.h5"):
        read_logs(tmp_path / "moved" / "both.h5")
    with h5py.File(tmp_path / "run_1.h5", "w") as file:
        file["acts"] = np.zeros((3, 2))
    for read in (read_logs, lambda path: import_dsrl(path, "me/dsrl-v0")):
        with pytest.raises(DatasetError, match=r"no array 'actions' in .*run_1.h5"):
            read(tmp_path / "both.h5")
