"""The networks of batch-constrained Q-learning, as an SB3 policy."""

import math
from typing import Annotated, Any

import torch as th
from gymnasium import spaces
from stable_baselines3.common.policies import BaseModel
from stable_baselines3.common.torch_layers import (
    BaseFeaturesExtractor,
    NatureCNN,
    create_mlp,
)
from stable_baselines3.common.type_aliases import Schedule
from torch import nn

from sb3_presa.algorithms.q_learning.bcq_losses import lagrangian_score
from sb3_presa.algorithms.q_learning.ensemble import EnsembleMLP
from sb3_presa.arguments import Bound, Count, Interval, NonNegative, checking_arguments
from sb3_presa.errors import ConfigError
from sb3_presa.policies.actor import DEFAULT_CLIP_OBS, ObservationStandardizer
from sb3_presa.policies.extractors import AnyKeyCombinedExtractor
from sb3_presa.policies.policy import OfflinePolicy
from sb3_presa.policies.type_aliases import TensorObs

#: Codes are cut here when actions are generated, as published: the middle of the prior only.
_MAX_CODE = 0.5
_LOG_STD_RANGE = (-4.0, 15.0)


class ActionVAE(nn.Module):
    """
    Generates actions like those of the data: a conditional variational autoencoder.

    :param features_dim: F
    :param action_dim: A; a code has twice as many numbers
    :param net_arch: widths of the hidden layers, of the encoder and of the decoder
    """

    def __init__(self, features_dim: int, action_dim: int, net_arch: list[int]) -> None:
        super().__init__()
        self.code_dim = 2 * action_dim
        self.encoder = nn.Sequential(
            *create_mlp(features_dim + action_dim, 2 * self.code_dim, net_arch)
        )
        self.decoder = nn.Sequential(
            *create_mlp(features_dim + self.code_dim, action_dim, net_arch, squash_output=True)
        )

    def encode(self, features: th.Tensor, actions: th.Tensor) -> tuple[th.Tensor, th.Tensor]:
        """
        :param features: (N, F)
        :param actions: (N, A)
        :return: means and logarithms of the standard deviations of the code, (N, 2A) each
        """
        mean, log_std = self.encoder(th.cat([features, actions], -1)).float().chunk(2, -1)
        return mean, log_std.clamp(*_LOG_STD_RANGE)

    def decode(self, features: th.Tensor, codes: th.Tensor) -> th.Tensor:
        """
        :param features: (N, F)
        :param codes: (N, 2A)
        :return: actions, (N, A)
        """
        actions: th.Tensor = self.decoder(th.cat([features, codes], -1)).float()
        return actions


class PerturbationHead(nn.Module):
    """
    Moves actions by at most ``max_perturbation`` in each dimension.

    :param features_dim: width of the layer before
    :param action_dim: A
    :param max_perturbation: in half action ranges
    """

    def __init__(self, features_dim: int, action_dim: int, max_perturbation: float) -> None:
        super().__init__()
        self.mean = nn.Linear(features_dim, action_dim)
        self.max_perturbation = max_perturbation

    def forward(self, hidden: th.Tensor, actions: th.Tensor) -> th.Tensor:
        """
        :param hidden: output of the layer before, (N, H)
        :param actions: (N, A)
        :return: the actions, moved, (N, A)
        """
        move = self.max_perturbation * th.tanh(self.mean(hidden).float())
        return (actions + move).clamp(-1.0, 1.0)


