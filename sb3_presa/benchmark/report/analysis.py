"""Analysis of result files: comparisons, scores, differences and ablations."""

import json
import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from sb3_presa.benchmark.engine.results import read_rows
from sb3_presa.benchmark.report import statistics
from sb3_presa.benchmark.report.consistency import concerns
from sb3_presa.benchmark.report.statistics import Numbers
from sb3_presa.errors import ConfigError
from sb3_presa.intervals import Interval, wilson
from sb3_presa.learning.settings import ObjectiveSettings
from sb3_presa.registry import ALGORITHMS, UNKNOWN, algorithm_class, settings_of

#: Task, cost limit and seed; agents are compared at equal places.
Place = tuple[str, float, int]


@dataclass(frozen=True)
class Agent:
    """
    A row of results.

    :param place: task, cost limit and seed
    :param algorithm: its name
    :param study: ``"main"``, or the option that its sweep varies
    :param reward: normalised reward
    :param cost: normalised cost
    :param safe: whether its mean cost is within the limit
    :param reads_outcomes: whether its algorithm reads true rewards and costs
    :param row: all columns, as text
    """

    place: Place
    algorithm: str
    study: str
    reward: float
    cost: float
    safe: bool
    reads_outcomes: bool
    row: Mapping[str, str]

    @property
    def task(self) -> str:
        """:return: the task's name"""
        return self.place[0]

    @property
    def cost_limit(self) -> float:
        """:return: the cost limit of an episode"""
        return self.place[1]

    @property
    def share_of_best_safe(self) -> float:
        """
        :return: its reward as a share of the best safe episode's, both in the range of the
            dataset's returns; NaN if the row does not say, or that episode's return is the lowest
        """
        own, best = self.row.get("own_range_reward"), self.row.get("best_safe_reward")
        return float(own) / float(best) if own and best and float(best) > 0 else math.nan

    def option(self, vary: str) -> Any:
        """
        :param vary: the option that a sweep varies, ``labels.OPTION`` or ``settings.NAME``
        :return: this agent's value; segment lengths as a share of the task's horizon;
            :data:`UNKNOWN` if the row does not contain it
        """
        kind, _, name = vary.partition(".")
        if kind == "settings":
            given: Any = json.loads(self.row.get("settings") or "{}")
            for part in name.split("."):
                if part not in given:
                    return _default(self.row.get("class"), name)
                given = given[part]
            return given
        if name in ("segment_length", "length_divisor"):
            horizon = float(self.row.get("horizon") or math.nan)
            return round(float(self.row.get("segment_length") or math.nan) / horizon, 4)
        value = self.row.get(name)
        if not value:
            return UNKNOWN
        return value if name == "feedback" else float(value)


def _default(class_name: str | None, setting: str) -> Any:
    if class_name not in ALGORITHMS:
        return UNKNOWN
    place, _, inner = setting.partition(".")
    if place == "objective_kwargs":
        return vars(ObjectiveSettings).get(inner, UNKNOWN)  # a dataclass keeps its defaults there
    return settings_of(algorithm_class(class_name)).get(setting, UNKNOWN)


Agents = Mapping[str, Mapping[Place, Agent]]


@dataclass(frozen=True)
class Score:
    """
    Scores of an algorithm over the cells of a comparison.

    :param algorithm: its name
    :param reads_outcomes: whether it reads true rewards and costs
    :param n: number of agents
    :param n_safe: number of safe agents
    :param safe_interval: interval of the share of safe agents, from the stratified bootstrap
    :param safe_wilson: Wilson's interval of the share of safe agents
    :param reward: mean normalised reward of the safe agents, NaN without safe agents
    :param reward_interval: its interval
    :param iqm_reward: interquartile mean of the normalised reward of all agents
    :param iqm_reward_interval: its interval
    :param iqm_cost: interquartile mean of the normalised cost of all agents
    :param iqm_cost_interval: its interval
    :param worst_cost: the largest normalised cost
    """

    algorithm: str
    reads_outcomes: bool
    n: int
    n_safe: int
    safe_interval: Interval
    safe_wilson: Interval
    reward: float
    reward_interval: Interval
    iqm_reward: float
    iqm_reward_interval: Interval
    iqm_cost: float
    iqm_cost_interval: Interval
    worst_cost: float

    @property
    def safe_ratio(self) -> float:
        """:return: the share of safe agents"""
        return self.n_safe / self.n


