"""Processes in which NumPy rounds alike, whether their processor has AVX-512 or not.

With it NumPy computes sines and the like by other routines, and its OpenBLAS sums products in
another order: last bits differ. A ball that starts one bit further on meets a wall elsewhere a
hundred steps later.
"""

import contextlib
import os
from collections.abc import Iterator

import numpy as np

#: How NumPy's names for AVX-512 begin, since release 2.4 and before it.
_AVX512 = ("X86_V4", "AVX512")


def portable_environ() -> dict[str, str]:
    """:return: environment variables for a process that is to round alike"""
    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    wide = [feature for feature in found if feature.startswith(_AVX512)]
    if not wide:
        return {}
    name = "NPY_DISABLE_CPU_FEATURES"
    disabled = " ".join((os.environ.get(name, ""), *wide)).strip()
    return {name: disabled, "OPENBLAS_CORETYPE": "Haswell"}


@contextlib.contextmanager
def portable_numpy() -> Iterator[None]:
    """Processes that are started in this context round alike; this one goes on as it is."""
    portable = portable_environ()
    before = {name: os.environ.get(name) for name in portable}
    os.environ.update(portable)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
