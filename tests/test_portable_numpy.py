"""A process started as portable has no AVX-512, whatever its processor; this one stays as it is."""

import os
import subprocess
import sys

import pytest

from sb3_presa.collect import portable_numpy

PROBE = "import numpy as np; print(*np.show_config(mode='dicts')['SIMD Extensions']['found'])"


def pretend(monkeypatch: pytest.MonkeyPatch, *features: str) -> None:
    found = {"SIMD Extensions": {"found": features}}
    monkeypatch.setattr("numpy.show_config", lambda mode: found)


def test_a_portable_process_has_no_avx512() -> None:
    environ = {**os.environ, **portable_numpy.portable_environ()}
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not [name for name in found.stdout.split() if name.startswith(portable_numpy._AVX512)]


def test_what_the_user_disabled_stays_disabled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pretend(monkeypatch, "X86_V3", "X86_V4")
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "X86_V3")
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    environ = portable_numpy.portable_environ()
    assert set(environ.pop("NPY_DISABLE_CPU_FEATURES").split()) == {"X86_V3", "X86_V4"}
    assert environ == {"OPENBLAS_CORETYPE": "Haswell"}
    assert os.environ["NPY_DISABLE_CPU_FEATURES"] == "X86_V3"


def test_without_avx512_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "X86_V3")
    assert portable_numpy.portable_environ() == {}
