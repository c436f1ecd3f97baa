"""Models of the labels of a dataset, and what they say of labels that they have not seen."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from sb3_presa.arguments import Seed, check_arguments, check_default_dtype
from sb3_presa.completion.cross_fit import Ensemble, fit_ensemble
from sb3_presa.completion.features import Floats
from sb3_presa.completion.label_arrays import Labels, Parts
from sb3_presa.completion.label_models import SafetyModel, log_likelihood
from sb3_presa.completion.parts import parts_of
from sb3_presa.data.datasets import DatasetLike
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import FeedbackError
from sb3_presa.feedback.table import Feedback

#: Lengths of labelled segments must differ by this factor to tell the meanings of "safe" apart.
_LENGTHS_DIFFER: Final = 2.0
#: Standard errors by which labels must be likelier under the other meaning.
_CLEAR: Final = 2.0

Meaning = Literal["auto", "rate", "any"]


@dataclass(frozen=True, eq=False)
class FittedLabels:
    """
    An ensemble of models of labels, each of which has not seen a part of them.

    :param feedback: the labels
    :param transitions: what they are on
    :param labels: the same as arrays on the rows of the transitions
    :param parts: which of them each model has not seen
    :param ensemble: what the models believe of every step
    :param meaning: what "safe" was found to mean
    """

    feedback: Feedback
    transitions: Transitions
    labels: Labels
    parts: Parts
    ensemble: Ensemble
    meaning: SafetyModel

    def label_p_safe(self, meaning: SafetyModel) -> Floats:
        """
        :param meaning: what "safe" means
        :return: P(safe) of each labelled segment by models that have not seen its label, (S,)
        """
        return self.ensemble.unseen_p_safe(self.labels, self.parts, meaning)


def fit_labels(
    dataset: DatasetLike | Transitions,
    feedback: str | Feedback = "default",
    *,
    safety_model: Meaning = "auto",
    seed: Seed = 0,
) -> FittedLabels:
    """
    The models that :func:`sb3_presa.completion.complete` asks; its arguments.

    :param dataset: the labelled dataset
    :param feedback: the labels, or the name of the set beside the dataset
    :param safety_model: what "safe" means
    :param seed: seed of the models and of the parts
    :return: the models
    :raises FeedbackError: if there are no labels
    :raises ConfigError: if an argument is out of its range, or PyTorch's default dtype not float32
    """
    check_default_dtype()
    check_arguments(fit_labels, {"safety_model": safety_model, "seed": seed})
    transitions = dataset if isinstance(dataset, Transitions) else load_transitions(dataset)
    if isinstance(feedback, str):
        if isinstance(dataset, Transitions):
            raise FeedbackError("`feedback` must be labels where transitions are given, got a name")
        feedback = Feedback.load(dataset, feedback)
    feedback = feedback.align(transitions) if len(feedback.segments) else feedback
    labels = arrays_of(feedback, transitions)
    has_safety = bool((~np.isnan(labels.p_safe)).any())
    if not has_safety and not len(labels.comparisons):
        raise FeedbackError("`feedback` must hold comparisons or safety labels, got neither")
    generator = np.random.default_rng([0xC0, seed])
    parts = parts_of(labels, len(transitions.episode_ids), generator)
    meanings = _meanings(labels, safety_model) if has_safety else ()
    ensemble = fit_ensemble(transitions, labels, parts, meanings, generator)
    meaning = _likelier(ensemble, labels, parts)
    return FittedLabels(feedback, transitions, labels, parts, ensemble, meaning)


def arrays_of(feedback: Feedback, transitions: Transitions) -> Labels:
    """
    :param feedback: labels
    :param transitions: the data that they are on
    :return: the labels on the rows of these data
    """
    order = np.argsort(transitions.episode_ids)
    position = np.searchsorted(transitions.episode_ids, feedback.segments[:, 0], sorter=order)
    episodes = order[position] if len(order) else position
    return Labels(
        starts=transitions.episode_starts[episodes] + feedback.segments[:, 1],
        lengths=feedback.segments[:, 2].copy(),
        episodes=episodes,
        p_safe=feedback.p_safe.astype(np.float64),
        comparisons=feedback.comparisons,
        preferences=feedback.preferences.astype(np.float64),
    )


def _meanings(labels: Labels, safety_model: str) -> tuple[SafetyModel, ...]:
    if safety_model != "auto":
        return (SafetyModel(safety_model),)
    lengths = labels.lengths[~np.isnan(labels.p_safe)]
    short, long = np.quantile(lengths, (0.1, 0.9))
    return tuple(SafetyModel) if long >= _LENGTHS_DIFFER * short else (SafetyModel.RATE,)


def _likelier(ensemble: Ensemble, labels: Labels, parts: Parts) -> SafetyModel:
    """The rate, unless labels that were not seen are clearly likelier under the other meaning."""
    if len(ensemble.risks) < 2:
        return next(iter(ensemble.risks), SafetyModel.RATE)
    known = ~np.isnan(labels.p_safe)

    def unseen(meaning: SafetyModel) -> Floats:
        chance = ensemble.unseen_p_safe(labels, parts, meaning)[known]
        return log_likelihood(chance, labels.p_safe[known], ensemble.error_rates.safety)

    gain = unseen(SafetyModel.ANY) - unseen(SafetyModel.RATE)
    error = gain.std() / np.sqrt(len(gain))
    return SafetyModel.ANY if gain.mean() > _CLEAR * error else SafetyModel.RATE
