"""The network that acts: from raw observations to a distribution over actions."""

import math
from abc import ABC, abstractmethod
from typing import Any, cast

import torch as th
from gymnasium import spaces
from stable_baselines3.common.policies import BaseModel
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, create_mlp
from torch import nn
from torch.nn import functional as F

from sb3_presa.data.checks import CONSTANT_ROUNDINGS, LEAST_RANGE
from sb3_presa.data.spaces import check_action_space
from sb3_presa.policies.dropout import SeededDropout
from sb3_presa.policies.type_aliases import TensorObs

#: Key of the statistics of a plain (not Dict) observation.
_PLAIN = "observation"
#: Clipping range of standardised observations, as in ``VecNormalize``.
DEFAULT_CLIP_OBS = 10.0
#: Clipping range of nearly constant coordinates. At 3, clones on MetaDrive's lidar still leave the
#: road (docs/algorithm.md).
_RARE_CLIP_OBS = 2.0
#: Nearly constant coordinates exceed that range in less than this share of the data; a normal
#: distribution does in 4.6%.
_RARE_SHARE = 0.005
#: Numbers that are farther apart may stand for something that varies.
_COARSE = 1e-3
#: Logged actions at a bound would push a tanh mean to infinity.
_ACTION_MARGIN = 1e-5
#: A dimension of actions is narrow if its spread is below this share of the widest one's. A
#: point's throttle has 0.12 of steering's. Steering has 0.22 of speed's on MetaDrive, and is not.
_NARROW_SPREAD = 0.15
#: Narrower ones are not told apart: what is left may be rounding.
_LEAST_SPREAD = 0.01


class ObservationStandardizer(nn.Module):
    """
    Standardises ``Box`` observations other than images with the dataset's mean and deviation.
    The statistics are buffers: they are saved with the policy, and ``predict`` takes raw
    observations. The mean is taken off before anything is rounded, so that small differences of
    large numbers, such as coordinates on a map or times, are kept.

    Some coordinates, such as lidar, are nearly constant but sometimes exceed ``clip_obs``. They are
    clipped at 2 deviations if the data exceed these in less than one step of 200. The deviation of
    such a coordinate does not measure its scale, and networks extrapolate badly to values that they
    hardly saw. After clipping, all rare values look the same.

    :param observation_space: the space whose ``Box`` parts are standardised
    :param clip_obs: clipping range of standardised observations, in standard deviations
    """

    def __init__(
        self, observation_space: spaces.Space[Any], clip_obs: float = DEFAULT_CLIP_OBS
    ) -> None:
        super().__init__()
        self.clip_obs = clip_obs
        #: flat indices of the coordinates that were constant in the data of :meth:`fit`, by key
        #: (``""`` for observations that are not a Dict); empty lists are left out
        self.constant: dict[str, list[int]] = {}
        #: those of them that may vary by less than the type of the data can hold
        self.unresolved: dict[str, list[int]] = {}
        vectors = {key: space for key, space in _parts(observation_space) if _is_vector(space)}
        # Buffers by number: a key may hold what no buffer's name can, as "observation.state" does
        self.keys = {key: number for number, key in enumerate(vectors)}
        for key, space in vectors.items():
            assert space.shape is not None
            mean = th.zeros(space.shape, dtype=th.double)
            self.register_buffer(f"mean_{self.keys[key]}", mean)
            self.register_buffer(f"std_{self.keys[key]}", th.ones(space.shape))
            self.register_buffer(f"clip_{self.keys[key]}", th.full(space.shape, clip_obs))
            # The mean in two parts of float32, and the lower bound: made of the statistics
            for name in ("high", "low", "least"):
                derived = th.zeros(space.shape)
                self.register_buffer(f"{name}_{self.keys[key]}", derived, persistent=False)
        self._derive()

    def fit(self, observations: TensorObs) -> None:
        """
        Computes the statistics of a dataset. A constant coordinate keeps its scale: one whose range
        is a few roundings of its values, in the type that they have.

        :param observations: all observations, (N, ...), or a dict of them
        """
        self.constant, self.unresolved = {}, {}
        for key, number in self.keys.items():
            values = observations[key] if isinstance(observations, dict) else observations
            rounding = th.finfo(values.dtype).eps if values.is_floating_point() else 0.0
            values = values.double()
            mean, std = values.mean(0), values.std(0, correction=0)
            constant, unresolved = _constant(values, rounding)
            std = th.where(constant, 1.0, std)
            for found, which in ((self.constant, constant), (self.unresolved, unresolved)):
                if which.any():
                    name = key if isinstance(observations, dict) else ""
                    found[name] = which.flatten().nonzero().flatten().tolist()
            rare_clip = min(_RARE_CLIP_OBS, self.clip_obs)
            clip = th.where(self._is_rare(values, mean, std), rare_clip, self.clip_obs)
            for name, statistic in (("mean", mean), ("std", std), ("clip", clip)):
                getattr(self, f"{name}_{number}").copy_(statistic)
        self._derive()

    def _derive(self) -> None:
        """Derives buffers from the statistics, once instead of at each ``forward``."""
        for number in self.keys.values():
            mean, clip = getattr(self, f"mean_{number}"), getattr(self, f"clip_{number}")
            high = mean.float()
            for name, value in (("high", high), ("low", mean - high), ("least", -clip)):
                getattr(self, f"{name}_{number}").copy_(value)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._derive()

    def _is_rare(self, values: th.Tensor, mean: th.Tensor, std: th.Tensor) -> th.Tensor:
        farthest = th.maximum(values.amax(0) - mean, mean - values.amin(0)) / std
        far = (values - mean).abs_() > _RARE_CLIP_OBS * std
        return (farthest > self.clip_obs) & (far.double().mean(0) < _RARE_SHARE)

    def forward(self, observations: TensorObs) -> TensorObs:
        """
        :param observations: raw observations, (N, ...), or a dict of them
        :return: the same, with vectors standardised
        """
        if isinstance(observations, dict):
            return {
                key: self._standardize(key, value) if key in self.keys else value
                for key, value in observations.items()
            }
        return self._standardize(_PLAIN, observations) if self.keys else observations

    def _standardize(self, key: str, value: th.Tensor) -> th.Tensor:
        number, of = self.keys[key], cast(dict[str, th.Tensor], self._buffers)
        if value.dtype == th.bool:  # has no difference; as the numbers 0 and 1 would be
            value = value.float()
        if value.dtype == th.float32:
            # As exact as in float64, which would take twice the time: the mean in two parts
            distance = value - of[f"high_{number}"] - of[f"low_{number}"]
        else:
            distance = (value.double() - of[f"mean_{number}"]).float()
        standard = distance / of[f"std_{number}"]
        return standard.clamp(of[f"least_{number}"], of[f"clip_{number}"])


