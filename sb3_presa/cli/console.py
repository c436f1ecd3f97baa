"""Shared parts of the commands: one-line messages, tables, and settings from text."""

import ast
import json
import math
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, TextIO

import typer
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

from sb3_presa.arguments import closest
from sb3_presa.errors import ConfigError
from sb3_presa.files import check_writable, write_text

#: The file that stands for standard output.
_STDOUT: Final = Path("-")

#: Where a command puts its figures; see :func:`write_figures`.
JsonFile = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Also write the figures to this file; - prints them and nothing else.",
        show_default="no",
    ),
]

#: Values as other languages write them; ``inf`` has no literal in Python.
_WORDS: Final[Mapping[str, Any]] = {"true": True, "false": False, "none": None, "inf": math.inf}


def _print_line(style: str, label: str, message: object) -> None:
    # soft_wrap: a long message stays one line at any width of the terminal.
    text = " ".join(str(message).split())
    # emoji: rich would draw a robot for the end of "module:Robot: ..."
    console = Console(stderr=True, emoji=False)
    console.print(f"[{style}]{label}:[/] {escape(text)}", soft_wrap=True)


def check_outputs(*paths: Path | None) -> None:
    """
    Make the folders of files that a command writes, and try to write there, before its work.

    :param paths: the files; None for none, ``-`` for standard output
    :raises ConfigError: if one of them cannot be written
    """
    for path in paths:
        if path is not None and path != _STDOUT:
            check_writable(path)


def only_json(json_file: Path | None) -> bool:
    """
    :param json_file: the option ``--json``
    :return: if figures are all that may stand on standard output
    """
    return json_file == _STDOUT


def write_figures(json_file: Path | None, figures: Mapping[str, Any]) -> None:
    """
    Write figures where ``--json`` says, or nowhere.

    :param json_file: the option ``--json``
    :param figures: what can be written as JSON
    """
    if json_file is None:
        return
    text = json.dumps(figures, indent=2, allow_nan=False)
    if only_json(json_file):
        typer.echo(text)
    else:
        write_text(json_file, text + "\n")
        say_written(json_file, json_file)


def say_written(path: Path | str, json_file: Path | None) -> None:
    """
    Name a file that was written, on standard error where standard output is for figures.

    :param path: the file, with what it holds where that is worth a word
    :param json_file: the option ``--json``
    """
    typer.echo(f"Wrote {path}", err=only_json(json_file))


def print_error(error: BaseException) -> None:
    """
    Print one red line on standard error.

    :param error: the error
    """
    if isinstance(error, OSError) and error.strerror:  # from the system: without its number
        where = "" if error.filename is None else f"{error.filename}: "
        _print_line("bold red", "Error", f"{where}{error.strerror}")
    else:
        _print_line("bold red", "Error", error)


def print_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """
    Print one yellow line on standard error; has the signature of ``warnings.showwarning``.

    :param message: the warning
    :param category: unused
    :param filename: unused
    :param lineno: unused
    :param file: unused
    :param line: unused
    """
    _print_line("yellow", "Warning", message)


def print_table(title: str, columns: Collection[str], rows: Collection[Collection[str]]) -> None:
    """
    Print a table on standard output; all columns except the first are right-aligned.

    :param title: line above the table
    :param columns: headings
    :param rows: one text per column each
    """
    table = Table(title=escape(title), title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(escape(column), justify="right" if index else "left")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    print_renderable(table)


def print_renderable(renderable: RenderableType) -> None:
    """
    Print on standard output.

    :param renderable: a rich renderable
    """
    # A pipe has no width: lines are not folded, since a script may read them.
    Console(width=None if sys.stdout.isatty() else 160, emoji=False).print(renderable)


def parse_settings(
    settings: Collection[str], allowed: Mapping[str, Any], inner: Mapping[str, Collection[str]] = {}
) -> dict[str, Any]:
    """
    Read ``key=value`` texts. A value is a Python literal (``3e-4``, ``None``, ``"safe"``,
    ``{"net_arch": [64]}``), ``true``, ``false``, ``none`` or ``inf`` in any case, or else the text
    as it stands. ``objective_kwargs.alpha=0.1`` sets one entry of a dictionary.

    :param settings: the texts
    :param allowed: the known names
    :param inner: known names of the entries of some dictionaries, to point to
    :return: the values by name
    :raises ConfigError: if a text has no ``=``, or a name is unknown or given twice
    """
    values: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip()
        if not equals:
            raise ConfigError(f"--set must be KEY=VALUE, got {setting!r}")
        name, dot, entry = key.partition(".")
        if name not in allowed or (dot and not name.endswith("_kwargs")):
            within = [f"{outer}.{name}" for outer, names in inner.items() if name in names]
            raise ConfigError(
                f"--set {key}: unknown setting; {closest(name, within or [*allowed])}"
            )
        place = values.setdefault(name, {}) if dot else values
        if (entry or name) in place:
            raise ConfigError(f"--set {key} must be given once, got it twice")
        place[entry or name] = _read_value(text)
    return values


def _read_value(text: str) -> Any:
    word = text.strip().lower()
    if word in _WORDS:
        return _WORDS[word]
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError):  # TypeError: of {[]: 1}
        return text


@contextmanager
def naming_environment(name: str) -> Iterator[None]:
    """
    Turn errors of making an environment into one that names its origin.

    :param name: an environment's id, or the user's argument that names it
    :raises ConfigError: if Gymnasium does not know the id, or its module is missing
    """
    import gymnasium as gym

    try:
        yield
    except (gym.error.Error, ModuleNotFoundError) as error:
        raise ConfigError(f"the environment of {name} cannot be made: {error}") from error
