"""On a full disk every writer says so in a line, and what was there before is unchanged."""

import hashlib
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import gymnasium as gym
import h5py
import minari
import numpy as np
import pytest
from algorithm_data import episode
from benchmark_cells import Here
from benchmark_rows import comparison
from benchmark_rows import write as write_rows
from conftest import roll_out
from minari import MinariDataset
from test_action_log import in_this_process
from test_cli import SHORT
from toy_envs import env_id
from typer.testing import CliRunner

from sb3_presa import BC, Feedback
from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.benchmark.engine.results import read_rows
from sb3_presa.cli import app, benchmark
from sb3_presa.collect import action_log, collection
from sb3_presa.data.minari_store import write_dataset
from sb3_presa.errors import FileNotWrittenError
from sb3_presa.feedback.file import answers_path
from sb3_presa.files import atomic_path, naming_full_disk, write_bytes

#: Of a mounted disk; a limit of a file's size is for those who may not mount one.
KINDS = ("limit", "disk")
LEFT = 4096


RECIPE = """
n_episodes = 60
steps_per_agent = 20
cost_weights = [1.0]
random_episodes = 60
stochastic_episodes = 1
reward_range = [-100, 100]
cost_range = [0, 100]
n_envs = 1
ppo = { n_steps = 20, n_epochs = 1, batch_size = 20 }
"""
SUITE = f"""
tasks: {{Box: {{dataset: toy/box-v0, cost_limits: [5]}}}}
seeds: {list(range(64))}
algorithms: {{CPL: {{}}}}
"""


class Disk(Protocol):
    """Holds a root of datasets, and can be filled."""

    root: Path

    def full(self, left: int = LEFT) -> Any:
        """A context in which nothing larger can be written."""


class Limit:
    """Files of this process may not grow; the system says `File too large`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def full(self, left: int = LEFT) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (left, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Mounted:
    """A small disk of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def full(self, left: int = LEFT) -> Iterator[None]:
        filler = self.root / "filler"
        filler.write_bytes(bytes(shutil.disk_usage(self.root).free - left))
        try:
            yield
        finally:
            filler.unlink()


