"""Analysis of result files: comparisons, scores, differences and ablations."""

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from sb3_presa.benchmark.report import statistics
from sb3_presa.benchmark.report.agents import Agent, Agents, Place
from sb3_presa.benchmark.report.statistics import Numbers
from sb3_presa.intervals import Interval, wilson
from sb3_presa.registry import UNKNOWN


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


def comparisons(agents: Agents) -> list[Comparison]:
    """
    :param agents: the algorithms' agents
    :return: the comparison from feedback only, and the one with algorithms that read true outcomes;
        each where its algorithms have common cells
    """
    labelled = feedback_only(agents)
    found = [compare("from feedback only", labelled)]
    if 0 < len(labelled) < len(agents):
        found.append(compare("with upper references", agents))
    elif not labelled:
        found.append(compare("upper references", agents))
    return [comparison for comparison in found if comparison is not None]


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
    reward = float(rewards[safe].mean()) if n_safe else math.nan
    reward_interval = statistics.interval(strata(safe_rewards), statistics.mean_where)
    return Score(
        algorithm=agents[0].algorithm,
        reads_outcomes=agents[0].reads_outcomes,
        n=len(agents),
        n_safe=n_safe,
        safe_interval=statistics.interval(strata(safe.astype(float)), statistics.mean),
        safe_wilson=wilson(n_safe, len(agents)),
        reward=reward,
        reward_interval=statistics.NO_INTERVAL if math.isnan(reward) else reward_interval,
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
        if np.isnan(values).any():  # a reward without a reference is no smaller one
            return math.nan, statistics.NO_INTERVAL
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


def _hashable(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value


def _order(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 0, float(value), ""
    return 1, 0.0, str(value)
