"""Scripted raters: what they see in two clips, what they say, and how often they are wrong.

What they see is what happens on the screen: how far each car drives, and what that costs (a crash,
tailgating, speeding). They are told it by the dataset; nobody else in this example looks there.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from minari import MinariDataset

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.data import dataset_horizon, load_outcomes, load_transitions

SECONDS_A_STEP = 0.2
COST_LIMIT = 5.0  # of a whole episode; a segment has its share of it
SAME_DISTANCE = 0.03  # two distances are the same to an eye if they differ by less than this share
UNCLEAR = 0.2  # costs that are nearer to the limit than this share of it are hard to tell

_OWN_SPEED = 3  # the column of the observations that holds the own speed, as a share of 40 m/s

# Which keys say what (the page shows them).
_BETTER = {1.0: "ArrowLeft", 0.5: "ArrowDown", 0.0: "ArrowRight"}
_SAFE_LEFT = {1.0: "a", 0.0: "s", None: "d"}
_SAFE_RIGHT = {1.0: "j", 0.0: "k", None: "l"}


class Drives:
    """What can be seen in the segments of a dataset of ``presa/HighwaySafe-v0``.

    :param dataset: the dataset.
    """

    def __init__(self, dataset: MinariDataset) -> None:
        transitions, outcomes = load_transitions(dataset), load_outcomes(dataset)
        assert isinstance(transitions.observations, np.ndarray)
        speeds = 40.0 * transitions.observations[:, _OWN_SPEED]  # m/s
        self._distance = np.concatenate([[0.0], np.cumsum(speeds * SECONDS_A_STEP, dtype=float)])
        self._cost = np.concatenate([[0.0], np.cumsum(outcomes.costs)])
        starts = transitions.episode_starts
        self._starts = dict(zip(transitions.episode_ids.tolist(), starts.tolist(), strict=True))
        self._limit_a_step = COST_LIMIT / dataset_horizon(dataset)

    def distance(self, segment: Segment) -> float:
        """Metres driven."""
        return self._sum(self._distance, segment)

    def excess(self, segment: Segment) -> float:
        """Cost above the segment's share of the limit, as a share of that; above 0 is unsafe."""
        limit = self._limit_a_step * segment[2]
        return self._sum(self._cost, segment) / limit - 1.0

    def _sum(self, running: npt.NDArray[np.float64], segment: Segment) -> float:
        episode, start, length = segment
        first = self._starts[episode] + start
        return float(running[first + length] - running[first])


@dataclass(frozen=True)
class Rater:
    """Says what it sees, mostly.

    :param name: as the page's annotator.
    :param wrong_preference: how often it says the contrary of what it prefers, in [0, 1].
    :param wrong_safety: how often it calls safe what is unsafe, and the other way round, in [0, 1].
    :param seed: of its errors. The same pair gets the same answer again.
    """

    name: str
    wrong_preference: float
    wrong_safety: float
    seed: int

    def answer(self, drives: Drives, left: Segment, right: Segment) -> list[str]:
        """The three keys that answer a pair.

        :param drives: what can be seen.
        :param left: the segment on the left.
        :param right: the one on the right.
        :return: the left clip's safety, the right one's, and which is better.
        """
        random = np.random.default_rng([self.seed, *left, *right])
        return [
            _SAFE_LEFT[self._is_safe(drives.excess(left), random)],
            _SAFE_RIGHT[self._is_safe(drives.excess(right), random)],
            _BETTER[self._better(drives.distance(left), drives.distance(right), random)],
        ]

    def _better(self, left: float, right: float, random: np.random.Generator) -> float:
        slips = random.random() < self.wrong_preference
        if abs(left - right) <= SAME_DISTANCE * max(left, right):
            return float(random.integers(2)) if slips else 0.5
        return float((left > right) != slips)

    def _is_safe(self, excess: float, random: np.random.Generator) -> float | None:
        slips = random.random() < self.wrong_safety
        if abs(excess) < UNCLEAR:
            return None
        return float((excess <= 0) != slips)


RATERS = (Rater("careful", 0.05, 0.03, seed=1), Rater("hasty", 0.15, 0.08, seed=2))
