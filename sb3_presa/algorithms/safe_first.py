"""Safe-first preferences: safety settles a comparison wherever it can."""

from dataclasses import replace

import numpy as np

from sb3_presa.algorithms.cpl import CPL
from sb3_presa.data.transitions import Outcomes, Transitions
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.offline_data import LABELS, Needs, narrow


class SafeFirst(CPL):
    """
    Contrastive preference learning on safe-first preferences: a pair whose preferred segment is
    unsafe and whose other segment is safe is turned round, then as :class:`~sb3_presa.CPL`. So
    safety counts before reward in each pair, but two unsafe segments are still compared by reward.

    It reads comparisons, and safety labels only to turn comparisons round.

    :param policy: ``"MlpPolicy"``, ``"CnnPolicy"``, ``"MultiInputPolicy"`` or a class; ``"auto"``
        chooses by the observation space
    :param env: environment to take the spaces from, or ``None`` to take the dataset's
    :param alpha: inverse temperature of the preference loss, per unit of log-ratio
    :param preference_bias: conservative bias in (0, 1], 1 for none
    :param kwargs: as for :class:`~sb3_presa.algorithms.aligned.AlignedBaseline`
    :raises ConfigError: for an argument out of its range or spaces that are not supported
    """

    needs: Needs = LABELS

    def _relabel(
        self, feedback: Feedback, transitions: Transitions, outcomes: Outcomes | None
    ) -> Feedback:
        return narrow(safe_first(feedback), frozenset({"comparisons"}))


def safe_first(feedback: Feedback) -> Feedback:
    """
    :param feedback: comparisons and safety labels
    :return: the same with the preference q of a pair of a safe and an unsafe segment made
        max(q, 1 - q) for the safe one; segments that nobody labelled, or as likely safe as
        not, settle nothing, and a tie stays one
    """
    first, second = feedback.p_safe[feedback.comparisons].T
    higher = np.maximum(feedback.preferences, 1.0 - feedback.preferences)
    preferences = feedback.preferences.copy()
    # NaN compares as False
    first_safe, second_safe = (first > 0.5) & (second < 0.5), (first < 0.5) & (second > 0.5)
    preferences[first_safe] = higher[first_safe]
    preferences[second_safe] = 1.0 - higher[second_safe]
    return replace(feedback, preferences=preferences)
