"""From moments that people mark to the labels that training reads."""

import contextlib
from dataclasses import replace
from pathlib import Path

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from made_up import recorded, write
from minari import MinariDataset
from typer.testing import CliRunner

from sb3_presa.annotation.answers.answer import Answer
from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.cli import app
from sb3_presa.completion.features import step_vectors
from sb3_presa.completion.step_risk import StepRisk
from sb3_presa.data.episodes import load_transitions
from sb3_presa.feedback import Feedback
from sb3_presa.feedback.file import answers_path

N_EPISODES, STEPS, CLIP = 40, 30, 15
SPACE = gym.spaces.Box(-np.inf, np.inf, (4,), np.float32)


@pytest.fixture
def dataset(minari_root: Path) -> MinariDataset:
    """One step in twenty is unsafe, by chance; the first coordinate tells with noise."""
    random = np.random.default_rng(0)
    episodes = []
    for _ in range(N_EPISODES):
        unsafe = random.random(STEPS + 1) < 0.05
        x = np.where(unsafe, 0.3, -0.3) + 0.3 * random.normal(size=STEPS + 1)
        others = random.normal(size=(STEPS + 1, 3))
        actions = random.uniform(-1, 1, (STEPS, 1)).astype(np.float32)
        observations = np.column_stack([x, others])
        episodes.append(recorded(observations, actions, unsafe[:STEPS], actions[:, 0]))
    return write("toy/moments-v0", episodes, SPACE)


def costs(dataset: MinariDataset) -> npt.NDArray[np.float64]:
    return np.stack([episode.infos["cost"][1:] for episode in dataset.iterate_episodes()])


def said(dataset: MinariDataset) -> list[Answer]:
    """Clips judged by a careful person, with the first unsafe step of each."""
    random, cost = np.random.default_rng(1), costs(dataset)
    found = []
    for number in range(80):
        episode, start = int(random.integers(N_EPISODES)), int(random.integers(STEPS - CLIP + 1))
        bad = np.flatnonzero(cost[episode, start : start + CLIP])
        segment = (episode, start, CLIP)
        one = Answer("ann", segment, None, None, float(not len(bad)), None, 1.0, float(number))
        found.append(replace(one, unsafe_from_first=int(bad[0])) if len(bad) else one)
    return found


def merged(dataset: MinariDataset, name: str, answers: list[Answer]) -> Feedback:
    transitions = load_transitions(dataset)
    with contextlib.closing(AnswerStore(answers_path(dataset, name), dataset.id)) as store:
        store.record_episodes(transitions.hashes_by_id())
        store.add_all(answers)
    arguments = ["labels", dataset.id, "--feedback", name, "--merge", "majority"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return Feedback.load(dataset, name)


def separation(dataset: MinariDataset, feedback: Feedback) -> float:
    """P(an unsafe step has a higher risk than a safe one), by a model of the labels."""
    transitions, unsafe = load_transitions(dataset), costs(dataset).ravel() > 0
    model, mean, scale, *_ = StepRisk.fit(transitions, feedback, seed=0)
    inputs = (step_vectors(transitions, slice(None)) - mean) * scale
    risk = model.logits(np.column_stack([inputs, np.ones(len(inputs))]).astype(np.float32))
    return float(np.mean(risk[unsafe][:, None] > risk[~unsafe][None, :]))


def test_models_find_unsafe_steps_better_with_moments(dataset: MinariDataset) -> None:
    marked = said(dataset)
    plain = [replace(one, unsafe_from_first=None) for one in marked]
    with_, without = merged(dataset, "marked", marked), merged(dataset, "plain", plain)
    cost, n_parts = costs(dataset), len(with_.segments) - len(without.segments)
    assert n_parts == with_.provenance["parts"] > 20
    for (episode, start, length), p_safe in zip(
        with_.segments.tolist(), with_.p_safe.tolist(), strict=True
    ):
        assert p_safe == float(not cost[episode, start : start + length].any())
    better, worse = separation(dataset, with_), separation(dataset, without)
    assert better > worse + 0.03, (better, worse)


def test_late_moments_mislead(dataset: MinariDataset) -> None:
    """As the pages say: whoever marks late calls the unsafe step safe, and a safe one unsafe."""
    marked = said(dataset)
    late = [
        one
        if one.unsafe_from_first is None
        else replace(one, unsafe_from_first=min(CLIP - 1, one.unsafe_from_first + 2))
        for one in marked
    ]
    plain = [replace(one, unsafe_from_first=None) for one in marked]
    worse = separation(dataset, merged(dataset, "late", late))
    assert worse < separation(dataset, merged(dataset, "plain", plain))
