"""Guesses of models: a default that costs one key to accept, or is kept back.

A person who sees a guess may follow it. So a share of the questions is blind: their guess is
recorded and not shown, and agreement with it is that of a person who decides alone.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from sb3_presa.annotation.answers.answer import Answer, Guess
from sb3_presa.annotation.asking.pool import Pair
from sb3_presa.annotation.asking.quick_models import (
    LogisticEnsemble,
    SegmentFeatures,
    fit_preferences,
    fit_safety,
    with_offset,
)
from sb3_presa.data.transitions import Transitions

#: Answers before the first guess.
FEWEST: Final = 20


class Guesser:
    """Guesses by the small models that also choose questions.

    :param transitions: the dataset's steps.
    :param reference: segments whose features are standardised.
    :param blind: share in [0, 1] of the questions whose guess is not shown.
    :param seed: seed of the models, and of the choice of blind questions.
    """

    def __init__(
        self,
        transitions: Transitions,
        reference: Sequence[tuple[int, int, int]],
        blind: float = 0.2,
        seed: int = 0,
    ) -> None:
        self._features = SegmentFeatures(transitions, reference, seed=seed)
        self._blind, self._seed = blind, seed

    def guess(self, pairs: Sequence[Pair], answered: Sequence[Answer]) -> list[Guess | None]:
        """
        :param pairs: pairs that nobody has answered.
        :param answered: the answers of all people.
        :return: a guess on each pair; None before there are enough answers.
        """
        asked = [answer for answer in answered if answer.role == "asked"]
        if len(asked) < FEWEST or not pairs:
            return [None] * len(pairs)
        sides = [self._features([pair[side] for pair in pairs]) for side in (0, 1)]
        better = fit_preferences(self._features, asked, LogisticEnsemble(4, seed=self._seed))
        safe = fit_safety(self._features, asked, LogisticEnsemble(4, seed=self._seed))
        chances = [
            better.probabilities(sides[0] - sides[1]).mean(axis=1).tolist(),
            *(safe.probabilities(with_offset(side)).mean(axis=1).tolist() for side in sides),
        ]
        random = np.random.default_rng([self._seed, 4, len(asked)])
        shown = (random.random(len(pairs)) >= self._blind).tolist()
        return [Guess(*values) for values in zip(*chances, shown, strict=True)]
