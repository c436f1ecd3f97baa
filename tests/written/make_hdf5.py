"""Write the small D4RL and robomimic files that lie here, with the real packages.

In an environment of its own::

    pip install robomimic==0.3.0 gym==0.26.2 h5py && pip install --no-deps d4rl==1.1
    pip download --no-deps --no-binary :all: d4rl==1.1    # its generating scripts are not installed
    python make_hdf5.py d4rl-1.1/d4rl/locomotion/generate_dataset.py

``d4rl_maze.hdf5`` is what D4RL's own functions collect, written and read back as D4RL does.
``robomimic_flat.hdf5`` is that file through robomimic's ``convert_d4rl.py``, with the filter keys
of its ``split_train_val.py``. ``robomimic_dict.hdf5`` has several kinds of observation, as its
``dataset_states_to_obs.py`` stores them; no simulator is needed for that.
"""

import ast
import runpy
import shutil
import sys
from pathlib import Path

import gym
import h5py
import numpy as np
import robomimic
from d4rl.offline_env import OfflineEnv, set_dataset_path
from robomimic.scripts.split_train_val import split_train_val_from_hdf5

HERE = Path(__file__).parent
LENGTHS = (6, 3, 8, 5, 4, 7, 3, 5, 4, 6, 3)


class Maze(OfflineEnv):
    """Stands for one of D4RL's environments, whose simulators have no wheels any more."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (4,), np.float32)
    action_space = gym.spaces.Box(-1, 1, (2,), np.float32)

    def __init__(self, **options: object) -> None:
        super().__init__(dataset_url="file:///d4rl_maze.hdf5")

    def reset(self, **options: object) -> tuple[np.ndarray, dict]:
        """Nothing is simulated."""
        return np.zeros(4, np.float32), {}


def d4rl_file(generator: Path, path: Path) -> None:
    """Collect and write as D4RL's script does, by its own functions."""
    wanted = ("reset_data", "append_data", "npify")
    tree = ast.parse(generator.read_text())
    tree.body = [node for node in tree.body if getattr(node, "name", "") in wanted]
    of = {"np": np}
    exec(compile(tree, str(generator), "exec"), of)

    class Simulated:  # what the script reads of the simulator
        def __init__(self, random: np.random.Generator) -> None:
            self.qpos, self.qvel = random.normal(size=3), random.normal(size=3)

    random, data = np.random.default_rng(0), of["reset_data"]()
    for number, length in enumerate(LENGTHS):
        for step in range(length):
            last = step == length - 1
            of["append_data"](
                data,
                random.normal(size=4).astype(np.float32),
                random.uniform(-1, 1, 2).astype(np.float32),
                float(step),
                np.zeros(2),
                last and number == 0,
                Simulated(random),
            )
    data["timeouts"] = []
    for number, length in enumerate(LENGTHS):
        data["timeouts"] += [number != 0 and step == length - 1 for step in range(length)]
    of["npify"](data)
    data["timeouts"] = data["timeouts"].astype(bool)
    with h5py.File(path, "w") as file:
        for name, values in data.items():
            file.create_dataset(name, data=values, compression="gzip")


def robomimic_dict(path: Path) -> None:
    """Several observations a step, one of them a picture, stored as robomimic does."""
    random = np.random.default_rng(1)
    with h5py.File(path, "w", libver="latest") as file:
        data = file.create_group("data")
        for number in range(12):
            steps = 3 + number % 4
            demo = data.create_group(f"demo_{number}")
            observed = {
                "robot0_eef_pos": random.normal(size=(steps + 1, 3)),
                "object": random.normal(size=(steps + 1, 5)),
                "agentview_image": np.full((steps + 1, 4, 4, 3), 10 * number, np.uint8),
            }
            demo.create_dataset("actions", data=random.uniform(-1, 1, (steps, 2)))
            demo.create_dataset("states", data=random.normal(size=(steps, 9)))
            demo.create_dataset("rewards", data=np.arange(steps) == steps - 1)
            demo.create_dataset("dones", data=(np.arange(steps) == steps - 1).astype(int))
            for key, values in observed.items():
                demo.create_dataset(f"obs/{key}", data=values[:-1])
                demo.create_dataset(f"next_obs/{key}", data=values[1:])
            demo.attrs["num_samples"] = steps
            demo.attrs["model_file"] = "<mujoco>" + " " * 10_000 * (not number)
        data.attrs["total"] = sum(3 + number % 4 for number in range(12))
        data.attrs["env_args"] = '{"env_name": "Lift", "type": 1, "env_kwargs": {}}'


def main(generator: Path) -> None:
    """Write the three files beside this one."""
    maze, folder = HERE / "d4rl_maze.hdf5", HERE / "d4rl"
    d4rl_file(generator, maze)
    set_dataset_path(str(folder))
    shutil.copy(maze, folder / maze.name)
    Maze().get_dataset()  # D4RL's own checks of shapes
    gym.register("maze-v0", entry_point=Maze, disable_env_checker=True)
    sys.argv = ["convert_d4rl.py", "--env", "maze-v0", "--folder", str(HERE)]
    runpy.run_path(
        str(Path(robomimic.__file__).parent / "scripts" / "conversion" / "convert_d4rl.py"),
        run_name="__main__",
    )
    shutil.move(folder / "converted" / "maze_v0.hdf5", HERE / "robomimic_flat.hdf5")
    shutil.rmtree(folder)
    robomimic_dict(HERE / "robomimic_dict.hdf5")
    np.random.seed(0)  # noqa: NPY002 (what that script draws from)
    for name in ("robomimic_flat.hdf5", "robomimic_dict.hdf5"):
        split_train_val_from_hdf5(str(HERE / name), val_ratio=0.25)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
