"""The SafetyGym environments: upstream's simulation, unchanged, and a process left as it was.

What every environment promises is in ``test_env_contract.py``.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest

from sb3_presa.envs import safety_compat, safety_driver
from sb3_presa.envs.safety import SafetyGymEnv, make_upstream
from sb3_presa.envs.safety_driver import (
    among_obstacles,
    circle_driver,
    crowd_driver,
    goal_driver,
    in_circle,
    kept_off,
    lidar_driver,
)
from sb3_presa.envs.safety_senses import Senses
from sb3_presa.envs.scripted import Act
from sb3_presa.errors import ConfigError, RenderingError

POINT, SWIMMER = "SafetyPointGoal1-v0", "SafetySwimmerVelocity-v1"


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("task_id", "steps"),
    [
        ("SafetyPointGoal1-v0", 200),
        ("SafetyPointCircle2-v0", 200),
        ("SafetyCarButton2-v0", 60),
        ("SafetyCarPush1-v0", 60),
        ("SafetySwimmerVelocity-v1", 200),
        ("SafetyHopperVelocity-v1", 200),
        ("SafetyAntVelocity-v1", 60),
    ],
)
def test_it_is_upstreams_simulation_step_by_step(task_id: str, steps: int) -> None:
    upstream, ours = make_upstream(task_id), SafetyGymEnv(task_id)
    rng = np.random.default_rng(0)
    for seed in (5, 6):
        expected, _ = upstream.reset(seed=seed)
        found, _ = ours.reset(seed=seed)
        assert (found == expected.astype(np.float32)).all()
        for _ in range(steps):
            action = rng.uniform(-0.3, 1, ours.action_space.shape).astype(np.float32)
            expected, reward, cost, terminated, truncated, their_info = upstream.step(action)
            found, *rest, info = ours.step(action)
            assert (found == expected.astype(np.float32)).all()
            assert rest == [reward, terminated, truncated] and info["cost"] == cost
            assert {name: info[name] for name in their_info} == their_info
            if terminated:
                break
    # From here unseeded: both go on drawing from the same generator.
    assert (ours.reset()[0] == upstream.reset()[0].astype(np.float32)).all()


def drive_to(env: SafetyGymEnv, target: str) -> list[tuple[float, dict[str, Any]]]:
    """Turn the point agent to a body of the scene and go there; rewards and infos on the way."""
    env.reset(seed=0)
    data = env._sim.task.data
    steps = []
    for _ in range(200):
        agent, goal = data.body("agent"), data.body(target)
        ahead, left = ((goal.xpos - agent.xpos) @ agent.xmat.reshape(3, 3))[:2]
        angle = np.arctan2(left, ahead)
        action = np.array([0.2 if abs(angle) < 0.5 else 0.0, angle], np.float32)
        _, reward, _, _, info = env.step(action.clip(-1, 1))
        steps.append((reward, info))
    return steps


def test_goals_reward_and_hazards_cost() -> None:
    env = SafetyGymEnv(POINT)
    to_goals, to_a_hazard = drive_to(env, "goal"), drive_to(env, "hazard0")
    met = [info["goal_met"] for _, info in to_goals]
    assert any(met) and not all(met)
    assert sum(reward for reward, _ in to_goals) > 1
    assert sum(info["cost"] for _, info in to_a_hazard) > 20
    assert not any(info["goal_met"] for _, info in to_a_hazard)
    assert len({frozenset(info) for _, info in to_goals + to_a_hazard}) == 1


@pytest.mark.parametrize("task_id", ["SafetyPointCircle1-v0", "SafetyCarCircle2-v0"])
def test_an_agent_told_to_drives_along_a_circle_of_this_radius(task_id: str) -> None:
    """The walls are at 1.125 m; the lidar of these tasks reaches 6 m, and not 3."""
    env = SafetyGymEnv(task_id)

    def outcome(radius: float) -> tuple[float, float, float]:
        observation, _ = env.reset(seed=3)
        act, reward, cost, distances = circle_driver(env, radius, 1.0, 1.0, 5.0), 0.0, 0.0, []
        for _ in range(400):
            observation, step_reward, _, _, info = env.step(act(observation))
            reward, cost = reward + step_reward, cost + info["cost"]
            distances.append(float(np.linalg.norm(env._sim.task.agent.pos[:2])))
        return reward, cost, float(np.median(distances[200:]))

    small, large = outcome(0.6), outcome(1.3)
    assert small[1] == 0 and large[1] > 50 and 0 < small[0] < large[0]
    assert small[2] == pytest.approx(0.6, abs=0.3) and large[2] == pytest.approx(1.3, abs=0.4)


def test_an_agent_told_to_passes_obstacles_at_a_distance() -> None:
    """On layouts where straight ways cross hazards; either way reaches goals."""
    env = SafetyGymEnv(POINT)

    def outcome(seed: int, clearance: float) -> tuple[float, float]:
        observation, _ = env.reset(seed=seed)
        act, reward, cost = goal_driver(env, 0.5, 1.5, clearance), 0.0, 0.0
        for _ in range(500):
            observation, step_reward, _, _, info = env.step(act(observation))
            reward, cost = reward + step_reward, cost + info["cost"]
        return reward, cost

    for seed in (3, 6, 11):
        blind, clear = outcome(seed, 0.0), outcome(seed, 0.45)
        assert min(blind[0], clear[0]) > 3
        assert clear[1] == 0 < blind[1]


def by_lidar(env: SafetyGymEnv, push: float) -> Act:
    return lidar_driver(env, 1.2, push, 5.0)


def by_crowd(env: SafetyGymEnv, push: float) -> Act:
    return crowd_driver(env, 1.2, push, 12.0)


@pytest.mark.parametrize(
    ("make", "task_id", "most"),
    [
        (by_lidar, POINT, 2.0),
        (by_lidar, "SafetyCarGoal1-v0", 2.0),
        (by_crowd, "SafetyPointGoal2-v0", 7.0),
        (by_crowd, "SafetyCarButton1-v0", 7.0),
    ],
)
def test_an_agent_that_obstacles_push_off_keeps_clear_of_them(
    make: Any, task_id: str, most: float
) -> None:
    env = SafetyGymEnv(task_id)

    def outcome(push: float) -> tuple[float, float]:
        reward = cost = 0.0
        for seed in (3, 6, 11):
            observation, _ = env.reset(seed=seed)
            act = make(env, push)
            for _ in range(300):
                observation, step_reward, _, _, info = env.step(act(observation))
                reward, cost = reward + step_reward, cost + info["cost"]
        return reward, cost

    blind, clear = outcome(0.0), outcome(most)
    assert min(blind[0], clear[0]) > 1
    assert clear[1] < blind[1] / 4


def test_an_agent_among_obstacles_comes_back_to_a_goal_out_of_its_sight() -> None:
    """From the far end of the field the goal is beyond the lidar's range."""
    env = SafetyGymEnv("SafetyPointGoal2-v0")
    observation, _ = env.reset(seed=9)
    act, rewards, seen = by_crowd(env, 0.0), [], []
    senses = Senses(env)
    for _ in range(900):
        observation, reward, *_ = env.step(act(observation))
        rewards.append(reward)
        seen.append(senses.lidar(observation, "goal_lidar").max() > 0.0)
    assert not all(seen)
    assert sum(rewards[600:]) > 2.0


