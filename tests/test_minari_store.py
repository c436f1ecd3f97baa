"""Datasets are written in one piece: complete and readable by Minari, or not there."""

import contextlib
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import minari
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer

from sb3_presa.data import load_outcomes, minari_store
from sb3_presa.data.example import example_dataset
from sb3_presa.data.minari_store import write_dataset
from sb3_presa.errors import DatasetError
from sb3_presa.feedback import Feedback
from sb3_presa.files import locked

ROOT = Path(__file__).parents[1]

OBSERVATIONS = gym.spaces.Box(-np.inf, np.inf, (3,), np.float32)
ACTIONS = gym.spaces.Box(-1, 1, (2,), np.float32)


def episode(length: int, seed: int) -> EpisodeBuffer:
    rng = np.random.default_rng(seed)
    return EpisodeBuffer(
        seed=seed,
        observations=list(rng.normal(size=(length + 1, 3)).astype(np.float32)),
        actions=list(rng.uniform(-1, 1, (length, 2)).astype(np.float32)),
        rewards=list(rng.normal(size=length).astype(np.float32)),
        terminations=[False] * length,
        truncations=[False] * (length - 1) + [True],
        infos={"cost": np.concatenate([[0], rng.integers(0, 2, length)]).astype(np.float64)},
    )


def write(
    root: Path, dataset_id: str = "space/toy-v0", n: int = 12, **kwargs: Any
) -> MinariDataset:
    return write_dataset(
        dataset_id,
        [episode(5 + i % 3, seed=100 + i) for i in range(n)],
        observation_space=OBSERVATIONS,
        action_space=ACTIONS,
        root=root,
        **kwargs,
    )


def local_ids(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the datasets that load, read whole."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(root))
    ids = list(minari.list_local_datasets())
    for dataset_id in ids:
        dataset = minari.load_dataset(dataset_id)
        assert sum(len(e) for e in dataset.iterate_episodes()) == dataset.total_steps > 0
    return ids


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=14), data=st.data())
def test_what_is_written_is_read_back_bit_for_bit(
    tmp_path: Path, lengths: list[int], data: st.DataObject
) -> None:
    seeds = data.draw(
        st.lists(st.integers(0, 2**32 - 1), min_size=len(lengths), max_size=len(lengths))
    )
    episodes = [episode(length, seed) for length, seed in zip(lengths, seeds, strict=True)]
    dataset = write_dataset(
        "toy-v0",
        episodes,
        observation_space=OBSERVATIONS,
        action_space=ACTIONS,
        overwrite=True,
        root=tmp_path,
    )
    assert dataset.total_steps == sum(lengths)
    metadata = list(dataset.storage.get_episode_metadata(range(len(lengths))))
    assert [entry["seed"] for entry in metadata] == seeds
    for wrote, read in zip(episodes, dataset.iterate_episodes(), strict=True):
        for name in ("observations", "actions", "rewards", "terminations", "truncations"):
            got = getattr(read, name)
            np.testing.assert_array_equal(got, np.asarray(getattr(wrote, name)))
            assert got.dtype in (np.float32, np.bool_)
        assert wrote.infos is not None
        np.testing.assert_array_equal(read.infos["cost"], wrote.infos["cost"])


def test_the_file_is_a_third_of_what_minari_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    episodes = [episode(100, seed) for seed in range(40)]
    spaces: dict[str, Any] = {"observation_space": OBSERVATIONS, "action_space": ACTIONS}
    packed = write_dataset("packed-v0", episodes, **spaces, root=tmp_path)
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    with pytest.warns(UserWarning):
        plain = minari.create_dataset_from_buffers("plain-v0", episodes, **spaces)
    size, plain_size = (
        (Path(dataset.storage.data_path) / "main_data.hdf5").stat().st_size
        for dataset in (packed, plain)
    )
    assert size < plain_size / 3


def test_spec_references_and_metadata_are_recorded_without_making_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "safety_gymnasium", None)
    dataset = write(
        tmp_path,
        env_spec="presa/SafetyPointCircle1-v0",
        ref_min_score=-1.0,
        ref_max_score=3.0,
        metadata={"made_by": {"weights": [0, 1]}},
        episode_metadata=[{"agent": i} for i in range(12)],
    )
    assert dataset.env_spec is not None
    assert dataset.env_spec.id == "presa/SafetyPointCircle1-v0"
    assert minari.get_normalized_score(dataset, np.array([1.0])) == 0.5
    assert dataset.storage.metadata["made_by"] == {"weights": [0, 1]}
    assert [m["agent"] for m in dataset.storage.get_episode_metadata([0, 11])] == [0, 11]
    monkeypatch.undo()
    with contextlib.closing(dataset.recover_environment(eval_env=True)) as env:
        assert env.reset(seed=0)[0].shape == (28,)


