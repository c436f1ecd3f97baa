"""Logged behaviour: reading Minari datasets and checking them. Needs no torch."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sb3_presa.data.datasets import dataset_horizon, resolve_dataset, reward_reference
    from sb3_presa.data.dsrl import export_dsrl, import_dsrl
    from sb3_presa.data.episodes import load_outcomes, load_transitions
    from sb3_presa.data.example import example_dataset
    from sb3_presa.data.faults import DatasetCheck, check_dataset
    from sb3_presa.data.formats.importing import import_logs, read_logs
    from sb3_presa.data.transitions import Outcomes, Transitions, episode_hash

# Where each public name lives; a module is imported when one of its names is first used.
_HOMES = {
    "DatasetCheck": "faults",
    "Outcomes": "transitions",
    "Transitions": "transitions",
    "check_dataset": "faults",
    "dataset_horizon": "datasets",
    "episode_hash": "transitions",
    "example_dataset": "example",
    "export_dsrl": "dsrl",
    "import_dsrl": "dsrl",
    "import_logs": "formats.importing",
    "load_outcomes": "episodes",
    "load_transitions": "episodes",
    "read_logs": "formats.importing",
    "resolve_dataset": "datasets",
    "reward_reference": "datasets",
}

__all__ = [
    "DatasetCheck",
    "Outcomes",
    "Transitions",
    "check_dataset",
    "dataset_horizon",
    "episode_hash",
    "example_dataset",
    "export_dsrl",
    "import_dsrl",
    "import_logs",
    "load_outcomes",
    "load_transitions",
    "read_logs",
    "resolve_dataset",
    "reward_reference",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
