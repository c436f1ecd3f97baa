"""Collecting end to end: what is recorded repeats, and an interruption loses no more than a job."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dying_env
import gymnasium as gym
import minari
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minari import MinariDataset
from needs import needs, skip_without
from test_action_log import in_this_process
from toy_envs import Kind, PointEnv, env_id

from sb3_presa.collect import collection as collect_module
from sb3_presa.collect.agents import CostPenalty, CostWeight, Job
from sb3_presa.collect.collection import CollectRecipe, collect
from sb3_presa.collect.playing import play_episode
from sb3_presa.collect.thinning import thin
from sb3_presa.errors import ConfigError, DatasetError, WorkerError
from sb3_presa.evaluation.safety import _SeededEpisodes
from sb3_presa.workers import run_tasks

ENV_ID = "presa/SafetyBallRun-v0"
TINY = CollectRecipe(
    n_episodes=20,
    steps_per_agent=256,
    cost_weights=(1.0,),
    cost_budgets=((40.0, 10.0),),
    checkpoints=2,
    stochastic_episodes=2,
    deterministic_episodes=1,
    mixed_episodes=1,
    random_episodes=6,
    reward_range=(-1e4, 1e4),
    cost_range=(0.0, 100.0),
    n_envs=2,
    ppo={"n_steps": 64, "n_epochs": 1},
)


def contents(dataset: MinariDataset) -> list[tuple[Any, ...]]:
    """Everything that is recorded, comparable with ``==``."""
    seeds = dataset.storage.get_episode_metadata(range(dataset.total_episodes))
    return [
        (
            metadata["seed"],
            episode.observations.tobytes(),
            episode.actions.tobytes(),
            episode.rewards.tobytes(),
            episode.infos["cost"].tobytes(),
        )
        for metadata, episode in zip(seeds, dataset.iterate_episodes(), strict=True)
    ]


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> MinariDataset:
    skip_without("bullet")
    return collect(
        ENV_ID, "presa/tiny-v0", TINY, n_workers=2, root=tmp_path_factory.mktemp("datasets")
    )


def test_every_episode_is_repeated_by_its_seed_and_actions(collected: MinariDataset) -> None:
    metadata = collected.storage.get_episode_metadata(range(len(collected)))
    seeds = [entry["seed"] for entry in metadata]
    assert len(set(seeds)) == len(collected) == 20
    with contextlib.closing(collected.recover_environment(eval_env=True)) as env:
        for seed, episode in zip(seeds, collected.iterate_episodes(), strict=True):
            observations: list[Any] = [env.reset(seed=seed)[0]]
            costs, ended = [0.0], (False, False)
            for action, reward in zip(episode.actions, episode.rewards, strict=True):
                assert ended == (False, False)
                observation, got, *ended_now, info = env.step(action)
                ended = (ended_now[0], ended_now[1])
                observations.append(observation)
                costs.append(info["cost"])
                assert np.float32(got) == reward
            np.testing.assert_array_equal(observations, episode.observations)
            np.testing.assert_array_equal(costs, episode.infos["cost"])
            assert ended == (episode.terminations[-1], episode.truncations[-1])


def test_the_metadata_say_how_it_was_made(collected: MinariDataset) -> None:
    metadata = collected.storage.metadata
    made = metadata["collection"]
    assert CollectRecipe.from_dict(made["recipe"]) == TINY
    assert (made["env_id"], made["seed"]) == (ENV_ID, 0)
    assert made["agents"] == [["random"], ["weight", 1.0], ["budget", 40.0, 10.0]]
    assert made["recorded_episodes"] == 6 + 2 * 2 * 4
    assert made["versions"]["pybullet"] and made["versions"]["bullet-safety-gym"]
    assert made["wall_seconds"] > 0 and made["workers"] == 2
    assert (metadata["ref_min_score"], metadata["ref_max_score"]) == (26.3398, 1327.4456)
    episodes = list(collected.storage.get_episode_metadata(range(len(collected))))
    assert {entry["agent"] for entry in episodes} == {0, 1, 2}
    assert {bool(entry["deterministic"]) for entry in episodes} == {False, True}
    assert {int(entry["trained_steps"]) for entry in episodes} == {0, 128}


def test_nothing_hidden_is_left_and_minari_lists_it(
    collected: MinariDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(collected.storage.data_path).parents[2]
    assert [path.name for path in root.iterdir()] == ["presa"]
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(root))
    assert list(minari.list_local_datasets()) == ["presa/tiny-v0"]


def test_an_interrupted_collection_goes_on_from_its_finished_jobs_to_the_same_data(
    collected: MinariDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(collect_module, "assemble", interrupt)
        collect(ENV_ID, "presa/tiny-v0", TINY, n_workers=1, progress_bar=False, root=tmp_path)
    assert not (tmp_path / "presa").exists()
    (lost,) = tmp_path.glob(".collecting-*/*/job-002.npz")
    lost.unlink()

    rerun: list[int] = []

    def spy(tasks: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        rerun.extend(job.index for job, _ in tasks)
        return run_tasks(tasks, *args, **kwargs)

    monkeypatch.setattr(collect_module, "run_tasks", spy)
    again = collect(ENV_ID, "presa/tiny-v0", TINY, n_workers=1, root=tmp_path)
    assert rerun == [2]
    assert contents(again) == contents(collected)


@needs("bullet")
def test_killed_at_any_moment_no_half_dataset_loads_and_no_worker_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    recipe = dataclasses.replace(TINY, cost_budgets=(), random_episodes=40)
    code = (
        "import sys; sys.path[:0] = ['tests']\n"
        "from test_collect import ENV_ID, TINY, collect, dataclasses\n"
        "recipe = dataclasses.replace(TINY, cost_budgets=(), random_episodes=40)\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    collect(ENV_ID, 'tiny-v0', recipe, n_workers=2, overwrite=True)\n"
    )
    rng = np.random.default_rng(0)
    workers: set[int] = set()
    for _ in range(6):
        command = [sys.executable, "-c", code]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.uniform(0, 3))
            workers |= children(process.pid)
            process.send_signal(signal.SIGKILL)
        for dataset_id in minari.list_local_datasets():
            assert len(contents(minari.load_dataset(dataset_id))) == 20
    deadline = time.monotonic() + 120
    while any(alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in workers if alive(pid)]
    dataset = collect(ENV_ID, "tiny-v0", recipe, overwrite=True, progress_bar=False)
    assert len(dataset) == 20
    assert not list(tmp_path.glob(".collecting-*"))


def children(pid: int) -> set[int]:
    """Child processes, where the system lists them (Linux)."""
    listing = Path(f"/proc/{pid}/task/{pid}/children")
    return set(map(int, listing.read_text().split())) if listing.exists() else set()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that ended but was not waited for, its parent being dead, counts as ended.
    return ") Z " not in Path(f"/proc/{pid}/stat").read_text()


def test_a_taken_id_is_refused_before_anything_is_trained(collected: MinariDataset) -> None:
    root = Path(collected.storage.data_path).parents[2]
    with pytest.raises(DatasetError, match="exists already"):
        collect(ENV_ID, "presa/tiny-v0", TINY, root=root)
    with pytest.raises(DatasetError, match="-vN"):
        collect(ENV_ID, "presa/tiny", TINY, root=root)


class Costless(gym.Env[Any, Any]):
    observation_space = gym.spaces.Box(-1, 1, (2,))
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return np.zeros(2, np.float32), 0.0, False, False, {"speed": 1.0}


def test_an_environment_that_cannot_be_collected_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gym.envs.registration, "registry", dict(gym.registry))
    gym.register("test/Costless-v0", lambda **_: Costless(), max_episode_steps=5)
    gym.register("test/Endless-v0", lambda **_: Costless())
    with pytest.raises(DatasetError, match=r"test/Costless-v0.*'cost', got.*\['speed'\].*step 0"):
        collect("test/Costless-v0", "toy-v0", TINY, root=tmp_path)
    with pytest.raises(ConfigError, match=r"test/Endless-v0 must have .*max_episode_steps.*None"):
        collect("test/Endless-v0", "toy-v0", TINY, root=tmp_path)
    monkeypatch.setattr(Costless, "observation_space", gym.spaces.Text(5))
    with pytest.raises(ConfigError, match=r"observation space of .*must be Box, got Text"):
        collect("test/Costless-v0", "toy-v0", TINY, root=tmp_path)
    assert not list(tmp_path.iterdir())


def test_workers_and_seed_have_their_least(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`n_workers` must be at least 1, got 0"):
        collect(ENV_ID, "toy-v0", TINY, n_workers=0, root=tmp_path)
    with pytest.raises(ConfigError, match="`seed` must be at least 0, got -1"):
        collect(ENV_ID, "toy-v0", TINY, seed=-1, root=tmp_path)
    with pytest.raises(
        ConfigError, match=r"`ppo` must contain only finite JSON.* not JSON serializable"
    ):
        CollectRecipe(ppo={"policy_kwargs": {"activation_fn": object}})


def test_importing_it_leaves_torch_and_sb3_alone() -> None:
    code = (
        "import sys, sb3_presa.collect.collection, sb3_presa.data.example\n"
        "assert not {'torch', 'stable_baselines3', 'pybullet'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


class CostlyWalk(gym.Env[Any, Any]):
    """Ten steps that cost what the action says; says in which process it runs."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012
    observation_space = gym.spaces.Box(-1, 1, (2,))
    action_space: gym.Space[Any] = gym.spaces.Box(-1, 1, (1,))

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return self.np_random.uniform(-1, 1, 2).astype(np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        where = os.environ.get("TEST_COLLECT_PROCESSES")
        if where:
            (Path(where) / str(os.getpid())).touch()
        observation = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        return observation, 1.0, False, False, {"cost": abs(float(action[0]))}


gym.register("test/CostlyWalk-v0", "test_collect:CostlyWalk", max_episode_steps=10)
WALK = CollectRecipe(
    env_id="test_collect:test/CostlyWalk-v0",
    dataset_id="toy/walk-v0",
    n_episodes=60,
    steps_per_agent=80,
    cost_weights=(1.0,),
    cost_budgets=((5.0, 1.0),),
    checkpoints=2,
    stochastic_episodes=2,
    random_episodes=0,
    n_envs=2,
    ppo={"n_steps": 20, "n_epochs": 1, "batch_size": 20},
)


def test_environments_in_processes_of_their_own_give_the_same_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, processes = [], []
    for vec_env in ("dummy", "subproc"):
        recipe = dataclasses.replace(WALK, vec_env=vec_env)
        folder = tmp_path / vec_env
        folder.mkdir()
        monkeypatch.setenv("TEST_COLLECT_PROCESSES", str(folder))
        dataset = collect(recipe=recipe, n_workers=1, root=tmp_path / f"{vec_env}-root")
        found.append(contents(dataset))
        processes.append({int(path.name) for path in folder.iterdir()} - {os.getpid()})
    assert found[0] == found[1]
    # One worker; and beside it, for each of two agents, two environments.
    assert [len(pids) for pids in processes] == [1, 5]
    assert not [pid for pid in processes[1] if alive(pid)]


@pytest.mark.parametrize(("kind", "policy"), [("box", "MlpPolicy"), ("image", "CnnPolicy")])
def test_the_observations_choose_the_policy(
    kind: Kind, policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same episodes as with the policy that fits; images were flattened for a `MlpPolicy`."""
    monkeypatch.setattr(collect_module, "run_tasks", in_this_process)
    recipe = dataclasses.replace(WALK, env_id=env_id(kind), steps_per_agent=20, cost_budgets=())
    recipe = dataclasses.replace(recipe, reward_range=(-1e3, 1e3), cost_range=(0.0, 1e3))
    assert recipe.policy == "auto"
    found = [
        contents(collect(recipe=dataclasses.replace(recipe, policy=name), root=tmp_path / name))
        for name in ("auto", policy)
    ]
    assert found[0] == found[1]


class Turns(CostlyWalk):
    """Looks actions up in a table, as maze and grid worlds do: arrays cannot be looked up."""

    action_space = gym.spaces.Discrete(2)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return super().step([{0: -1.0, 1: 0.5}[action]])


gym.register("test/Turns-v0", "test_collect:Turns", max_episode_steps=10)


def test_agents_give_numbers_to_discrete_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect_module, "run_tasks", in_this_process)
    recipe = dataclasses.replace(WALK, env_id="test/Turns-v0", cost_budgets=(), mixed_episodes=1)
    dataset = collect(recipe=recipe, root=tmp_path)
    assert {float(one.infos["cost"][1:].min()) for one in dataset.iterate_episodes()} <= {0.5, 1.0}


@pytest.mark.parametrize(("checkpoints", "steps"), [(2, [0, 40]), (3, [0, 40, 80])])
def test_the_finished_agent_is_recorded_where_rollouts_are_few(
    checkpoints: int, steps: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect_module, "run_tasks", in_this_process)
    recipe = dataclasses.replace(WALK, cost_budgets=(), checkpoints=checkpoints)
    dataset = collect(recipe=recipe, root=tmp_path)
    metadata = dataset.storage.get_episode_metadata(range(len(dataset)))
    assert sorted({int(entry["trained_steps"]) for entry in metadata}) == steps


def lean(env: gym.Env[Any, Any], rng: np.random.Generator) -> Any:
    """A scripted agent that does the same all along."""
    action = np.full(env.action_space.shape or (), rng.uniform(-1, 1), np.float32)
    return lambda _: action


def test_scripted_agents_are_made_anew_for_each_episode(tmp_path: Path) -> None:
    recipe = dataclasses.replace(
        WALK, cost_weights=(), cost_budgets=(), scripted="test_collect:lean", scripted_episodes=60
    )
    dataset = collect(recipe=recipe, n_workers=1, root=tmp_path)
    assert (dataset.id, len(dataset)) == ("toy/walk-v0", 60)
    actions = [episode.actions for episode in dataset.iterate_episodes()]
    assert all((action == action[0]).all() for action in actions)
    assert len({float(action[0, 0]) for action in actions}) == 60
    collection = dataset.storage.metadata["collection"]
    assert collection["agents"] == [["scripted", 50.0], ["scripted", 10.0]]
    assert "scripted" in dataset.storage.metadata["algorithm_name"]


def test_what_would_fail_at_the_end_is_refused_before_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gym.envs.registration, "registry", dict(gym.registry))
    monkeypatch.setattr(collect_module, "run_tasks", None)
    gym.register("test/Class-v0", lambda **_: CostlyWalk(), max_episode_steps=10)
    with pytest.raises(ConfigError, match=r"registered with a text 'module:Class'.*<lambda>"):
        collect("test/Class-v0", recipe=WALK, root=tmp_path)
    for name in ("test_collect:lenient", "test_collected:lean"):
        recipe = dataclasses.replace(WALK, scripted=name, scripted_episodes=1)
        with pytest.raises(ConfigError, match=rf"function that can be imported, got '{name}'"):
            collect(recipe=recipe, root=tmp_path)
    with pytest.raises(ConfigError, match=r"`stochastic_episodes` or .* must be at least 1 where"):
        dataclasses.replace(WALK, stochastic_episodes=0, deterministic_episodes=0)
    assert not list(tmp_path.iterdir())


def test_no_two_purposes_of_a_collection_share_random_numbers() -> None:
    """NumPy ignores zeros at the end of a list of seeds: episode 0 began as the training did."""
    jobs = [
        Job(i, "random", (), ENV_ID, seed, 1.0, 80.0, TINY) for i in range(4) for seed in (0, 1, 5)
    ]
    seeds = [job.training_seed for job in jobs] + [job.random_action_seed for job in jobs]
    seeds += [int(job.rng.bit_generator.random_raw()) for job in jobs]
    seeds += [job.episode_seed(episode) for job in jobs for episode in range(4)]
    assert len(set(seeds)) == len(seeds) == 12 * (3 + 4)
    evaluated = {seed for start in (0, 1, 5) for seed in evaluation_seeds(start)}
    assert not evaluated & {seed % 2**31 for seed in seeds} and len(evaluated) == 12


def evaluation_seeds(start: int) -> list[int]:
    """The seeds modulo 2**31 of the episodes of an evaluation."""
    seeds: list[int] = []

    class Env(PointEnv):
        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            assert seed is not None
            seeds.append(seed % 2**31)
            return super().reset(seed=seed, options=options)

    env = _SeededEpisodes(Env(), start)
    for _ in range(4):
        env.reset()
    return seeds


def test_a_worker_that_dies_is_told_and_the_finished_jobs_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(dying_env.FOLDER, str(tmp_path))
    recipe = dataclasses.replace(
        WALK,
        env_id="dying_env:toy/Dying-v0",
        cost_weights=(),
        cost_budgets=(),
        scripted="test_collect:lean",
        scripted_episodes=60,
        cost_range=(0.0, 100.0),
    )
    whole = contents(collect(recipe=recipe, n_workers=1, root=tmp_path / "whole"))
    second = Job(1, "scripted", (10.0,), recipe.env_id or "", 0, 1.0, 100.0, recipe)
    (tmp_path / f"die-{second.episode_seed(3)}").touch()
    with pytest.raises(WorkerError, match="signal SIGKILL"):
        collect(recipe=recipe, n_workers=1, root=tmp_path / "died")
    (kept,) = (tmp_path / "died").glob(".collecting-*/*/*.npz")
    assert kept.name == "job-000.npz"
    assert contents(collect(recipe=recipe, n_workers=1, root=tmp_path / "died")) == whole


def test_the_call_names_what_the_recipe_does_not(tmp_path: Path) -> None:
    nameless = dataclasses.replace(WALK, env_id=None)
    with pytest.raises(ConfigError, match="`env_id` must be given"):
        collect(recipe=nameless, root=tmp_path)
    with pytest.raises(ConfigError, match="`dataset_id` must be given"):
        collect(ENV_ID, root=tmp_path)
    with pytest.raises(DatasetError, match="-vN"):
        collect(recipe=WALK, dataset_id="toy/other", root=tmp_path)


def test_recorded_actions_lie_on_the_grid_of_action_bits(tmp_path: Path) -> None:
    coarse = dataclasses.replace(WALK, random_episodes=3, action_bits=4)
    dataset = collect(recipe=coarse, n_workers=1, root=tmp_path)
    space = dataset.spec.action_space
    assert isinstance(space, gym.spaces.Box)
    actions = np.concatenate([episode.actions for episode in dataset.iterate_episodes()])
    assert actions.dtype == space.dtype and space.contains(actions.min(axis=0))
    steps = (actions - space.low) / (space.high - space.low) * 16
    assert np.array_equal(steps, np.round(steps)) and len(np.unique(steps)) > 8


def test_action_bits_need_bounds(tmp_path: Path) -> None:
    coarse = dataclasses.replace(WALK, action_bits=4, env_id=env_id("discrete"))
    with pytest.raises(ConfigError, match=r"`action_bits` must be None unless .*, got 4 and Disc"):
        collect(recipe=coarse, root=tmp_path)


def test_what_does_not_change_the_data_does_not_change_the_digest() -> None:
    digest = WALK.digest("a", 0)
    same = dataclasses.replace(WALK, env_id=None, dataset_id="b-v0", cost_limit=1.0)
    assert same.digest("a", 0) == digest
    other = dataclasses.replace(WALK, vec_env="subproc")
    assert len({digest, other.digest("a", 0), WALK.digest("a", 1), WALK.digest("b", 0)}) == 4


class ResetsItself(gym.Wrapper[Any, Any, Any, Any]):
    """As Gymnasium's vector environments in the mode ``same-step``."""

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        reward = float(reward)
        if terminated or truncated:
            final = {"final_obs": observation, "final_info": info}
            observation, info = self.env.reset()
            info |= final
        return observation, reward, terminated, truncated, info


@pytest.mark.parametrize("wrap", [ResetsItself, gym.wrappers.Autoreset])
def test_an_episode_ends_with_its_own_observation_and_cost(wrap: Any) -> None:
    """Not with the first ones of the next, where the environment resets itself."""
    plain = gym.make(env_id("box"))

    def upwards(_: Any) -> Any:
        return np.array([0.3, 1.0], np.float32)

    for seed in (3, 4):
        expected = play_episode(plain, seed, upwards)
        found = play_episode(wrap(gym.make(env_id("box"))), seed, upwards)
        assert expected["costs"][-1] == 1.0
        for key in ("observations", "actions", "rewards", "costs"):
            np.testing.assert_array_equal(found[key], expected[key])


def test_an_agent_is_charged_the_last_cost_of_an_environment_that_resets_itself() -> None:
    job = Job(0, "weight", (1.0,), env_id("box"), 0, 1.0, 10.0, TINY)
    env = CostPenalty(ResetsItself(gym.make(env_id("box"))), job, 1.0)
    episode = play_episode(env, 3, lambda _: np.array([0.3, 1.0], np.float32))
    assert env.finished_costs() == [episode["costs"].sum()]
    assert episode["costs"][-1] == 1.0


@needs("bullet")
def test_nothing_in_the_ranges_and_a_failing_worker_are_told(tmp_path: Path) -> None:
    untrained = dataclasses.replace(TINY, cost_weights=(), cost_budgets=())
    too_good = dataclasses.replace(untrained, reward_range=(1e5, 1e6))
    with pytest.raises(DatasetError, match=r"at least one recorded episode.*100000.*none of 6"):
        collect(ENV_ID, "toy-v0", too_good, progress_bar=False, root=tmp_path)
    with pytest.raises(ConfigError, match=r"`ppo\.colour` is unknown"):
        dataclasses.replace(TINY, cost_budgets=(), ppo={"n_steps": 64, "colour": "red"})
    assert not (tmp_path / "toy-v0").exists()


def test_a_recipe_is_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("cost_budgets = [[40.0, 0.0]]\n[ppo]\nlearning_rate = 0.001\n")
    recipe = CollectRecipe.from_toml(path)
    assert recipe == CollectRecipe(cost_budgets=((40.0, 0.0),), ppo={"learning_rate": 0.001})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("checkpoint = 3", r"settings must be among .*'checkpoints'.*, got \['checkpoint'\]"),
        ("checkpoints = 0", r"`checkpoints` must be an integer in \[1, .*, got 0"),
        ("checkpoints = 1.5", r"`checkpoints` must be an integer in \[1, .*, got 1.5"),
        (
            "cost_weights = [-1.0]",
            r"`cost_weights` must be a list of finite numbers >= 0, got \(-1.0,\)",
        ),
        ("cost_weights = ['high']", r"`cost_weights` must be .*, got \('high',\)"),
        ("cost_budgets = [[1.0]]", "`cost_budgets` must be 2 finite numbers"),
        ("reward_range = [2.0, 1.0]", r"`reward_range` must be .*low < high, got \(2.0, 1.0\)"),
        ("cost_range = 3", "`cost_range` must be 2 finite numbers, got 3"),
        ("free_share = 1.0", "`free_share` must be less than 1, got 1.0"),
        ("env_id = 3", "`env_id` must be .*, got 3"),
        ("dataset_id = ''", "`dataset_id` must be .*, got ''"),
        ("cost_limit = -1.0", "`cost_limit` must be a finite number >= 0, got -1.0"),
        ("action_bits = 0", r"`action_bits` must be an integer in \[1, 23\], got 0"),
        ("vec_env = 'threads'", r"`vec_env` must be one of \['dummy', 'subproc'\], got 'threads'"),
        ("scripted = 'toy_envs'", "`scripted` must be 'module:function', got 'toy_envs'"),
        ("scripted_episodes = 2", "must be given together, got None and 2"),
        ("scripted = 'toy_envs:act'", "must be given together, got 'toy_envs:act' and 0"),
        ("= 3", "is not a TOML file"),
    ],
)
def test_a_bad_recipe_is_refused_by_file_and_setting(
    tmp_path: Path, line: str, message: str
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(line)
    with pytest.raises(ConfigError, match=rf"recipe\.toml.*{message}"):
        CollectRecipe.from_toml(path)


def test_a_recipe_takes_lists_as_its_file_does() -> None:
    lists: dict[str, Any] = {"cost_weights": [1.0], "cost_budgets": [[40.0, 10.0]]}
    lists |= {"reward_range": [-1e4, 1e4], "cost_range": [0.0, 100.0]}
    assert dataclasses.replace(TINY, **lists) == TINY


def test_a_recipe_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml cannot be read"):
        CollectRecipe.from_toml(tmp_path / "missing.toml")


def test_an_agent_pays_nothing_in_the_free_share_of_its_training() -> None:
    recipe = dataclasses.replace(TINY, free_share=0.5)
    fixed = CostWeight(Job(0, "weight", (0.3,), ENV_ID, 0, 1.0, 80.0, recipe))
    adaptive = CostWeight(Job(0, "budget", (10.0, 10.0), ENV_ID, 0, 1.0, 80.0, recipe))
    for progress, pays in ((0.0, False), (0.49, False), (0.5, True)):
        for weight in (fixed, adaptive):
            weight.episode_costs += [80.0]
            weight.update(progress)
            assert (weight.weight > 0) is pays


def test_an_adaptive_weight_rises_above_its_budget_and_falls_below_it() -> None:
    job = Job(0, "budget", (40.0, 0.0), ENV_ID, 0, 1.0, 80.0, TINY)
    weight = CostWeight(job)
    weight.episode_costs += [80.0, 60.0]
    weight.update(progress=0.0)
    assert weight.weight == pytest.approx(TINY.weight_rate * (70 - 40) / 80)
    risen = weight.weight
    weight.episode_costs += [30.0]
    weight.update(progress=0.1)
    assert 0 < weight.weight < risen
    weight.episode_costs += [30.0]
    weight.update(progress=1.0)  # the budget has swept to 0
    assert weight.weight > risen
    fixed = CostWeight(dataclasses.replace(job, kind="weight", setting=(0.3,)))
    fixed.episode_costs += [80.0]
    fixed.update(progress=0.5)
    assert fixed.weight == 0.3


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 1000),
    n=st.integers(1, 200),
    n_episodes=st.integers(1, 80),
    cells=st.integers(1, 6),
)
def test_thinning_spreads_what_it_keeps(seed: int, n: int, n_episodes: int, cells: int) -> None:
    rng = np.random.default_rng(seed)
    costs, rewards = np.floor(rng.exponential(20, n)), rng.normal(0, 10, n)
    kept = thin(
        costs,
        rewards,
        n_episodes=n_episodes,
        cells=cells,
        cost_range=(0, 50),
        reward_range=(-15, 15),
        rng=rng,
    )
    inside = (costs <= 50) & (np.abs(rewards) <= 15)
    assert inside[kept].all()
    assert (np.diff(kept) > 0).all()
    assert len(kept) == min(n_episodes, inside.sum())

    def counts(rows: Any) -> Any:
        bounds = [(0, 50), (-15, 15)]
        return np.histogram2d(costs[rows], rewards[rows], bins=cells, range=bounds)[0]

    chosen, available = counts(kept), counts(np.flatnonzero(inside))
    # A cell that still has episodes to give gave no fewer than any other, but for one.
    spare = chosen[chosen < available]
    assert spare.size == 0 or spare.min() >= chosen.max() - 1
