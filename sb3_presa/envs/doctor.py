"""Checks which simulators work on this machine, each in a process of its own.

``python -m sb3_presa.envs.doctor NAME`` is that process. It prints a line of JSON after each step,
so that the steps before a crash are known.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sb3_presa.envs.installation import installed_version
from sb3_presa.envs.simulators import SIMULATORS, Simulator

TIMEOUT = 180.0
"""Seconds after which a simulator counts as hanging."""

_STEPPING_SECONDS = 1.0
_APT = "sudo apt-get install libegl1 libgl1"


@dataclass(frozen=True)
class Diagnosis:
    """The result of checking one simulator.

    :param name: Its name in :data:`~sb3_presa.envs.simulators.SIMULATORS`.
    :param title: Its name for people.
    :param version: Version of its package, or ``None`` if it is not installed.
    :param importable: Whether an environment of it could be made and reset; ``None`` if not tried.
    :param steps_per_second: Of its first environment with random actions, resets included.
    :param renders: Whether a picture could be drawn; ``None`` if not tried.
    :param problem: The error in one line; empty if none.
    :param advice: The remedy.
    """

    name: str
    title: str
    version: str | None = None
    importable: bool | None = None
    steps_per_second: float | None = None
    renders: bool | None = None
    problem: str = ""
    advice: str = ""

    @property
    def works(self) -> bool:
        """Whether every check passed; also true if the simulator is not installed."""
        return self.version is None or bool(self.importable and self.renders)


def diagnose(simulators: Iterable[Simulator]) -> list[Diagnosis]:
    """Check simulators, each in a fresh process.

    :param simulators: The simulators to check.
    :return: The results, in the same order.
    """
    return [_diagnose(simulator) for simulator in simulators]


def _diagnose(simulator: Simulator) -> Diagnosis:
    found = Diagnosis(simulator.name, simulator.title, installed_version(simulator.distribution))
    if found.version is None:
        impossible = simulator.why_not_on_this_python
        return replace(
            found,
            problem="not installed",
            advice=impossible or simulator.install_command,
        )
    facts, problem = _probe(simulator.name)
    found = replace(found, **facts)
    if not found.problem and problem:
        found = replace(found, problem=problem)
    if found.works:
        return found
    return replace(found, advice=_advice(simulator, found))


def _advice(simulator: Simulator, found: Diagnosis) -> str:
    if ".so" in found.problem or "GL" in found.problem:  # a library of the system, or drawing
        advice = f"install the libraries for off-screen rendering (Debian and Ubuntu: {_APT})"
    elif not found.importable:
        advice = f"reinstall it ({simulator.install_command})"
    else:
        advice = "read its error message"
    return f"{advice}; for the full error run {_command(simulator.name)}"


def _command(name: str) -> str:
    return f"python -m sb3_presa.envs.doctor {name}"


def _probe(name: str) -> tuple[dict[str, Any], str]:
    """Run the process of one simulator; return its facts, and its error if it failed."""
    command = [sys.executable, "-m", __name__, name]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=TIMEOUT, errors="replace"
        )
        output, errors, status = done.stdout, done.stderr, done.returncode
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode(
            errors="replace"
        )  # bytes even where text was asked for
        errors, status = f"the process did not end within {TIMEOUT:.0f} s", 1
    facts: dict[str, Any] = {}
    for line in output.splitlines():
        if line.startswith(_MARK):
            facts |= json.loads(line.removeprefix(_MARK))
    if not status:
        return facts, ""
    failed, doing = next(
        (fact, doing) for fact, doing in _STEPS.items() if fact not in facts or fact == "renders"
    )
    if failed != "steps_per_second":
        facts[failed] = False
    return facts, _ending(status, errors, doing)


def _ending(status: int, errors: str, doing: str) -> str:
    if status < 0:
        return f"the process was killed by {signal.Signals(-status).name} while {doing}"
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return lines[-1] if lines else f"the process exited with status {status} while {doing}"


#: The facts that the process reports, in this order, and the step before each.
_STEPS = {"importable": "importing", "steps_per_second": "stepping", "renders": "drawing"}
_MARK = "sb3-presa doctor: "


def _tell(**facts: Any) -> None:
    print(_MARK + json.dumps(facts), flush=True)


def _try(name: str) -> None:
    """Make, step and render the first environment of a simulator; report after each step."""
    import gymnasium as gym
    import numpy as np

    from sb3_presa.envs import register_envs

    register_envs()
    env = gym.make(SIMULATORS[name].env_ids[0])
    env.action_space.seed(0)
    env.reset(seed=0)
    _tell(importable=True)

    started = time.perf_counter()
    steps, elapsed = 0, 0.0
    while elapsed < _STEPPING_SECONDS:
        *_, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            env.reset()
        steps, elapsed = steps + 1, time.perf_counter() - started
    _tell(steps_per_second=round(steps / elapsed, 1))
    env.close()

    env = gym.make(SIMULATORS[name].env_ids[0], render_mode="rgb_array")
    env.reset(seed=0)
    picture = np.asarray(env.render())
    if picture.std() == 0:
        sys.exit(f"the rendered picture has only one colour (shape {picture.shape})")
    _tell(renders=True)
    env.close()


if __name__ == "__main__":
    _try(sys.argv[1])
