"""The tables and the picture of all tasks of the benchmark, from the results of its suite."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from markdown_tables import RESULTS, ROOT, Tables

from sb3_presa.benchmark.report import analysis
from sb3_presa.benchmark.report.agents import Agent, Agents, Place, read_agents
from sb3_presa.benchmark.report.by_task import (
    PUBLISHED_NAMES,
    Approach,
    Entry,
    TaskRow,
    approach,
    approach_of,
    by_task,
    entry,
    overview,
    published,
)
from sb3_presa.benchmark.report.markdown import (
    NOTHING,
    entry_text,
    interval,
    line,
    number,
    rule,
    task_table,
)
from sb3_presa.benchmark.report.overview_figure import draw_overview
from sb3_presa.benchmark.suites.suite import Suite, load_suite
from sb3_presa.envs import all_tasks
from sb3_presa.intervals import wilson

PAPER = RESULTS / "paper.csv"
SUITE = ROOT / "benchmarks" / "suites" / "paper.yaml"
PICTURE = ROOT / "docs" / "_static" / "paper.png"
REFERENCE = "PRESA"
#: Differences of mean rewards that the tables, with two digits, do not show.
_ROUNDING = 0.005


def paper_agents(suite: Suite, results: Path = PAPER) -> Agents:
    """
    :param suite: the suite
    :param results: its results file, which may not exist yet
    :return: the agents of the suite's cells, by algorithm in the suite's order
    """
    keys = {cell.key for cell in suite.cells}
    read = read_agents([results]) if results.exists() else []
    found = analysis.by_algorithm(agent for agent in read if agent.row.get("key") in keys)
    return {name: found[name] for name in _algorithms(suite) if name in found}


def all_rows(agents: Agents) -> list[TaskRow]:
    """
    :param agents: the algorithms' agents
    :return: a row for each task of the benchmark, those without agents too
    """
    run = {row.task: row for row in by_task(agents)}
    return [
        run.get(task.name, TaskRow(task.name, frozenset(), {}, published(task.env_id)))
        for task in all_tasks()
    ]


def progress(suite: Suite, agents: Agents) -> list[str]:
    """
    :param suite: the suite
    :param agents: its agents
    :return: sentences on how much of it has run
    """
    n_tasks = len({agent.task for places in agents.values() for agent in places.values()})
    n_agents, usual = sum(map(len, agents.values())), len(suite.cells)
    if not n_tasks:
        return [f"None of the {len(all_tasks())} tasks has run yet. Published results stand alone."]
    return [f"{n_tasks} of {len(all_tasks())} tasks have run: {n_agents:,} of {usual:,} agents."]


def summary(agents: Agents, picture: str) -> list[str]:
    """
    :param agents: the suite's agents
    :param picture: where the picture is, from the page
    :return: the picture, and sentences on what it shows; nothing without agents
    """
    if not agents.get(REFERENCE):
        return []
    rows = by_task(agents)
    said = []
    for name in (each for each in agents if _is_reference(each)):
        found = approach_of(name, agents, rows)
        sentence = f"{name}: safe on {found.n_safe} of {found.n} tasks"
        if not math.isnan(found.reward):
            sentence += f", with {found.reward:.0%} of the reward of the best safe episode"
        said.append(f"{sentence}.")
    alt = "Ratio of tasks that each approach keeps safe, and its reward"
    return [f"![{alt}]({picture})", "", " ".join(said)]


def approaches_table(agents: Agents) -> list[str]:
    """
    :param agents: the suite's agents
    :return: a line for each algorithm over the tasks that it has run on, then the published methods
        on the tasks that any algorithm has run on, or else on all
    """
    heads = (
        *("", "safe tasks", "ratio, 95% interval", "safe agents", "ratio, 95% interval"),
        *("share of the best safe episode", "reward", "cost"),
    )
    lines = [line(heads), rule(len(heads))]
    rows = by_task(agents)
    for name, places in agents.items():
        mine = list(places.values())
        entries = [row.entries[name] for row in rows if name in row.entries]
        n_safe = sum(agent.safe for agent in mine)
        found = approach_of(name, agents, rows)
        share = NOTHING
        if not math.isnan(found.reward):
            share = f"{number(found.reward, 2)} {interval(found.reward_interval, 2)}"
        single = [
            f"{n_safe} of {len(mine)}",
            f"{number(n_safe / len(mine), 2)} {interval(wilson(n_safe, len(mine)), 2)}",
        ]
        truth = " (reads the truth)" if found.kind == "truth" else ""
        lines.append(line([f"{name}{truth}", *_ratio(found), *single, share, *_means(entries)]))
    for name in PUBLISHED_NAMES.values():
        entries = [row.published[name] for row in rows or all_rows(agents)]
        found = approach(name, "published", entries, in_shares=True)
        cells = (*_ratio(found), NOTHING, NOTHING, NOTHING, *_means(entries))
        lines.append(line([f"{name} (published)", *cells]))
    return lines


def tasks_table(suite: Suite, agents: Agents) -> list[str]:
    """
    :param suite: the suite
    :param agents: its agents
    :return: a line for each task of the benchmark, beside published results
    """
    return task_table(all_rows(agents), _algorithms(suite), list(PUBLISHED_NAMES.values()))


def losses_table(agents: Agents) -> list[str]:
    """
    :param agents: the suite's agents
    :return: a line for each task on which the reference or a variant of it is unsafe, or the
        reference earns less than another method from feedback that is safe there. Where the other
        has not run at all limits, both are compared at the shared ones
    """
    heads = [line(["task", "", "reward / cost", "safe methods from feedback"]), rule(4)]
    others = [name for name in analysis.feedback_only(agents) if not _is_reference(name)]
    lines = []
    for row in by_task(agents):
        for name in filter(_is_reference, agents):
            if name not in row.entries:
                continue
            mine = row.entries[name]
            pairs = {other: _shared(agents[name], agents[other], row.task) for other in others}
            safe = {other: pair for other, pair in pairs.items() if pair and pair[1].safe}
            better = {
                other: (ours, theirs)
                for other, (ours, theirs) in safe.items()
                if not mine.safe or theirs.reward > ours.reward + _ROUNDING
            }
            if not mine.safe or (better and name == REFERENCE):
                ranked = sorted(better, key=lambda other: -better[other][1].reward)
                texts = [f"{other} {_beside(*better[other], mine)}" for other in ranked]
                lines.append(line([row.task, name, _plain(mine), "; ".join(texts) or "none"]))
    return [*heads, *lines] if lines else ["None of the tasks that have run."]


def paper_tables(results: Path = PAPER) -> Tables:
    """
    :param results: the results file of the suite
    :return: what the page of all tasks and the README show, by name
    """
    suite = load_suite(SUITE)
    agents = paper_agents(suite, results)
    return {
        "paper_progress": partial(progress, suite, agents),
        "paper_summary": partial(summary, agents, "_static/paper.png"),
        "paper_readme": partial(summary, agents, "docs/_static/paper.png"),
        "paper_approaches": partial(approaches_table, agents),
        "paper_tasks": partial(tasks_table, suite, agents),
        "paper_losses": partial(losses_table, agents),
    }


def draw(picture: Path = PICTURE, results: Path = PAPER) -> bool:
    """
    :param picture: PNG file to write
    :param results: the results file of the suite
    :return: whether there was anything to draw
    """
    found = overview(paper_agents(load_suite(SUITE), results))
    if found is not None:
        draw_overview(picture, found, REFERENCE)
    return found is not None


def _algorithms(suite: Suite) -> dict[str, Counter[str]]:
    """The suite's algorithms, and how many agents each has on every task."""
    found: dict[str, Counter[str]] = {}
    for cell in suite.cells:
        found.setdefault(cell.algorithm, Counter())[cell.task] += 1
    return found


