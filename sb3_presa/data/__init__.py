"""Data: reading Minari datasets, feedback on them, and ways to make both. Needs no torch."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sb3_presa.data.collect_recipe import CollectRecipe
    from sb3_presa.data.dsrl import export_dsrl, import_dsrl
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
    from sb3_presa.data.example import example_dataset
    from sb3_presa.data.feedback import Feedback
    from sb3_presa.data.summary import DatasetSummary, FeedbackSummary, render_summary, summarize

# Where each public name lives; a module is imported when one of its names is first used.
_HOMES = {
    "CollectRecipe": "collect_recipe",
    "DatasetSummary": "summary",
    "Feedback": "feedback",
    "FeedbackSummary": "summary",
    "Outcomes": "episodes",
    "Transitions": "episodes",
    "dataset_horizon": "episodes",
    "episode_hash": "episodes",
    "example_dataset": "example",
    "export_dsrl": "dsrl",
    "import_dsrl": "dsrl",
    "load_outcomes": "episodes",
    "load_transitions": "episodes",
    "render_summary": "summary",
    "resolve_dataset": "episodes",
    "reward_reference": "episodes",
    "summarize": "summary",
}

__all__ = [
    "CollectRecipe",
    "DatasetSummary",
    "Feedback",
    "FeedbackSummary",
    "Outcomes",
    "Transitions",
    "dataset_horizon",
    "episode_hash",
    "example_dataset",
    "export_dsrl",
    "import_dsrl",
    "load_outcomes",
    "load_transitions",
    "render_summary",
    "resolve_dataset",
    "reward_reference",
    "summarize",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
