"""An episode of a log, and the check of its numbers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sb3_presa.data.checks import NEGATIVE_COST
from sb3_presa.data.fault_list import FaultList
from sb3_presa.data.formats.roles import Chosen
from sb3_presa.data.formats.table import Array, Scalar

_FINITE = "fill the value in, or leave the episode out (skip_faulty, --skip-faulty)"


@dataclass(eq=False)
class LoggedEpisode:
    """One episode of T steps.

    :param where: the file and the episode, to begin a message with.
    :param observations: ``(T + 1, ...)`` by the key of a Dict space, ``""`` for one array.
    :param actions: ``(T, ...)``.
    :param integer_actions: whether every action column of its table holds integers.
    :param typed_actions: whether the file says so, and not only its numbers.
    :param rewards: ``(T,)``, None where the log has none.
    :param costs: ``(T,)``, None where the log has none.
    :param times: ``(T + 1,)`` seconds since the first, None where the log has none.
    :param terminated: whether the task ended there.
    :param truncated: whether the episode was cut off there; both may be so at once.
    :param attributes: facts about it.
    :param repeated: whether the log had T observations, so that the last one is there twice.
    :param table: the place of the table that it is in.
    :param place: the file and the line of one of its rows, for messages.
    """

    where: str
    observations: dict[str, Array]
    actions: Array
    integer_actions: bool
    typed_actions: bool
    rewards: Array | None
    costs: Array | None
    times: Array | None
    terminated: bool
    truncated: bool
    attributes: dict[str, Scalar]
    repeated: bool
    table: int
    place: Callable[[int], str]

    def parts(self, chosen: Chosen) -> Iterator[tuple[str, Array, Sequence[str]]]:
        """
        :param chosen: the columns by what they are.
        :return: each array of numbers: its name, itself, and the columns that it was made of.
        """
        for key, values in self.observations.items():
            name = f"observations '{key}'" if key else "observations"
            yield name, values, chosen.observations[key]
        yield "actions", self.actions, chosen.actions
        for name, outcomes in (("rewards", self.rewards), ("costs", self.costs)):
            if outcomes is not None:
                yield name, outcomes, ()


def check_numbers(episode: LoggedEpisode, chosen: Chosen, faults: FaultList) -> None:
    """
    :param episode: an episode.
    :param chosen: the columns by what they are.
    :param faults: gets the numbers that are not finite, and the costs below 0.
    """
    for name, values, columns in episode.parts(chosen):
        if values.dtype.kind != "f":
            continue
        finite = np.isfinite(values.reshape(len(values), -1))
        wrong = np.flatnonzero(~finite.all(axis=1))
        # What is repeated counts once
        wrong = wrong[wrong < len(episode.actions) + (not episode.repeated)]
        if len(wrong):
            row = int(wrong[0])
            found = values.reshape(len(values), -1)[row][~finite[row]][0]
            column = name_of_column(columns, int(np.argmin(finite[row])), finite.shape[1])
            faults.add(
                f"{name} must be finite",
                _FINITE,
                "steps",
                f"{episode.place(row)}{column}: {found}",
                count=len(wrong),
                episode=episode.where,
            )
    costs = np.zeros(0) if episode.costs is None else episode.costs
    negative = np.flatnonzero((costs < 0) & np.isfinite(costs))
    if len(negative):
        first = int(negative[0])
        faults.add(
            "costs must be at least 0",
            NEGATIVE_COST,
            "steps",
            f"{episode.place(first)}: {costs[first]:g}",
            count=len(negative),
            episode=episode.where,
        )


def name_of_column(names: Sequence[str], coordinate: int, width: int) -> str:
    """
    :param names: of the columns of an array, which have one number each, or several in one.
    :param coordinate: of the flat array.
    :param width: numbers in a row of the flat array.
    :return: the column as a place continues in messages; empty where there is one number alone.
    """
    if len(names) == width > 1:
        return f", column '{names[coordinate]}'"
    return f", '{names[0]}[{coordinate}]'" if len(names) == 1 < width else ""
