"""One file that acts as a policy does, for ONNX Runtime or TorchScript."""

import json
import logging
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch as th
from gymnasium import spaces
from numpy.typing import NDArray

from sb3_presa.data.datasets import DatasetLike
from sb3_presa.data.episodes import load_transitions
from sb3_presa.deploy.acting import OBSERVATION, ActingModule, space_by_key
from sb3_presa.deploy.metadata import METADATA, check_model, metadata_of
from sb3_presa.deploy.samples import Parts, logged_observations, sampled_observations
from sb3_presa.errors import ConfigError, ExportError
from sb3_presa.files import atomic_path, check_writable
from sb3_presa.policies.policy import OfflinePolicy
from sb3_presa.policies.spaces import check_fits

if TYPE_CHECKING:
    from sb3_presa.learning.offline_algorithm import OfflineAlgorithm

#: Name of the output.
ACTION: Final = "action"
#: Largest difference between an action and that of ``predict``, in half action ranges.
TOLERANCE: Final = 1e-5
#: Share of the observations at which two choices may be as good to within rounding.
_MOST_TIES: Final = 1e-2
#: Sizes of the batches that are tried beside all observations at once.
_BATCHES: Final = (1, 7)

Runner = Callable[[Parts], NDArray[Any]]


@dataclass(frozen=True)
class Export:
    """
    The exported file, and how it compares with ``predict``.

    :param path: the file
    :param n: observations that it was tried on
    :param logged: whether they come from a dataset, not from the space
    :param largest_difference: of an action, in half action ranges; for discrete actions 0
    :param n_ties: observations at which another choice was made that is as good to within rounding
    :param metadata: what the file says of itself
    """

    path: Path
    n: int
    logged: bool
    largest_difference: float
    n_ties: int
    metadata: dict[str, Any]

    def __str__(self) -> str:
        source = "logged observations" if self.logged else "samples of the observation space"
        ties = f"; {self.n_ties} ties were decided otherwise" if self.n_ties else ""
        return (
            f"{self.path}: the largest difference from predict on {self.n:,} {source} is "
            f"{self.largest_difference:.1e} of half the action range{ties}"
        )


def export_policy(
    model: "OfflineAlgorithm",
    path: str | Path,
    *,
    dataset: DatasetLike | None = None,
    channels_last: bool | None = None,
) -> Export:
    """
    Writes one file that takes raw observations, (N, ...), and gives the actions that
    ``predict(deterministic=True)`` gives, (N, ...), in the units of the action space. The input
    is ``observation``, or one for each key of a Dict; the output is ``action``. An observation that
    is not finite, or a class that its space does not have, gives NaN, or one less than the lowest
    discrete action.

    The file is compared with ``predict`` before it takes its place.

    :param model: a trained or loaded model
    :param path: ``.onnx`` for ONNX, ``.pt`` for TorchScript
    :param dataset: a dataset whose observations it is tried on; ``None`` for samples of the space
    :param channels_last: whether images are given with their channels last; by default as in the
        dataset, or first where there is none
    :return: what was written, and the largest difference
    :raises ConfigError: for another suffix, another object than a model, or a policy that cannot
        be traced
    :raises DatasetError: if the dataset has other spaces than the model
    :raises ExportError: if the file acts otherwise than ``predict``
    """
    check_model(model)
    path = Path(path)
    if path.suffix not in _WRITERS:
        raise ConfigError(
            f"`path` must end in {' (ONNX) or '.join(_WRITERS)} (TorchScript), got {path}"
        )
    check_writable(path)
    model._check_has_policy()
    policy = model.policy
    device = policy.device
    transitions = None if dataset is None else load_transitions(dataset)
    if transitions is not None:
        check_fits(model, transitions.observation_space, transitions.action_space)
    if channels_last is None:
        channels_last = transitions is not None and _has_channels_last(
            transitions.observation_space, policy.observation_space
        )
    metadata = metadata_of(model, dataset, channels_last)
    policy.set_training_mode(False)
    try:
        module = ActingModule(policy.to("cpu"), channels_last).eval()
        observations = (
            sampled_observations(policy, channels_last)
            if transitions is None
            else logged_observations(transitions, policy, channels_last)
        )
        _check_names(observations)
        with atomic_path(path) as temporary, th.no_grad():
            run = _WRITERS[path.suffix](module, observations, temporary, metadata)
            largest, n_ties = _compare(policy, observations, run)
    finally:
        policy.to(device)
    n = len(next(iter(observations.values())))
    return Export(path, n, transitions is not None, largest, n_ties, metadata)


def _has_channels_last(logged: spaces.Space[Any], own: spaces.Space[Any]) -> bool:
    parts = space_by_key(own)
    return any(space.shape != parts[key].shape for key, space in space_by_key(logged).items())


def _check_names(observations: Parts) -> None:
    if ACTION in observations:
        raise ConfigError(
            f"the keys of the observation space must not contain {ACTION!r}, the name of the "
            f"output, got {', '.join(observations)}"
        )


