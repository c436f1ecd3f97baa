"""One gradient step of many models at once."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import torch as th
from stable_baselines3.common.utils import update_learning_rate

from sb3_presa.learning.alignment import AlignmentAlgorithm
from sb3_presa.learning.cloning_algorithm import CloningAlgorithm
from sb3_presa.learning.many.aligned_group import AlignedGroup
from sb3_presa.learning.many.stacked_actors import StackedActors
from sb3_presa.learning.mean_metrics import MeanMetrics


class JointTraining:
    """
    Takes the steps of many models together: one gather, one forward and backward pass of the
    stacked networks, one evaluation of the objective for all models that share it. Randomness,
    phases, learning rates and optimizers stay each model's own.

    :param models: models that ``check_alike`` lets through, with shared transitions
    """

    def __init__(self, models: Sequence[CloningAlgorithm]) -> None:
        self._groups = [AlignedGroup(group) for group in _with_one_objective(models)]
        grouped: list[CloningAlgorithm] = [m for group in self._groups for m in group.models]
        self._models = grouped or list(models)
        policies = [model.policy for model in self._models]
        self._actors = StackedActors([policy.actor for policy in policies])
        self._optimizers = [policy.optimizer for policy in policies]
        self._parameters = [_parameters(optimizer) for optimizer in self._optimizers]
        max_norms = [model.max_grad_norm for model in self._models]
        self._max_norms = th.tensor(max_norms, device=self._models[0].device)
        self._cloning_means = MeanMetrics()
        self._group_means = [MeanMetrics() for _ in self._groups]

    def step(self, step: int) -> None:
        """
        :param step: gradient steps that each model has taken so far
        """
        with ExitStack() as dropping:
            for model in self._models:
                dropping.enter_context(model.policy.dropping_out(model._generator))
                model._enter_step(step)
            losses = self._clone(step) if self._models[0]._clones(step) else self._align(step)
            self._gradient_step(losses.sum(), step)

    def pop_metrics(self, step: int) -> Iterator[tuple[CloningAlgorithm, dict[str, float]]]:
        """
        :param step: the last step that was taken
        :return: each model and the means of its metrics since they were last asked for
        """
        if self._models[0]._clones(step):
            yield from _by_model(self._models, self._cloning_means.pop())
            return
        for group, means in zip(self._groups, self._group_means, strict=True):
            yield from _by_model(group.models, means.pop())

    def _clone(self, step: int) -> th.Tensor:
        rows = [model._sample_cloning_rows(model._step_generator(step)) for model in self._models]
        losses = -self._log_prob(th.stack(rows)).mean(1)
        self._cloning_means.add({"cloning_loss": losses})
        return losses

    def _align(self, step: int) -> th.Tensor:
        batches = [group.sample(step) for group in self._groups]
        log_prob = self._log_prob(th.cat([batch.steps.rows for batch in batches]))
        parts = log_prob.split([len(group.models) for group in self._groups])
        losses = []
        for group, batch, part, means in zip(
            self._groups, batches, parts, self._group_means, strict=True
        ):
            loss, metrics = group.losses(batch, part, step)
            losses.append(loss)
            means.add(metrics)
        return th.cat(losses)

    def _log_prob(self, rows: th.Tensor) -> th.Tensor:
        """Of the transitions in each model's rows, (M, ...), by that model."""
        first = self._models[0]
        assert first.buffer is not None
        observations, actions = first.buffer.gather(rows)
        with first._autocast():
            return self._actors.log_prob(observations, actions).view(rows.shape)

    def _gradient_step(self, loss: th.Tensor, step: int) -> None:
        for model, optimizer in zip(self._models, self._optimizers, strict=True):
            update_learning_rate(optimizer, model._learning_rate_at(step))
        for parameter in [p for own in self._parameters for p in own]:
            parameter.grad = None
        loss.backward()
        self._clip_gradients()
        for optimizer in self._optimizers:
            optimizer.step()

    @th.no_grad()
    def _clip_gradients(self) -> None:
        """Those of each model to its own norm, as ``clip_grad_norm_`` does."""
        gradients = [p.grad for own in self._parameters for p in own if p.grad is not None]
        norms = th.stack(th._foreach_norm(gradients)).view(len(self._models), -1)
        scale = (self._max_norms / (norms.norm(dim=1) + 1e-6)).clamp(max=1.0)
        th._foreach_mul_(gradients, list(scale.repeat_interleave(norms.shape[1]).unbind()))


def _with_one_objective(models: Sequence[CloningAlgorithm]) -> list[list[AlignmentAlgorithm]]:
    """Models that align, those together whose objectives can be evaluated together."""
    groups: dict[Any, list[AlignmentAlgorithm]] = {}
    for model in models:
        if isinstance(model, AlignmentAlgorithm):
            key = type(model.objective), model.objective.signature()
            groups.setdefault(key, []).append(model)
    return list(groups.values())


def _parameters(optimizer: th.optim.Optimizer) -> list[th.Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def _by_model(
    models: Sequence[CloningAlgorithm], metrics: dict[str, list[float]]
) -> Iterator[tuple[CloningAlgorithm, dict[str, float]]]:
    for index, model in enumerate(models):
        yield model, {name: values[index] for name, values in metrics.items()}
