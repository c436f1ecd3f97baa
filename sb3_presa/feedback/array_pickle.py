"""Reads numbers and NumPy arrays from a pickle of unknown origin, and nothing else.

A pickle is a program. Here it may name a few functions, most of them NumPy's, but none of them is
ever called. Plain classes of this module replace them: they collect the type, shape and bytes of an
array, check them, and make the array from the bytes. NumPy's own code for unpickling does not run
either, since it trusts its input: an array of objects made from given bytes is an array of given
addresses. Every opcode is checked before the first one is executed.
"""

import io
import math
import pickle
import pickletools
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sb3_presa.errors import FeedbackError

Numbers: TypeAlias = npt.NDArray[Any]

#: Files of indices and labels are a few kilobytes.
_MOST_BYTES = 64 * 2**20

# Numbers, text, containers, memory, and calls (of the stand-ins). Excluded: persistent ids,
# extension codes, old-style and new-style classes, out-of-band buffers.
_OPCODES = """
PROTO FRAME STOP MARK POP POP_MARK DUP
NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT
STRING BINSTRING SHORT_BINSTRING UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8
BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8
EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3
PUT BINPUT LONG_BINPUT MEMOIZE GET BINGET LONG_BINGET
GLOBAL STACK_GLOBAL REDUCE BUILD
"""
_ALLOWED_OPCODES = frozenset(_OPCODES.split())
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_DTYPE = re.compile(r"[iu][1248]|f[248]|b1")


class _StandIn:
    """Replaces a function that a file names: it can be called, but not modified."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *arguments: Any) -> Any:
        return self._make(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise _refused("the state of a function")


class _DType:
    """Stands in for ``numpy.dtype``: integers, floats and booleans, in either byte order."""

    def __init__(self, name: Any, *flags: Any) -> None:
        if not isinstance(name, str) or not _DTYPE.fullmatch(name) or len(flags) > 2:
            raise _refused(f"an array of type {name!r}")
        self._name, self._order = name, "="

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 8 or state[1] not in ("<", ">", "|", "="):
            raise _refused("the state of an array's type")
        if any(part is not None for part in state[2:5]):
            raise _refused("an array of records")
        self._order = state[1]

    @property
    def real(self) -> np.dtype[Any]:
        return np.dtype(self._order + self._name)


class _Array:
    """Stands in for an array while the file fills it in."""

    def __init__(self) -> None:
        self.values: Numbers | None = None

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise _refused("the state of an array")
        _, shape, dtype, by_columns, data = state
        self.values = _from_bytes(data, dtype, shape, "F" if by_columns else "C")


def _reconstruct(kind: Any, *_: Any) -> _Array:
    """Stands in for NumPy's function of this name; the shape comes with the state."""
    if kind is not _NDARRAY:
        raise _refused("an array of another class")
    return _Array()