def test_buttons_are_obstacles_except_the_one_to_press() -> None:
    """Also those that are seen on a ray on which the goal is seen, farther away."""
    env = SafetyGymEnv("SafetyCarButton1-v0")
    env.reset(seed=3)
    for _ in range(12):  # buttons are not seen for ten steps after the goal has moved
        observation, *_ = env.step(np.zeros(2, np.float32))
    senses = Senses(env)
    seen = observation.copy()
    for name in ("hazards_lidar", "gremlins_lidar", "buttons_lidar"):
        seen[senses._parts[name]] = 0.0
    goal = senses.lidar(observation, "goal_lidar").argmax()
    buttons = seen[senses._parts["buttons_lidar"]]
    buttons[goal] = observation[senses._parts["goal_lidar"]][goal]
    assert len(senses.obstacles(seen, 3.0)[1]) == 0
    buttons[goal] = 0.9
    np.testing.assert_allclose(senses.obstacles(seen, 3.0)[1], [0.3], rtol=1e-5)


def largest_jump(env: SafetyGymEnv, act: Act) -> float:
    """By how much a thousandth of an observation changes an action, at most, on a drive."""
    rng = np.random.default_rng(0)
    observation, _ = env.reset(seed=3)
    jumps = []
    for _ in range(150):
        action = act(observation)
        moved = observation + 1e-3 * rng.choice((-1.0, 1.0), observation.shape)
        jumps.append(np.abs(act(moved) - action).max())
        observation, *_ = env.step(action)
    return float(max(jumps))


def test_an_agent_that_obstacles_push_off_is_a_smooth_function_of_what_it_sees() -> None:
    """A choice among courses is none: a clone of it would be between them."""
    env = SafetyGymEnv(POINT)
    env.reset(seed=3)
    assert largest_jump(env, by_crowd(env, 7.0)) < 0.1
    assert largest_jump(env, by_lidar(env, 2.0)) < 0.1
    assert largest_jump(env, goal_driver(env, 0.5, 1.5, 0.45)) > 0.2


