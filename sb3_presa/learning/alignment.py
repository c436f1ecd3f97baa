"""Alignment: a phase on pairs of labelled segments, against a frozen reference."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import torch as th
from torch import nn

from sb3_presa.learning.compilation import CompiledFunction
from sb3_presa.learning.diagnostics import (
    policy_diagnostic_names,
    policy_diagnostics,
    validation_metrics,
    validation_rows,
)
from sb3_presa.learning.exactness import Exactness
from sb3_presa.learning.losses import LossAndState, PairBatch, State
from sb3_presa.learning.phases import Autocast, LikelihoodPhase, log_prob_of_all
from sb3_presa.learning.source import BatchSource, SegmentLabels, SegmentSteps, sample_rows
from sb3_presa.policies.actor import Actor
from sb3_presa.policies.policy import OfflinePolicy

#: From a minibatch and the state to a loss, scalars to log, and the next state.
PairLoss: TypeAlias = Callable[[PairBatch, State], LossAndState]


class PairRows(NamedTuple):
    """The draw of a minibatch: pairs, and steps of their segments."""

    pairs: th.Tensor  #: rows of the table of pairs, (B,)
    steps: SegmentSteps  #: steps sampled of both segments of each pair, (B, 2, K)
    #: safety level of each pair as a column of the weights, (B,); ``None`` for the policy's own
    columns: th.Tensor | None = None


@dataclass(frozen=True, eq=False)
class PairSampler:
    """
    Draws pairs, with replacement, uniformly from each of some groups.

    :param groups: rows of the table of pairs, and how many of them are drawn
    """

    groups: Sequence[tuple[th.Tensor, int]]

    @property
    def n_pairs(self) -> int:
        """:return: pairs of a minibatch, B"""
        return sum(n for _, n in self.groups)

    def draw(self, generator: th.Generator) -> th.Tensor:
        """
        :param generator: source of randomness
        :return: rows of the table of pairs, (B,)
        """
        device = generator.device
        drawn = [
            rows[th.randint(len(rows), (n,), generator=generator, device=device)]
            for rows, n in self.groups
        ]
        return th.cat(drawn)


class Objective(nn.Module, ABC):
    """
    The loss of an algorithm after cloning. Its state that training changes (a multiplier,
    running means) is kept in buffers, so it is saved and restored with the model.
    """

    #: names of the scalars that the loss returns beside itself
    metrics: tuple[str, ...]

    @abstractmethod
    def attach(self, labels: SegmentLabels) -> tuple[SegmentLabels, PairSampler]:
        """
        Told of the labels that it will be trained on, before the first step.

        :param labels: the training labels
        :return: the same, with what the loss is to know of them, and what draws pairs of them
        """

    def reset(self) -> None:
        """Back to the state before the first alignment step."""

    def check_state(self, state: Mapping[str, th.Tensor]) -> None:
        """
        :param state: a state that is to become this one's
        :raises ConfigError: for a number out of its range
        """

    def state(self) -> State:
        """:return: the state that the next loss is computed from"""
        return dict(self.named_buffers())

    def keep(self, state: State) -> None:
        """
        :param state: the state that a loss returned; it becomes this one's
        """
        for name, buffer in self.named_buffers():
            if state[name] is not buffer:  # most of them do not change in a step
                buffer.copy_(state[name])

    @abstractmethod
    def signature(self) -> Hashable:
        """
        Objectives of one class with equal signatures have the same loss.

        :return: all that the loss depends on beside the state and the batch
        """

    @abstractmethod
    def preference_utility(self, batch: PairBatch) -> th.Tensor:
        """
        :param batch: a minibatch
        :return: utility of each segment on which preferences are classified, (B, 2)
        """

    @abstractmethod
    def safety_utility(self, batch: PairBatch) -> th.Tensor:
        """
        :param batch: a minibatch
        :return: utility of each segment on which safety labels are classified, (B, 2)
        """


class Reference:
    """
    The frozen policy that log-ratios are taken against, and its log-probabilities of all
    transitions, which are computed once.

    :param policy: the policy that has it
    :param source: the data
    :param autocast: context of forward passes; the precision is that of the trained policy
    """

    def __init__(self, policy: OfflinePolicy, source: BatchSource, autocast: Autocast) -> None:
        self._policy, self._source, self._autocast = policy, source, autocast
        self._log_prob: th.Tensor | None = None

    def freeze(self) -> None:
        """The policy as it is becomes the reference."""
        self._policy.freeze_reference()
        self._log_prob = None

    def log_prob(self) -> th.Tensor:
        """:return: log pi_ref of every transition, (N,)"""
        if self._log_prob is None:
            with self._autocast():
                self._log_prob = log_prob_of_all(self._policy.actor_reference, self._source)
        return self._log_prob


class Align(LikelihoodPhase):
    """
    A loss on pairs of labelled segments, from the reference on.

    :param name: name of the phase
    :param loss: the loss
    :param objective: whose state the loss moves
    :param pairs: draws the pairs
    :param n_segment_steps: steps sampled of each segment longer than that
    :param reference: the reference
    :param freezes_reference: whether the policy becomes the reference when the phase is entered;
        otherwise it returns to the reference that there is
    :param on_enter: changes the state of the objective at the start; returns numbers to log
    :param exactness: tells by which share of the learning rates the reference is moved; ``None``
        moves it by all
    :param compiles: whether the step is compiled
    :param kwargs: as for :class:`~sb3_presa.learning.phases.LikelihoodPhase`
    """

    def __init__(
        self,
        *args: Any,
        name: str,
        loss: PairLoss,
        objective: Objective,
        pairs: PairSampler,
        n_segment_steps: int,
        reference: Reference,
        freezes_reference: bool = True,
        on_enter: Callable[[], dict[str, float]] | None = None,
        exactness: Exactness | None = None,
        compiles: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.name = name  # type: ignore[misc]  # one class, a name for each stretch
        self.pair_loss = loss
        self.objective = objective
        self.pairs = pairs
        self.n_segment_steps = max(1, min(n_segment_steps, self.source.training.max_length))
        self.metrics = ("loss", *objective.metrics)  # type: ignore[misc]
        self._reference = reference
        self._reference_log_prob = th.zeros(0)
        self._freezes_reference = freezes_reference
        self._on_enter = on_enter
        self._exactness = exactness
        self._evaluate = self._loss_of_rows
        if compiles:
            self._evaluate = CompiledFunction(self._loss_of_rows, self.source.device)
        self._validation_rows = validation_rows(self.source.held_out)
        self.reports = policy_diagnostic_names(self.policy)
        if exactness is not None:
            self.reports += ("train/clone_error",)
        if self._validation_rows is not None:
            self.reports += ("validation/preference_accuracy", "validation/safety_auc")

    def enter(self) -> dict[str, float]:
        if self._freezes_reference:
            self._reference.freeze()
        self.policy.return_to_reference()
        self.policy.optimizer.state.clear()
        found: dict[str, float] = {}
        if self._exactness is not None:
            found["train/clone_error"] = self._exactness.error
        if self._on_enter is not None and self._share_of_rates() > 0.0:
            found |= self._on_enter()
        return found

    def _share_of_rates(self) -> float:
        return 1.0 if self._exactness is None else self._exactness.share_of_rates

    def prepare(self) -> None:
        share, steps = self._share_of_rates(), range(self.start, self.stop)
        self.learning_rates = [share * self._rate_at(step) for step in steps]
        if self.source.training.levels is None:
            self._reference_log_prob = self._reference.log_prob()

    def sample(self, generator: th.Generator) -> PairRows:
        pairs = self.pairs.draw(generator)
        labels = self.source.training
        steps = self.source.sample_steps(labels.pairs[pairs], self.n_segment_steps, generator)
        if labels.levels is None:
            return PairRows(pairs, steps)
        return PairRows(pairs, steps, sample_rows(len(labels.levels), len(pairs), generator))

    def rows_of(self, batch: PairRows) -> th.Tensor:
        return batch.steps.rows

    def loss(self, batch: PairRows) -> LossAndState:
        return self._evaluate(batch, self.objective.state())

    def _loss_of_rows(self, batch: PairRows, state: State) -> LossAndState:
        """All that lies between the minibatch's indices and its loss: what is compiled."""
        pairs = self.pair_batch(batch, self._log_prob(self.policy.actor, batch))
        loss, metrics, state = self.pair_loss(pairs, state)
        return loss, {"loss": loss, **metrics}, state

    def _log_prob(self, actor: Actor, batch: PairRows) -> th.Tensor:
        rows, levels = batch.steps.rows, None
        if batch.columns is not None and self.source.training.levels is not None:
            of_pairs = self.source.training.levels[batch.columns]
            levels = of_pairs.view(-1, 1, 1).expand(rows.shape).flatten()
        observations, actions = self.source.gather(rows)
        with self.autocast():
            return actor.log_prob(observations, actions, levels).view(rows.shape)

    def _log_prob_of_reference(self, batch: PairRows) -> th.Tensor:
        """Kept for all transitions, unless each of them has one at every safety level."""
        if self.source.training.levels is None:
            return self._reference_log_prob[batch.steps.rows]
        with th.no_grad():
            return self._log_prob(self.policy.actor_reference, batch)

    def loss_of(self, log_prob: th.Tensor, batch: PairRows) -> LossAndState:
        return self.pair_loss(self.pair_batch(batch, log_prob), self.objective.state())

    def pair_batch(
        self, batch: PairRows, log_prob: th.Tensor, labels: SegmentLabels | None = None
    ) -> PairBatch:
        """
        :param batch: what was drawn
        :param log_prob: log pi of each step, (B, 2, K)
        :param labels: the labels that it was drawn from, those to train on by default
        :return: what the loss is computed from
        """
        labels = self.source.training if labels is None else labels
        rows, steps = batch.pairs, batch.steps
        segments = labels.pairs[rows]
        return PairBatch(
            log_ratio=log_prob - self._log_prob_of_reference(batch),
            log_prob=log_prob,
            positions=steps.positions,
            weights=steps.weights,
            lengths=steps.lengths,
            p_safe=labels.p_safe[segments],
            preference=labels.preferences[rows],
            usable=labels.usable[rows],
            unlabelled=labels.unlabelled[rows],
            segment_weights=self._weights(labels, segments, batch.columns),
        )

    def _weights(
        self, labels: SegmentLabels, segments: th.Tensor, columns: th.Tensor | None
    ) -> th.Tensor | None:
        """The weight of each segment at the level of its pair, (B, 2)."""
        if labels.weights is None or labels.levels is None:
            return None if labels.weights is None else labels.weights[segments]
        if columns is None:
            columns = (labels.levels - self.policy.actor.level).abs().argmin().expand(len(segments))
        return labels.weights[segments, columns.unsqueeze(1)]

    def keep(self, state: State) -> None:
        self.objective.keep(state)

    def report(self) -> dict[str, float]:
        found = policy_diagnostics(self.policy, self.source)
        if self._validation_rows is not None:
            found |= self._validate(self._validation_rows)
        return found

    def evaluate(self, pairs: th.Tensor, labels: SegmentLabels | None = None) -> PairBatch:
        """
        :param pairs: rows of a table of pairs, (B,)
        :param labels: the table, that of the training labels by default
        :return: what the loss is computed from, on evenly spaced steps of the segments
        """
        labels = self.source.training if labels is None else labels
        n_steps = max(1, min(self.n_segment_steps, labels.max_length))
        steps = self.source.sample_steps(labels.pairs[pairs], n_steps, None, labels)
        batch = PairRows(pairs, steps)
        return self.pair_batch(batch, self._log_prob(self.policy.actor, batch), labels)

    @th.no_grad()
    def _validate(self, rows: th.Tensor) -> dict[str, float]:
        batch = self.evaluate(rows, self.source.held_out)
        return validation_metrics(
            self.objective.preference_utility(batch),
            self.objective.safety_utility(batch),
            batch.preference,
            batch.p_safe,
        )
