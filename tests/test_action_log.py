"""A dataset comes back, to the last bit, from its episodes' seeds and actions."""

import dataclasses
import json
from functools import partial
from pathlib import Path
from typing import Any

import dying_env
import gymnasium as gym
import minari
import numpy as np
import pytest
from algorithm_data import episode, random_dataset
from minari import MinariDataset
from needs import simulator_of, skip_without
from typer.testing import CliRunner

from sb3_presa.cli import app
from sb3_presa.collect.action_log import ActionLog
from sb3_presa.collect.collection import CollectRecipe, collect
from sb3_presa.data.episodes import load_outcomes, load_transitions
from sb3_presa.data.minari_store import write_dataset
from sb3_presa.errors import (
    ConfigError,
    DatasetError,
    SimulatorNotInstalledError,
    WorkerError,
)

LOGS = sorted((Path(__file__).parents[1] / "datasets" / "logs").glob("*.npz"))
BALL_RUN = "presa/SafetyBallRun-v0"
TINY = CollectRecipe(
    n_episodes=9,
    steps_per_agent=256,
    cost_weights=(1.0,),
    checkpoints=2,
    stochastic_episodes=1,
    random_episodes=5,
    reward_range=(-1e4, 1e4),
    cost_range=(0.0, 100.0),
    n_envs=2,
    ppo={"n_steps": 64, "n_epochs": 1},
)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> MinariDataset:
    skip_without("bullet")
    root = tmp_path_factory.mktemp("datasets")
    return collect(BALL_RUN, "presa/tiny-v0", TINY, n_workers=1, root=root)


def described(dataset: MinariDataset) -> dict[str, Any]:
    """What a dataset says of itself, but for its size on the disk."""
    metadata = json.loads((Path(dataset.storage.data_path) / "metadata.json").read_text())
    return {key: value for key, value in metadata.items() if key != "dataset_size"}


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_collected_comes_back(
    workers: int, collected: MinariDataset, tmp_path: Path
) -> None:
    ActionLog.of(collected).save(tmp_path / "log.npz")
    made = ActionLog.load(tmp_path / "log.npz").replay(
        n_workers=workers, root=tmp_path, progress_bar=False
    )
    assert made.n_different == 0
    for one, other in zip(
        made.dataset.iterate_episodes(), collected.iterate_episodes(), strict=True
    ):
        np.testing.assert_array_equal(one.observations, other.observations)
        np.testing.assert_array_equal(one.terminations, other.terminations)
    outcomes, expected = load_outcomes(made.dataset), load_outcomes(collected)
    np.testing.assert_array_equal(outcomes.rewards, expected.rewards)
    np.testing.assert_array_equal(outcomes.costs, expected.costs)
    assert described(made.dataset) == described(collected)
    rows = range(len(collected))
    assert [*made.dataset.storage.get_episode_metadata(rows)] == [
        *collected.storage.get_episode_metadata(rows)
    ]


def test_another_world_is_told_of(collected: MinariDataset, tmp_path: Path) -> None:
    """Here it is the seed that differs: one episode starts elsewhere."""
    log = ActionLog.of(collected)
    seeds = log.seeds.copy()
    seeds[3] += 1
    moved = dataclasses.replace(log, seeds=seeds)
    assert moved.replay(root=tmp_path, progress_bar=False).n_different == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [(-1, "its 99 logged actions, but it continues"), (1, "its 101 logged actions, got 100")],
)
def test_episodes_of_another_length_are_refused(
    change: int, message: str, collected: MinariDataset, tmp_path: Path
) -> None:
    log = ActionLog.of(collected)
    actions = log.actions[1:] if change < 0 else np.concatenate([log.actions[:1], log.actions])
    lengths = log.lengths.copy()
    lengths[0] += change
    wrong = dataclasses.replace(log, actions=actions, lengths=lengths)
    with pytest.raises(DatasetError, match=message):
        wrong.replay(root=tmp_path, progress_bar=False)
    assert not (tmp_path / "presa" / "tiny-v0").exists()


def test_files_that_are_no_logs_are_refused(collected: MinariDataset, tmp_path: Path) -> None:
    path = tmp_path / "log.npz"
    log = ActionLog.of(collected)
    log.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="cannot be read as an action log"):
        ActionLog.load(path)
    with pytest.raises(DatasetError, match="cannot be read as an action log"):
        ActionLog.load(tmp_path / "missing.npz")
    dataclasses.replace(log, about={**log.about, "format": 2}).save(path)
    with pytest.raises(DatasetError, match="format of an action log must be 1, got 2"):
        ActionLog.load(path)
    dataclasses.replace(log, actions=log.actions[1:]).save(path)
    with pytest.raises(DatasetError, match=r"one action per step, got .* 899 actions"):
        ActionLog.load(path)


