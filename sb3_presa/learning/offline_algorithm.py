"""SB3's plumbing for algorithms that never step an environment: made, and given data."""

import warnings
from collections.abc import Mapping, Sequence
from copy import copy
from functools import partial
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch as th
from gymnasium import spaces
from stable_baselines3.common.base_class import maybe_make_env
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, Schedule
from stable_baselines3.common.vec_env import VecEnv, unwrap_vec_normalize

from sb3_presa.arguments import (
    Bound,
    NonNegative,
    Seed,
    ShareBelowOne,
    check_arguments,
    check_arguments_of,
    check_default_dtype,
    checking_arguments,
)
from sb3_presa.data.checks import LOG_PICTURES, blank_pictures, coordinates
from sb3_presa.data.datasets import DatasetLike
from sb3_presa.data.spaces import USUAL_QUANTILE, check_action_space, describe_narrow_actions
from sb3_presa.data.transitions import Outcomes, Transitions
from sb3_presa.envs.making import make_environment
from sb3_presa.errors import ConfigError, PresaError
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.offline_data import Needs, OfflineData, check_feedback
from sb3_presa.learning.phases import Autocast
from sb3_presa.learning.precision import Precision, resolve_precision
from sb3_presa.learning.saving import SavedLearner
from sb3_presa.learning.schedules import checked_rate
from sb3_presa.learning.source import BatchSource, SegmentLabels, make_source
from sb3_presa.policies.policy import CnnPolicy, MlpPolicy, MultiInputPolicy, OfflinePolicy
from sb3_presa.policies.spaces import (
    channels_first,
    check_fits,
    check_not_normalized,
    check_policy_fits,
    fitting_policy,
)

SelfOfflineAlgorithm = TypeVar("SelfOfflineAlgorithm", bound="OfflineAlgorithm")


