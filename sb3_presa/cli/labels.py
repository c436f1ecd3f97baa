"""``sb3-presa labels`` and ``import-preferences``: statistics, merging and exchange of labels."""

import contextlib
import shlex
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sb3_presa.cli.console import JsonFile, check_outputs, only_json, print_table, write_figures
from sb3_presa.cli.datasets import Dataset, check_free_labels
from sb3_presa.errors import ConfigError, FeedbackError

if TYPE_CHECKING:
    from minari import MinariDataset

    from sb3_presa.annotation.answers.answer import Answer
    from sb3_presa.annotation.answers.store import AnswerStore
    from sb3_presa.annotation.consensus.agreement import Agreement
    from sb3_presa.annotation.consensus.report import LabelsReport
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
    from sb3_presa.data import resolve_dataset

    if into is not None and merge is None:
        raise ConfigError("--into needs --merge, got --into alone")
    if implied and merge is None:
        raise ConfigError("--implied needs --merge, got --implied alone")
    if plot is not None and not curve:
        raise ConfigError("--plot needs --curve, got --plot alone")
    if form is not None and export_file is None:
        raise ConfigError("--form needs --export, got --form alone")
    check_outputs(json_file, export_file, plot)
    opened = resolve_dataset(dataset)
    if curve:
        from sb3_presa.cli.label_curve import report_curve

        with _answers(opened, feedback) as store:
            answers = store.answers()
        report_curve(opened, answers, json_file, plot, core_share)
        return
    if import_file is not None:
        _import(opened, feedback, import_file, overwrite)
    if export_file is not None:
        _export(opened, feedback, export_file, form)
    if merge is not None:
        _merge(opened, feedback, merge, into or feedback, overwrite, without or [], implied)
        _print_training(dataset, into or feedback)
    if (import_file, export_file, merge) == (None, None, None) or json_file is not None:
        _report(opened, feedback, json_file)


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


def _report(dataset: "MinariDataset", name: str, json_file: Path | None) -> None:
    from sb3_presa.annotation.consensus.report import report_labels

    with _answers(dataset, name) as store:
        report = report_labels(store.answers(), store.known())
    if not only_json(json_file):
        _print_report(f"{dataset.id}, {name}", report)
    write_figures(json_file, report.as_dict())


def _merge(
    dataset: "MinariDataset",
    name: str,
    method: str,
    into: str,
    overwrite: bool,
    without: list[str],
    implied: bool,
) -> None:
    from sb3_presa.annotation.consensus.compared import effect_without
    from sb3_presa.annotation.consensus.implied import with_implied
    from sb3_presa.annotation.consensus.merge import merge_answers
    from sb3_presa.data import load_transitions

    check_free_labels(dataset, into, overwrite, ("annotators",))
    transitions = load_transitions(dataset)
    with _answers(dataset, name) as store:
        shown = store.episode_hashes
        present = transitions.hashes_by_id()
        for episode, content in shown.items():
            if present.get(episode) != content:
                raise FeedbackError(
                    f"episode {episode} of {dataset.id} must be the one that was shown to people, "
                    f"got another one: the answers belong to other data ({store.path})"
                )
        answers = store.answers()
        people = {answer.annotator for answer in answers}
        if not set(without) <= people:
            raise ConfigError(
                f"--without must be among {', '.join(sorted(people))}, got {', '.join(without)}"
            )
        merged = merge_answers(store, transitions, method, left_out=without)  # type: ignore[arg-type]
        if without:
            effect = effect_without(answers, without, method)  # type: ignore[arg-type]
            for kind in ("comparisons", "safety"):
                change = getattr(effect, kind)
                typer.echo(
                    f"Without {', '.join(effect.people)}, {kind}: {change.turned} of "
                    f"{change.labels} change, {change.lost} are lost"
                )
        if method == "noise-model":
            _warn_of_overruled(answers, without)
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
    from sb3_presa.feedback import Feedback
    from sb3_presa.feedback.file import answers_path

    if answers_path(dataset, name).is_file():
        with _answers(dataset, name) as store:
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
        added = len(store.answers()) - before
        typer.echo(f"Read {path}: {len(answers)} answers, {added} of them new, in {store.path}")


@contextlib.contextmanager
def _answers(dataset: "MinariDataset", name: str) -> Iterator["AnswerStore"]:
    from sb3_presa.annotation.answers.store import AnswerStore
    from sb3_presa.feedback import Feedback
    from sb3_presa.feedback.file import answers_path

    path = answers_path(dataset, name)
    if not path.is_file():
        if name in Feedback.names(dataset):
            raise FeedbackError(
                f"'{name}' of {dataset.id} must have answers of people, got feedback without "
                f"answers ({path}); show it with sb3-presa info"
            )
        raise FeedbackError(
            f"answers '{name}' of {dataset.id} not found ({path}); collect them with sb3-presa "
            "annotate, or import them with labels --import"
        )
    with contextlib.closing(AnswerStore(path, read_only=True)) as store:
        yield store


def _print_saved(dataset: "MinariDataset", name: str, found: "Feedback") -> None:
    typer.echo(f"Wrote {found.save(dataset, name)}: {found}")


def _print_report(title: str, report: "LabelsReport") -> None:
    rows = [
        (
            one.annotator,
            str(one.answers),
            str(one.skipped),
            str(one.ties),
            _percent(one.share_first),
            f"{one.safe} / {one.unsafe}",
            _number(one.median_seconds, 1),
            _number(one.per_hour, 0),
            f"{one.repeats_same} / {one.repeats}",
            f"{one.circular} / {one.triads}",
        )
        for one in report.annotators
    ]
    columns = (
        "",
        "answers",
        "skipped",
        "ties",
        "first better",
        "safe / unsafe",
        "s per answer",
        "per hour",
        "repeated alike",
        "circular triads",
    )
    print_table(f"{title}: {report.answers} answers", columns, rows)
    checked = [one for one in report.consistency if one.repeats.n or one.known.n]
    if checked:
        print_table(
            "Hidden checks: share [95% interval] of judgements",
            ("", "repeats as before", "known answers right"),
            [(one.annotator, str(one.repeats), str(one.known)) for one in checked],
        )
    agreed: list[tuple[str, ...]] = []
    for kind, found in (("preference", report.preferences), ("safety", report.safety)):
        agreed.append(_agreement_row(kind, found))
        agreed += [
            (
                f"  {pair.first}, {pair.second}",
                str(pair.items),
                _percent(pair.agreement),
                _number(pair.kappa),
                "",
            )
            for pair in found.pairs
        ]
    headings = ("", "judged by both", "agreement", "Cohen's kappa", "Krippendorff's alpha")
    print_table("Agreement", headings, agreed)
    if report.guesses:
        guessed = [
            (
                f"{one.kind}, guess {'shown' if one.shown else 'kept back'}",
                f"{one.share:.0%} [{one.interval[0]:.0%}, {one.interval[1]:.0%}]",
                str(one.n),
            )
            for one in report.guesses
        ]
        print_table(
            "Agreement with the model's guesses", ("", "share [95% interval]", "n"), guessed
        )
    typer.echo(
        f"Ties: {_percent(report.ties)} of the preferences. Unsafe: {_percent(report.unsafe)} of "
        f"the safety labels. Circular: {report.circular} of {report.triads} triads in total."
    )


def _agreement_row(kind: str, found: "Agreement") -> tuple[str, ...]:
    shared = f"{found.shared} of {found.items}"
    return kind, shared, _percent(found.agreement), "", _number(found.alpha)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
