"""Safety levels of one agent: how cautious it acts is an input of its network."""

from typing import Any, Self

import torch as th

from sb3_presa.arguments import check_arguments_of
from sb3_presa.errors import FeedbackError
from sb3_presa.learning.alignment_algorithm import AlignmentAlgorithm
from sb3_presa.learning.offline_data import OfflineData
from sb3_presa.learning.source import BatchSource


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