@pytest.mark.parametrize(
    ("make", "task_id", "least"),
    [
        (in_circle, "SafetyPointCircle2-v0", (0.15, 0.15)),
        (in_circle, "SafetyCarCircle1-v0", (0.15, 0.15)),
        (kept_off, POINT, (0.01, 0.2)),
        (kept_off, "SafetyCarGoal1-v0", (0.1, 0.1)),
        (among_obstacles, "SafetyCarGoal2-v0", (0.1, 0.1)),
    ],
)
def test_no_scripted_driver_acts_without_noise(
    make: Any, task_id: str, least: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where logs are narrow, clones drift into states that no log shows."""
    env = SafetyGymEnv(task_id)
    rng = np.random.default_rng(0)
    drawn: list[Any] = []

    def shaky(act: Act, noise: Any, _: np.random.Generator) -> Act:
        drawn.append(noise)
        return act

    monkeypatch.setattr(safety_driver, "shaky", shaky)
    for _ in range(200):
        make(env, rng)
    noise = np.broadcast_to(np.reshape(drawn, (200, -1)), (200, 2))
    np.testing.assert_allclose(noise.min(axis=0), least, rtol=0.1)
    assert (noise.min(axis=0) >= least).all()


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("Ant", 2.6222),
        ("HalfCheetah", 3.2096),
        ("Hopper", 0.7402),
        ("Swimmer", 0.2282),
        ("Walker2d", 2.3415),
    ],
)
def test_speed_costs_above_the_limit_of_version_1(name: str, limit: float) -> None:
    env = SafetyGymEnv(f"Safety{name}Velocity-v1")
    for share, cost in [(0.5, 0.0), (3.0, 1.0)]:
        env.reset(seed=0)
        velocity = np.zeros(env._sim.model.nv)
        velocity[0] = share * limit
        env._sim.set_state(env._sim.init_qpos, velocity)
        *_, info = env.step(np.zeros(env.action_space.shape or (), dtype=np.float32))
        assert (info["x_velocity"] > limit) == (share > 1)
        assert info["cost"] == cost
    assert env._sim._velocity_threshold == limit


def test_the_plainer_sky_changes_nothing_but_the_sky() -> None:
    import mujoco

    env = SafetyGymEnv("SafetyCarButton1-v0")
    env.reset(seed=0)
    world = env._sim.task.world
    folder = Path(safety_compat._copy["safety_gymnasium"].__path__[0])
    star = folder / "assets" / "textures" / "star_hd.top.png"
    starry, count = re.subn(
        r'<texture type="skybox"[^>]*>', f'<texture type="skybox" file="{star}">', world.xml_string
    )
    assert count == 1
    theirs = mujoco.MjModel.from_xml_string(starry)
    mine = mujoco.MjModel.from_xml_string(world.xml_string)
    arrays = [name for name in dir(mine) if isinstance(getattr(mine, name), np.ndarray)]
    different = [
        name for name in arrays if not np.array_equal(getattr(mine, name), getattr(theirs, name))
    ]
    assert len(arrays) > 200
    # A picture has a file's name, which moves the other names along.
    about_the_sky = ("tex_", "name", "path", "_sizes")
    assert all(name.startswith(about_the_sky) for name in different), different


def test_the_first_unseeded_reset_does_not_depend_on_numpys_generator() -> None:
    def first(task_id: str) -> npt.NDArray[np.float32]:
        np.random.seed(0)  # noqa: NPY002
        return SafetyGymEnv(task_id).reset()[0]

    assert (first(POINT) != first(POINT)).any()
    assert (first(SWIMMER) != first(SWIMMER)).any()


def test_a_seed_may_be_as_large_as_gymnasiums() -> None:
    env = SafetyGymEnv(POINT)
    first, _ = env.reset(seed=2**63 + 1)
    env.reset(seed=0)
    assert (env.reset(seed=2**63 + 1)[0] == first).all()


def test_upstreams_package_stays_what_it_is_for_others() -> None:
    """Its modules are not there afterwards, importing it does what it did, and a module of that
    name that was there before is there still."""
    attempt = (
        "try:\n    import safety_gymnasium; print('fine')\n"
        "except Exception as error: print(type(error), error)\n"
    )
    use = (
        "import sys, dataclasses, numpy, gymnasium\n"
        "before = dataclasses.dataclass, dict(vars(dataclasses)), numpy.array\n"
        "from sb3_presa.envs.safety import SafetyGymEnv\n"
        "for task in ('SafetyPointGoal1-v0', 'SafetySwimmerVelocity-v1'):\n"
        "    SafetyGymEnv(task).reset()\n"
        "assert before == (dataclasses.dataclass, dict(vars(dataclasses)), numpy.array)\n"
        "assert not [name for name in sys.modules if name.startswith('safety_gymnasium')]\n"
    )
    there = (
        "import types; other = types.ModuleType('safety_gymnasium.other')\n"
        "sys.modules['safety_gymnasium.other'] = other\n"
        "SafetyGymEnv('SafetyHopperVelocity-v1').reset()\n"
        "assert [name for name in sys.modules if name.startswith('safety_gymnasium')] "
        "== ['safety_gymnasium.other']\n"
    )
    alone, after = run_python(attempt), run_python(use + attempt)
    assert after.returncode == 0, after.stderr
    assert after.stdout == alone.stdout
    kept = run_python(use + there)
    assert kept.returncode == 0, kept.stderr


def test_nothing_is_printed_nor_written_where_the_user_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    env = SafetyGymEnv("SafetyHalfCheetahVelocity-v1")
    env.reset(seed=0)
    env.step(env.action_space.sample())
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")


def test_several_draw_in_one_process_and_one_may_close() -> None:
    envs = [SafetyGymEnv(task_id, "rgb_array") for task_id in (POINT, SWIMMER, POINT)]
    for seed, env in enumerate(envs):
        env.reset(seed=seed)
    first: list[Any] = [env.render() for env in envs]
    assert (first[0] != first[2]).any()
    assert all((env.render() == picture).all() for env, picture in zip(envs, first, strict=True))
    envs[0].close()
    assert (envs[2].render() == first[2]).all()
    assert (envs[1].render() == first[1]).all()
    assert (envs[0].render() == first[0]).all()  # a closed one draws anew
    envs[2].reset(seed=0)
    assert (envs[2].render() == first[0]).all()  # the new world, not that of the first picture
    for env in envs:
        env.close()


def test_pictures_do_not_tell_what_a_step_costs() -> None:
    env = SafetyGymEnv(POINT, "rgb_array")
    env.reset(seed=0)
    pictures: list[Any] = []
    for cost in (0.0, 1.0):
        env._sim.cost = {"cost_sum": cost}  # what upstream takes for its red sphere
        pictures.append(env.render())
    assert (pictures[0] == pictures[1]).all()
    env.close()


def test_a_process_that_forgets_to_close_ends_in_silence() -> None:
    done = run_python(
        "from sb3_presa.envs.safety import SafetyGymEnv\n"
        f"envs = [SafetyGymEnv({POINT!r}, 'rgb_array') for _ in range(2)]\n"
        "for env in envs: env.reset(seed=0); env.render()\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_where_nothing_can_draw_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env = SafetyGymEnv(SWIMMER, "rgb_array")
    with pytest.raises(gym.error.ResetNeeded):
        env.render()
    env.reset(seed=0)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "MUJOCO_GL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("egl", "osmesa"):
        monkeypatch.setitem(sys.modules, f"mujoco.{name}", None)
    with pytest.raises(RenderingError, match=r"egl: .*osmesa: .*apt-get install libegl1"):
        env.render()
    env.step(np.zeros(2, dtype=np.float32))
    env.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("SafetyPointGoal3-v0",),
            r"`task_id` must be one of \['SafetyP.*, got 'SafetyPointGoal3-v0'",
        ),
        (("SafetyBallRun-v0",), "`task_id` must be .*, got 'SafetyBallRun-v0'"),
        ((POINT, "human"), "`render_mode` must be .*, got 'human'"),
    ],
)
def test_what_does_not_exist_is_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SafetyGymEnv(*arguments)


def test_an_import_that_failed_can_be_tried_again(tmp_path: Path) -> None:
    """Half a copy of the simulator would make every later import fail, and name another cause."""
    (tmp_path / "safety_gymnasium.py").write_text("raise ModuleNotFoundError('it is not here')\n")
    found = run_python(
        f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from sb3_presa.envs.safety_compat import upstream_class
from sb3_presa.errors import SimulatorNotInstalledError
try:
    upstream_class("builder", "Builder")
except SimulatorNotInstalledError:
    del sys.path[0]
    print(upstream_class("builder", "Builder").__name__)
"""
    )
    assert found.stdout == "Builder\n", found.stderr


@pytest.mark.parametrize("task_id", [POINT, SWIMMER])
def test_a_drawing_context_that_something_else_closed_is_named(
    task_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window of pygame closes EGL's display on a machine without a screen."""
    env = SafetyGymEnv(task_id, render_mode="rgb_array")
    env.reset(seed=0)
    env.render()
    assert env._viewer is not None

    def lost() -> None:
        raise OSError("EGL_BAD_DISPLAY")

    with monkeypatch.context() as patch:
        patch.setattr(env._viewer.opengl_context, "make_current", lost)
        with pytest.raises(RenderingError, match=r"closed it \(EGL_BAD_DISPLAY\).*'rgb_array'"):
            env.render()
    env.close()
