"""The policies of all offline algorithms of this package."""

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Annotated, Any, ClassVar

import numpy as np
import torch as th
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.torch_layers import (
    BaseFeaturesExtractor,
    FlattenExtractor,
    NatureCNN,
)
from stable_baselines3.common.type_aliases import Schedule
from torch import nn

from sb3_presa.arguments import Bound, Interval, Positive, ShareBelowOne, checking_arguments
from sb3_presa.data.spaces import check_action_space, data_bounds, describe_cut_actions
from sb3_presa.errors import ConfigError
from sb3_presa.policies.actor import DEFAULT_CLIP_OBS, Actor
from sb3_presa.policies.dropout import SeededDropout
from sb3_presa.policies.extractors import AnyKeyCombinedExtractor
from sb3_presa.policies.type_aliases import TensorObs


class OfflinePolicy(BasePolicy):
    """
    Three copies of one actor: ``actor`` is optimised; ``actor_average`` is the running average of
    its weights, used for acting; ``actor_reference`` is the frozen behaviour-cloned actor of the
    log-ratios.

    :param observation_space: observation space
    :param action_space: ``Box`` (bounded floats), ``Discrete`` or ``MultiDiscrete``
    :param lr_schedule: learning-rate schedule, function of the remaining progress
    :param net_arch: widths of the hidden layers, two of 128 by default (none after a CNN)
    :param activation_fn: activation function
    :param action_std: fixed standard deviation of ``Box`` actions, in half action ranges. In a
        dimension that varies little in the data, in a smaller unit (:class:`GaussianHead`)
    :param dropout: dropout share of each hidden layer in training steps, in [0, 1). The reference
        is without dropout, so that dropout lowers every log-ratio
    :param clip_obs: clipping range of standardised observations, in standard deviations, as in
        SB3's ``VecNormalize``; nearly constant coordinates are clipped at 2 instead
        (:class:`ObservationStandardizer`). Infinity for no clipping
    :param features_extractor_class: features extractor to use, the policy's own if ``None``
    :param features_extractor_kwargs: its keyword arguments
    :param normalize_images: divide images by 255
    :param optimizer_class: ``th.optim.Adam`` by default
    :param optimizer_kwargs: its keyword arguments, without the learning rate. By default
        ``fused=True`` for PyTorch's own Adam, which updates all weights in one call
    :param action_quantile: share in [0, 0.5) of the logged actions that lie below the bounds that
        ``Box`` actions are scaled by, and above them, in each dimension; actions beyond count as
        at the bound. ``None`` takes the bounds of the space, which must then be finite
    :param adjustable: whether the network sees a safety level, so that :attr:`safety_level` changes
        how it acts; set by algorithms that train it so
    :param check_finite: whether ``predict`` raises an error for observations and actions that are
        not finite. ``False`` gives whatever the network makes of them
    """

    default_features_extractor_class: ClassVar[type[BaseFeaturesExtractor]] = FlattenExtractor
    action_low: th.Tensor
    action_high: th.Tensor

    @checking_arguments
    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        net_arch: list[int] | None = None,
        activation_fn: type[nn.Module] = nn.ReLU,
        action_std: Positive = 2.0**-0.5,
        dropout: ShareBelowOne = 0.0,
        clip_obs: Bound = DEFAULT_CLIP_OBS,
        features_extractor_class: type[BaseFeaturesExtractor] | None = None,
        features_extractor_kwargs: dict[str, Any] | None = None,
        normalize_images: bool = True,
        optimizer_class: type[th.optim.Optimizer] = th.optim.Adam,
        optimizer_kwargs: dict[str, Any] | None = None,
        action_quantile: Annotated[float, Interval(0.0, 0.5, "low")] | None = None,
        check_finite: bool = True,
        adjustable: bool = False,
    ) -> None:
        check_action_space(action_space, needs_bounds=action_quantile is None)
        extractor = features_extractor_class or self.default_features_extractor_class
        super().__init__(
            observation_space,
            action_space,
            extractor,
            features_extractor_kwargs,
            optimizer_class=optimizer_class,
            optimizer_kwargs=optimizer_kwargs,
            squash_output=isinstance(action_space, spaces.Box),
            normalize_images=normalize_images,
        )
        if optimizer_kwargs is None and optimizer_class is th.optim.Adam:
            self.optimizer_kwargs = {"fused": True}
        if net_arch is None:
            net_arch = [] if extractor is NatureCNN else [128, 128]
        if not _are_widths(net_arch):
            raise ConfigError(
                f"`net_arch` must be a list of layer widths, got {net_arch} (dicts with pi/vf/qf "
                "are not supported)"
            )
        self.net_arch = net_arch
        self.activation_fn = activation_fn
        self.action_std = action_std
        self.dropout = dropout
        self.clip_obs = clip_obs
        self.action_quantile = action_quantile
        self.check_finite = check_finite
        self.adjustable = adjustable

        self.actor = self.make_actor()
        self.actor_average = _frozen_copy(self.actor)
        self.actor_reference = _frozen_copy(self.actor)
        # Arguments of SB3's optimizers differ, but all of them have ``lr``
        self.optimizer = self.optimizer_class(
            self.actor.parameters(),
            lr=lr_schedule(1),  # type: ignore[call-arg]
            **self.optimizer_kwargs,
        )
        if isinstance(action_space, spaces.Box):
            # Those of the data belong to the weights; those of the space are there without them
            persistent = action_quantile is not None
            for name, bound in (
                ("action_low", action_space.low),
                ("action_high", action_space.high),
            ):
                dtype = np.float64 if persistent else bound.dtype
                bounds = th.as_tensor(bound.astype(dtype))
                self.register_buffer(name, bounds, persistent=persistent)

    def make_actor(self) -> Actor:
        """
        :return: a new actor with this policy's architecture
        """
        return Actor(
            self.observation_space,
            self.action_space,
            net_arch=self.net_arch,
            activation_fn=self.activation_fn,
            action_std=self.action_std,
            dropout=self.dropout,
            clip_obs=self.clip_obs,
            features_extractor_class=self.features_extractor_class,
            features_extractor_kwargs=self.features_extractor_kwargs,
            normalize_images=self.normalize_images,
            adjustable=self.adjustable,
        )

    @property
    def safety_level(self) -> float:
        """
        The level, in (0, 1), at which an adjustable policy acts; NaN for any other policy.

        :raises ConfigError: when it is set and the policy is not adjustable, or is out of its range
        """
        return float(self.actor_average.level) if self.adjustable else math.nan

    @safety_level.setter
    def safety_level(self, level: float) -> None:
        given: Any = level
        if not isinstance(given, int | float | np.floating) or not 0.0 < given < 1.0:
            raise ConfigError(f"`safety_level` must be in (0, 1), got {level!r}")
        self._require_adjustable()
        for actor in (self.actor, self.actor_average, self.actor_reference):
            actor.level.fill_(level)

    def _require_adjustable(self) -> "OfflinePolicy":
        if not self.adjustable:
            raise ConfigError(
                "the policy must be adjustable to act at another `safety_level`, got one that is "
                "not; train it with PRESA(adjustable=True)"
            )
        return self

    def _get_constructor_parameters(self) -> dict[str, Any]:
        data: dict[str, Any] = super()._get_constructor_parameters()
        data.update(
            lr_schedule=self._dummy_schedule,
            net_arch=self.net_arch,
            activation_fn=self.activation_fn,
            action_std=self.action_std,
            dropout=self.dropout,
            clip_obs=self.clip_obs,
            features_extractor_class=self.features_extractor_class,
            features_extractor_kwargs=self.features_extractor_kwargs,
            optimizer_class=self.optimizer_class,
            optimizer_kwargs=self.optimizer_kwargs,
            action_quantile=self.action_quantile,
            check_finite=self.check_finite,
            adjustable=self.adjustable,
        )
        return data

    def scale_actions(self, actions: th.Tensor) -> th.Tensor:
        """
        Logged actions in the policy's own scale.

        :param actions: actions of the dataset, (N, *action_shape)
        :return: (N, A): in [-1, 1] for ``Box``, counted from 0 for discrete spaces
        """
        space = self.action_space
        if isinstance(space, spaces.Box):
            scaled = (2.0 * (actions - self.action_low) / self.action_span - 1.0).flatten(1).float()
            return scaled if self.action_quantile is None else scaled.clamp(-1.0, 1.0)
        start = th.as_tensor(space.start, device=actions.device)  # type: ignore[attr-defined]
        return (actions - start).reshape(len(actions), -1)

    @property
    def action_span(self) -> th.Tensor:
        """:return: distance between the bounds of each action; 1 where they are one number"""
        span = self.action_high - self.action_low
        return th.where(span > 0, span, th.ones_like(span))

    def unscale_action(self, scaled_action: Any) -> Any:
        """
        Actions in the units of the action space.

        :param scaled_action: in [-1, 1], (N, *action_shape)
        :return: the same between the bounds that actions are scaled by
        """
        if self.action_quantile is None:
            actions = super().unscale_action(scaled_action)
            return actions.astype(self.action_space.dtype, copy=False)  # of float16, too
        low, high = (bound.cpu().numpy() for bound in (self.action_low, self.action_high))
        actions = low + 0.5 * (scaled_action + 1.0) * (high - low)
        return actions.astype(self.action_space.dtype)

    def fit_action_bounds(self, actions: np.ndarray, names: Sequence[str] = ()) -> None:
        """
        Takes the bounds that actions are scaled by from data. A dimension that is constant there
        keeps the bounds of the space, be they one number, or 1 to both sides where it has none. A
        warning names actions that are far beyond, and cut.

        :param actions: all logged actions, (N, *action_shape)
        :param names: what coordinates are called; empty: by their numbers
        """
        if not isinstance(self.action_space, spaces.Box):
            return
        assert self.action_quantile is not None
        low, high = data_bounds(actions, self.action_quantile)
        space = self.action_space
        usable = np.isfinite(space.low) & np.isfinite(space.high)
        for bound, found, ours, side in (
            (self.action_low, low, space.low, -1.0),
            (self.action_high, high, space.high, 1.0),
        ):
            spare = np.where(usable, ours, found + side)
            bound.copy_(th.as_tensor(np.where(low < high, found, spare)))
        low, high = (bound.cpu().numpy() for bound in (self.action_low, self.action_high))
        if cut := describe_cut_actions(actions, low, high, names):
            warnings.warn(
                f"actions far beyond the bounds from the data are cut: {cut}. If they are meant, "
                "such as emergency braking, lower `action_quantile`; 0 cuts none",
                stacklevel=5,
            )

    def forward(self, observations: TensorObs, deterministic: bool = True) -> th.Tensor:
        """
        :param observations: raw observations, (N, ...), or a dict of them
        :param deterministic: the most likely action, not a sample
        :return: actions, (N, A), in [-1, 1] for ``Box``
        """
        return self._predict(observations, deterministic=deterministic)

    def predict(
        self,
        observation: np.ndarray | dict[str, np.ndarray],
        state: tuple[np.ndarray, ...] | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...] | None]:
        """
        Actions for observations, as in SB3.

        :param observation: raw observations, one or a batch, or a dict of them
        :param state: unused; returned as it is
        :param episode_start: unused
        :param deterministic: the most likely action, not a sample
        :return: actions in the units of the action space, and ``state``
        :raises ConfigError: for other keys than the space has, and for a number that is not finite
            or a class that the space does not have, unless ``check_finite`` is ``False``
        """
        _check_keys(observation, self.observation_space)
        if self.check_finite:
            parts = observation if isinstance(observation, dict) else {"": observation}
            for key, values in parts.items():
                name = f"`observation[{key!r}]`" if key else "`observation`"
                _check_finite(values, name, "Mend it, or set `policy.check_finite = False`")
                _check_classes(values, name, self.observation_space, key)
        actions, state = super().predict(observation, state, episode_start, deterministic)
        if self.check_finite:
            _check_finite(actions, "the action", "The weights of this policy are destroyed")
        return actions, state

    @property
    def chooses(self) -> bool:
        """:return: whether it takes the best of several actions, and rounding may decide a tie"""
        return not isinstance(self.action_space, spaces.Box)

    @property
    def device(self) -> th.device:
        """:return: that of the weights, all of which are on one"""
        bound = self._buffers.get("action_low")  # found much sooner than weights, whose way is long
        return super().device if bound is None else bound.device

    def set_training_mode(self, mode: bool) -> None:
        """
        Switches layers that act otherwise in training, as in SB3, where any is in the other mode:
        ``predict`` calls this every time, and setting all of them takes as long as acting.

        :param mode: whether to train
        """
        if not _are_in_mode(self, mode):
            super().set_training_mode(mode)

    def _predict(self, observation: Any, deterministic: bool = False) -> th.Tensor:
        actor = self.actor_average
        features = actor(observation)
        actions = actor.head.mode(features) if deterministic else actor.head.sample(features)
        if isinstance(self.action_space, spaces.Box):
            return actions
        start = self.action_space.start  # type: ignore[attr-defined]
        return actions + th.as_tensor(start, device=actions.device)

    def fit_statistics(self, observations: TensorObs, actions: th.Tensor) -> None:
        """
        Sets the dataset's statistics in all three actors.

        :param observations: all observations of the dataset, (N, ...), or a dict of them
        :param actions: all actions in the policy's scale, (N, A)
        """
        self.actor.standardizer.fit(observations)
        self.actor.head.fit(actions)
        for other in (self.actor_average, self.actor_reference):
            other.standardizer.load_state_dict(self.actor.standardizer.state_dict())
            other.head.fit(actions)

    @contextmanager
    def dropping_out(self, generator: th.Generator) -> Iterator[None]:
        """
        Switches dropout on in the optimised actor; the average and the reference never have it.

        :param generator: random generator of the masks
        """
        layers = [layer for layer in self.actor.mlp if isinstance(layer, SeededDropout)]
        for layer in layers:
            layer.generator = generator
        try:
            yield
        finally:
            for layer in layers:
                layer.generator = None

    @th.no_grad()
    def freeze_reference(self) -> None:
        """Copy the current actor to the reference and to the running average."""
        weights: Mapping[str, Any] = self.actor.state_dict()
        self.actor_reference.load_state_dict(weights)
        self.actor_average.load_state_dict(weights)

    @th.no_grad()
    def return_to_reference(self) -> None:
        """Copy the reference to the current actor and to the running average."""
        weights: Mapping[str, Any] = self.actor_reference.state_dict()
        self.actor.load_state_dict(weights)
        self.actor_average.load_state_dict(weights)


