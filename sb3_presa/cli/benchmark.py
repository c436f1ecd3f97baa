"""``sb3-presa benchmark``: run a suite of agents, and report on the results."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sb3_presa.cli.console import print_error
from sb3_presa.errors import ConfigError, PresaError

if TYPE_CHECKING:
    from sb3_presa.benchmark.engine.results import Failure
    from sb3_presa.benchmark.engine.run import Backend
    from sb3_presa.benchmark.suites.cell import Cell
    from sb3_presa.benchmark.suites.suite import Suite

app = typer.Typer(no_args_is_help=True, help="Compare algorithms over tasks, limits and seeds.")


@app.command()
def run(
    suite: Annotated[Path, typer.Argument(help="A suite, a .yaml.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for SUITE.csv, with one row per cell.")
    ] = Path("benchmarks/results"),
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processors to use here.", show_default="all"),
    ] = None,
    backend: Annotated[str, typer.Option(help="local, or ray.")] = "local",
    address: Annotated[
        str | None,
        typer.Option(help="Address of a Ray cluster, or auto.", show_default="start one here"),
    ] = None,
    algorithm: Annotated[
        list[str] | None, typer.Option(help="Only this algorithm; can be repeated.")
    ] = None,
    task: Annotated[list[str] | None, typer.Option(help="Only this task; can be repeated.")] = None,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust", help="Run any code that the suite or its datasets name: import its modules."
        ),
    ] = False,
    skip_missing: Annotated[
        bool,
        typer.Option(
            "--skip-missing", help="Leave out tasks whose dataset is not here, and name them."
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the missing cells, and why any cannot run."),
    ] = False,
) -> None:
    """
    Run the missing cells of a suite; a second call continues an interrupted run.

    The exit code is 1 if a cell failed; see SUITE.failures.json for its error.
    """
    from rich.console import Console

    from sb3_presa.benchmark.engine.progress import RunProgress
    from sb3_presa.benchmark.engine.results import ResultFile
    from sb3_presa.benchmark.engine.run import run_suite
    from sb3_presa.benchmark.report.consistency import training_warnings
    from sb3_presa.benchmark.suites.suite import load_suite

    loaded = load_suite(suite, trust).only(algorithm or (), task or ())
    if skip_missing:
        loaded = _with_datasets(loaded)
    loaded.check_algorithms()
    path = out / f"{loaded.name}.csv"
    if dry_run:
        _print_missing(loaded, path)
        return
    progress = RunProgress(Console(stderr=True, emoji=False))
    with ResultFile(path).open() as file:
        engine = _backend(backend, address, workers)
        try:
            failures = run_suite(loaded, file, engine, progress)
        except KeyboardInterrupt:
            progress.stop()
            typer.echo(f"Stopped; run the same command to continue {path}.", err=True)
            raise typer.Exit(130) from None
        finally:
            progress.stop()
            engine.close()
        rows = [file.rows[cell.key] for cell in loaded.cells if cell.key in file.rows]
    for text in training_warnings(rows):
        typer.echo(f"Warning: {text}", err=True)
    typer.echo(f"{len(loaded.cells) - len(failures)} of {len(loaded.cells)} cells are in {path}")
    _end_with(failures, path)


@app.command()
def report(
    results: Annotated[list[Path], typer.Argument(help="Results files, one or more .csv.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder for report.html, its figures, tables.txt and tasks.md.",
            show_default="RESULTS-report, beside the first",
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            help="The algorithm that the others are compared with.",
            show_default="PRESA, or the first one",
        ),
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="Heading of the page.", show_default="the files' names")
    ] = None,
) -> None:
    """Print tables of results, and write a self-contained HTML page and PNGs."""
    from sb3_presa.benchmark.engine.results import read_failures
    from sb3_presa.benchmark.report.agents import read_agents
    from sb3_presa.benchmark.report.page import write_report
    from sb3_presa.benchmark.report.tables import print_tables

    out = out or results[0].with_name(f"{results[0].stem}-report")
    agents = read_agents(results)
    names = dict.fromkeys(agent.algorithm for agent in agents)
    if reference not in (None, *names):
        raise ConfigError(
            f"--reference must be one of {', '.join(map(repr, names))}, got {reference!r}"
        )
    reference = reference or "PRESA"
    page = write_report(
        agents,
        out,
        title=title or ", ".join(path.stem for path in results),
        reference=reference,
        failures=[failure for path in results for failure in read_failures(path)],
    )
    tables = print_tables(agents, out, reference)
    typer.echo(f"Wrote {page} and {tables}")


def _backend(name: str, address: str | None, workers: int | None) -> "Backend":
    if name == "ray":
        from sb3_presa.benchmark.engine.ray_backend import RayBackend

        if address is not None and workers is not None:
            raise ConfigError(
                "--workers must be left out with --address: a cluster knows its own processors"
            )
        return RayBackend(address, workers)
    if name != "local":
        raise ConfigError(f"--backend must be local or ray, got {name!r}")
    if address is not None:
        raise ConfigError("--address needs --backend ray, got --backend local")
    from torch.cuda import device_count

    from sb3_presa.benchmark.engine.local import LocalBackend

    return LocalBackend(workers or os.cpu_count() or 1, device_count())


def _with_datasets(suite: "Suite") -> "Suite":
    """The suite without tasks whose dataset is missing; prints a line for each of them."""
    from minari.storage import get_dataset_path

    from sb3_presa.data.datasets import has_dataset

    datasets = {cell.task: cell.dataset for cell in suite.cells}
    kept = [task for task, dataset in datasets.items() if has_dataset(dataset)]
    for task in (task for task in datasets if task not in kept):
        typer.echo(f"Skipped {task}: dataset {datasets[task]} is not below {get_dataset_path()}")
    if not kept:
        raise ConfigError(
            f"suite {suite.name} must have a task whose dataset is here, got none; collect or "
            "download one, or leave out --skip-missing"
        )
    return suite.only(tasks=kept)


def _print_missing(suite: "Suite", path: Path) -> None:
    """The cells to run, and why some of them would fail; exits with 1 in that case."""
    from sb3_presa.benchmark.engine.preflight import problems
    from sb3_presa.benchmark.engine.results import read_rows
    from sb3_presa.benchmark.engine.run import missing_cells

    rows = read_rows(path, ("key",)) if path.exists() else []
    missing = missing_cells(suite, {row["key"]: row for row in rows})
    for cell in missing:
        typer.echo(str(cell))
    typer.echo(f"{len(missing)} of {len(suite.cells)} cells are missing in {path}")
    found = problems(missing)
    for problem in found:
        print_error(PresaError(problem))
    if found:
        raise typer.Exit(1)


def _end_with(failures: "list[Failure]", path: Path) -> None:
    if not failures:
        return
    alike: dict[str, list[Cell]] = {}
    for failure in failures:
        alike.setdefault(failure.error, []).append(failure.cell)
    for error, (first, *others) in alike.items():
        more = f" and {len(others)} more" if others else ""
        print_error(PresaError(f"{first}{more}: {error}"))
    where = path.with_suffix(".failures.json")
    typer.echo(f"{len(failures)} cells failed; see {where} for tracebacks", file=sys.stderr)
    raise typer.Exit(1)