class OfflineAlgorithm(SavedLearner):
    """
    Base of the algorithms that learn from a Minari dataset and its feedback. One timestep is
    one gradient step. The minibatch of step ``n`` depends on the seed and on ``n`` alone, so a
    run that was stopped, saved and loaded goes on exactly as if it had not been.

    :param policy: ``"MlpPolicy"``, ``"CnnPolicy"``, ``"MultiInputPolicy"`` or a class; ``"auto"``
        chooses by the observation space
    :param env: environment to take the spaces from, or ``None`` to take the dataset's; it is
        never stepped while learning
    :param learning_rate: learning rate, may be a function of the remaining progress (1 to 0)
    :param max_grad_norm: gradients are clipped to this norm
    :param average_decay: the weights that act are the running average of the trained ones; this
        is the share of the old average that stays at each step, in [0, 1)
    :param precision: ``"float32"``, ``"bfloat16"`` (autocast) or ``"auto"``, which is bfloat16 on a
        CPU that multiplies it in hardware and float32 elsewhere
    :param policy_kwargs: further arguments of the policy
    :param tensorboard_log: folder for TensorBoard logs, ``None`` for none
    :param verbose: 0 for no output, 1 for info, 2 for debug
    :param device: device to train on
    :param seed: seed of the initial weights and of the minibatches
    :raises ConfigError: for an argument out of its range or spaces that are not supported
    """

    policy: OfflinePolicy
    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {
        "MlpPolicy": MlpPolicy,
        "CnnPolicy": CnnPolicy,
        "MultiInputPolicy": MultiInputPolicy,
    }
    #: what the algorithm may read beside observations and actions; nothing else reaches it
    needs: Needs = frozenset()
    #: share of the labels that are held out, in [0, 1)
    validation_fraction: float = 0.0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Every constructor checks what it names itself, and its parents' what it hands on."""
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = checking_arguments(cls.__init__)  # type: ignore[method-assign]

    @checking_arguments
    def __init__(
        self,
        policy: str | type[BasePolicy],
        env: GymEnv | str | None,
        learning_rate: NonNegative | Schedule,
        *,
        max_grad_norm: Bound,
        average_decay: ShareBelowOne,
        precision: Precision,
        policy_kwargs: dict[str, Any] | None,
        tensorboard_log: str | None,
        verbose: int,
        device: th.device | str,
        seed: Seed | None,
        init_setup_model: bool,
    ) -> None:
        check_default_dtype()
        if isinstance(policy, str) and policy not in ("auto", *self.policy_aliases):
            names = ", ".join(map(repr, ("auto", *self.policy_aliases)))
            raise ConfigError(f"`policy` must be {names} or a class, got {policy!r}")
        if isinstance(policy, type) and not issubclass(policy, OfflinePolicy):
            raise ConfigError(
                "`policy` must be a subclass of sb3_presa.policies.policy.OfflinePolicy, got "
                f"{policy.__name__}"
            )
        super().__init__(
            "MlpPolicy" if policy == "auto" else policy,  # for as long as no space is known
            None,  # SB3's own checks of an environment are assertions; see _take_env
            # SB3 takes numbers of Python alone
            learning_rate if callable(learning_rate) else float(learning_rate),
            policy_kwargs=policy_kwargs,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            device=device,
            support_multi_env=True,
            seed=None if seed is None else int(seed),  # NumPy's integers seed not all generators
        )
        self.algorithm = type(self).__name__
        self.max_grad_norm = max_grad_norm
        self.average_decay = average_decay
        self.precision = precision
        #: origin of the data and of the labels that it last learnt from, as JSON; saved with it
        self.trained_on: dict[str, Any] = {}
        self.source: BatchSource | None = None
        self.feedback: Feedback | None = None
        self._policy_name = policy
        # Seeds the minibatches where ``seed`` is None, and the split of held-out labels, which
        # stays the same when ``set_random_seed`` changes the minibatches
        self.data_seed = _draw_seed() if seed is None else seed
        self._parameters_given = False
        self.n_envs = 1
        if env is not None:
            self._take_env(env, init_setup_model)

    def _take_env(self, env: GymEnv | str, setup_model: bool) -> None:
        """The spaces of the environment become the model's."""
        env = self._made(env)
        self._check_actions(env.action_space)
        check_not_normalized(env)
        if setup_model:  # otherwise it is being loaded, and its policy_kwargs are yet to come
            self._fit_policy(env.observation_space)
        self.observation_space, self.action_space = env.observation_space, env.action_space
        self.env, self.n_envs = env, env.num_envs
        self._vec_normalize_env = unwrap_vec_normalize(env)
        if setup_model:
            self._setup_model()

    def _made(self, env: GymEnv | str) -> VecEnv:
        if isinstance(env, str):
            name = env
            env = make_environment(name, lambda: maybe_make_env(name, self.verbose))  # type: ignore[arg-type,return-value]
        return self._wrap_env(env, self.verbose)

    def _fit_policy(self, observation_space: spaces.Space[Any]) -> None:
        """Chooses the class of the policy where that is left to the space, and checks it."""
        if self._policy_name == "auto":
            self.policy_class = self.policy_aliases[fitting_policy(observation_space)]
        for given in ("observation_space", "action_space", "lr_schedule"):
            if given in self.policy_kwargs:
                raise ConfigError(
                    f"`policy_kwargs` must not contain {given!r}, which the model gives, got "
                    f"{self.policy_kwargs[given]!r}"
                )
        check_arguments_of(self.policy_class, self.policy_kwargs)
        check_policy_fits(
            self._policy_name, self.policy_class, self.policy_kwargs, observation_space
        )

    def _check_actions(self, action_space: spaces.Space[Any]) -> None:
        check_action_space(action_space, needs_bounds=not self._takes_bounds_from_data())

    def _takes_bounds_from_data(self) -> bool:
        return self.policy_kwargs.get("action_quantile") is not None

    def _setup_model(self) -> None:
        self._setup_lr_schedule()
        self.set_random_seed(self.seed)
        self.policy = self._make_policy()
        self.policy = self.policy.to(self.device)
        # Layers that act otherwise in training (dropout) would bias every log-ratio
        self.policy.set_training_mode(False)
        self._generator = th.Generator(device=self.device)
        # Not saved: a model that is loaded on another machine asks that one
        self.compute_dtype = th.float32
        if self.precision != "float32":
            self.compute_dtype = resolve_precision(self.precision, self.device)
        # Forward passes of training run in this; ``predict`` does not
        enabled = self.compute_dtype is not th.float32
        self._autocast: Autocast = partial(
            th.autocast, self.device.type, dtype=th.bfloat16, enabled=enabled
        )

    def _make_policy(self) -> OfflinePolicy:
        """The policy; what its classes and optimizers refuse is an error of the settings."""
        checked_rate(self.lr_schedule, 1.0)
        try:
            made = self.policy_class(
                self.observation_space,
                self.action_space,
                self.lr_schedule,
                **self._policy_arguments(),
            )
        except PresaError:
            raise
        except (RuntimeError, TypeError, ValueError) as error:
            raise ConfigError(
                f"`policy_kwargs` must be arguments that the policy can be made of, got "
                f"{self.policy_kwargs}: {error}"
            ) from error
        assert isinstance(made, OfflinePolicy)
        return made

    def _policy_arguments(self) -> dict[str, Any]:
        """The keyword arguments of the policy."""
        return self.policy_kwargs

    # --- data -------------------------------------------------------------------------------

    @classmethod
    def load_offline(
        cls: type[SelfOfflineAlgorithm],
        dataset: DatasetLike,
        feedback: str | Feedback | None = "default",
        *,
        env: GymEnv | str | None = None,
        policy: str | type[BasePolicy] = "auto",
        **kwargs: Any,
    ) -> SelfOfflineAlgorithm:
        """
        A new model on a dataset, ready to ``learn()``.

        :param dataset: a Minari dataset, its id, or the path of its folder
        :param feedback: name of the feedback set that lies beside the dataset, or labels
        :param env: environment to take the spaces from, the dataset's where ``None``
        :param policy: policy name or class; ``"auto"`` chooses by the observation space
        :param kwargs: arguments of the algorithm
        :return: the model
        :raises DatasetError: if the dataset cannot be used
        :raises FeedbackError: if the labels cannot be used
        :raises ConfigError: for an argument out of its range
        """
        check_feedback(feedback)  # also of those that do not read it
        model = cls(policy, env, **kwargs)
        model.set_dataset(dataset, feedback)
        return model

    def set_dataset(
        self, dataset: DatasetLike, feedback: str | Feedback | None = "default"
    ) -> None:
        """
        Gives the model the data to learn from, for a new model or one that was loaded.

        :param dataset: a Minari dataset, its id, or the path of its folder
        :param feedback: name of the feedback set that lies beside the dataset, or labels; not
            read by an algorithm whose ``needs`` name no labels
        :raises DatasetError: if the dataset cannot be used with this model
        :raises FeedbackError: if the labels cannot be used; the model then has no data, neither
            these nor those that it had
        """
        data = OfflineData.read(
            dataset,
            feedback,
            needs=self.needs,
            validation_fraction=self.validation_fraction,
            seed=self.data_seed,
            check=lambda transitions: copy(self)._take_spaces(transitions),
            relabel=self._relabel,
            complete=self._complete,
        )
        transitions = data.transitions
        self._take_spaces(transitions)
        self.source = self.feedback = None  # what is refused leaves no data behind
        if self._is_untrained():
            self._fit_actions(transitions)
        source = make_source(data, self.device, self.policy.scale_actions, self._prepare_labels)
        self._use_data(data, source)
        self.source, self.feedback = source, data.training
        self.trained_on = data.origin()
        if self._is_untrained():
            self._fit_statistics(source, transitions.observation_names)
            self._warn_of_blank_pictures(transitions)

    def _take_spaces(self, transitions: Transitions) -> None:
        """Check the spaces of data; a model that has no policy yet gets one that fits them."""
        observation_space = channels_first(transitions.observation_space)
        if not hasattr(self, "observation_space"):
            self._fit_policy(observation_space)
            self._check_actions(transitions.action_space)
            self.observation_space, self.action_space = observation_space, transitions.action_space
        check_fits(self, transitions.observation_space, transitions.action_space)
        if not hasattr(self, "policy"):
            self._setup_model()

    def _relabel(
        self, feedback: Feedback, transitions: Transitions, outcomes: Outcomes | None
    ) -> Feedback:
        """
        The labels that the algorithm trains on, before any are held out.

        :param feedback: the labels that it may read
        :param transitions: what they are on
        :param outcomes: true rewards and costs, ``None`` unless ``needs`` names them
        :return: labels on the same episodes
        """
        del transitions, outcomes
        return feedback

    def _complete(self, feedback: Feedback, transitions: Transitions) -> Feedback:
        """
        Called with the labels that are not held out, to complete them.

        :param feedback: the labels
        :param transitions: what they are on
        :return: labels on the same data
        """
        del transitions
        return feedback

    def _prepare_labels(
        self, training: SegmentLabels, held_out: SegmentLabels, transitions: Transitions
    ) -> SegmentLabels:
        """
        :param training: the labels to train on
        :param held_out: those that are held out
        :param transitions: what they are on
        :return: what minibatches are drawn from
        """
        del held_out, transitions
        return training

    def _use_data(self, data: OfflineData, source: BatchSource) -> None:
        """
        Called with new data before they become the model's.

        :param data: what was read
        :param source: the same on the device
        :raises DatasetError: if the algorithm cannot use them
        :raises FeedbackError: if it cannot use the labels
        """

    def _fit_actions(self, transitions: Transitions) -> None:
        """Sets the scale of actions of a model that is not trained yet."""
        if self._takes_bounds_from_data():
            self.policy.fit_action_bounds(transitions.actions, transitions.action_names)
        elif narrow := describe_narrow_actions(
            transitions.actions, transitions.action_space, transitions.action_names
        ):
            warnings.warn(
                f"actions fill a small part of their bounds, which a policy resolves badly: "
                f"{narrow}. To take the bounds from the data, and cut what lies beyond, pass "
                f"policy_kwargs={{'action_quantile': {USUAL_QUANTILE}}}",
                stacklevel=4,
            )

    def _fit_statistics(self, source: BatchSource, names: Mapping[str, Sequence[str]]) -> None:
        """
        Called of a model that is not trained yet.

        :param source: the data
        :param names: what coordinates of observations are called, for messages
        """
        self.policy.fit_statistics(source.logged_observations(), source.actions)
        standardizer = self.policy.actor.standardizer
        if standardizer.constant and self.verbose >= 1:
            print(f"Constant in all observations: {coordinates(standardizer.constant, names)}")
        if standardizer.unresolved:
            warnings.warn(
                f"constant within rounding in all observations: "
                f"{coordinates(standardizer.unresolved, names)}. The policy learns nothing from "
                "them. Where they should vary, store them as float64",
                stacklevel=4,
            )

    def _warn_of_blank_pictures(self, transitions: Transitions) -> None:
        for key in blank_pictures(transitions):
            of_key = f" of '{key}'" if key else ""
            warnings.warn(
                f"every picture{of_key} is the same, and the policy learns nothing from them: "
                f"{LOG_PICTURES}",
                stacklevel=4,
            )

    def require_source(self) -> BatchSource:
        if self.source is None:
            raise self._lacks("dataset")
        return self.source

    def _is_untrained(self) -> bool:
        """Whether no weights were trained here or given, with statistics that belong to them."""
        return self.num_timesteps == 0 and not self._parameters_given

    # --- SB3 --------------------------------------------------------------------------------

    def set_env(self, env: GymEnv | str, force_reset: bool = True) -> None:
        """
        Sets the environment that ``get_env()`` returns. Learning never steps it, so it may have
        any number of environments.

        :param env: environment, vector of them, or the id of a registered one
        :param force_reset: kept for SB3's interface
        :raises ConfigError: if the environment normalises observations or has other spaces than the
            model, or the model has none yet and cannot take those of the environment
        """
        if not hasattr(self, "observation_space"):
            self._take_env(env, setup_model=True)
            return
        env = self._made(env)
        check_not_normalized(env)
        check_fits(self, env.observation_space, env.action_space, owner="environment")
        # SB3's own would insist on bounds and dtypes of observations, on which nothing depends
        self.env, self.n_envs, self._last_obs = env, env.num_envs, None
        self._vec_normalize_env = unwrap_vec_normalize(env)

    def set_random_seed(self, seed: int | None = None) -> None:
        """
        Seeds the global generators, as in SB3, and the minibatches from the next step on.

        :param seed: the new seed, ``None`` to leave everything as it is
        """
        check_arguments(_seed_argument, {"seed": seed})
        seed = None if seed is None else int(seed)
        if hasattr(self, "action_space"):  # what has no spaces yet is seeded when it gets them
            super().set_random_seed(seed)
        if seed is not None:
            self.seed = seed

    def predict(
        self,
        observation: np.ndarray | dict[str, np.ndarray],
        state: tuple[np.ndarray, ...] | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...] | None]:
        self._check_has_policy()
        return super().predict(observation, state, episode_start, deterministic)


def _seed_argument(seed: Seed | None) -> None:
    """The argument of ``set_random_seed``, whose annotation has its range."""


def _draw_seed() -> int:
    """From the generator that SB3's ``set_random_seed`` seeds and initial weights do not use."""
    return int(np.random.randint(2**32, dtype=np.int64))  # noqa: NPY002
