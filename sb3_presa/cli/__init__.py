"""
The ``sb3-presa`` command. Each command parses its arguments, calls the library and prints.

Slow imports are inside the commands, so that ``sb3-presa --help`` is fast.
"""

import os
import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sb3_presa._version import __version__
from sb3_presa.cli import (
    annotate,
    benchmark,
    choosing,
    completion,
    datasets,
    deploy,
    evaluating,
    judge,
    labels,
    logs,
    simulators,
    training,
)
from sb3_presa.cli.console import print_error, print_warning
from sb3_presa.errors import PresaError

__all__ = ["app", "main"]


class _ErrorsInOneLine(TyperGroup):
    """Turns errors of the user's input into one line and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (PresaError, OSError) as error:
            if ctx.params.get("debug") or _reader_has_left(error):
                raise
            print_error(error)
            raise typer.Exit(1) from error


def _reader_has_left(error: Exception) -> bool:
    """Whether standard output is closed, as after ``| head``; pipes to workers can break, too."""
    if not isinstance(error, BrokenPipeError):
        return False
    try:
        typer.echo()  # raises again
    except BrokenPipeError:
        return True
    return False


app = typer.Typer(
    name="sb3-presa",
    cls=_ErrorsInOneLine,
    help="Safe offline policies from preferences and safety labels.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sb3-presa {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", envvar="SB3_PRESA_DEBUG", help="Show the traceback of an error."),
    ] = False,
) -> None:
    """Options before the command."""
    # Your own module beside you: at the end, so that it hides no package that is installed
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())


_COMMANDS: dict[str, list[Callable[..., None]]] = {
    "Data": [
        datasets.info,
        datasets.check,
        datasets.label,
        datasets.collect,
        datasets.log_actions,
        datasets.replay,
        logs.import_,
        logs.export_parquet,
        logs.export_lerobot,
        datasets.import_dsrl,
        datasets.export_dsrl,
    ],
    "People": [
        annotate.annotate,
        labels.labels,
        completion.complete,
        labels.import_preferences,
    ],
    "Agents": [
        training.train,
        evaluating.evaluate,
        judge.judge,
        choosing.choose,
        deploy.export,
    ],
    "Simulators": [simulators.install_simulators, simulators.doctor],
}
for _panel, _commands in _COMMANDS.items():
    for _command in _commands:
        # `import` is a word of Python's
        _name = _command.__name__.rstrip("_").replace("_", "-")
        app.command(_name, rich_help_panel=_panel)(_command)


app.add_typer(benchmark.app, name="benchmark", rich_help_panel="Agents")


def main() -> None:
    """Run ``sb3-presa`` with the arguments of this process; warnings become one line each."""
    warnings.showwarning = print_warning
    app()
