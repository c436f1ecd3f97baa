"""``sb3-presa labels`` and ``import-preferences``: statistics, merging and exchange of labels."""

import contextlib
import shlex
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sb3_presa.cli.console import JsonFile, check_outputs
from sb3_presa.cli.datasets import Dataset, check_free_labels
from sb3_presa.cli.labels_report import open_answers, report_answers
from sb3_presa.errors import ConfigError

if TYPE_CHECKING:
    from minari import MinariDataset

    from sb3_presa.annotation.answers.answer import Answer
    from sb3_presa.feedback import Feedback

#: Share of majorities against which a noise model may decide without a warning.
_MOST_OVERRULED: Final = 0.25


def labels(
    dataset: Dataset,
    feedback: Annotated[str, typer.Option(help="Name of the labels.")] = "people",
    json_file: JsonFile = None,
    merge: Annotated[
        str | None,
        typer.Option(help="Merge answers into feedback: majority, mean or noise-model."),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(help="Name of the merged feedback.", show_default="that of --feedback"),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Leave this person out of --merge; repeat it for several."),
    ] = None,
    export_file: Annotated[
        Path | None,
        typer.Option(
            "--export", help="Write answers (or feedback) as .csv or .jsonl; --form for .json."
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(help="Write answers as .json for label-studio or argilla."),
    ] = None,
    import_file: Annotated[
        Path | None,
        typer.Option(
            "--import",
            help="Read answers (if they name annotators) or feedback from such a file, or answers "
            "from the .json of Label Studio or Argilla.",
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Also replace feedback that was not merged from answers."),
    ] = False,
    implied: Annotated[
        bool,
        typer.Option(
            "--implied", help="Merge also the comparisons that follow from chains of others."
        ),
    ] = False,
    curve: Annotated[
        bool,
        typer.Option(
            "--curve", help="Accuracy against the number of answers, and the gain of more."
        ),
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Picture of --curve to write: PNG, SVG or PDF.")
    ] = None,
    core_share: Annotated[
        float,
        typer.Option(min=0.01, max=1.0, help="Largest share of a processor that --curve takes."),
    ] = 1.0,
) -> None:
    """
    Print statistics and agreement of people's answers; merge them into feedback for training;
    export or import them as CSV, JSON Lines, or JSON of Label Studio or Argilla.
    """
    from sb3_presa.annotation.answers.people import composed
    from sb3_presa.data import resolve_dataset

    for option, is_given, needed, is_there in (
        ("--into", into is not None, "--merge", merge is not None),
        ("--implied", implied, "--merge", merge is not None),
        ("--without", bool(without), "--merge", merge is not None),
        ("--plot", plot is not None, "--curve", curve),
        ("--core-share", core_share != 1.0, "--curve", curve),
        ("--form", form is not None, "--export", export_file is not None),
    ):
        if is_given and not is_there:
            raise ConfigError(f"{option} needs {needed}, got {option} alone")
    check_outputs(json_file, export_file, plot)
    opened = resolve_dataset(dataset)
    if import_file is not None:
        _import(opened, feedback, import_file, overwrite)
    if export_file is not None:
        _export(opened, feedback, export_file, form)
    if merge is not None:
        left_out = [composed(name) for name in without or []]
        _merge(opened, feedback, merge, into or feedback, overwrite, left_out, implied)
        _print_training(dataset, into or feedback)
    if curve:
        from sb3_presa.cli.label_curve import report_curve

        with open_answers(opened, feedback) as store:
            report_curve(opened, store, json_file, plot, core_share)
    elif (import_file, export_file, merge) == (None, None, None) or json_file is not None:
        report_answers(opened, feedback, json_file)


def import_preferences(
    folder: Annotated[Path, typer.Argument(help="Folder of the set's three files.")],
    dataset: Annotated[
        str, typer.Option(help="The Minari dataset that the set was drawn from: id or folder.")
    ],
    feedback: Annotated[str, typer.Option(help="Name of the feedback to write.")] = "people",
    segment_length: Annotated[
        int | None,
        typer.Option(min=1, help="Steps of a segment.", show_default="from the files' names"),
    ] = None,
    rows: Annotated[
        str, typer.Option(help="Rows that the starts refer to: qlearning (D4RL's) or all.")
    ] = "qlearning",
    crossing: Annotated[
        str, typer.Option(help="Segments that end after their episode: refuse, clip or drop.")
    ] = "refuse",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace feedback with this name.")
    ] = False,
) -> None:
    """Read human preferences in the layout of PreferenceTransformer or Uni-RLHF."""
    from sb3_presa.data import resolve_dataset
    from sb3_presa.feedback.human_preferences import import_preferences as read_set

    opened = resolve_dataset(dataset)
    check_free_labels(opened, feedback, overwrite, ())
    found = read_set(
        opened,
        folder,
        segment_length=segment_length,
        rows=rows,  # type: ignore[arg-type]  # checked there
        crossing=crossing,  # type: ignore[arg-type]
    )
    _print_saved(opened, feedback, found)


def _merge(
    dataset: "MinariDataset",
    name: str,
    method: str,
    into: str,
    overwrite: bool,
    without: list[str],
    implied: bool,
) -> None:
    from sb3_presa.annotation.answers.fitting import fit
    from sb3_presa.annotation.consensus.compared import effect_without
    from sb3_presa.annotation.consensus.implied import with_implied
    from sb3_presa.annotation.consensus.merge import merge_answers
    from sb3_presa.data import load_transitions

    check_free_labels(dataset, into, overwrite, ("annotators",))
    transitions = load_transitions(dataset)
    with open_answers(dataset, name) as store:
        found = fit(store, transitions)
        if not set(without) <= found.people:
            known = ", ".join(sorted(found.people))
            raise ConfigError(f"--without must be among {known}, got {', '.join(without)}")
        merged = merge_answers(store, transitions, method, left_out=without)  # type: ignore[arg-type]
        if without:
            effect = effect_without(found.answers, without, method)  # type: ignore[arg-type]
            for kind in ("comparisons", "safety"):
                change = getattr(effect, kind)
                typer.echo(
                    f"Without {', '.join(effect.people)}, {kind}: {change.turned} of "
                    f"{change.labels} change, {change.lost} are lost"
                )
        if method == "noise-model":
            _warn_of_overruled(found.answers, without)
    _print_saved(dataset, into, with_implied(merged) if implied else merged)


def _warn_of_overruled(answers: "Sequence[Answer]", left_out: list[str]) -> None:
    """People who always say the same can pass for careful, and their judgement for the truth."""
    from sb3_presa.annotation.consensus.compared import overruled_majorities
    from sb3_presa.annotation.consensus.merge import without

    found = overruled_majorities(without(answers, left_out), "noise-model")
    for kind, one in zip(("preferences", "safety labels"), found, strict=True):
        if one.turned > _MOST_OVERRULED * one.labels:
            warnings.warn(
                f"the noise model decides against the majority on {one.turned} of {one.labels} "
                f"{kind} that several people gave. Look at `sb3-presa labels` for people who "
                "always say the same or agree with nobody, and leave them out (--without NAME), "
                "or merge with --merge majority",
                stacklevel=2,
            )


def _print_training(dataset: str, name: str) -> None:
    """Print the command to train, since the default feedback of ``train`` is "default"."""
    command = ["sb3-presa", "train", dataset, "--feedback", name, "--out", "agent.zip"]
    typer.echo(f"To train on it:\n{shlex.join(command)}")


def _export(dataset: "MinariDataset", name: str, path: Path, form: str | None) -> None:
    from sb3_presa.annotation.answers.exchange import export_answers, export_feedback
    from sb3_presa.annotation.answers.fitting import compare_and_warn
    from sb3_presa.feedback import Feedback
    from sb3_presa.feedback.file import answers_path

    if answers_path(dataset, name).is_file():
        with open_answers(dataset, name) as store:
            compare_and_warn(store, dataset, "their episode ids mean other episodes now")
            answers = store.answers()
        export_answers(path, answers, form)  # type: ignore[arg-type]  # checked there
        typer.echo(f"Wrote {path}: {len(answers)} answers")
    else:
        if form is not None:
            raise ConfigError(f"--form needs answers of people, got none named '{name}'")
        found = Feedback.load(dataset, name).align(dataset)
        export_feedback(path, found)
        typer.echo(f"Wrote {path}: {found}")


def _import(dataset: "MinariDataset", name: str, path: Path, overwrite: bool) -> None:
    from sb3_presa.annotation.answers.exchange import holds_answers, import_feedback

    if holds_answers(path):
        _import_answers(dataset, name, path)
    else:
        check_free_labels(dataset, name, overwrite, ())
        _print_saved(dataset, name, import_feedback(path, dataset))


def _import_answers(dataset: "MinariDataset", name: str, path: Path) -> None:
    """Import all answers of the file or none; known answers are not written again."""
    from sb3_presa.annotation.answers.exchange import import_answers
    from sb3_presa.annotation.answers.people import warn_of_alike
    from sb3_presa.annotation.answers.store import AnswerStore
    from sb3_presa.data import load_transitions
    from sb3_presa.feedback.file import answers_path

    transitions = load_transitions(dataset)
    answers = import_answers(path, transitions)
    segments = [s for one in answers for s in (one.first, one.second) if s is not None]
    hashes = transitions.hashes_by_id()
    shown = {episode: hashes[episode] for episode, _, _ in segments}
    with contextlib.closing(AnswerStore(answers_path(dataset, name), dataset.id)) as store:
        before = len(store.answers())
        with store.transaction():
            store.record_episodes(shown)
            store.add_all(answers)
        known = store.answers()
        added = len(known) - before
        typer.echo(f"Read {path}: {len(answers)} answers, {added} of them new, in {store.path}")
        warn_of_alike(answer.annotator for answer in known)


def _print_saved(dataset: "MinariDataset", name: str, found: "Feedback") -> None:
    typer.echo(f"Wrote {found.save(dataset, name)}: {found}")
