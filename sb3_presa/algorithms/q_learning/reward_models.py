"""A reward and a cost of each transition, learnt from preferences and safety labels."""

from typing import Any

import numpy as np
import torch as th
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.policies import BaseModel
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch.nn import functional as F

from sb3_presa.algorithms.q_learning.ensemble import EnsembleMLP
from sb3_presa.learning.diagnostics import preference_accuracy, safety_auc
from sb3_presa.learning.source import BatchSource, SegmentLabels
from sb3_presa.policies.actor import ObservationStandardizer
from sb3_presa.policies.type_aliases import TensorObs

#: Log-odds at which a segment without any predicted cost is safe: 1 in 400 such are not.
SHARPNESS = 6.0


class OutcomeModels(BaseModel):
    """
    Ensembles of reward models and of cost models. A predicted cost is at least 0 and in units of
    the boundary between safe and unsafe labels: a segment whose steps cost 1 on average lies on it.

    :param observation_space: observation space
    :param action_space: action space
    :param n_models: M, members of each ensemble; they differ in their initial weights
    :param net_arch: hidden layers of each
    :param clip_obs: standardised observations are cut here, in standard deviations
    :param features_extractor_class: as in every SB3 policy; one is shared by all members
    :param features_extractor_kwargs: as in every SB3 policy
    :param normalize_images: divide images by 255
    """

    reward_mean: th.Tensor
    reward_std: th.Tensor
    boundary: th.Tensor

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        n_models: int,
        net_arch: list[int],
        clip_obs: float,
        features_extractor_class: type[BaseFeaturesExtractor],
        features_extractor_kwargs: dict[str, Any],
        normalize_images: bool,
    ) -> None:
        super().__init__(
            observation_space,
            action_space,
            features_extractor_class=features_extractor_class,
            features_extractor_kwargs=features_extractor_kwargs,
            normalize_images=normalize_images,
        )
        self.n_models = n_models
        self.standardizer = ObservationStandardizer(observation_space, clip_obs)
        self.features_extractor: BaseFeaturesExtractor = self.make_features_extractor()
        n_inputs = self.features_extractor.features_dim + spaces.flatdim(action_space)
        self.networks = EnsembleMLP(2 * n_models, n_inputs, net_arch)
        self.register_buffer("reward_mean", th.zeros(()))
        self.register_buffer("reward_std", th.ones(()))
        self.register_buffer("boundary", th.ones(()))

    def forward(self, observations: TensorObs, actions: th.Tensor) -> tuple[th.Tensor, th.Tensor]:
        """
        :param observations: raw observations, (N, ...), or a dict of them
        :param actions: actions in the policy's scale, (N, A)
        :return: rewards and costs as the members have them, not calibrated, (M, N) each
        """
        features = self.extract_features(self.standardizer(observations), self.features_extractor)
        rewards, costs = self.networks(th.cat([features, actions.float()], -1)).split(self.n_models)
        return rewards, F.softplus(costs)

    @th.no_grad()
    def mean_outcomes(self, source: BatchSource, chunk: int = 16384) -> th.Tensor:
        """
        :param source: the data
        :param chunk: transitions at a time
        :return: the ensembles' means for every transition, not calibrated, (2, N)
        """
        rows = th.arange(source.n_transitions, device=source.device)
        parts = []
        for part in rows.split(chunk):
            outcomes = self(*source.gather(part))
            parts.append(th.stack([member.mean(0) for member in outcomes]))
        return th.cat(parts, dim=1)

    @th.no_grad()
    def calibrate(self, outcomes: th.Tensor, labels: SegmentLabels) -> None:
        """
        Sets the units: rewards of mean 0 and deviation 1, and costs of 1 on the boundary.

        :param outcomes: what :meth:`mean_outcomes` gives for all transitions, (2, N)
        :param labels: labels to find the boundary from
        """
        self.reward_mean.copy_(outcomes[0].mean())
        self.reward_std.copy_(outcomes[0].std(correction=0).clamp_min(1e-6))
        rates = segment_means(outcomes[1], labels).cpu().numpy()
        self.boundary.fill_(decision_boundary(rates, labels.p_safe.double().cpu().numpy()))

    def relabel(self, outcomes: th.Tensor) -> th.Tensor:
        """
        :param outcomes: what :meth:`mean_outcomes` gives, (2, N)
        :return: the same in the units that :meth:`calibrate` set, (2, N)
        """
        rewards = (outcomes[0] - self.reward_mean) / self.reward_std
        return th.stack([rewards, outcomes[1] / self.boundary])


