"""Pictures that stand in a table, one a row, as a video beside the data."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sb3_presa.data.formats.library import require
from sb3_presa.errors import DatasetError

#: Of a file that holds pictures of these kinds as they are.
SUFFIX: Final = ".mov"
#: How files of each kind begin, and what a video calls it.
_KINDS: Final = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "mjpeg"}
#: Of which times are multiples, in seconds, as in most videos.
_TICK: Final = Fraction(1, 90_000)


@dataclass(frozen=True)
class Pictures:
    """The pictures of one episode.

    :param where: the table and the column, for messages.
    :param load: reads them: files of PNG or JPEG, one a row; None where one is missing.
    """

    where: str
    load: Callable[[], Sequence[bytes | None]]


def write_pictures(pictures: Pictures, times: npt.NDArray[np.float64], file: Path) -> None:
    """Put the pictures of an episode into a video, as they are: nothing is encoded again.

    :param pictures: at least one for each time.
    :param times: of the rows, in seconds.
    :param file: ending in :data:`SUFFIX`.
    :raises DatasetError: if one is missing, or is of another kind than the first.
    """
    av = require("av", "video")
    contents = pictures.load()[: len(times)]
    codecs = [_codec(content) for content in contents]
    for row, codec in enumerate(codecs):
        if codec is None or codec != codecs[0]:
            found = {None: "something else", "png": "PNG", "mjpeg": "JPEG"}[codec]
            raise DatasetError(
                f"{pictures.where} must hold a picture in each row, all PNG or all JPEG, got "
                f"{'nothing' if contents[row] is None else found} in row {row} of the episode; "
                "leave the camera out (cameras='', --cameras '')"
            )
    try:
        with av.open(str(file), "w") as container:
            stream = _stream_like(av, container, str(codecs[0]), contents[0] or b"")
            for content, time in zip(contents, times.tolist(), strict=True):
                packet = av.Packet(content)
                packet.stream, packet.time_base = stream, _TICK
                packet.pts = packet.dts = round(time / _TICK)
                packet.is_keyframe = True
                container.mux(packet)
    except (av.FFmpegError, IndexError) as error:
        raise DatasetError(f"{pictures.where} must hold pictures, got {error}") from error


def _codec(content: bytes | None) -> str | None:
    kinds = _KINDS.items()
    return next((codec for magic, codec in kinds if content and content.startswith(magic)), None)


def _stream_like(av: Any, container: Any, codec: str, content: bytes) -> Any:
    """A stream for pictures of that size."""
    with av.open(io.BytesIO(content)) as picture:
        (frame,) = picture.decode(video=0)
    stream = container.add_stream(codec)
    stream.width, stream.height, stream.time_base = frame.width, frame.height, _TICK
    stream.pix_fmt = "rgb24" if codec == "png" else "yuvj420p"
    return stream