def _constant(values: th.Tensor, rounding: float) -> tuple[th.Tensor, th.Tensor]:
    """Coordinates of float64 values, (N, ...), that hold nothing but rounding; and those of them
    that vary nevertheless, or would if numbers of their size were not so far apart."""
    low, high = values.amin(0), values.amax(0)
    resolution = rounding * th.maximum(low.abs(), high.abs())
    constant = high - low <= (CONSTANT_ROUNDINGS * resolution).clamp_min(LEAST_RANGE)
    return constant, constant & ((high > low) | (resolution > _COARSE))


def _parts(space: spaces.Space[Any]) -> list[tuple[str, spaces.Space[Any]]]:
    return list(space.spaces.items()) if isinstance(space, spaces.Dict) else [(_PLAIN, space)]


def _is_vector(space: spaces.Space[Any]) -> bool:
    return isinstance(space, spaces.Box) and not is_image_space(space)


class ActionHead(nn.Module, ABC):
    """
    The last layer of an actor. Actions are in the policy's own scale: [-1, 1] for ``Box``,
    integers from 0 for ``Discrete`` and ``MultiDiscrete``, always of shape (N, A).
    """

    def fit(self, actions: th.Tensor) -> None:
        """
        Takes from the data what the head is to know of them, if anything.

        :param actions: all logged actions, (N, A), N at least 1
        """

    @abstractmethod
    def log_prob(self, features: th.Tensor, actions: th.Tensor) -> th.Tensor:
        """
        :param features: (N, F)
        :param actions: (N, A)
        :return: log-probability (density for ``Box``) of each action, (N,)
        """

    @abstractmethod
    def mode(self, features: th.Tensor) -> th.Tensor:
        """
        :param features: (N, F)
        :return: the most likely actions, (N, A)
        """

    @abstractmethod
    def sample(self, features: th.Tensor) -> th.Tensor:
        """
        :param features: (N, F)
        :return: sampled actions, (N, A)
        """