def test_minari_lists_it_and_can_append_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    assert local_ids(tmp_path, monkeypatch) == ["space/toy-v0"]
    dataset = minari.load_dataset("space/toy-v0")
    dataset.storage.update_episodes([episode(4, 1)])
    assert len(minari.load_dataset("space/toy-v0")) == 13


def test_double_precision_actions_are_not_rounded(tmp_path: Path) -> None:
    space = gym.spaces.Box(-0.1, 0.1, (1,), np.float64)
    buffer = EpisodeBuffer(
        observations=[np.zeros(3)] * 2,
        actions=[np.array([0.1])],
        rewards=[1.0],
        terminations=[False],
        truncations=[True],
        infos={"cost": np.zeros(2)},
    )
    dataset = write_dataset(
        "toy-v0", [buffer], observation_space=OBSERVATIONS, action_space=space, root=tmp_path
    )
    assert dataset[0].actions[0] in space


@pytest.mark.parametrize(
    "dataset_id", ["toy", "presa/toy", "a b-v0", "", "/toy-v0", "toy-v0/", "../toy-v0"]
)
def test_an_id_that_minari_could_not_read_is_refused(tmp_path: Path, dataset_id: str) -> None:
    with pytest.raises(DatasetError, match="-vN"):
        write(tmp_path, dataset_id)
    assert not any(tmp_path.iterdir())


def test_a_taken_id_is_refused_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    write(tmp_path, n=3)
    with pytest.raises(DatasetError, match=r"space/toy-v0.*exists already.*overwrite=True"):
        write(tmp_path, n=4)
    folder = tmp_path / "space" / "toy-v0"
    assert len(MinariDataset(folder / "data")) == 3
    feedback = folder / "data" / "feedback"
    feedback.mkdir()
    for name in ("people.annotations.sqlite", "people.annotations.sqlite-wal", "people.hdf5"):
        (feedback / name).write_text(name)
    assert len(write(tmp_path, n=4, overwrite=True)) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["space"]
    assert {path.name: path.read_text() for path in feedback.iterdir()} == {
        name: name for name in ("people.annotations.sqlite", "people.annotations.sqlite-wal")
    }, "the answers of people stay"


def test_no_episodes_or_too_few_attributes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="must have at least one episode, got none"):
        write(tmp_path, n=0)
    with pytest.raises(DatasetError, match="one entry for each of 12 episodes, got 1"):
        write(tmp_path, episode_metadata=[{}])


@pytest.mark.parametrize("exchange", [True, False], ids=["exchanged", "renamed"])
@pytest.mark.parametrize("failing", ["repack", "_update_metadata", "_fsync_folder"])
def test_a_failure_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, exchange: bool
) -> None:
    if not exchange:
        monkeypatch.setattr(sys, "platform", "other")
    write(tmp_path, n=3)
    assert len(write(tmp_path, n=5, overwrite=True)) == 5

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as broken, pytest.raises(OSError, match="disk full"):
        broken.setattr(minari_store, failing, fail)
        write(tmp_path, n=4, overwrite=True)
    assert local_ids(tmp_path, monkeypatch) == ["space/toy-v0"]
    assert len(minari.load_dataset("space/toy-v0")) == 5
    assert not list(tmp_path.glob(".*"))


def test_minaris_root_in_the_environment_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MINARI_DATASETS_PATH", raising=False)
    write(tmp_path / "given")
    assert "MINARI_DATASETS_PATH" not in os.environ
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "set"))
    write_dataset("toy-v0", [episode(3, 0)], observation_space=OBSERVATIONS, action_space=ACTIONS)
    assert os.environ["MINARI_DATASETS_PATH"] == str(tmp_path / "set")
    assert (tmp_path / "set" / "toy-v0").is_dir()


