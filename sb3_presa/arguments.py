"""Constructors that check their arguments: types and ranges are what the signature says.

A setting's range stands in one place, the annotation of the constructor that takes it. The
constructor, ``load``, the command line's ``--set`` and suites all check by that annotation.
"""

import difflib
import inspect
import math
from collections.abc import Callable, Mapping
from functools import cache, partial, wraps
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    ParamSpec,
    TypeAlias,
    Union,
    get_args,
    get_origin,
)

import numpy as np

from sb3_presa.errors import ConfigError

P = ParamSpec("P")


class Interval(NamedTuple):
    """The range of a number; ``closed`` says which of its two ends belong to it."""

    low: float
    high: float = math.inf
    closed: Literal["both", "low", "high", "neither"] = "both"

    def holds(self, value: Any) -> bool:
        """
        :param value: a number
        :return: whether it lies in the range
        """
        above = value >= self.low if self.closed in ("both", "low") else value > self.low
        below = value <= self.high if self.closed in ("both", "high") else value < self.high
        return bool(above and below)

    @property
    def words(self) -> str:
        """:return: the range as a message says it"""
        if math.isinf(self.high):
            word = "at least" if self.closed in ("both", "low") else "greater than"
            return f"{word} {self.low:g}"
        left = "[" if self.closed in ("both", "low") else "("
        right = "]" if self.closed in ("both", "high") else ")"
        return f"in {left}{self.low:.15g}, {self.high:.15g}{right}"


Count: TypeAlias = Annotated[int, Interval(1)]
CountFromZero: TypeAlias = Annotated[int, Interval(0)]
LARGEST_SEED = 2**32 - 1
Seed: TypeAlias = Annotated[int, Interval(0, LARGEST_SEED)]
#: Finite and above 0.
Positive: TypeAlias = Annotated[float, Interval(0.0, closed="neither")]
#: Finite and at least 0.
NonNegative: TypeAlias = Annotated[float, Interval(0.0, closed="low")]
#: As :data:`Positive` and :data:`NonNegative`, and infinity for no bound.
Bound: TypeAlias = Annotated[float, Interval(0.0, closed="high")]
BoundFromZero: TypeAlias = Annotated[float, Interval(0.0)]
#: Parts of a whole, by which of 0 and 1 they may be.
ShareWithin: TypeAlias = Annotated[float, Interval(0.0, 1.0, "neither")]
ShareBelowOne: TypeAlias = Annotated[float, Interval(0.0, 1.0, "low")]
ShareAboveZero: TypeAlias = Annotated[float, Interval(0.0, 1.0, "high")]
Share: TypeAlias = Annotated[float, Interval(0.0, 1.0)]

#: SB3 takes ``verbose=True`` and a ``Path`` as well; policies check their ``net_arch``.
_ELSEWHERE: Final = frozenset({"verbose", "tensorboard_log", "net_arch"})


class _Kind(NamedTuple):
    """One member of an argument's type."""

    is_type: Callable[[Any], bool]
    type_words: str
    interval: Interval | None = None

    def holds(self, value: Any) -> bool:
        return self.is_type(value) and (self.interval is None or self.interval.holds(value))


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def _is_finite(value: Any) -> bool:
    return _is_number(value) and math.isfinite(value)


def _is_bound(value: Any) -> bool:
    return _is_number(value) and not math.isnan(value)


def _is_whole(value: object) -> bool:
    return _is_number(value) and isinstance(value, Integral)


def _is_list(value: object, holds: Callable[[Any], bool]) -> bool:
    return isinstance(value, list | tuple) and all(map(holds, value))


#: By annotation, or by its origin (``dict`` of ``dict[str, Any]``).
_KINDS: Final[Mapping[Any, _Kind]] = {
    bool: _Kind(lambda value: isinstance(value, bool | np.bool_), "True or False"),
    int: _Kind(_is_whole, "a whole number"),
    float: _Kind(_is_finite, "a finite number"),
    str: _Kind(lambda value: isinstance(value, str), "a string"),
    dict: _Kind(lambda value: isinstance(value, Mapping), "a dictionary"),
    list[int]: _Kind(lambda value: _is_list(value, _is_whole), "a list of whole numbers"),
    tuple[float, float, float]: _Kind(
        lambda value: _is_list(value, _is_finite) and len(value) == 3, "three finite numbers"
    ),
    Callable: _Kind(callable, "a function"),
    NoneType: _Kind(lambda value: value is None, "None"),
}


def checking_arguments(constructor: Callable[P, None]) -> Callable[P, None]:
    """
    Holds what the constructor is given against its annotations first: ``bool``, ``int``, ``float``,
    ``str``, ``dict``, ``list[int]``, functions, ``None``, ``Literal``, numbers with an
    :class:`Interval`, and unions of these. Other annotations are not checked.

    :param constructor: an ``__init__``
    :return: the same, which raises a ``ConfigError`` for an argument of a wrong type or range
    """
    parameters = inspect.signature(constructor).parameters.values()
    in_order = [p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]

    @wraps(constructor)
    def checked(*args: P.args, **kwargs: P.kwargs) -> None:
        check_arguments(constructor, dict(zip(in_order, args, strict=False)) | kwargs)
        constructor(*args, **kwargs)

    return checked


