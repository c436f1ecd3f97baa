"""Names of coordinates: names and units of a log's columns, from the dataset's metadata."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from minari import MinariDataset

Part: TypeAlias = Literal["observations", "actions", "reward", "cost"]

#: The entry of the metadata: ``{part: {key of a Dict space or "": [[name, unit], ...]}}``.
COLUMNS = "columns"


def coordinate_parts(
    dataset: "MinariDataset", part: Part, key: str = ""
) -> tuple[tuple[str, str], ...]:
    """The names and units of an array's coordinates, in flat order.

    :param dataset: an open dataset.
    :param part: of what.
    :param key: of a Dict space, or ``""``.
    :return: pairs such as ``("speed", "m/s")``; empty where the dataset does not say.
    """
    found: Any = dataset.storage.metadata.get(COLUMNS)
    pairs = found.get(part, {}).get(key, []) if isinstance(found, dict) else []
    return tuple((str(name), str(unit)) for name, unit in pairs)


def coordinate_names(dataset: "MinariDataset", part: Part, key: str = "") -> tuple[str, ...]:
    """The names of an array's coordinates, in flat order.

    :param dataset: an open dataset.
    :param part: of what.
    :param key: of a Dict space, or ``""``.
    :return: such as ``("x", "speed [m/s]")``; empty where the dataset does not say.
    """
    pairs = coordinate_parts(dataset, part, key)
    return tuple(f"{name} [{unit}]" if unit else name for name, unit in pairs)


def observation_names(dataset: "MinariDataset") -> dict[str, tuple[str, ...]]:
    """The names of all observations' coordinates.

    :param dataset: an open dataset.
    :return: by the key of a Dict space, or ``""``; no entry where the dataset does not say.
    """
    found: Any = dataset.storage.metadata.get(COLUMNS)
    keys = found.get("observations", {}) if isinstance(found, dict) else {}
    named = {key: coordinate_names(dataset, "observations", key) for key in keys}
    return {key: names for key, names in named.items() if names}


def name_of(names: Mapping[str, Sequence[str]], key: str, coordinate: int) -> str:
    """One name, or the number where the dataset does not say.

    :param names: as :func:`observation_names` gives them.
    :param key: of a Dict space, or ``""``.
    :param coordinate: flat index.
    """
    known = names.get(key, ())
    return known[coordinate] if coordinate < len(known) else str(coordinate)
