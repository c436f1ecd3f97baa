"""Losses on labelled segments as pure functions of tensors.

Nothing here knows of Stable-Baselines3, of networks or of data: log-ratios come in, numbers
come out. Shapes: ``B`` pairs, two segments a pair, ``K`` steps a segment.
"""

import math
from typing import NamedTuple, TypeAlias

import torch as th
from torch.nn import functional as F

from sb3_presa.learning.settings import ObjectiveSettings

#: What training changes beside the weights (a multiplier, running means), by name.
State: TypeAlias = dict[str, th.Tensor]
#: A loss, scalars to log, and the next state.
LossAndState: TypeAlias = tuple[th.Tensor, dict[str, th.Tensor], State]

#: With a normalised length, utilities are those of a segment of this many steps.
NORMALISED_LENGTH = 100.0


class PairBatch(NamedTuple):
    """A minibatch of ``B`` pairs of segments with ``K`` sampled steps each."""

    log_ratio: th.Tensor  #: log pi - log pi_ref of each step, (B, 2, K)
    log_prob: th.Tensor  #: log pi of each step, (B, 2, K)
    positions: th.Tensor  #: index of each step in its segment, (B, 2, K)
    weights: th.Tensor  #: how many steps each one stands for, (B, 2, K); 0 for padding
    lengths: th.Tensor  #: steps of each segment, (B, 2)
    p_safe: th.Tensor  #: probability that the segment is safe, (B, 2), NaN if not labelled
    preference: th.Tensor  #: probability that the first is preferred, (B,), NaN if none
    usable: th.Tensor  #: whether the preference loss uses the comparison, (B,)
    unlabelled: th.Tensor  #: whether the pair stands for data without a label, (B,)
    segment_weights: th.Tensor | None  #: weight of each segment, (B, 2), 1 where ``None``


def discounted_length(lengths: th.Tensor, gamma: float) -> th.Tensor:
    r"""
    The sum of discounts over a segment, :math:`\sum_{t=0}^{L-1} \gamma^t`.

    :param lengths: lengths L in steps, at least 1, any shape
    :param gamma: discount in (0, 1]
    :return: float tensor of the same shape
    """
    if gamma == 1.0:
        return lengths.float()
    # expm1, because 1 - gamma ** L loses all its digits for a gamma close to 1
    return th.expm1(lengths.float() * math.log(gamma)) / (gamma - 1.0)


def clip_log_ratio(log_ratio: th.Tensor, clip_range: float) -> th.Tensor:
    r"""
    The lower half of PPO's clipping, on logarithms: a step whose action has become less likely than
    :math:`1 - \epsilon` of what it was counts no further, and has no gradient.

    :param log_ratio: log-ratios of single steps, any shape
    :param clip_range: :math:`\epsilon` in (0, 1)
    :return: :math:`\max(\log(1 - \epsilon), \cdot)`, same shape
    """
    return log_ratio.clamp_min(math.log1p(-clip_range))


def segment_log_ratio(
    log_ratio: th.Tensor,
    weights: th.Tensor,
    positions: th.Tensor,
    lengths: th.Tensor,
    gamma: float,
    normalize_length: bool,
) -> th.Tensor:
    r"""
    The discounted sum of log-ratios over a segment, from the steps that were sampled of it:

    .. math::
        r = \sum_{t=0}^{L-1} \gamma^t \log\frac{\pi(a_t | s_t)}{\pi_\text{ref}(a_t | s_t)}

    :param log_ratio: log-ratios of the sampled steps, (..., K)
    :param weights: how many steps of the segment each sampled step stands for, (..., K); 0 for
        padding
    :param positions: index of each sampled step in its segment, (..., K)
    :param lengths: lengths of the segments in steps, (...)
    :param gamma: discount in (0, 1]
    :param normalize_length: divide by the sum of discounts and multiply by
        ``NORMALISED_LENGTH``, so that segments of different lengths are on one scale.
        ``False`` is the paper's plain sum.
    :return: r of each segment, (...)
    """
    discount = 1.0 if gamma == 1.0 else gamma ** positions.float()
    total = (weights * discount * log_ratio).sum(-1)
    if normalize_length:
        total = total * (NORMALISED_LENGTH / discounted_length(lengths, gamma))
    return total