def _is_reference(name: str) -> bool:
    return name == REFERENCE or name.startswith(f"{REFERENCE},")


def _ratio(found: Approach) -> tuple[str, str]:
    ratio = f"{number(found.ratio, 2)} {interval(found.ratio_interval, 2)}"
    return f"{found.n_safe} of {found.n}", ratio


def _means(entries: Sequence[Entry]) -> tuple[str, str]:
    rewards, costs = zip(*((entry.reward, entry.cost) for entry in entries), strict=True)
    return number(float(np.mean(rewards)), 2), number(float(np.mean(costs)), 2)


def _shared(
    ours: Mapping[Place, Agent], theirs: Mapping[Place, Agent], task: str
) -> tuple[Entry, Entry] | None:
    """The means of both on the cells of a task that both have run on."""
    places = [place for place in ours if place in theirs and place[0] == task]
    if not places:
        return None
    return entry([ours[place] for place in places]), entry([theirs[place] for place in places])


def _beside(ours: Entry, theirs: Entry, everywhere: Entry) -> str:
    """The other's means, with those of the reference if they are of fewer limits."""
    if ours.limits.keys() == everywhere.limits.keys():
        return _plain(theirs)
    limits = ", ".join(f"{limit:g}" for limit in sorted(ours.limits))
    return f"{_plain(theirs)} (limit {limits}, against {_plain(ours)})"


def _plain(means: Entry) -> str:
    return entry_text(means).strip("*")