def test_what_cannot_be_repeated_is_refused(minari_root: Path) -> None:
    box = gym.spaces.Box(-1.0, 1.0, (2,))
    with pytest.raises(DatasetError, match=r"must name its environment \(env_spec\).*None"):
        ActionLog.of(random_dataset("nowhere", box, box))
    episodes = [episode(np.zeros((3, 7)), np.zeros((2, 2)), np.zeros(2), np.zeros(2))]
    write_dataset(
        "toy/seedless-v0",
        episodes,
        observation_space=gym.spaces.Box(-1.0, 1.0, (7,)),
        action_space=box,
        env_spec=BALL_RUN,
    )
    with pytest.raises(
        DatasetError, match=r"must have a seed.*episode 0 of dataset 'toy/seedless-v0'"
    ):
        ActionLog.of(minari.load_dataset("toy/seedless-v0"))


def test_actions_are_kept_as_they_are_stored(minari_root: Path) -> None:
    """In float32 an environment that computes in float64 would go another way."""
    box = gym.spaces.Box(-1.0, 1.0, (2,), np.float64)
    actions = np.random.default_rng(0).uniform(-1, 1, (5, 2))
    assert not np.array_equal(actions, actions.astype(np.float32))
    episodes = [
        dataclasses.replace(episode(np.zeros((n + 1, 2)), part, np.zeros(n), np.zeros(n)), seed=n)
        for part in np.split(actions, [2])
        for n in (len(part),)
    ]
    write_dataset(
        "toy/double-v0", episodes, observation_space=box, action_space=box, env_spec=BALL_RUN
    )
    log = ActionLog.of(minari.load_dataset("toy/double-v0"))
    log.save(minari_root / "log.npz")
    for kept in (log, ActionLog.load(minari_root / "log.npz")):
        assert kept.actions.dtype == np.float64
        np.testing.assert_array_equal(kept.actions, actions)
    assert log.hashes == load_transitions("toy/double-v0").hash_episodes()


# --- which environments a file may name ------------------------------------------------------


def naming(**changes: Any) -> ActionLog:
    """A log that names the environment of BallRun, but for what is changed."""
    spec = json.loads(gym.spec(BALL_RUN).to_json()) | changes
    return with_spec(json.dumps(spec))


def with_spec(env_spec: Any) -> ActionLog:
    nothing = np.zeros(0, dtype=np.int64)
    return ActionLog(nothing, nothing, nothing, [], {"env_spec": env_spec})


@pytest.mark.parametrize(
    "changes",
    [
        {"entry_point": "sb3_presa.envs.bullet:anything_else"},
        {"vector_entry_point": "sb3_presa.envs.bullet:anything_else"},
        {"kwargs": {"agent": "Ball", "task": "Circle"}},
        {"kwargs": {"agent": "Ball", "task": "Run", "render_mode": "human"}},
        {
            "additional_wrappers": [
                {"name": "Any", "entry_point": "gymnasium.wrappers:RescaleAction", "kwargs": {}}
            ]
        },
        {"id": "presa/SafetyCarRun-v0"},
        {"id": "somebody/Elses-v0"},
        {"id": "some_module:presa/SafetyBallRun-v0"},
    ],
    ids=str,
)
def test_a_file_names_no_other_code_than_is_registered(changes: dict[str, Any]) -> None:
    log = naming(**changes)
    with pytest.raises(DatasetError, match=r"must be registered here .*--trust") as refusal:
        log.environment()
    for value in changes.values():
        assert json.dumps(value, sort_keys=True)[1:-1] in str(refusal.value), (
            "it says what was found"
        )
    spec = log.environment(trust=True)
    assert {name: json.loads(spec.to_json())[name] for name in changes} == changes


@pytest.mark.parametrize(
    "changes", [{}, {"id": f"sb3_presa:{BALL_RUN}"}, {"max_episode_steps": 7}], ids=str
)
def test_what_is_registered_is_made_as_it_was_logged(changes: dict[str, Any]) -> None:
    spec = naming(**changes).environment()
    assert {name: json.loads(spec.to_json())[name] for name in changes} == changes


@pytest.mark.parametrize("env_spec", ["{", "[]", "5", "{}", '{"additional_wrappers": []}', None])
@pytest.mark.parametrize("trust", [False, True])
def test_what_is_no_spec_is_refused(env_spec: Any, trust: bool) -> None:
    with pytest.raises(DatasetError, match="the log's environment cannot be read"):
        with_spec(env_spec).environment(trust)


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_the_environments_of_the_benchmarks_logs_are_registered(path: Path) -> None:
    log = ActionLog.load(path)
    assert log.environment().to_json() == log.about["env_spec"]