class CnnPolicy(OfflinePolicy):
    """:class:`OfflinePolicy` for image observations: ``NatureCNN`` extracts the features."""

    default_features_extractor_class = NatureCNN


class MultiInputPolicy(OfflinePolicy):
    """:class:`OfflinePolicy` for Dict observations, whose features are joined."""

    default_features_extractor_class = AnyKeyCombinedExtractor


MlpPolicy = OfflinePolicy


def _are_in_mode(module: nn.Module, mode: bool) -> bool:
    """Whether a module and those within it are; ``modules()`` takes ten times as long."""
    found: list[nn.Module | None] = [module]
    for one in found:  # which grows on the way
        if one is None:  # a child that was taken away
            continue
        if one.training != mode:
            return False
        if one._modules:
            found.extend(one._modules.values())
    return True


def _are_widths(net_arch: object) -> bool:
    return isinstance(net_arch, list | tuple) and all(
        isinstance(width, int) and width > 0 and width is not True for width in net_arch
    )


def _check_keys(observation: object, space: spaces.Space[Any]) -> None:
    wanted = sorted(space.spaces) if isinstance(space, spaces.Dict) else None
    found = sorted(map(str, observation)) if isinstance(observation, dict) else None
    if (wanted is None) != (found is None):
        kind = f"a dict of {', '.join(wanted)}" if wanted is not None else "an array"
        if found is not None or not isinstance(observation, tuple):  # of which SB3 knows more
            raise ConfigError(f"`observation` must be {kind}, got {type(observation).__name__}")
    elif wanted != found:
        raise ConfigError(f"`observation` must have the keys {wanted}, got {found}")