def preference_loss(
    utility_first: th.Tensor, utility_second: th.Tensor, preference: th.Tensor, bias: float = 1.0
) -> th.Tensor:
    r"""
    Contrastive preference learning (Hejna et al., ICLR 2024), for soft labels:

    .. math::
        -q \log\sigma(u_1 - \lambda u_2) - (1 - q) \log\sigma(u_2 - \lambda u_1)

    :param utility_first: scaled utility of the first segment of each pair, (B,)
    :param utility_second: scaled utility of the second, (B,)
    :param preference: q, the probability that the first is preferred, in [0, 1], (B,)
    :param bias: :math:`\lambda` in (0, 1]; below 1 the rejected segment counts less
    :return: loss of each pair, (B,), log 2 where both utilities are 0
    """
    first = F.logsigmoid(utility_first - bias * utility_second)
    second = F.logsigmoid(utility_second - bias * utility_first)
    return -(preference * first + (1.0 - preference) * second)


def label_probability(utility: th.Tensor, p_safe: th.Tensor) -> th.Tensor:
    r"""
    The probability that the policy classifies a segment as it is labelled,
    :math:`p(Y = y) = \sigma(y u)`, and for soft labels its expectation over the label.

    :param utility: scaled utility of each segment, less the offset where there is one, any shape
    :param p_safe: probability that the segment is safe, in [0, 1], same shape
    :return: probability in (0, 1), same shape; 0.5 where the utility is 0
    """
    return p_safe * th.sigmoid(utility) + (1.0 - p_safe) * th.sigmoid(-utility)


def weighted_mean(values: th.Tensor, weights: th.Tensor) -> th.Tensor:
    """
    Mean of ``values`` under non-negative ``weights``; 0 where all weights are 0.

    :param values: any shape
    :param weights: same shape
    :return: scalar
    """
    total = weights.sum()
    return (values * weights).sum() / total.clamp_min(th.finfo(values.dtype).tiny)


def mean_if_any(values: th.Tensor, weights: th.Tensor) -> th.Tensor:
    """
    As :func:`weighted_mean`, for what is logged: NaN where all weights are 0.

    :param values: any shape
    :param weights: same shape
    :return: scalar
    """
    return th.where(weights.sum() > 0, weighted_mean(values, weights), th.nan)


def expected_label_probability(
    probability: th.Tensor, p_safe: th.Tensor, labelled: th.Tensor, unsafe_weight: float | None
) -> th.Tensor:
    """
    E[p(label is right)], the left side of the safety constraint.

    :param probability: probability of the right label of each segment, any shape
    :param p_safe: probability that the segment is safe, same shape, finite everywhere
    :param labelled: 1 where the segment has a safety label, else 0, same shape
    :param unsafe_weight: share in (0, 1) of the mean that the unsafe segments have, however
        many they are; a class that is missing leaves its share to the other. ``None`` is the
        paper's plain mean over all labelled segments.
    :return: scalar in [0, 1]
    """
    if unsafe_weight is None:
        return weighted_mean(probability, labelled)
    safe, unsafe = labelled * p_safe, labelled * (1.0 - p_safe)
    share_safe = (1.0 - unsafe_weight) * (safe.sum() > 0).to(probability.dtype)
    share_unsafe = unsafe_weight * (unsafe.sum() > 0).to(probability.dtype)
    total = share_safe * weighted_mean(probability, safe)
    total = total + share_unsafe * weighted_mean(probability, unsafe)
    return total / (share_safe + share_unsafe).clamp_min(th.finfo(probability.dtype).tiny)


def lagrangian(
    preference: th.Tensor, probability: th.Tensor, multiplier: th.Tensor, delta: th.Tensor
) -> th.Tensor:
    r"""
    The Lagrangian of the constrained problem, scaled so that its gradient keeps its size
    whatever the multiplier: :math:`(L_\text{pref} + \nu (\delta - E[p])) / (1 + \nu)`.

    :param preference: the preference loss, scalar
    :param probability: E[p(label is right)], scalar
    :param multiplier: :math:`\\nu \\ge 0`, scalar; no gradient flows to it
    :param delta: the level that E[p] must reach, scalar
    :return: scalar
    """
    multiplier = multiplier.detach()
    return (preference + multiplier * (delta - probability)) / (1.0 + multiplier)


