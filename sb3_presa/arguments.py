"""Constructors that check the types of their arguments: a text ``"false"`` would count as true."""

import inspect
import math
from collections.abc import Callable, Mapping
from functools import cache, wraps
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Final, NamedTuple, ParamSpec, Union, get_args, get_origin

import numpy as np

from sb3_presa.errors import ConfigError

P = ParamSpec("P")

#: SB3 takes ``verbose=True`` and a ``Path`` as well; what ``net_arch`` may be, policies say.
_ELSEWHERE: Final = frozenset({"verbose", "tensorboard_log", "net_arch"})
#: Bounds, of which infinity means none.
_BOUNDS: Final = frozenset({"max_grad_norm", "multiplier_max", "clip_obs"})


class _Kind(NamedTuple):
    """Some of the values that an argument may have."""

    holds: Callable[[Any], bool]  #: whether a value is one of them
    words: str  #: what they are called in a refusal


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_finite(value: Any) -> bool:
    return _is_number(value) and math.isfinite(value)


def _is_whole(value: object) -> bool:
    return _is_number(value) and isinstance(value, Integral)


def _is_list(value: object, holds: Callable[[Any], bool]) -> bool:
    return isinstance(value, list | tuple) and all(map(holds, value))


_BOUND: Final = _Kind(lambda value: _is_number(value) and not math.isnan(value), "a number")
#: By annotation, or by what it is a special case of (``dict`` of ``dict[str, Any]``).
_KINDS: Final[Mapping[Any, _Kind]] = {
    bool: _Kind(lambda value: isinstance(value, bool | np.bool_), "True or False"),
    int: _Kind(_is_whole, "a whole number"),
    float: _Kind(_is_finite, "a finite number"),
    str: _Kind(lambda value: isinstance(value, str), "a text"),
    dict: _Kind(lambda value: isinstance(value, Mapping), "a dictionary"),
    list[int]: _Kind(lambda value: _is_list(value, _is_whole), "a list of whole numbers"),
    tuple[float, float, float]: _Kind(
        lambda value: _is_list(value, _is_finite) and len(value) == 3, "three finite numbers"
    ),
    Callable: _Kind(callable, "a function"),
    NoneType: _Kind(lambda value: value is None, "None"),
}


def checking_types(constructor: Callable[P, None]) -> Callable[P, None]:
    """
    What the constructor is given is held against its annotations first: of ``bool``, ``int``,
    ``float``, ``str``, ``dict``, ``list[int]``, functions, ``None``, and unions of these. Where an
    argument has no annotation, or another one, anything passes.

    :param constructor: an ``__init__``
    :return: the same, which raises a ``ConfigError`` for an argument of a wrong type
    """
    parameters = inspect.signature(constructor).parameters.values()
    in_order = [p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]

    @wraps(constructor)
    def checked(*args: P.args, **kwargs: P.kwargs) -> None:
        kinds = _kinds_of(constructor)
        for name, value in (dict(zip(in_order, args, strict=False)) | kwargs).items():
            if name in kinds:
                _check(name, value, kinds[name])
        constructor(*args, **kwargs)

    return checked


def _check(name: str, value: object, kinds: tuple[_Kind, ...]) -> None:
    if not any(kind.holds(value) for kind in kinds):
        allowed = " or ".join(kind.words for kind in kinds)
        raise ConfigError(f"{name} is {value!r}; allowed is {allowed}")


@cache
def _kinds_of(constructor: Callable[..., None]) -> Mapping[str, tuple[_Kind, ...]]:
    """Of each argument whose annotation is understood."""
    try:
        # Not get_type_hints: it insists on what SB3's own aliases import for type checkers only
        parameters = inspect.signature(constructor, eval_str=True).parameters
    except (NameError, AttributeError, TypeError):  # as may a user's class
        return {}
    found = {}
    for name, parameter in parameters.items():
        bound = name in _BOUNDS or parameter.default == math.inf
        kinds = [_kind(hint, bound) for hint in _members(parameter.annotation)]
        known = tuple(kind for kind in kinds if kind is not None)
        if len(known) == len(kinds) and name not in _ELSEWHERE:
            found[name] = known
    return found


def _members(hint: Any) -> tuple[Any, ...]:
    """The types of a union, or the one that it is."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _kind(hint: Any, bound: bool) -> _Kind | None:
    if hint is float and bound:
        return _BOUND
    return _KINDS.get(hint) or _KINDS.get(get_origin(hint))
