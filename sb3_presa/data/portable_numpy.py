"""Processes in which NumPy rounds alike, whether their processor has AVX-512 or not.

With it NumPy computes sines and the like by other routines, whose last bit differs. A ball that
starts one bit further on meets a wall elsewhere a hundred steps later.
"""

import contextlib
import os
from collections.abc import Iterator

_VARIABLE = "NPY_DISABLE_CPU_FEATURES"
#: NumPy's names for it, those before release 2.4 included; it passes over names it does not know.
_WIDER_THAN_AVX2 = "X86_V4 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"


def portable_environ() -> dict[str, str]:
    """:return: environment variables for a process that is to round alike"""
    return {_VARIABLE: f"{os.environ.get(_VARIABLE, '')} {_WIDER_THAN_AVX2}".strip()}


@contextlib.contextmanager
def portable_numpy() -> Iterator[None]:
    """Processes that are started in this context round alike; this one goes on as it is."""
    before = os.environ.get(_VARIABLE)
    os.environ.update(portable_environ())
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before
