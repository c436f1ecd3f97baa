"""The paper's settings of PRESA, as arguments of its constructor."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

#: Cloning of all data alike, plain sums, no clipping, no cloning terms, a plain mean against 0, a
#: given delta, and the last weights.
PAPER_SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "learning_rate": 3e-4,
        "n_cloning_steps": 2000,
        "pretraining_share": 0.0,
        "cloning_learning_rate": 1e-3,
        "cloning_batch_size": 1024,
        "n_pairs": 32,
        "unsafe_cloning_weight": 1.0,
        "alpha": 0.1,
        "beta": 0.1,
        "gamma": 0.99,
        "delta": 0.95,
        "clip_range": None,
        "anchor_coef": 0.0,
        "unlabelled_coef": 0.0,
        "average_decay": 0.0,
        "completion": False,
        "objective_kwargs": MappingProxyType(
            {
                "safety_gamma": 0.99,
                "normalize_length": False,
                "preference_filter": "all",
                "n_attain_steps": 0,
                "unsafe_weight": None,
                "center_utilities": False,
                "multiplier_init": 0.0,
                "multiplier_max": 1e6,
            }
        ),
    }
)
