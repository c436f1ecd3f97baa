"""Makes Safety-Gymnasium 1.0.0 work with current packages, without changing a task.

1.0.0 (2023) is its newest release on PyPI, and ``import safety_gymnasium`` fails with any
Gymnasium 1.x and on any Python from 3.11. Here its unmodified modules are imported into a private
copy, where they see each other. ``import safety_gymnasium`` elsewhere is not affected: all patches
apply to the copy alone.
"""

import contextlib
import importlib
import importlib.util
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from sb3_presa.envs.numpy_random import numpy_random_restored
from sb3_presa.envs.simulators import importing

_PACKAGE = "safety_gymnasium"
_importing = threading.Lock()
_copy: dict[str, ModuleType] = {}


@contextlib.contextmanager
def _private_modules() -> Iterator[None]:
    """Put the private copy into ``sys.modules``, and restore the previous modules afterwards.

    The package's ``__init__`` registers ids that are not used here. For them it imports
    gymnasium-robotics, and ``gymnasium.wrappers.compatibility`` and ``.autoreset``, which Gymnasium
    1.0 removed. An empty package replaces it. This can be removed with a release that imports
    under Gymnasium 1.x.
    """

    def taken_out() -> dict[str, ModuleType]:
        names = [name for name in sys.modules if name.partition(".")[0] == _PACKAGE]
        return {name: sys.modules.pop(name) for name in names}

    users_own, was_empty = taken_out(), not _copy
    try:
        if not _copy:
            spec = importlib.util.find_spec(_PACKAGE)
            if spec is None:
                raise ModuleNotFoundError(f"No module named {_PACKAGE!r}", name=_PACKAGE)
            _copy[_PACKAGE] = importlib.util.module_from_spec(spec)
        sys.modules.update(_copy)
        yield
        _copy.update(taken_out())
    except BaseException:
        taken_out()
        if was_empty:  # half a copy would fail ever after, for another reason
            _copy.clear()
        raise
    finally:
        sys.modules.update(users_own)


class _HashableArray(np.ndarray[Any, np.dtype[Any]]):
    """A hashable array, which a dataclass of Python 3.11 accepts as a default."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # an array's is None


def _let_colours_be_defaults() -> None:
    """Import the colours first, and make them hashable.

    Each kind of obstacle is a dataclass whose colour defaults to one of these arrays, and Python
    3.11 rejects unhashable defaults. This can be removed with a release that uses factories.
    """
    colours = importlib.import_module(f"{_PACKAGE}.assets.color").COLOR
    for name, colour in colours.items():
        colours[name] = colour.view(_HashableArray)


class _ScalarJointIds:
    """A MuJoCo model whose ``jnt`` accepts an array of one id, as it did under NumPy 1."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def jnt(self, joint: npt.NDArray[np.int32]) -> Any:
        return self._model.jnt(joint.item())


def _with_scalar_joint_ids(init_sensors: Callable[[Any], None]) -> Callable[[Any], None]:
    """Wrap ``BaseAgent._init_jnt_sensors``, which calls ``model.jnt(array)``.

    NumPy 2 no longer turns that array into an index, so that agents with a joint sensor (the car)
    could not be made. This can be removed with a release that supports NumPy 2.
    """

    def init_with_scalars(agent: Any) -> None:
        engine = agent.engine
        agent.engine = SimpleNamespace(model=_ScalarJointIds(engine.model))
        try:
            init_sensors(agent)
        finally:
            agent.engine = engine

    return init_with_scalars


def _with_a_plain_sky(yaml: Any) -> SimpleNamespace:
    """Replace ``yaml``, with which upstream reads its list of assets at every reset.

    A reset takes 0.4 s: 0.35 s to decode 24 MB of pictures of a starry sky, which only rendering
    shows, and most of the rest in ``yaml``. Here the list is read once, and its sky is a colour
    gradient. This can be removed with a release that does not decode them at every reset.
    """
    assets: dict[str, Any] = {}

    def load(file: Any, Loader: Any) -> dict[str, Any]:
        if not assets:
            assets.update(yaml.load(file, Loader=Loader))
            assets["textures"]["skybox"] = {
                "@type": "skybox",
                "@builtin": "gradient",
                "@rgb1": "0.3 0.45 0.65",
                "@rgb2": "0 0 0",
                "@width": "64",
                "@height": "384",
            }
        return assets

    return SimpleNamespace(load=load, FullLoader=yaml.FullLoader)


@cache
def _mend_copy() -> None:
    _let_colours_be_defaults()
    world: Any = importlib.import_module(f"{_PACKAGE}.world")
    world.yaml = _with_a_plain_sky(world.yaml)
    agent = importlib.import_module(f"{_PACKAGE}.bases.base_agent").BaseAgent
    agent._init_jnt_sensors = _with_scalar_joint_ids(agent._init_jnt_sensors)


def upstream_class(module: str, name: str) -> Any:
    """A class of Safety-Gymnasium from the private copy; every call returns the same one.

    :param module: Its module below ``safety_gymnasium``.
    :param name: Its name there.
    :return: The class.
    :raises SimulatorNotInstalledError: If it cannot be imported.
    """
    with importing("safety"), platform_restored():
        import mujoco  # noqa: F401 - Gymnasium does not raise ImportError if it is missing

        # One thread at a time: another would find a partial copy, or none.
        with _importing, _private_modules():
            _mend_copy()
            return getattr(importlib.import_module(f"{_PACKAGE}.{module}"), name)


@contextlib.contextmanager
def platform_restored() -> Iterator[None]:
    """Restore ``PYOPENGL_PLATFORM``, which MuJoCo sets for this process and its children.

    MuJoCo sets it when it imports a renderer. This can be removed with a MuJoCo that does not.
    """
    was_unset = "PYOPENGL_PLATFORM" not in os.environ
    try:
        yield
    finally:
        if was_unset:
            os.environ.pop("PYOPENGL_PLATFORM", None)


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Suppress side effects while an upstream environment is constructed.

    - Gymnasium gives a float64 space float32 bounds, and checking them overflows in NumPy 2. This
      can be removed with a release that declares float32 spaces.
    - Upstream draws a first seed from NumPy's global generator, which is restored. This can be
      removed with a release that draws it from its own generator.
    - MuJoCo from 3.16 warns that ``settotalmass`` in Gymnasium's ``half_cheetah.xml`` is deprecated
      and writes ``MUJOCO_LOG.TXT`` to the working directory. Other warnings become Python's. This
      can be removed with a Gymnasium whose file does not use it.
    """
    import mujoco

    def warn(message: str) -> None:
        if "settotalmass" not in message:
            warnings.warn(message.strip(), RuntimeWarning, stacklevel=2)

    previous = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(warn)
    try:
        with np.errstate(over="ignore"), numpy_random_restored():
            yield
    finally:
        mujoco.set_mju_user_warning(previous)
