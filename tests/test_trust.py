"""Whatever somebody was handed: code that it names runs only if it is trusted."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from minari import MinariDataset
from test_cli import SHORT
from toy_envs import env_id
from typer.testing import CliRunner

from sb3_presa.annotation.clips.sources import make_source
from sb3_presa.benchmark.suites.suite import load_suite
from sb3_presa.cli import app
from sb3_presa.collect.collection import collect
from sb3_presa.data import resolve_dataset
from sb3_presa.data.environments import may_be_made, recover_environment
from sb3_presa.errors import ConfigError, DatasetError
from sb3_presa.trust import require_trust


@pytest.fixture(autouse=True)
def ran(strangers_module: Callable[[str], Path]) -> Path:
    """Is there once the module ``stranger`` was imported."""
    return strangers_module(
        "from toy_envs import PointEnv as Env\nfrom sb3_presa import BC as Class\n"
    )


@pytest.fixture
def strange(box_dataset: MinariDataset) -> MinariDataset:
    """A dataset that names a stranger's code as the environment to evaluate in and to replay."""
    path = Path(box_dataset.storage.data_path) / "metadata.json"
    entries = json.loads(path.read_text())
    for name in ("env_spec", "eval_env_spec"):
        spec = json.loads(entries[name]) | {"entry_point": "stranger:Env"}
        entries[name] = json.dumps(spec)
    path.write_text(json.dumps(entries))
    return resolve_dataset(box_dataset.id)


def run(*arguments: object, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result.output


def test_environments_of_datasets(strange: MinariDataset, ran: Path, tmp_path: Path) -> None:
    """All commands but those that make an environment run none of it; these ask for trust."""
    model, log = tmp_path / "model.zip", tmp_path / "log.npz"
    run("info", strange.id)
    run("label", strange.id, "--cost-limit", 5, "--comparisons", 40)
    run("train", strange.id, "--out", model, *SHORT)
    run("log-actions", strange.id, log)
    run("export-dsrl", strange.id, tmp_path / "data.hdf5")
    evaluate = ("evaluate", model, "--dataset", strange.id, "--cost-limit", 5, "--episodes", 1)
    assert "--trust" in run(*evaluate, exit_code=1)
    assert "--trust" in run("replay", log, "--id", "toy/again-v0", exit_code=1)
    assert not may_be_made(strange)
    source, why = make_source(strange, "auto")
    assert source.name == "plot" and "must be registered here" in why
    with pytest.raises(ConfigError, match=r"its environment .* must be registered here .*--trust"):
        make_source(strange, "replay")
    assert not ran.exists()
    run(*evaluate, "--trust")
    assert ran.exists()


def test_what_is_registered_here_is_made(box_dataset: MinariDataset) -> None:
    assert may_be_made(box_dataset)
    with closing(recover_environment(box_dataset, trust=False, eval_env=True)) as env:
        assert env.spec is not None and env.spec.id == env_id("box")


def test_a_dataset_without_an_environment(box_dataset: MinariDataset) -> None:
    path = Path(box_dataset.storage.data_path) / "metadata.json"
    entries = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in entries.items() if "env_spec" not in k}))
    opened = resolve_dataset(box_dataset.id)
    assert not may_be_made(opened)
    with pytest.raises(DatasetError, match=r"must name its environment \(env_spec\), got None"):
        recover_environment(opened, trust=True)


@pytest.mark.parametrize(
    ("suite", "place"),
    [
        ("tasks: {T: D-v0}\nalgorithms: {A: {class: stranger:Class}}", "algorithms.A"),
        ("tasks: {T: D-v0}\nalgorithms: {A: {class: stranger:Class, preset: p}}", "algorithms.A"),
        ("tasks: {T: {dataset: D-v0, env: stranger:E-v0}}\nalgorithms: {BC: }", "tasks.T.env"),
    ],
)
def test_suites(suite: str, place: str, ran: Path, tmp_path: Path) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(f"{suite}\ncost_limits: [1]\nseeds: [0]\n")
    with pytest.raises(ConfigError, match=rf"suite\.yaml: {place} must name code.*--trust"):
        load_suite(path)
    assert "--trust" in run("benchmark", "run", path, "--dry-run", exit_code=1)
    assert not ran.exists()
    if "preset" not in suite:
        assert all(cell.trust for cell in load_suite(path, trust=True).cells)


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        ('env_id = "stranger:E-v0"', "env_id"),
        ('scripted = "stranger:drive"\nscripted_episodes = 1', "scripted"),
    ],
)
def test_recipes(recipe: str, name: str, ran: Path, tmp_path: Path, minari_root: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(f"{recipe}\n")
    given: Any = None if name == "env_id" else env_id("box")
    with pytest.raises(ConfigError, match=rf"recipe\.toml: `{name}` must name code .*--trust"):
        collect(given, "toy/new-v0", path)
    assert not ran.exists()


def test_the_users_own_words_need_no_trust() -> None:
    require_trust("stranger:Class", trust=True, where="x")
    require_trust("PRESA", trust=False, where="x")
    require_trust("sb3_presa.algorithms.bc:BC", trust=False, where="x")
    require_trust("toy_envs:PointEnv", trust=False, where="x")  # imported here
