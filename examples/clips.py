"""Clips of agents beside each other, as one GIF with what each has earned and cost so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.envs.registration import EnvSpec
from PIL import Image, ImageColor, ImageDraw, ImageFont
from stable_baselines3.common.base_class import BaseAlgorithm

VIEW = (60, 60, 420, 330)  # what is shown of a picture of 480 x 360: left, top, right, bottom
SIZE = (320, 240)  # pixels that it gets
CAPTION = 44  # pixels below it
STEPS_A_FRAME = 5
INK, SAFE, UNSAFE, PAPER = "#333333", "#00795A", "#B5390A", "#FFFFFF"


@dataclass(frozen=True)
class Frame:
    """
    A moment of an episode.

    :param picture: shape (height, width, 3)
    :param reward: sum of the rewards so far
    :param cost: sum of the costs so far
    """

    picture: npt.NDArray[np.uint8]
    reward: float
    cost: float


def film(agent: BaseAlgorithm, spec: EnvSpec | str, *, seed: int, steps: int) -> list[Frame]:
    """
    Has an agent act, and draws every fifth step.

    :param agent: the agent, which takes its likeliest actions
    :param spec: the environment
    :param seed: of the episode, so that several agents start alike
    :param steps: how many at most
    :return: the frames
    :raises RenderingError: if the simulator cannot draw on this machine
    """
    env: gym.Env[Any, Any] = gym.make(spec, render_mode="rgb_array")
    try:
        observation, _ = env.reset(seed=seed)
        reward_so_far = cost_so_far = 0.0
        frames = []
        for step in range(steps):
            if step % STEPS_A_FRAME == 0:
                frames.append(Frame(np.asarray(env.render()), reward_so_far, cost_so_far))
            action, _ = agent.predict(observation, deterministic=True)
            observation, reward, terminated, truncated, info = env.step(action)
            reward_so_far += float(reward)
            cost_so_far += float(info["cost"])
            if terminated or truncated:
                break
        return frames
    finally:
        env.close()


def write_clips(
    path: Path, filmed: Mapping[str, list[Frame]], *, cost_limit: float, fps: float = 10
) -> Path:
    """
    Writes what was filmed as one GIF that runs for ever, the agents side by side.

    :param path: the file
    :param filmed: name -> frames; who ends sooner stands still
    :param cost_limit: costs above it are written in red
    :param fps: frames a second
    :return: the path
    """
    length = max(len(frames) for frames in filmed.values())
    pages = []
    for index in range(length):
        page = Image.new("RGB", (SIZE[0] * len(filmed), SIZE[1] + CAPTION), PAPER)
        for column, (name, frames) in enumerate(filmed.items()):
            frame = frames[min(index, len(frames) - 1)]
            _draw(page, column * SIZE[0], name, frame, cost_limit)
        pages.append(page)
    # One palette for all, or colours would flicker
    palette = _palette(pages[-1])
    first, *others = [page.quantize(palette=palette, dither=Image.Dither.NONE) for page in pages]
    path.parent.mkdir(parents=True, exist_ok=True)
    first.save(path, save_all=True, append_images=others, duration=round(1000 / fps), loop=0)
    return path


def _palette(page: Image.Image) -> Image.Image:
    """The colours of a page, and the few that a small thing or a later caption has."""
    vivid = (INK, SAFE, UNSAFE, PAPER, "#D0202F", "#901020")
    found = page.quantize(256 - len(vivid), dither=Image.Dither.NONE).getpalette() or []
    colors = [*(level for color in vivid for level in ImageColor.getrgb(color)), *found]
    palette = Image.new("P", (1, 1))
    palette.putpalette(colors[: 3 * 256])
    return palette


def _draw(page: Image.Image, left: int, name: str, frame: Frame, cost_limit: float) -> None:
    picture = Image.fromarray(frame.picture).resize(SIZE, Image.Resampling.LANCZOS, box=VIEW)
    page.paste(picture, (left, 0))
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(15)
    pen.text((left + 6, SIZE[1] + 3), name, INK, font)
    pen.text((left + 6, SIZE[1] + 22), f"reward {round(frame.reward)}", INK, font)
    color = UNSAFE if frame.cost > cost_limit else SAFE
    text = f"cost {round(frame.cost)} of {cost_limit:g}"
    pen.text((left + 120, SIZE[1] + 22), text, color, font)
