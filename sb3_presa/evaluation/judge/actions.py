"""The actions of an agent."""

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.type_aliases import PolicyPredictor

from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError

#: Observations that an agent is asked about at a time.
_CHUNK: Final = 4_096

#: Anything with SB3's ``predict``.
Agent: TypeAlias = PolicyPredictor


def check_agent(agent: object, name: str) -> None:
    """
    :param agent: what was given as an agent
    :param name: the argument that it was given as
    :raises ConfigError: if it has no ``predict``
    """
    if not hasattr(agent, "predict"):
        raise ConfigError(f"`{name}` must have SB3's predict, got {type(agent).__name__}")


def actions_in(agent: Agent, observations: Any, transitions: Transitions) -> NDArray[Any]:
    """
    :param agent: an agent
    :param observations: observations of M states, arrays or dicts of arrays
    :param transitions: logged steps
    :return: its deterministic action in each, (M, ...), as actions are logged
    """
    is_dict = isinstance(observations, dict)
    n = len(next(iter(observations.values())) if is_dict else observations)
    found = []
    for start in range(0, n, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        part: Any = (
            {key: values[chunk] for key, values in observations.items()}
            if is_dict
            else observations[chunk]
        )
        action, _ = agent.predict(part, deterministic=True)
        found.append(np.asarray(action, dtype=transitions.actions.dtype))
    shape = (n, *transitions.actions.shape[1:])
    return np.concatenate(found).reshape(shape) if found else np.zeros(shape)
