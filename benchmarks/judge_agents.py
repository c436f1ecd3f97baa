"""Is a verdict without a simulator right? Agents are judged without one and run in one.

python benchmarks/judge_agents.py train [--seeds 0 1 2] [--tasks BallRun ...] [--agents FOLDER]
python benchmarks/judge_agents.py judge
python benchmarks/judge_agents.py summary

``train`` makes agents from labels as people give them (``benchmarks/suites/few_labels.yaml``), and
runs each for ten episodes. ``judge`` gives each agent's verdict, which reads labels only, and
writes a row an agent. ``summary`` compares both. Each goes on where it was stopped. Runs are
shorter than the defaults, so that there are hundreds of agents, unsafe ones among them.
"""

import argparse
import csv
import json
import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import gymnasium as gym
import numpy as np
import torch as th
from minari import MinariDataset

from sb3_presa.benchmark.engine.training import EVALUATION_SEED
from sb3_presa.benchmark.suites.suite import load_suite
from sb3_presa.completion import Completion, complete
from sb3_presa.completion.accuracy import rank_correlation
from sb3_presa.completion.label_models import sigmoid
from sb3_presa.data.datasets import dataset_horizon, resolve_dataset
from sb3_presa.envs.making import make_environment
from sb3_presa.evaluation.judge import Labels, Verdict, judge
from sb3_presa.evaluation.judge.choose import choose_among
from sb3_presa.evaluation.judge.outlook import T_975
from sb3_presa.evaluation.safety import evaluate_safety
from sb3_presa.feedback import Feedback
from sb3_presa.files import write_text
from sb3_presa.learning.offline_algorithm import OfflineAlgorithm
from sb3_presa.registry import algorithm_class

AGENTS: Final = Path("build") / "judged-agents"
RESULTS: Final = Path(__file__).parent / "results"
N_EPISODES: Final = 10


@dataclass(frozen=True)
class Setting:
    """
    How an agent is trained.

    :param algorithm: name of its class
    :param settings: its arguments
    :param steps: gradient steps
    :param level: safety level of the completed labels that it is given; ``None``: as people gave
    """

    algorithm: str
    settings: Mapping[str, Any]
    steps: int
    level: float | None = None


_SHORT: Final = {"n_cloning_steps": 200, "cloning_batch_size": 256}
_CLONE: Final = {"batch_size": 256}
_SUITE: Final = Path(__file__).parent / "suites" / "comparison.yaml"
#: Of the comparison, whose runs are longer.
_COMPARED: Final = {cell.algorithm: cell.settings for cell in load_suite(_SUITE).cells}
_SEGMENTS: Final = {"n_pairs": 8, "n_segment_steps": 32}
#: What agents are made with; a user who has labels and no simulator chooses among the first five.
SETTINGS: Final[Mapping[str, Setting]] = {
    "PRESA": Setting("PRESA", _SHORT, 500, 0.7),
    "PRESA, cautious": Setting("PRESA", _SHORT, 500, 0.9),
    "PRESA, bold": Setting("PRESA", _SHORT, 500, 0.4),
    "PRESA, labels as given": Setting("PRESA", {**_SHORT, "completion": False}, 500),
    "BC, preferred and safe": Setting("BC", {**_CLONE, "data": "preferred-and-safe"}, 300),
    "BC, best": Setting("BC", {**_CLONE, "data": "best"}, 300, 0.7),
    "BC, safe": Setting("BC", {**_CLONE, "data": "safe"}, 300),
    "BC, all": Setting("BC", {**_CLONE, "data": "all"}, 300),
    "SafetyOnly": Setting("SafetyOnly", _SHORT, 500),
    "CPL": Setting("CPL", _SHORT, 500),
    "SafeFirst": Setting("SafeFirst", _SHORT, 500),
    "SafeRLHF": Setting("SafeRLHF", {**_COMPARED["SafeRLHF"], "n_model_steps": 150}, 750),
    # These two read true costs. A verdict on them reads labels only, too.
    "BCQLag": Setting("BCQLag", _COMPARED["BCQLag"], 600),
    "TraC": Setting("TraC", {**_SHORT, **_SEGMENTS, "learning_rate": 1e-4}, 500),
}
N_CHOICES: Final = 5


