"""The learnt risk of single steps, cheap enough to be asked while an agent acts."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_presa.completion.accuracy import Accuracy, balanced_share_right
from sb3_presa.completion.cross_fit import Ensemble, chunks, likeliest_risks
from sb3_presa.completion.features import CUT, Floats, StepFeatures
from sb3_presa.completion.fitting import arrays_of
from sb3_presa.completion.label_models import SafetyModel, risk_of
from sb3_presa.completion.parts import parts_of
from sb3_presa.completion.sampling import sample_steps
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import FeedbackError
from sb3_presa.feedback.table import Feedback

_N_FEATURES: Final = 128
_BANDWIDTH: Final = 4.0
_CUT: Final = np.float32(CUT)
_ZERO: Final = np.float32(0.0)

Singles = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class StepRisk:
    """
    The mean of the safety models of label completion, each of which has not seen a quarter of the
    labels. A risk of 1 is the boundary between steps of safe segments and of unsafe ones.

    Inputs are standardised steps with a 1 behind them, so that biases are weights, too.

    :param projection: of the inputs, (d + 1, D)
    :param of_projected: weights of the rectified projections, (D,)
    :param of_inputs: weights of the inputs themselves, (d + 1,)
    """

    projection: Singles
    of_projected: Singles
    of_inputs: Singles

    @staticmethod
    def fit(transitions: Transitions, feedback: Feedback, seed: int = 0) -> "LearntRisk":
        """
        :param transitions: the data
        :param feedback: safety labels on them
        :param seed: seed of features and folds
        :return: the model and what it was learnt from
        :raises FeedbackError: without safety labels
        """
        labels = arrays_of(feedback.align(transitions), transitions)
        known = ~np.isnan(labels.p_safe)
        if not known.any():
            raise FeedbackError("`feedback` must hold safety labels to learn a risk, got none")
        generator = np.random.default_rng([0xD1, seed])
        parts = parts_of(labels, len(transitions.episode_ids), generator)
        features = StepFeatures.draw(transitions, _N_FEATURES, False, _BANDWIDTH, generator)
        sampled = sample_steps(labels, generator)
        values, meaning = features.at(sampled.rows), SafetyModel.RATE
        _, found = likeliest_risks(values, sampled, labels, parts, meaning)
        risks = np.concatenate(
            [
                risk_of(features.at(rows), found).T.numpy()
                for rows in chunks(len(transitions.actions))
            ],
            axis=1,
        )
        chance = Ensemble(None, {meaning: risks}).unseen_p_safe(labels, parts, meaning)
        known &= ~np.isnan(chance)
        accuracy = balanced_share_right(chance[known], labels.p_safe[known])
        parameters = found.mean(dim=1).double().numpy()
        doubted = known & ((chance > 0.5) != (labels.p_safe > 0.5))
        model = _folded(features, parameters)
        return LearntRisk(model, features.mean, features.scale, accuracy, doubted)

    def logits(self, inputs: Singles) -> Singles:
        """
        :param inputs: standardised steps with a 1 behind each, (..., d + 1)
        :return: the softplus of these is the risk of each, (...)
        """
        cut = np.minimum(np.maximum(inputs, -_CUT), _CUT)
        projected = cut @ self.projection
        np.maximum(projected, _ZERO, out=projected)
        return np.asarray(projected @ self.of_projected + cut @ self.of_inputs)


class LearntRisk(NamedTuple):
    """A model of safety labels, and what it was learnt from."""

    model: StepRisk
    mean: Floats  #: of a step, (d,)
    scale: Floats  #: 1 over its deviation, (d,)
    accuracy: Accuracy  #: on safety labels that models have not seen
    doubted: NDArray[np.bool_]  #: labels that models which have not seen them contradict, (S,)


def _folded(features: StepFeatures, parameters: Floats) -> StepRisk:
    """Folds the centring and scaling of the features into the weights."""
    weights = parameters[:-1] / features.spread
    bias = parameters[-1] - features.center @ weights
    projection = np.where(features.scale[:, None] > 0.0, features.projection, 0.0)
    of_inputs = np.where(features.scale > 0.0, weights[_N_FEATURES:], 0.0)
    return StepRisk(
        projection=np.vstack([projection, features.offset]).astype(np.float32),
        of_projected=weights[:_N_FEATURES].astype(np.float32),
        of_inputs=np.append(of_inputs, bias).astype(np.float32),
    )
