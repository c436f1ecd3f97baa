"""YAML as suites use it, and checks whose messages name file, key, found and allowed."""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from sb3_presa.errors import ConfigError


def load_yaml(path: Path) -> Any:
    """
    Reads a YAML file with the safe loader, more strictly and more as people expect: a key that
    stands twice is refused, and ``3e-4`` is a number.

    :param path: the file
    :return: its content
    :raises ConfigError: if PyYAML is missing, or the file is not valid
    """
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise ConfigError(
            "suites need PyYAML, which the extra 'benchmark' brings; in a checkout: "
            'pip install ".[benchmark]"'
        ) from error

    Loader: Any = type("Loader", (yaml.SafeLoader,), {})  # safe, and without silent surprises

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        loader.flatten_mapping(node)
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                line = key.start_mark.line + 1
                raise ConfigError(f"{path}, line {line}: the key {key.value!r} stands twice")
            seen.add(key.value)
        content: dict[Any, Any] = loader.construct_mapping(node, deep=True)
        return content

    number = re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+.0123456789"))
    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader)  # a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no valid YAML: {' '.join(str(error).split())}") from error


@dataclass(frozen=True)
class Place:
    """
    A place in a file, which knows how to refuse what it finds there.

    :param path: the file
    :param key: where in it, like ``algorithms.PRESA.steps``
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

    def refuse(self, found: object, allowed: str) -> NoReturn:
        """
        :param found: what stands there
        :param allowed: what may
        :raises ConfigError: always
        """
        raise ConfigError(f"{self.path}: {self.key or 'the file'} is {found!r}; allowed: {allowed}")

    def mapping(self, found: object, allowed: Collection[str] | None = None) -> dict[str, Any]:
        """
        :param found: what stands there; nothing counts as an empty mapping
        :param allowed: the keys that may be; ``None`` for any text
        :return: it
        """
        if found is None:
            return {}
        if not isinstance(found, Mapping):
            self.refuse(found, "a mapping of keys to values")
        for key in found:
            if not isinstance(key, str):
                self.refuse(key, "keys that are text (put it in quotes)")
            if allowed is not None and key not in allowed:
                raise ConfigError(
                    f"{self.path}: {self.key or 'the file'} has the key {key!r}; "
                    f"allowed: {', '.join(allowed)}"
                )
        return dict(found)

    def text(self, found: object) -> str:
        """
        :param found: what stands there
        :return: it, a text that is not empty
        """
        if not isinstance(found, str) or not found:
            self.refuse(found, "text")
        return found

    def number(self, found: object, least: float, most: float = math.inf) -> float:
        """
        :param found: what stands there
        :param least: the least that may
        :param most: the most that may
        :return: it, a finite number
        """
        ok = isinstance(found, int | float) and not isinstance(found, bool)
        if not ok or not math.isfinite(found) or not least <= found <= most:  # type: ignore[arg-type, operator]
            bound = f" and at most {most:g}" if most < math.inf else ""
            self.refuse(found, f"a number, at least {least:g}{bound}")
        return float(found)  # type: ignore[arg-type]

    def whole(self, found: object, least: int) -> int:
        """
        :param found: what stands there
        :param least: the least that may
        :return: it, a whole number
        """
        if not isinstance(found, int) or isinstance(found, bool) or found < least:
            self.refuse(found, f"a whole number, at least {least}")
        return found

    def one_of(self, found: object, allowed: Collection[str]) -> str:
        """
        :param found: what stands there
        :param allowed: what may
        :return: it
        """
        if not isinstance(found, str) or found not in allowed:
            self.refuse(found, ", ".join(allowed))
        return found

    def list(self, found: object) -> list[Any]:
        """
        :param found: what stands there
        :return: it, a list with something in it and nothing twice
        """
        if not isinstance(found, list) or not found:
            self.refuse(found, "a list with at least one item")
        for index, item in enumerate(found):
            if item in found[:index]:
                self.at(index).refuse(item, "each item once")
        return found
