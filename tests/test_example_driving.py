"""The driving example, in miniature: raters at the page, merging, agents, a table and a picture."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.image import imread
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer

import sb3_presa  # noqa: F401 - registers the environments
from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.data.minari_store import write_dataset
from sb3_presa.feedback import Feedback

EXAMPLE = Path(__file__).parent.parent / "examples" / "driving_feedback"


def drive(env: gym.Env[Any, Any], seed: int, n_steps: int) -> EpisodeBuffer:
    """An episode of somebody who keeps the lane, at a speed and a distance of their own."""
    random = np.random.default_rng(seed)
    liked_speed, headway = random.uniform(0.5, 1.0), random.uniform(0.0, 0.1)
    observation, _ = env.reset(seed=seed)
    lane = observation[2]
    observations, costs = [observation], [0.0]
    actions: list[npt.NDArray[np.float32]] = []
    rewards: list[float] = []
    terminations: list[bool] = []
    while len(actions) < n_steps and not (terminations and terminations[-1]):
        own, *others = observation.reshape(8, 7)
        ahead = [x for there, x, y, *_ in others if there and x > 0 and abs(y) < 0.15]
        speed = liked_speed if min(ahead, default=1.0) > headway else 0.4
        action = [10 * (speed - own[3]), 2 * (lane - own[2]) - 6 * own[6]]
        actions.append(np.clip(action, -1, 1).astype(np.float32))
        observation, reward, terminated, _, info = env.step(actions[-1])
        observations.append(observation)
        rewards.append(float(reward))
        costs.append(float(info["cost"]))
        terminations.append(bool(terminated))
    return EpisodeBuffer(
        seed=seed,
        observations=np.stack(observations),
        actions=np.stack(actions),
        rewards=np.asarray(rewards),
        terminations=np.asarray(terminations),
        truncations=np.asarray([*[False] * (len(actions) - 1), not terminations[-1]]),
        infos={"cost": np.asarray(costs)},
    )


def write_drives(dataset_id: str, n_episodes: int, n_steps: int) -> MinariDataset:
    env = gym.make("presa/HighwaySafe-v0")
    episodes = [drive(env, seed, n_steps) for seed in range(n_episodes)]
    return write_dataset(
        dataset_id,
        episodes,
        observation_space=env.observation_space,
        action_space=env.action_space,
        env_spec=env.spec,
    )


@pytest.fixture
def drives_of_three(minari_root: Path) -> MinariDataset:
    return write_drives("drives/three-v0", n_episodes=3, n_steps=24)


def run(folder: Path, *options: object) -> str:
    """Run the example in a folder, in miniature.

    :return: what it printed
    """
    result = subprocess.run(
        [sys.executable, EXAMPLE / "run.py", *map(str, options)],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_from_drives_to_a_table_and_nothing_is_done_twice(
    drives_of_three: MinariDataset, tmp_path: Path
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    options = [
        "--dataset", drives_of_three.id, "--pairs", 4, "--segment-length", 8, "--pace", 0,
        "--steps", 16, "--seeds", 1, "--episodes", 1, "--out", "out",
    ]  # fmt: skip
    printed = run(folder, *options)
    for rater in ("careful", "hasty"):
        assert f"{rater}: 4 answers" in printed
    assert "preferences: 1 judged by both" in printed  # a quarter of four
    feedback = Feedback.load(drives_of_three, "scripted-raters")
    assert len(feedback.comparisons) == 7
    assert feedback.provenance["method"] == "noise-model"
    for method in ("the recorded episodes", "PRESA", "SafeRLHF, short", "BC on everything"):
        number = r"-?\d+(\.\d)?"
        row = rf"^\| {method} \| {number}% \| {number} \| {number} \| {number} \|$"
        assert len(re.findall(row, printed, re.MULTILINE)) == 1, printed
    assert imread(folder / "out" / "page.png").std() > 0.05
    assert imread(folder / "out" / "driving.png").std() > 0.05

    agents = sorted((folder / "out" / "agents").iterdir())
    assert len(agents) == 2 * 5
    before = {path: path.stat().st_mtime_ns for path in agents}
    again = run(folder, *options, "--pace", 1000)
    assert again[again.index("| |") :] == printed[printed.index("| |") :]
    assert {path: path.stat().st_mtime_ns for path in agents} == before


def test_what_a_rater_says(drives_of_three: MinariDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    from rater import Drives, Rater

    class Seen(Drives):
        """Distance and excess are what the segment's numbers say."""

        def __init__(self) -> None:
            pass

        def distance(self, segment: Segment) -> float:
            return float(segment[1])

        def excess(self, segment: Segment) -> float:
            return {0: -1.0, 1: 0.1, 2: 3.0}[segment[0]]

    exact = Rater("exact", 0.0, 0.0, seed=0)
    assert exact.answer(Seen(), (0, 100, 9), (2, 90, 9)) == ["a", "k", "ArrowLeft"]
    assert exact.answer(Seen(), (2, 90, 9), (1, 100, 9)) == ["s", "l", "ArrowRight"]
    assert exact.answer(Seen(), (0, 100, 9), (0, 98, 9)) == ["a", "j", "ArrowDown"]

    sloppy = Rater("sloppy", 0.2, 0.1, seed=0)
    pairs = [((0, 100, 1 + n), (2, 90, 1 + n)) for n in range(1000)]
    said = [sloppy.answer(Seen(), *pair) for pair in pairs]
    assert said == [sloppy.answer(Seen(), *pair) for pair in pairs]
    wrong = [
        np.mean([keys[i] == key for keys in said]) for i, key in enumerate(("s", "j", "ArrowRight"))
    ]
    assert np.allclose(wrong, [0.1, 0.1, 0.2], atol=0.04)

    # What happened in a segment is what the dataset recorded of it
    drives = Drives(drives_of_three)
    for episode in drives_of_three.iterate_episodes():
        segment = (episode.id, 2, 5)
        speeds = 40 * episode.observations[2:7, 3]
        assert drives.distance(segment) == pytest.approx(0.2 * speeds.sum(), rel=1e-4)
        cost = episode.infos["cost"][3:8].sum()
        assert drives.excess(segment) == pytest.approx(cost / (5 * 5.0 / 200) - 1)
