"""``sb3-presa install-simulators`` and ``doctor``: what they run, what they say, how they end."""

import json
import os
import shlex
import stat
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.requirements import Requirement
from typer.testing import CliRunner, Result

from sb3_presa.cli import app
from sb3_presa.envs import SIMULATORS, installation
from sb3_presa.envs.doctor import Diagnosis, diagnose
from sb3_presa.envs.installation import KEPT


def run(*arguments: str, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An interpreter that writes its arguments to a file, one line a call, and does nothing else.

    It fails where a file named ``fail`` lies beside it. On every Python the table is that of 3.11,
    which has all simulators.
    """
    calls = tmp_path / "calls"
    stub = tmp_path / "python"
    stub.write_text(
        f'#!/bin/sh\nprintf "%s " "$@" >> {calls}\necho >> {calls}\n! test -e {tmp_path}/fail\n'
    )
    stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(stub))
    python = SimpleNamespace(version_info=(3, 11, 0))
    monkeypatch.setattr("sb3_presa.envs.simulators.sys", python)
    return calls


def requirements(command: str) -> dict[str, Requirement]:
    """The packages that a pip command names."""
    words = command.split()
    named = [Requirement(word) for word in words[words.index("install") + 1 :] if word[0] != "-"]
    return {requirement.name: requirement for requirement in named}


def test_the_printed_commands_are_those_that_run(pip: Path) -> None:
    printed = run("install-simulators", "all", "--dry-run").stdout
    assert not pip.exists()
    said = run("install-simulators", "all").stdout
    assert "safety, bullet, metadrive, highway" in said
    ran = [shlex.split(line)[1:] for line in printed.splitlines()]
    assert [line.split() for line in pip.read_text().splitlines()] == ran
    assert all(words[:2] == ["-m", "pip"] for words in ran)


def test_each_name_installs_its_own(pip: Path) -> None:
    run("install-simulators", "highway", "bullet")
    named = [set(requirements(line)) - set(KEPT) for line in pip.read_text().splitlines()]
    assert named == [{"pybullet"}, {"bullet-safety-gym"}, {"highway-env"}]


def test_what_is_installed_stays_where_it_is(pip: Path) -> None:
    """A command either resolves nothing, or holds each of these at its version."""
    run("install-simulators")
    for line in pip.read_text().splitlines():
        found = requirements(line)
        if "--no-deps" in line:
            assert not set(KEPT) & set(found)
            continue
        for name in KEPT:
            here = installation.installed_version(name)
            assert here is not None
            assert str(found[name].specifier) == f"=={here}"


def test_a_pip_that_fails_ends_it_with_the_command(pip: Path) -> None:
    pip.with_name("fail").touch()
    refused = run("install-simulators", "bullet", "highway", exit_code=1)
    assert len(pip.read_text().splitlines()) == 1
    assert (
        "Bullet-Safety-Gym could not be installed" in refused.stderr
        and "pybullet" in refused.stderr
    )
    assert refused.stderr.count("\n") == 1


def test_a_later_python_leaves_out_what_it_cannot_have(
    pip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not in sys itself: what the command imports would go by it, and stay imported
    later = SimpleNamespace(version_info=(3, 13, 0))
    monkeypatch.setattr("sb3_presa.envs.simulators.sys", later)
    result = run("install-simulators", "all")
    named = {name for line in pip.read_text().splitlines() for name in requirements(line)}
    assert {"safety-gymnasium", "highway-env"} <= named
    assert not {"pybullet", "metadrive-simulator"} & named
    for title in ("Bullet-Safety-Gym", "MetaDrive"):
        assert f"{title} needs Python below 3.12" in result.stderr
    monkeypatch.setattr("sb3_presa.envs.doctor.installed_version", lambda _: None)
    (found,) = diagnose([SIMULATORS["metadrive"]])
    assert "below 3.12" in found.advice and found.works


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    for command in ("install-simulators", "doctor"):
        refused = run(command, "carla", exit_code=1)
        assert (
            "'carla'" in refused.stderr and "safety, bullet, metadrive, highway" in refused.stderr
        )


def test_the_doctor_tries_a_simulator_that_works() -> None:
    (found,) = json.loads(run("doctor", "highway", "--json").stdout)
    assert found["version"] == installation.installed_version("highway-env")
    assert found["importable"] is True and found["renders"] is True
    assert found["steps_per_second"] > 1
    assert found["problem"] == found["advice"] == ""


def crippled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> Diagnosis:
    """What the doctor finds of a highway whose environment class is replaced by some code."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util, sys\n"
        "spec = importlib.util.spec_from_loader('sb3_presa.envs.highway', None)\n"
        "module = importlib.util.module_from_spec(spec)\n"
        f"exec({code!r}, vars(module))\n"
        "sys.modules['sb3_presa.envs.highway'] = module\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.fspath(tmp_path))
    (found,) = diagnose([SIMULATORS["highway"]])
    return found


WORKING = """
import gymnasium as gym, numpy as np, os, sys
class HighwaySafeEnv(gym.Env):
    observation_space = action_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
    metadata = {"render_modes": ["rgb_array"], "render_fps": 5}
    def __init__(self, discrete, render_mode=None):
        self.render_mode = render_mode
    def reset(self, seed=None, options=None):
        return np.zeros(2, np.float32), {}
    def step(self, action):
        return np.zeros(2, np.float32), 0.0, False, False, {"cost": 0.0}
    def render(self):
        return np.full((4, 4, 3), 7, np.uint8)
"""


@pytest.mark.parametrize(
    ("change", "importable", "renders", "problem", "advice"),
    [
        (
            "    def __init__(self, **_): raise ImportError('libGL.so.1: cannot open')",
            *(False, None, "libGL.so.1", "libegl1"),
        ),
        (
            "    def reset(self, **_): raise ImportError('no pandas')",
            *(False, None, "no pandas", "sb3-presa install-simulators highway"),
        ),
        (
            "    def step(self, _): os.abort()",
            True,
            None,
            "SIGABRT while stepping",
            "doctor highway",
        ),
        (
            "    def render(self): os.abort()",
            True,
            False,
            "SIGABRT while drawing",
            "doctor highway",
        ),
        ("", True, False, "one colour", "doctor highway"),
    ],
)
def test_the_doctor_survives_what_fails_and_says_where(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    importable: bool,
    renders: bool | None,
    problem: str,
    advice: str,
) -> None:
    found = crippled(tmp_path, monkeypatch, WORKING + change)
    assert (found.importable, found.renders) == (importable, renders)
    assert problem in found.problem and advice in found.advice
    assert not found.works


def test_the_exit_code_is_about_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def finding(*diagnoses: Diagnosis) -> Any:
        monkeypatch.setattr("sb3_presa.envs.doctor.diagnose", lambda _: list(diagnoses))

    works = Diagnosis("bullet", "Bullet", "1", True, 1234.5, True)
    missing = Diagnosis("safety", "Safety", problem="not installed", advice="do this")
    broken = Diagnosis("highway", "Highway", "2", True, 10.0, False, "it is dark", "light it")
    finding(works, missing)
    printed = run("doctor").stdout
    assert "1,234" in printed and "not installed. do this" in printed
    finding(works, missing, broken)
    assert "highway: it is dark. light it" in run("doctor", exit_code=1).stdout
    assert len(json.loads(run("doctor", "--json", exit_code=1).stdout)) == 3


def test_it_hangs_no_longer_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sb3_presa.envs.doctor.TIMEOUT", 1.0)
    hangs = "    def __init__(self, **_):\n        import time; time.sleep(600)"
    found = crippled(tmp_path, monkeypatch, WORKING + hangs)
    assert found.importable is False and "did not end within 1 s" in found.problem
