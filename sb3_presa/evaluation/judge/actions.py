"""The actions of an agent in the logged states."""

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.type_aliases import PolicyPredictor

from sb3_presa.data.transitions import Transitions

#: Observations that an agent is asked about at a time.
_CHUNK: Final = 4_096

#: Anything with SB3's ``predict``.
Agent: TypeAlias = PolicyPredictor
Rows: TypeAlias = NDArray[np.int64]


def actions_of(agent: Agent, transitions: Transitions, rows: Rows) -> NDArray[Any]:
    """
    :param agent: an agent
    :param transitions: logged steps
    :param rows: which of them, (M,)
    :return: its deterministic action on the observation of each, (M, ...), as actions are logged
    """
    found = []
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        observations: Any = transitions.observations
        if isinstance(observations, dict):
            observations = {key: values[chunk] for key, values in observations.items()}
        else:
            observations = observations[chunk]
        action, _ = agent.predict(observations, deterministic=True)
        found.append(np.asarray(action, dtype=transitions.actions.dtype))
    shape = (len(rows), *transitions.actions.shape[1:])
    return np.concatenate(found).reshape(shape) if found else np.zeros(shape)
