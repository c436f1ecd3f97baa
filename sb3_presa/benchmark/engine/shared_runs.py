"""Shared runs: cells that differ only in what their algorithm does not read are one agent."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from warnings import WarningMessage

import numpy as np

from sb3_presa.benchmark.engine.data_identity import array_bytes, data_hash
from sb3_presa.benchmark.suites.cell import Cell, Labels
from sb3_presa.evaluation.safety import SafetyEvaluation
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.offline_algorithm import OfflineAlgorithm
from sb3_presa.learning.offline_data import narrow


@dataclass(frozen=True)
class Run:
    """
    The part of a row that all cells of one agent share.

    :param result: its evaluation, with the cost limit of the cell that ran
    :param reference: the benchmark's reward reference: its kind, and the returns of 0 and 1
    :param learnt: columns that training gave
    :param times: columns of the time that it took
    :param warned: warnings of training and evaluation
    """

    result: SafetyEvaluation
    reference: tuple[str, float, float]
    learnt: dict[str, Any]
    times: dict[str, float]
    warned: tuple[WarningMessage, ...]

    def at(self, cost_limit: float) -> "Run":
        """
        :param cost_limit: cost limit of an episode
        :return: the same episodes, judged by this limit
        """
        result = SafetyEvaluation.from_episodes(
            self.result.episode_rewards,
            self.result.episode_costs,
            self.result.episode_lengths,
            cost_limit=cost_limit,
        )
        return replace(self, result=result)


class SharedRuns:
    """
    Keeps runs for further cells that begin alike and are taught alike.

    CPL does not read safety labels, nor cloning of everything any label. So their agents of one
    seed are the same at every cost limit, and so are the episodes of their evaluation.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Run] = {}

    def of(
        self,
        cell: Cell,
        model: OfflineAlgorithm,
        feedback: Feedback | None,
        run: Callable[[], Run],
    ) -> Run:
        """
        :param cell: a cell
        :param model: its agent, that has not learnt yet
        :param feedback: its labels, ``None`` where the agent reads true outcomes
        :param run: trains and evaluates the agent
        :return: the run of the cell, or of a former one that is the same
        """
        if feedback is None:  # its settings hold the limit
            return run()
        key = _identity(cell, narrow(feedback, model.needs))
        if key not in self._kept:
            self._kept[key] = run()
        return self._kept[key].at(cell.cost_limit)


def _identity(cell: Cell, labels: Feedback) -> str:
    """A hash of the cell without its limit, its data, and the labels that its agent reads."""
    alike = replace(cell, cost_limit=0.0, labels=Labels())
    digest = hashlib.sha256(f"{alike.key} {data_hash(cell.dataset)}".encode())
    for name, values in sorted(vars(labels).items()):
        if isinstance(values, np.ndarray):  # the weights of completed labels, too
            digest.update(array_bytes(name, values))
    return digest.hexdigest()
