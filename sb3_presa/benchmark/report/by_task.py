"""Means of each task, and the number of tasks that an approach keeps safe, as papers count it."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median_high

import numpy as np

from sb3_presa.benchmark.report import analysis, statistics
from sb3_presa.benchmark.report.agents import Agent, Agents
from sb3_presa.benchmark.report.statistics import Numbers
from sb3_presa.envs.tasks import PUBLISHED_METHODS, find_task
from sb3_presa.intervals import Interval, wilson

PUBLISHED_NAMES = {"bc_all": "BC, all", "bc_safe": "BC, safe", "cdt": "CDT", "trac": "TraC"}


@dataclass(frozen=True)
class Entry:
    """
    One algorithm on one task: means over cost limits and seeds.

    :param reward: mean normalised reward
    :param cost: mean normalised cost
    :param share: mean reward as a share of the best safe episode's; NaN if no row says it
    :param n: number of agents
    :param limits: their cost limits, and how many agents have each
    :param best: whether no other algorithm earns more that is safe at all limits of the task
    """

    reward: float
    cost: float
    share: float = math.nan
    n: int = 1
    limits: Mapping[float, int] = field(default_factory=dict)
    best: bool = False

    @property
    def safe(self) -> bool:
        """:return: whether the mean cost is within the limit"""
        return self.cost <= 1


@dataclass(frozen=True)
class TaskRow:
    """
    All algorithms on one task.

    :param task: its name
    :param limits: the cost limits that any algorithm was run at
    :param entries: algorithm -> its means
    :param published: method -> published means; empty if the task is not the benchmark's
    """

    task: str
    limits: frozenset[float]
    entries: Mapping[str, Entry]
    published: Mapping[str, Entry]


@dataclass(frozen=True)
class Approach:
    """
    An algorithm, or a published method, over the tasks of an overview.

    :param name: its name
    :param kind: ``"feedback"``, ``"truth"`` (it reads true rewards and costs) or ``"published"``
    :param n: number of tasks
    :param n_safe: number of tasks on which its mean cost is within the limit
    :param reward: mean over the tasks, in the overview's unit; NaN if unknown
    :param reward_interval: 95% interval of a bootstrap over tasks; NaN for fewer than three
    """

    name: str
    kind: str
    n: int
    n_safe: int
    reward: float
    reward_interval: Interval

    @property
    def ratio(self) -> float:
        """:return: the share of safe tasks"""
        return self.n_safe / self.n

    @property
    def ratio_interval(self) -> Interval:
        """:return: Wilson's 95% interval of the share"""
        return wilson(self.n_safe, self.n)


@dataclass(frozen=True)
class Overview:
    """
    Approaches on the tasks that all of them have.

    :param approaches: those from feedback, those that read true outcomes, those published; in each
        group the safest first
    :param tasks: the common tasks
    :param in_shares: whether rewards are shares of the best safe episode's, or normalised
    :param left_out: algorithms that have run on few tasks, and their number of tasks: less than
        two thirds of the usual number, or none that the others have run on
    """

    approaches: tuple[Approach, ...]
    tasks: tuple[str, ...]
    in_shares: bool
    left_out: Mapping[str, int] = field(default_factory=dict)


def by_task(agents: Agents) -> list[TaskRow]:
    """
    :param agents: the algorithms' agents
    :return: a row for each of their tasks, in the tasks' order
    """
    everyone = [agent for places in agents.values() for agent in places.values()]
    rows = []
    for task in dict.fromkeys(agent.task for agent in everyone):
        of_task = [agent for agent in everyone if agent.task == task]
        limits = frozenset(agent.cost_limit for agent in of_task)
        groups = {name: [a for a in of_task if a.algorithm == name] for name in agents}
        entries = {name: entry(mine) for name, mine in groups.items() if mine}
        fair = [e.reward for e in entries.values() if e.safe and e.limits.keys() == limits]
        for name, found in entries.items():
            complete = found.limits.keys() == limits
            best = found.safe and complete and found.reward == max(fair)
            entries[name] = replace(found, best=best)
        rows.append(TaskRow(task, limits, entries, published(of_task[0].row.get("env") or "")))
    return rows


