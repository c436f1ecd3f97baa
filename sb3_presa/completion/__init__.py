"""Label completion: from a few labels of short segments to estimates for all of the data."""

from sb3_presa.completion.completion import FEWEST_LABELS, Completion, complete

__all__ = ["FEWEST_LABELS", "Completion", "complete"]
