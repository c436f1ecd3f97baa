"""How tables get from results into pages: cells, and the marks around a table.

A table stands between two marks, the first of which names it. What stands around them is left as
it is.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from sb3_presa.benchmark.report.agents import Agent
from sb3_presa.benchmark.report.markdown import number
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
        return mark.group(1) + "".join(f"{text}\n" for text in make())

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