def reward_loss(returns: th.Tensor, preferences: th.Tensor) -> th.Tensor:
    """
    The Bradley-Terry loss: the better segment has the higher return.

    :param returns: of the two segments of each pair by member, (M, B, 2)
    :param preferences: probability that the first is preferred, (B,), NaN if none
    :return: scalar, summed over members
    """
    known = ~preferences.isnan()
    targets = preferences.nan_to_num(0.5).expand(returns.shape[:-1])
    losses = F.binary_cross_entropy_with_logits(
        returns[..., 0] - returns[..., 1], targets, reduction="none"
    )
    return (losses * known).sum() / known.sum().clamp_min(1)


def cost_loss(rates: th.Tensor, p_safe: th.Tensor) -> th.Tensor:
    """
    The loss of safety labels: a segment is safe while its steps cost less than 1 on average.

    :param rates: mean cost of a step of each segment by member, (M, ...)
    :param p_safe: probability that the segment is safe, (...), NaN if not labelled
    :return: scalar, summed over members
    """
    known = ~p_safe.isnan()
    targets = p_safe.nan_to_num(0.5).expand(rates.shape)
    losses = F.binary_cross_entropy_with_logits(
        SHARPNESS * (1.0 - rates), targets, reduction="none"
    )
    return (losses * known).sum() / known.sum().clamp_min(1)


def decision_boundary(rates: NDArray[np.float64], p_safe: NDArray[np.float64]) -> float:
    """
    The mean cost of a step that tells safe segments from unsafe ones with the fewest errors: of
    all values halfway between two segments that do, the mean.

    :param rates: predicted mean cost of a step of each segment, (S,)
    :param p_safe: probability that it is safe, (S,), NaN if not labelled
    :return: the boundary, above 0; 1 where only one kind of label is there
    """
    labelled = ~np.isnan(p_safe)
    order = np.argsort(rates[labelled], kind="stable")
    rates, safe = rates[labelled][order], p_safe[labelled][order]
    if len(rates) == 0 or (safe > 0.5).all() or (safe < 0.5).all():
        return 1.0
    errors = np.cumsum(1.0 - safe)[:-1] + np.cumsum(safe[::-1])[-2::-1]
    halfway = 0.5 * (rates[:-1] + rates[1:])
    return float(max(halfway[errors <= errors.min() + 1e-9].mean(), 1e-6))


def segment_means(values: th.Tensor, labels: SegmentLabels) -> th.Tensor:
    """
    :param values: one number a transition, (N,)
    :param labels: segments of them
    :return: mean over each segment, (S,) float64
    """
    running = F.pad(values.double().cumsum(0), (1, 0))
    lengths = labels.lengths.long()
    return (running[labels.starts + lengths] - running[labels.starts]) / lengths


def held_out_metrics(relabelled: th.Tensor, labels: SegmentLabels) -> dict[str, float]:
    """
    The agreement of predicted outcomes with labels that the models have not seen.

    :param relabelled: calibrated rewards and costs of every transition, (2, N)
    :param labels: the labels
    :return: ``preference_accuracy``, ``safety_accuracy`` (at the boundary) and ``safety_auc``;
        kinds without labels are left out
    """
    rewards, rates = (segment_means(values, labels) for values in relabelled)
    returns = rewards * labels.lengths
    kinds = labels.p_safe[~labels.p_safe.isnan() & (labels.p_safe != 0.5)] > 0.5
    called = rates[~labels.p_safe.isnan() & (labels.p_safe != 0.5)] <= 1.0
    metrics = {
        "preference_accuracy": preference_accuracy(returns[labels.pairs], labels.preferences),
        "safety_accuracy": float((called == kinds).float().mean()) if len(kinds) else None,
        "safety_auc": safety_auc(-rates, labels.p_safe),
    }
    return {name: value for name, value in metrics.items() if value is not None}
