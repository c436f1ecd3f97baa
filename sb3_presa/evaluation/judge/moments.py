"""The logged moments that an agent would take worst."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from sb3_presa.completion.features import Floats, flat_values
from sb3_presa.completion.fitting import FittedLabels
from sb3_presa.evaluation.judge.outlook import Outlook

N_MOMENTS: Final = 10


@dataclass(frozen=True, eq=False)
class Moment:
    """
    A logged moment.

    :param episode: id of its episode
    :param step: step in the episode
    :param risk: expected risk of the agent's steps that follow, in units of the boundary
    :param first: first step of the curves
    :param logged_risk: risk of the logged steps around it, (L,)
    :param agent_action: the agent's action at the moment, (A,)
    :param logged_action: the logged one, (A,)
    """

    episode: int
    step: int
    risk: float
    first: int
    logged_risk: Floats
    agent_action: Floats
    logged_action: Floats


def worst_moments(fitted: FittedLabels, found: Outlook) -> tuple[Moment, ...]:
    """
    :param fitted: models of labels
    :param found: what the agent's episodes are expected to come to
    :return: at most ten moments of different episodes, worst first
    """
    transitions = fitted.transitions
    risks = fitted.ensemble.risks[fitted.meaning]
    around = max(1, int(np.median(fitted.labels.lengths)) // 2)
    space = transitions.action_space
    moments: list[Moment] = []
    taken: set[int] = set()
    for place in np.argsort(-found.ahead, kind="stable").tolist():
        row = int(found.rows[place])
        index = int(np.searchsorted(transitions.episode_starts, row, side="right")) - 1
        if index in taken:
            continue
        taken.add(index)
        start = int(transitions.episode_starts[index])
        end = start + int(transitions.episode_lengths[index])
        low, high = max(start, row - around), min(end, row + around)
        moments.append(
            Moment(
                episode=int(transitions.episode_ids[index]),
                step=row - start,
                risk=float(found.ahead[place]),
                first=low - start,
                logged_risk=risks[:, low:high].mean(axis=0).astype(np.float64),
                agent_action=flat_values(found.acts[place : place + 1], space)[0],
                logged_action=flat_values(transitions.actions[row : row + 1], space)[0],
            )
        )
        if len(moments) == N_MOMENTS:
            break
    return tuple(moments)