@dataclass(frozen=True)
class Comparison:
    """
    Algorithms on their common cells.

    :param title: name of the comparison
    :param scores: sorted by the share of safe agents, then by reward
    :param places: the common cells
    :param left_out: algorithms with too few cells, and their number of cells
    """

    title: str
    scores: tuple[Score, ...]
    places: frozenset[Place]
    left_out: Mapping[str, int]


@dataclass(frozen=True)
class Difference:
    """
    The reference minus another algorithm, on their common cells.

    :param algorithm: the other algorithm
    :param n: number of pairs
    :param reward: mean difference of normalised rewards
    :param reward_interval: its interval
    :param cost: mean difference of normalised costs
    :param cost_interval: its interval
    :param earns_more: probability of a higher reward of the reference, with its interval
    :param costs_less: probability of a lower cost of the reference, with its interval
    :param safe: number of safe agents of the reference and of the other
    :param tasks: task -> mean difference of normalised rewards there
    """

    algorithm: str
    n: int
    reward: float
    reward_interval: Interval
    cost: float
    cost_interval: Interval
    earns_more: tuple[float, Interval]
    costs_less: tuple[float, Interval]
    safe: tuple[int, int]
    tasks: Mapping[str, float]


def read_agents(paths: Sequence[Path]) -> list[Agent]:
    """
    Reads results, with a warning about rows that should not be counted together.

    :param paths: results files; among rows with the same key, that of the last file counts
    :return: the agents. If an algorithm has several on the same task, limit and seed in the main
        comparison, because its settings were changed in the suite, the last one counts
    :raises ConfigError: if a file is not a results file or a value is invalid; the message names
        file, row and column
    """
    found: dict[object, Agent] = {}
    for path in paths:
        for number, row in enumerate(read_rows(path), start=1):
            agent = _agent(path, number, row)
            study = (agent.study, row.get("settings"), row.get("n_comparisons"))
            found[row.get("key") or (agent.place, agent.algorithm, study)] = agent
    if not found:
        raise ConfigError(
            "results must have at least one finished cell to report on, got none "
            f"({', '.join(map(str, paths))})"
        )
    agents, former = _newest(found.values())
    for concern in (*former, *concerns([agent.row for agent in agents])):
        warnings.warn(concern, stacklevel=2)
    return agents


def _newest(agents: Iterable[Agent]) -> tuple[list[Agent], list[str]]:
    """The agents without those that later ones replace, and warnings about them."""
    kept: dict[object, Agent] = {}
    former: Counter[str] = Counter()
    for agent in agents:
        place = (agent.algorithm, agent.place) if agent.study == "main" else id(agent)
        if kept.pop(place, None) is not None:
            former[agent.algorithm] += 1
        kept[place] = agent
    return list(kept.values()), [
        f"{n} rows of {algorithm} are left out, since later rows have the same task, cost limit "
        "and seed (from a later version of the suite)"
        for algorithm, n in former.items()
    ]


def by_algorithm(agents: Iterable[Agent]) -> dict[str, dict[Place, Agent]]:
    """
    :param agents: all agents
    :return: the agents of the main comparison, by algorithm and place
    """
    found: dict[str, dict[Place, Agent]] = defaultdict(dict)
    for agent in agents:
        if agent.study == "main":
            found[agent.algorithm][agent.place] = agent
    return dict(found)


