"""The protocol of clip sources."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.annotation.clips.sheets import Frame
from sb3_presa.errors import PresaError

RenderSegment: TypeAlias = Callable[[Any, int, int], Sequence[Frame]]
"""A function from ``(episode, start, length)`` to one picture for each of the ``length + 1``
observations. The episode is a :class:`minari.dataset.episode_data.EpisodeData`. An attribute
``fps`` of the function is the number of steps per second at normal speed."""


class ClipRefusedError(PresaError):
    """The clip of a segment cannot be shown: its pictures would differ from the recording."""


class ClipSource(Protocol):
    """Draws segments of one dataset."""

    @property
    def name(self) -> str:
        """The method of drawing, in a word or two."""

    @property
    def fps(self) -> float:
        """Steps per second at normal speed."""

    def draw(self, segment: Segment, steps: Sequence[int]) -> Iterator[Frame]:
        """Pictures of some steps of a segment.

        :param segment: the segment.
        :param steps: ascending numbers of steps since its start, from 0 to its length; 0 is before
            the first action.
        :return: a picture for each.
        :raises ClipRefusedError: if the pictures would differ from the recording.
        """

    def close(self) -> None:
        """Release resources."""
