"""The examples run from beginning to end, in short, and print what they promise and no more."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from PIL import Image

from sb3_presa import PRESA

EXAMPLES = Path(__file__).parent.parent / "examples"
#: Runs an example as Python does, but takes models of labels that another example has fitted.
SHARING = """
import sys
tests, folder, script, *options = sys.argv[1:]
sys.path[0] = tests
from pathlib import Path
import fitted_once
fitted_once.share_in(Path(folder))
sys.path[0], sys.argv = str(Path(script).parent), [script, *options]
import runpy
runpy.run_path(script, run_name="__main__")
"""


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what examples fit to the labels of the ready-made dataset."""
    return tmp_path_factory.mktemp("fitted")


def run(folder: Path, *command: str) -> str:
    """Run Python in a folder, where nothing else than the installed package is at hand.

    :return: what it printed, warnings included
    """
    result = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    printed = result.stdout + result.stderr
    for noise in ("Warning", "Traceback", "pybullet build time"):
        assert noise not in printed, printed
    return printed


def example(name: str) -> str:
    return str(EXAMPLES / f"{name}.py")


def sharing(fitted: Path, name: str) -> list[str]:
    return ["-c", SHARING, str(Path(__file__).parent), str(fitted), example(name)]


def test_quickstart_prints_its_table_and_writes_its_files(tmp_path: Path, fitted: Path) -> None:
    options = ("--all", "--steps", "40", "--episodes", "1", "--clip-steps", "20")
    printed = run(tmp_path, *sharing(fitted, "quickstart"), *options)
    agents = (
        *("BC, everything", "BC, safe", "BC, preferred and safe", "CPL, preferences alone"),
        *("SafetyOnly", "SafeFirst", "SafeRLHF", "PRESA"),
    )
    for agent in agents:
        numbers = r" +-?\d+\.\d +\d+\.\d +-?\d\.\d{3} +\d+\.\d{3} +(yes|no) +\d+%"
        assert len(re.findall(f"{agent}{numbers}", printed)) == 1, printed
        assert f"Training {agent}\n" in printed
    assert printed.count("100%") >= len(agents)  # the progress bars
    assert "Note: " not in printed
    out = tmp_path / "quickstart"
    assert PRESA.load(out / "presa.zip", device="cpu").num_timesteps == 40
    picture = imread(out / "reward_cost_plane.png")
    assert min(picture.shape[:2]) > 400 and picture.std() > 0.05
    with Image.open(out / "clips.gif") as clips:
        assert (clips.n_frames, clips.size) == (4, (640, 284))
        assert np.asarray(clips.convert("RGB")).std() > 20
    for name in ("presa.zip", "reward_cost_plane.png", "clips.gif"):
        assert f"quickstart/{name}" in printed
    assert {path.name for path in tmp_path.iterdir()} == {"quickstart"}


def quickstart_without(folder: Path, prepare: str, *options: str) -> str:
    """What the quickstart prints where a line of Python has taken something away first."""
    code = (
        f"import runpy, sys\n{prepare}\nsys.argv = ['quickstart', *{options!r}]\n"
        f"sys.path.insert(0, {str(EXAMPLES)!r})\n"
        "try:\n"
        f"    runpy.run_path({example('quickstart')!r}, run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    print('ended with:', end)\n"
    )
    return run(folder, "-c", code)


def test_quickstart_without_the_simulator_says_how_to_install_it(tmp_path: Path) -> None:
    hide = (
        "import importlib.util as util\nfind = util.find_spec\n"
        "util.find_spec = lambda name, *a: None if name == 'safety_gymnasium' else find(name, *a)"
    )
    printed = quickstart_without(tmp_path, hide)
    assert re.fullmatch(
        r"ended with: The quickstart evaluates .*sb3-presa install-simulators safety.*\n",
        printed,
    )
    assert not list(tmp_path.iterdir())


def test_quickstart_without_a_way_to_draw_leaves_the_clip_out(tmp_path: Path, fitted: Path) -> None:
    options = ("--steps", "16", "--episodes", "1", "--clip-steps", "5")
    prepare = "import os\nos.environ['MUJOCO_GL'] = 'egl'\nsys.modules['mujoco.egl'] = None"
    prepare += "\nsys.modules['mujoco.osmesa'] = None"
    prepare += f"\nsys.path.insert(0, {str(Path(__file__).parent)!r})\nimport fitted_once, pathlib"
    prepare += f"\nfitted_once.share_in(pathlib.Path({str(fitted)!r}))\ndel sys.path[0]"
    printed = quickstart_without(tmp_path, prepare, *options)
    assert "no clip: " in printed and "MUJOCO_GL=osmesa" in printed
    written = {path.name for path in (tmp_path / "quickstart").iterdir()}
    assert written == {"presa.zip", "reward_cost_plane.png"}


def test_own_data_drives_faster_than_the_log_and_off_the_walls(tmp_path: Path) -> None:
    printed = run(tmp_path, example("own_data"), "--steps", "800")
    found = re.findall(r"(the log|PRESA) +mean speed (.*), +(\d+)% of the steps near", printed)
    (log, log_speed, log_near), (agent, agent_speed, agent_near) = found
    assert (log, agent) == ("the log", "PRESA")
    assert float(agent_speed) > float(log_speed)
    assert int(agent_near) < int(log_near) / 3
    assert not list(tmp_path.iterdir())