def reference_first(agents: Agents, reference: str) -> tuple[str, Agents]:
    """
    :param agents: agents by algorithm
    :param reference: the algorithm that the others are compared with
    :return: that algorithm, or the first one if the name is unknown; the agents, with those of the
        reference first
    """
    if reference not in agents:
        reference = next(iter(agents), reference)
    names = sorted(agents, key=lambda name: name != reference)
    return reference, {name: agents[name] for name in names}


def feedback_only(agents: Agents) -> Agents:
    """
    :param agents: the algorithms' agents
    :return: the agents of algorithms that only read labels
    """
    return {name: places for name, places in agents.items() if not reads_outcomes(places)}


def compare(title: str, agents: Agents) -> Comparison | None:
    """
    :param title: name of the comparison
    :param agents: the algorithms' agents
    :return: the comparison on the common cells, or ``None`` without common cells. An algorithm with
        less than half of the median number of cells of its kind (label readers, or readers of true
        outcomes) is left out, so that it does not reduce the common cells
    """
    if not agents:
        return None
    sizes = _group(
        [reads_outcomes(places) for places in agents.values()], map(len, agents.values())
    )
    kept = {
        name: places
        for name, places in agents.items()
        if 2 * len(places) >= median(sizes[reads_outcomes(places)])
    }
    shared = frozenset.intersection(*(frozenset(places) for places in kept.values()))
    if not shared:
        return None
    scores = [score([places[place] for place in sorted(shared)]) for places in kept.values()]
    scores.sort(key=lambda s: (-s.safe_ratio, -np.nan_to_num(s.reward, nan=-np.inf)))
    left_out = {name: len(places) for name, places in agents.items() if name not in kept}
    return Comparison(title, tuple(scores), shared, left_out)


def score(agents: Sequence[Agent]) -> Score:
    """
    :param agents: agents of one algorithm, at least one
    :return: their scores
    """
    rewards = np.array([agent.reward for agent in agents])
    costs = np.array([agent.cost for agent in agents])
    safe = np.array([agent.safe for agent in agents])
    where = [agent.place[:2] for agent in agents]

    def strata(values: Numbers) -> list[Numbers]:
        return [np.array(group) for group in _group(where, values).values()]

    safe_rewards = np.where(safe, rewards, np.nan)
    n_safe = int(safe.sum())
    return Score(
        algorithm=agents[0].algorithm,
        reads_outcomes=agents[0].reads_outcomes,
        n=len(agents),
        n_safe=n_safe,
        safe_interval=statistics.interval(strata(safe.astype(float)), statistics.mean),
        safe_wilson=wilson(n_safe, len(agents)),
        reward=float(rewards[safe].mean()) if n_safe else math.nan,
        reward_interval=statistics.interval(strata(safe_rewards), statistics.mean_where),
        iqm_reward=float(statistics.iqm(rewards)),
        iqm_reward_interval=statistics.interval(strata(rewards), statistics.iqm),
        iqm_cost=float(statistics.iqm(costs)),
        iqm_cost_interval=statistics.interval(strata(costs), statistics.iqm),
        worst_cost=float(costs.max()),
    )


def differences(agents: Agents, reference: str) -> list[Difference]:
    """
    :param agents: the algorithms' agents
    :param reference: one of the algorithms
    :return: the reference minus each other algorithm, on their common cells
    """
    found = []
    for name in agents:
        shared = sorted(set(agents[name]) & set(agents.get(reference, ())))
        if name != reference and shared:
            pairs = [(agents[reference][place], agents[name][place]) for place in shared]
            found.append(_difference(name, pairs))
    return sorted(found, key=lambda difference: difference.algorithm)


