"""Processes in which NumPy rounds the same, whether their processor has AVX-512 or not.

With AVX-512, NumPy computes sines and the like by other routines, and its OpenBLAS sums products
in another order, so that last bits differ. In a simulation, a difference of one bit grows to
another episode within a hundred steps.
"""

import os

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