@pytest.fixture(params=KINDS)
def disk(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Disk]:
    root = tmp_path / "disk"
    root.mkdir()
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(root))
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(root)]
    if (
        request.param == "limit"
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        yield Limit(root)  # also in place of a disk that may not be mounted
        return
    try:
        yield Mounted(root)
    finally:
        subprocess.run(["umount", "--lazy", str(root)], check=True)


def contents(folder: Path) -> dict[str, str]:
    """What is in a folder, but for what SQLite lays beside a store while it is open."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "filler" and not path.name.endswith(("-shm", "-wal"))
    }


def run(*arguments: object, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result.stderr


def refused(disk: Disk, *arguments: object, left: int = LEFT) -> None:
    """The command fails in a line, and nothing has changed."""
    before = contents(disk.root)
    with disk.full(left):
        said = run(*arguments, exit_code=1)
    line = said.strip().splitlines()[-1]
    assert line.startswith("Error: "), said
    assert "File too large" in line or "No space left" in line or "disk" in line, said
    assert contents(disk.root) == before


@pytest.fixture
def dataset(disk: Disk) -> MinariDataset:
    """Episodes of a toy environment, with random actions: they do not compress."""
    env = gym.make(env_id("box"))
    return write_dataset(
        "toy/box-v0",
        [roll_out(env, seed) for seed in range(24)],
        observation_space=env.observation_space,
        action_space=env.action_space,
        env_spec=env.spec,
        root=disk.root,
    )


def test_feedback(disk: Disk, dataset: MinariDataset) -> None:
    """HDF5 reports no error when it closes its file: this was said to be written."""
    label = ("label", dataset.id, "--cost-limit", 5, "--comparisons", 3000)
    run(*label)
    refused(disk, *label, "--seed", 1, "--overwrite")
    assert Feedback.load(dataset).comparisons.shape == (3000, 2)
    refused(disk, *label, "--feedback", "new")
    assert Feedback.names(dataset) == ["default"]


def test_models(disk: Disk, dataset: MinariDataset) -> None:
    run("label", dataset.id, "--cost-limit", 5, "--comparisons", 40)
    model = disk.root / "model.zip"
    train = ("train", dataset.id, "--out", model, *SHORT)
    run(*train)
    refused(disk, *train, "--seed", 1)


def test_models_saved_in_python(disk: Disk, dataset: MinariDataset) -> None:
    model = BC.load_offline(dataset, None, seed=0)
    path = disk.root / "model.zip"
    model.save(path)
    before = contents(disk.root)
    model.learn(2)
    with disk.full(), pytest.raises(FileNotWrittenError, match="what was there is unchanged"):
        model.save(path)
    assert contents(disk.root) == before


@pytest.mark.parametrize("name", ["policy.onnx", "policy.pt"])
def test_exports(disk: Disk, dataset: MinariDataset, name: str) -> None:
    """PyTorch's own writer of TorchScript ends the process."""
    BC.load_offline(dataset, None, seed=0).save(disk.root / "model.zip")
    refused(disk, "export", disk.root / "model.zip", disk.root / name)


def test_action_logs(disk: Disk, dataset: MinariDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(action_log, "run_tasks", in_this_process)
    log = disk.root / "log.npz"
    run("log-actions", dataset.id, log)
    refused(disk, "log-actions", dataset.id, log)
    replay = ("replay", log, "--quiet", "--workers", 1)
    run(*replay, "--id", "toy/again-v0")
    refused(disk, *replay, "--id", "toy/again-v0", "--overwrite")
    refused(disk, *replay, "--id", "toy/third-v0")
    assert sorted(minari.list_local_datasets()) == ["toy/again-v0", "toy/box-v0"]


def test_dsrl_files(disk: Disk, dataset: MinariDataset) -> None:
    file = disk.root / "data.hdf5"
    run("export-dsrl", dataset.id, file)
    refused(disk, "export-dsrl", dataset.id, file, "--overwrite")
    refused(disk, "export-dsrl", dataset.id, disk.root / "new.hdf5")
    run("import-dsrl", file, "--id", "toy/dsrl-v0")
    refused(disk, "import-dsrl", file, "--id", "toy/dsrl-v0", "--overwrite")


def test_answers_and_their_exports(disk: Disk, dataset: MinariDataset) -> None:
    rows = ["annotator,first_episode,first_start,first_length,p_safe_first"]
    rows += [f"A,{n % 24},{n // 24 % 6},1,1" for n in range(144)]
    answers = disk.root / "answers.csv"
    answers.write_text("\n".join(rows) + "\n")
    labels = ("labels", dataset.id, "--feedback")
    refused(disk, *labels, "early", "--import", answers)
    run(*labels, "team", "--import", answers)
    for suffix in ("csv", "jsonl"):
        run(*labels, "team", "--export", disk.root / f"out.{suffix}")
        refused(disk, *labels, "team", "--export", disk.root / f"out.{suffix}")
    run(*labels, "team", "--merge", "majority")
    refused(disk, *labels, "team", "--merge", "majority", "--overwrite")
    more = answers.read_text().replace("\nA,", "\nB,")
    (disk.root / "more.csv").write_text(more)
    refused(disk, *labels, "team", "--import", disk.root / "more.csv")
    store = AnswerStore(answers_path(dataset, "team"))
    assert {one.annotator for one in store.answers()} == {"A"}
    store.close()


def test_reports(disk: Disk) -> None:
    results = disk.root / "results.csv"
    write_rows(results, comparison())
    report = ("benchmark", "report", results, "--out", disk.root / "report")
    run(*report)
    refused(disk, *report)


def test_evaluations(disk: Disk, dataset: MinariDataset) -> None:
    model, found = disk.root / "model.zip", disk.root / "found.json"
    BC.load_offline(dataset, None, seed=0).save(model)
    evaluate = ("evaluate", model, "--env", env_id("box"), "--cost-limit", 5, "--json", found)
    refused(disk, *evaluate, "--episodes", 1, left=0)
    run(*evaluate, "--episodes", 1)
    refused(disk, *evaluate, "--episodes", 2, left=0)


def test_collections(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Episodes of jobs are written beside the datasets, and go on from there."""
    monkeypatch.setattr(collection, "run_tasks", in_this_process)
    recipe = disk.root / "recipe.toml"
    recipe.write_text(RECIPE)
    collect = ("collect", env_id("box"), "--recipe", recipe, "--workers", 1)
    refused(disk, *collect, "--id", "toy/new-v0")
    run(*collect, "--id", "toy/old-v0")
    refused(disk, *collect, "--id", "toy/old-v0", "--overwrite")
    assert [one for one in minari.list_local_datasets() if "toy" in one] == ["toy/old-v0"]


def test_the_page(disk: Disk, dataset: MinariDataset) -> None:
    annotate = ("annotate", dataset.id, "--port", 0, "--no-browser", "--segment-length", 5)
    refused(disk, *annotate, "--cache", disk.root / "clips")


def test_suites(disk: Disk, dataset: MinariDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that were written before the disk was full stay."""
    monkeypatch.setattr(benchmark, "_backend", lambda *_: Here())
    suite = disk.root / "suite.yaml"
    suite.write_text(SUITE)
    out = disk.root / "results"
    out.mkdir()
    bench = ("benchmark", "run", suite, "--out", out)
    with disk.full():
        said = run(*bench, exit_code=1)
    assert f"Error: {out / 'suite.csv'} cannot be written" in said.replace("\n", " ")
    rows = read_rows(out / "suite.csv", ("key",))
    assert 0 < len(rows) < 64
    run(*bench)
    again = read_rows(out / "suite.csv", ("key",))
    assert len(again) == 64 and again[: len(rows)] == rows


# --- what the commands have in common --------------------------------------------------------


@pytest.mark.parametrize("before", [b"old", None])
def test_bytes_are_read_back(before: bytes | None, disk: Disk) -> None:
    path = disk.root / "file"
    if before is not None:
        path.write_bytes(before)
    with disk.full(), pytest.raises(FileNotWrittenError, match=f"{path} cannot be written"):
        write_bytes(path, bytes(10 * LEFT))
    assert [path.name for path in disk.root.iterdir()] == ([] if before is None else ["file"])
    assert before is None or path.read_bytes() == before


def test_what_is_read_back_must_be_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def check(written: Path) -> None:
        if written.read_text() != "whole":
            raise ValueError("half")

    refusal = pytest.raises(FileNotWrittenError, match=r"damaged \(half.*what was there is un")
    with refusal, atomic_path(path, check) as temporary:
        temporary.write_text("ha")
    assert path.read_text() == "old"
    with atomic_path(path, check) as temporary:
        temporary.write_text("whole")
    assert path.read_text() == "whole"


def test_other_errors_are_not_called_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^other$"), naming_full_disk(tmp_path / "file"):
        raise ValueError("other")


def test_a_dataset_that_minari_did_not_write_whole_is_refused(
    minari_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hole in the file reads as zeros, and HDF5 finds nothing wrong with it."""
    made = minari.create_dataset_from_buffers

    def with_a_hole(dataset_id: str, *arguments: Any, **keywords: Any) -> Any:
        dataset = made(dataset_id, *arguments, **keywords)
        with h5py.File(Path(dataset.storage.data_path) / "main_data.hdf5", "a") as file:
            file["episode_0/rewards"][1] = 0.0
        return dataset

    monkeypatch.setattr(minari, "create_dataset_from_buffers", with_a_hole)
    box = gym.spaces.Box(-1.0, 1.0, (2,))
    with pytest.raises(FileNotWrittenError, match=r"damaged \(/episode_0/rewards differs\)"):
        write_dataset(
            "toy/hole-v0",
            [episode(np.zeros((4, 2)), np.zeros((3, 2)), np.ones(3), np.zeros(3))],
            observation_space=box,
            action_space=box,
        )
    assert [path.name for path in minari_root.iterdir()] == []