def dual_ascent(
    multiplier: th.Tensor,
    probability: th.Tensor,
    delta: th.Tensor,
    learning_rate: float,
    maximum: float,
) -> th.Tensor:
    r"""
    One projected step of ascent on the dual: :math:`\nu \leftarrow
    \text{clip}(\nu + \eta (\delta - E[p]), 0, \nu_\text{max})`.

    :param multiplier: :math:`\\nu`, scalar
    :param probability: E[p(label is right)], scalar
    :param delta: the level that E[p] must reach, scalar
    :param learning_rate: :math:`\\eta > 0`
    :param maximum: the cap on the multiplier
    :return: the new multiplier, scalar in [0, maximum]
    """
    step = learning_rate * (delta - probability.detach())
    return (multiplier + step).clamp(0.0, maximum)


#: Decay of the running means of the offset and of E[p].
_RUNNING_DECAY = 0.95


def clipped_segment_log_ratio(
    batch: PairBatch, gamma: float, clip_range: float | None, normalize_length: bool
) -> th.Tensor:
    """
    :func:`segment_log_ratio` of the segments of a minibatch, its steps clipped where asked.

    :param batch: the minibatch
    :param gamma: discount of the steps' log-ratios
    :param clip_range: as for :func:`clip_log_ratio`, ``None`` for none
    :param normalize_length: as for :func:`segment_log_ratio`
    :return: r of each segment, (B, 2)
    """
    log_ratio = batch.log_ratio
    if clip_range is not None:
        log_ratio = clip_log_ratio(log_ratio, clip_range)
    return segment_log_ratio(
        log_ratio, batch.weights, batch.positions, batch.lengths, gamma, normalize_length
    )


def presa_loss(
    settings: ObjectiveSettings,
    has_comparisons: bool,
    has_safety: bool,
    attains: bool,
    batch: PairBatch,
    state: State,
) -> LossAndState:
    r"""
    PRESA's objective on one minibatch: while it attains, :math:`-E[p]`; then the Lagrangian of the
    preference loss under :math:`E[p] \ge \delta`. Cloning terms are added to both.

    :param settings: the settings
    :param has_comparisons: whether the labels hold comparisons
    :param has_safety: whether they hold safety labels
    :param attains: whether this step looks for the level that can be attained
    :param batch: the minibatch
    :param state: ``multiplier``, ``delta``, ``offset``, ``attained`` and ``unlabelled_share``,
        scalars
    :return: the loss, scalars to log, and the next state
    """
    clip, normalize = settings.clip_range, settings.normalize_length
    r = clipped_segment_log_ratio(batch, settings.gamma, clip, normalize)
    preference, metrics = _preference(batch, r, settings.alpha)
    worth = _worth(batch, has_comparisons, has_safety)
    anchor = _anchor(batch, worth, r.detach(), settings.anchor_sharpness)
    unlabelled = state["unlabelled_share"]  # 0 where nothing was added to be cloned
    if settings.unlabelled_coef > 0.0:
        steps = batch.weights * batch.unlabelled[:, None, None]
        unlabelled = -unlabelled * weighted_mean(batch.log_prob, steps)
    metrics |= {"anchor_loss": anchor, "unlabelled_loss": unlabelled}
    regularised = settings.anchor_coef * anchor + settings.unlabelled_coef * unlabelled
    if not has_safety:
        return settings.preference_coef * preference + regularised, metrics, state

    safety_r = r
    if settings.safety_gamma != settings.gamma:
        safety_r = clipped_segment_log_ratio(batch, settings.safety_gamma, clip, normalize)
    utility, offset = settings.beta * safety_r, state["offset"]
    if settings.center_utilities:
        offset = _next_offset(offset, utility.detach(), batch.p_safe)
    probability, safety_metrics = _safety(batch, utility - offset, settings.unsafe_weight)
    metrics |= safety_metrics | {"offset": offset}
    if attains:
        loss = -probability + regularised
        attained = state["attained"]
        attained = attained + (1.0 - _RUNNING_DECAY) * (probability.detach() - attained)
        following = {**state, "offset": offset, "attained": attained}
    else:
        multiplier, delta = state["multiplier"], state["delta"]
        loss = regularised + lagrangian(
            settings.preference_coef * preference, probability, multiplier, delta
        )
        multiplier = dual_ascent(
            multiplier,
            probability,
            delta,
            settings.multiplier_learning_rate,
            settings.multiplier_max,
        )
        following = {**state, "offset": offset, "multiplier": multiplier}
    metrics |= {"multiplier": following["multiplier"], "delta": following["delta"]}
    return loss, metrics, following