def entry(agents: Sequence[Agent]) -> Entry:
    """
    :param agents: agents of one algorithm on one task, at least one
    :return: their means
    """
    shares = [agent.share_of_best_safe for agent in agents]
    known = [share for share in shares if not math.isnan(share)]
    return Entry(
        reward=sum(agent.reward for agent in agents) / len(agents),
        cost=sum(agent.cost for agent in agents) / len(agents),
        share=sum(known) / len(known) if known else math.nan,
        n=len(agents),
        limits=Counter(agent.cost_limit for agent in agents),
    )


def expected_agents(rows: Sequence[TaskRow], algorithm: str) -> dict[str, int]:
    """
    Tasks may have different numbers of limits, and an algorithm may take some of them only.

    :param rows: all tasks
    :param algorithm: an algorithm
    :return: task -> its number of agents if none is missing: as many limits as it has on any task,
        but at most the task's own, with as many agents as it has at any limit
    """
    found = [row.entries[algorithm].limits for row in rows if algorithm in row.entries]
    seeds = max(n for limits in found for n in limits.values())
    most = max(map(len, found))
    return {row.task: seeds * min(most, len(row.limits)) for row in rows}


def published(env_id: str) -> dict[str, Entry]:
    """
    :param env_id: an environment
    :return: method -> published means of its task; empty if the benchmark has no such task
    """
    known = find_task(env_id)
    if known is None:
        return {}
    return {
        PUBLISHED_NAMES[method]: Entry(*known.published[method]) for method in PUBLISHED_METHODS
    }


def overview(agents: Agents) -> Overview | None:
    """
    :param agents: the algorithms' agents
    :return: the approaches on their common tasks, or ``None`` without agents
    """
    rows = by_task(agents)
    n_tasks = {name: sum(name in row.entries for row in rows) for name in agents}
    usual = median_high(n_tasks.values()) if n_tasks else 0
    kept = [name for name in agents if 3 * n_tasks[name] >= 2 * usual]
    while kept and not (common := _common(rows, kept)):
        kept.remove(min(kept, key=n_tasks.__getitem__))
    if not kept:
        return None
    in_shares = not any(math.isnan(row.entries[name].share) for row in common for name in kept)
    found = [approach_of(name, agents, common, in_shares) for name in kept]
    if all(row.published for row in common):
        found += [
            approach(name, "published", [row.published[name] for row in common], in_shares)
            for name in PUBLISHED_NAMES.values()
        ]
    kinds = ("feedback", "truth", "published")
    found.sort(key=lambda a: (kinds.index(a.kind), -a.n_safe, -np.nan_to_num(a.reward)))
    left_out = {name: n for name, n in n_tasks.items() if name not in kept}
    return Overview(tuple(found), tuple(row.task for row in common), in_shares, left_out)


def _common(rows: Sequence[TaskRow], algorithms: Collection[str]) -> list[TaskRow]:
    return [row for row in rows if all(name in row.entries for name in algorithms)]


def approach_of(
    name: str, agents: Agents, rows: Sequence[TaskRow], in_shares: bool = True
) -> Approach:
    """
    :param name: an algorithm
    :param agents: the algorithms' agents
    :param rows: tasks, of which it has run on at least one
    :param in_shares: whether rewards are shares of the best safe episode's
    :return: the algorithm over those of the tasks that it has run on
    """
    kind = "truth" if analysis.reads_outcomes(agents[name]) else "feedback"
    entries = [row.entries[name] for row in rows if name in row.entries]
    return approach(name, kind, entries, in_shares)


def approach(name: str, kind: str, entries: Collection[Entry], in_shares: bool) -> Approach:
    """
    :param name: name of the approach
    :param kind: its kind, see :class:`Approach`
    :param entries: its means on each task, at least one
    :param in_shares: whether rewards are shares of the best safe episode's
    :return: the approach over these tasks
    """
    rewards: Numbers = np.array([e.share if in_shares else e.reward for e in entries])
    known = not np.isnan(rewards).any()
    return Approach(
        name=name,
        kind=kind,
        n=len(entries),
        n_safe=sum(entry.safe for entry in entries),
        reward=float(rewards.mean()),
        reward_interval=(statistics.paired_interval(rewards) if known else statistics.NO_INTERVAL),
    )
