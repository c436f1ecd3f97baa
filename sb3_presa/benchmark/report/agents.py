"""The agents of result files."""

import json
import math
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sb3_presa.benchmark.engine.results import read_rows
from sb3_presa.benchmark.report.consistency import concerns
from sb3_presa.errors import ConfigError
from sb3_presa.learning.settings import ObjectiveSettings
from sb3_presa.registry import ALGORITHMS, UNKNOWN, algorithm_class, settings_of

#: Task, cost limit and seed; agents are compared at equal places.
Place = tuple[str, float, int]


@dataclass(frozen=True)
class Agent:
    """
    A row of results.

    :param place: task, cost limit and seed
    :param algorithm: its name
    :param study: ``"main"``, or the option that its sweep varies
    :param reward: normalised reward; NaN if the row has no reference for it
    :param cost: normalised cost
    :param safe: whether its mean cost is within the limit
    :param reads_outcomes: whether its algorithm reads true rewards and costs
    :param row: all columns, as text
    """

    place: Place
    algorithm: str
    study: str
    reward: float
    cost: float
    safe: bool
    reads_outcomes: bool
    row: Mapping[str, str]

    @property
    def task(self) -> str:
        """:return: the task's name"""
        return self.place[0]

    @property
    def cost_limit(self) -> float:
        """:return: the cost limit of an episode"""
        return self.place[1]

    @property
    def share_of_best_safe(self) -> float:
        """
        :return: its reward as a share of the best safe episode's, both in the range of the
            dataset's returns; NaN if the row does not say, or that episode's return is the lowest
        """
        own, best = self.row.get("own_range_reward"), self.row.get("best_safe_reward")
        return float(own) / float(best) if own and best and float(best) > 0 else math.nan

    def option(self, vary: str) -> Any:
        """
        :param vary: the option that a sweep varies, ``labels.OPTION`` or ``settings.NAME``
        :return: this agent's value; segment lengths as a share of the task's horizon;
            :data:`UNKNOWN` if the row does not contain it
        """
        kind, _, name = vary.partition(".")
        if kind == "settings":
            given: Any = json.loads(self.row.get("settings") or "{}")
            for part in name.split("."):
                if part not in given:
                    return _default(self.row.get("class"), name)
                given = given[part]
            return given
        if name in ("segment_length", "length_divisor"):
            horizon = float(self.row.get("horizon") or math.nan)
            return round(float(self.row.get("segment_length") or math.nan) / horizon, 4)
        value = self.row.get(name)
        if not value:
            return UNKNOWN
        return value if name == "feedback" else float(value)


def _default(class_name: str | None, setting: str) -> Any:
    if class_name not in ALGORITHMS:
        return UNKNOWN
    place, _, inner = setting.partition(".")
    if place == "objective_kwargs":
        return vars(ObjectiveSettings).get(inner, UNKNOWN)  # a dataclass keeps its defaults there
    return settings_of(algorithm_class(class_name)).get(setting, UNKNOWN)


Agents = Mapping[str, Mapping[Place, Agent]]


def read_agents(paths: Sequence[Path]) -> list[Agent]:
    """
    Reads results, with a warning about rows that should not be counted together.

    :param paths: results files; among rows with the same key, that of the last file counts
    :return: the agents. If an algorithm has several on the same task, limit and seed in the main
        comparison, because its settings were changed in the suite, the last one counts
    :raises ConfigError: if a file is not a results file or a value is invalid; the message names
        file, row and column
    """
    found: dict[object, Agent] = {}
    for path in paths:
        for number, row in enumerate(read_rows(path), start=1):
            agent = _agent(path, number, row)
            study = (agent.study, row.get("settings"), row.get("n_comparisons"))
            found[row.get("key") or (agent.place, agent.algorithm, study)] = agent
    if not found:
        raise ConfigError(
            "results must have at least one finished cell to report on, got none "
            f"({', '.join(map(str, paths))})"
        )
    agents, former = _newest(found.values())
    for concern in (*former, *concerns([agent.row for agent in agents])):
        warnings.warn(concern, stacklevel=2)
    return agents


def _newest(agents: Iterable[Agent]) -> tuple[list[Agent], list[str]]:
    """The agents without those that later ones replace, and warnings about them."""
    kept: dict[object, Agent] = {}
    former: Counter[str] = Counter()
    for agent in agents:
        place = (agent.algorithm, agent.place) if agent.study == "main" else id(agent)
        if kept.pop(place, None) is not None:
            former[agent.algorithm] += 1
        kept[place] = agent
    return list(kept.values()), [
        f"{n} rows of {algorithm} are left out, since later rows have the same task, cost limit "
        "and seed (from a later version of the suite)"
        for algorithm, n in former.items()
    ]


def _agent(path: Path, number: int, row: Mapping[str, str]) -> Agent:
    def value(column: str, kind: type) -> Any:
        text = row[column]
        try:
            if kind is bool:
                return {"True": True, "False": False}[text]
            found = kind(text)
            if kind is float and not math.isfinite(found):
                raise ValueError
            return found
        except (ValueError, KeyError):
            what = {bool: "True or False", int: "an integer", float: "a finite number"}[kind]
            raise ConfigError(
                f"{path}, row {number}: {column} must be {what}, got {text!r}"
            ) from None

    return Agent(
        place=(row["task"], value("cost_limit", float), value("seed", int)),
        algorithm=row["algorithm"],
        study=row.get("study") or "main",
        reward=value("normalized_reward", float) if row["normalized_reward"] else math.nan,
        cost=value("normalized_cost", float),
        safe=value("safe", bool),
        reads_outcomes=row.get("reads_outcomes") == "True",
        row=row,
    )