def _preference(
    batch: PairBatch, r: th.Tensor, alpha: float
) -> tuple[th.Tensor, dict[str, th.Tensor]]:
    usable = batch.usable.float()
    preference = batch.preference.nan_to_num(0.5)
    utility = alpha * r
    loss = preference_loss(utility[:, 0], utility[:, 1], preference)
    first_won = (preference > 0.5).unsqueeze(-1)
    winner_loser = th.where(first_won, r, r.flip(-1)).detach()
    return weighted_mean(loss, usable), {
        "preference_loss": mean_if_any(loss.detach(), usable),
        "log_ratio_preferred": mean_if_any(winner_loser[:, 0], usable),
        "log_ratio_rejected": mean_if_any(winner_loser[:, 1], usable),
    }


def _safety(
    batch: PairBatch, utility: th.Tensor, unsafe_weight: float | None
) -> tuple[th.Tensor, dict[str, th.Tensor]]:
    labelled = (~batch.p_safe.isnan()).float()
    p_safe = batch.p_safe.nan_to_num(0.5)
    probability = label_probability(utility, p_safe)
    expected = expected_label_probability(probability, p_safe, labelled, unsafe_weight)
    safe, unsafe = labelled * p_safe, labelled * (1.0 - p_safe)
    return expected, {
        "p_right": expected,
        "p_right_safe": mean_if_any(probability.detach(), safe),
        "p_right_unsafe": mean_if_any(probability.detach(), unsafe),
    }


def _next_offset(offset: th.Tensor, utility: th.Tensor, p_safe: th.Tensor) -> th.Tensor:
    """Towards the middle between the mean utilities of safe and unsafe segments."""
    labelled = (~p_safe.isnan()).float()
    p_safe = p_safe.nan_to_num(0.5)
    safe, unsafe = labelled * p_safe, labelled * (1.0 - p_safe)
    means = weighted_mean(utility, safe), weighted_mean(utility, unsafe)
    both = ((safe.sum() > 0) & (unsafe.sum() > 0)).float()
    middle = 0.5 * (means[0] + means[1])
    return offset + both * (1.0 - _RUNNING_DECAY) * (middle - offset)


def _worth(batch: PairBatch, has_comparisons: bool, has_safety: bool) -> th.Tensor:
    """The weight of each segment in the cloning term, (B, 2): as given, or 1 for safe winners."""
    if batch.segment_weights is not None:
        return batch.segment_weights
    won = th.ones_like(batch.p_safe)
    if has_comparisons:
        won = th.stack([batch.preference, 1.0 - batch.preference], dim=-1).nan_to_num(0.0)
    return won * batch.p_safe.nan_to_num(0.0) if has_safety else won


def _anchor(batch: PairBatch, worth: th.Tensor, r: th.Tensor, sharpness: float) -> th.Tensor:
    """Negative log-likelihood of what is worth cloning, of the policy's favourites most."""
    steps = batch.weights / batch.lengths.unsqueeze(-1)
    # In logarithms, or a high utility of another segment makes all weights vanish
    weights = th.softmax((worth.log() + sharpness * r).flatten(), 0).nan_to_num(0.0)
    return -(weights * (steps * batch.log_prob).sum(-1).flatten()).sum()