@dataclass(frozen=True)
class Task:
    """
    A dataset, where its agents are run, and a cost limit for each seed in turn.
    """

    name: str
    dataset: str
    env: str
    limits: tuple[float, ...] = (10.0, 20.0, 40.0)


TASKS: Final = (
    Task("BallRun", "presa/ball-run-v0", "presa/SafetyBallRun-v0"),
    Task("BallCircle", "presa/ball-circle-v0", "presa/SafetyBallCircle-v0"),
    Task("CarRun", "presa/car-run-v0", "presa/SafetyCarRun-v0"),
    Task("CarCircle", "presa/car-circle-v0", "presa/SafetyCarCircle-v0"),
    Task("HighwaySafe", "presa/highway-safe-v0", "presa/HighwaySafe-v0", (2.0, 5.0, 10.0)),
    Task(
        "PointCircle1",
        "presa/point-circle1-v0",
        "presa/SafetyPointCircle1-v0",
        (20.0, 40.0, 80.0),
    ),
    Task(
        "PointGoal1", "presa/point-goal1-hard-v0", "presa/SafetyPointGoal1-v0", (20.0, 40.0, 80.0)
    ),
    Task(
        "HalfCheetahVelocity",
        "presa/half-cheetah-velocity-v0",
        "presa/SafetyHalfCheetahVelocity-v1",
        (20.0, 40.0, 80.0),
    ),
)


@dataclass(frozen=True)
class Cell:
    """An agent: its task, its setting and the seed of its labels and its training."""

    task: Task
    setting: str
    seed: int

    @property
    def limit(self) -> float:
        """:return: the cost limit of its labels and of its evaluation"""
        return self.task.limits[self.seed % len(self.task.limits)]

    def path(self, folder: Path, suffix: str) -> Path:
        """
        :param folder: where agents are kept
        :param suffix: ``"zip"`` for the agent, ``"json"`` for what the simulator showed
        :return: its file
        """
        setting = self.setting.replace(", ", "-").replace(" ", "-")
        return folder / f"{self.task.name}_{self.seed}_{setting}.{suffix}"


def cells(seeds: list[int], tasks: list[str]) -> Iterator[Cell]:
    """
    :param seeds: seeds
    :param tasks: names of tasks, all by default
    :return: the agents, the first seed of all tasks first
    """
    for seed in seeds:
        for task in TASKS:
            if not tasks or task.name in tasks:
                for setting in SETTINGS:
                    yield Cell(task, setting, seed)


@lru_cache(maxsize=1)
def labels(task: Task, seed: int) -> tuple[MinariDataset, Feedback]:
    """
    :param task: a task
    :param seed: the seed of its labels
    :return: the dataset, and 300 comparisons of clips of a fifth of an episode with their safety
        labels, a tenth of both wrong
    """
    dataset = resolve_dataset(task.dataset)
    given = Feedback.synthetic(
        dataset,
        300,
        dataset_horizon(dataset) // 5,
        cost_limit=Cell(task, "PRESA", seed).limit,
        seed=seed,
        flip_preferences=0.1,
        flip_safety=0.1,
    )
    return dataset, given


@lru_cache(maxsize=1)
def completion(task: Task, seed: int) -> Completion:
    """
    :param task: a task
    :param seed: the seed of its labels
    :return: the labels, completed
    """
    return complete(*labels(task, seed), seed=seed)


