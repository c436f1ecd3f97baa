"""Processes in which NumPy rounds the same, whether their processor has AVX-512 or not.

With AVX-512, NumPy computes sines and the like by other routines, and its OpenBLAS sums products
in another order, so that last bits differ. In a simulation, a difference of one bit grows to
another episode within a hundred steps.
"""

import contextlib
import os
from collections.abc import Iterator

import numpy as np

#: Prefixes of NumPy's names for AVX-512, since release 2.4 and before.
_AVX512 = ("X86_V4", "AVX512")


def portable_environ() -> dict[str, str]:
    """:return: the environment variables of a process with portable rounding"""
    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    wide = [feature for feature in found if feature.startswith(_AVX512)]
    if not wide:
        return {}
    name = "NPY_DISABLE_CPU_FEATURES"
    disabled = " ".join((os.environ.get(name, ""), *wide)).strip()
    return {name: disabled, "OPENBLAS_CORETYPE": "Haswell"}


@contextlib.contextmanager
def portable_numpy() -> Iterator[None]:
    """Processes started in this context have portable rounding; this one is not changed."""
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