def _check_finite(values: Any, name: str, remedy: str) -> None:
    try:
        numbers = np.asarray(values)
    except ValueError:  # what is no array, such as all that reset() returns, SB3 refuses itself
        return
    if numbers.dtype.kind not in "biuf" and not isinstance(values, tuple):
        raise ConfigError(f"{name} must be an array of numbers, got one of {numbers.dtype}")
    if numbers.dtype.kind != "f" or np.isfinite(numbers).all():
        return
    found = _first(numbers, ~np.isfinite(numbers))
    raise ConfigError(f"{name} must be finite, got {found}. {remedy}")


def _check_classes(values: Any, name: str, space: spaces.Space[Any], key: str) -> None:
    part = space[key] if isinstance(space, spaces.Dict) else space
    if isinstance(part, spaces.Discrete):
        n = np.asarray(part.n)
    elif isinstance(part, spaces.MultiDiscrete):
        n = part.nvec
    else:
        return
    numbers = np.asarray(values)
    if numbers.ndim < n.ndim or numbers.shape[numbers.ndim - n.ndim :] != n.shape:
        return  # of a wrong shape SB3 says more
    wrong = (numbers < 0) | (numbers >= n)
    if wrong.any():
        raise ConfigError(f"{name} must hold classes of {part}, got {_first(numbers, wrong)}")


def _first(numbers: np.ndarray, wrong: Any) -> str:
    """The first of the wrong numbers and its place."""
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = f" at {', '.join(map(str, place))}" if place else ""
    return f"{numbers[place]}{where}"


def _frozen_copy(actor: Actor) -> Actor:
    copy = deepcopy(actor)
    copy.requires_grad_(False)
    return copy
