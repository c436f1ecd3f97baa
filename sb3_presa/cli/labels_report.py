"""Statistics of people's answers, as ``sb3-presa labels`` prints them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sb3_presa.cli.console import only_json, print_table, write_figures
from sb3_presa.errors import FeedbackError

if TYPE_CHECKING:
    from minari import MinariDataset

    from sb3_presa.annotation.answers.store import AnswerStore
    from sb3_presa.annotation.consensus.agreement import Agreement
    from sb3_presa.annotation.consensus.report import LabelsReport


@contextlib.contextmanager
def open_answers(dataset: "MinariDataset", name: str) -> Iterator["AnswerStore"]:
    """
    Open answers as they are now, to read them.

    :param dataset: the labelled dataset
    :param name: of the answers
    :raises FeedbackError: if there are none, or they cannot be read
    """
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


def report_answers(dataset: "MinariDataset", name: str, json_file: Path | None) -> None:
    """
    Print or write the statistics of answers.

    :param dataset: the labelled dataset
    :param name: of the answers
    :param json_file: the option ``--json``
    """
    from sb3_presa.annotation.answers.fitting import compare_and_warn
    from sb3_presa.annotation.consensus.report import report_labels

    with open_answers(dataset, name) as store:
        compare_and_warn(store, dataset, "these figures count them, and a merge leaves them out")
        report = report_labels(store.answers(), store.known())
    if not only_json(json_file):
        _print_report(f"{dataset.id}, {name}", report)
    write_figures(json_file, report.as_dict())


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
