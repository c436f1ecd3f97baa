"""Fixtures that all tests share: a datasets root of their own, with tiny Minari datasets in it."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import hypothesis
import minari
import numpy as np
import pytest
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer
from toy_envs import KINDS, Kind, env_id

from sb3_presa.data.minari_store import write_dataset

N_EPISODES = 24

# How long an example takes says nothing on a busy machine
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(autouse=True, scope="session")
def _nothing_waits_for_disks() -> Iterator[None]:
    """Tests kill processes, never the machine: what was written is there without ``fsync``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real browser, which a module shares."""
    from annotation_browser import open_browser  # Playwright, which few tests need

    with open_browser() as found:
        yield found


@pytest.fixture
def enter(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open somebody's link at the labelling page; nothing may go wrong in the page."""
    from annotation_browser import open_pages

    with open_pages(browser) as found:
        yield found


@pytest.fixture
def minari_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty datasets root, which Minari uses during the test."""
    root = tmp_path / "datasets"
    root.mkdir()
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(root))
    return root


@pytest.fixture
def strangers_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Path]]:
    """Write the module ``stranger``, which can be imported during the test and leaves with it.

    The path that it returns is there once the module was imported.
    """

    def write(source: str) -> Path:
        touch = "from pathlib import Path\nPath(__file__).with_suffix('.ran').touch()\n"
        (tmp_path / "stranger.py").write_text(source + touch)
        monkeypatch.syspath_prepend(tmp_path)
        return tmp_path / "stranger.ran"

    yield write
    sys.modules.pop("stranger", None)


@pytest.fixture(scope="session")
def _toy_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One dataset of each kind, written once; tests get copies."""
    root = tmp_path_factory.mktemp("toy-datasets")
    for kind in KINDS:
        env = gym.make(env_id(kind))
        write_dataset(
            f"toy/{kind}-v0",
            [roll_out(env, seed) for seed in range(N_EPISODES)],
            observation_space=env.observation_space,
            action_space=env.action_space,
            env_spec=env.spec,
            ref_min_score=-10.0,
            ref_max_score=20.0,
            root=root,
        )
    return root


@pytest.fixture
def make_dataset(_toy_root: Path, minari_root: Path) -> Callable[[Kind], MinariDataset]:
    """Open a fresh copy of ``toy/<kind>-v0``: 24 episodes of at most 20 steps, with costs.

    Some episodes end early. Its environment is registered, and its references are -10 and 20.
    """

    def make(kind: Kind) -> MinariDataset:
        shutil.copytree(_toy_root / f"toy/{kind}-v0", minari_root / f"toy/{kind}-v0")
        return minari.load_dataset(f"toy/{kind}-v0")

    return make


@pytest.fixture
def box_dataset(make_dataset: Callable[[Kind], MinariDataset]) -> MinariDataset:
    """Box observations of 3 numbers, Box actions of 2."""
    return make_dataset("box")


@pytest.fixture
def discrete_dataset(make_dataset: Callable[[Kind], MinariDataset]) -> MinariDataset:
    """Discrete actions, 5 of them."""
    return make_dataset("discrete")


@pytest.fixture
def multidiscrete_dataset(make_dataset: Callable[[Kind], MinariDataset]) -> MinariDataset:
    """MultiDiscrete actions, 3 x 3."""
    return make_dataset("multidiscrete")


@pytest.fixture
def dict_dataset(make_dataset: Callable[[Kind], MinariDataset]) -> MinariDataset:
    """Dict observations: 2 floats and a discrete number."""
    return make_dataset("dict")


@pytest.fixture
def image_dataset(make_dataset: Callable[[Kind], MinariDataset]) -> MinariDataset:
    """uint8 observations of 36 x 36 x 3."""
    return make_dataset("image")


def roll_out(env: gym.Env[Any, Any], seed: int) -> EpisodeBuffer:
    """One episode of a random agent that leans somewhere else with each seed."""
    random = np.random.default_rng(seed)
    lean = random.uniform(-0.9, 0.9, 2)
    observation, _ = env.reset(seed=seed)
    observations, actions, costs = [observation], [], [0.0]
    rewards: list[float] = []
    ends: list[tuple[bool, bool]] = []
    while not ends or not any(ends[-1]):
        action = _action(env.action_space, lean, random)
        observation, reward, terminated, truncated, info = env.step(action)
        observations.append(observation)
        actions.append(action)
        rewards.append(float(reward))
        costs.append(float(info["cost"]))
        ends.append((terminated, truncated))
    return EpisodeBuffer(
        seed=seed,
        observations=_stack(observations),
        actions=np.asarray(actions),
        rewards=np.asarray(rewards),
        terminations=np.asarray([terminated for terminated, _ in ends]),
        truncations=np.asarray([truncated for _, truncated in ends]),
        infos={"cost": np.asarray(costs)},
    )


def _stack(observations: list[Any]) -> Any:
    if isinstance(observations[0], dict):
        return {key: np.asarray([o[key] for o in observations]) for key in observations[0]}
    return np.asarray(observations)


def _action(space: gym.Space[Any], lean: Any, random: np.random.Generator) -> Any:
    if isinstance(space, gym.spaces.Box):
        return np.clip(lean + random.normal(0, 0.4, 2), -1, 1).astype(np.float32)
    space.seed(int(random.integers(2**31)))
    return space.sample()


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures of Matplotlib, in the order in which they are written."""
    from matplotlib.figure import Figure

    figures: list[Figure] = []
    real = Figure.savefig

    def savefig(self: Figure, *args: Any, **kwargs: Any) -> None:
        figures.append(self)
        real(self, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return figures