def test_code_that_a_file_names_runs_only_if_it_is_trusted(
    collected: MinariDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither here nor in the processes that play."""
    (tmp_path / "stranger.py").write_text(
        "from pathlib import Path\n"
        "from sb3_presa.envs.bullet import SafetyBulletEnv as Env\n"
        "Path(__file__).with_suffix('.ran').touch()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "root"))
    log, path = ActionLog.of(collected), tmp_path / "log.npz"
    spec = json.loads(log.about["env_spec"]) | {"entry_point": "stranger:Env"}
    dataclasses.replace(log, about={**log.about, "env_spec": json.dumps(spec)}).save(path)
    command = ["replay", str(path), "--workers", "1", "--quiet"]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1
    assert "stranger:Env" in refused.stderr
    assert "--trust" in refused.stderr
    assert not (tmp_path / "stranger.ran").exists()
    assert not (tmp_path / "root" / "presa").exists()
    trusted = CliRunner().invoke(app, [*command, "--trust"])
    assert trusted.exit_code == 0, trusted.output
    assert (tmp_path / "stranger.ran").exists()


def test_a_worker_that_dies_is_told_and_a_second_replay_is_whole(
    box_dataset: MinariDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(dying_env.FOLDER, str(tmp_path))
    log = ActionLog.of(box_dataset)
    spec = json.loads(log.about["env_spec"]) | {"entry_point": "dying_env:DyingEnv"}
    log = dataclasses.replace(log, about={**log.about, "env_spec": json.dumps(spec)})
    (tmp_path / f"die-{log.seeds[5]}").touch()
    replay = partial(
        log.replay, root=tmp_path / "root", progress_bar=False, trust=True, n_workers=2
    )
    with pytest.raises(WorkerError, match="signal SIGKILL"):
        replay()
    assert not list(tmp_path.glob("root/**/*.hdf5"))
    again = replay()
    assert (again.n_different, len(again.dataset)) == (0, len(log.seeds))


def test_a_missing_simulator_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the processes that play it is imported first."""
    (tmp_path / "safety_gymnasium.py").write_text("raise ModuleNotFoundError('it is not here')\n")
    monkeypatch.syspath_prepend(tmp_path)
    (path,) = (path for path in LOGS if path.stem == "point-circle1")
    with pytest.raises(SimulatorNotInstalledError, match="sb3-presa install-simulators safety"):
        ActionLog.load(path).replay(root=tmp_path, n_workers=2, progress_bar=False)
    with pytest.raises(ConfigError, match="`n_workers` must be at least 1, got 0"):
        ActionLog.load(path).replay(root=tmp_path, n_workers=0)


# --- commands and files ----------------------------------------------------------------------


def test_the_commands(
    collected: MinariDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    run, log = CliRunner(), tmp_path / "log.npz"
    source = Path(collected.storage.data_path).parent
    assert run.invoke(app, ["log-actions", str(source), str(log)]).exit_code == 0
    result = run.invoke(
        app, ["replay", str(log), "--workers", "1", "--quiet", "--id", "me/again-v0"]
    )
    assert result.exit_code == 0, result.output
    assert "Wrote me/again-v0: 9 episodes, 900 steps" in result.output
    assert (tmp_path / "me" / "again-v0" / "data" / "main_data.hdf5").is_file()


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_the_logs_of_the_benchmark_repeat_here(path: Path, tmp_path: Path) -> None:
    """Some episodes of each, bit for bit: its results are of the same data on any machine."""
    log = ActionLog.load(path)
    assert log.about["dataset_id"] == f"presa/{path.stem}-v0"
    skip_without(simulator_of(json.loads(log.about["env_spec"])["id"]))
    rows = np.linspace(0, len(log.seeds) - 1, 4).astype(int)
    ends = np.cumsum(log.lengths)
    some = ActionLog(
        seeds=log.seeds[rows],
        lengths=log.lengths[rows],
        actions=np.concatenate([log.actions[ends[i] - log.lengths[i] : ends[i]] for i in rows]),
        hashes=[log.hashes[i] for i in rows],
        about={**log.about, "attributes": [log.about["attributes"][i] for i in rows]},
    )
    made = some.replay(root=tmp_path, progress_bar=False)
    assert made.n_different == 0
    assert len(load_transitions(made.dataset).episode_ids) == len(rows)