class GaussianHead(ActionHead):
    """
    A Gaussian with a tanh mean and a fixed standard deviation. A learned one lets the policy
    sharpen around unsafe actions, and makes log-ratios grow without bound.

    The deviation is in units of half the action range, save in dimensions that vary little beside
    the others. What a throttle between -0.05 and 0.05 does would count for nothing beside steering
    between -1 and 1. There it is in units of :attr:`spread`.

    :param features_dim: F
    :param action_space: of floats; bounds must be finite
    :param action_std: standard deviation in units of half the action range
    """

    #: units of the standard deviation in each dimension, (A,); 1 where the data are not narrow
    spread: th.Tensor

    def __init__(self, features_dim: int, action_space: spaces.Box, action_std: float) -> None:
        super().__init__()
        n_dims = math.prod(action_space.shape)
        self.mean = nn.Linear(features_dim, n_dims)
        self.action_std = action_std
        self.register_buffer("spread", th.ones(n_dims))

    def fit(self, actions: th.Tensor) -> None:
        deviation = actions.double().std(0, correction=0)
        # Half the range of uniform actions that deviate as much
        spread = math.sqrt(3.0) * deviation
        # Narrow ones are to count as much as the others, not more: speed matters beside steering
        spread = spread / spread.max().clamp(_LEAST_SPREAD, 1.0)
        narrow = (spread < _NARROW_SPREAD) & (actions.amin(0) < actions.amax(0))
        self.spread.copy_(th.where(narrow, spread.clamp_min(_LEAST_SPREAD), 1.0))

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        # Models saved before version 0.2 have none
        state_dict.setdefault(f"{prefix}spread", th.ones_like(self.spread))
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def log_prob(self, features: th.Tensor, actions: th.Tensor) -> th.Tensor:
        distance = self.error(features, actions)
        log_scale = math.log(self.action_std) + 0.5 * math.log(2.0 * math.pi)
        squared = distance.square().sum(-1)
        constant = actions.shape[-1] * log_scale + self.spread.log().sum()
        return -0.5 / self.action_std**2 * squared - constant

    def error(self, features: th.Tensor, actions: th.Tensor) -> th.Tensor:
        """
        :param features: (N, F)
        :param actions: (N, A)
        :return: how far the actions are from the mean, in units of half their range, or of
            :attr:`spread` where they are narrow, (N, A)
        """
        actions = actions.clamp(-1.0 + _ACTION_MARGIN, 1.0 - _ACTION_MARGIN)
        return (actions - self.mode(features)).float() / self.spread

    def mode(self, features: th.Tensor) -> th.Tensor:
        return th.tanh(self.mean(features))

    def sample(self, features: th.Tensor) -> th.Tensor:
        mean = self.mode(features)
        return (mean + self.action_std * self.spread * th.randn_like(mean)).clamp(-1.0, 1.0)


class CategoricalHead(ActionHead):
    """
    Independent categorical distributions, one per action dimension.

    :param features_dim: F
    :param n_choices: number of choices of each action dimension, A numbers
    """

    def __init__(self, features_dim: int, n_choices: list[int]) -> None:
        super().__init__()
        self.n_choices = n_choices
        self.logits = nn.Linear(features_dim, sum(n_choices))

    def _log_probs(self, features: th.Tensor) -> list[th.Tensor]:
        logits = self.logits(features).float().split(self.n_choices, dim=-1)
        return [F.log_softmax(part, dim=-1) for part in logits]

    def log_prob(self, features: th.Tensor, actions: th.Tensor) -> th.Tensor:
        columns = actions.long().split(1, dim=-1)
        parts = self._log_probs(features)
        return th.cat([p.gather(-1, a) for p, a in zip(parts, columns, strict=True)], -1).sum(-1)

    def mode(self, features: th.Tensor) -> th.Tensor:
        return th.stack([part.argmax(-1) for part in self._log_probs(features)], dim=-1)

    def sample(self, features: th.Tensor) -> th.Tensor:
        parts = [th.multinomial(part.exp(), 1) for part in self._log_probs(features)]
        return th.cat(parts, dim=-1)