def train(cell: Cell, folder: Path) -> None:
    """
    :param cell: an agent to make, to run, and to keep
    :param folder: where
    """
    setting = SETTINGS[cell.setting]
    dataset, feedback = labels(cell.task, cell.seed)
    if setting.level is not None:
        feedback = completion(cell.task, cell.seed).feedback(setting.level, cell.seed)
    algorithm: type[OfflineAlgorithm] = algorithm_class(setting.algorithm)
    settings = dict(setting.settings)
    if "outcomes" in algorithm.needs:
        settings["cost_limit"] = cell.limit
    model = algorithm.load_offline(dataset, feedback, seed=cell.seed, device="cpu", **settings)
    model.learn(setting.steps)
    model.save(cell.path(folder, "zip"))
    env = make_environment(cell.task.env, lambda: gym.make(cell.task.env))
    try:
        found = evaluate_safety(
            model,
            env,
            cost_limit=cell.limit,
            n_eval_episodes=N_EPISODES,
            seed=EVALUATION_SEED + cell.seed,
            warn=False,
        )
    finally:
        env.close()
    row = {"task": cell.task.name, "seed": cell.seed, "setting": cell.setting}
    figures = {**row, "cost_limit": cell.limit, **found.as_dict()}
    figures["cost_se"] = found.cost_std / (N_EPISODES - 1) ** 0.5
    write_text(cell.path(folder, "json"), json.dumps(figures) + "\n")


@lru_cache(maxsize=1)
def read_labels(task: Task, seed: int) -> Labels:
    """
    :param task: a task
    :param seed: the seed of its labels
    :return: models of the labels, for the verdicts on all of its agents
    """
    return Labels.read(*labels(task, seed))


def verdict_of(cell: Cell, folder: Path) -> Verdict:
    """
    :param cell: an agent that was trained
    :param folder: where it is kept
    :return: the verdict on it, which reads neither rewards nor costs
    """
    algorithm: type[OfflineAlgorithm] = algorithm_class(SETTINGS[cell.setting].algorithm)
    model = algorithm.load(cell.path(folder, "zip"), device="cpu")
    dataset, feedback = labels(cell.task, cell.seed)
    return judge(
        model, dataset, feedback, name=cell.setting, labels=read_labels(cell.task, cell.seed)
    )


def judge_group(group: list[Cell], folder: Path) -> list[dict[str, Any]]:
    """
    :param group: agents of one task and one seed that were trained and run
    :param folder: where they are kept
    :return: a row an agent, with what ``choose`` says of the first five settings
    """
    verdicts = {cell.setting: verdict_of(cell, folder) for cell in group}
    found = []
    choices = [name for name in list(SETTINGS)[:N_CHOICES] if name in verdicts]
    chosen = ""
    if len(choices) == N_CHOICES:
        known = read_labels(group[0].task, group[0].seed)
        chosen = choose_among({name: verdicts[name] for name in choices}, known).name
    for cell in group:
        truth = json.loads(cell.path(folder, "json").read_text())
        verdict = verdicts[cell.setting]
        outlook, unlike = verdict.outlook, verdict.unlike
        assert outlook is not None and outlook.merit is not None and unlike is not None
        row = {name: truth[name] for name in _TRUE}
        row |= {
            "judged_risk": outlook.risk.value,
            "judged_safe": outlook.p_safe.value,
            "judged_low": outlook.p_safe.low,
            "judged_high": outlook.p_safe.high,
            "judged_merit": outlook.merit.value,
            "word": verdict.word,
            "unlike": unlike.share.value,
            "auc": verdict.labels.area.value,
            "passes": int(verdict.passes),
            "chosen": int(cell.setting == chosen),
        }
        found.append({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()})
    return found


_TRUE: Final = (
    *("task", "seed", "setting", "cost_limit", "normalized_cost", "safe"),
    *("safe_episode_ratio", "normalized_reward", "reward_mean", "cost_mean", "cost_se"),
)


