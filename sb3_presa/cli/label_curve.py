"""``sb3-presa labels --curve``: whether there are enough answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sb3_presa.cli.console import only_json, print_table, say_written, write_figures
from sb3_presa.errors import FeedbackError

if TYPE_CHECKING:
    from minari import MinariDataset

    from sb3_presa.annotation.answers.store import AnswerStore
    from sb3_presa.completion.learning_curve import Curve


def report_curve(
    dataset: "MinariDataset",
    store: "AnswerStore",
    json_file: Path | None,
    plot: Path | None,
    core_share: float,
) -> None:
    """
    Print, write or draw the learning curves of answers.

    :param dataset: the labelled dataset
    :param store: the answers; those about episodes that changed are left out, with a warning
    :param json_file: the option ``--json``
    :param plot: picture to write, or None
    :param core_share: largest share of a processor
    :raises FeedbackError: if there are no labels
    """
    from sb3_presa.annotation.answers.fitting import fit, warn_of_changed
    from sb3_presa.annotation.consensus.agreement import (
        preference_votes,
        safety_votes,
        summarize_agreement,
    )
    from sb3_presa.annotation.consensus.merge import merge_answers
    from sb3_presa.completion.learning_curve import learning_curve
    from sb3_presa.data import load_transitions

    transitions = load_transitions(dataset)
    found = fit(store, transitions)
    warn_of_changed(found, store, "the curve leaves them out")
    asked = [answer for answer in found.answers if answer.role == "asked"]
    if not asked:
        raise FeedbackError(
            f"{dataset.id} must have answers to draw a curve of, got none; collect some first"
        )
    merged = merge_answers(asked, transitions)
    curves = learning_curve(transitions, merged, len(asked), core_share=core_share)
    if not curves:
        raise FeedbackError(
            f"{dataset.id} must have answers that decide to draw a curve of, got ties alone; "
            "collect some more first"
        )
    agreement = {
        "preference": summarize_agreement(preference_votes(asked), mirror=True),
        "safety": summarize_agreement(safety_votes(asked), mirror=False),
    }
    if not only_json(json_file):
        _print(dataset.id, len(asked), curves)
    figures = {
        "answers": len(asked),
        "curves": [curve.as_dict() for curve in curves],
        "agreement": {
            kind: {"share": found.agreement, "alpha": found.alpha, "shared": found.shared}
            for kind, found in agreement.items()
        },
    }
    write_figures(json_file, figures)
    if plot is not None:
        from sb3_presa.evaluation.learning_curve_figure import draw_learning_curves

        draw_learning_curves(curves, plot)
        say_written(plot, json_file)


def _print(title: str, answers: int, curves: "Sequence[Curve]") -> None:
    columns = ("accuracy on labels not seen", *(f"{p.answers} answers" for p in curves[0].points))
    rows = [(curve.kind, *(str(point.accuracy) for point in curve.points)) for curve in curves]
    print_table(f"{title}: {answers} answers", columns, rows)
    for curve in curves:
        typer.echo(f"{curve.kind.capitalize()}: {curve.sentence}")
