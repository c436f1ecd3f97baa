"""The labels that an algorithm learns from: those that it was given, or completed ones."""

import warnings
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import numpy as np

from sb3_presa.completion import complete
from sb3_presa.data.transitions import Transitions
from sb3_presa.feedback.table import Feedback

#: Whether to complete labels; ``"auto"`` does where cross-fitted accuracy supports it.
CompletionMode: TypeAlias = Literal["auto"] | bool
#: Safety levels at which an adjustable agent is trained; it acts at those between them, too.
LEVELS: Final = (0.3, 0.5, 0.7, 0.8, 0.9)
#: With fewer labels of both kinds together, cross-fitted accuracy decides nothing.
_FEWEST: Final = 40


def completed(
    feedback: Feedback,
    transitions: Transitions,
    mode: CompletionMode,
    level: float | Sequence[float],
    seed: int,
) -> Feedback:
    """
    :param feedback: labels; those with weights are complete already
    :param transitions: what they are on
    :param mode: whether to complete them
    :param level: lowest probability, in (0, 1), that what is imitated is safe; or several, rising
    :param seed: seed of the models
    :return: labels of all of the data, or ``feedback`` itself
    """
    if mode is False or feedback.weights is not None:
        return feedback
    n_labels = len(feedback.comparisons) + int((~np.isnan(feedback.p_safe)).sum())
    if n_labels == 0 or (mode == "auto" and n_labels < _FEWEST):
        return feedback
    completion = complete(transitions, feedback, seed=seed)
    if mode == "auto" and not completion.helps:
        warnings.warn(
            "label completion is not used: models that have not seen a label predict it no "
            f"better than chance (comparisons {completion.preference_accuracy}, safety "
            f"{completion.safety_accuracy}). Label more segments, or set completion=True.",
            stacklevel=6,
        )
        return feedback
    return completion.feedback(level, seed)
