"""Models in files: saved as SB3's and as data, loaded without unpickling."""

import io
import pathlib
from collections.abc import Iterable
from typing import Any, TypeVar

import torch as th
from stable_baselines3.common.type_aliases import GymEnv

from sb3_presa.arguments import check_arguments_of
from sb3_presa.errors import ConfigError
from sb3_presa.learning.learner import Learner
from sb3_presa.learning.model_file import add_data, read_model, write_model

SelfSavedLearner = TypeVar("SelfSavedLearner", bound="SavedLearner")


class SavedLearner(Learner):
    """A learner with weights and settings that are saved and loaded. Its data are not saved."""

    #: whether weights were given, with statistics that belong to them
    _parameters_given: bool

    def get_parameters(self) -> dict[str, dict[str, Any]]:
        self._check_has_policy()  # here, so that ``save`` is refused as well
        return super().get_parameters()

    @classmethod
    def load(
        cls: type[SelfSavedLearner],
        path: str | pathlib.Path | io.BufferedIOBase,
        env: GymEnv | str | None = None,
        device: th.device | str = "auto",
        custom_objects: dict[str, Any] | None = None,
        print_system_info: bool = False,
        force_reset: bool = True,
        *,
        trust: bool = False,
        **kwargs: Any,
    ) -> SelfSavedLearner:
        """
        Loads a model from a zip file, as in SB3. The file is read as data: nothing of it is
        unpickled, and no code that it names is imported or run.

        :param path: the file
        :param env: environment to evaluate in, as for :meth:`set_env`; ``None`` for none
        :param device: device to put the model on
        :param custom_objects: objects to use in place of those in the file
        :param print_system_info: whether to print the system on which the model was saved
        :param force_reset: kept for SB3's interface
        :param trust: whether to unpickle a file that holds Python objects, such as a function as
            learning rate. It then runs any code that its author put there.
        :param kwargs: arguments of the algorithm that replace those in the file
        :return: the model
        :raises ConfigError: for an argument that is unknown or out of its range, a file that is
            damaged, or one that holds Python objects and is not trusted
        """
        check_arguments_of(cls, kwargs)
        given = {**(custom_objects or {}), **kwargs}
        found = read_model(path, given, trust)
        rest = (print_system_info, force_reset)
        # The environment comes later: SB3 would insist on its bounds, on which nothing depends
        if found is None:
            model = super().load(path, None, device, custom_objects, *rest, **kwargs)
        else:
            objects = {**found.settings, **(custom_objects or {})}
            try:
                model = super().load(found.as_sb3(), None, device, objects, *rest, **kwargs)
            except (AssertionError, AttributeError, KeyError, RuntimeError, TypeError) as error:
                raise ConfigError(f"{path} cannot be loaded as {cls.__name__}: {error}") from error
        if env is not None:
            model.set_env(env)  # type: ignore[arg-type]  # ours also take names
        return model

    def save(
        self,
        path: str | pathlib.Path | io.BufferedIOBase,
        exclude: Iterable[str] | None = None,
        include: Iterable[str] | None = None,
    ) -> None:
        """
        Saves the model in a zip file that SB3 reads, too. Its weights and settings are in it a
        second time as data, see :mod:`sb3_presa.learning.model_file`.

        :param path: the file, written whole or not at all; ``.zip`` is appended to a name without
            suffix
        :param exclude: attributes to leave out
        :param include: attributes to save that are left out otherwise
        """
        file = io.BytesIO()
        super().save(file, exclude, include)
        add_data(file, self)
        write_model(path, file.getvalue())

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
                f"the file must hold a model of {type(self).__name__}, got one of "
                f"{self.algorithm}; use {self.algorithm}.load"
            ) from error
        # ``load`` comes here too, perhaps with new weights: their optimizer has taken no step
        alone = isinstance(load_path_or_dict, dict) and "policy.optimizer" not in load_path_or_dict
        given = alone and "policy" in load_path_or_dict
        self._parameters_given |= given or bool(self.policy.optimizer.state)

    def _check_has_policy(self) -> None:
        if not hasattr(self, "policy"):
            raise self._lacks("policy, because its spaces are unknown")

    def _excluded_save_params(self) -> list[str]:
        # The dataset stays where it is; a saved model holds weights and settings
        left_out = ["source", "feedback", "_generator", "compute_dtype", "_autocast"]
        left_out.append("lr_schedule")  # made of the learning rate
        return [*super()._excluded_save_params(), *left_out]

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        return ["policy", "policy.optimizer"], []

    def _lacks(self, what: str) -> ConfigError:
        return ConfigError(
            f"this {self.algorithm} has no {what}. Make it with "
            f"{self.algorithm}.load_offline(dataset), or call set_dataset(dataset) first"
        )
