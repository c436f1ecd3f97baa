"""Write the small LeRobot datasets that lie here, with the real package.

In environments of their own, since lerobot pins a PyTorch of its own::

    pip install lerobot==0.4.4    # writes version 3.0
    python make_lerobot.py lerobot_v30
    pip install lerobot==0.3.3    # writes version 2.1
    python make_lerobot.py lerobot_v21

``python make_lerobot.py FOLDER --images`` puts the pictures into the tables instead of a video. Its
folder ``images``, with the same pictures again, is not kept here.

The pictures of a frame are gray, 20 times the number of the frame, in the upper half; the lower
half is 60 times the number of the episode.
"""

import sys
from pathlib import Path

import numpy as np
from lerobot.datasets.lerobot_dataset import CODEBASE_VERSION, LeRobotDataset

LENGTHS = (7, 4, 9)
TASKS = ("lift the cube", "push the cube", "lift the cube")


def main(folder: Path, images: bool) -> None:
    """Write a dataset of three episodes.

    :param folder: it must not exist.
    :param images: whether pictures are in the tables.
    """
    dataset = LeRobotDataset.create(
        repo_id="me/cube",
        fps=10,
        root=folder,
        use_videos=not images,
        robot_type="so100",
        features={
            "observation.state": {
                "dtype": "float32",
                "shape": (3,),
                "names": ["shoulder", "elbow", "gripper"],
            },
            "action": {"dtype": "float32", "shape": (2,), "names": ["shoulder", "elbow"]},
            "observation.images.top": {
                "dtype": "image" if images else "video",
                "shape": (48, 64, 3),
                "names": ["height", "width", "channels"],
            },
            "next.reward": {"dtype": "float32", "shape": (1,), "names": None},
            "next.success": {"dtype": "bool", "shape": (1,), "names": None},
        },
    )
    random = np.random.default_rng(0)
    for episode, (length, task) in enumerate(zip(LENGTHS, TASKS, strict=True)):
        for frame in range(length):
            picture = np.full((48, 64, 3), 20 * frame, np.uint8)
            picture[24:] = 60 * episode
            dataset.add_frame(
                {
                    "observation.state": random.normal(size=3).astype(np.float32),
                    "action": random.uniform(-1, 1, 2).astype(np.float32),
                    "observation.images.top": picture,
                    "next.reward": np.array([frame], np.float32),
                    "next.success": np.array([episode == 0 and frame == length - 1]),
                    **({"task": task} if CODEBASE_VERSION >= "v3" else {}),
                },
                **({} if CODEBASE_VERSION >= "v3" else {"task": task}),
            )
        dataset.save_episode()
    if hasattr(dataset, "finalize"):
        dataset.finalize()


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--images" in sys.argv)
