"""Models of labels that are linear in features of steps: how people's answers come about."""

from enum import StrEnum
from typing import Final, TypeVar

import numpy as np
import torch as th
from numpy.typing import NDArray
from torch.nn import functional as F

from sb3_presa.completion.features import Floats

#: Steepness of P(safe) in the mean risk of a step: a segment at risk 0 is unsafe once in 400 times.
STEEPNESS: Final = 6.0
#: Share of labels that are taken to be wrong where nothing else is known. It keeps one wrong label
#: from ruling a fit; where none is wrong it costs little.
ERROR_RATE: Final = 0.1
#: Shares of wrong labels among which cross-fitted likelihood chooses.
ERROR_RATES: Final = (ERROR_RATE, 0.2, 0.3)
#: Squared norm of a safety model's weights counts this much in its loss.
_PENALTY: Final = 3e-3
_N_ITERATIONS: Final = 60
_N_NEWTON_STEPS: Final = 25


class SafetyModel(StrEnum):
    """The meaning of the label "safe" of a segment."""

    #: the mean risk of its steps is low: short and long segments have one measure
    RATE = "rate"
    #: none of its steps went wrong: the chance falls with every step
    ANY = "any"


def fit_comparisons(
    differences: Floats, preferences: Floats, precision: float, error_rate: float = ERROR_RATE
) -> Floats:
    r"""
    The Bradley-Terry model of comparisons with a share of wrong answers,
    :math:`P = \epsilon + (1 - 2 \epsilon) \sigma(x \cdot w)`, fitted by expectation maximisation:
    which answers are wrong, then a Newton step on the rest.

    :param differences: features of the first segment less those of the second, (C, F)
    :param preferences: probability that the first is preferred, in [0, 1], (C,)
    :param precision: of the prior of each weight, above 0
    :param error_rate: share of comparisons that are taken to be wrong, below .5
    :return: weights, (F,)
    """
    n_features = differences.shape[1]
    weights: Floats = np.zeros(n_features)
    for _ in range(_N_NEWTON_STEPS):
        logits = np.asarray(differences @ weights)
        chance = sigmoid(logits)
        first = said_chance(preferences, error_rate)
        second = 1.0 - first
        target = chance * first / (chance * first + (1.0 - chance) * second)
        curvature = np.maximum(chance * (1.0 - chance), 1e-3)
        hessian: Floats = np.asarray((differences.T * curvature) @ differences, dtype=np.float64)
        hessian[np.diag_indices(n_features)] += precision
        aim = differences.T @ (curvature * logits + (target - chance))
        following = np.asarray(np.linalg.solve(hessian, aim), dtype=np.float64)
        change = np.abs(following - weights).max()
        weights = following
        if change < 1e-4 * max(np.abs(weights).max(), 1e-12):
            break
    return weights


def fit_safety(
    features: th.Tensor,
    segment_of: th.Tensor,
    steps_for: th.Tensor,
    lengths: th.Tensor,
    p_safe: th.Tensor,
    model: SafetyModel,
    error_rate: float = ERROR_RATE,
) -> th.Tensor:
    r"""
    The risk of a step, :math:`\text{softplus}(\varphi \cdot w + b) \geq 0`, from safety labels of
    segments, by L-BFGS. A risk cannot be negative, so what is safe does not make up for what is
    not; that is what tells whole episodes from the clips that were labelled.

    :param features: of the steps that were sampled of all segments, (M, F)
    :param segment_of: segment of each, (M,)
    :param steps_for: how many steps each stands for, (M,)
    :param lengths: steps of each segment, (S,)
    :param p_safe: probability that it is safe, in [0, 1], (S,)
    :param model: what the label means
    :param error_rate: share of labels that are taken to be wrong, below .5
    :return: weights and then b, (F + 1,)
    """
    # Column by column, products with vectors take a third of the time; no copy if it is so already
    across = features.T.contiguous()
    parameters = th.zeros(features.shape[1] + 1)
    parameters[-1] = 0.5 if model is SafetyModel.RATE else -4.0
    optimizer = th.optim.LBFGS(
        [parameters],
        max_iter=_N_ITERATIONS,
        history_size=10,
        line_search_fn="strong_wolfe",
        tolerance_change=1e-6,
    )

    @th.no_grad()
    def closure() -> th.Tensor:
        loss, parameters.grad = _safety_loss(
            parameters, across, segment_of, steps_for, lengths, p_safe, model, error_rate
        )
        return loss

    optimizer.step(closure)
    return parameters.detach()


