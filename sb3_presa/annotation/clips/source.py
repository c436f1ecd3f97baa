"""What draws clips: the protocol of a source."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias

from sb3_presa.annotation.answers.answer import Segment
from sb3_presa.annotation.clips.sheets import Frame
from sb3_presa.errors import PresaError

RenderSegment: TypeAlias = Callable[[Any, int, int], Sequence[Frame]]
"""``(episode, start, length)`` to one picture for each of the ``length + 1`` moments. The episode
is a :class:`minari.dataset.episode_data.EpisodeData`. An attribute ``fps`` of the function is the
number of steps a second at normal speed."""


class ClipRefusedError(PresaError):
    """No clip of a segment can be shown: its pictures would not be what was recorded."""


class ClipSource(Protocol):
    """Draws segments of one dataset."""

    @property
    def name(self) -> str:
        """How it draws, in a word or two."""

    @property
    def fps(self) -> float:
        """Steps a second at normal speed."""

    def draw(self, segment: Segment, steps: Sequence[int]) -> Iterator[Frame]:
        """Pictures of some moments of a segment.

        :param segment: which.
        :param steps: ascending numbers of steps from its start, from 0 to its length; 0 is before
            the first action.
        :return: a picture for each.
        :raises ClipRefusedError: if the pictures would not be what was recorded.
        """

    def close(self) -> None:
        """Let go of what it holds."""
