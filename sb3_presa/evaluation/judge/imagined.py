r"""
Imagined episodes: an agent acts in a model of the logged steps, and models of labels judge it.

Of the models the one is taken in which logged actions, replayed from logged starts, come nearest to
the risks of the logged episodes. No model has seen these episodes. What such replays come to also
corrects the level of imagined risks and rewards. Fitted Q-evaluation on neighbours was tried first;
it ranked agents worse on six of seven tasks (``benchmarks/LOG.md``).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sb3_presa.completion.accuracy import FEWEST_RANKED, Accuracy, rank_correlation
from sb3_presa.completion.features import Floats, step_vectors
from sb3_presa.completion.fitting import FittedLabels
from sb3_presa.completion.segment_values import segment_sums
from sb3_presa.evaluation.judge.neighbours import Neighbours, Rows
from sb3_presa.evaluation.judge.observing import Observing
from sb3_presa.evaluation.judge.step_models import StepModel, some, step_models

#: Logged episodes that are replayed, or a fifth of them if they are fewer.
_N_REPLAYS: Final = 64
#: Logged steps by which ends are told.
_N_KNOWN: Final = 24_576
#: A level is corrected by at most this factor.
_MOST: Final = 2.0

#: Takes observations and the number of the step; returns actions as vectors, (E, A).
Acting = Callable[[Any, int], Floats]


@dataclass(frozen=True, eq=False)
class Episodes:
    """
    Imagined episodes.

    :param risks: of each step by model of labels, (K, E, T) float32
    :param rewards: mean reward of a step, (K, E)
    :param lengths: steps until each ends, (E,)
    """

    risks: NDArray[np.float32]
    rewards: Floats
    lengths: Rows

    @property
    def risk(self) -> Floats:
        """:return: mean risk of a step of each, (K, E)"""
        lived = np.arange(self.risks.shape[2]) < self.lengths[:, None]
        return np.asarray((self.risks * lived).sum(axis=2, dtype=np.float64) / self.lengths)


@dataclass(frozen=True, eq=False)
class World:
    """
    A model of what agents run into.

    :param fitted: models of the labels
    :param steps: what follows a step
    :param ended: logged steps, and which of them ended the task; ``None`` where none did
    :param follows: rank correlation of the risks of replayed episodes with those of the logged ones
    :param factor: by which replays fall short of the logged risk
    :param shift: by which they fall short of the logged reward, (K,)
    """

    fitted: FittedLabels
    steps: StepModel
    ended: tuple[Neighbours, NDArray[np.bool_]] | None
    follows: Accuracy
    factor: float = 1.0
    shift: Floats | float = 0.0

    @classmethod
    def learn(
        cls, fitted: FittedLabels, terminated: NDArray[np.bool_], horizon: int, seed: int = 0
    ) -> "World":
        """
        :param fitted: models of the labels; safety labels are among these
        :param terminated: whether the task ended at the end of each episode, (E,)
        :param horizon: T, steps of a full episode
        :param seed: seed of samples and networks
        :return: the model whose replays follow the log best
        """
        transitions = fitted.transitions
        generator = np.random.default_rng([0x57, seed, 1])
        lengths, starts = transitions.episode_lengths, transitions.episode_starts
        n_replays = min(_N_REPLAYS, len(lengths) // 5)
        replayed = np.sort(generator.permutation(len(lengths))[:n_replays])
        learnt = np.ones(len(transitions.actions), dtype=bool)
        for episode in replayed.tolist():
            learnt[starts[episode] : starts[episode] + lengths[episode]] = False
        learnt[starts + lengths - 1] = False  # what follows is not logged
        rows = np.flatnonzero(learnt)
        observing = Observing(transitions)
        ended = _ends(observing, terminated, generator)
        if not len(rows):  # episodes of one step each
            rows = np.zeros(1, dtype=np.int64)
        found = [
            cls(fitted, model, ended, *_replay(fitted, model, replayed, horizon))
            for model in step_models(observing, rows, seed)
        ]
        return max(found, key=lambda world: world.follows.value if world.follows.n else -1.0)

    def imagine(self, act: Acting, rows: Rows, horizon: int) -> Episodes:
        """
        :param act: what acts
        :param rows: rows of the logged states to start from, (E,)
        :param horizon: T, most steps of an episode
        :return: the episodes, with corrected levels
        """
        found = _run(self.fitted, self.steps, self.ended, act, rows, horizon)
        rewards = found.rewards + np.reshape(self.shift, (-1, 1))
        return Episodes(found.risks * np.float32(self.factor), rewards, found.lengths)


def _run(
    fitted: FittedLabels,
    model: StepModel,
    ended: tuple[Neighbours, NDArray[np.bool_]] | None,
    act: Acting,
    rows: Rows,
    horizon: int,
) -> Episodes:
    generator = np.random.default_rng(0x1D)
    n_models = len(fitted.ensemble.risks[fitted.meaning])
    risks = np.zeros((n_models, len(rows), horizon), dtype=np.float32)
    rewards = np.zeros((n_models, len(rows)))
    lengths = np.full(len(rows), horizon, dtype=np.int64)
    goes_on = np.ones(len(rows), dtype=bool)
    state = model.begin(rows)
    for t in range(horizon):
        seen, vectors = model.see(state)
        steps = np.concatenate([vectors, act(seen, t)], axis=1)
        risks[:, :, t], reward = fitted.ensemble.ask(steps, fitted.meaning)
        rewards += reward * goes_on
        if ended is not None:
            chance = ended[1][ended[0].nearest(steps)].mean(axis=1)
            ends = goes_on & (generator.random(len(rows)) < chance)
            lengths[ends] = t + 1
            goes_on &= ~ends
            if not goes_on.any():
                break
        state = model.follow(state, steps, generator)
    return Episodes(risks, rewards / lengths, lengths)


def _replay(
    fitted: FittedLabels, model: StepModel, episodes: Rows, horizon: int
) -> tuple[Accuracy, float, Floats | float]:
    """Agreement of replayed logged actions with the log; correction of risk and of reward."""
    transitions, ensemble = fitted.transitions, fitted.ensemble
    if len(episodes) < FEWEST_RANKED:
        return Accuracy(float("nan"), float("nan"), float("nan"), 0), 1.0, 0.0
    starts = transitions.episode_starts[episodes]
    lengths = np.minimum(transitions.episode_lengths[episodes], horizon)
    observing = Observing(transitions)

    def act(_: Any, t: int) -> Floats:
        return observing.action_vectors(
            transitions.actions[np.minimum(starts + t, starts + lengths - 1)]
        )

    horizon = int(lengths.max())
    imagined = replace(_run(fitted, model, None, act, starts, horizon), lengths=lengths)
    logged = segment_sums(ensemble.risks[fitted.meaning], starts, lengths) / lengths
    risk = imagined.risk
    factor = float(np.clip(logged.mean() / max(risk.mean(), 1e-9), 1.0 / _MOST, _MOST))
    shift: Floats | float = 0.0
    if ensemble.rewards is not None and (lengths == horizon).all():
        of_log = segment_sums(ensemble.rewards, starts, lengths) / lengths
        shift = np.asarray(of_log.mean(axis=1) - imagined.rewards.mean(axis=1))
    return rank_correlation(risk.mean(axis=0), logged.mean(axis=0)), factor, shift


def _ends(
    observing: Observing, terminated: NDArray[np.bool_], generator: np.random.Generator
) -> tuple[Neighbours, NDArray[np.bool_]] | None:
    if not terminated.any():
        return None
    transitions = observing.transitions
    ends = np.zeros(len(transitions.actions), dtype=bool)
    last = transitions.episode_starts + transitions.episode_lengths - 1
    ends[last[terminated]] = True
    rows = some(np.arange(len(ends)), _N_KNOWN, generator)
    steps = step_vectors(transitions, rows)
    return Neighbours.of(steps, observing.action_width), ends[rows]
