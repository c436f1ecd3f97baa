"""Expected outcomes of an agent's episodes, by the models of labels."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sb3_presa.completion.cross_fit import N_FOLDS, OVERSHOOT
from sb3_presa.completion.features import Floats, flat_values, step_vectors
from sb3_presa.completion.fitting import FittedLabels
from sb3_presa.completion.label_models import STEEPNESS, SafetyModel, sigmoid
from sb3_presa.data.transitions import Transitions
from sb3_presa.evaluation.judge.actions import Agent, Rows, actions_of
from sb3_presa.evaluation.judge.fitted_q import Space, fitted_q

#: Steps that values are fitted on, starts that they are averaged over, and moments looked at.
_N_STEPS: Final = 8_192
_N_STARTS: Final = 256
N_MOMENTS: Final = 1_024
#: Student's t at 97.5% with three degrees of freedom: there are four folds.
_T: Final = 3.182446305284263


@dataclass(frozen=True)
class Estimate:
    """
    A number with its uncertainty.

    :param value: the number
    :param low: lower end of its 95% interval
    :param high: upper end
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True, eq=False)
class Outlook:
    """
    Expected outcomes of full episodes of an agent.

    :param risk: mean risk of a step, in units of the boundary between safe and unsafe
    :param p_safe: share of its episodes that are safe, in [0, 1]
    :param of_log: the same share of the logged episodes: what acting as was logged comes to
    :param merit: mean reward of a step that comparisons imply, 0 as in the log and 1 a standard
        deviation of the logged episodes above; ``None`` without comparisons
    :param rows: rows of some logged steps, (M,)
    :param acts: the agent's actions there, (M, ...)
    :param ahead: expected risk of a step in the clip that would follow each, (M,)
    """

    risk: Estimate
    p_safe: Estimate
    of_log: float
    merit: Estimate | None
    rows: Rows
    acts: NDArray[Any]
    ahead: Floats