def test_compare_with_sb3_has_a_row_for_each(tmp_path: Path, fitted: Path) -> None:
    options = ("--steps", "120", "--gradient-steps", "40", "--episodes", "1")
    printed = run(tmp_path, *sharing(fitted, "compare_with_sb3"), *options)
    mean_and_std = r" +-?\d+\.\d ± \d+\.\d"
    for agent, steps in (("PRESA", "0"), ("PPO", "1,000"), ("SAC", "120")):
        row = rf"^ +{agent} +{steps}{mean_and_std}{mean_and_std} +(yes|no) *$"
        assert len(re.findall(row, printed, re.MULTILINE)) == 1, printed


def test_resume_ends_with_the_same_weights(tmp_path: Path, fitted: Path) -> None:
    printed = run(tmp_path, *sharing(fitted, "resume"), "--steps", "40")
    assert "Stopped at step 35 of 40.\nGoing on from presa_30_steps.zip." in printed
    assert "tensors of the policy equal those of the uninterrupted run." in printed
    assert not list(tmp_path.iterdir())


def test_record_video_writes_a_clip_each_and_a_sheet(tmp_path: Path) -> None:
    environments = ("presa/SafetyPointCircle1-v0", "presa/HighwaySafe-v0")
    options = ("--steps", "40", "--seconds", "0.2", "--sheet", "sheets/all.png")
    printed = run(tmp_path, example("record_video"), *environments, *options)
    assert "Wrote sheets/all.png" in printed
    names = {path.name.partition("-step")[0] for path in (tmp_path / "videos").glob("*.mp4")}
    assert names == {"SafetyPointCircle1-v0", "HighwaySafe-v0"}
    assert all(path.stat().st_size > 1000 for path in (tmp_path / "videos").glob("*.mp4"))
    picture = imread(tmp_path / "sheets" / "all.png")
    # Both rows show something.
    for row in np.array_split(picture, 2):
        assert row.std() > 0.05
    assert {path.name for path in tmp_path.iterdir()} == {"videos", "sheets"}


def test_own_robot_goes_from_files_to_agents(tmp_path: Path) -> None:
    options = ("--out", "own", "--steps", "20", "--episodes", "1", "--drives", "40")
    result = subprocess.run(
        [sys.executable, "-W", "ignore", str(EXAMPLES / "own_robot" / "from_files.py"), *options],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    row = r" +reward +\d+\.\d  steps on soft ground +\d+\.\d  safe +\d+%"
    agents = [f"{a}, me/rover-{k}-v0" for k in ("flat", "dict") for a in ("BC", "PRESA")]
    for name in ("the drivers' log", *agents):
        assert len(re.findall(f"{name}{row}", result.stdout)) == 1, result.stdout
    assert len(re.findall(r"judged: \w+, share of safe drives \d\.\d\d", result.stdout)) == 4
    agent = PRESA.load(tmp_path / "own" / "rover-dict-v0-PRESA.zip", device="cpu")
    assert agent.num_timesteps == 20
    log = (tmp_path / "own" / "drives" / "drive_7.csv").read_text().splitlines()
    assert log[0].startswith("time [s],x [m],y [m]") and log[-1].endswith(",,")


#: What the example uses of onnxruntime-web. The action adds up each observation.
_ONNXRUNTIME_WEB = """
export class Tensor {
  constructor(type, data, dims) { Object.assign(this, { type, data, dims }); }
}
const metadata = JSON.parse(process.env.INPUT);
const run = async ({ observation: { type, data, dims } }) => {
  if (type !== metadata.type) throw new Error(type);
  const size = data.length / dims[0];
  if (dims.slice(1).reduce((a, b) => a * b, 1) !== size) throw new Error(dims);
  const sums = Array.from({ length: dims[0] }, (_, row) =>
    data.slice(row * size, (row + 1) * size).reduce((a, b) => a + b, 0));
  return { action: new Tensor("int64", BigInt64Array.from(sums, BigInt), [dims[0]]) };
};
export const InferenceSession = { create: async () => ({ inputMetadata: [metadata], run }) };
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
@pytest.mark.parametrize(
    ("metadata", "observations"),
    [
        ({"type": "float32", "shape": ["batch", 2]}, [[1, 2], [3, 4]]),
        ({"type": "float64", "shape": ["batch", 1, 2]}, [[[1, 2]], [[3, 4]]]),
        ({"type": "int64", "shape": ["batch"]}, [3, 7]),
    ],
)
def test_act_prints_discrete_actions_for_observations_of_every_shape(
    metadata: dict[str, object], observations: list[object], tmp_path: Path
) -> None:
    """A line was empty where actions have one axis, and inputs had to be vectors of float32."""
    library = tmp_path / "node_modules" / "onnxruntime-web"
    library.mkdir(parents=True)
    (library / "index.mjs").write_text(_ONNXRUNTIME_WEB)
    (library / "package.json").write_text('{"exports": "./index.mjs"}')
    script = shutil.copy(EXAMPLES / "javascript" / "act.mjs", tmp_path)
    (tmp_path / "policy.onnx").touch()
    done = subprocess.run(
        ["node", script, "policy.onnx", json.dumps(observations)],
        cwd=tmp_path,
        env={**os.environ, "INPUT": json.dumps(metadata)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("3\n7\n", 0), done.stderr
