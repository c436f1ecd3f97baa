"""A dataset comes back, to the last bit, from its episodes' seeds and actions."""

import dataclasses
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
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
from sb3_presa.collect import action_log
from sb3_presa.collect.action_log import ActionLog
from sb3_presa.collect.collection import CollectRecipe, collect
from sb3_presa.collect.episodes import episode_buffer
from sb3_presa.collect.playing import play_episode
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
    with pytest.raises(DatasetError, match=r"log\.npz cannot be read"):
        ActionLog.load(path)
    with pytest.raises(DatasetError, match=r"missing\.npz cannot be read: No such file"):
        ActionLog.load(tmp_path / "missing.npz")
    dataclasses.replace(log, about={**log.about, "format": 2}).save(path)
    with pytest.raises(DatasetError, match="format of an action log must be 1, got 2"):
        ActionLog.load(path)
    dataclasses.replace(log, actions=log.actions[1:]).save(path)
    with pytest.raises(DatasetError, match=r"one action per step, got .* 899 actions"):
        ActionLog.load(path)


def short_log(**about: Any) -> ActionLog:
    """Two episodes, of 2 steps and of 1."""
    entries = {
        "format": 1,
        "dataset_id": "toy/short-v0",
        "env_spec": gym.spec(BALL_RUN).to_json(),
        "ref_scores": [None, 1.5],
        "metadata": {},
        "attributes": [{}, {}],
    }
    return ActionLog(
        seeds=np.array([2**64 - 1, 0], np.uint64),
        lengths=np.array([2, 1]),
        actions=np.zeros((3, 2), np.float32),
        hashes=[bytes(32), bytes(32)],
        about={**entries, **about},
    )


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"attributes": None}, "`attributes` must be a list, got None"),
        ({"attributes": [{}, 3]}, "`attributes` of episode 1 must be a JSON object, got 3"),
        ({"attributes": [{}]}, "2 episodes of 3 steps, 2 seeds, 2 hashes, 1 attributes"),
        ({"options": [None]}, "one seed and one hash per episode"),
        ({"options": [None, {"x": {"__array__": [1], "dtype": "O"}}]}, "array must be of numbers"),
        ({"ref_scores": [0.0]}, "`ref_scores` must be two numbers or null"),
        ({"ref_scores": [0.0, float("inf")]}, "`ref_scores` must be two numbers or null"),
        ({"metadata": {"description": 1}}, "`description` must be a text, got 1"),
        ({"env_spec": None}, "`env_spec` must be a str, got None"),
        ({"dataset_id": 5}, "`dataset_id` must be a str, got 5"),
    ],
)
def test_parts_of_other_kinds_are_refused(
    about: dict[str, Any], message: str, tmp_path: Path
) -> None:
    short_log(**about).save(tmp_path / "log.npz")
    with pytest.raises(DatasetError, match=rf"log.npz is not an action log: .*{message}"):
        ActionLog.load(tmp_path / "log.npz")


@pytest.mark.parametrize("name", ["seed", "length", "actions", "episode_hash", "about"])
def test_a_column_that_was_changed_is_refused(name: str, tmp_path: Path) -> None:
    """The archive is written anew, so that its own checksums are right."""
    path = tmp_path / "log.npz"
    short_log().save(path)
    with np.load(path) as file:
        columns = dict(file)
    columns[name] = columns[name].copy()
    columns[name].reshape(-1).view(np.uint8)[0] ^= 1
    np.savez_compressed(path, **columns)
    with pytest.raises(DatasetError, match="checksum differs"):
        ActionLog.load(path)
    del columns[name]
    np.savez_compressed(path, **columns)
    with pytest.raises(DatasetError, match=rf"must hold .*'{name}'\] missing"):
        ActionLog.load(path)


def test_one_bit_anywhere_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    path, flipped = tmp_path / "log.npz", tmp_path / "flipped.npz"
    log = short_log()
    log.save(path)
    content = path.read_bytes()
    refused = 0
    for bit in range(0, 8 * len(content), 7):  # every byte
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        flipped.write_bytes(changed)
        try:
            found = ActionLog.load(flipped)
        except DatasetError:
            refused += 1
        else:
            for one in ("seeds", "lengths", "actions"):
                np.testing.assert_array_equal(getattr(found, one), getattr(log, one))
            assert (found.hashes, found.about) == (log.hashes, log.about)
    assert refused > len(content) // 2