def _safety_loss(
    parameters: th.Tensor,
    across: th.Tensor,
    segment_of: th.Tensor,
    steps_for: th.Tensor,
    lengths: th.Tensor,
    p_safe: th.Tensor,
    model: SafetyModel,
    error_rate: float,
) -> tuple[th.Tensor, th.Tensor]:
    """
    The loss of :func:`fit_safety`. A fit asks for it some 70 times: the gradient by hand saves a
    third of a small fit.

    :param parameters: weights and then b, (F + 1,)
    :param across: features of the sampled steps, (F, M); the rest is as for :func:`fit_safety`
    :return: the loss, and its gradient, (F + 1,)
    """
    weights = parameters[:-1]
    logits = weights @ across + parameters[-1]
    risks = F.softplus(logits) * steps_for
    safe = p_safe_of(th.zeros(len(lengths)).index_add(0, segment_of, risks), lengths, model)
    chance = said_chance(safe, error_rate)
    p_unsafe, other = 1.0 - p_safe, 1.0 - chance
    losses = p_safe * chance.log() + p_unsafe * other.log()
    loss = -losses.sum() + 0.5 * _PENALTY * weights.square().sum()
    slope = (p_unsafe / other - p_safe / chance) * (1.0 - 2.0 * error_rate)
    if model is SafetyModel.ANY:
        slope = slope * safe
    else:
        slope = slope * (1.0 - safe) * safe * STEEPNESS / lengths
    of_logits = th.ops.aten.softplus_backward(-slope[segment_of] * steps_for, logits, 1.0, 20.0)
    gradient = th.cat([across.mv(of_logits) + _PENALTY * weights, of_logits.sum().view(1)])
    return loss, gradient


def risk_of(features: th.Tensor, parameters: th.Tensor) -> th.Tensor:
    """
    :param features: of steps, (M, F)
    :param parameters: weights and then b, of one model (F + 1,) or of K, (F + 1, K)
    :return: risk of each step, (M,) or (M, K)
    """
    return F.softplus(features @ parameters[:-1] + parameters[-1])


def p_safe_of(risk: th.Tensor, lengths: th.Tensor, model: SafetyModel) -> th.Tensor:
    """
    :param risk: sum of the risks of a segment's steps, any shape
    :param lengths: its steps, same shape or one that broadcasts
    :param model: what "safe" means
    :return: probability that it is safe, same shape
    """
    if model is SafetyModel.ANY:
        return th.exp(-risk)
    return th.sigmoid(STEEPNESS * (1.0 - risk / lengths))


_Chance = TypeVar("_Chance", th.Tensor, Floats)


def said_chance(chance: _Chance, error_rate: float) -> _Chance:
    """
    :param chance: probability that the true label is 1, any shape
    :param error_rate: share of labels that are wrong
    :return: probability that somebody who errs at times gives a label of 1, same shape
    """
    return error_rate + (1.0 - 2.0 * error_rate) * chance


def log_likelihood(chance: Floats, labels: Floats, error_rate: float) -> Floats:
    """
    :param chance: predicted probability that the true label is 1, (n,)
    :param labels: given labels, in [0, 1], (n,)
    :param error_rate: share of labels that are taken to be wrong
    :return: log-likelihood of each label, (n,)
    """
    said = said_chance(chance, error_rate)
    found: NDArray[np.float64] = labels * np.log(said) + (1.0 - labels) * np.log1p(-said)
    return found


def sigmoid(x: Floats) -> Floats:
    """
    :param x: log-odds, any shape
    :return: probabilities, same shape, without an overflow
    """
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -30.0, 30.0))))
