"""Record agents in their simulators: a clip each, and one sheet of frames of all of them.

What you learn: the environments draw without a screen, and SB3's ``VecVideoRecorder`` takes them as
it takes any other; an agent that was trained from data alone drives them with ``predict``.

Without arguments it trains PRESA on the dataset that comes with the package. Give
``ENV_ID=MODEL.zip`` for agents that you trained, as many as you like::

    python examples/record_video.py presa/SafetyPointGoal1-v0=point-goal1.zip --sheet sheet.png

Takes about half a minute. Needs the simulators of the environments, and MoviePy
(``pip install ".[video]"``).
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecVideoRecorder

from sb3_presa import PRESA
from sb3_presa.data import example_dataset

EXAMPLE = "presa/SafetyPointCircle1-v0"
FRAMES = 5  # of each environment on the sheet
Frame = np.ndarray[Any, np.dtype[np.uint8]]


def main() -> None:
    """Record each agent; draw the sheet if it is wanted."""
    options = parse_options()
    rows: dict[str, list[Frame]] = {}
    for text in options.agents or [EXAMPLE]:
        env_id, _, path = text.partition("=")
        agent = PRESA.load(path, device="cpu") if path else None
        if text == EXAMPLE:
            agent = train(options.steps)
        rows[env_id] = record(env_id, agent, options.seconds, options.out)
    if options.sheet is not None:
        draw_sheet(rows, options.sheet)
        print(f"Wrote {options.sheet}")


def train(steps: int | None) -> PRESA:
    """:return: an agent, trained for so many gradient steps; its own number if ``None``."""
    n = steps
    # So short a training has no steps to find out which delta can be reached.
    short = {"n_cloning_steps": (n or 0) // 2, "objective_kwargs": {"n_attain_steps": 0}}
    settings: dict[str, Any] = {} if n is None else short
    agent = PRESA.load_offline(example_dataset(), seed=0, device="cpu", **settings)
    return agent.learn(n, progress_bar=True)


def record(env_id: str, agent: PRESA | None, seconds: float, folder: Path) -> list[Frame]:
    """Write a clip of an agent; without one, of random actions.

    :return: some frames, evenly over the clip.
    """
    env = make_vec_env(env_id, n_envs=1, seed=0, env_kwargs={"render_mode": "rgb_array"})
    length = max(FRAMES, round(seconds * env.get_attr("metadata")[0]["render_fps"]))
    name = env_id.partition("/")[2]
    recorder = VecVideoRecorder(
        env, str(folder), lambda step: step == 0, video_length=length, name_prefix=name
    )
    chosen = np.linspace(0, length - 1, FRAMES).astype(int)
    frames = []
    observation: Any = recorder.reset()
    for step in range(length):
        if step in chosen:
            frames.append(np.asarray(env.render()))
        if agent is None:
            action = np.asarray([env.action_space.sample()])
        else:
            action, _ = agent.predict(observation, deterministic=True)
        # An episode that ends begins anew, and the clip goes on.
        observation, _, _, _ = recorder.step(action)
    recorder.close()
    return frames


def draw_sheet(rows: dict[str, list[Frame]], path: Path) -> None:
    """Write one picture: an environment a row, time from left to right."""
    heights = [2.4 * frames[0].shape[0] / frames[0].shape[1] + 0.3 for frames in rows.values()]
    figure = Figure(figsize=(2.4 * FRAMES, sum(heights)), dpi=100, layout="constrained")
    ratios = {"height_ratios": heights}
    grid = figure.subplots(len(rows), FRAMES, squeeze=False, gridspec_kw=ratios)
    for line, (env_id, frames) in zip(grid, rows.items(), strict=True):
        line[0].set_title(env_id, loc="left", fontsize=9)
        for axes, frame in zip(line, frames, strict=True):
            axes.imshow(frame)
            axes.set_axis_off()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def parse_options() -> argparse.Namespace:
    """:return: the options; none are needed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "agents", nargs="*", metavar="ENV_ID[=MODEL.zip]", help="without a model it acts at random"
    )
    parser.add_argument("--steps", type=int, help="gradient steps, if it trains (default: its own)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a clip (4)")
    parser.add_argument("--out", type=Path, default=Path("videos"), help="folder of the clips")
    parser.add_argument("--sheet", type=Path, help="a picture to write with frames of all")
    return parser.parse_args()


if __name__ == "__main__":
    main()