def test_what_a_header_declares_is_not_allocated(tmp_path: Path) -> None:
    path = tmp_path / "log.npz"
    short_log().save(path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 2), }"
    entries["actions.npy"] = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    with pytest.raises(DatasetError, match="must have 8,796,093,022,208 bytes, got 0"):
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
        DatasetError, match=r"must have a seed.*None for episode 0 of dataset 'toy/seedless-v0'"
    ):
        ActionLog.of(minari.load_dataset("toy/seedless-v0"))


class Shifted(gym.Env[Any, Any]):
    """Stands where the options of its reset put it, and costs what they say."""

    observation_space: gym.Space[Any] = gym.spaces.Box(-9.0, 9.0, (2,))
    action_space = gym.spaces.Box(-1.0, 1.0, (1,))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        options = options or {}
        assert isinstance(options.get("place", np.zeros(2)), np.ndarray)
        self._place = np.asarray(options.get("place", self.np_random.random(2)), np.float32)
        self._rules = {"reward": 0.5, **options.get("rules", {})}
        return self._place.copy(), {}

    def step(self, action: Any) -> Any:
        info = {"cost": 1.0} if self._rules.get("costs", True) else {}
        return self._place.copy(), self._rules["reward"], False, False, info


gym.register("test/Shifted-v0", "test_action_log:Shifted", max_episode_steps=3)


class Keyed(Shifted):
    """The place under one key; under another a count, in an array that changes in place."""

    observation_space = gym.spaces.Dict(
        place=Shifted.observation_space, count=gym.spaces.MultiDiscrete([9])
    )

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        place, info = super().reset(seed=seed, options=options)
        self._seen = {"place": place, "count": np.zeros(1, np.int64)}
        return self._seen, info

    def step(self, action: Any) -> Any:
        self._seen["count"] += 1
        return self._seen, *super().step(action)[1:]


gym.register("test/Keyed-v0", "test_action_log:Keyed", max_episode_steps=3)


