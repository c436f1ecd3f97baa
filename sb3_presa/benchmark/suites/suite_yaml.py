"""Reads YAML strictly, and checks values with messages that name file, key and constraint."""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from sb3_presa.errors import ConfigError

#: Of a suite that somebody writes; a few aliases of aliases stand for billions.
_MOST_VALUES = 100_000


def load_yaml(path: Path) -> Any:
    """
    Reads a YAML file with a safe loader. Duplicate keys are an error, and ``3e-4`` is a number.

    :param path: the file
    :return: its content
    :raises ConfigError: if PyYAML is missing, the file is not valid YAML, or its aliases multiply
    """
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise ConfigError(
            "suites need PyYAML; install the extra 'benchmark' (in a checkout: "
            'pip install ".[benchmark]")'
        ) from error

    Loader: Any = type("Loader", (yaml.SafeLoader,), {})  # a safe loader with stricter rules

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        loader.flatten_mapping(node)
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                line = key.start_mark.line + 1
                raise ConfigError(
                    f"{path}, line {line}: keys must be different, got {key.value!r} twice"
                )
            seen.add(key.value)
        content: dict[Any, Any] = loader.construct_mapping(node, deep=True)
        return content

    number = re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+.0123456789"))
    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    try:
        loader = Loader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        if node is None:
            return None
        if _values(node, {}, set()) > _MOST_VALUES:
            raise ConfigError(
                f"{path} must have at most {_MOST_VALUES:,} values, got more: its aliases multiply"
            )
        return loader.construct_document(node)
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error


def _values(node: Any, known: dict[int, int], above: set[int]) -> int:
    """The number of values of a node, with those of its aliases counted each time."""
    if id(node) in above:
        raise ValueError("an alias must not contain itself")
    if id(node) not in known:
        parts = node.value if isinstance(node.value, list) else []
        children = [
            part for pair in parts for part in (pair if isinstance(pair, tuple) else [pair])
        ]
        inside = {*above, id(node)}
        known[id(node)] = 1 + sum(_values(part, known, inside) for part in children)
    return known[id(node)]


@dataclass(frozen=True)
class Place:
    """
    A place in a file, with checks of its value.

    :param path: the file
    :param key: its key, such as ``algorithms.PRESA.steps``
    """

    path: Path
    key: str = ""

    def at(self, name: object) -> "Place":
        """
        :param name: a key, or an index, below this one
        :return: that place
        """
        inner = f"[{name}]" if isinstance(name, int) else f".{name}"
        return replace(self, key=f"{self.key}{inner}" if self.key else str(name))

    def refuse(self, found: object, constraint: str) -> NoReturn:
        """
        :param found: the value
        :param constraint: continues "must be"
        :raises ConfigError: always
        """
        name = self.key or "the file"
        raise ConfigError(f"{self.path}: {name} must be {constraint}, got {found!r}")

    def mapping(self, found: object, allowed: Collection[str] | None = None) -> dict[str, Any]:
        """
        :param found: the value; ``None`` counts as an empty mapping
        :param allowed: the known keys; ``None`` for any string
        :return: the mapping
        """
        if found is None:
            return {}
        if not isinstance(found, Mapping):
            self.refuse(found, "a mapping of keys to values")
        for key in found:
            if not isinstance(key, str):
                self.refuse(key, "a mapping with strings as keys (put the key in quotes)")
            if allowed is not None and key not in allowed:
                raise ConfigError(
                    f"{self.path}: the keys of {self.key or 'the file'} must be among "
                    f"{', '.join(allowed)}, got {key!r}"
                )
        return dict(found)

    def text(self, found: object) -> str:
        """
        :param found: the value
        :return: the value, a non-empty string
        """
        if not isinstance(found, str) or not found:
            self.refuse(found, "a non-empty string")
        return found

    def number(self, found: object, least: float, most: float = math.inf) -> float:
        """
        :param found: the value
        :param least: the smallest valid value
        :param most: the largest valid value
        :return: the value, a finite number
        """
        ok = isinstance(found, int | float) and not isinstance(found, bool)
        if not ok or not math.isfinite(found) or not least <= found <= most:  # type: ignore[arg-type, operator]
            bounds = f"in [{least:g}, {most:g}]" if most < math.inf else f">= {least:g}"
            self.refuse(found, f"a number {bounds}")
        return float(found)  # type: ignore[arg-type]

    def whole(self, found: object, least: int, most: int | None = None) -> int:
        """
        :param found: the value
        :param least: the smallest valid value
        :param most: the largest valid value, ``None`` for any
        :return: the value, an integer
        """
        high = math.inf if most is None else most
        if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= high:
            within = f">= {least}" if most is None else f"in [{least}, {most}]"
            self.refuse(found, f"an integer {within}")
        return found

    def one_of(self, found: object, allowed: Collection[str]) -> str:
        """
        :param found: the value
        :param allowed: the valid values
        :return: the value
        """
        if not isinstance(found, str) or found not in allowed:
            self.refuse(found, f"one of {', '.join(allowed)}")
        return found

    def list(self, found: object) -> list[Any]:
        """
        :param found: the value
        :return: the value, a non-empty list without duplicates
        """
        if not isinstance(found, list) or not found:
            self.refuse(found, "a list with at least one item")
        for index, item in enumerate(found):
            if item in found[:index]:
                self.at(index).refuse(item, "different from the items before it")
        return found