def judge_all(seeds: list[int], tasks: list[str], folder: Path, out: Path) -> None:
    """
    :param seeds: seeds
    :param tasks: names of tasks, all by default
    :param folder: where agents are kept
    :param out: the table to write, a row an agent; rows of other agents in it are kept
    """
    rows: list[dict[str, Any]] = []
    if out.exists():
        with out.open(newline="") as file:
            rows = list(csv.DictReader(file))
    groups: dict[tuple[str, int], list[Cell]] = {}
    for cell in cells(seeds, tasks):
        if cell.path(folder, "json").exists():
            groups.setdefault((cell.task.name, cell.seed), []).append(cell)
    for (task, seed), group in groups.items():
        others = [row for row in rows if (row["task"], int(row["seed"])) != (task, seed)]
        if len(rows) - len(others) == len(group):
            continue  # judged before
        rows = others + judge_group(group, folder)
        heads = ",".join(rows[-1])
        lines = [heads, *(",".join(_quoted(row[k]) for k in rows[-1]) for row in rows)]
        write_text(out, "\n".join(lines) + "\n")
        print(task, seed, len(group), flush=True)


def _quoted(value: Any) -> str:
    return f'"{value}"' if "," in str(value) else str(value)


def summary(path: Path) -> dict[str, Any]:
    """
    :param path: the table of ``judge``
    :return: how far verdicts and the simulator agree
    """
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    numbers = {
        name: np.array([float(row[name]) for row in rows])
        for name in ("judged_safe", "safe_episode_ratio")
    }
    tasks = _rank_correlations(rows, "task")
    # A user's agents are of one set of labels
    groups = list(_rank_correlations(rows, "task", "seed").values())
    edges = np.linspace(0.0, 1.0, 6)
    place = np.clip(np.digitize(numbers["judged_safe"], edges) - 1, 0, 4)
    calibration = [
        {
            "predicted": float(numbers["judged_safe"][place == index].mean()),
            "true": float(numbers["safe_episode_ratio"][place == index].mean()),
            "agents": int((place == index).sum()),
        }
        for index in range(5)
        if (place == index).any()
    ]
    coverage = {
        f"{share:.0%}": float(np.mean([_held(row, share) for row in rows]))
        for share in (0.5, 0.8, 0.9, 0.95)
    }
    words = {
        word: {
            "agents": sum(row["word"] == word for row in rows),
            "truly_safe": sum(row["word"] == word and row["safe"] == "True" for row in rows),
        }
        for word in ("safe", "unsafe", "undecided")
    }
    return {
        "agents": len(rows),
        "rank_correlation": {task: value for (task,), value in tasks.items()},
        "median_rank_correlation": float(np.median(list(tasks.values()))) if tasks else None,
        "median_rank_correlation_within_labels": float(np.median(groups)) if groups else None,
        "calibration": calibration,
        "coverage": coverage,
        "words": words,
        "choices": _choices(rows),
    }


def _rank_correlations(rows: list[dict[str, str]], *names: str) -> dict[tuple[str, ...], float]:
    """Of judged risk with true cost, for each value of these columns that at least 3 rows have."""
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return {
        key: rank_correlation(
            np.array([float(row["judged_risk"]) for row in group]),
            np.array([float(row["normalized_cost"]) for row in group]),
        ).value
        for key, group in groups.items()
        if len(group) > 2
    }


def _held(row: dict[str, str], share: float) -> float:
    """
    How far the number of safe episodes lies in its central interval, in [0, 1]. That number is
    binomial, with a probability whose log-odds are spread as the interval of the verdict says.
    """
    said = [float(row[name]) for name in ("judged_low", "judged_safe", "judged_high")]
    p = np.clip(said, 1e-6, 1.0 - 1e-6)
    low, middle, high = np.log(p) - np.log1p(-p)
    reach = 0.5 * (high - low) / T_975
    draws = np.random.default_rng(0).standard_t(3, 4000)
    p_safe = sigmoid(middle + reach * draws)
    n_safe = round(float(row["safe_episode_ratio"]) * N_EPISODES)
    counts = np.arange(N_EPISODES + 1)
    ways = np.array([math.comb(N_EPISODES, int(count)) for count in counts])
    chances = ways * (p_safe[:, None] ** counts * (1.0 - p_safe[:, None]) ** (N_EPISODES - counts))
    mass = chances.mean(axis=0)
    below = float(mass[:n_safe].sum())
    here = max(float(mass[n_safe]), 1e-12)
    tail = 0.5 * (1.0 - share)
    return max(0.0, min(below + here, 1.0 - tail) - max(below, tail)) / here