def check_arguments(function: Callable[..., Any], values: Mapping[str, Any]) -> None:
    """
    :param function: a constructor or another function
    :param values: arguments by name; names that it does not have are passed over
    :raises ConfigError: for an argument of a wrong type or range
    """
    kinds = _kinds_of(function)
    for name, value in values.items():
        if name in kinds:
            _check(name, value, kinds[name])


def arguments_of(class_: type) -> dict[str, Any]:
    """
    :param class_: a class
    :return: its constructor's arguments with their defaults, then its parent's where it hands on
        what it does not name
    """
    found: dict[str, Any] = {}
    for ancestor in class_.__mro__:
        if "__init__" not in vars(ancestor):
            continue
        _, *parameters = inspect.signature(vars(ancestor)["__init__"]).parameters.values()
        for parameter in parameters:
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD:
                found.setdefault(parameter.name, parameter.default)
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
            break
    return found


def check_arguments_of(class_: type, values: Mapping[str, Any]) -> None:
    """
    :param class_: a class
    :param values: arguments of its constructor by name
    :raises ConfigError: for an argument that is unknown, of a wrong type or out of its range
    """
    known = [name for name in arguments_of(class_) if not name.startswith("_")]
    for name in values:
        if name not in known:
            raise ConfigError(f"{class_.__name__} has no argument `{name}`; {closest(name, known)}")
    for ancestor in class_.__mro__:
        if "__init__" in vars(ancestor):
            check_arguments(vars(ancestor)["__init__"], values)


def check_default_dtype() -> None:
    """
    Refuse another default type than float32, which networks and tensors without a type would have,
    where data and labels have float32.

    :raises ConfigError: if ``torch.set_default_dtype`` has set another one
    """
    import torch as th  # here: the command line shows its help without it

    if th.get_default_dtype() != th.float32:
        raise ConfigError(
            f"PyTorch's default dtype must be torch.float32, got {th.get_default_dtype()}; call "
            "torch.set_default_dtype(torch.float32) first"
        )


def closest(name: str, names: list[str]) -> str:
    """
    :param name: a name that is not among ``names``
    :param names: the names that are
    :return: the end of a message: the most similar name, or all of them
    """
    similar = difflib.get_close_matches(name, names, 1)
    return f"did you mean '{similar[0]}'?" if similar else f"choose one of {', '.join(names)}"


def _check(name: str, value: object, kinds: tuple[_Kind, ...]) -> None:
    if any(kind.holds(value) for kind in kinds):
        return
    of_type = [kind for kind in kinds if kind.interval and kind.is_type(value)]
    words = [kind.interval.words for kind in of_type if kind.interval]
    if not words:
        words = [kind.type_words for kind in kinds]
    elif any(kind.type_words == "None" for kind in kinds):
        words.append("None")
    raise ConfigError(f"`{name}` must be {' or '.join(words)}, got {value!r}")


@cache
def _kinds_of(function: Callable[..., Any]) -> Mapping[str, tuple[_Kind, ...]]:
    """Of each argument whose annotation is understood."""
    try:
        # Not get_type_hints: it insists on what SB3's own aliases import for type checkers only
        parameters = inspect.signature(function, eval_str=True).parameters
    except (NameError, AttributeError, TypeError):  # as may a user's class
        return {}
    found = {}
    for name, parameter in parameters.items():
        bound = parameter.default == math.inf  # where infinity is the default, it means none
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
        return _Kind(_is_bound, "a number")
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        words = " or ".join(map(repr, choices))
        return _Kind(lambda value: isinstance(value, str) and value in choices, words)
    if get_origin(hint) is type:
        return _class_kind(get_args(hint)[0])
    if get_origin(hint) is Annotated:
        base, *metadata = get_args(hint)
        kind = _KINDS.get(base)
        interval = next((part for part in metadata if isinstance(part, Interval)), None)
        if kind is None or interval is None:
            return kind
        if base is float and interval.holds(math.inf):
            kind = _Kind(_is_bound, "a number")
        return kind._replace(interval=interval)
    return _KINDS.get(hint) or _KINDS.get(get_origin(hint))


def _class_kind(base: Any) -> _Kind:
    """A class, also one with some of its arguments given (``functools.partial``)."""
    base = base if isinstance(base, type) else object

    def holds(value: object) -> bool:
        made = value.func if isinstance(value, partial) else value
        return isinstance(made, type) and issubclass(made, base)

    return _Kind(holds, f"a subclass of {base.__name__}")
