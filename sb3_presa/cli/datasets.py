"""Commands on datasets: ``sb3-presa collect``, ``replay``, ``label``, ``info`` and others."""

import os
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sb3_presa.cli.console import check_outputs, naming_environment, print_renderable
from sb3_presa.errors import ConfigError, DatasetError

if TYPE_CHECKING:
    from minari import MinariDataset

    from sb3_presa.data import DatasetCheck

Dataset = Annotated[str, typer.Argument(help="Id of a Minari dataset, or its folder.")]
_NEW_ID = "Id of the new dataset: namespace/name-v0."
NewId = Annotated[str, typer.Option("--id", help=_NEW_ID)]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite", help="Replace a dataset with this id, and its labels. People's answers stay."
    ),
]


def check_free_labels(
    dataset: "MinariDataset", name: str, overwrite: bool, replaceable: Collection[str]
) -> None:
    """
    Protect labels that cannot be made again.

    :param dataset: the labelled dataset
    :param name: under which labels are to be saved
    :param overwrite: whether any may be replaced
    :param replaceable: sources of labels that are replaced without asking
    :raises ConfigError: if labels with this name are of another source
    """
    from sb3_presa.feedback import Feedback

    if overwrite or name not in Feedback.names(dataset):
        return
    source = Feedback.load(dataset, name).provenance.get("source")
    if source not in replaceable:
        raise ConfigError(
            f"feedback {name!r} of {dataset.id} exists already (source {source!r}); choose another "
            "name, or replace it with --overwrite"
        )


def collect(
    env_id: Annotated[
        str | None,
        typer.Argument(
            help='An environment with "cost" in its infos.', show_default="the recipe's"
        ),
    ] = None,
    dataset_id: Annotated[
        str | None, typer.Option("--id", help=_NEW_ID, show_default="the recipe's")
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(help="TOML file of settings.", show_default="the built-in settings"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes.", show_default="one per processor"),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Hide the progress bar.")] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run any code that the recipe names.")
    ] = False,
) -> None:
    """
    Collect a Minari dataset from agents that are trained with several cost weights.

    To continue an interrupted collection, run the same command again.
    """
    from sb3_presa.collect.collection import collect as collect_dataset

    with naming_environment(env_id or str(recipe)):
        dataset = collect_dataset(
            env_id,
            dataset_id,
            recipe,
            seed=seed,
            n_workers=workers,
            overwrite=overwrite,
            progress_bar=not quiet,
            trust=trust,
        )
    print_written(dataset)


def log_actions(
    dataset: Dataset,
    file: Annotated[Path, typer.Argument(help="The .npz file to write.")],
) -> None:
    """Write the seeds and actions of a dataset: a few bytes per step, to be replayed."""
    from sb3_presa.collect.action_log import ActionLog
    from sb3_presa.data.datasets import resolve_dataset

    check_outputs(file)
    ActionLog.of(resolve_dataset(dataset)).save(file)
    typer.echo(f"Wrote {file}: {file.stat().st_size / 1e6:.1f} MB")


def replay(
    file: Annotated[Path, typer.Argument(help="A file written by log-actions.")],
    dataset_id: Annotated[
        str | None, typer.Option("--id", help=_NEW_ID, show_default="the log's")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes.", show_default="one per processor")
    ] = None,
    overwrite: Overwrite = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Hide the progress bar.")] = False,
    trust: Annotated[
        bool,
        typer.Option("--trust", help="Run any code that the file names as its environment."),
    ] = False,
) -> None:
    """Replay a dataset from its seeds and actions, in its simulator."""
    from sb3_presa.collect.action_log import ActionLog

    with naming_environment(str(file)):
        made = ActionLog.load(file).replay(
            dataset_id,
            n_workers=workers or os.cpu_count() or 1,
            overwrite=overwrite,
            progress_bar=not quiet,
            trust=trust,
        )
    print_written(made.dataset)
    if made.n_different:
        warnings.warn(
            f"{made.n_different} episodes are not bit-equal to the logged ones: this machine, or "
            "this version of the simulator, rounds differently",
            stacklevel=1,
        )


