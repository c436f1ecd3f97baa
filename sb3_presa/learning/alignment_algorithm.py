"""Clone first, then align: what the algorithms on pairs of labelled segments share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch as th

from sb3_presa.arguments import Count, CountFromZero, Positive, ShareBelowOne
from sb3_presa.data.transitions import Transitions
from sb3_presa.learning.alignment import Align, Objective, PairLoss, PairSampler, Reference
from sb3_presa.learning.offline_algorithm import OfflineAlgorithm
from sb3_presa.learning.phases import AllRows, Clone, LikelihoodPhase, Phase, RowSampler
from sb3_presa.learning.schedules import CosineSchedule, Rate, rate_over
from sb3_presa.learning.source import BatchSource, SegmentLabels


class AlignmentAlgorithm(OfflineAlgorithm, ABC):
    """
    Behaviour cloning for ``n_cloning_steps``, which gives the reference policy, then an
    objective on pairs of labelled segments.

    :param n_cloning_steps: gradient steps of cloning
    :param cloning_learning_rate: learning rate at the start of cloning; falls to a hundredth
    :param cloning_batch_size: transitions a cloning step
    :param n_pairs: pairs of segments an alignment step
    :param n_segment_steps: steps sampled of each segment longer than that
    :param validation_fraction: share of the labels held out by episode; preference accuracy and
        safety AUC on them are logged
    :param compile: compile the alignment step with ``torch.compile``
    :param kwargs: arguments of :class:`OfflineAlgorithm`
    :raises ConfigError: for an argument out of its range
    """

    objective: Objective

    def __init__(
        self,
        *args: Any,
        n_cloning_steps: CountFromZero,
        cloning_learning_rate: Positive,
        cloning_batch_size: Count,
        n_pairs: Count,
        n_segment_steps: Count,
        validation_fraction: ShareBelowOne,
        compile: bool,
        **kwargs: Any,
    ) -> None:
        self.n_cloning_steps = n_cloning_steps
        self.cloning_learning_rate = cloning_learning_rate
        self.cloning_batch_size = cloning_batch_size
        self.n_pairs = n_pairs
        self.n_segment_steps = n_segment_steps
        self.validation_fraction = validation_fraction
        self.compile = compile
        self._pairs: PairSampler | None = None
        self._make_objective()  # refuses settings out of their range now, not when data come
        super().__init__(*args, **kwargs)

    @abstractmethod
    def _make_objective(self) -> Objective:
        """:return: a new objective from the algorithm's settings"""

    @abstractmethod
    def _pair_loss(self) -> PairLoss:
        """:return: the loss of a minibatch of pairs"""

    def _setup_model(self) -> None:
        super()._setup_model()
        self.objective = self._make_objective().to(self.device)

    def _prepare_labels(
        self, training: SegmentLabels, held_out: SegmentLabels, transitions: Transitions
    ) -> SegmentLabels:
        labels, self._pairs = self.objective.attach(training)
        return labels

    def phases(self, total_timesteps: int | None = None) -> Sequence[Phase]:
        end = self.default_total_timesteps if total_timesteps is None else total_timesteps
        after = self._alignment_phases(max(end, self.n_cloning_steps + 1))
        return [*self._clone(self.n_cloning_steps), *after]

    def _clone(self, stop: int) -> Sequence[LikelihoodPhase]:
        """Cloning up to a step; its learning rate falls until then."""
        rate, rows = self._cloning_rate(stop), self._cloning_rows(self.require_source())
        return [self._cloning(Clone, 0, stop, rate, rows=rows)]

    def _cloning(
        self, kind: type[Clone], start: int, stop: int, rate: Rate, **kwargs: Any
    ) -> LikelihoodPhase:
        """A phase of cloning, of this model and its data."""
        return kind(
            start,
            stop,
            rate,
            policy=self.policy,
            source=self.require_source(),
            autocast=self._autocast,
            **kwargs,
        )

    def _alignment_phases(self, end: int) -> Sequence[Align]:
        """
        :param end: gradient steps at which the run ends
        :return: the phases after cloning
        """
        return [self._align("align", self.n_cloning_steps, end, end, self._pair_loss())]

    def _align(
        self, name: str, start: int, stop: int, end: int, loss: PairLoss, **kwargs: Any
    ) -> Align:
        """A phase of alignment; the learning rate falls over all of them together."""
        source = self.require_source()
        assert self._pairs is not None
        kwargs.setdefault("reference", Reference(self.policy, source, self._autocast))
        return Align(
            start,
            stop,
            rate_over(self.lr_schedule, self.n_cloning_steps, end),
            name=name,
            loss=loss,
            objective=self.objective,
            pairs=self._pairs,
            n_segment_steps=self.n_segment_steps,
            compiles=self.compile,
            policy=self.policy,
            source=source,
            autocast=self._autocast,
            **kwargs,
        )

    def _cloning_rows(self, source: BatchSource) -> RowSampler:
        """
        :param source: the data
        :return: what draws the transitions to clone
        """
        return AllRows(source.n_transitions, self.cloning_batch_size)

    def _cloning_rate(self, stop: int) -> Rate:
        rate = self.cloning_learning_rate
        return rate_over(CosineSchedule(rate, 0.01 * rate), 0, stop)

    def _restart(self) -> None:
        super()._restart()
        self.objective.reset()

    def _shortage(self, phases: Sequence[Phase], end: int) -> str:
        if not self.num_timesteps < end <= self.n_cloning_steps:
            return ""
        return (
            f"`total_timesteps` should be above n_cloning_steps ({self.n_cloning_steps}), got "
            f"{end}: the run only clones, and aligns with neither preferences nor safety labels. "
            "Raise total_timesteps or lower n_cloning_steps."
        )

    def set_parameters(
        self,
        load_path_or_dict: str | dict[str, Any],
        exact_match: bool = True,
        device: th.device | str = "auto",
    ) -> None:
        if isinstance(load_path_or_dict, dict) and hasattr(self, "objective"):
            self.objective.check_state(load_path_or_dict.get("objective", {}))
        super().set_parameters(load_path_or_dict, exact_match, device)

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_pairs"]

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        state_dicts, tensors = super()._get_torch_save_params()
        return [*state_dicts, "objective"], tensors
