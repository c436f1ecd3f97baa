"""How tables get from results into pages: numbers as text, lines, and the marks around a table.

A table stands between two marks, the first of which names it. What stands around them is left as
it is.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from sb3_presa.benchmark.report.analysis import Agent
from sb3_presa.files import atomic_path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"

#: What a first mark looks like, and how the page goes on after the table.
MARK = re.compile(
    r"(<!-- table (?P<name>\w+), made by `make comparison-tables` -->\n)"
    r".*?(?=<!-- up to here -->)",
    re.DOTALL,
)

Tables = Mapping[str, Callable[[], list[str]]]


def update(page: Path, tables: Tables) -> int:
    """
    :param page: a Markdown file; those of its marked tables that are given are replaced
    :param tables: name -> what makes its lines
    :return: how many were replaced
    """
    n_replaced = 0

    def table(mark: re.Match[str]) -> str:
        nonlocal n_replaced
        make = tables.get(mark.group("name"))
        if make is None:
            return mark.group()
        n_replaced += 1
        return mark.group(1) + "\n".join(make()) + "\n"

    text = MARK.sub(table, page.read_text(encoding="utf-8"))
    with atomic_path(page) as new:
        new.write_text(text, encoding="utf-8")
    return n_replaced


def cell(agents: Sequence[Agent]) -> str:
    """
    :param agents: of one algorithm
    :return: mean reward / mean cost, and how many are safe where not all are
    """
    if not agents:
        return ""
    text = f"{mean([a.reward for a in agents], 2)} / {mean([a.cost for a in agents], 2)}"
    n_safe = sum(agent.safe for agent in agents)
    return text if n_safe == len(agents) else f"{text} ({n_safe} of {len(agents)} safe)"


def mean(values: Sequence[float], digits: int) -> str:
    """
    :param values: at least one
    :param digits: after the point
    :return: their mean as text
    """
    return number(float(np.mean(values)), digits)


def number(value: float, digits: int, sign: str = "") -> str:
    """
    :param value: any number
    :param digits: after the point
    :param sign: ``"+"`` to write a plus
    :return: as statistics write it, without the 0 before the point
    """
    return re.sub(r"^([+-]?)0\.", r"\1.", f"{value:{sign}.{digits}f}")


def interval(ends: tuple[float, float], digits: int, sign: str = "") -> str:
    """
    :param ends: lower and upper end
    :param digits: after the point
    :param sign: ``"+"`` to write a plus
    :return: both ends in brackets, a dash where there is no interval
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
