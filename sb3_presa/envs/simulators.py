"""The table of simulators: their requirements and their environments.

Registration, ``sb3-presa install-simulators``, ``sb3-presa doctor``, the build and the tests read
it. No simulator is imported here.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sb3_presa.envs.tasks import Task, all_tasks
from sb3_presa.errors import ConfigError, SimulatorNotInstalledError


@dataclass(frozen=True)
class EnvEntry:
    """One environment as Gymnasium registers it.

    :param env_id: The id, below ``presa/``.
    :param entry_point: ``"module:Class"``, imported when the environment is made.
    :param horizon: Steps of a full episode.
    :param kwargs: Keyword arguments of the class.
    """

    env_id: str
    entry_point: str
    horizon: int
    kwargs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Simulator:
    """One simulator.

    :param name: Its name in commands, e.g. ``"bullet"``.
    :param title: Its name for people.
    :param distribution: The package on PyPI whose presence means that it is installed.
    :param pip_steps: Arguments of the ``pip install`` commands that install it, in order. Packages
        that pin outdated versions are installed with ``--no-deps``, after their real requirements.
    :param envs: Its environments.
    :param python_below: The first Python version without support, or ``None``.
    :param python_reason: The reason for that limit.
    """

    name: str
    title: str
    distribution: str
    pip_steps: tuple[tuple[str, ...], ...]
    envs: tuple[EnvEntry, ...]
    python_below: tuple[int, int] | None = None
    python_reason: str = ""

    @property
    def env_ids(self) -> tuple[str, ...]:
        """The ids of its environments."""
        return tuple(entry.env_id for entry in self.envs)

    @property
    def install_command(self) -> str:
        """The command that installs it."""
        return f"sb3-presa install-simulators {self.name}"

    @property
    def why_not_on_this_python(self) -> str:
        """Why it does not work on the running Python; empty if it does."""
        if self.python_below is None or sys.version_info < self.python_below:
            return ""
        below = ".".join(map(str, self.python_below))
        here = ".".join(map(str, sys.version_info[:2]))
        return f"{self.title} needs Python below {below} ({self.python_reason}), got {here}"


def _tasks_of(suite: str) -> tuple[Task, ...]:
    return tuple(task for task in all_tasks() if task.suite == suite)


def _bullet_kwargs(task: Task) -> dict[str, Any]:
    kind = "Run" if task.name.endswith("Run") else "Circle"
    return {"agent": task.name.removesuffix(kind), "task": kind}


_SAFETY = "sb3_presa.envs.safety:SafetyGymEnv"
_BULLET = "sb3_presa.envs.bullet:SafetyBulletEnv"
_METADRIVE = "sb3_presa.envs.metadrive:MetaDriveEnv"
_HIGHWAY = "sb3_presa.envs.highway:HighwaySafeEnv"

HIGHWAY_HORIZON, HIGHWAY_DISCRETE_HORIZON = 200, 40
"""Steps per episode (forty seconds) of highway driving, with continuous and discrete actions."""

SIMULATORS: Mapping[str, Simulator] = MappingProxyType(
    {
        simulator.name: simulator
        for simulator in (
            Simulator(
                name="safety",
                title="Safety-Gymnasium",
                distribution="safety-gymnasium",
                pip_steps=(
                    ("mujoco>=3.3,<4", "imageio>=2.27", "xmltodict>=0.13", "pyyaml>=6.0"),
                    # It pins gymnasium 0.28.1 and mujoco 2.3.3, and asks for pygame and
                    # gymnasium-robotics, which are not needed
                    ("--no-deps", "safety-gymnasium==1.0.0"),
                ),
                envs=tuple(
                    EnvEntry(t.env_id, _SAFETY, t.horizon, {"task_id": t.upstream_env})
                    for t in _tasks_of("safety")
                ),
            ),
            Simulator(
                name="bullet",
                title="Bullet-Safety-Gym",
                distribution="bullet-safety-gym",
                pip_steps=(
                    ("pybullet>=3.2.5",),
                    # It pins gymnasium 0.28.1
                    ("--no-deps", "bullet-safety-gym==1.4.0"),
                ),
                envs=tuple(
                    EnvEntry(t.env_id, _BULLET, t.horizon, _bullet_kwargs(t))
                    for t in _tasks_of("bullet")
                ),
                python_below=(3, 12),
                python_reason="pybullet has no wheels for later versions",
            ),
            Simulator(
                name="metadrive",
                title="MetaDrive",
                distribution="metadrive-simulator",
                pip_steps=(
                    (
                        "panda3d==1.10.14",
                        "panda3d-gltf==0.13",
                        "panda3d-simplepbr==0.10",
                        "pygame-ce>=2.5",
                    ),
                    # It pins gym 0.25, numpy 1.24 and protobuf 3.20. It ships its pictures and
                    # models, which 0.4 downloads on the first run
                    ("--no-deps", "metadrive-simulator==0.3.0.1"),
                ),
                envs=tuple(
                    EnvEntry(t.env_id, _METADRIVE, t.horizon, {"task": t.name})
                    for t in _tasks_of("metadrive")
                ),
                python_below=(3, 12),
                python_reason="the limit of its release",
            ),
            Simulator(
                name="highway",
                title="highway-env",
                distribution="highway-env",
                pip_steps=(("highway-env==1.12.1",),),
                envs=(
                    EnvEntry(
                        "presa/HighwaySafe-v0", _HIGHWAY, HIGHWAY_HORIZON, {"discrete": False}
                    ),
                    EnvEntry(
                        "presa/HighwaySafeDiscrete-v0",
                        _HIGHWAY,
                        HIGHWAY_DISCRETE_HORIZON,
                        {"discrete": True},
                    ),
                ),
            ),
        )
    }
)
"""Every simulator by its name."""


def find_simulators(names: tuple[str, ...] | list[str]) -> list[Simulator]:
    """The simulators with these names.

    :param names: Names from :data:`SIMULATORS`; ``"all"``, or nothing, for all of them.
    :return: Each once, in the table's order.
    :raises ConfigError: If a name is not in the table.
    """
    for name in names:
        if name != "all" and name not in SIMULATORS:
            raise ConfigError(
                f"the simulator must be one of {', '.join(SIMULATORS)}, all, got {name!r}"
            )
    everything = not names or "all" in names
    return [found for found in SIMULATORS.values() if everything or found.name in names]


@contextmanager
def importing(name: str) -> Iterator[None]:
    """Turn an import error of a simulator into one that says how to install it.

    :param name: Its name in :data:`SIMULATORS`.
    :raises SimulatorNotInstalledError: If the block raises an ``ImportError``.
    """
    try:
        yield
    except ImportError as error:
        simulator = SIMULATORS[name]
        advice = simulator.why_not_on_this_python or f"install it with: {simulator.install_command}"
        raise SimulatorNotInstalledError(
            f"{simulator.title} cannot be imported ({error}); {advice}"
        ) from error
