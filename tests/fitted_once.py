"""Models of labels that tests share: what was fitted to the same data and labels is taken again.

On data of the tests' size, a fit takes longer than all the rest of a run. It is a function of its
arguments alone, as ``test_completed.py`` shows.
"""

import hashlib
import os
import pickle
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch as th
from minari.serialization import serialize_space

from sb3_presa import Feedback
from sb3_presa.completion import estimating
from sb3_presa.completion.fitting import FittedLabels, fit_labels
from sb3_presa.data.datasets import DatasetLike
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions

_FITTED: dict[str, FittedLabels] = {}


def fit_labels_once(
    dataset: DatasetLike | Transitions, feedback: str | Feedback = "default", **options: Any
) -> FittedLabels:
    """``fit_labels``, if nothing was fitted yet to these values; names do not tell what they are
    of, so the values are read."""
    key = _key(dataset, feedback, options)
    if key not in _FITTED:
        _FITTED[key] = fit_labels(dataset, feedback, **options)
    return _FITTED[key]


def share_in(folder: Path) -> None:
    """In a process of its own: what other processes fitted is read from a folder, which keeps what
    this one fits."""

    def fit(
        dataset: DatasetLike | Transitions, feedback: str | Feedback = "default", **options: Any
    ) -> FittedLabels:
        kept = folder / _key(dataset, feedback, options)
        if not kept.exists():
            written = kept.with_suffix(f".{os.getpid()}")  # a killed process leaves no half of it
            written.write_bytes(pickle.dumps(fit_labels(dataset, feedback, **options)))
            written.replace(kept)
        found: FittedLabels = pickle.loads(kept.read_bytes())
        return found

    vars(estimating)["fit_labels"] = fit


def _key(
    dataset: DatasetLike | Transitions, feedback: str | Feedback, options: dict[str, Any]
) -> str:
    transitions = dataset if isinstance(dataset, Transitions) else load_transitions(dataset)
    if isinstance(feedback, str) and not isinstance(dataset, Transitions):
        feedback = Feedback.load(dataset, feedback)
    values = (_content(transitions), _content(feedback), _content(options))
    return _digest(repr((values, th.get_default_dtype())).encode())


def _content(of: Any) -> Any:
    """Values alone: pickles of equal values differ by which objects are the same."""
    if isinstance(of, Transitions | Feedback):
        return [_content(getattr(of, field.name)) for field in fields(of)]
    if isinstance(of, np.ndarray):
        return of.dtype.str, of.shape, _digest(of.tobytes())
    if isinstance(of, Mapping):
        return sorted((repr(key), _content(value)) for key, value in of.items())
    return serialize_space(of) if isinstance(of, gym.Space) else of


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(autouse=True)
def labels_fitted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For modules that import it."""
    monkeypatch.setattr(estimating, "fit_labels", fit_labels_once)
