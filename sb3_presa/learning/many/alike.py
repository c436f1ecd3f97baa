"""Checks of the properties that models trained together must share."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import torch as th

from sb3_presa.errors import ConfigError
from sb3_presa.learning.alignment import Align
from sb3_presa.learning.offline_algorithm import OfflineAlgorithm
from sb3_presa.learning.phases import Clone, LikelihoodPhase, Phase
from sb3_presa.learning.source import BatchSource

#: Arguments of a policy that do not change its architecture.
_FREE = ("lr_schedule", "dropout", "optimizer_class", "optimizer_kwargs")


def check_alike(models: Sequence[OfflineAlgorithm], reset_num_timesteps: bool) -> None:
    """
    :param models: models with data
    :param reset_num_timesteps: whether their steps are counted anew
    :raises ConfigError: if they cannot be trained together, saying what differs and where
    """
    if len({id(model) for model in models}) < len(models):
        raise ConfigError("models that are trained together must differ, got the same one twice")
    for index, model in enumerate(models):
        _check_can_join(index, model)
    _check_same(models, "class of policy", lambda model: type(model.policy).__name__)
    for name in models[0].policy._get_constructor_parameters():
        if name not in _FREE:
            _check_same(models, name, _policy_argument(name))
    # How much is dropped may differ, but a layer that drops is one that others lack
    _check_same(models, "use of dropout", lambda model: model.policy.dropout > 0.0)
    _check_same(models, "device", lambda model: str(model.device))
    _check_same(models, "precision", lambda model: str(model.compute_dtype).removeprefix("torch."))
    if not reset_num_timesteps:
        _check_same(models, "num_timesteps", lambda model: model.num_timesteps)
    _check_sizes(models)
    _check_same_data(models)


def share_transitions(models: Sequence[OfflineAlgorithm]) -> None:
    """
    From now on the models hold one copy of the transitions.

    :param models: models with the same data
    """
    first = models[0].require_source()
    for model in models[1:]:
        model.source = replace(
            model.require_source(), observations=first.observations, actions=first.actions
        )


def _check_can_join(index: int, model: OfflineAlgorithm) -> None:
    phases = model.phases()
    if not all(isinstance(phase, LikelihoodPhase) for phase in phases) or "outcomes" in model.needs:
        raise ConfigError(
            f"models must clone and align from feedback (BC, CPL, PRESA, SafeFirst, SafetyOnly) to "
            f"be trained together, got a {type(model).__name__} (model {index})"
        )
    if model.policy.adjustable:
        raise ConfigError(
            f"`adjustable` must be False in models that are trained together, got True (model "
            f"{index})"
        )
    if getattr(model, "agent", None) is not None:
        raise ConfigError(
            f"models that are trained together must clone their logs, got one of an agent (model "
            f"{index}); train it alone"
        )
    if getattr(model, "compile", False):
        raise ConfigError(
            f"`compile` must be False in models that are trained together, got True (model {index})"
        )


def _check_sizes(models: Sequence[OfflineAlgorithm]) -> None:
    """Minibatches of one shape at every step; where phases begin may differ otherwise."""
    first = _minibatches(models[0])
    for index, model in enumerate(models[1:], 1):
        for one, other in zip_longest(first, _minibatches(model), fillvalue="nothing"):
            if one != other:
                raise ConfigError(
                    "minibatches of models that are trained together must have the same sizes at "
                    f"the same steps, got {one} in model 0 and {other} in model {index}"
                )


def _minibatches(model: OfflineAlgorithm) -> list[str]:
    """The kinds of draws by their first step; consecutive phases that draw alike are one."""
    found: list[tuple[str, int]] = []
    for phase in model.phases():
        drawn = _drawn(phase)
        if phase.start < phase.stop and (not found or found[-1][0] != drawn):
            found.append((drawn, phase.start))
    return [f"{drawn} from step {start} on" for drawn, start in found]


def _drawn(phase: Phase) -> str:
    if isinstance(phase, Align):
        n_steps = phase.n_segment_steps
        return f"{phase.pairs.n_pairs} pairs of {n_steps} steps (n_pairs, n_segment_steps)"
    assert isinstance(phase, Clone)
    n_rows = len(phase.sample(th.Generator(phase.source.device)))
    return f"{n_rows} transitions (batch size)"


def _check_same_data(models: Sequence[OfflineAlgorithm]) -> None:
    first = models[0].require_source()
    for index, model in enumerate(models[1:], 1):
        if not _same_transitions(first, model.require_source()):
            raise ConfigError(
                "models that are trained together must share one dataset, got other transitions in "
                f"model {index} than in model 0"
            )


def _same_transitions(one: BatchSource, other: BatchSource) -> bool:
    pairs = [(one.actions, other.actions)]
    if isinstance(one.observations, dict) and isinstance(other.observations, dict):
        if one.observations.keys() != other.observations.keys():
            return False
        pairs += [(values, other.observations[key]) for key, values in one.observations.items()]
    elif isinstance(one.observations, th.Tensor) and isinstance(other.observations, th.Tensor):
        pairs.append((one.observations, other.observations))
    else:
        return False
    return all(a is b or th.equal(a, b) for a, b in pairs)


def _check_same(
    models: Sequence[OfflineAlgorithm], name: str, value_of: Callable[[Any], Any]
) -> None:
    first = value_of(models[0])
    for index, model in enumerate(models[1:], 1):
        value = value_of(model)
        if value != first:
            raise ConfigError(
                f"{name} of models that are trained together must be the same, got {first} in "
                f"model 0 and {value} in model {index}"
            )


def _policy_argument(name: str) -> Callable[[Any], Any]:
    return lambda model: model.policy._get_constructor_parameters()[name]