def _choices(rows: list[dict[str, str]]) -> dict[str, Any]:
    """What choosing by verdicts among five settings costs against choosing by the truth."""
    regrets, safe, possible = [], 0, 0
    for row in rows:
        if row["chosen"] != "1":
            continue
        names = list(SETTINGS)[:N_CHOICES]
        five = [
            other
            for other in rows
            if (other["task"], other["seed"]) == (row["task"], row["seed"])
            and other["setting"] in names
        ]
        truly = [other for other in five if other["safe"] == "True"]
        if truly:
            possible += 1
            safe += row["safe"] == "True"
            best = max(float(other["reward_mean"]) for other in truly)
            if row["safe"] == "True":
                regrets.append((best - float(row["reward_mean"])) / abs(best))
    return {
        "with_a_safe_one": possible,
        "chosen_is_safe": safe,
        "mean_share_of_reward_lost_by_safe_choices": float(np.mean(regrets)) if regrets else None,
    }


def draw(path: Path, picture: Path) -> None:
    """
    :param path: the table of ``judge``
    :param picture: PNG file: judged risk against true cost, and predicted against true safe share
    """
    from sb3_presa.evaluation.figures import FAINT, MARKERS, PALETTE, style_axes, written_figure

    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with written_figure(picture, 10.0, 4.4) as figure:
        left, right = figure.subplots(1, 2)
        style_axes(left, f"{len(rows)} agents, judged and run")
        style_axes(right, "Share of safe episodes")
        for index, task in enumerate(dict.fromkeys(row["task"] for row in rows)):
            mine = [row for row in rows if row["task"] == task]
            look = {"color": PALETTE[index], "marker": MARKERS[index], "s": 28, "label": task}
            left.scatter(
                [float(row["judged_risk"]) for row in mine],
                [float(row["normalized_cost"]) for row in mine],
                **look,
            )
            right.scatter(
                [float(row["judged_safe"]) for row in mine],
                [float(row["safe_episode_ratio"]) for row in mine],
                **look,
            )
        left.axhline(1.0, color=FAINT, linewidth=0.8, linestyle="--")
        left.axvline(1.0, color=FAINT, linewidth=0.8, linestyle="--")
        right.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, linestyle="--")
        left.set(xlabel="judged risk of a step", ylabel="true cost by the limit")
        right.set(xlabel="predicted", ylabel="true, ten episodes")
        left.legend(frameon=False, fontsize=9)


def main() -> None:
    """Run one of the three parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("train", "judge", "summary"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--tasks", nargs="*", default=[])
    parser.add_argument("--agents", type=Path, default=AGENTS)
    parser.add_argument("--out", type=Path, default=RESULTS / "judged.csv")
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    th.set_num_threads(1)
    warnings.simplefilter("ignore")
    options.agents.mkdir(parents=True, exist_ok=True)
    if options.part == "judge":
        judge_all(options.seeds, options.tasks, options.agents, options.out)
    if options.part == "summary":
        figures = summary(options.out)
        print(json.dumps(figures, indent=1))
        write_text(options.out.with_suffix(".json"), json.dumps(figures, indent=1) + "\n")
        if options.picture is not None:
            draw(options.out, options.picture)
    if options.part == "train":
        for cell in cells(options.seeds, options.tasks):
            if not cell.path(options.agents, "json").exists():
                train(cell, options.agents)
                print(cell.task.name, cell.seed, cell.setting, flush=True)


if __name__ == "__main__":
    main()
