"""States in which an agent does what was never logged near there."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from sb3_presa.completion.accuracy import Accuracy, share_right
from sb3_presa.completion.features import Floats, step_vectors
from sb3_presa.data.transitions import Transitions
from sb3_presa.evaluation.judge.actions import Agent, actions_in
from sb3_presa.evaluation.judge.observing import Observing

#: States that are asked about, logged steps that they are compared with, and neighbours of each.
_N_ASKED: Final = 1_024
_N_KNOWN: Final = 16_384
_N_NEAR: Final = 20
#: Share of the logged actions that count as unlike their neighbours.
LOGGED_SHARE: Final = 0.05


@dataclass(frozen=True)
class Unlike:
    """
    The states in which an agent leaves the data.

    :param share: share of logged states in which its action is farther from those that were logged
        nearby than 95% of the logged actions are
    :param by_coordinate: the same of each coordinate of the action alone, by its name
    """

    share: Accuracy
    by_coordinate: tuple[tuple[str, float], ...]


def unlike_logged(transitions: Transitions, agent: Agent, names: tuple[str, ...]) -> Unlike:
    """
    :param transitions: logged steps
    :param agent: an agent
    :param names: names of the coordinates of an action; empty where nobody knows
    :return: where its actions are unlike what was logged in other episodes nearby
    """
    generator = np.random.default_rng(0xD1)
    n = len(transitions.actions)
    asked = np.sort(generator.permutation(n)[:_N_ASKED])
    known = np.sort(generator.permutation(n)[:_N_KNOWN])
    observing = Observing(transitions)
    width, n_action = observing.width, observing.action_width
    everything = step_vectors(transitions, known)
    scale = everything.std(axis=0)
    scale[scale < 1e-9] = np.inf
    states = everything[:, :width] / scale[:width]
    actions = everything[:, width:]
    here = step_vectors(transitions, asked)
    near = _nearest(
        here[:, :width] / scale[:width],
        states,
        _episodes(transitions, asked),
        _episodes(transitions, known),
    )
    around = actions[near]  # (Q, neighbours, A)
    logged = here[:, width:]
    mine = observing.action_vectors(actions_in(agent, observing.at(asked), transitions))
    unit = actions.std(axis=0)
    unit[unit < 1e-9] = 1.0
    share = share_right(_beyond(mine, logged, around, unit).astype(np.float64))
    parts = []
    if isinstance(transitions.action_space, spaces.Box):
        for place in range(n_action):
            one = slice(place, place + 1)
            beyond = _beyond(mine[:, one], logged[:, one], around[..., one], unit[one])
            name = names[place] if place < len(names) else str(place)
            parts.append((name, float(beyond.mean())))
    return Unlike(share, tuple(sorted(parts, key=lambda part: -part[1])))


def _beyond(mine: Floats, logged: Floats, around: Floats, unit: Floats) -> NDArray[np.bool_]:
    """Whether an action is farther from all around than most logged ones are, (Q,)."""

    def distance(actions: Floats) -> Floats:
        apart = (actions[:, None, :] - around) / unit
        return np.asarray(np.sqrt(np.square(apart).sum(axis=2)).min(axis=1))

    usual = np.quantile(distance(logged), 1.0 - LOGGED_SHARE)
    return np.asarray(distance(mine) > usual + 1e-9)


def _nearest(
    asked: Floats, states: Floats, own: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Rows of the nearest states of other episodes, (Q, neighbours)."""
    k = min(_N_NEAR, len(states))
    squares = np.square(states).sum(axis=1)
    found = []
    for start in range(0, len(asked), 128):
        chunk = slice(start, start + 128)
        distances = squares - 2.0 * asked[chunk] @ states.T
        same = own[chunk, None] == others[None, :]
        if not same.all():
            distances[same] = np.inf
        found.append(np.argpartition(distances, k - 1, axis=1)[:, :k])
    return np.concatenate(found)


def _episodes(transitions: Transitions, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The episode of each row; a tenth of a recording where there is one alone."""
    if len(transitions.episode_starts) == 1:
        return rows * 10 // len(transitions.actions)
    found = np.searchsorted(transitions.episode_starts, rows, side="right") - 1
    return np.asarray(found, dtype=np.int64)
