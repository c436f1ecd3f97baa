"""Commands that bring logs in: ``sb3-presa import``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sb3_presa.cli.datasets import Dataset, print_written
from sb3_presa.errors import ConfigError, DatasetError

_USUAL = "by its usual names"


def import_(
    sources: Annotated[
        list[str],
        typer.Argument(help="A file, a folder, or files: each an episode, or many with --episode."),
    ],
    dataset_id: Annotated[
        str | None, typer.Option("--id", help="Id of the new dataset: namespace/name-v0.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what was found, and write nothing.")
    ] = False,
    format: Annotated[
        str | None, typer.Option(help="The format.", show_default="told by the content")
    ] = None,
    observations: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns or patterns: 'x,y,v*'. KEY=COLUMNS, repeated, for a Dict space.",
            show_default=_USUAL,
        ),
    ] = None,
    actions: Annotated[
        str | None,
        typer.Option(help="Columns or patterns: 'steering,throttle'.", show_default=_USUAL),
    ] = None,
    reward: Annotated[
        str | None, typer.Option(help="The column of rewards.", show_default=_USUAL)
    ] = None,
    cost: Annotated[
        str | None, typer.Option(help="The column of costs.", show_default=_USUAL)
    ] = None,
    episode: Annotated[
        str | None,
        typer.Option(help="The column that tells episodes apart.", show_default=_USUAL),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(help="The column of flags where the task ended.", show_default=_USUAL),
    ] = None,
    truncated: Annotated[
        str | None,
        typer.Option(help="The column of flags where an episode was cut off.", show_default=_USUAL),
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="The column of times.", show_default=_USUAL)
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(help="Columns that are facts about a whole episode: 'driver,success'."),
    ] = None,
    bounds: Annotated[
        list[str] | None,
        typer.Option(
            help="LOW:HIGH of all actions, or NAME=LOW:HIGH of columns; can be repeated.",
            show_default="those of the logged actions",
        ),
    ] = None,
    actions_are: Annotated[
        str | None,
        typer.Option(
            help="continuous or discrete.", show_default="discrete if declared as integers"
        ),
    ] = None,
    clip: Annotated[
        bool, typer.Option("--clip", help="Clip what lies outside the bounds.")
    ] = False,
    units: Annotated[
        str | None,
        typer.Option(help="Units of columns: 'v*=m/s,x=m'.", show_default="those of the headings"),
    ] = None,
    skip_faulty: Annotated[
        bool, typer.Option("--skip-faulty", help="Leave out episodes with faults.")
    ] = False,
    rate: Annotated[
        float | None,
        typer.Option(
            help="Steps a second of MCAP and ROS bags.", show_default="that of the slowest topic"
        ),
    ] = None,
    resampling: Annotated[
        str, typer.Option(help="The value between two messages: previous or linear.")
    ] = "previous",
    split: Annotated[
        str | None, typer.Option(help="Filter key of a robomimic file.", show_default="all")
    ] = None,
    cameras: Annotated[
        str | None,
        typer.Option(
            help="Cameras whose videos are kept: '*top'; '' for none.", show_default="all"
        ),
    ] = None,
    feedback: Annotated[
        str, typer.Option(help="Name of the answers that came with pairs of clips.")
    ] = "default",
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace a dataset with this id. Its feedback stays."),
    ] = False,
) -> None:
    """
    Make a Minari dataset of logs: CSV, Parquet, NPZ, HDF5, LeRobot, MCAP, ROS bags and others.

    Prints what was found. Nothing is written if there is a fault.
    """
    from sb3_presa.data import read_logs
    from sb3_presa.data.minari_store import check_free

    if dataset_id is None and not dry_run:
        raise ConfigError(
            "--id must name the new dataset, such as me/robot-v0, got none; --dry-run needs none"
        )
    if dataset_id is not None:
        check_free(dataset_id, None, overwrite)
    options: dict[str, Any] = {
        "observations": _by_key(observations),
        "bounds": _bounds(bounds or []),
        "units": _pairs(units or "", "--units", "NAME=UNIT"),
        "kind": actions_are,
    }
    log = read_logs(
        sources[0] if len(sources) == 1 else sources,
        format=format,
        actions=actions,
        reward=reward,
        cost=cost,
        episode=episode,
        end=end,
        truncated=truncated,
        time=time,
        keep=keep,
        clip=clip,
        skip_faulty=skip_faulty,
        rate=rate,
        resampling=resampling,  # type: ignore[arg-type]  # read_logs checks the word
        split=split,
        cameras=cameras,
        **options,
    )
    for line in log.describe():
        typer.echo(line)
    if n_faults := len(list(log.faults)):
        kinds = "1 kind of fault" if n_faults == 1 else f"{n_faults} kinds of fault"
        raise DatasetError(f"{kinds} in the logs, listed above; nothing was written")
    log.require_sound()
    if not dry_run and dataset_id is not None:
        print_written(log.save(dataset_id, overwrite=overwrite, feedback=feedback))


def export_parquet(
    dataset: Dataset,
    folder: Annotated[Path, typer.Argument(help="The folder to make.")],
    feedback: Annotated[
        str | None, typer.Option(help="Name of the labels.", show_default="no table of labels")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing folder.")
    ] = False,
) -> None:
    """Write a dataset as Parquet: one row a step, and a table of its labels."""
    from sb3_presa.annotation.answers.parquet import export_parquet as export_tables

    typer.echo(f"Wrote {export_tables(dataset, folder, feedback, overwrite=overwrite)}")


def export_lerobot(
    dataset: Dataset,
    source: Annotated[Path, typer.Argument(help="The LeRobot dataset that it was imported from.")],
    folder: Annotated[Path, typer.Argument(help="The copy to make.")],
    feedback: Annotated[str, typer.Option(help="Name of the labels.")] = "default",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing folder.")
    ] = False,
) -> None:
    """Copy a LeRobot dataset, with labels as columns of its steps."""
    from sb3_presa.annotation.answers.parquet import export_lerobot as export_copy

    typer.echo(f"Wrote {export_copy(dataset, source, folder, feedback, overwrite=overwrite)}")


def _by_key(given: list[str] | None) -> Any:
    if not given or (len(given) == 1 and "=" not in given[0]):
        return given[0] if given else None
    wrong = [text for text in given if "=" not in text]
    if wrong:
        raise ConfigError(
            f"--observations must be KEY=COLUMNS where it is repeated, got {wrong[0]!r}"
        )
    keys = [text.partition("=")[0].strip() for text in given]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ConfigError(f"--observations must name each key once, got {twice[0]!r} twice")
    return {key: text.partition("=")[2] for key, text in zip(keys, given, strict=True)}


def _pairs(text: str, option: str, form: str) -> dict[str, str]:
    pairs = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, equals, value = part.rpartition("=")
        if not equals or not name.strip() or not value.strip():
            raise ConfigError(f"{option} must be {form}, separated by commas, got {part!r}")
        pairs[name.strip()] = value.strip()
    return pairs


def _bounds(given: list[str]) -> dict[str, tuple[float, float]] | None:
    found = {}
    for part in (each for text in given for each in text.split(",")):
        name, _, ends = part.rpartition("=")
        low, colon, high = ends.partition(":")
        try:
            if not colon:
                raise ValueError
            found[name.strip()] = (float(low), float(high))
        except ValueError as error:
            raise ConfigError(
                f"--bounds must be LOW:HIGH or NAME=LOW:HIGH, got {part!r}"
            ) from error
    return found or None
