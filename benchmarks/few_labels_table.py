"""The table of what a few noisy labels of short clips are enough for."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from markdown_tables import RESULTS, cell, mean
from sensitivity_table import LEVELS, agents_line

from sb3_presa.benchmark.report import analysis
from sb3_presa.benchmark.report.agents import Agent, Agents, read_agents
from sb3_presa.benchmark.report.markdown import line, rule

FEW_LABELS = RESULTS / "few_labels.csv"
#: Endings of the names of algorithms that were given other labels than people give.
REGIMES = (", hard", ", exact")


def few_labels_table(regime: str = "", results: Path = FEW_LABELS) -> list[str]:
    """
    :param regime: ending of the algorithms' names: ``", hard"``, ``", exact"`` or neither
    :param results: a results file of ``benchmarks/suites/few_labels.yaml``
    :return: a line an algorithm that has run on all cells of :func:`common_tasks`, with rewards in
        the range of the dataset's returns: safe agents, reward, its share of the best safe
        episode's, cost
    """
    agents = read_agents([results])
    by_algorithm = of_regime(agents, regime)
    tasks = common_tasks(by_algorithm)
    heads = ["", "safe", "reward", "of the best safe episode", "cost", *tasks]
    lines = [line(heads), rule(len(heads))]
    found = {
        name: {place: agent for place, agent in places.items() if agent.task in tasks}
        for name, places in by_algorithm.items()
    }
    most = max(map(len, found.values()), default=0)
    for name, places in found.items():
        mine = list(places.values())
        if len(mine) < most:  # means over other cells would not compare
            continue
        overall = [
            f"{sum(agent.safe for agent in mine)} / {len(mine)}",
            mean([agent.reward for agent in mine], 3),
            mean([agent.share_of_best_safe for agent in mine], 2),
            mean([agent.cost for agent in mine], 2),
        ]
        columns = ([agent for agent in mine if agent.task == task] for task in tasks)
        lines.append(line([name.removesuffix(regime), *overall, *map(cell, columns)]))
    return lines


def common_tasks(by_algorithm: Agents) -> list[str]:
    """
    :param by_algorithm: algorithm -> its agents
    :return: tasks that more than half of the algorithms have run on
    """
    ran = [
        dict.fromkeys(agent.task for agent in places.values()) for places in by_algorithm.values()
    ]
    tasks = list(dict.fromkeys(task for of_one in ran for task in of_one))
    return [task for task in tasks if 2 * sum(task in of_one for of_one in ran) > len(ran)]


def of_regime(agents: Sequence[Agent], regime: str = "") -> Agents:
    """
    :param agents: agents of ``benchmarks/suites/few_labels.yaml``
    :param regime: ending of the algorithms' names: ``", hard"``, ``", exact"`` or neither
    :return: algorithm -> its agents, with rewards in the range of the dataset's returns
    """
    return {
        name: {place: replace(agent, reward=_own(agent)) for place, agent in places.items()}
        for name, places in analysis.by_algorithm(agents).items()
        if _is_of(name, regime)
    }


def swept_agents(results: Path = FEW_LABELS) -> dict[str, dict[str, dict[Any, list[Agent]]]]:
    """
    :param results: a results file of ``benchmarks/suites/few_labels.yaml``
    :return: what a sweep varies -> algorithm -> level -> agents, for each algorithm that has run on
        all levels, with rewards in the range of the dataset's returns
    """
    agents = [replace(agent, reward=_own(agent)) for agent in read_agents([results])]
    swept = {}
    for vary in analysis.sweeps(agents):
        found = analysis.ablation(agents, vary)
        most = max(map(len, found.values()), default=0)
        swept[vary] = {name: levels for name, levels in found.items() if len(levels) == most}
    return swept


def sweeps_table(results: Path = FEW_LABELS) -> list[str]:
    """
    :param results: a results file of ``benchmarks/suites/few_labels.yaml``
    :return: a line for each level of its sweeps and each algorithm that has run on all of them
    """
    swept = swept_agents(results)
    everyone = [
        agent
        for by_algorithm in swept.values()
        for levels in by_algorithm.values()
        for mine in levels.values()
        for agent in mine
    ]
    tasks = sorted({agent.task for agent in everyone})
    heads = ["", "safe", "reward", "cost", *tasks]
    lines = [line(heads), rule(len(heads))]
    for vary, by_algorithm in swept.items():
        for algorithm, levels in by_algorithm.items():
            for value, mine in levels.items():
                lines.append(agents_line(f"{algorithm}, {LEVELS[vary](value)}", mine, tasks))
    return lines


def _own(agent: Agent) -> float:
    return float(agent.row["own_range_reward"])


def _is_of(name: str, regime: str) -> bool:
    others: Sequence[str] = [other for other in REGIMES if other != regime]
    return name.endswith(regime) and not any(name.endswith(other) for other in others)
