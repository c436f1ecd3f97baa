"""Imports MetaDrive 0.3.0.1 on a current Python without side effects on other packages.

Every workaround names the defect of that release and the release without it. Later releases are
not used because they download their pictures and models on the first run.
"""

import contextlib
import importlib
import io
import logging
import os
import sys
from collections.abc import Iterator
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

import gymnasium

from sb3_presa.envs.simulators import importing


def _stand_ins() -> dict[str, Any]:
    """Entries of ``sys.modules`` while MetaDrive is imported, by module name."""
    # It imports the old gym, but uses only Env and the spaces. Fixed in 0.4.0, which imports
    # Gymnasium. The registration discards its ids: their entry points return steps of four values.
    registration = ModuleType("gym.envs.registration")
    vars(registration).update(
        register=lambda **_: None, registry=SimpleNamespace(env_specs=frozenset())
    )
    # seaborn provides ten colours and takes three seconds to import; cv2 writes picture files.
    # Neither is used here, so neither has to be installed. Every release imports both.
    seaborn, opencv = ModuleType("seaborn"), ModuleType("cv2")
    vars(seaborn).update(color_palette=lambda _: [(shade / 10,) * 3 for shade in range(10)])
    return {
        "gym": gymnasium,
        "gym.spaces": gymnasium.spaces,
        "gym.envs": ModuleType("gym.envs"),
        "gym.envs.registration": registration,
        # Readers of Waymo's files, generated for protobuf 3, which a current protobuf rejects.
        # None makes importing them an ImportError, which upstream expects. Fixed in 0.4.0, which
        # has no such readers.
        "metadrive.utils.waymo_utils.protos": None,
        # Imported for CUDA, which is not used here. It selects an OpenGL platform that needs a
        # screen for the whole process, so that MuJoCo could no longer render. Upstream expects an
        # ImportError. Every release imports it.
        "OpenGL": None,
        "seaborn": seaborn,
        "cv2": opencv,
    }


@contextlib.contextmanager
def _nothing_remains() -> Iterator[None]:
    """Install the stand-ins, and restore modules and environment variables afterwards."""
    stand_ins = _stand_ins()
    modules = {name: sys.modules.get(name) for name in stand_ins}
    variables = dict(os.environ)
    sys.modules.update(stand_ins)
    try:
        # It prints the ids that it registers. Every release does.
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        for name, module in modules.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
        # It overwrites the variable that hides pygame's greeting, for other packages and child
        # processes too. Every release does.
        for name in os.environ.keys() - variables.keys():
            del os.environ[name]
        os.environ.update(variables)


def _quieten() -> None:
    # It calls logging.info() and the like, which give the root logger a handler, so that log lines
    # of all other packages appear on the screen. Its own logger avoids this. Fixed in 0.4.0, which
    # has one.
    logger = logging.getLogger("metadrive")
    for name, module in list(sys.modules.items()):
        if name.startswith("metadrive.") and getattr(module, "logging", None) is logging:
            vars(module)["logging"] = logger
    # Panda3D looks for joysticks and reports an error without one, and again when a second world
    # is built. These settings affect Panda3D alone.
    prc = importlib.import_module("panda3d.core")
    for category, level in (("device", "fatal"), ("task", "error")):
        prc.load_prc_file_data("", f"notify-level-{category} {level}")


@cache
def load_metadrive() -> SimpleNamespace:
    """Import the simulator; the result is cached.

    :return: ``SafeMetaDriveEnv``, ``BaseEngine``, ``TrafficMode``, ``IDMPolicy``,
        ``close_engine``, ``get_np_random``, and for pictures ``WorldSurface``, ``LaneGraphics``,
        ``VehicleGraphics`` and ``pygame``.
    :raises SimulatorNotInstalledError: If MetaDrive or one of its dependencies is missing.
    """
    wanted = {
        "metadrive.envs.safe_metadrive_env": ["SafeMetaDriveEnv"],
        "metadrive.engine.base_engine": ["BaseEngine"],
        "metadrive.engine.engine_utils": ["close_engine"],
        "metadrive.manager.traffic_manager": ["TrafficMode"],
        "metadrive.manager.map_manager": [],
        "metadrive.manager.object_manager": [],
        "metadrive.policy.idm_policy": ["IDMPolicy"],
        "metadrive.utils.random_utils": ["get_np_random"],
        "metadrive.obs.top_down_obs_impl": ["WorldSurface", "LaneGraphics", "VehicleGraphics"],
    }
    with importing("metadrive"), _nothing_remains():
        modules = {name: importlib.import_module(name) for name in wanted}
        _quieten()
    return SimpleNamespace(
        pygame=modules["metadrive.obs.top_down_obs_impl"].pygame,
        **{
            attribute: getattr(modules[name], attribute)
            for name, attributes in wanted.items()
            for attribute in attributes
        },
    )
