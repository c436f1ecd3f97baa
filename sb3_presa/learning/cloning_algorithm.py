"""What the algorithms share that start by cloning transitions, or do nothing else."""

from abc import ABC, abstractmethod

import torch as th

from sb3_presa.learning.cloning import cloning_loss
from sb3_presa.learning.offline_algorithm import OfflineAlgorithm


class CloningAlgorithm(OfflineAlgorithm, ABC):
    """
    Behaviour cloning, at every step unless a subclass says otherwise.

    A step is made of parts that are the model's own (``_enter_step``, ``_sample_cloning_rows``,
    ``_learning_rate_at``) and of a loss, so that many models can take their steps together.
    """

    def _train_step(self, step: int) -> dict[str, th.Tensor]:
        self._enter_step(step)
        return self._cloning_step(step)

    def _enter_step(self, step: int) -> None:
        """
        Resets what a phase that starts with this step begins without.

        :param step: gradient steps taken so far
        """
        if step == 0:
            self.policy.optimizer.state.clear()

    def _clones(self, step: int) -> bool:
        """
        :param step: gradient steps taken so far
        :return: whether this step clones
        """
        del step
        return True

    def _cloning_step(self, step: int) -> dict[str, th.Tensor]:
        assert self.buffer is not None
        rows = self._sample_cloning_rows(self._step_generator(step))
        observations, actions = self.buffer.gather(rows)
        with self._autocast():
            loss = cloning_loss(self.policy.actor, observations, actions)
        self._gradient_step(loss, self._learning_rate_at(step))
        return {"cloning_loss": loss}

    @abstractmethod
    def _sample_cloning_rows(self, generator: th.Generator) -> th.Tensor:
        """
        :param generator: source of randomness
        :return: rows of the transitions to clone, (N,)
        """

    @abstractmethod
    def _learning_rate_at(self, step: int) -> float:
        """
        :param step: gradient steps taken so far
        :return: learning rate of this step
        """
