"""Consistency of rows that are counted together: files keep rows of earlier suite versions."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sb3_presa.benchmark.engine.data_identity import mixed_data

#: The columns that define an agent, and those that define its labels.
_AGENT = ("class", "settings", "steps")
_LABELS = (
    *("n_comparisons", "segment_length", "flip_preferences", "flip_safety"),
    *("unlabelled_preferences", "unlabelled_safety", "feedback"),
)


def concerns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """
    :param rows: the rows of a report
    :return: warnings for its readers, one line each
    """
    mixed = [*mixed_data(rows), *mixed_agents(rows), *mixed_evaluations(rows)]
    return [*mixed, *training_warnings(rows)]


def training_warnings(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """
    :param rows: rows of results
    :return: the warnings of training, with the number of agents and the algorithms; warnings that
        only differ in their numbers are combined
    """
    alike: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        if row.get("warnings"):
            text = str(row["warnings"])
            alike[re.sub(r"\d+(\.\d+)?", "#", text)].append((text, row["algorithm"]))
    return [
        f"training warned for {len(found)} agents of "
        f"{', '.join(dict.fromkeys(repr(name) for _, name in found))}: {found[0][0].rstrip('.')}"
        for found in alike.values()
    ]


def mixed_agents(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """
    An algorithm's rows on one task are averaged, and should have the same settings.

    :param rows: rows of results
    :return: a warning for each algorithm of the main comparison with different settings
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
                f"the agents of {algorithm} on {', '.join(tasks)} should have the same settings, "
                f"but differ; they are counted as one algorithm anyway: {_describe(differing)}"
            )
    return found


def mixed_evaluations(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """
    Means of few episodes vary more than those of many, and so does safety.

    :param rows: rows of results
    :return: a warning if agents on one task were evaluated with different numbers of episodes
    """
    tasks = _differing(rows, "n_episodes")
    if not tasks:
        return []
    numbers = sorted({int(n) for found in tasks.values() for n in found})
    return [
        f"the agents on {', '.join(tasks)} should be evaluated with the same number of episodes, "
        f"got {', '.join(map(str, numbers))}; they are compared anyway"
    ]


def _differing(rows: Sequence[Mapping[str, Any]], column: str) -> dict[str, dict[str, None]]:
    """The tasks with several values of a column, and these values in their order."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        value = _value(row, column)
        if value is not None:
            found[row["task"]][value] = None
    return {task: values for task, values in found.items() if len(values) > 1}


def _value(row: Mapping[str, Any], column: str) -> str | None:
    """The value of a row, in one format for numbers; ``None`` if it is empty."""
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
