"""Expected outcomes of an agent's episodes, by the models of labels."""

import math
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sb3_presa.completion.features import Floats
from sb3_presa.completion.label_models import SafetyModel, sigmoid
from sb3_presa.completion.parts import N_FOLDS
from sb3_presa.completion.segment_values import p_safe_of_long
from sb3_presa.evaluation.judge.actions import Agent, actions_in
from sb3_presa.evaluation.judge.imagined import Episodes, World
from sb3_presa.evaluation.judge.neighbours import Rows
from sb3_presa.evaluation.judge.observing import Observing
from sb3_presa.evaluation.judge.step_models import some

#: Imagined episodes, and logged moments from which the agent goes on.
_N_EPISODES: Final = 128
_N_MOMENTS: Final = 256
#: Student's t at 97.5% with three degrees of freedom: there are four folds.
T_975: Final = 3.182446305284263


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
    rows: Rows = field(repr=False)
    acts: NDArray[Any] = field(repr=False)
    ahead: Floats = field(repr=False)


def outlook(agent: Agent, world: World, horizon: int, of_log: float) -> Outlook:
    """
    :param agent: an agent
    :param world: a model of what it runs into
    :param horizon: T, steps of a full episode
    :param of_log: share of the logged episodes that are safe
    :return: what its imagined episodes come to under each model of labels
    """
    fitted = world.fitted
    transitions, labels, rewards = fitted.transitions, fitted.labels, fitted.ensemble.rewards
    observing = Observing(transitions)
    generator = np.random.default_rng(0x1D)
    starts = some(transitions.episode_starts, _N_EPISODES, generator)
    moments = some(np.arange(len(transitions.actions)), _N_MOMENTS, generator)
    typical = max(1, int(np.median(labels.lengths[~np.isnan(labels.p_safe)])))

    def act(observations: Any, _: int) -> Floats:
        return observing.action_vectors(actions_in(agent, observations, transitions))

    episodes = world.imagine(act, starts, horizon)
    merit = None
    if rewards is not None:
        sums = np.add.reduceat(rewards.astype(np.float64), transitions.episode_starts, axis=1)
        spread = (sums / transitions.episode_lengths).std(axis=1) + 1e-9
        over = (episodes.rewards.mean(axis=1) - rewards.mean(axis=1, dtype=np.float64)) / spread
        merit = _estimate(over.reshape(-1, N_FOLDS))
    clips = world.imagine(act, moments, typical)
    risk = _estimate(episodes.risk.mean(axis=1).reshape(-1, N_FOLDS))
    return Outlook(
        risk=replace(risk, low=max(risk.low, 0.0)),
        p_safe=_share(episodes, world, typical),
        of_log=of_log,
        merit=merit,
        rows=moments,
        acts=actions_in(agent, observing.at(moments), transitions),
        ahead=clips.risk.mean(axis=0),
    )


def _p_safe(episodes: Episodes, meaning: SafetyModel, typical: int) -> Floats:
    """P(safe) of each episode by model, (K, E), as that of a logged episode."""
    n_models, n_episodes, horizon = episodes.risks.shape
    if meaning is SafetyModel.ANY:
        return np.asarray(np.exp(-episodes.risk * episodes.lengths))
    risks = episodes.risks.reshape(n_models, n_episodes * horizon)
    starts = np.arange(n_episodes) * horizon
    return p_safe_of_long(risks, starts, episodes.lengths, typical)


def _share(episodes: Episodes, world: World, typical: int) -> Estimate:
    """
    Share of the episodes that are safe. Its log-odds are uncertain by the labels, by the number of
    episodes, and by what replays fell short of: the correction may not hold for the agent.
    """
    meaning, factor = world.fitted.meaning, np.float32(world.factor)
    shares = _p_safe(episodes, meaning, typical).mean(axis=1)
    uncorrected = _p_safe(replace(episodes, risks=episodes.risks / factor), meaning, typical)
    n_episodes = len(episodes.lengths)
    # With half an episode of each kind added: where all are alike, something is still unknown
    expected = (n_episodes * shares.mean() + 0.5) / (n_episodes + 1)
    sampling = 1.0 / ((n_episodes + 1) * expected * (1.0 - expected))
    correction = float(_log_odds(shares.mean()) - _log_odds(uncorrected.mean()))
    found = _estimate(_log_odds(shares).reshape(-1, N_FOLDS), sampling + correction**2)
    value, low, high = sigmoid(np.asarray([found.value, found.low, found.high])).tolist()
    return Estimate(value, low, high)


def _log_odds(share: Floats) -> Floats:
    kept = np.clip(share, 1e-4, 1.0 - 1e-4)
    return np.asarray(np.log(kept) - np.log1p(-kept))


def _estimate(by_model: Floats, further: float = 0.0) -> Estimate:
    """
    Mean and interval of (draws, folds): each fold is left out once, so they are a jackknife.

    :param by_model: an estimate by each model of labels
    :param further: variance beside that of the labels
    """
    value = float(by_model.mean())
    error = math.sqrt(_standard_error(by_model) ** 2 + further)
    return Estimate(value, value - T_975 * error, value + T_975 * error)


def _standard_error(by_model: Floats) -> float:
    draws, folds = by_model.shape
    jackknife = (folds - 1) * by_model.mean(axis=0).var()
    between = by_model.mean(axis=1).var(ddof=1) / draws if draws > 1 else 0.0
    return math.sqrt(float(jackknife + between))
