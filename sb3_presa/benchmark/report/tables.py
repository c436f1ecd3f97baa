"""A report for the terminal, as tables of text."""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from sb3_presa.benchmark.report import analysis
from sb3_presa.benchmark.report.agents import Agent, Agents, Place
from sb3_presa.benchmark.report.analysis import Comparison
from sb3_presa.benchmark.report.statistics import LEAST_RUNS
from sb3_presa.files import write_text

_WIDTH = 180
#: Width of a column's border: a line, and a space on each side.
_FRAME = 3


def swept_variants(agents: Sequence[Agent]) -> dict[str, dict[Place, Agent]]:
    """
    :param agents: all agents
    :return: those of the sweeps, by algorithm and changed option
    """
    swept: dict[str, dict[Place, Agent]] = defaultdict(dict)
    for agent in agents:
        if agent.study != "main":
            name = agent.study.partition(".")[2]
            value = json.dumps(_value(agent)).strip('"')
            swept[f"{agent.algorithm}, {name} = {value}"][agent.place] = agent
    return dict(swept)


def sections(main: Agents, swept: Agents) -> list[tuple[str, Agents]]:
    """
    :param main: the algorithms' agents
    :param swept: those of the sweeps
    :return: headings, and the agents below each: the comparisons of the page on their common cells,
        then what has no common cells
    """
    found: list[tuple[str, Agents]] = []
    for comparison in analysis.comparisons(main):
        heading = f"{comparison.title.capitalize()}, {len(comparison.places)} common cells"
        for name, n in comparison.left_out.items():
            heading += f"; without {name}, which has only {n}"
        found.append((heading, _within(main, comparison)))
    if main and not found:
        found.append(("No common cells, each on its own", main))
    if swept:
        found.append(("Sweeps, each on its own cells", swept))
    return found


def _within(main: Agents, comparison: Comparison) -> Agents:
    """The agents of a comparison, on its cells."""
    kept = {score.algorithm for score in comparison.scores}
    return {
        name: {place: agent for place, agent in places.items() if place in comparison.places}
        for name, places in main.items()
        if name in kept
    }


def summary_table(groups: Agents) -> Table:
    """
    :param groups: agents by variant and place
    :return: one line per variant: safe agents, mean reward and cost over its cells
    """
    table = Table(
        *("", "agents", "safe", "reward", "own range", "cost", "worst"),
        title="Normalised reward and cost, means over limits and seeds",
    )
    for variant, places in groups.items():
        mine = list(places.values())
        own = [float(a.row["own_range_reward"]) for a in mine if a.row.get("own_range_reward")]
        table.add_row(
            variant,
            str(len(mine)),
            f"{sum(agent.safe for agent in mine)}/{len(mine)}",
            _mean_reward(mine),
            f"{np.mean(own):.3f}" if own else "-",
            f"{np.mean([agent.cost for agent in mine]):.2f}",
            f"{max(agent.cost for agent in mine):.2f}",
        )
    return table


def task_tables(groups: Agents, width: int) -> list[Table]:
    """
    :param groups: agents by variant and place
    :param width: largest width of a table in characters
    :return: one line per variant, one column per task: mean reward / mean cost; several tables if
        one would be too wide
    """
    tasks = list(
        dict.fromkeys(agent.task for places in groups.values() for agent in places.values())
    )
    names = max(map(len, groups), default=0)
    cells = max(map(len, [*tasks, "-0.000 / 00.00"]))
    n_tasks = max(1, (width - names - _FRAME) // (cells + _FRAME))
    return [_task_table(groups, tasks[i : i + n_tasks]) for i in range(0, len(tasks), n_tasks)]


def _task_table(groups: Agents, tasks: Sequence[str]) -> Table:
    table = Table("", *tasks, title="Reward / cost on each task")
    for variant, places in groups.items():
        of_task = ([a for a in places.values() if a.task == task] for task in tasks)
        table.add_row(variant, *map(_reward_and_cost, of_task))
    return table


def difference_table(groups: Agents, reference: str) -> Table:
    """
    :param groups: agents by variant and place
    :param reference: the variant that the others are compared with
    :return: paired differences, reference minus other, with 95% bootstrap intervals
    """
    table = Table(
        *("minus", "pairs", "reward", "95% interval", "cost", "95% interval"),
        title=f"{reference} minus another algorithm, on their common cells",
    )
    found = {d.algorithm: d for d in analysis.differences(groups, reference)}
    for difference in (found[name] for name in groups if name in found):
        table.add_row(
            difference.algorithm,
            str(difference.n),
            "-" if math.isnan(difference.reward) else f"{difference.reward:+.3f}",
            _interval(difference.reward_interval),
            f"{difference.cost:+.3f}",
            _interval(difference.cost_interval),
        )
    if any(d.n < LEAST_RUNS for d in found.values()):
        table.caption = f"No interval for fewer than {LEAST_RUNS} pairs."
    return table


def print_tables(agents: Sequence[Agent], out: Path, reference: str) -> Path:
    """
    Prints the tables, and writes them to ``tables.txt``.

    :param agents: the agents
    :param out: folder to write to
    :param reference: the algorithm that the others are compared with; if the agents do not have it,
        their first algorithm
    :return: the file
    """
    compared, swept = analysis.by_algorithm(agents), swept_variants(agents)
    reference, groups = analysis.reference_first(compared | swept, reference)
    _, main = analysis.reference_first(compared, reference)
    text = StringIO()
    for console in (Console(emoji=False), Console(file=text, width=_WIDTH, emoji=False)):
        for heading, found in sections(main, swept):
            console.print(f"{heading}:", markup=False, highlight=False, soft_wrap=True)
            console.print(summary_table(found), *task_tables(found, console.width))
        if len(groups) > 1:
            console.print(difference_table(groups, reference))
    out.mkdir(parents=True, exist_ok=True)
    path = out / "tables.txt"
    write_text(path, text.getvalue())
    return path


def _value(agent: Agent) -> object:
    """The value that a sweep set for this agent, in the sweep's own unit."""
    kind, _, name = agent.study.partition(".")
    if kind == "labels" and name != "feedback" and agent.row.get(name):
        return _plain(float(agent.row[name]))
    return agent.option(agent.study)


def _plain(number: float) -> float | int:
    return int(number) if number == int(number) else number


def _reward_and_cost(agents: Sequence[Agent]) -> str:
    if not agents:
        return "-"
    return f"{_mean_reward(agents)} / {np.mean([agent.cost for agent in agents]):.2f}"


def _mean_reward(agents: Sequence[Agent]) -> str:
    reward = np.mean([agent.reward for agent in agents])
    return "-" if math.isnan(reward) else f"{reward:.3f}"


def _interval(ends: tuple[float, float]) -> str:
    return "-" if math.isnan(ends[0]) else f"[{ends[0]:+.3f}, {ends[1]:+.3f}]"