def _graph_of(module: ActingModule, observations: Parts) -> th.export.ExportedProgram:
    """PyTorch's graph of the module for batches of any size: a frozen size is refused."""
    example = tuple(th.as_tensor(values[:2]) for values in observations.values())
    batch = th.export.Dim("batch", min=1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return th.export.export(
                module, example, dynamic_shapes=(tuple({0: batch} for _ in example),)
            )
    except Exception as error:  # of many types
        raise ConfigError(
            "the policy must be one that PyTorch can export for batches of any size, got "
            f"{type(error).__name__}: {error}"
        ) from error


def _write_onnx(
    module: ActingModule, observations: Parts, path: Path, metadata: dict[str, Any]
) -> Runner:
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  # which PyTorch would ask for later, in other words
    except ImportError as error:
        raise ConfigError(
            f"export to ONNX needs {error.name}; install the extra 'export' (in a checkout: "
            'pip install ".[export]")'
        ) from error
    graph = _graph_of(module, observations)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # of operators of other packages
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch's own use of its own functions
        program = th.onnx.export(
            graph, input_names=list(observations), output_names=[ACTION], verbose=False
        )
    assert program is not None
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # source lines, and paths of this machine
        for value in node.outputs:
            if value.name in observations:  # PyTorch names it by its operator: relu, where
                value.name = f"inner.{value.name}"
    for value in (*program.model.graph.inputs, *program.model.graph.outputs):
        assert value.shape is not None
        value.shape = type(value.shape)(["batch", *value.shape[1:]])
    program.model.metadata_props[METADATA] = json.dumps(metadata)
    program.save(path, external_data=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    if names != list(observations):
        raise ExportError(f"the inputs of {path.name} must be {list(observations)}, got {names}")
    return lambda parts: np.asarray(session.run([ACTION], parts)[0])


def _write_torchscript(
    module: ActingModule, observations: Parts, path: Path, metadata: dict[str, Any]
) -> Runner:
    example = {key: th.as_tensor(values[:2]) for key, values in observations.items()}
    is_dict = isinstance(module.policy.observation_space, spaces.Dict)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of shapes, which are tried later
        if is_dict:
            traced = th.jit.trace(_OfDict(module).eval(), (example,))
        else:
            traced = th.jit.trace(module, (example[OBSERVATION],))
        frozen = th.jit.freeze(traced.eval())
        # A writer of a file would end the process where the disk is full
        content = frozen.save_to_buffer(_extra_files={f"{METADATA}.json": json.dumps(metadata)})
        path.write_bytes(content)
        loaded = th.jit.load(str(path))

    def run(parts: Parts) -> NDArray[Any]:
        tensors = {key: th.as_tensor(values) for key, values in parts.items()}
        found: th.Tensor = loaded(tensors if is_dict else tensors[OBSERVATION])
        return found.numpy()

    return run


class _OfDict(th.nn.Module):
    def __init__(self, module: ActingModule) -> None:
        super().__init__()
        self.module = module

    def forward(self, observations: dict[str, th.Tensor]) -> th.Tensor:
        found: th.Tensor = self.module(*(observations[key] for key in self.module.keys))
        return found


_WRITERS: Final = {".onnx": _write_onnx, ".pt": _write_torchscript}


def _compare(policy: OfflinePolicy, observations: Parts, run: Runner) -> tuple[float, int]:
    """The largest difference from ``predict``, and the number of ties decided otherwise."""
    n = len(next(iter(observations.values())))
    is_dict = isinstance(policy.observation_space, spaces.Dict)
    largest, n_ties = 0.0, 0
    for size in (*_BATCHES, n):
        batch = {key: values[:size] for key, values in observations.items()}
        given: Any = batch if is_dict else batch[OBSERVATION]
        expected, _ = policy.predict(given, deterministic=True)
        found = run(batch)
        if found.shape != expected.shape or found.dtype != expected.dtype:
            raise ExportError(
                f"the exported actions must be {expected.dtype} of shape {expected.shape}, got "
                f"{found.dtype} of shape {found.shape}"
            )
        apart = _distances(policy, expected, found)
        far = apart > TOLERANCE
        n_ties = int(far.sum())
        if n_ties > (math.ceil(_MOST_TIES * n) if policy.chooses else 0):
            raise ExportError(
                f"the exported agent must act as predict does, got another action for {n_ties} of "
                f"{len(apart)} observations, by up to {apart.max():.1e} of half the action range"
            )
        largest = max(largest, float(apart[~far].max(initial=0.0)))
    return largest, n_ties


def _distances(
    policy: OfflinePolicy, expected: NDArray[Any], found: NDArray[Any]
) -> NDArray[np.float64]:
    """Largest difference over an action's coordinates, in half action ranges; NaN is infinite."""
    apart = np.abs(found.astype(np.float64) - expected.astype(np.float64))
    if isinstance(policy.action_space, spaces.Box):
        apart /= 0.5 * policy.action_span.cpu().numpy()
    flat: NDArray[np.float64] = np.nan_to_num(apart, nan=np.inf).reshape(len(apart), -1)
    return np.asarray(flat.max(axis=1))
