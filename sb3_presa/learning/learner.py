"""SB3's ``learn`` over the one loop, with its callbacks and its logger."""

import math
import os
import sys
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeVar

import numpy as np
import torch as th
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, ConvertCallback
from stable_baselines3.common.type_aliases import MaybeCallback

from sb3_presa.arguments import Count, CountFromZero, check_arguments, check_default_dtype
from sb3_presa.errors import ConfigError
from sb3_presa.learning.diagnostics import describe_saturation
from sb3_presa.learning.loop import TrainingLoop
from sb3_presa.learning.phases import Phase
from sb3_presa.learning.source import BatchSource
from sb3_presa.learning.spaces_env import SpacesVecEnv
from sb3_presa.policies.policy import OfflinePolicy

#: Formats of SB3's logger that are no tables.
_NO_TABLES: Final = ("stdout", "log", "json", "tensorboard")

SelfLearner = TypeVar("SelfLearner", bound="Learner")


class Learner(BaseAlgorithm, ABC):
    """An SB3 algorithm whose ``learn`` takes the gradient steps of its :meth:`phases`."""

    policy: OfflinePolicy
    #: gradient steps of ``learn()`` when it is not told
    default_total_timesteps: ClassVar[int] = 4400
    algorithm: str
    max_grad_norm: float
    average_decay: float
    data_seed: int
    compute_dtype: th.dtype
    _generator: th.Generator

    def learn(
        self: SelfLearner,
        total_timesteps: CountFromZero | None = None,
        callback: MaybeCallback = None,
        log_interval: Count | None = 100,
        tb_log_name: str | None = None,
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> SelfLearner:
        """
        Trains the model.

        :param total_timesteps: gradient steps; the algorithm's default where ``None``. 0, which is
            what remains of a finished run, takes none
        :param callback: SB3 callback(s), called at every gradient step
        :param log_interval: gradient steps between two log entries, ``None`` for no entries
        :param tb_log_name: name of the run for TensorBoard, the algorithm's where ``None``
        :param reset_num_timesteps: start to count anew; ``False`` goes on where a model stopped
        :param progress_bar: show a progress bar
        :return: the model
        :raises ConfigError: if the model has no dataset, or an argument is out of its range
        :raises DivergenceError: if a weight is not finite at a log entry or at the end
        """
        with self.learning(
            total_timesteps, callback, log_interval, tb_log_name, reset_num_timesteps, progress_bar
        ) as run:
            self._loop(run, log_interval)
        self.warn_of_saturation(stacklevel=2)
        return self

    @contextmanager
    def learning(
        self,
        total_timesteps: float | None = None,
        callback: MaybeCallback = None,
        log_interval: int | None = 100,
        tb_log_name: str | None = None,
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> Iterator["Run"]:
        """
        The frame of :meth:`learn`, for who takes the steps elsewhere; arguments as there.

        :return: the run, for as long as the context is open
        """
        steps = self.steps_of(total_timesteps, log_interval)
        for one in callback if isinstance(callback, list) else [callback]:
            if not (one is None or callable(one) or isinstance(one, BaseCallback)):
                raise ConfigError(f"`callback` must be callbacks of SB3 or functions, got {one!r}")
        if isinstance(callback, list):
            given: list[Any] = callback  # also functions, which SB3 takes only alone
            converted = [
                one if isinstance(one, BaseCallback) else ConvertCallback(one)
                for one in given
                if one
            ]
            callback = converted
        with self._spaces_env(), th.enable_grad():
            anew = reset_num_timesteps and steps > 0  # no step leaves all as it is
            end, prepared = self._setup_learn(
                steps, callback, anew, tb_log_name or self.algorithm, progress_bar
            )
            self._remove_logger_folder()
            if self.verbose >= 1:
                name = str(self.compute_dtype).removeprefix("torch.")
                print(f"Training in {name} on {self.device}")
            phases = self.phases(end)
            if shortage := self._shortage(phases, end):
                warnings.warn(shortage, stacklevel=4)
            if self.num_timesteps == 0:
                self._restart()
            loop = TrainingLoop(
                phases,
                self.policy,
                lambda: self.data_seed if self.seed is None else self.seed,
                self._generator,
                self.max_grad_norm,
                self.average_decay,
            )
            yield Run(self, loop, end, prepared)

    def _remove_logger_folder(self) -> None:
        """SB3 makes a folder for every logger, and writes nothing to it if it is its own."""
        if not self._custom_logger and self.tensorboard_log is None and self.logger.dir:
            with suppress(OSError):  # what is not empty stays
                os.rmdir(self.logger.dir)

    def steps_of(self, total_timesteps: float | None, log_interval: int | None = 100) -> int:
        """
        :param total_timesteps: as :meth:`learn` takes it
        :param log_interval: as :meth:`learn` takes it
        :return: the gradient steps that it would take
        :raises ConfigError: if the model has no dataset, or an argument is out of its range
        """
        self.require_source()
        check_default_dtype()
        if isinstance(total_timesteps, float) and total_timesteps.is_integer():
            total_timesteps = int(total_timesteps)  # 1e4, as many write it
        values = {"total_timesteps": total_timesteps, "log_interval": log_interval}
        check_arguments(Learner.learn, values)
        return self.default_total_timesteps if total_timesteps is None else int(total_timesteps)

    @abstractmethod
    def phases(self, total_timesteps: int | None = None) -> Sequence[Phase]:
        """
        The stretches of a run, in order.

        :param total_timesteps: gradient steps at which the run ends, earlier calls of ``learn``
            included; the algorithm's default where ``None``
        :return: phases that cover every step from 0 on, without a gap
        :raises ConfigError: if the model has no dataset
        """

    def _shortage(self, phases: Sequence[Phase], end: int) -> str:
        """
        :param phases: the phases of a run
        :param end: gradient steps at which it ends
        :return: what the run is too short for, to warn of; empty for nothing
        """
        del phases, end
        return ""

    def _restart(self) -> None:
        """Called before step 0: what a run begins without."""
        self.policy.optimizer.state.clear()

    def _loop(self, run: "Run", log_interval: int | None) -> None:
        # Callbacks read these from the loop's locals
        loop, callback, total_timesteps = run.loop, run.callback, run.end
        dones, infos = np.zeros(1, dtype=bool), [{}]  # type: ignore[var-annotated]
        callback.on_training_start(locals(), globals())
        callback.on_rollout_start()
        while self.num_timesteps < total_timesteps:
            self.show_progress(total_timesteps)
            if entered := loop.step(self.num_timesteps):
                self.record(entered)
            self.count_step()
            callback.update_locals(locals())
            if not callback.on_step():
                break
            is_last = self.num_timesteps == total_timesteps
            if is_last or (log_interval is not None and self.num_timesteps % log_interval == 0):
                callback.on_rollout_end()
                if log_interval is not None:
                    entry = loop.entry(self.num_timesteps, loop.metrics.pop())
                    self.record(entry)
                    self.dump_logs(loop.columns)
                    loop.check_finite(self.num_timesteps, entry)
                if not is_last:
                    callback.on_rollout_start()
        loop.check_finite(self.num_timesteps)
        callback.on_training_end()

    def warn_of_saturation(self, stacklevel: int) -> None:
        """
        Warns of a policy that cannot learn any more.

        :param stacklevel: the caller's, as ``warnings.warn`` counts
        """
        if found := describe_saturation(self.policy, self.require_source()):
            warnings.warn(
                f"the policy must depend on observations, but its action is {found}. Its weights "
                "are saturated: train anew with a lower learning rate",
                stacklevel=stacklevel + 1,
            )

    def show_progress(self, end: int) -> None:
        """
        :param end: gradient steps at which the run ends
        """
        self._update_current_progress_remaining(self.num_timesteps, end)

    def begin_at(self, step: int) -> None:
        """
        The weights are those of a run that has come to a step: ``learn`` goes on from there with
        ``reset_num_timesteps=False``.

        :param step: gradient steps that were taken
        """
        self.num_timesteps = self._n_updates = step

    def count_step(self) -> None:
        """One more gradient step was taken."""
        self.num_timesteps += 1
        self._n_updates += 1

    def record(self, values: Mapping[str, float]) -> None:
        """
        :param values: numbers for the next log entry, by their full names
        """
        for name, value in values.items():
            self.logger.record(name, value)

    def dump_logs(self, columns: Sequence[str] = ()) -> None:
        """
        Writes what was recorded since the last log entry.

        :param columns: names that the entries of the run have; those that this one lacks are NaN in
            tables, so that a CSV file has all its columns from its first row on
        """
        for name in columns:
            if name not in self.logger.name_to_value:
                self.logger.record(name, math.nan, exclude=_NO_TABLES)
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        seconds = max((time.time_ns() - self.start_time) / 1e9, sys.float_info.epsilon)
        steps = self.num_timesteps - self._num_timesteps_at_start
        self.logger.record("time/fps", int(steps / seconds))
        self.logger.record("time/time_elapsed", int(seconds), exclude="tensorboard")
        self.logger.record("time/total_timesteps", self.num_timesteps, exclude="tensorboard")
        self.logger.dump(self.num_timesteps)

    @abstractmethod
    def require_source(self) -> BatchSource:
        """
        :return: what minibatches are drawn from
        :raises ConfigError: if the model has no dataset
        """

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


@dataclass(frozen=True, eq=False)
class Run:
    """
    A call of ``learn``.

    :param model: who learns
    :param loop: takes the steps
    :param end: gradient steps at which it ends
    :param callback: the callbacks
    """

    model: Learner
    loop: TrainingLoop
    end: int
    callback: BaseCallback
