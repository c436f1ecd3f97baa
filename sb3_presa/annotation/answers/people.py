"""Names of people: one spelling each, and none that passes for another."""

import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Iterable

from sb3_presa.annotation.answers.answer import MODEL_PREFIX, check_annotator, is_model
from sb3_presa.errors import ConfigError


def composed(name: str) -> str:
    """The name in Unicode's form NFC: an accent may be typed as a letter of its own.

    :param name: as somebody typed it.
    """
    return unicodedata.normalize("NFC", name)


def check_person(name: str) -> None:
    """Check the name of somebody who answers on the page.

    :param name: as of an annotator, but not that of a model.
    :raises FeedbackError: if it is not valid as the name of an annotator.
    :raises ConfigError: if it is the name of a model, whose answers count for less.
    """
    check_annotator(name)
    if is_model(name):
        raise ConfigError(
            f"a person's name must not begin with {MODEL_PREFIX!r}, which names models, got "
            f"{name!r}"
        )


def warn_of_alike(names: Iterable[str]) -> None:
    """Warn of names that differ in capital letters alone.

    :param names: all names, any number of times.
    """
    alike: dict[str, set[str]] = defaultdict(set)
    for name in names:
        alike[name.casefold()].add(name)
    for found in alike.values():
        if len(found) > 1:
            listed = ", ".join(sorted(found))
            warnings.warn(
                f"{listed} differ in capital letters alone, and count as {len(found)} people",
                stacklevel=2,
            )
