"""Which spaces policies can take, and how far logged actions fill theirs."""

from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from sb3_presa.errors import ConfigError

#: Share of their bounds that logged actions are expected to fill.
_LEAST_FILLED = 0.1
#: Actions between this quantile and its opposite are what a log is said to fill.
USUAL_QUANTILE = 0.001
#: Rows from which quantiles are taken; more would change no digit that counts.
_MOST_ROWS = 100_000


def check_observation_space(space: gym.Space[Any]) -> None:
    """Refuse observations that SB3's preprocessing does not support.

    :param space: observation space, a Dict or of one part.
    :raises ConfigError: naming the part and the remedy.
    """
    if isinstance(space, spaces.Dict) and not space.spaces:
        raise ConfigError("the observation space must have at least one key, got an empty Dict")
    for part in space.spaces.values() if isinstance(space, spaces.Dict) else [space]:
        if isinstance(part, spaces.Box) and 0 in (len(part.shape), *part.shape):
            raise ConfigError(
                "a Box observation space must have at least one axis and no axis of length 0, got "
                f"{part}; reshape the observations to (1,), or leave them out"
            )
        if isinstance(part, spaces.MultiDiscrete) and part.nvec.ndim != 1:
            raise ConfigError(
                f"a MultiDiscrete observation space must have one axis, got {part.nvec.ndim} axes "
                f"({part}); flatten the observations"
            )
        if isinstance(part, spaces.Discrete | spaces.MultiDiscrete) and np.any(part.start != 0):
            raise ConfigError(
                f"a {type(part).__name__} observation space must start at 0, got {part}; shift the "
                "observations"
            )


def check_action_space(action_space: gym.Space[Any], *, needs_bounds: bool = True) -> None:
    """Refuse actions that no policy has a head for.

    :param action_space: the space to check.
    :param needs_bounds: whether the bounds of the space are those that actions are scaled by.
    :raises ConfigError: if the space is not supported.
    """
    if isinstance(action_space, spaces.Box):
        _check_box(action_space)
        if needs_bounds:
            _check_bounds(action_space)
        return
    if isinstance(action_space, spaces.MultiDiscrete) and action_space.nvec.ndim > 1:
        raise ConfigError(
            f"a MultiDiscrete action space must have one axis, got {action_space.nvec.ndim} axes "
            f"({action_space}); flatten it"
        )
    if not isinstance(action_space, spaces.Discrete | spaces.MultiDiscrete):
        raise ConfigError(
            f"the action space must be Box, Discrete or MultiDiscrete, got {action_space}"
        )


def _check_box(action_space: spaces.Box) -> None:
    if not np.issubdtype(action_space.dtype, np.floating):
        raise ConfigError(
            "the action space must be a Box of floats, Discrete or MultiDiscrete, got "
            f"{action_space}: scaling integers to [-1, 1] and back rounds and overflows. "
            "Store the actions as floats or as Discrete"
        )
    if 0 in (len(action_space.shape), *action_space.shape):
        raise ConfigError(
            "the action space must have at least one axis and no axis of length 0, got "
            f"{action_space}; reshape the actions to (1,)"
        )


def _check_bounds(action_space: spaces.Box) -> None:
    remedy = (
        "Store the dataset with the bounds that actions have, or take them from the data: "
        f"policy_kwargs={{'action_quantile': {USUAL_QUANTILE}}}"
    )
    if not action_space.is_bounded("both"):
        raise ConfigError(
            f"the action space must have finite bounds, got {action_space}: actions are scaled "
            f"to [-1, 1]. {remedy}"
        )
    with np.errstate(over="ignore"):
        spans = action_space.high - action_space.low
    if not np.isfinite(spans).all():
        raise ConfigError(
            "the action space must have bounds whose distance is a finite float32, got "
            f"{action_space}: actions are scaled to [-1, 1]. {remedy}"
        )
    if not (action_space.low < action_space.high).all():
        raise ConfigError(
            "the action space must have low < high in every dimension, got "
            f"{action_space}; remove constant dimensions from the actions. {remedy}"
        )


def data_bounds(
    actions: npt.NDArray[Any], quantile: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The range that logged actions fill.

    :param actions: ``(N, *shape)``, N at least 1.
    :param quantile: share in [0, 0.5) of the actions that lie below the range, and above it.
    :return: its lower and upper end, of ``shape`` each.
    """
    rows = actions[:: max(1, len(actions) // _MOST_ROWS)].astype(np.float64)
    low, high = np.quantile(rows, [quantile, 1.0 - quantile], axis=0)
    return low, high


def describe_narrow_actions(
    actions: npt.NDArray[Any], space: gym.Space[Any], names: Sequence[str] = ()
) -> str:
    """Coordinates whose logged actions fill a small part of their bounds: resolved badly.

    :param actions: ``(N, *shape)``, N at least 1.
    :param space: their space.
    :param names: what coordinates are called; empty: by their numbers.
    :return: the coordinates with their numbers; empty where there are none.
    """
    if not isinstance(space, spaces.Box):
        return ""
    low, high = data_bounds(actions, USUAL_QUANTILE)
    bounds = [bound.astype(np.float64).ravel() for bound in (space.low, space.high)]
    filled = (high - low).ravel() / (bounds[1] - bounds[0])
    filled[~np.isfinite(bounds).all(axis=0)] = 1.0  # which the check of the space tells
    narrow = np.flatnonzero(filled < _LEAST_FILLED).tolist()
    beyond = _beyond(actions, low, high) if narrow else {}
    return _first_five(
        f"coordinate {_name(names, i)} lies in [{low.flat[i]:.4g}, {high.flat[i]:.4g}] of "
        f"[{bounds[0][i]:.4g}, {bounds[1][i]:.4g}]" + (f" save {beyond[i]}" if i in beyond else "")
        for i in narrow
    )


def describe_cut_actions(
    actions: npt.NDArray[Any],
    low: npt.NDArray[Any],
    high: npt.NDArray[Any],
    names: Sequence[str] = (),
) -> str:
    """Coordinates some of whose logged actions are far beyond the bounds that they are cut to.

    They may be spikes, or what is done in an emergency.

    :param actions: ``(N, *shape)``, N at least 1.
    :param low: lower bounds, of ``shape``.
    :param high: upper bounds, above ``low``.
    :param names: what coordinates are called; empty: by their numbers.
    :return: the coordinates with their numbers; empty where there are none.
    """
    return _first_five(
        f"coordinate {_name(names, i)} has {found}, cut to [{low.flat[i]:.4g}, {high.flat[i]:.4g}]"
        for i, found in _beyond(actions, low, high).items()
    )


def _beyond(
    actions: npt.NDArray[Any], low: npt.NDArray[Any], high: npt.NDArray[Any]
) -> dict[int, str]:
    """Actions outside of a range by more than its width, by coordinate."""
    rows = actions.reshape(len(actions), -1)
    found = {}
    for i, (least, most) in enumerate(zip(low.ravel(), high.ravel(), strict=True)):
        distance = np.maximum(least - rows[:, i], rows[:, i] - most)
        if n := int((distance > most - least).sum()):
            farthest = rows[distance.argmax(), i]
            found[i] = f"{n:,} action{'s' if n > 1 else ''} as far as {farthest:.4g}"
    return found


def _name(names: Sequence[str], number: int) -> str | int:
    return names[number] if number < len(names) else number


def _first_five(parts: Iterable[str]) -> str:
    said = list(parts)
    return "; ".join([*said[:5], f"{len(said) - 5} more"] if len(said) > 5 else said)