def outlook(
    agent: Agent,
    fitted: FittedLabels,
    terminated: NDArray[np.bool_],
    horizon: int,
    of_log: float,
) -> Outlook:
    """
    :param agent: an agent
    :param fitted: the models of labels; at least one safety label is among these
    :param terminated: whether the task ended at the end of each episode, (E,)
    :param horizon: T, steps of a full episode
    :param of_log: share of the logged episodes that are safe
    :return: fitted Q-evaluation of the agent under each model, each draw of the models on its own
        sample of the logged steps
    """
    transitions, labels = fitted.transitions, fitted.labels
    generator = np.random.default_rng(0x1D)
    starts = _some(transitions.episode_starts, _N_STARTS, generator)
    moments = _some(np.arange(len(transitions.actions)), N_MOMENTS, generator)
    first, here = (_acting(agent, transitions, rows) for rows in (starts, moments))
    typical = max(1, int(np.median(labels.lengths[~np.isnan(labels.p_safe)])))
    risks, rewards = _rates(fitted, typical, horizon), fitted.ensemble.rewards
    shares, levels, merits, ahead = [], [], [], []
    for draw in range(len(risks) // N_FOLDS):
        models = slice(draw * N_FOLDS, (draw + 1) * N_FOLDS)
        chain = _Chain.draw(agent, transitions, terminated, generator)
        parts: list[NDArray[Any]] = [np.ones((1, len(chain.rows))), risks[models][:, chain.rows]]
        if rewards is not None:
            parts.append(_standardized(rewards[models], transitions)[:, chain.rows])
        amounts = np.concatenate(parts).T.astype(np.float64)
        values = fitted_q(amounts, chain.following, chain.goes_on, horizon)
        sums = values[chain.space.nearest(first)].mean(axis=1)
        # Episodes that end early count for the steps that they have
        rates = sums[:, 1:] / sums[:, :1]
        risk = rates[:, :N_FOLDS]
        levels.append(risk.mean(axis=0))
        if fitted.meaning is SafetyModel.ANY:
            shares.append(np.exp(-sums[:, 1 : 1 + N_FOLDS]).mean(axis=0))
        else:
            shares.append(sigmoid(STEEPNESS * (1.0 - risk)).mean(axis=0))
        merits.append(rates[:, N_FOLDS:].mean(axis=0))
        clips = fitted_q(amounts[:, : 1 + N_FOLDS], chain.following, chain.goes_on, typical)
        clip = clips[chain.space.nearest(here)].mean(axis=1)
        ahead.append((clip[:, 1:] / clip[:, :1]).mean(axis=1))
    return Outlook(
        risk=_estimate(np.stack(levels)),
        p_safe=_logit_estimate(np.stack(shares)),
        of_log=of_log,
        merit=None if rewards is None else _estimate(np.stack(merits)),
        rows=moments,
        acts=actions_of(agent, transitions, moments),
        ahead=np.mean(ahead, axis=0),
    )


@dataclass(frozen=True, eq=False)
class _Chain:
    """Logged steps whose successor is known, and those that the agent's next ones are like."""

    rows: Rows
    goes_on: Floats
    following: Rows
    space: Space

    @classmethod
    def draw(
        cls,
        agent: Agent,
        transitions: Transitions,
        terminated: NDArray[np.bool_],
        generator: np.random.Generator,
    ) -> "_Chain":
        n = len(transitions.actions)
        last = transitions.episode_starts + transitions.episode_lengths - 1
        known, goes_on = np.ones(n, dtype=bool), np.ones(n)
        known[last[~terminated]] = False  # cut off: nobody knows what follows
        goes_on[last[terminated]] = 0.0
        if not known.any():
            known[:], goes_on[:] = True, 0.0
        rows = _some(np.flatnonzero(known), _N_STEPS, generator)
        steps = step_vectors(transitions, rows)
        width = flat_values(transitions.actions[:1], transitions.action_space).shape[1]
        space = Space.of(steps, width)
        following = space.nearest(_acting(agent, transitions, np.minimum(rows + 1, n - 1)))
        return cls(rows, goes_on[rows], following, space)


def _some(rows: Rows, most: int, generator: np.random.Generator) -> Rows:
    if len(rows) <= most:
        return rows
    return np.sort(generator.choice(rows, most, replace=False))


def _acting(agent: Agent, transitions: Transitions, rows: Rows) -> Floats:
    """Logged observations with the agent's actions, as vectors, (M, d)."""
    acts = flat_values(actions_of(agent, transitions, rows), transitions.action_space)
    found = step_vectors(transitions, rows)
    found[:, found.shape[1] - acts.shape[1] :] = acts
    return found


def _rates(fitted: FittedLabels, typical: int, horizon: int) -> NDArray[np.float32]:
    """
    Risk of each step by model, (K, N). As :func:`~sb3_presa.completion.cross_fit.p_safe_of_long`
    has it, risks saturate just beyond the boundary; a step of a stretch that is unsafe counts more,
    the longer the episode is by that.
    """
    risks = fitted.ensemble.risks[fitted.meaning]
    parts = max(1.0, round(horizon / typical))
    if fitted.meaning is SafetyModel.ANY or parts <= 1.0:
        return risks
    transitions, more = fitted.transitions, np.empty_like(risks)
    for start, length in zip(
        transitions.episode_starts.tolist(), transitions.episode_lengths.tolist(), strict=True
    ):
        rows = slice(start, start + length)
        running = np.cumsum(np.pad(risks[:, rows].astype(np.float64), ((0, 0), (1, 0))), axis=1)
        first = np.clip(np.arange(length) - typical // 2, 0, max(length - typical, 0))
        end = np.minimum(first + typical, length)
        rate = (running[:, end] - running[:, first]) / (end - first)
        beyond = sigmoid(-STEEPNESS * (1.0 - rate))
        more[:, rows] = risks[:, rows] + OVERSHOOT * math.log10(parts) * beyond
    return more


def _standardized(rewards: NDArray[np.float32], transitions: Transitions) -> NDArray[np.float32]:
    """Comparisons tell differences of rewards only, in a unit of each model's own: (K, N)."""
    sums = np.add.reduceat(rewards.astype(np.float64), transitions.episode_starts, axis=1)
    means = sums / transitions.episode_lengths
    spread = means.std(axis=1, keepdims=True) + 1e-9
    found: NDArray[np.float32] = (rewards - rewards.mean(axis=1, keepdims=True)) / spread
    return found.astype(np.float32)


def _estimate(by_model: Floats) -> Estimate:
    """Mean and interval of (draws, folds): each fold is left out once, so they are a jackknife."""
    value, error = float(by_model.mean()), _standard_error(by_model)
    return Estimate(value, value - _T * error, value + _T * error)


def _logit_estimate(by_model: Floats) -> Estimate:
    kept = by_model.clip(1e-4, 1.0 - 1e-4)
    found = _estimate(np.log(kept) - np.log1p(-kept))
    value, low, high = sigmoid(np.asarray([found.value, found.low, found.high])).tolist()
    return Estimate(value, low, high)


def _standard_error(by_model: Floats) -> float:
    draws, folds = by_model.shape
    jackknife = (folds - 1) * by_model.mean(axis=0).var()
    between = by_model.mean(axis=1).var(ddof=1) / draws if draws > 1 else 0.0
    return math.sqrt(float(jackknife + between))
