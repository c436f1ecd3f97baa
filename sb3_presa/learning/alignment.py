"""Clone first, then align: the loop that preference and safety objectives share."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import Any, NamedTuple

import torch as th
from torch import nn
from torch.func import functional_call

from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError
from sb3_presa.feedback.holdout import hold_out
from sb3_presa.feedback.table import Feedback
from sb3_presa.learning.cloning import log_prob_of_all, sample_rows, sample_weighted_rows
from sb3_presa.learning.cloning_algorithm import CloningAlgorithm
from sb3_presa.learning.compilation import CompiledFunction
from sb3_presa.learning.diagnostics import policy_diagnostics, validation_metrics, validation_rows
from sb3_presa.learning.schedules import CosineSchedule
from sb3_presa.learning.segment_buffer import SegmentLabels, SegmentSteps, make_labels


class PairBatch(NamedTuple):
    """A minibatch of ``B`` pairs of segments with ``K`` sampled steps each."""

    rows: th.Tensor  #: rows of the table of pairs, (B,)
    log_ratio: th.Tensor  #: log pi - log pi_ref of each step, (B, 2, K)
    log_prob: th.Tensor  #: log pi of each step, (B, 2, K)
    positions: th.Tensor  #: index of each step in its segment, (B, 2, K)
    weights: th.Tensor  #: how many steps each one stands for, (B, 2, K); 0 for padding
    lengths: th.Tensor  #: steps of each segment, (B, 2)
    p_safe: th.Tensor  #: probability that the segment is safe, (B, 2), NaN if not labelled
    preference: th.Tensor  #: probability that the first is preferred, (B,), NaN if none


def make_pair_batch(
    labels: SegmentLabels,
    rows: th.Tensor,
    steps: SegmentSteps,
    log_prob: th.Tensor,
    reference: th.Tensor,
) -> PairBatch:
    """
    :param labels: the table of pairs
    :param rows: rows of ``labels.pairs``, (..., B)
    :param steps: steps sampled of both segments of each pair, (..., B, 2, K)
    :param log_prob: log pi of each step, (..., B, 2, K)
    :param reference: log pi_ref of each step, (..., B, 2, K)
    :return: the minibatch
    """
    return PairBatch(
        rows=rows,
        log_ratio=log_prob - reference,
        log_prob=log_prob,
        positions=steps.positions,
        weights=steps.weights,
        lengths=steps.lengths,
        p_safe=labels.p_safe[labels.pairs[rows]],
        preference=labels.preferences[rows],
    )


class Objective(nn.Module, ABC):
    """
    What an algorithm minimises after cloning. Its state that training changes (a multiplier,
    running means) is kept in buffers, so it is saved and restored with the model.

    :param n_pairs: pairs of segments a gradient step
    :param n_segment_steps: steps sampled of each segment longer than that
    """

    def __init__(self, n_pairs: int, n_segment_steps: int) -> None:
        super().__init__()
        if n_pairs < 1 or n_segment_steps < 1:
            raise ConfigError(
                f"n_pairs ({n_pairs}) and n_segment_steps ({n_segment_steps}) must be at least 1"
            )
        self.n_pairs = n_pairs
        self.n_segment_steps = n_segment_steps

    def attach(self, labels: SegmentLabels) -> None:
        """
        Told of the labels that it will be trained on, before the first step.

        :param labels: the training labels
        """

    def reset(self) -> None:
        """Back to the state before the first alignment step."""

    def before_step(self, step: int) -> dict[str, float]:
        """
        Called before each alignment step; may read from the device at a change of phase only.

        :param step: alignment steps taken so far
        :return: numbers to log once
        """
        del step
        return {}

    def phase_start(self, step: int) -> int:
        """
        The loss depends on the step only through this, so that it is compiled once a phase.
        Every phase starts from the reference policy.

        :param step: alignment steps taken so far
        :return: the first step of the phase that it is in
        """
        del step
        return 0

    def signature(self) -> Hashable:
        """
        Objectives of one class with equal signatures may be evaluated together.

        :return: all that the loss depends on beside the buffers, the labels and the batch
        """
        settings = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return tuple(sorted(settings.items()))

    @abstractmethod
    def sample_pairs(self, labels: SegmentLabels, generator: th.Generator) -> th.Tensor:
        """
        :param labels: the training labels
        :param generator: source of randomness
        :return: rows of ``labels.pairs``, (n_pairs,)
        """

    @abstractmethod
    def forward(self, batch: PairBatch, step: int) -> tuple[th.Tensor, dict[str, th.Tensor]]:
        """
        :param batch: the minibatch
        :param step: alignment steps taken so far, or any other step of the same phase
        :return: the loss, and scalars to log
        """

    @abstractmethod
    def utility(self, batch: PairBatch) -> th.Tensor:
        """
        :param batch: the minibatch
        :return: utility of each segment, on which labels are classified, (B, 2)
        """


class AlignmentAlgorithm(CloningAlgorithm, ABC):
    """
    Behaviour cloning for ``n_cloning_steps``, which gives the reference policy, then an
    objective on pairs of labelled segments.

    :param n_cloning_steps: gradient steps of cloning, at least 0
    :param cloning_learning_rate: learning rate at the start of cloning; falls to a hundredth
    :param cloning_batch_size: transitions a cloning step
    :param validation_fraction: share of the labels held out by episode, in [0, 1); preference
        accuracy and safety AUC on them are logged
    :param compile: compile the alignment step with ``torch.compile``
    :param kwargs: arguments of :class:`OfflineAlgorithm`
    :raises ConfigError: for an argument out of its range
    """

    objective: Objective

    def __init__(
        self,
        *args: Any,
        n_cloning_steps: int,
        cloning_learning_rate: float,
        cloning_batch_size: int,
        validation_fraction: float,
        compile: bool,
        **kwargs: Any,
    ) -> None:
        if n_cloning_steps < 0 or cloning_batch_size < 1:
            raise ConfigError(
                f"n_cloning_steps ({n_cloning_steps}) must be at least 0 and cloning_batch_size "
                f"({cloning_batch_size}) at least 1"
            )
        if not cloning_learning_rate > 0.0:
            raise ConfigError(
                f"cloning_learning_rate is {cloning_learning_rate}; it must be above 0"
            )
        if not 0.0 <= validation_fraction < 1.0:
            raise ConfigError(f"validation_fraction is {validation_fraction}; allowed is [0, 1)")
        self.n_cloning_steps = n_cloning_steps
        self.cloning_learning_rate = cloning_learning_rate
        self.cloning_batch_size = cloning_batch_size
        self.validation_fraction = validation_fraction
        self.compile = compile
        self.validation: SegmentLabels | None = None
        self._reference_log_prob: th.Tensor | None = None
        self.cloning_mass: th.Tensor | None = None
        super().__init__(*args, **kwargs)

    @abstractmethod
    def _make_objective(self) -> Objective:
        """:return: a new objective from the algorithm's settings"""

    def _setup_model(self) -> None:
        super()._setup_model()
        self.objective = self._make_objective().to(self.device)
        self._loss = (
            CompiledFunction(self._evaluate_loss, self.device)
            if self.compile
            else self._evaluate_loss
        )

    def _use_data(self, transitions: Transitions, feedback: Feedback) -> None:
        training, held_out = hold_out(feedback, self.validation_fraction, self._minibatch_seed)
        super()._use_data(transitions, training)
        self.validation = make_labels(transitions, held_out, self.device)
        assert self.buffer is not None
        self.buffer.labels = self._complete_labels(self.buffer.labels, transitions)
        self.objective.attach(self.buffer.labels)
        weights = self._cloning_weights(self.buffer.labels, self.validation)
        self.cloning_mass = None if weights is None else weights.cumsum(0)
        self._reference_log_prob = None

    def _cloning_weights(self, labels: SegmentLabels, held_out: SegmentLabels) -> th.Tensor | None:
        """
        :param labels: the training labels
        :param held_out: those held out
        :return: weight of each transition in cloning, float64, (N,), not all 0; ``None`` for all
            alike
        """
        del labels, held_out
        return None

    def _complete_labels(self, labels: SegmentLabels, transitions: Transitions) -> SegmentLabels:
        """
        :param labels: the training labels
        :param transitions: what they are on
        :return: what minibatches are drawn from, the labels alone unless a subclass adds to them
        """
        del transitions
        return labels

    def _before_learning(self, total_timesteps: int) -> None:
        if self.num_timesteps < total_timesteps <= self.n_cloning_steps:
            warnings.warn(
                f"learn() ends at step {total_timesteps}, within the {self.n_cloning_steps} steps "
                "of behaviour cloning: nothing is aligned with preferences and safety labels. "
                "Raise total_timesteps or lower n_cloning_steps.",
                stacklevel=3,
            )

    def _train_step(self, step: int) -> dict[str, th.Tensor]:
        self._enter_step(step)
        if self._clones(step):
            return self._cloning_step(step)
        return self._alignment_step(step, step - self.n_cloning_steps)

    def _enter_step(self, step: int) -> None:
        super()._enter_step(step)
        if step == 0:
            self.objective.reset()
            self._reference_log_prob = None
        if self._clones(step):
            return
        alignment_step = step - self.n_cloning_steps
        if alignment_step == 0:
            self.policy.freeze_reference()
            self._reference_log_prob = None
        if self.objective.phase_start(alignment_step) == alignment_step:
            self.policy.return_to_reference()
            self.policy.optimizer.state.clear()
        self._prepare_reference()
        for name, value in self.objective.before_step(alignment_step).items():
            self.logger.record(f"train/{name}", value)

    def _clones(self, step: int) -> bool:
        return step < self.n_cloning_steps

    def _sample_cloning_rows(self, generator: th.Generator) -> th.Tensor:
        assert self.buffer is not None
        if self.cloning_mass is not None:
            return sample_weighted_rows(self.cloning_mass, self.cloning_batch_size, generator)
        return sample_rows(self.buffer.n_transitions, self.cloning_batch_size, generator)

    def _learning_rate_at(self, step: int) -> float:
        if self._clones(step):
            return self._cloning_rate(1.0 - step / self.n_cloning_steps)
        return float(self.lr_schedule(self._alignment_progress(step)))

    def _cloning_rate(self, progress_remaining: float) -> float:
        rate = self.cloning_learning_rate
        return CosineSchedule(rate, 0.01 * rate)(progress_remaining)

    def _alignment_step(self, step: int, alignment_step: int) -> dict[str, th.Tensor]:
        assert self.buffer is not None
        generator = self._step_generator(step)
        rows = self.objective.sample_pairs(self.buffer.labels, generator)
        steps = self._sample_steps(self.buffer.labels, rows, generator)
        loss, metrics, state = self._loss(rows, steps, self.objective.phase_start(alignment_step))
        self._gradient_step(loss, self._learning_rate_at(step))
        # Only now: a compiled backward pass reads the state that the loss was computed from
        for name, buffer in self.objective.named_buffers():
            buffer.copy_(state[name])
        return {"loss": loss, **metrics}

    def _prepare_reference(self) -> None:
        """The reference is evaluated once, in the precision that the policy trains in."""
        if self._reference_log_prob is None:
            assert self.buffer is not None
            with self._autocast():
                reference = log_prob_of_all(self.policy.actor_reference, self.buffer)
            self._reference_log_prob = reference

    def pair_batch(
        self, labels: SegmentLabels, rows: th.Tensor, generator: th.Generator | None
    ) -> PairBatch:
        """
        Samples steps of pairs of segments and evaluates the trained policy on them.

        :param labels: labels on this model's buffer
        :param rows: rows of ``labels.pairs``, (B,)
        :param generator: source of randomness, ``None`` for evenly spaced steps
        :return: the minibatch
        """
        return self._evaluate(labels, rows, self._sample_steps(labels, rows, generator))

    def _sample_steps(
        self, labels: SegmentLabels, rows: th.Tensor, generator: th.Generator | None
    ) -> SegmentSteps:
        assert self.buffer is not None
        n_steps = self._n_sampled_steps(labels)
        return self.buffer.sample_steps(labels.pairs[rows], n_steps, generator, labels)

    def _n_sampled_steps(self, labels: SegmentLabels) -> int:
        return max(1, min(self.objective.n_segment_steps, labels.max_length))

    def _evaluate_loss(
        self, rows: th.Tensor, steps: SegmentSteps, step: int
    ) -> tuple[th.Tensor, dict[str, th.Tensor], dict[str, th.Tensor]]:
        """All that lies between the minibatch's indices and its loss: what is compiled."""
        assert self.buffer is not None
        state = {name: value.clone() for name, value in self.objective.named_buffers()}
        batch = self._evaluate(self.buffer.labels, rows, steps)
        loss, metrics = functional_call(self.objective, state, (batch, step))
        return loss, metrics, state

    def _evaluate(self, labels: SegmentLabels, rows: th.Tensor, steps: SegmentSteps) -> PairBatch:
        assert self.buffer is not None and self._reference_log_prob is not None
        observations, actions = self.buffer.gather(steps.rows)
        with self._autocast():
            log_prob = self.policy.actor.log_prob(observations, actions).view(steps.rows.shape)
        reference = self._reference_log_prob[steps.rows]
        return make_pair_batch(labels, rows, steps, log_prob, reference)

    def _alignment_progress(self, step: int) -> float:
        """Remaining share of the alignment steps, from 1 to 0."""
        n_steps = max(1, self._total_timesteps - self.n_cloning_steps)
        return 1.0 - (step - self.n_cloning_steps) / n_steps

    def _record(self, metrics: dict[str, float]) -> None:
        super()._record(metrics)
        if self._reference_log_prob is None or self.buffer is None:
            return
        for name, value in policy_diagnostics(self.policy, self.buffer).items():
            self.logger.record(f"train/{name}", value)
        for name, value in self._validation_metrics().items():
            self.logger.record(f"validation/{name}", value)

    @th.no_grad()
    def _validation_metrics(self) -> dict[str, float]:
        rows = validation_rows(self.validation)
        if rows is None or self.validation is None:
            return {}
        batch = self.pair_batch(self.validation, rows, generator=None)
        return validation_metrics(self.objective.utility(batch), batch.preference, batch.p_safe)

    def set_parameters(
        self,
        load_path_or_dict: str | dict[str, Any],
        exact_match: bool = True,
        device: th.device | str = "auto",
    ) -> None:
        """
        Sets the weights of the policy and the state of the objective, as in SB3.

        :param load_path_or_dict: a saved model, or what ``get_parameters()`` returns
        :param exact_match: whether all parameters must be given
        :param device: device to load a saved model on
        """
        self._reference_log_prob = None  # they were of the old reference policy
        super().set_parameters(load_path_or_dict, exact_match, device)

    def _excluded_save_params(self) -> list[str]:
        unsaved = ["validation", "cloning_mass", "_reference_log_prob", "_loss"]
        return [*super()._excluded_save_params(), *unsaved]

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        state_dicts, tensors = super()._get_torch_save_params()
        return [*state_dicts, "objective"], tensors
