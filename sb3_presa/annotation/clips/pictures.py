"""Pictures as they are recorded, to pictures as they are shown."""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from PIL import Image

from sb3_presa.annotation.clips.sheets import Frame

#: More than this many channels are no picture, however many frames are stacked.
_MOST_CHANNELS = 12
#: Gray sides that are shorter are tables of numbers.
_SHORTEST_SIDE = 8
_IN_A_ROW = 2


def is_picture(space: gym.Space[Any]) -> bool:
    """Whether values of a space are pictures: gray or coloured, one or several stacked frames.

    :param space: of observations.
    """
    shape = space.shape or ()
    if space.dtype != np.uint8 or len(shape) not in (2, 3):
        return False
    if len(shape) == 2:
        return min(shape) >= _SHORTEST_SIDE
    return min(shape[0], shape[2]) <= _MOST_CHANNELS


def newest_picture(picture: Frame) -> Frame:
    """A recorded picture as ``(height, width, 3)``, or ``(height, width)`` where it is gray.

    Of stacked frames the last one. Four channels are colours with opacity where the last of them is
    constant, else four gray frames.

    :param picture: as recorded; channels may come first.
    """
    if picture.ndim == 2:
        return picture
    if picture.shape[0] < picture.shape[2] and picture.shape[0] <= _MOST_CHANNELS:
        picture = picture.transpose(1, 2, 0)
    channels = picture.shape[2]
    if channels == 4 and (picture[:, :, 3] == picture[0, 0, 3]).all():
        return picture[:, :, :3]
    return picture[:, :, -3:] if channels % 3 == 0 else picture[:, :, -1]


def beside(pictures: Sequence[Frame]) -> Frame:
    """Pictures side by side, or more than two in rows of two, scaled to the height of the first.

    :param pictures: of one moment; at least one.
    """
    if len(pictures) == 1:
        return pictures[0]
    images = [Image.fromarray(np.ascontiguousarray(each)).convert("RGB") for each in pictures]
    height = images[0].height
    images = [
        image
        if image.height == height
        else image.resize((max(1, round(image.width * height / image.height)), height))
        for image in images
    ]
    rows = [images[place : place + _IN_A_ROW] for place in range(0, len(images), _IN_A_ROW)]
    width = max(sum(image.width for image in row) for row in rows)
    whole = Image.new("RGB", (width, height * len(rows)))
    for down, row in enumerate(rows):
        left = 0
        for image in row:
            whole.paste(image, (left, down * height))
            left += image.width
    return np.asarray(whole)