def _frombuffer(data: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    """Stands in for NumPy's function of this name (protocol 5)."""
    array = _Array()
    array.values = _from_bytes(data, dtype, shape, order)
    return array


def _scalar(dtype: Any, data: Any) -> _Array:
    """Stands in for ``numpy.core.multiarray.scalar``."""
    array = _Array()
    array.values = _from_bytes(data, dtype, (), "C")
    return array


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    """Stands in for ``_codecs.encode``, with which protocol 2 writes bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise _refused(f"text encoded as {encoding!r}")
    return text.encode("latin-1")


def _from_bytes(data: Any, dtype: Any, shape: Any, order: Any) -> Numbers:
    if isinstance(data, str):  # bytes written by Python 2
        data = _encode(data)
    if not isinstance(dtype, _DType) or not isinstance(data, bytes | bytearray):
        raise _refused("an array without plain numbers")
    if order not in ("C", "F") or not isinstance(shape, tuple):
        raise _refused("the shape of an array")
    if not all(type(length) is int and 0 <= length < 2**40 for length in shape) or len(shape) > 8:
        raise _refused("the shape of an array")
    if math.prod(shape) * dtype.real.itemsize != len(data):
        raise _refused(f"{len(data)} bytes as an array of shape {shape}")
    return np.frombuffer(bytes(data), dtype.real).reshape(shape, order=order)


def _empty_bytes() -> bytes:
    """Stands in for ``bytes``, which protocol 2 calls to make empty bytes."""
    return b""


def _not_called(*_: Any) -> Any:
    raise _refused("a call of numpy.ndarray")


#: ``numpy.ndarray``, which a file may name but not call.
_NDARRAY = _StandIn(_not_called)
_STAND_INS: dict[tuple[str, str], _StandIn] = {
    ("numpy", "dtype"): _StandIn(_DType),
    ("numpy", "ndarray"): _NDARRAY,
    ("_codecs", "encode"): _StandIn(_encode),
    ("__builtin__", "bytes"): _StandIn(_empty_bytes),
}
for _core in ("numpy.core", "numpy._core"):  # before and since NumPy 2
    _STAND_INS[f"{_core}.multiarray", "_reconstruct"] = _StandIn(_reconstruct)
    _STAND_INS[f"{_core}.multiarray", "scalar"] = _StandIn(_scalar)
    _STAND_INS[f"{_core}.numeric", "_frombuffer"] = _StandIn(_frombuffer)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _STAND_INS[module, name]
        except KeyError:
            raise _refused(f"{module}.{name}") from None


def read_numbers(path: Path) -> Numbers:
    """The numbers of a pickled list or array.

    :param path: a pickle of any protocol, of Python 2 or 3: an array, a list of numbers, or a list
        of rows of numbers.
    :return: ``(N,)`` or ``(N, columns)``, integers or floats, as a copy.
    :raises FeedbackError: if the file is not such a pickle; nothing of it was executed.
    """
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise FeedbackError(f"the file must have at most {_MOST_BYTES} bytes, got {size} ({path})")
    data = path.read_bytes()
    try:
        _check_opcodes(data)
        found = _Unpickler(io.BytesIO(data), encoding="latin-1").load()
        return _to_array(found)
    except FeedbackError as error:
        raise FeedbackError(f"{path}: {error}") from error
    except (
        pickle.UnpicklingError,
        struct.error,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        EOFError,
        OverflowError,
        MemoryError,
        RecursionError,
    ) as error:
        raise FeedbackError(f"{path} is not a pickle of numbers: {error}") from error


def _check_opcodes(data: bytes) -> None:
    """Raise an error for any opcode that arrays do not need, before anything is executed."""
    end = 0
    for opcode, argument, position in pickletools.genops(data):
        end = position or 0
        if opcode.name not in _ALLOWED_OPCODES:
            raise _refused(f"the opcode {opcode.name}")
        # The unpickler allocates memory up to the highest number.
        if opcode.name in _PUTS and int(argument or 0) > len(data):
            raise _refused(f"memory number {argument}")
    if end + 1 != len(data):
        raise _refused(f"{len(data) - end - 1} bytes after the end of the pickle")


def _to_array(found: Any) -> Numbers:
    if isinstance(found, _Array):
        if found.values is None:
            raise _refused("an array without contents")
        return _checked(found.values.copy())
    if not isinstance(found, list | tuple):
        raise _refused(f"a {type(found).__name__}")
    rows = [_plain(item) for item in found]
    return _checked(np.asarray(rows)) if rows else np.empty(0, np.int64)


def _plain(item: Any) -> Any:
    """A number, or one row of numbers; never deeper, even if a list contains itself."""
    if isinstance(item, _Array) and item.values is not None and item.values.ndim <= 1:
        return item.values.tolist()
    if isinstance(item, int | float):
        return item
    if isinstance(item, list | tuple) and all(isinstance(part, int | float) for part in item):
        return list(item)
    raise _refused(f"a list of {type(item).__name__}")


def _checked(values: Numbers) -> Numbers:
    if values.dtype.kind not in "iufb" or values.ndim not in (1, 2):
        raise _refused(f"numbers of type {values.dtype} and shape {values.shape}")
    return values


def _refused(what: str) -> FeedbackError:
    return FeedbackError(f"the pickle must contain only arrays and lists of numbers, got {what}")
