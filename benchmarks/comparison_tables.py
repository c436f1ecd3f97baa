"""Write the comparison's tables into the pages that show them, from its results.

``make comparison-tables`` runs it. Each table stands between two marks, the first of which names
it; what stands around them is left as it is.
"""

import argparse
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from sb3_presa.benchmark.report import analysis
from sb3_presa.benchmark.report.analysis import Agent, Agents, Comparison, Score
from sb3_presa.envs import find_task
from sb3_presa.files import atomic_path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = sorted((ROOT / "benchmarks" / "results").glob("comparison*.csv"))
PAGES = [ROOT / "README.md", ROOT / "docs" / "benchmark.md", ROOT / "docs" / "environments.md"]
#: What a first mark looks like, and how the page goes on after the table.
MARK = re.compile(
    r"(<!-- table (?P<name>\w+), made by `make comparison-tables` -->\n)"
    r".*?(?=<!-- up to here -->)",
    re.DOTALL,
)
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
        _line([f"{REFERENCE} minus", "cells", "reward", "cost", f"safe: {REFERENCE}, other"]),
        _rule(5),
    ]
    found = {each.algorithm: each for each in analysis.differences(agents, REFERENCE)}
    for each in (found[name] for name in agents if name in found):
        reward = f"{_number(each.reward, 3, '+')} {_interval(each.reward_interval, 3, '+')}"
        cost = f"{_number(each.cost, 2, '+')} {_interval(each.cost_interval, 2, '+')}"
        safe = f"{each.safe[0]}, {each.safe[1]}"
        lines.append(_line([each.algorithm, str(each.n), reward, cost, safe]))
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
    lines = [_line(heads), _rule(len(heads))]
    for name, places in agents.items():
        mine = [agent for agent in places.values() if agent.task in tasks]
        if mine:
            columns = ([agent for agent in mine if agent.task == task] for task in tasks)
            lines.append(_line([name, *_over_all(mine), *map(_cell, columns)]))
    return lines


def published_table(agents: Agents) -> list[str]:
    """
    :param agents: the algorithms' agents
    :return: a line a task, at its middle limit: two of the algorithms, and what was published
    """
    shown, beside = (REFERENCE, "BC, safe"), {"bc_safe": "BC-safe", "trac": "TraC"}
    heads = ["task, limit", *shown, *(f"published {name}" for name in beside.values())]
    lines = [_line(heads), _rule(len(heads))]
    for task in (*BULLET, *OTHERS):
        mine = {name: [a for a in agents[name].values() if a.task == task] for name in shown}
        if mine[REFERENCE]:
            limit = median({agent.cost_limit for agent in mine[REFERENCE]})
            cells = [_cell([a for a in mine[name] if a.cost_limit == limit]) for name in shown]
            known = find_task(mine[REFERENCE][0].row["env"])
            published = known.published if known else {}
            both = ([_number(x, 2) for x in published.get(method, ())] for method in beside)
            cells += map(" / ".join, both)
            lines.append(_line([f"{task}, {limit:g}", *cells]))
    return lines


def _over_all(agents: Sequence[Agent]) -> list[str]:
    costs = [agent.cost for agent in agents]
    return [
        *(str(len(agents)), str(sum(agent.safe for agent in agents))),
        *(_mean([agent.reward for agent in agents], 3), _mean(costs, 2), _number(max(costs), 2)),
    ]


TABLES: dict[str, Callable[[Agents], list[str]]] = {
    "feedback": feedback_table,
    "references": references_table,
    "differences": differences_table,
    "bullet": partial(tasks_table, tasks=BULLET),
    "others": partial(tasks_table, tasks=OTHERS),
    "published": published_table,
}


def _comparison_table(comparison: Comparison | None) -> list[str]:
    heads = ["", "safe agents", "ratio, 95% interval", "reward of the safe", "cost, IQM", "worst"]
    scores: Iterable[Score] = comparison.scores if comparison else ()
    return [_line(heads), _rule(len(heads)), *map(_score_line, scores)]


def _score_line(score: Score) -> str:
    return _line(
        [
            f"{score.algorithm}{' (reads the truth)' if score.reads_outcomes else ''}",
            f"{score.n_safe} / {score.n}",
            f"{_number(score.safe_ratio, 2)} {_interval(score.safe_wilson, 2)}",
            f"{_number(score.reward, 3)} {_interval(score.reward_interval, 3)}",
            _number(score.iqm_cost, 2),
            _number(score.worst_cost, 2),
        ]
    )


def _cell(agents: Sequence[Agent]) -> str:
    """Mean reward / mean cost, and how many are safe where not all are."""
    if not agents:
        return ""
    text = f"{_mean([a.reward for a in agents], 2)} / {_mean([a.cost for a in agents], 2)}"
    n_safe = sum(agent.safe for agent in agents)
    return text if n_safe == len(agents) else f"{text} ({n_safe} of {len(agents)} safe)"


def _mean(values: Sequence[float], digits: int) -> str:
    return _number(float(np.mean(values)), digits)


def _number(value: float, digits: int, sign: str = "") -> str:
    """As statistics write them: without the 0 before the point."""
    return re.sub(r"^([+-]?)0\.", r"\1.", f"{value:{sign}.{digits}f}")


def _interval(ends: tuple[float, float], digits: int, sign: str = "") -> str:
    return f"[{_number(ends[0], digits, sign)}, {_number(ends[1], digits, sign)}]"


def _line(cells: Sequence[str]) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"


def _rule(columns: int) -> str:
    return "|---" * columns + "|"


def update(page: Path, agents: Agents) -> int:
    """
    :param page: a Markdown file; its marked tables are replaced
    :param agents: the algorithms' agents
    :return: how many tables it has
    """

    def table(mark: re.Match[str]) -> str:
        return mark.group(1) + "\n".join(TABLES[mark.group("name")](agents)) + "\n"

    text, n_tables = MARK.subn(table, page.read_text(encoding="utf-8"))
    with atomic_path(page) as new:
        new.write_text(text, encoding="utf-8")
    return n_tables


def read_results(paths: Sequence[Path]) -> Agents:
    """
    :param paths: results files
    :return: agents by algorithm: the reference, then those from feedback, then upper references
    """
    found = analysis.by_algorithm(analysis.read_agents(paths))
    names = sorted(found, key=lambda name: analysis.reads_outcomes(found[name]))
    return analysis.reference_first({name: found[name] for name in names}, REFERENCE)[1]


def main() -> None:
    """Brings the pages' tables up to what the results say."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path, nargs="*", default=RESULTS)
    agents = read_results(parser.parse_args().results)
    for page in PAGES:
        print(f"{page.relative_to(ROOT)}: {update(page, agents)} tables")


if __name__ == "__main__":
    main()
