"""Clips as sheets of JPEG frames in one file.

A browser draws single frames of a sheet on a canvas. Two clips then play in step and can be stepped
frame by frame exactly, which a video element cannot do. A video encoder is not needed.
"""

import io
import json
import math
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from sb3_presa.errors import DatasetError
from sb3_presa.files import atomic_path, check_archive

Frame: TypeAlias = npt.NDArray[np.uint8]
"""``(height, width, 3)``, red, green, blue."""

#: Pixels of one clip in a browser, about 48 MB: the memory of phones is limited.
_CLIP_PIXELS = 12_000_000
#: The largest side of a sheet, within the texture size of all graphics chips.
_SHEET_SIDE = 2048
#: Several cameras side by side may be wide, with as many pixels as one.
_MAX_WIDTH, _MAX_HEIGHT, _FRAME_PIXELS = 960, 400, 480 * 360
_QUALITY = 80


@dataclass(frozen=True)
class ClipFormat:
    """The layout of a clip's frames in its sheets, row by row.

    :param frames: number of frames, or of moments where there are no pictures.
    :param stride: environment steps from one frame to the next.
    :param fps: frames per second at normal speed.
    :param width: width of a frame in pixels; 0 where there are no pictures.
    :param height: height of a frame in pixels; 0 where there are no pictures.
    :param columns: frames in a row of a sheet.
    :param per_sheet: frames in every sheet except the last.
    """

    frames: int
    stride: int
    fps: float
    width: int
    height: int
    columns: int
    per_sheet: int

    @property
    def sheets(self) -> int:
        """Number of sheets."""
        return math.ceil(self.frames / self.per_sheet) if self.width else 0


def write_clip(
    path: Path, frames: Iterable[Frame] | None, count: int, stride: int, fps: float
) -> None:
    """Encode a clip atomically.

    :param path: the file; its folder must exist.
    :param frames: the pictures, all of the same shape; None: the clip has none.
    :param count: number of pictures, at least 1.
    :param stride: environment steps from one picture to the next.
    :param fps: frames per second at normal speed.
    :raises DatasetError: if a frame is not a picture.
    """
    layout = ClipFormat(count, stride, fps, 0, 0, 1, 1)
    everything: Iterator[Image.Image] = iter(())
    if frames is not None:
        pictures = (_to_picture(frame) for frame in frames)
        first = next(pictures)
        layout, everything = _layout(first.size, count, stride, fps), chain([first], pictures)
    with atomic_path(path, check_archive) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr("format.json", json.dumps(asdict(layout)))
        for sheet in range(layout.sheets):
            batch = list(islice(everything, layout.per_sheet))
            archive.writestr(f"{sheet}.jpg", _encode(batch, layout))


def read_format(path: Path) -> ClipFormat:
    """The layout of a clip.

    :param path: a file written by :func:`write_clip`.
    """
    with zipfile.ZipFile(path) as archive:
        return ClipFormat(**json.loads(archive.read("format.json")))


def read_sheet(path: Path, number: int) -> bytes:
    """One sheet of a clip.

    :param path: a file written by :func:`write_clip`.
    :param number: index of the sheet, from 0.
    :return: a JPEG file.
    """
    with zipfile.ZipFile(path) as archive:
        return archive.read(f"{number}.jpg")


def _to_picture(frame: Frame) -> Image.Image:
    array = np.asarray(frame)
    if array.ndim == 2:
        array = np.stack([array] * 3, axis=2)
    if array.ndim != 3 or array.shape[2] not in (3, 4) or array.dtype != np.uint8 or not array.size:
        raise DatasetError(
            "a frame must be uint8 of shape (height, width, 3), got "
            f"{array.dtype} of shape {array.shape}"
        )
    return Image.fromarray(np.ascontiguousarray(array[:, :, :3]))


def _layout(size: tuple[int, int], count: int, stride: int, fps: float) -> ClipFormat:
    width, height = size
    scale = min(_MAX_WIDTH / width, _MAX_HEIGHT / height)
    pixels = min(_FRAME_PIXELS, _CLIP_PIXELS / count)
    scale = min(scale, math.sqrt(pixels / (width * height)))
    if scale >= 1:  # small pictures are enlarged by integers, so that their pixels stay square
        scale = math.floor(scale)
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    columns = max(1, _SHEET_SIDE // width)
    rows = max(1, _SHEET_SIDE // height)
    return ClipFormat(count, stride, fps, width, height, min(columns, count), columns * rows)


def _encode(pictures: list[Image.Image], layout: ClipFormat) -> bytes:
    size = (layout.width, layout.height)
    rows = math.ceil(len(pictures) / layout.columns)
    sheet = Image.new("RGB", (layout.columns * layout.width, rows * layout.height))
    for number, picture in enumerate(pictures):
        if picture.size != size:
            grow = picture.width < layout.width
            picture = picture.resize(
                size, Image.Resampling.NEAREST if grow else Image.Resampling.BOX
            )
        row, column = divmod(number, layout.columns)
        sheet.paste(picture, (column * layout.width, row * layout.height))
    file = io.BytesIO()
    sheet.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
