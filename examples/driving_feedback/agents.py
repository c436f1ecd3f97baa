"""Train agents on the raters' labels, and let them drive."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from minari import MinariDataset
from rater import COST_LIMIT, Drives
from stable_baselines3.common.monitor import Monitor

from sb3_presa import BC, CPL, PRESA, SafeRLHF, evaluate_safety
from sb3_presa.data import load_outcomes
from sb3_presa.envs.highway import COST_OF_CRASH
from sb3_presa.feedback import Feedback
from sb3_presa.files import atomic_path
from sb3_presa.learning.offline_algorithm import OfflineAlgorithm

ENV_ID = "presa/HighwaySafe-v0"
EVALUATION_SEED = 1_000_000  # the same traffic for every agent, and none that the data hold


@dataclass(frozen=True)
class Method:
    """A way from labels to an agent.

    :param name: in the table.
    :param algorithm: its class.
    :param settings: where they are not the defaults.
    :param steps: of its training; None for the default number.
    :param phases: settings that are numbers of steps, and the share of them in a training whose
        length somebody else sets.
    """

    name: str
    algorithm: type[OfflineAlgorithm]
    settings: Mapping[str, Any] = field(default_factory=dict)
    steps: int | None = None
    phases: Mapping[str, float] = field(default_factory=dict)

    def of_steps(self, steps: int) -> dict[str, Any]:
        """:return: settings of a run of so many steps"""
        found: dict[str, Any] = {}
        for name, share in self.phases.items():
            place, dot, inner = name.partition(".")
            where = found.setdefault(place, {}) if dot else found
            where[inner or place] = int(share * steps)
        return found


METHODS = (
    Method(
        "PRESA",
        PRESA,
        phases={"n_cloning_steps": 0.5, "objective_kwargs.n_attain_steps": 0.125},
    ),
    # Its defaults, 102,000 steps of batches of 512, take hours.
    Method(
        "SafeRLHF, short",
        SafeRLHF,
        {"n_model_steps": 1000, "batch_size": 128},
        steps=5000,
        phases={"n_model_steps": 0.2},
    ),
    # Stopped early: of a few hundred comparisons its default of 2,400 steps after cloning learns
    # by heart, and leaves the road. Chosen with an agent and traffic of other seeds.
    Method("CPL: preferences only", CPL, steps=2300, phases={"n_cloning_steps": 0.5}),
    Method("BC on safe segments", BC, {"data": "safe"}),
    Method("BC on everything", BC, {"data": "all"}),
)


@dataclass(frozen=True)
class Row:
    """How one agent drives.

    :param method: what it learned by.
    :param seed: of its training.
    :param no_crash: share of the episodes without a crash.
    :param distance: metres driven an episode, on average; a crash ends it.
    :param cost: of an episode, on average; 5 is the limit.
    :param cpu_minutes: of processor time, for its training.
    """

    method: str
    seed: int
    no_crash: float
    distance: float
    cost: float
    cpu_minutes: float


def train_and_drive(
    method: Method,
    seed: int,
    dataset: MinariDataset,
    feedback: Feedback,
    folder: Path,
    *,
    episodes: int,
    steps: int | None = None,
) -> Row:
    """Train one agent and let it drive; one that did before is taken from the folder.

    :param method: how it learns.
    :param seed: of its training.
    :param dataset: what it learns from.
    :param feedback: the labels.
    :param folder: for the agent, and for what it did.
    :param episodes: to evaluate it on.
    :param steps: to train it for instead of the method's own number.
    :return: how it drives.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "-", method.name.lower())
    row_path = folder / f"{name}-{seed}.json"
    if row_path.exists():
        return Row(**json.loads(row_path.read_text()))
    settings = dict(method.settings)
    if steps is not None:
        settings |= method.of_steps(steps)
    model = method.algorithm.load_offline(dataset, feedback, seed=seed, **settings)
    began = time.process_time()
    model.learn(steps or method.steps)
    seconds = time.process_time() - began
    model.save(folder / f"{name}-{seed}.zip")
    row = Row(method.name, seed, **drive(model, episodes), cpu_minutes=round(seconds / 60, 1))
    with atomic_path(row_path) as temporary:
        temporary.write_text(json.dumps(asdict(row), indent=2) + "\n")
    return row


def drive(model: Any, episodes: int) -> dict[str, float]:
    """Let an agent drive.

    :param model: anything with ``predict``.
    :param episodes: how many.
    :return: ``no_crash``, ``distance`` and ``cost``, as :class:`Row` has them.
    """
    crashes: list[bool] = []
    distances: list[float] = []

    def at_each_step(here: dict[str, Any], _: dict[str, Any]) -> None:
        if here["done"]:
            crashes.append(here["info"]["crash"])
            distances.append(here["info"]["distance"])

    found = evaluate_safety(
        model,
        Monitor(gym.make(ENV_ID)),
        cost_limit=COST_LIMIT,
        n_eval_episodes=episodes,
        callback=at_each_step,
        seed=EVALUATION_SEED,
    )
    return {
        "no_crash": 1.0 - float(np.mean(crashes)),
        "distance": float(np.mean(distances)),
        "cost": found.cost_mean,
    }


def of_the_data(dataset: MinariDataset) -> Row:
    """
    :param dataset: the recorded episodes.
    :return: how those drive.
    """
    outcomes, drives = load_outcomes(dataset), Drives(dataset)
    worst = np.maximum.reduceat(outcomes.costs, outcomes.episode_starts)
    lengths = zip(outcomes.episode_ids.tolist(), outcomes.episode_lengths.tolist(), strict=True)
    return Row(
        "the recorded episodes",
        seed=0,
        no_crash=float(np.mean(worst < COST_OF_CRASH)),
        distance=float(np.mean([drives.distance((one, 0, length)) for one, length in lengths])),
        cost=float(outcomes.episode_costs.mean()),
        cpu_minutes=0.0,
    )
