"""``sb3-presa install-simulators`` and ``doctor``."""

import json
import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from sb3_presa.cli.console import print_table, print_warning
from sb3_presa.envs.simulators import find_simulators

if TYPE_CHECKING:
    from sb3_presa.envs.doctor import Diagnosis

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[safety|bullet|metadrive|highway|all]...",
        help="Names of simulators.",
        show_default="all",
    ),
]


def install_simulators(
    names: Names = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the commands without running them.")
    ] = False,
) -> None:
    """
    Install simulators with pip, in versions that work together.

    The installed versions of torch, numpy, gymnasium, stable-baselines3 and minari do not change.
    """
    from sb3_presa.envs.installation import install, pip_commands

    wanted = find_simulators(names or [])
    possible = [simulator for simulator in wanted if not simulator.why_not_on_this_python]
    for simulator in wanted:
        if simulator not in possible:
            print_warning(f"skipped: {simulator.why_not_on_this_python}", UserWarning, "", 0)
    if dry_run:
        for command in pip_commands(possible):
            typer.echo(shlex.join(command))
        return
    installed = install(possible)
    typer.echo(f"Installed {', '.join(installed) or 'nothing'}. Check with `sb3-presa doctor`.")


def doctor(
    names: Names = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """
    Check each simulator: installed, importable, speed, rendering; print a remedy for problems.

    The exit code is 0 if all installed simulators work.
    """
    from sb3_presa.envs.doctor import diagnose

    found = diagnose(find_simulators(names or []))
    if as_json:
        typer.echo(json.dumps([asdict(diagnosis) for diagnosis in found], indent=2))
    else:
        columns = ("simulator", "installed", "importable", "steps/s", "renders")
        print_table("Simulators", columns, [_row(diagnosis) for diagnosis in found])
        for diagnosis in found:
            if diagnosis.problem:
                typer.echo(f"{diagnosis.name}: {diagnosis.problem}. {diagnosis.advice}")
    if not all(diagnosis.works for diagnosis in found):
        raise typer.Exit(1)


def _row(found: "Diagnosis") -> tuple[str, ...]:
    words = {True: "yes", False: "no", None: "-"}
    speed = found.steps_per_second
    return (
        f"{found.name} ({found.title})",
        found.version or "no",
        words[found.importable],
        "-" if speed is None else f"{speed:,.0f}",
        words[found.renders],
    )