class BCQNetworks(BaseModel):
    """
    All that is trained: features, the generator of actions, the perturbation (``mlp`` and
    ``head``), and two critics each of rewards and of costs.

    :param observation_space: observation space
    :param action_space: a bounded ``Box``
    :param net_arch: hidden layers of the perturbation and of the critics
    :param vae_arch: hidden layers of the generator
    :param activation_fn: activation of the perturbation; the others have ReLU
    :param max_perturbation: how far the perturbation moves an action, in half action ranges
    :param clip_obs: standardised observations are cut here, in standard deviations
    :param features_extractor_class: as in every SB3 policy
    :param features_extractor_kwargs: as in every SB3 policy
    :param normalize_images: divide images by 255
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Box,
        net_arch: list[int],
        vae_arch: list[int],
        activation_fn: type[nn.Module],
        max_perturbation: float,
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
        self.standardizer = ObservationStandardizer(observation_space, clip_obs)
        self.features_extractor: BaseFeaturesExtractor = self.make_features_extractor()
        n_features, n_actions = self.features_extractor.features_dim, math.prod(action_space.shape)
        n_inputs = n_features + n_actions
        self.vae = ActionVAE(n_features, n_actions, vae_arch)
        self.mlp = nn.Sequential(*create_mlp(n_inputs, -1, net_arch, activation_fn))
        last_dim = net_arch[-1] if net_arch else n_inputs
        self.head = PerturbationHead(last_dim, n_actions, max_perturbation)
        self.critics = EnsembleMLP(4, n_inputs, net_arch)

    def features(self, observations: TensorObs) -> th.Tensor:
        """
        :param observations: raw observations, (N, ...), or a dict of them
        :return: (N, F)
        """
        return self.extract_features(self.standardizer(observations), self.features_extractor)

    def perturb(self, features: th.Tensor, actions: th.Tensor) -> th.Tensor:
        """
        :param features: (N, F)
        :param actions: (N, A)
        :return: the actions that the policy makes of them, (N, A)
        """
        moved: th.Tensor = self.head(self.mlp(th.cat([features, actions], -1)), actions)
        return moved

    def values(self, features: th.Tensor, actions: th.Tensor, frozen: bool = False) -> th.Tensor:
        """
        :param features: (N, F)
        :param actions: (N, A)
        :param frozen: let gradients reach the actions only
        :return: values of rewards and of costs by critic, (2, 2, N)
        """
        values: th.Tensor = self.critics(th.cat([features, actions], -1), frozen)
        return values.view(2, 2, -1)


class BCQPolicy(OfflinePolicy):
    """
    ``actor`` holds the trained networks, which also act; ``actor_average`` the target networks.
    An action is the best, by the critics and the multiplier, of ``n_candidates`` actions that
    the generator makes from random codes and the perturbation moves. With
    ``deterministic=True`` the codes are a fixed table, the same for every observation, drawn
    when the policy is made and saved with it: the same observation has the same action.

    :param observation_space: observation space
    :param action_space: a bounded ``Box``
    :param lr_schedule: learning-rate schedule, function of the remaining progress
    :param net_arch: hidden layers of the perturbation and of the critics, two of 256 by default
    :param vae_arch: hidden layers of the generator; by default ``net_arch``, or two of 400 where
        that is not given either
    :param activation_fn: activation of the perturbation; the others have ReLU
    :param max_perturbation: how far the perturbation moves an action, in half action ranges
    :param n_candidates: candidates to choose an action from; 1 acts on the generator's draw, as
        OSRL does
    :param clip_obs: standardised observations are cut here, as in :class:`OfflinePolicy`
    :param features_extractor_class: features extractor to use, the policy's own where ``None``;
        what it learns comes from the generator's and the critics' losses
    :param features_extractor_kwargs: its keyword arguments
    :param normalize_images: divide images by 255
    :param optimizer_class: ``th.optim.Adam`` by default
    :param optimizer_kwargs: its keyword arguments, without the learning rate
    :param action_quantile: what ``Box`` actions are scaled by, as in :class:`OfflinePolicy`
    :param check_finite: whether ``predict`` raises an error for observations and actions that are
        not finite
    :raises ConfigError: for an argument out of its range, and for discrete actions
    """

    actor: BCQNetworks  # type: ignore[assignment]  # another network in the same place
    actor_average: BCQNetworks  # type: ignore[assignment]
    codes: th.Tensor
    multiplier: th.Tensor

    @checking_arguments
    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        net_arch: list[int] | None = None,
        vae_arch: list[int] | None = None,
        activation_fn: type[nn.Module] = nn.Tanh,
        max_perturbation: NonNegative = 0.05,
        n_candidates: Count = 10,
        clip_obs: Bound = DEFAULT_CLIP_OBS,
        features_extractor_class: type[BaseFeaturesExtractor] | None = None,
        features_extractor_kwargs: dict[str, Any] | None = None,
        normalize_images: bool = True,
        optimizer_class: type[th.optim.Optimizer] = th.optim.Adam,
        optimizer_kwargs: dict[str, Any] | None = None,
        action_quantile: Annotated[float, Interval(0.0, 0.5, "low")] | None = None,
        check_finite: bool = True,
    ) -> None:
        if not isinstance(action_space, spaces.Box):
            raise ConfigError(
                "the action space must be Box for batch-constrained Q-learning, which perturbs "
                f"actions, got {action_space}"
            )
        if vae_arch is None:
            vae_arch = [400, 400] if net_arch is None else net_arch
        self.vae_arch = vae_arch  # before the networks are made, which super() does
        self.max_perturbation = max_perturbation
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            net_arch=[256, 256] if net_arch is None else net_arch,
            activation_fn=activation_fn,
            clip_obs=clip_obs,
            features_extractor_class=features_extractor_class,
            features_extractor_kwargs=features_extractor_kwargs,
            normalize_images=normalize_images,
            optimizer_class=optimizer_class,
            optimizer_kwargs=optimizer_kwargs,
            action_quantile=action_quantile,
            check_finite=check_finite,
        )
        del self.actor_reference  # nothing is measured against a clone here
        self.n_candidates = n_candidates
        code_dim = self.actor.vae.code_dim
        self.register_buffer("codes", draw_codes((n_candidates, code_dim), self.device, None))
        self.register_buffer("multiplier", th.zeros(()))

    def make_actor(self) -> BCQNetworks:  # type: ignore[override]
        assert isinstance(self.action_space, spaces.Box)
        return BCQNetworks(
            self.observation_space,
            self.action_space,
            net_arch=self.net_arch,
            vae_arch=self.vae_arch,
            activation_fn=self.activation_fn,
            max_perturbation=self.max_perturbation,
            clip_obs=self.clip_obs,
            features_extractor_class=self.features_extractor_class,
            features_extractor_kwargs=self.features_extractor_kwargs,
            normalize_images=self.normalize_images,
        )

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data = super()._get_constructor_parameters()
        for other in ("action_std", "dropout", "adjustable"):
            del data[other]
        return data | {
            "vae_arch": self.vae_arch,
            "max_perturbation": self.max_perturbation,
            "n_candidates": self.n_candidates,
        }

    @property
    def chooses(self) -> bool:
        return self.n_candidates > 1

    def fit_statistics(self, observations: TensorObs, actions: th.Tensor) -> None:
        del actions
        for networks in (self.actor, self.actor_average):
            networks.standardizer.fit(observations)

    def _predict(self, observation: Any, deterministic: bool = False) -> th.Tensor:
        features, n_candidates = self.actor.features(observation), self.n_candidates
        repeated = features.repeat_interleave(n_candidates, 0)
        if deterministic:
            # No size is named: an exported graph would have it for ever
            each = th.zeros_like(features[:, :1]).unsqueeze(1)
            codes = (self.codes + each).flatten(0, 1)
        else:
            codes = draw_codes((len(repeated), self.codes.shape[-1]), features.device, None)
        actions = self.actor.perturb(repeated, self.actor.vae.decode(repeated, codes))
        if n_candidates == 1:
            return actions
        score = lagrangian_score(self.actor.values(repeated, actions), self.multiplier)
        best = score.view(-1, n_candidates).argmax(-1)
        candidates = actions.view(-1, n_candidates, actions.shape[-1])
        place = best.view(-1, 1, 1).expand(-1, 1, actions.shape[-1])
        return candidates.gather(1, place).squeeze(1)


class BCQCnnPolicy(BCQPolicy):
    """:class:`BCQPolicy` for image observations: ``NatureCNN`` extracts the features."""

    default_features_extractor_class = NatureCNN


class BCQMultiInputPolicy(BCQPolicy):
    """:class:`BCQPolicy` for Dict observations, whose features are joined."""

    default_features_extractor_class = AnyKeyCombinedExtractor


def draw_codes(
    shape: tuple[int, ...], device: th.device, generator: th.Generator | None
) -> th.Tensor:
    """
    :param shape: shape of the codes
    :param device: where to draw them
    :param generator: source of randomness, ``None`` for PyTorch's own
    :return: normal numbers, cut at 0.5 on both sides
    """
    codes = th.randn(shape, dtype=th.float32, device=device, generator=generator)
    return codes.clamp_(-_MAX_CODE, _MAX_CODE)