def ablation(agents: Collection[Agent], vary: str) -> dict[str, dict[Any, list[Agent]]]:
    """
    :param agents: all agents
    :param vary: the option that a sweep varies
    :return: algorithm -> value -> agents, on the common (task, limit, seed) of all values; agents
        of the main comparison count for their own value
    """
    found: dict[str, dict[Any, list[Agent]]] = {}
    for algorithm in dict.fromkeys(a.algorithm for a in agents if a.study == vary):
        values: dict[Any, dict[Place, Agent]] = defaultdict(dict)
        for agent in (a for a in agents if a.algorithm == algorithm and a.study in (vary, "main")):
            value = agent.option(vary)
            if value is not UNKNOWN:
                values[_hashable(value)][agent.place] = agent
        swept = {a.place for a in agents if a.algorithm == algorithm and a.study == vary}
        values = {v: p for v, p in values.items() if swept & set(p)}
        shared = set.intersection(*(set(places) for places in values.values()))
        if shared and len(values) > 1:
            found[algorithm] = {
                value: [places[place] for place in sorted(shared)]
                for value, places in sorted(values.items(), key=lambda item: _order(item[0]))
            }
    return found


def sweeps(agents: Iterable[Agent]) -> list[str]:
    """
    :param agents: all agents
    :return: the options that their sweeps vary, in the order of the rows
    """
    return list(dict.fromkeys(agent.study for agent in agents if agent.study != "main"))


def reads_outcomes(places: Mapping[Place, Agent]) -> bool:
    """
    :param places: an algorithm's agents
    :return: whether it reads true rewards and costs
    """
    return next(iter(places.values())).reads_outcomes


def _difference(name: str, pairs: Sequence[tuple[Agent, Agent]]) -> Difference:
    rewards = np.array([[one.reward, other.reward] for one, other in pairs])
    costs = np.array([[one.cost, other.cost] for one, other in pairs])
    where = [one.place[:2] for one, _ in pairs]
    by_task = _group([one.task for one, _ in pairs], rewards[:, 0] - rewards[:, 1])

    def better(values: Numbers) -> tuple[float, Interval]:
        groups = [np.array(group) for group in _group(where, values).values()]
        return statistics.probability_of_improvement(
            [group[:, 0] for group in groups], [group[:, 1] for group in groups]
        )

    return Difference(
        algorithm=name,
        n=len(pairs),
        reward=float((rewards[:, 0] - rewards[:, 1]).mean()),
        reward_interval=statistics.paired_interval(rewards[:, 0] - rewards[:, 1]),
        cost=float((costs[:, 0] - costs[:, 1]).mean()),
        cost_interval=statistics.paired_interval(costs[:, 0] - costs[:, 1]),
        earns_more=better(rewards),
        costs_less=better(-costs),
        safe=(sum(one.safe for one, _ in pairs), sum(other.safe for _, other in pairs)),
        tasks={task: float(np.mean(group)) for task, group in by_task.items()},
    )


def _group(keys: Sequence[Any], values: Iterable[Any]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for key, value in zip(keys, values, strict=True):
        groups[key].append(value)
    return groups


def _agent(path: Path, number: int, row: Mapping[str, str]) -> Agent:
    def value(column: str, kind: type) -> Any:
        text = row[column]
        try:
            if kind is bool:
                return {"True": True, "False": False}[text]
            found = kind(text)
            if kind is float and not math.isfinite(found):
                raise ValueError
            return found
        except (ValueError, KeyError):
            what = {bool: "True or False", int: "an integer", float: "a finite number"}[kind]
            raise ConfigError(
                f"{path}, row {number}: {column} must be {what}, got {text!r}"
            ) from None

    return Agent(
        place=(row["task"], value("cost_limit", float), value("seed", int)),
        algorithm=row["algorithm"],
        study=row.get("study") or "main",
        reward=value("normalized_reward", float),
        cost=value("normalized_cost", float),
        safe=value("safe", bool),
        reads_outcomes=row.get("reads_outcomes") == "True",
        row=row,
    )


def _hashable(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value


def _order(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 0, float(value), ""
    return 1, 0.0, str(value)
