"""What models must have in common to be trained together."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import torch as th

from sb3_presa.errors import ConfigError
from sb3_presa.learning.alignment import AlignmentAlgorithm
from sb3_presa.learning.cloning_algorithm import CloningAlgorithm
from sb3_presa.learning.offline_algorithm import OfflineAlgorithm
from sb3_presa.learning.segment_buffer import SegmentBuffer

#: Arguments of a policy that do not change its architecture.
_FREE = ("lr_schedule", "dropout", "optimizer_class", "optimizer_kwargs")


def check_alike(models: Sequence[OfflineAlgorithm], reset_num_timesteps: bool) -> None:
    """
    :param models: models with data
    :param reset_num_timesteps: whether their steps are counted anew
    :raises ConfigError: if they cannot be trained together, saying what differs and where
    """
    if len({id(model) for model in models}) < len(models):
        raise ConfigError("the same model is given twice; each must be another one")
    for index, model in enumerate(models):
        _check_can_join(index, model)
    _check_same(models, "class of policy", lambda model: type(model.policy).__name__)
    for name in models[0].policy._get_constructor_parameters():
        if name not in _FREE:
            _check_same(models, name, _policy_argument(name))
    # How much is dropped may differ, but a layer that drops is one that others lack
    _check_same(models, "use of dropout", lambda model: model.policy.dropout > 0.0)
    _check_same(models, "device", lambda model: str(model.device))
    _check_same(models, "precision", lambda model: str(model._compute_dtype).removeprefix("torch."))
    if not reset_num_timesteps:
        _check_same(models, "num_timesteps", lambda model: model.num_timesteps)
    _check_sizes(models)
    _check_same_data(models)


def share_transitions(models: Sequence[OfflineAlgorithm]) -> None:
    """
    From now on the models hold one copy of the transitions.

    :param models: models with the same data
    """
    first = _buffer(models[0])
    for model in models[1:]:
        buffer = _buffer(model)
        buffer.observations, buffer.actions = first.observations, first.actions


def _check_can_join(index: int, model: OfflineAlgorithm) -> None:
    if not isinstance(model, CloningAlgorithm) or model.reads_outcomes:
        name = type(model).__name__
        raise ConfigError(
            f"model {index} is a {name}, which cannot be trained together with others; allowed "
            "are the algorithms that clone and align from feedback: BC, CPL, PRESA, SafeFirst and "
            "SafetyOnly"
        )
    if isinstance(model, AlignmentAlgorithm) and model.compile:
        raise ConfigError(
            f"model {index} has compile=True; the step of many models is not compiled. Make it "
            "with compile=False"
        )


def _check_sizes(models: Sequence[OfflineAlgorithm]) -> None:
    _check_same(
        models,
        "kind of algorithm",
        lambda model: "aligns" if isinstance(model, AlignmentAlgorithm) else "clones only",
    )
    if not isinstance(models[0], AlignmentAlgorithm):
        _check_same(models, "batch_size", lambda model: model.batch_size)
        return
    for name in ("n_cloning_steps", "cloning_batch_size"):
        _check_same(models, name, attrgetter(name))
    _check_same(models, "n_pairs", lambda model: model.objective.n_pairs)
    _check_same(
        models,
        "number of steps sampled of a segment (n_segment_steps, or the longest segment's if less)",
        lambda model: model._n_sampled_steps(_buffer(model).labels),
    )


def _check_same_data(models: Sequence[OfflineAlgorithm]) -> None:
    first = _buffer(models[0])
    for index, model in enumerate(models[1:], 1):
        if not _same_transitions(first, _buffer(model)):
            raise ConfigError(
                f"the transitions of model {index} are not those of model 0; models that are "
                "trained together share one dataset"
            )


def _same_transitions(one: SegmentBuffer, other: SegmentBuffer) -> bool:
    if not isinstance(one.observations, dict) or not isinstance(other.observations, dict):
        pairs = [(one.observations, other.observations)]
    elif one.observations.keys() != other.observations.keys():
        return False
    else:
        pairs = [(values, other.observations[key]) for key, values in one.observations.items()]
    return all(a is b or th.equal(a, b) for a, b in [*pairs, (one.actions, other.actions)])  # type: ignore[arg-type]


def _check_same(
    models: Sequence[OfflineAlgorithm], name: str, value_of: Callable[[Any], Any]
) -> None:
    first = value_of(models[0])
    for index, model in enumerate(models[1:], 1):
        value = value_of(model)
        if value != first:
            raise ConfigError(
                f"{name} is {first} in model 0 and {value} in model {index}; models that are "
                "trained together must have it in common"
            )


def _policy_argument(name: str) -> Callable[[Any], Any]:
    return lambda model: model.policy._get_constructor_parameters()[name]


def _buffer(model: OfflineAlgorithm) -> SegmentBuffer:
    assert model.buffer is not None
    return model.buffer
