"""``sb3-presa collect``, ``label``, ``import-dsrl``, ``export-dsrl`` and ``info``."""

from pathlib import Path
from typing import Annotated

import typer

from sb3_presa.errors import ConfigError

Dataset = Annotated[str, typer.Argument(help="Id of a Minari dataset, or its folder.")]
NewId = Annotated[str, typer.Option("--id", help="Id of the new dataset: namespace/name-v0.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace a dataset of this id, and its feedback.")
]


def collect(
    env_id: Annotated[str, typer.Argument(help='An environment whose infos have a "cost".')],
    dataset_id: NewId,
    recipe: Annotated[
        Path | None,
        typer.Option(help="TOML file of settings.", show_default="the built-in settings"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes.", show_default="one a processor"),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress bar.")] = False,
) -> None:
    """
    Collect a Minari dataset: agents trained with several prices on cost, recorded while they learn.

    A collection that was interrupted goes on where it stopped when the same command is given again.
    """
    from sb3_presa.data.collect import collect as collect_dataset

    dataset = collect_dataset(
        env_id,
        dataset_id,
        recipe,
        seed=seed,
        n_workers=workers,
        overwrite=overwrite,
        progress_bar=not quiet,
    )
    typer.echo(
        f"Wrote {dataset.id}: {dataset.total_episodes} episodes, {dataset.total_steps} steps "
        f"({dataset.storage.data_path})"
    )


def label(
    dataset: Dataset,
    cost_limit: Annotated[
        float, typer.Option(min=0, help="Cost of a whole episode up to which it counts as safe.")
    ],
    feedback: Annotated[str, typer.Option(help="Name of the feedback to write.")] = "default",
    comparisons: Annotated[int, typer.Option(min=1, help="Number of comparisons.")] = 5000,
    segment_length: Annotated[
        int | None,
        typer.Option(min=1, help="Steps of a segment.", show_default="a whole episode"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the segments and the noise.")] = 0,
    flip_preferences: Annotated[
        float, typer.Option(min=0, max=1, help="Share of preferences to turn round.")
    ] = 0.0,
    flip_safety: Annotated[
        float, typer.Option(min=0, max=1, help="Share of safety labels to turn round.")
    ] = 0.0,
    unlabelled_preferences: Annotated[
        float, typer.Option(min=0, max=1, help="Share of comparisons to leave out.")
    ] = 0.0,
    unlabelled_safety: Annotated[
        float, typer.Option(min=0, max=1, help="Share of segments without a safety label.")
    ] = 0.0,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace feedback that this command has not made, too."),
    ] = False,
) -> None:
    """Label a dataset from its own rewards and costs, as an annotator would."""
    from sb3_presa.data import Feedback, resolve_dataset

    opened = resolve_dataset(dataset)
    if not overwrite and feedback in Feedback.names(opened):
        # Synthetic labels can be made again; labels that people gave cannot.
        source = Feedback.load(opened, feedback).provenance.get("source")
        if source != "synthetic":
            raise ConfigError(
                f"{dataset} has feedback {feedback!r} already, from the source {source!r}; give "
                "--feedback another name, or --overwrite to lose those labels"
            )
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
