"""The learn loop and SB3's plumbing for algorithms that never step an environment."""

import math
import sys
import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch as th
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm, maybe_make_env
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback, Schedule
from stable_baselines3.common.utils import update_learning_rate
from stable_baselines3.common.vec_env import unwrap_vec_normalize

from sb3_presa.arguments import checking_types
from sb3_presa.data.datasets import DatasetLike
from sb3_presa.data.episodes import load_outcomes
from sb3_presa.data.transitions import Outcomes, Transitions
from sb3_presa.errors import ConfigError
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.mean_metrics import MeanMetrics
from sb3_presa.learning.offline_data import check_feedback, read_data
from sb3_presa.learning.precision import check_precision, resolve_precision
from sb3_presa.learning.segment_buffer import SegmentBuffer
from sb3_presa.learning.spaces_env import SpacesVecEnv
from sb3_presa.policies.action_heads import check_action_space
from sb3_presa.policies.policy import CnnPolicy, MlpPolicy, MultiInputPolicy, OfflinePolicy
from sb3_presa.policies.spaces import (
    channels_first,
    check_fits,
    check_not_normalized,
    check_policy_fits,
)

SelfOfflineAlgorithm = TypeVar("SelfOfflineAlgorithm", bound="OfflineAlgorithm")


class OfflineAlgorithm(BaseAlgorithm):
    """
    Base of the algorithms that learn from a Minari dataset and its feedback. One timestep is
    one gradient step. The minibatch of step ``n`` depends on the seed and on ``n`` alone, so a
    run that was stopped, saved and loaded goes on exactly as if it had not been.

    :param policy: ``"MlpPolicy"``, ``"CnnPolicy"``, ``"MultiInputPolicy"`` or a class
    :param env: environment to take the spaces from, or ``None`` to take the dataset's; it is
        never stepped while learning
    :param learning_rate: learning rate, may be a function of the remaining progress (1 to 0)
    :param max_grad_norm: gradients are clipped to this norm
    :param average_decay: the weights that act are the running average of the trained ones; this
        is the share of the old average that stays at each step, in [0, 1)
    :param precision: ``"float32"``, ``"bfloat16"`` (autocast) or ``"auto"``, which is bfloat16 on a
        CPU that multiplies it in hardware and float32 elsewhere
    :param policy_kwargs: further arguments of the policy
    :param stats_window_size: kept for SB3's interface
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
    #: gradient steps of ``learn()`` when it is not told
    default_total_timesteps: ClassVar[int] = 4400
    #: an upper reference that is given true rewards and costs, in place of feedback
    reads_outcomes: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Every constructor checks what it names itself, and its parents' what it hands on."""
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = checking_types(cls.__init__)  # type: ignore[method-assign]

    @checking_types
    def __init__(
        self,
        policy: str | type[BasePolicy],
        env: GymEnv | str | None,
        learning_rate: float | Schedule,
        *,
        max_grad_norm: float,
        average_decay: float,
        precision: str,
        policy_kwargs: dict[str, Any] | None,
        stats_window_size: int,
        tensorboard_log: str | None,
        verbose: int,
        device: th.device | str,
        seed: int | None,
        init_setup_model: bool,
    ) -> None:
        check_precision(precision)
        if isinstance(policy, str) and policy not in self.policy_aliases:
            allowed = ", ".join(map(repr, self.policy_aliases))
            raise ConfigError(f"policy {policy!r} is unknown; allowed are {allowed} or a class")
        if isinstance(policy, type) and not issubclass(policy, OfflinePolicy):
            raise ConfigError(
                f"policy {policy.__name__} is not of this package: allowed are subclasses of "
                "sb3_presa.policies.policy.OfflinePolicy, and names"
            )
        if not 0.0 <= average_decay < 1.0:
            raise ConfigError(f"average_decay is {average_decay}; allowed is [0, 1)")
        if not max_grad_norm > 0.0:
            raise ConfigError(f"max_grad_norm is {max_grad_norm}; it must be above 0")
        if not callable(learning_rate) and learning_rate < 0.0:
            raise ConfigError(f"learning_rate is {learning_rate}; it must be at least 0")
        super().__init__(
            policy,
            None,  # SB3's own checks of an environment are assertions; see _take_env
            learning_rate,
            policy_kwargs=policy_kwargs,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            device=device,
            support_multi_env=True,
            seed=seed,
        )
        self.algorithm = type(self).__name__
        self.max_grad_norm = max_grad_norm
        self.average_decay = average_decay
        self.precision = precision
        self.buffer: SegmentBuffer | None = None
        self.feedback: Feedback | None = None
        self._policy_name = policy
        # Of the minibatches while there is no ``seed``; and of what is held out, which stays held
        # out when ``set_random_seed`` gives the minibatches another
        self._minibatch_seed = _draw_seed() if seed is None else seed
        self._parameters_given = False
        self.n_envs = 1
        if env is not None:
            self._take_env(env, init_setup_model)

    def _take_env(self, env: GymEnv | str, setup_model: bool) -> None:
        """The spaces of the environment become the model's."""
        env = self._wrap_env(maybe_make_env(env, self.verbose), self.verbose)
        check_action_space(env.action_space)
        check_not_normalized(env)
        if setup_model:  # otherwise it is being loaded, and its policy_kwargs are yet to come
            self._check_policy_fits(env.observation_space)
        self.observation_space, self.action_space = env.observation_space, env.action_space
        self.env, self.n_envs = env, env.num_envs
        self._vec_normalize_env = unwrap_vec_normalize(env)
        if setup_model:
            self._setup_model()

    def _check_policy_fits(self, observation_space: spaces.Space[Any]) -> None:
        check_policy_fits(
            self._policy_name, self.policy_class, self.policy_kwargs, observation_space
        )

    def _setup_model(self) -> None:
        self._setup_lr_schedule()
        self.set_random_seed(self.seed)
        self.policy = self.policy_class(  # type: ignore[assignment]
            self.observation_space, self.action_space, self.lr_schedule, **self.policy_kwargs
        )
        self.policy = self.policy.to(self.device)
        # Layers that act otherwise in training (dropout) would bias every log-ratio
        self.policy.set_training_mode(False)
        self._generator = th.Generator(device=self.device)
        # Not saved: a model that is loaded on another machine asks that one
        self._compute_dtype = resolve_precision(self.precision, self.device)
        if self.verbose >= 1:
            name = str(self._compute_dtype).removeprefix("torch.")
            print(f"Training in {name} on {self.device}")

    # --- data -------------------------------------------------------------------------------

    @classmethod
    def load_offline(
        cls: type[SelfOfflineAlgorithm],
        dataset: DatasetLike,
        feedback: str | Feedback | None = "default",
        *,
        env: GymEnv | str | None = None,
        policy: str | type[BasePolicy] = "MlpPolicy",
        **kwargs: Any,
    ) -> SelfOfflineAlgorithm:
        """
        A new model on a dataset, ready to ``learn()``.

        :param dataset: a Minari dataset, its id, or the path of its folder
        :param feedback: name of the feedback set that lies beside the dataset, or labels
        :param env: environment to take the spaces from, the dataset's where ``None``
        :param policy: policy name or class
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
            read by an algorithm that ``reads_outcomes``
        :raises DatasetError: if the dataset cannot be used with this model
        :raises FeedbackError: if the labels cannot be used; the model then has no data, neither
            these nor those that it had
        """
        transitions, labels = read_data(dataset, None if self.reads_outcomes else feedback)
        observation_space = channels_first(transitions.observation_space)
        if not hasattr(self, "observation_space"):
            self._check_policy_fits(observation_space)
            check_action_space(transitions.action_space)
            self.observation_space, self.action_space = observation_space, transitions.action_space
        check_fits(self, observation_space, transitions.action_space)
        if not hasattr(self, "policy"):
            self._setup_model()
        if self.reads_outcomes:  # the only way by which rewards and costs reach an algorithm
            labels = self._use_outcomes(transitions, load_outcomes(dataset)) or labels
        try:
            self._use_data(transitions, labels)
        except BaseException:
            self.buffer = self.feedback = None  # half of what was refused is in place by now
            raise

    def _use_outcomes(self, transitions: Transitions, outcomes: Outcomes) -> Feedback | None:
        """
        Called before the data are used, of an algorithm that ``reads_outcomes`` only.

        :param transitions: what the policy saw and did
        :param outcomes: rewards and costs of the same steps, in the same order
        :return: labels to train on that were made of them, on the same episodes; ``None`` for none
        """
        del transitions, outcomes
        return None

    def _use_data(self, transitions: Transitions, feedback: Feedback) -> None:
        self.feedback = feedback
        self.buffer = SegmentBuffer(transitions, feedback, self.device, self.policy.scale_actions)
        if self._is_untrained():
            self.policy.fit_standardizer(self.buffer.observations)

    def _is_untrained(self) -> bool:
        """Whether no weights were trained here or given, with statistics that belong to them."""
        return self.num_timesteps == 0 and not self._parameters_given

    # --- learning ---------------------------------------------------------------------------

    def learn(
        self: SelfOfflineAlgorithm,
        total_timesteps: int | None = None,
        callback: MaybeCallback = None,
        log_interval: int | None = 100,
        tb_log_name: str | None = None,
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> SelfOfflineAlgorithm:
        """
        Trains the model.

        :param total_timesteps: gradient steps; the algorithm's default where ``None``
        :param callback: SB3 callback(s), called at every gradient step
        :param log_interval: gradient steps between two log entries, ``None`` for no entries
        :param tb_log_name: name of the run for TensorBoard, the algorithm's where ``None``
        :param reset_num_timesteps: start to count anew; ``False`` goes on where a model stopped
        :param progress_bar: show a progress bar
        :return: the model
        :raises ConfigError: if the model has no dataset, or an argument is out of its range
        """
        total_timesteps = self._check_learning(total_timesteps, log_interval)
        tb_log_name = tb_log_name or self.algorithm
        with self._spaces_env():
            total_timesteps, callback = self._setup_learn(
                total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar
            )
            self._before_learning(total_timesteps)
            self._loop(total_timesteps, callback, log_interval, tb_log_name)
        return self

    def _check_learning(self, total_timesteps: int | None, log_interval: int | None) -> int:
        """The gradient steps to take, or a refusal."""
        if self.buffer is None:
            raise self._lacks("dataset")
        if total_timesteps is None:
            total_timesteps = self.default_total_timesteps
        if total_timesteps < 1 or (log_interval is not None and log_interval < 1):
            raise ConfigError(
                f"total_timesteps ({total_timesteps}) and log_interval ({log_interval}) must be "
                "at least 1"
            )
        return total_timesteps

    def _lacks(self, what: str) -> ConfigError:
        return ConfigError(
            f"this {self.algorithm} has no {what}: make it with "
            f"{self.algorithm}.load_offline(dataset), or call set_dataset(dataset) first"
        )

    def _loop(
        self,
        total_timesteps: int,
        callback: BaseCallback,
        log_interval: int | None,
        tb_log_name: str,
    ) -> None:
        # callbacks read these from the loop's locals
        dones, infos = np.zeros(1, dtype=bool), [{}]  # type: ignore[var-annotated]
        callback.on_training_start(locals(), globals())
        callback.on_rollout_start()
        metrics = MeanMetrics()
        while self.num_timesteps < total_timesteps:
            self._update_current_progress_remaining(self.num_timesteps, total_timesteps)
            with self.policy.dropping_out(self._generator):
                metrics.add(self._train_step(self.num_timesteps))
            self.policy.update_average(self._average_decay_at(self.num_timesteps))
            self.num_timesteps += 1
            self._n_updates += 1
            callback.update_locals(locals())
            if not callback.on_step():
                break
            is_last = self.num_timesteps == total_timesteps
            if is_last or (log_interval is not None and self.num_timesteps % log_interval == 0):
                callback.on_rollout_end()
                if log_interval is not None:
                    self._record(metrics.pop())
                    self.dump_logs()
                if not is_last:
                    callback.on_rollout_start()
        callback.on_training_end()

    def _average_decay_at(self, step: int) -> float:
        """
        Less at first: the average starts from weights that nobody trained, and must forget them.

        :param step: gradient steps taken before this one
        :return: share of the old average that stays
        """
        return min(self.average_decay, (1 + step) / (10 + step))

    @abstractmethod
    def _train_step(self, step: int) -> dict[str, th.Tensor]:
        """
        One gradient step.

        :param step: gradient steps taken so far
        :return: metrics as scalars on the device, which are read at the next log entry only
        """

    def _before_learning(self, total_timesteps: int) -> None:
        """
        Called once before the first gradient step of a call to ``learn``.

        :param total_timesteps: gradient steps at which training ends, earlier calls included
        """

    def _record(self, metrics: dict[str, float]) -> None:
        for name, value in metrics.items():
            self.logger.record(f"train/{name}", value)
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")

    def dump_logs(self) -> None:
        """Writes what was recorded since the last log entry."""
        seconds = max((time.time_ns() - self.start_time) / 1e9, sys.float_info.epsilon)
        steps = self.num_timesteps - self._num_timesteps_at_start
        self.logger.record("time/fps", int(steps / seconds))
        self.logger.record("time/time_elapsed", int(seconds), exclude="tensorboard")
        self.logger.record("time/total_timesteps", self.num_timesteps, exclude="tensorboard")
        self.logger.dump(self.num_timesteps)

    def _step_generator(self, step: int) -> th.Generator:
        """The generator of a step's minibatch: a function of the seed and the step alone."""
        seed = self._minibatch_seed if self.seed is None else self.seed
        state = np.random.SeedSequence((seed, step)).generate_state(1)
        self._generator.manual_seed(int(state[0]))
        return self._generator

    def _autocast(self) -> AbstractContextManager[Any]:
        """Forward passes of training run in this; ``predict`` does not."""
        enabled = self._compute_dtype is not th.float32
        return th.autocast(self.device.type, dtype=th.bfloat16, enabled=enabled)

    def _gradient_step(self, loss: th.Tensor, learning_rate: float) -> None:
        optimizer = self.policy.optimizer
        update_learning_rate(optimizer, learning_rate)
        optimizer.zero_grad()
        loss.backward()
        if self.max_grad_norm < math.inf:
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            th.nn.utils.clip_grad_norm_(parameters, self.max_grad_norm, foreach=True)
        optimizer.step()

    # --- SB3 --------------------------------------------------------------------------------

    def set_env(self, env: GymEnv, force_reset: bool = True) -> None:
        """
        Sets the environment that ``get_env()`` returns. Learning never steps it, so it may have
        any number of environments.

        :param env: environment, or vector of them
        :param force_reset: kept for SB3's interface
        :raises ConfigError: if the environment normalises observations or has other spaces than the
            model, or the model has none yet and cannot take those of the environment
        """
        if not hasattr(self, "observation_space"):
            self._take_env(env, setup_model=True)
            return
        env = self._wrap_env(env, self.verbose)
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

    def get_parameters(self) -> dict[str, dict[str, Any]]:
        self._check_has_policy()  # here, so that ``save`` is refused as well
        return super().get_parameters()

    def set_parameters(
        self,
        load_path_or_dict: str | dict[str, Any],
        exact_match: bool = True,
        device: th.device | str = "auto",
    ) -> None:
        self._check_has_policy()
        try:
            super().set_parameters(load_path_or_dict, exact_match, device)
        except (ValueError, RuntimeError) as error:
            # ``load`` has put the name there that the file has
            if self.algorithm == type(self).__name__:
                raise
            raise ConfigError(
                f"this is a model of {self.algorithm}, and {type(self).__name__} cannot load it: "
                f"{error}"
            ) from error
        # ``load`` comes here too, perhaps with new weights: their optimizer has taken no step
        alone = isinstance(load_path_or_dict, dict) and "policy.optimizer" not in load_path_or_dict
        given = alone and "policy" in load_path_or_dict
        self._parameters_given |= given or bool(self.policy.optimizer.state)

    def _check_has_policy(self) -> None:
        if not hasattr(self, "policy"):
            raise self._lacks("policy yet, for want of spaces")

    @contextmanager
    def _spaces_env(self) -> Iterator[None]:
        """While learning, callbacks see one environment that is never stepped."""
        env, n_envs, normalizer = self.env, self.n_envs, self._vec_normalize_env
        self.env, self.n_envs = SpacesVecEnv(self.observation_space, self.action_space), 1
        self._last_obs = self._vec_normalize_env = None
        try:
            yield
        finally:
            self.env, self.n_envs, self._last_obs = env, n_envs, None
            self._vec_normalize_env = normalizer

    def _excluded_save_params(self) -> list[str]:
        # The dataset stays where it is; a saved model holds weights and settings
        left_out = ["buffer", "feedback", "_generator", "_compute_dtype"]
        return [*super()._excluded_save_params(), *left_out]

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        return ["policy", "policy.optimizer"], []


def _draw_seed() -> int:
    """From the generator that SB3's ``set_random_seed`` seeds and initial weights do not use."""
    return int(np.random.randint(2**32, dtype=np.int64))  # noqa: NPY002
