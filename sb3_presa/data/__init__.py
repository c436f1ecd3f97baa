"""Data: reading Minari datasets, feedback on them, and ways to make both. Needs no torch."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sb3_presa.data.episodes import (
        Outcomes,
        Transitions,
        dataset_horizon,
        episode_hash,
        load_outcomes,
        load_transitions,
        resolve_dataset,
        reward_reference,
    )
    from sb3_presa.data.feedback import Feedback

# Where each public name lives; modules are imported when one of their names is first used.
_HOMES = {
    "Feedback": "feedback",
    "Outcomes": "episodes",
    "Transitions": "episodes",
    "dataset_horizon": "episodes",
    "episode_hash": "episodes",
    "load_outcomes": "episodes",
    "load_transitions": "episodes",
    "resolve_dataset": "episodes",
    "reward_reference": "episodes",
}

__all__ = [
    "Feedback",
    "Outcomes",
    "Transitions",
    "dataset_horizon",
    "episode_hash",
    "load_outcomes",
    "load_transitions",
    "resolve_dataset",
    "reward_reference",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
