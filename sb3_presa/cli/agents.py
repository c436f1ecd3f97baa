"""Agents that commands take, read from files."""

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sb3_presa.errors import ConfigError
from sb3_presa.registry import (
    ALGORITHMS,
    algorithm_class,
)

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

    from sb3_presa.learning.offline_algorithm import OfflineAlgorithm


#: Algorithms of Stable-Baselines3 that `evaluate` takes.
_SB3 = ("A2C", "DDPG", "DQN", "PPO", "SAC", "TD3")

SafetyLevel = Annotated[
    float | None,
    typer.Option(
        help="Level in (0, 1) at which an adjustable PRESA acts.", show_default="the model's"
    ),
]
ModelsAlgorithm = Annotated[
    str | None,
    typer.Option(
        "--algorithm",
        metavar="NAME",
        help="The model's algorithm; package.module:Class for your own class, PPO and the like "
        "for a model of Stable-Baselines3.",
        show_default="from the model",
    ),
]


def load_agent(
    path: Path,
    algorithm: str | None,
    device: str,
    trust: bool,
    safety_level: float | None = None,
) -> "BaseAlgorithm":
    """
    :param path: a model of this package, or of Stable-Baselines3's own algorithms; ``.zip`` may be
        left out
    :param algorithm: its class, ``None`` to read it from the file
    :param device: a PyTorch device
    :param trust: whether to run code of the file
    :param safety_level: level at which an adjustable policy is to act
    :return: the model
    :raises ConfigError: if it cannot be read, or has no level to set
    """
    check_device(device)
    if not path.exists() and not path.suffix:
        path = path.with_suffix(".zip")
    agent = _load_agent(path, algorithm, device, trust)
    if safety_level is not None:
        policy: Any = agent.policy
        if not getattr(policy, "adjustable", False):
            raise ConfigError(
                f"--safety-level must be left out: the policy of {path} is not adjustable. Train "
                "it with PRESA and --set adjustable=true"
            )
        policy.safety_level = safety_level
    return agent


def _load_agent(path: Path, algorithm: str | None, device: str, trust: bool) -> "BaseAlgorithm":
    import stable_baselines3 as sb3

    if algorithm in _SB3:
        if not trust:
            raise ConfigError(
                f"{path} is a file of Stable-Baselines3, whose reading runs code of its author; if "
                "you trust it, use --trust"
            )
        found: BaseAlgorithm = getattr(sb3, algorithm).load(path, device=device)
        return found
    chosen = _saved_algorithm(path) if algorithm is None else algorithm_named(algorithm)
    return chosen.load(path, device=device, trust=trust)


def algorithm_named(name: str) -> type["OfflineAlgorithm"]:
    """A class of this package, in any case, or the user's own class; see ``algorithm_class``."""
    in_any_case = {known.lower(): known for known in ALGORITHMS}
    return algorithm_class(in_any_case.get(name.lower(), name))


def check_device(device: str) -> None:
    """
    :param device: a PyTorch device, or ``auto``
    :raises ConfigError: if it is none, or not on this machine
    """
    import torch as th

    if device == "auto":
        return
    try:
        wanted = th.device(device)
    except RuntimeError as error:
        raise ConfigError(f"--device must be a PyTorch device, got {device}: {error}") from error
    there = th.cuda.device_count() if th.cuda.is_available() else 0
    if wanted.type == "cuda" and (wanted.index or 0) >= there:
        raise ConfigError(
            f"--device must be on this machine, got {device}, and PyTorch {th.__version__} sees "
            f"{there} GPUs; use --device cpu or auto, or install a build of PyTorch for your GPU"
        )
    try:
        th.empty(0, device=wanted)
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        said = str(error).partition("\n")[0]
        raise ConfigError(f"--device must be on this machine, got {device}: {said}") from error


def _saved_algorithm(path: Path) -> type["OfflineAlgorithm"]:
    """Read the algorithm of a saved model without unpickling anything."""
    try:
        with zipfile.ZipFile(path) as archive:
            name: Any = json.loads(archive.read("data")).get("algorithm")
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ConfigError(f"{path} is not a Stable-Baselines3 model: {error}") from error
    if not isinstance(name, str):
        raise ConfigError(
            f"{path} was not saved by an algorithm of sb3_presa; of Stable-Baselines3's own, name "
            f"it: --algorithm {' or '.join(_SB3)}, with --trust"
        )
    if name not in ALGORITHMS:
        raise ConfigError(
            f"the algorithm {name!r} of {path} is not part of this package; use --algorithm "
            f"package.module:{name}"
        )
    return algorithm_class(name)
