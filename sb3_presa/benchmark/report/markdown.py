"""Tables in Markdown."""

import math
import re
from collections.abc import Mapping, Sequence

from sb3_presa.benchmark.report.by_task import Entry, TaskRow

UNSAFE = "\N{BALLOT X}"
NOTHING = "\N{EN DASH}"


def task_table(
    rows: Sequence[TaskRow], expected: Mapping[str, Mapping[str, int]], methods: Sequence[str]
) -> list[str]:
    """
    :param rows: one for each task
    :param expected: the first columns; algorithm -> task -> its number of agents if none is missing
    :param methods: published methods, the other columns
    :return: the lines of the table: reward / cost, with a mark where a cost is above the limit, and
        the number of agents where some are missing
    """
    lines = [line(["task", *expected, *(f"{name} (published)" for name in methods)])]
    lines.append(rule(1 + len(expected) + len(methods)))
    for row in rows:
        ours = (
            entry_text(row.entries.get(name), n.get(row.task, 1)) for name, n in expected.items()
        )
        theirs = (entry_text(row.published.get(name)) for name in methods)
        lines.append(line([row.task, *ours, *theirs]))
    return lines


def entry_text(entry: Entry | None, expected: int = 1) -> str:
    """
    :param entry: means on a task; ``None`` if there are none
    :param expected: the number of agents if none is missing
    :return: reward / cost, in bold type if it is the best, with a mark if it is unsafe, and with
        the number of agents if some are missing
    """
    if entry is None:
        return NOTHING
    text = f"{number(entry.reward, 2)} / {number(entry.cost, 2)}"
    if not entry.safe:
        text = f"{text} {UNSAFE}"
    elif entry.best:
        text = f"**{text}**"
    return text if entry.n >= expected else f"{text} ({entry.n} of {expected} agents)"


def number(value: float, digits: int, sign: str = "") -> str:
    """
    :param value: any number
    :param digits: after the point
    :param sign: ``"+"`` to write a plus
    :return: as statistics write it, without the 0 before the point; a dash for NaN
    """
    if math.isnan(value):
        return NOTHING
    return re.sub(r"^([+-]?)0\.", r"\1.", f"{value:{sign}.{digits}f}")


def interval(ends: tuple[float, float], digits: int, sign: str = "") -> str:
    """
    :param ends: lower and upper end
    :param digits: after the point
    :param sign: ``"+"`` to write a plus
    :return: both ends in brackets; a dash for NaN
    """
    if math.isnan(ends[0]):
        return "-"
    return f"[{number(ends[0], digits, sign)}, {number(ends[1], digits, sign)}]"


def line(cells: Sequence[str]) -> str:
    """
    :param cells: texts
    :return: a line of a table
    """
    return "".join(f"| {text} " if text else "| " for text in cells) + "|"


def rule(columns: int) -> str:
    """
    :param columns: how many
    :return: the line under a table's headings
    """
    return "|---" * columns + "|"
