"""Trajectory classification, an upper reference that reads true rewards and costs."""

import math
import warnings
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch as th
from numpy.typing import NDArray
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, Schedule
from torch.nn import functional as F

from sb3_presa.algorithms.aligned import AlignedBaseline, UtilityObjective
from sb3_presa.arguments import (
    Bound,
    Count,
    CountFromZero,
    NonNegative,
    Positive,
    Share,
    ShareAboveZero,
    ShareBelowOne,
)
from sb3_presa.data.transitions import Outcomes, Transitions
from sb3_presa.errors import ConfigError, DatasetError
from sb3_presa.feedback.synthetic import judge_safety
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.losses import LossAndState, PairBatch, State
from sb3_presa.learning.offline_data import Needs
from sb3_presa.learning.phases import RowSampler, SegmentRows
from sb3_presa.learning.schedules import Rate, WarmupSchedule
from sb3_presa.learning.source import BatchSource, SegmentLabels

Numbers = NDArray[np.float64]

#: As published: a segment that is classified worse than this is given up, it has no gradient.
_LEAST_PROBABILITY = 1e-6
#: As published: of segments shorter than an episode, one for so many possible first steps.
_STARTS_PER_SEGMENT, _MOST_SEGMENTS = 6, 1_000_000


class TraCObjective(UtilityObjective):
    """
    The weighted classification of segments as desirable or undesirable.

    :param alpha: inverse temperature per unit of log-ratio
    :param eta: weight of the undesirable segments
    :param kwargs: as for :class:`~sb3_presa.algorithms.aligned.UtilityObjective`
    """

    metrics = ("classification_loss", "accuracy")

    def __init__(self, alpha: float, eta: float, **kwargs: Any) -> None:
        super().__init__(alpha, **kwargs)
        self.eta = eta

    def loss(self, batch: PairBatch, state: State) -> LossAndState:
        utility, desirable = self.utility(batch), batch.p_safe > 0.5
        assert batch.segment_weights is not None
        loss = classification_loss(utility, desirable, batch.segment_weights, self.eta)
        metrics = {
            "classification_loss": loss,
            "accuracy": ((utility > 0.0) == desirable).float().mean(),
        }
        return loss, metrics, state


def classification_loss(
    utility: th.Tensor, desirable: th.Tensor, weight: th.Tensor, eta: float
) -> th.Tensor:
    r"""
    The mean of :math:`-\lambda w \log p`, where p is :math:`\sigma(u)` for desirable segments and
    :math:`\sigma(-u)` for the others, and :math:`\lambda` is 1 for desirable segments and for the
    others :math:`\eta` times the ratio of the numbers of both in the batch.

    :param utility: u of each segment, any shape
    :param desirable: whether it is desirable, same shape
    :param weight: w of each segment, same shape
    :param eta: weight of the undesirable segments
    :return: scalar
    """
    n_desirable = desirable.float().sum()
    n_undesirable = (desirable.numel() - n_desirable).clamp_min(1.0)
    balance = th.where(desirable, 1.0, eta * n_desirable / n_undesirable)
    log_right = F.logsigmoid(th.where(desirable, utility, -utility))
    return -(balance * weight * log_right.clamp_min(math.log(_LEAST_PROBABILITY))).mean()