def test_observations_by_key_are_repeated(
    minari_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(action_log, "run_tasks", in_this_process)
    env = gym.make("test/Keyed-v0")
    rng = np.random.default_rng(0)
    played = [
        play_episode(env, seed, lambda _: rng.uniform(-1, 1, 1).astype(np.float32))
        for seed in (0, 1)
    ]
    assert played[1]["observations"]["count"].tolist() == [[0], [1], [2], [3]]
    dataset = write_dataset(
        "toy/keyed-v0",
        [episode_buffer(one) for one in played],
        observation_space=env.observation_space,
        action_space=env.action_space,
        env_spec=env.spec,
    )
    log = ActionLog.of(dataset)
    assert log.replay("toy/keyed-v1", progress_bar=False, trust=True).n_different == 0


def play_shifted(dataset_id: str, resets: list[dict[str, Any]]) -> MinariDataset:
    env = gym.make("test/Shifted-v0")
    buffers = []
    for reset in resets:
        made = play_episode(env, reset["seed"], lambda _: np.zeros(1, np.float32), reset["options"])
        buffers.append(episode_buffer(made))
    return write_dataset(
        dataset_id,
        buffers,
        observation_space=env.observation_space,
        action_space=env.action_space,
        env_spec=env.spec,
        episode_metadata=[
            {"rewards_sum": 99.0, "rewards_max": 99.0, "driver/name": "A"} for _ in resets
        ],
    )


def test_seeds_and_options_of_resets_are_repeated(
    minari_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(action_log, "run_tasks", in_this_process)
    dataset = play_shifted(
        "toy/shifted-v0",
        [
            {
                "seed": 2**64 - 1,
                "options": {"place": np.array([1.5, -2.0]), "rules": {"reward": 2}},
            },
            {"seed": 2**63 + 5, "options": None},
        ],
    )
    ActionLog.of(dataset).save(minari_root / "log.npz")
    made = ActionLog.load(minari_root / "log.npz").replay(
        "toy/again-v0", progress_bar=False, trust=True
    )
    assert made.n_different == 0
    again = list(made.dataset.storage.get_episode_metadata([0, 1]))
    assert [entries["seed"] for entries in again] == [2**64 - 1, 2**63 + 5]
    np.testing.assert_array_equal(again[0]["options"]["place"], [1.5, -2.0])
    assert again[0]["options"]["rules"] == {"reward": 2} and "options" not in again[1]
    assert next(iter(made.dataset)).observations[0].tolist() == [1.5, -2.0]
    # What was computed from the rewards is of the rewards that are there
    assert [(e["rewards_sum"], e["rewards_max"]) for e in again] == [(6.0, 2.0), (1.5, 0.5)]
    assert [e["driver"] for e in again] == [{"name": "A"}] * 2


def test_environments_without_costs_are_refused_before_anything_is_played(
    minari_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reset = {"seed": 1, "options": {"rules": {"reward": 2}}}
    log = ActionLog.of(play_shifted("toy/free-v0", [reset]))
    monkeypatch.setattr(action_log, "run_tasks", None)  # not callable
    free = {**log.about, "options": [{"rules": {"costs": False}}]}
    with pytest.raises(DatasetError, match="info of every step of test/Shifted-v0 must contain"):
        dataclasses.replace(log, about=free).replay("toy/again-v0", trust=True)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seeds_that_no_reset_takes_are_refused(
    seed: int, minari_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = play_shifted("toy/shifted-v0", [{"seed": 1, "options": None}])
    entries = {"seed": seed}
    monkeypatch.setattr(type(dataset.storage), "get_episode_metadata", lambda *_: [entries])
    with pytest.raises(DatasetError, match=rf"a seed in \[0, 2\*\*64\).*got {seed} for episode 0"):
        ActionLog.of(dataset)


def test_options_that_json_cannot_hold_are_refused(
    minari_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = play_shifted("toy/shifted-v0", [{"seed": 1, "options": None}])
    entries = {"seed": 1, "options": {"map": object()}}
    monkeypatch.setattr(type(dataset.storage), "get_episode_metadata", lambda *_: [entries])
    with pytest.raises(DatasetError, match=r"options and attributes of episode 0 .*<object object"):
        ActionLog.of(dataset)


def in_this_process(
    tasks: Sequence[Any], n_workers: int, prepare: Callable[..., Any], *arguments: Any, **_: Any
) -> Iterator[tuple[int, Any]]:
    """As workers do it, which do not know what a test registered."""
    work = prepare(print, *arguments)
    return ((index, work(task)) for index, task in enumerate(tasks))


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
    collected: MinariDataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    strangers_module: Callable[[str], Path],
) -> None:
    """Neither here nor in the processes that play."""
    ran = strangers_module("from sb3_presa.envs.bullet import SafetyBulletEnv as Env\n")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "root"))
    log, path = ActionLog.of(collected), tmp_path / "log.npz"
    spec = json.loads(log.about["env_spec"]) | {"entry_point": "stranger:Env"}
    dataclasses.replace(log, about={**log.about, "env_spec": json.dumps(spec)}).save(path)
    command = ["replay", str(path), "--workers", "1", "--quiet"]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1
    assert "stranger:Env" in refused.stderr
    assert "--trust" in refused.stderr
    assert not ran.exists()
    assert not (tmp_path / "root" / "presa").exists()
    trusted = CliRunner().invoke(app, [*command, "--trust"])
    assert trusted.exit_code == 0, trusted.output
    assert ran.exists()


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
    """The shortest episode of each, bit for bit: results are of the same data on any machine."""
    log = ActionLog.load(path)
    assert log.about["dataset_id"] == f"presa/{path.stem}-v0"
    skip_without(simulator_of(json.loads(log.about["env_spec"])["id"]))
    ends, row = np.cumsum(log.lengths), int(log.lengths.argmin())
    one = slice(row, row + 1)
    shortest = ActionLog(
        seeds=log.seeds[one],
        lengths=log.lengths[one],
        actions=log.actions[ends[row] - log.lengths[row] : ends[row]],
        hashes=log.hashes[one],
        about={**log.about, "attributes": log.about["attributes"][one]},
    )
    made = shortest.replay(root=tmp_path, progress_bar=False)
    assert made.n_different == 0
    assert len(load_transitions(made.dataset).episode_ids) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_actions_that_are_not_finite_are_refused(value: float, tmp_path: Path) -> None:
    """Before a simulator is given them."""
    log = short_log()
    log.actions[2, 1] = value
    log.save(tmp_path / "log.npz")
    said = rf"must be finite, got \[0\.0, {value}\] \(episode 1, step 0"
    with pytest.raises(DatasetError, match=said):
        ActionLog.load(tmp_path / "log.npz")