def make_action_head(
    features_dim: int, action_space: spaces.Space[object], action_std: float
) -> ActionHead:
    """
    :param features_dim: F
    :param action_space: ``Box`` of floats, ``Discrete`` or ``MultiDiscrete``
    :param action_std: standard deviation for ``Box``
    :return: the head for that space
    :raises ConfigError: for any other space
    """
    check_action_space(action_space, needs_bounds=False)
    if isinstance(action_space, spaces.Box):
        return GaussianHead(features_dim, action_space, action_std)
    if isinstance(action_space, spaces.Discrete):
        return CategoricalHead(features_dim, [int(action_space.n)])
    assert isinstance(action_space, spaces.MultiDiscrete)
    return CategoricalHead(features_dim, [int(n) for n in action_space.nvec])


class Actor(BaseModel):
    """
    Standardiser, features extractor, multilayer perceptron and action head.

    :param observation_space: observation space
    :param action_space: ``Box`` (bounded floats), ``Discrete`` or ``MultiDiscrete``
    :param net_arch: widths of the hidden layers
    :param activation_fn: activation between them
    :param action_std: fixed standard deviation of ``Box`` actions, in half action ranges
    :param dropout: share of each hidden layer that is dropped, in [0, 1)
    :param clip_obs: clipping range of standardised observations, in standard deviations
    :param features_extractor_class: as in every SB3 policy
    :param features_extractor_kwargs: as in every SB3 policy
    :param normalize_images: divide images by 255
    :param adjustable: whether the perceptron sees a safety level beside the features
    """

    #: safety level at which it acts where none is given, ()
    level: th.Tensor

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        net_arch: list[int],
        activation_fn: type[nn.Module],
        action_std: float,
        dropout: float,
        clip_obs: float,
        features_extractor_class: type[BaseFeaturesExtractor],
        features_extractor_kwargs: dict[str, Any],
        normalize_images: bool,
        adjustable: bool = False,
    ) -> None:
        super().__init__(
            observation_space,
            action_space,
            features_extractor_class=features_extractor_class,
            features_extractor_kwargs=features_extractor_kwargs,
            normalize_images=normalize_images,
        )
        self.standardizer = ObservationStandardizer(observation_space, clip_obs)
        # Standardised vectors are what SB3's preprocessing would make of them
        self._is_preprocessed = all(_is_vector(space) for _, space in _parts(observation_space))
        self.features_extractor: BaseFeaturesExtractor = self.make_features_extractor()
        features_dim = self.features_extractor.features_dim
        self.adjustable = adjustable
        if adjustable:
            features_dim += 1
            self.register_buffer("level", th.tensor(0.5))
        drop = [lambda _width: SeededDropout(dropout)] if dropout > 0.0 else []
        layers = create_mlp(
            features_dim,
            -1,
            net_arch,
            activation_fn,
            post_linear_modules=drop,  # type: ignore[arg-type]  # a function that makes a module
        )
        self.mlp = nn.Sequential(*layers)
        last_dim = net_arch[-1] if net_arch else features_dim
        self.head = make_action_head(last_dim, action_space, action_std)

    def forward(self, observations: TensorObs, levels: th.Tensor | None = None) -> th.Tensor:
        """
        :param observations: raw observations, (N, ...), or a dict of them
        :param levels: safety level at each of them, (N,), where it is adjustable; ``None`` is the
            level at which it acts
        :return: features for the action head, (N, F)
        """
        standardized = self.standardizer(observations)
        extracted: th.Tensor = (
            self.features_extractor(standardized)
            if self._is_preprocessed
            else self.extract_features(standardized, self.features_extractor)
        )
        if self.adjustable:
            at = self.level.expand(extracted.shape[0]) if levels is None else levels
            extracted = th.cat([extracted, 2.0 * at.unsqueeze(1) - 1.0], dim=1)
        features: th.Tensor = self.mlp(extracted)
        return features

    def log_prob(
        self, observations: TensorObs, actions: th.Tensor, levels: th.Tensor | None = None
    ) -> th.Tensor:
        """
        :param observations: raw observations, (N, ...), or a dict of them
        :param actions: actions in the policy's scale, (N, A)
        :param levels: as for :meth:`forward`
        :return: log-probabilities, (N,), in float32
        """
        log_prob: th.Tensor = self.head.log_prob(self(observations, levels), actions)
        return log_prob
