"""Whether rows that are counted together are of one kind: files keep what has left its suite."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sb3_presa.benchmark.engine.data_identity import mixed_data

#: What makes the agent, and the labels that it learns from.
_AGENT = ("class", "settings", "steps")
_LABELS = (
    *("n_comparisons", "segment_length", "flip_preferences", "flip_safety"),
    *("unlabelled_preferences", "unlabelled_safety", "feedback"),
)


def concerns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """
    :param rows: rows of results, which a report is made of
    :return: what its readers must be warned of, a line each
    """
    mixed = [*mixed_data(rows), *mixed_agents(rows), *mixed_evaluations(rows)]
    return [*mixed, *training_warnings(rows)]


def training_warnings(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """
    :param rows: rows of results
    :return: what training warned of, and for how many agents of which algorithms; of warnings that
        differ in their numbers only, the first
    """
    alike: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        if row.get("warnings"):
            text = str(row["warnings"])
            alike[re.sub(r"\d+(\.\d+)?", "#", text)].append((text, row["algorithm"]))
    return [
        f"training warned for {len(found)} agents of "
        f"{', '.join(dict.fromkeys(name for _, name in found))}: {found[0][0].rstrip('.')}"
        for found in alike.values()
    ]


def mixed_agents(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """
    An algorithm's rows on one task are averaged, so they have to be of agents made alike.

    :param rows: rows of results
    :return: a warning for each algorithm of the main comparison whose rows are known not to be
    """
    by_algorithm: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if (row.get("study") or "main") == "main":
            by_algorithm[row["algorithm"]].append(row)
    found = []
    for algorithm, mine in by_algorithm.items():
        differing = {column: _differing(mine, column) for column in (*_AGENT, *_LABELS)}
        if any(differing.values()):
            tasks = dict.fromkeys(task for by_task in differing.values() for task in by_task)
            found.append(
                f"the results of {algorithm} on {', '.join(tasks)} are of agents that were not "
                f"made alike, and are counted as one algorithm all the same: {_describe(differing)}"
            )
    return found


def mixed_evaluations(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """
    The mean of a few episodes strays further than that of many, and so does its safety.

    :param rows: rows of results
    :return: a warning if a task's agents are known to have been evaluated in different numbers
    """
    tasks = _differing(rows, "n_episodes")
    if not tasks:
        return []
    numbers = sorted({int(n) for found in tasks.values() for n in found})
    return [
        f"the agents on {', '.join(tasks)} were evaluated in different numbers of episodes "
        f"({', '.join(map(str, numbers))}), and are compared all the same"
    ]


def _differing(rows: Sequence[Mapping[str, Any]], column: str) -> dict[str, dict[str, None]]:
    """The tasks on which the rows have several values there, and those values in their order."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        value = _value(row, column)
        if value is not None:
            found[row["task"]][value] = None
    return {task: values for task, values in found.items() if len(values) > 1}


def _value(row: Mapping[str, Any], column: str) -> str | None:
    """What a row says, however its number is written; ``None`` where it says nothing."""
    text = row.get(column)
    if column == "steps" and text == "":
        return "the default"
    if not text or (column in _LABELS and row.get("reads_outcomes") == "True"):
        return None
    try:
        return f"{float(text):.12g}"
    except ValueError:
        return str(text)


def _describe(differing: Mapping[str, Mapping[str, Mapping[str, None]]]) -> str:
    parts = []
    for column, by_task in differing.items():
        values = dict.fromkeys(value for of_task in by_task.values() for value in of_task)
        if values:
            parts.append(f"{column} is {' and '.join(values)}")
    return "; ".join(parts)
