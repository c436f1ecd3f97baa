"""The protocol of formats, and what the reader of one is told and gives back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from sb3_presa.data.formats.cameras import Camera
from sb3_presa.data.formats.roles import Roles
from sb3_presa.data.formats.table import Table

Resampling = Literal["previous", "linear"]


@dataclass(frozen=True)
class Options:
    """The user's words about a log.

    :param roles: the columns by what they are.
    :param rate: steps a second of logs whose topics have clocks of their own; None: the median
        rate of the slowest chosen topic.
    :param resampling: which value counts between two messages: the previous one, or the one on the
        straight line between them.
    :param split: the filter key of a robomimic file whose episodes are read; None: all.
    :param cameras: names or patterns of cameras whose videos are kept; None: all.
    """

    roles: Roles = field(default_factory=Roles)
    rate: float | None = None
    resampling: Resampling = "previous"
    split: str | None = None
    cameras: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Answers that came with a log.

    :param pairs: ``(C, 2)`` int64, the places of the two episodes' tables.
    :param preferences: ``(C,)`` probability in [0, 1] that the first is preferred.
    :param file: where they are from.
    """

    pairs: npt.NDArray[np.int64]
    preferences: npt.NDArray[np.float64]
    file: str


@dataclass(eq=False)
class Reading:
    """The findings of a format's reader.

    :param tables: in the order of the episodes.
    :param roles: the columns by what they are, as the format has them; what the user says wins.
    :param notes: what is worth knowing, a sentence each.
    :param metadata: facts about the whole, for the dataset's metadata.
    :param cameras: pictures beside the numbers, by name.
    :param several: whether a table holds several episodes, one after another, told apart by an
        episode column or by flags at their ends.
    :param comparisons: answers of people on pairs of the tables.
    """

    tables: Sequence[Table]
    roles: Roles = field(default_factory=Roles)
    notes: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    cameras: Mapping[str, Camera] = field(default_factory=dict)
    several: bool = True
    comparisons: Comparisons | None = None


class Format(Protocol):
    """A format of logs."""

    @property
    def name(self) -> str:
        """The word for it, in the option ``format`` and in messages."""

    def recognises(self, path: Path) -> bool:
        """Whether a file or folder is of this format, by its content.

        :param path: it is there.
        """

    def read(self, path: Path, where: str, options: Options) -> Reading:
        """Read a file or folder of this format.

        :param path: it is there.
        :param where: what it is called in messages; no other file of the log is called so.
        :param options: what the user says.
        :raises DatasetError: if it is damaged, or declares more than it can hold; the message
            begins with the file.
        :raises ConfigError: if a library is missing, or an option does not fit.
        """
