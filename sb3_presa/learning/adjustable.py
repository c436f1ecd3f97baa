"""Safety levels of one agent: how cautious it acts is an input of its network."""

from dataclasses import replace
from typing import Any, Self

import torch as th

from sb3_presa.arguments import check_arguments_of
from sb3_presa.data.transitions import Transitions
from sb3_presa.errors import ConfigError, FeedbackError
from sb3_presa.learning.alignment_algorithm import AlignmentAlgorithm
from sb3_presa.learning.offline_data import OfflineData
from sb3_presa.learning.source import BatchSource, SegmentLabels


class AdjustableAlgorithm(AlignmentAlgorithm):
    """An algorithm with the settings ``safety_level`` and ``adjustable`` of
    :class:`~sb3_presa.algorithms.presa.PRESA`."""

    adjustable: bool

    def _use_data(self, data: OfflineData, source: BatchSource) -> None:
        super()._use_data(data, source)
        if self.adjustable and source.training.levels is None:
            raise FeedbackError(
                "`feedback` must be labels that are completed at several safety levels where "
                "`adjustable` is True, got others. Set adjustable=False, or completion=True with "
                "labels that are not completed yet."
            )
        weights, levels = source.training.weights, source.training.levels
        if levels is not None and self.cloning_batch_size < len(levels):
            raise ConfigError(
                f"`cloning_batch_size` must be at least {len(levels)} with `adjustable`, one for "
                f"each safety level, got {self.cloning_batch_size}"
            )
        if weights is not None and not bool((weights.reshape(len(weights), -1).sum(0) > 0).all()):
            raise FeedbackError(
                "`feedback` must hold a segment whose weight is above 0, got none of "
                f"{len(weights)}: the weights say what is worth imitating"
            )

    def _prepare_labels(
        self, training: SegmentLabels, held_out: SegmentLabels, transitions: Transitions
    ) -> SegmentLabels:
        if not self.adjustable and training.levels is not None:  # of its own level alone
            own = training.weights_at(self.safety_level)
            training = replace(training, weights=own, levels=None)
        return super()._prepare_labels(training, held_out, transitions)

    @property
    def safety_level(self) -> float:
        """
        The lowest probability, in (0, 1), that a segment is safe which is imitated.

        :raises ConfigError: when it is set and the model has a policy that is not adjustable
        """
        level: float = self.__dict__["safety_level"]
        return level

    @safety_level.setter
    def safety_level(self, level: float) -> None:
        check_arguments_of(type(self), {"safety_level": level})
        if hasattr(self, "policy"):
            self.policy.safety_level = level
        self.__dict__["safety_level"] = level  # by its name: saved and loaded as other settings

    @classmethod
    def load(cls, *args: Any, **kwargs: Any) -> Self:
        """
        Loads a model from a zip file, see
        :meth:`sb3_presa.learning.saving.SavedLearner.load`.

        :param args: as there
        :param kwargs: as there; ``safety_level`` sets the level of an adjustable model
        :return: the model
        :raises ConfigError: as there, and for another ``safety_level`` than the file's where the
            model is not adjustable
        """
        if "safety_level" in kwargs:
            check_arguments_of(cls, {"safety_level": kwargs["safety_level"]})
        level = kwargs.pop("safety_level", None)
        model = super().load(*args, **kwargs)
        if level is not None and level != model.safety_level:
            model.safety_level = level
        return model

    def set_parameters(
        self,
        load_path_or_dict: str | dict[str, Any],
        exact_match: bool = True,
        device: th.device | str = "auto",
    ) -> None:
        super().set_parameters(load_path_or_dict, exact_match, device)
        if self.adjustable:  # the level is this model's, not that of the weights
            self.policy.safety_level = self.safety_level

    def _policy_arguments(self) -> dict[str, Any]:
        return {**self.policy_kwargs, "adjustable": True} if self.adjustable else self.policy_kwargs

    def _setup_model(self) -> None:
        super()._setup_model()
        if self.adjustable:
            self.policy.safety_level = self.safety_level
