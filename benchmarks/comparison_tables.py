"""Write the tables of results into the pages that show them: ``make comparison-tables``."""

import argparse
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from few_labels_table import FEW_LABELS, few_labels_table, of_regime, sweeps_table
from markdown_tables import RESULTS, ROOT, Tables, cell, mean, update
from paper_table import draw, paper_tables
from sensitivity_table import sensitivity_table

from sb3_presa.benchmark.report import analysis
from sb3_presa.benchmark.report.agents import Agent, Agents, read_agents
from sb3_presa.benchmark.report.analysis import Comparison, Score
from sb3_presa.benchmark.report.markdown import interval, line, number, rule
from sb3_presa.envs import find_task

PAGES = [
    ROOT / "README.md",
    *(ROOT / "docs" / f"{name}.md" for name in ("results", "presa", "environments", "paper-table")),
]
COMPARISON = sorted(RESULTS.glob("comparison*.csv"))
REFERENCE = "PRESA"
BULLET = ("BallRun", "BallCircle", "CarRun", "CarCircle")
OTHERS = (
    *("PointGoal1", "PointCircle1", "HalfCheetahVelocity", "HighwaySafe"),
    *("SwimmerVelocity", "DroneRun", "easysparse"),
)


def feedback_table(agents: Agents) -> list[str]:
    """
    :param agents: the algorithms' agents
    :return: those that learn from feedback only, on the cells that all of them have
    """
    found = analysis.feedback_only(agents)
    return _comparison_table(analysis.compare("from feedback only", found))


def references_table(agents: Agents) -> list[str]:
    """
    :param agents: the algorithms' agents
    :return: all of them, on the cells that they share with the upper references
    """
    return _comparison_table(analysis.compare("with upper references", agents))


def differences_table(agents: Agents) -> list[str]:
    """
    :param agents: the algorithms' agents
    :return: the reference minus each other, on the cells that the two share
    """
    lines = [
        line([f"{REFERENCE} minus", "cells", "reward", "cost", f"safe: {REFERENCE}, other"]),
        rule(5),
    ]
    found = {each.algorithm: each for each in analysis.differences(agents, REFERENCE)}
    for each in (found[name] for name in agents if name in found):
        reward = f"{number(each.reward, 3, '+')} {interval(each.reward_interval, 3, '+')}"
        cost = f"{number(each.cost, 2, '+')} {interval(each.cost_interval, 2, '+')}"
        safe = f"{each.safe[0]}, {each.safe[1]}"
        lines.append(line([each.algorithm, str(each.n), reward, cost, safe]))
    return lines


def tasks_table(agents: Agents, tasks: Sequence[str]) -> list[str]:
    """
    :param agents: the algorithms' agents
    :param tasks: the columns, if there are agents of them
    :return: a line an algorithm, over all the cells that it has on these tasks
    """
    run = {agent.task for places in agents.values() for agent in places.values()}
    tasks = [task for task in tasks if task in run]
    heads = ["", "agents", "safe", "reward", "cost", "worst cost", *tasks]
    lines = [line(heads), rule(len(heads))]
    for name, places in agents.items():
        mine = [agent for agent in places.values() if agent.task in tasks]
        if mine:
            columns = ([agent for agent in mine if agent.task == task] for task in tasks)
            lines.append(line([name, *_over_all(mine), *map(cell, columns)]))
    return lines


def published_table(agents: Agents) -> list[str]:
    """
    :param agents: the algorithms' agents
    :return: a line a task, at its middle limit: two of the algorithms, and what was published
    """
    shown, beside = (REFERENCE, "BC, safe"), {"bc_safe": "BC-safe", "trac": "TraC"}
    heads = ["task, limit", *shown, *(f"published {name}" for name in beside.values())]
    lines = [line(heads), rule(len(heads))]
    for task in (*BULLET, *OTHERS):
        mine = {name: [a for a in agents[name].values() if a.task == task] for name in shown}
        if mine[REFERENCE]:
            limit = median({agent.cost_limit for agent in mine[REFERENCE]})
            cells = [cell([a for a in mine[name] if a.cost_limit == limit]) for name in shown]
            known = find_task(mine[REFERENCE][0].row["env"])
            published = known.published if known else {}
            both = ([number(x, 2) for x in published.get(method, ())] for method in beside)
            cells += map(" / ".join, both)
            lines.append(line([f"{task}, {limit:g}", *cells]))
    return lines


def comparison_tables(agents: Agents) -> Tables:
    """
    :param agents: the agents of the comparison, by algorithm
    :return: its tables by name
    """
    return {
        "feedback": partial(feedback_table, agents),
        "references": partial(references_table, agents),
        "differences": partial(differences_table, agents),
        "bullet": partial(tasks_table, agents, tasks=BULLET),
        "others": partial(tasks_table, agents, tasks=OTHERS),
        "published": partial(published_table, agents),
    }


def all_tables(comparison: Sequence[Path] = COMPARISON) -> Tables:
    """
    :param comparison: the results files of the comparison
    :return: the tables of the comparison and of the two studies of PRESA's settings, by name
    """
    core = read_results([RESULTS / "core.csv"])
    people = of_regime(read_agents([FEW_LABELS]))
    return {
        **comparison_tables(read_results(comparison)),
        "core": partial(tasks_table, core, tasks=BULLET),
        "core_differences": partial(differences_table, core),
        "sensitivity": sensitivity_table,
        "people": few_labels_table,
        "people_differences": partial(differences_table, people),
        "hard": partial(few_labels_table, ", hard"),
        "few_labels_sweeps": sweeps_table,
        "exact": partial(few_labels_table, ", exact"),
        **paper_tables(),
    }


def _over_all(agents: Sequence[Agent]) -> list[str]:
    costs = [agent.cost for agent in agents]
    return [
        *(str(len(agents)), str(sum(agent.safe for agent in agents))),
        *(mean([agent.reward for agent in agents], 3), mean(costs, 2), number(max(costs), 2)),
    ]


def _comparison_table(comparison: Comparison | None) -> list[str]:
    heads = ["", "safe agents", "ratio, 95% interval", "reward of the safe", "cost, IQM", "worst"]
    scores: Iterable[Score] = comparison.scores if comparison else ()
    return [line(heads), rule(len(heads)), *map(_score_line, scores)]


def _score_line(score: Score) -> str:
    return line(
        [
            f"{score.algorithm}{' (reads the truth)' if score.reads_outcomes else ''}",
            f"{score.n_safe} / {score.n}",
            f"{number(score.safe_ratio, 2)} {interval(score.safe_wilson, 2)}",
            f"{number(score.reward, 3)} {interval(score.reward_interval, 3)}",
            number(score.iqm_cost, 2),
            number(score.worst_cost, 2),
        ]
    )


def read_results(paths: Sequence[Path]) -> Agents:
    """
    :param paths: results files
    :return: agents by algorithm: the reference, then those from feedback, then upper references
    """
    found = analysis.by_algorithm(read_agents(paths))
    names = sorted(found, key=lambda name: analysis.reads_outcomes(found[name]))
    return analysis.reference_first({name: found[name] for name in names}, REFERENCE)[1]


def main() -> None:
    """Brings the pages' tables up to what the results say."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path, nargs="*", default=COMPARISON)
    tables = all_tables(parser.parse_args().results)
    draw()
    for page in PAGES:
        print(f"{page.relative_to(ROOT)}: {update(page, tables)} tables")


if __name__ == "__main__":
    main()