def label(
    dataset: Dataset,
    cost_limit: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Largest cost of a safe episode.",
            show_default="the recipe's, or the middle one of the benchmark's",
        ),
    ] = None,
    feedback: Annotated[str, typer.Option(help="Name of the feedback to write.")] = "default",
    comparisons: Annotated[int, typer.Option(min=1, help="Number of comparisons.")] = 5000,
    segment_length: Annotated[
        int | None,
        typer.Option(min=1, help="Steps of a segment.", show_default="a whole episode"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the segments and the noise.")] = 0,
    flip_preferences: Annotated[
        float, typer.Option(min=0, max=1, help="Share of preferences to flip.")
    ] = 0.0,
    flip_safety: Annotated[
        float, typer.Option(min=0, max=1, help="Share of safety labels to flip.")
    ] = 0.0,
    unlabelled_preferences: Annotated[
        float, typer.Option(min=0, max=1, help="Share of comparisons to leave out.")
    ] = 0.0,
    unlabelled_safety: Annotated[
        float, typer.Option(min=0, max=1, help="Share of segments without a safety label.")
    ] = 0.0,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Also replace feedback that is not synthetic."),
    ] = False,
) -> None:
    """Make synthetic labels from a dataset's own rewards and costs."""
    from sb3_presa.data import resolve_dataset
    from sb3_presa.feedback import Feedback

    opened = resolve_dataset(dataset)
    if cost_limit is None:
        cost_limit = _usual_cost_limit(opened)
    check_free_labels(opened, feedback, overwrite, ("synthetic",))
    labels = Feedback.synthetic(
        opened,
        comparisons,
        segment_length,
        cost_limit=cost_limit,
        seed=seed,
        flip_preferences=flip_preferences,
        flip_safety=flip_safety,
        unlabelled_preferences=unlabelled_preferences,
        unlabelled_safety=unlabelled_safety,
    )
    path = labels.save(opened, feedback)
    typer.echo(f"Wrote {path}: {labels}")


def _usual_cost_limit(dataset: "MinariDataset") -> float:
    """The cost limit of the dataset's recipe, or of its benchmark task."""
    from sb3_presa.envs import find_task

    recipe = dataset.storage.metadata.get("collection", {}).get("recipe", {})
    if recipe.get("cost_limit") is not None:
        return float(recipe["cost_limit"])
    task = find_task(dataset.env_spec.id) if dataset.env_spec is not None else None
    if task is None:
        raise ConfigError(
            f"--cost-limit must be given for {dataset.id}: neither its metadata nor the table of "
            "benchmark tasks has one"
        )
    return task.cost_limits[len(task.cost_limits) // 2]


def import_dsrl(
    file: Annotated[Path, typer.Argument(help="An HDF5 file in DSRL's layout.")],
    dataset_id: NewId,
    env_id: Annotated[
        str | None,
        typer.Option(
            help="The environment of the file: a Gymnasium id, or that of a benchmark task.",
            show_default="not recorded, spaces from the data",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Turn warnings into errors that name the rows.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Make a Minari dataset from a file of the DSRL benchmark."""
    from sb3_presa.data import import_dsrl as import_file

    print_written(import_file(file, dataset_id, env_id, strict, overwrite=overwrite))


def export_dsrl(
    dataset: Dataset,
    file: Annotated[Path, typer.Argument(help="The HDF5 file to write.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
) -> None:
    """Write a Minari dataset as a file of the DSRL benchmark."""
    from sb3_presa.data import export_dsrl as export_file

    typer.echo(f"Wrote {export_file(dataset, file, overwrite=overwrite)}")


def info(dataset: Dataset) -> None:
    """Describe a dataset: its size, spaces, returns, costs and feedback, and what is wrong."""
    from sb3_presa.data import check_dataset, resolve_dataset
    from sb3_presa.feedback import render_summary, summarize

    opened = resolve_dataset(dataset)
    found = check_dataset(opened)
    try:
        print_renderable(render_summary(summarize(opened)))
    except DatasetError:
        if not found.faults:
            raise
        _print_check(found)
        raise typer.Exit(1) from None
    if found.faults or found.notes:
        typer.echo()
        _print_check(found)


def check(dataset: Dataset) -> None:
    """
    List every kind of fault of a dataset, with counts, first places and remedies.

    The exit code is 0 if it can be trained on.
    """
    from sb3_presa.data import check_dataset

    found = check_dataset(dataset)
    _print_check(found)
    if found.faults:
        raise typer.Exit(1)


def _print_check(found: "DatasetCheck") -> None:
    for fault in found.faults:
        typer.echo(f"fault: {fault}")
    for note in found.notes:
        typer.echo(f"note: {note}")
    if not found.faults:
        typer.echo(f"{found.dataset_id}: no fault found")


def print_written(dataset: "MinariDataset") -> None:
    """
    Print the size and place of a dataset, and which answers of people no longer fit it.

    :param dataset: what was written
    """
    from sb3_presa.annotation.answers.fitting import REMEDY, changed_beside

    typer.echo(
        f"Wrote {dataset.id}: {dataset.total_episodes} episodes, {dataset.total_steps} steps, "
        f"in {dataset.storage.data_path}"
    )
    for name, found in changed_beside(dataset).items():
        typer.echo(f"note: '{name}': {found.words}. {REMEDY}")
