"""Label completion: from a few labels of short segments to estimates for all of the data."""

from sb3_presa.completion.completion import FEWEST_LABELS, Completion
from sb3_presa.completion.estimating import complete

__all__ = ["FEWEST_LABELS", "Completion", "complete"]