@contextlib.contextmanager
def rewriting(root: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that replaces a dataset of 3 episodes by one of 40 and back, for ever."""
    code = (
        "import sys; sys.path[:0] = ['tests']\n"
        "from pathlib import Path\n"
        "from test_minari_store import write\n"
        f"root = Path({str(root)!r})\n"
        "while True:\n"
        "    for n in (40, 3):\n"
        "        write(root, n=n, overwrite=True)\n"
        "        print(n, flush=True)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_killed_while_it_replaces_a_dataset_one_of_the_two_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, n=3)
    rng = np.random.default_rng(0)
    for _ in range(10):
        with rewriting(tmp_path) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.uniform(0, 0.4))
        assert local_ids(tmp_path, monkeypatch) == ["space/toy-v0"]
        assert len(minari.load_dataset("space/toy-v0")) in (3, 40)
    # What the killed processes left is hidden, and goes with the next write; what was killed before
    # its lock was there, or after it was removed, goes once it is old.
    write(tmp_path, n=3, overwrite=True)
    for left in tmp_path.glob(".writing-*"):
        assert not (left / ".lock").exists()
        os.utime(left, (0, 0))
    write(tmp_path, n=3, overwrite=True)
    assert not list(tmp_path.glob(".writing-*"))


def test_the_example_dataset_is_small_whole_and_replayable() -> None:
    dataset = example_dataset()
    assert dataset.id == "presa/point-circle1-small-v0"
    data_file = Path(dataset.storage.data_path) / "main_data.hdf5"
    assert data_file.stat().st_size <= 8_000_000
    with h5py.File(data_file) as file:
        assert len(file) == dataset.total_episodes >= 100
        costs = [file[f"episode_{i}/infos/cost"][()] for i in range(len(file))]
    assert {len(cost) for cost in costs} == {501}
    assert {float(cost[0]) for cost in costs} == {0.0}
    with contextlib.closing(dataset.recover_environment()) as env:
        for index in (0, 50, 117):
            seed = next(iter(dataset.storage.get_episode_metadata([index])))["seed"]
            recorded = dataset[index]
            env.reset(seed=seed)
            replayed = [env.step(action)[0] for action in recorded.actions]
            # Another processor may round the last bits of lidars otherwise
            np.testing.assert_allclose(recorded.observations[1:], replayed, atol=1e-3)


def test_the_example_dataset_is_what_its_program_makes() -> None:
    program = runpy.run_path(str(ROOT / "benchmarks" / "example_dataset.py"))
    dataset = example_dataset()
    outcomes = load_outcomes(dataset)
    assert len(dataset) == program["N_EPISODES"]
    assert outcomes.episode_returns.max() <= program["REWARD_CAP"]
    made = Feedback.synthetic(dataset, cost_limit=program["COST_LIMIT"], seed=program["LABEL_SEED"])
    shipped = Feedback.load(dataset)
    for name in ("segments", "p_safe", "comparisons", "preferences"):
        np.testing.assert_array_equal(getattr(shipped, name), getattr(made, name))
    assert shipped.p_safe.sum() == (outcomes.episode_costs <= program["COST_LIMIT"]).sum() == 27


def test_what_a_killed_process_left_is_removed_and_what_another_writes_is_not(
    minari_root: Path,
) -> None:
    """At the next dataset of any name; the lock of a process ends with it."""
    living, dead = minari_root / ".writing-a", minari_root / ".writing-b"
    for folder in (living, dead):
        folder.mkdir()
        (folder / ".lock").touch()
    with locked(living / ".lock"):
        write(minari_root, n=3)
        assert living.exists() and not dead.exists()
    write(minari_root, n=3, overwrite=True)
    assert not living.exists()


def test_a_namespace_of_one_letter_is_refused_with_minaris_rule() -> None:
    """Which the message did not say: the id has letters only."""
    with pytest.raises(DatasetError, match=r"two of them in a namespace, .* got 's/arm-v0'"):
        minari_store.check_dataset_id("s/arm-v0")
    minari_store.check_dataset_id("me/a-v0")


def test_attributes_do_not_replace_minaris_own(tmp_path: Path) -> None:
    """A log's `total_steps` made a dataset that nobody could read."""
    own = {"total_steps": 1000, "id": 7, "seed": "A1", "options/x": 1, "driver": "Ann"}
    dataset = write(tmp_path, n=2, episode_metadata=[own, own])
    first, second = dataset.storage.get_episode_metadata([0, 1])
    assert [first["total_steps"], second["id"], second["seed"]] == [5, 1, 101]
    kept = {"log_total_steps": 1000, "log_id": 7, "log_seed": "A1", "log_options": {"x": 1}}
    assert {name: first[name] for name in (*kept, "driver")} == kept | {"driver": "Ann"}
    assert load_outcomes(dataset).episode_lengths.tolist() == [5, 6]