class TraC(AlignedBaseline):
    r"""
    Trajectory classification (Gong, Kumar and Varakantham, "Offline Safe Reinforcement Learning
    Using Trajectory Classification", AAAI 2025, https://arxiv.org/abs/2412.15429): segments that
    are within the cost limit and among the best in return are desirable, unsafe ones undesirable;
    the policy is cloned from both and then classifies them by
    :math:`u = \alpha \sum_t \gamma^t \log(\pi(a_t|s_t) / \pi_\text{ref}(a_t|s_t))`.

    It reads true rewards and costs, and no feedback. The defaults are the authors' for
    BulletSafetyGym: for SafetyGym they have alpha .1, eta .5, ``bottom_share=0.5`` and shorter
    segments; for MetaDrive gamma 1, ``top_share=0.25``, shorter segments, and twice the steps.

    As published: segments, thresholds, labels and weights; the loss; cloning on the labelled
    segments at 1e-4, then Adam at 1e-5 after a warm-up; 100,000 steps, 30,000 of them cloning;
    batches of 96 segments; two layers of 256 with dropout .25 in training but not in the
    reference, which lowers every log-ratio; a Gaussian of variance 1/2 with a tanh mean; no
    averaging; the last iterate. Not as published: whole episodes are taken once each (theirs are
    drawn with replacement, which leaves out a third); cloning draws single steps of the labelled
    segments, as many as 96 segments of 100 have; observations are standardised; the initial
    weights are PyTorch's; the forward pass may be in bfloat16.

    :param policy: ``"MlpPolicy"``, ``"CnnPolicy"``, ``"MultiInputPolicy"`` or a class; ``"auto"``
        chooses by the observation space
    :param env: environment to take the spaces from, or ``None`` to take the dataset's
    :param cost_limit: cost of a whole episode up to which it counts as safe; must be given before
        data are, and a segment's limit is its share of it
    :param learning_rate: learning rate of classification, a number or a function of the share of
        its steps that remains (1 to 0)
    :param alpha: inverse temperature per unit of log-ratio
    :param gamma: discount in (0, 1] along a segment
    :param eta: weight of the undesirable segments against the desirable ones
    :param kappa: weight in [0, 1] of the safe segment of the lowest return; the highest has 1,
        others lie in proportion between them, and unsafe segments have 1
    :param top_share: share in (0, 1] of the safe segments, by return, that are desirable
    :param bottom_share: share in [0, 1] of the safe segments that are undesirable, weighted in
        reverse; what is neither is not used. At most 1 - ``top_share``
    :param segment_share: length of a segment as a share in (0, 1] of the longest episode; episodes
        shorter than that are not used
    :param n_cloning_steps: gradient steps of behaviour cloning
    :param cloning_learning_rate: learning rate of cloning, which stays
    :param cloning_batch_size: transitions of labelled segments a cloning step
    :param n_pairs: pairs of segments a classification step
    :param n_segment_steps: steps sampled of each segment longer than that
    :param normalize_length: scale log-ratios to those of segments of 100 steps
    :param average_decay: share of the old average of the weights that stays at each step
    :param max_grad_norm: gradients are clipped to this norm
    :param policy_kwargs: further arguments of the policy; what they leave out of ``net_arch`` and
        ``dropout`` is as published
    :param kwargs: as for :class:`~sb3_presa.algorithms.aligned.AlignedBaseline`
    :raises ConfigError: for an argument out of its range or spaces that are not supported
    """

    default_total_timesteps: ClassVar[int] = 100_000
    needs: Needs = frozenset({"outcomes"})
    objective: TraCObjective

    def __init__(
        self,
        policy: str | type[BasePolicy] = "auto",
        env: GymEnv | str | None = None,
        cost_limit: NonNegative | None = None,
        learning_rate: NonNegative | Schedule = WarmupSchedule(1e-5, share=1.0 / 7.0),
        alpha: Positive = 0.2,
        gamma: ShareAboveZero = 0.99,
        eta: NonNegative = 0.25,
        kappa: Share = 0.7,
        top_share: ShareAboveZero = 0.5,
        bottom_share: Share = 0.0,
        segment_share: ShareAboveZero = 1.0,
        n_cloning_steps: CountFromZero = 30_000,
        cloning_learning_rate: Positive = 1e-4,
        cloning_batch_size: Count = 9600,
        n_pairs: Count = 48,
        n_segment_steps: Count = 10_000,
        normalize_length: bool = False,
        average_decay: ShareBelowOne = 0.0,
        max_grad_norm: Bound = math.inf,
        policy_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if top_share + bottom_share > 1.0:
            raise ConfigError(
                f"`top_share` + `bottom_share` must be at most 1, got {top_share} + {bottom_share}"
            )
        self.cost_limit = cost_limit
        self.alpha = alpha
        self.eta = eta
        self.kappa = kappa
        self.top_share = top_share
        self.bottom_share = bottom_share
        self.segment_share = segment_share
        super().__init__(
            policy,
            env,
            learning_rate,
            n_cloning_steps=n_cloning_steps,
            cloning_learning_rate=cloning_learning_rate,
            cloning_batch_size=cloning_batch_size,
            n_pairs=n_pairs,
            n_segment_steps=n_segment_steps,
            gamma=gamma,
            normalize_length=normalize_length,
            average_decay=average_decay,
            max_grad_norm=max_grad_norm,
            policy_kwargs={"net_arch": [256, 256], "dropout": 0.25, **(policy_kwargs or {})},
            **kwargs,
        )

    def _make_objective(self) -> TraCObjective:
        return TraCObjective(
            self.alpha,
            self.eta,
            gamma=self.gamma,
            normalize_length=self.normalize_length,
            n_pairs=self.n_pairs,
        )

    def _relabel(
        self, feedback: Feedback, transitions: Transitions, outcomes: Outcomes | None
    ) -> Feedback:
        assert outcomes is not None
        if self.cost_limit is None:
            raise ConfigError(
                "`cost_limit` must be given to TraC: the cost that an episode may have, got None"
            )
        random = np.random.default_rng(self.data_seed)
        lengths, horizon = outcomes.episode_lengths, int(outcomes.episode_lengths.max())
        segments = draw_segments(lengths, self.segment_share, random)
        first = outcomes.episode_starts[segments[:, 0]] + segments[:, 1]
        returns, costs = (
            _sums(values, first, first + segments[:, 2])
            for values in (outcomes.rewards, outcomes.costs)
        )
        safe = judge_safety(costs, segments[:, 2], self.cost_limit, horizon) > 0.5
        self._check_classes(safe, costs)
        label, weight = desirability(returns, safe, self.kappa, self.top_share, self.bottom_share)
        used = ~np.isnan(label)
        segments[:, 0] = outcomes.episode_ids[segments[:, 0]]
        self._labelled = segments[used, 0], weight[used]
        provenance = {"source": "outcomes", "cost_limit": self.cost_limit}
        return Feedback.create(transitions, segments[used], label[used], provenance=provenance)

    def _prepare_labels(
        self, training: SegmentLabels, held_out: SegmentLabels, transitions: Transitions
    ) -> SegmentLabels:
        labels = super()._prepare_labels(training, held_out, transitions)
        # Whole episodes are held out, and what is left to train on keeps its order
        episodes, weights = self._labelled
        starts = training.starts.cpu().numpy()
        index = np.searchsorted(transitions.episode_starts, starts, side="right") - 1
        kept = np.isin(episodes, transitions.episode_ids[index])
        of_labels = th.tensor(weights[kept], dtype=th.float32, device=self.device)
        return replace(labels, weights=of_labels)

    def _check_classes(self, safe: NDArray[np.bool_], costs: Numbers) -> None:
        if not safe.any():
            raise DatasetError(
                f"`cost_limit` must be at least {costs.min():g}, the lowest cost of {len(safe)} "
                f"segments, got {self.cost_limit}: no segment is safe. Raise cost_limit."
            )
        if safe.all() and self.bottom_share == 0.0:
            warnings.warn(
                f"all {len(safe)} segments keep `cost_limit` = {self.cost_limit}: no segment is "
                "unsafe, and nothing is learnt to be avoided",
                stacklevel=4,
            )

    def _cloning_rows(self, source: BatchSource) -> RowSampler:
        alike = th.ones_like(source.training.p_safe)
        return SegmentRows(source, alike, self.cloning_batch_size)

    def _cloning_rate(self, stop: int) -> Rate:
        del stop
        return lambda _step: self.cloning_learning_rate

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_labelled"]


def draw_segments(
    episode_lengths: NDArray[np.int64], segment_share: float, random: np.random.Generator
) -> NDArray[np.int64]:
    """
    Segments of one length, in random order.

    :param episode_lengths: steps of each episode, (E,)
    :param segment_share: length of a segment as a share of the longest episode
    :param random: source of randomness
    :return: rows of (index of the episode, first step, steps), (S, 3)
    """
    longest = int(episode_lengths.max())
    length = max(1, int(longest * segment_share))
    enough = np.flatnonzero(episode_lengths >= length)
    if length == longest:
        episodes = random.permutation(enough)
    else:
        n_starts = max(1, (longest - length) // _STARTS_PER_SEGMENT)
        n_segments = min(n_starts * len(episode_lengths), _MOST_SEGMENTS)
        episodes = random.choice(enough, n_segments)
    starts = random.integers(episode_lengths[episodes] - length + 1)
    return np.column_stack([episodes, starts, np.full(len(episodes), length)])


def _sums(values: Numbers, start: NDArray[np.int64], end: NDArray[np.int64]) -> Numbers:
    running = np.r_[0.0, np.cumsum(values)]
    return np.asarray(running[end] - running[start])


def desirability(
    returns: Numbers, safe: NDArray[np.bool_], kappa: float, top_share: float, bottom_share: float
) -> tuple[Numbers, Numbers]:
    """
    :param returns: undiscounted return of each segment, (S,)
    :param safe: whether each keeps its cost limit, (S,), not all False
    :param kappa: weight of the safe segment of the lowest return
    :param top_share: share of the safe segments that are desirable, rounded up
    :param bottom_share: share of the safe segments that are undesirable, rounded up
    :return: labels (1 desirable, 0 undesirable, NaN neither), and weights
    """
    label = np.where(safe, np.nan, 0.0)
    weight = np.ones(len(returns))
    rows = np.flatnonzero(safe)
    rows = rows[np.argsort(returns[rows], kind="stable")]
    lowest, highest = returns[rows[0]], returns[rows[-1]]
    rank = (returns[rows] - lowest) / (highest - lowest if highest > lowest else 1.0)
    n_bottom = math.ceil(bottom_share * len(rows))
    n_top = min(math.ceil(top_share * len(rows)), len(rows) - n_bottom)
    top, bottom = rows[len(rows) - n_top :], rows[:n_bottom]
    label[top], label[bottom] = 1.0, 0.0
    weight[top] = kappa + (1.0 - kappa) * rank[len(rows) - n_top :]
    weight[bottom] = kappa + (1.0 - kappa) * (1.0 - rank[:n_bottom])
    return label, weight
