"""``sb3-presa complete``: what a few labels say of all of the data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sb3_presa.cli.console import (
    JsonFile,
    check_outputs,
    only_json,
    print_table,
    say_written,
    write_figures,
)
from sb3_presa.cli.datasets import Dataset, check_free_labels

if TYPE_CHECKING:
    from sb3_presa.annotation.answers.answer import Segment
    from sb3_presa.completion import Completion

_SHOWN = 10


def complete(
    dataset: Dataset,
    feedback: Annotated[str, typer.Option(help="Name of the labels.")] = "people",
    into: Annotated[
        str | None, typer.Option(help="Write the completed labels as feedback with this name.")
    ] = None,
    safety_level: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Lowest P(safe) of imitated segments."),
    ] = 0.7,
    safety_model: Annotated[
        str, typer.Option(help='What "safe" means: rate of risk, not any bad step, or auto.')
    ] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the models.")] = 0,
    plot: Annotated[Path | None, typer.Option(help="Picture to write: PNG, SVG or PDF.")] = None,
    doubts_to: Annotated[
        Path | None,
        typer.Option(help="File for the labels in doubt, .csv or .jsonl, for annotate --doubts."),
    ] = None,
    json_file: JsonFile = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Also replace feedback that was not completed."),
    ] = False,
) -> None:
    """
    Estimate labels for all of a dataset from those of some segments, and print how far the
    estimates can be believed.
    """
    from sb3_presa.annotation.answers.exchange_rows import check_ending
    from sb3_presa.completion import complete as complete_labels
    from sb3_presa.data import resolve_dataset
    from sb3_presa.feedback.file import feedback_path

    if doubts_to is not None:
        check_ending(doubts_to)
    check_outputs(json_file, doubts_to, plot)
    opened = resolve_dataset(dataset)
    if into is not None:
        check_free_labels(opened, into, overwrite, ("completed",))
        check_outputs(feedback_path(opened, into))
    found = complete_labels(opened, feedback, safety_model=safety_model, seed=seed)  # type: ignore[arg-type]
    figures = _figures(found, safety_level)
    if not only_json(json_file):
        _print(found, figures, safety_level, json_file is None, doubts_to is None)
    write_figures(json_file, figures)
    if into is not None:
        completed = found.feedback(safety_level, seed)
        say_written(f"{completed.save(opened, into)}: {completed}", json_file)
    if doubts_to is not None:
        from sb3_presa.annotation.answers.exchange import export_questions

        questions = [_question(doubt["segments"]) for doubt in figures["doubts"]]
        export_questions(doubts_to, dict.fromkeys(questions))
        say_written(doubts_to, json_file)
    if plot is not None:
        from sb3_presa.evaluation.completion_figure import draw_completion

        draw_completion(found, plot, safety_level)
        say_written(plot, json_file)


def _figures(found: "Completion", level: float) -> dict[str, Any]:
    from sb3_presa.completion.accuracy import as_json

    chosen = found.selected(level)
    p_safe = found.p_safe
    doubts = []
    for doubt in found.doubts:
        rows = [doubt.row]
        if doubt.kind == "comparison":
            rows = found.labelled.comparisons[doubt.row].tolist()
        segments = found.labelled.segments[rows].tolist()
        doubts.append({**doubt._asdict(), "segments": segments})
    return {
        "segments": len(found.segments),
        "imitated": int(chosen.sum()),
        "labelled_share": found.coverage,
        "safety_model": str(found.safety_model),
        "p_safe_of_imitated": None if p_safe is None else float(p_safe[chosen].mean()),
        "comparisons": as_json(found.preference_accuracy),
        "safety": as_json(found.safety_accuracy),
        "safety_ranking": as_json(found.safety_ranking),
        "split_half": as_json(found.split_half(level)),
        "error_rates": _error_rates(found),
        "calibration": {
            kind: [
                {"predicted": one.predicted, **as_json(one.seen)}
                for one in found.calibration(kind)
                if one.seen.n
            ]
            for kind in ("comparison", "safety")
        },
        "used": found.helps,
        "aligns": found.aligns,
        "end_early": found.transitions.end_early,
        "doubts": doubts,
    }


def _question(segments: list[list[int]]) -> "tuple[Segment, ...]":
    """Segments in one order: a comparison that was made both ways round is one question."""
    return tuple(sorted((episode, start, length) for episode, start, length in segments))


def _reason(found: "Completion") -> str:
    from sb3_presa.completion import FEWEST_LABELS

    if (n := found.labelled.n_labels) < FEWEST_LABELS:
        return f" ({n} labels; fewer than {FEWEST_LABELS} are used as given)"
    return " (whole recordings that begin anywhere, as clips do)" if found.of_clips else ""


def _error_rates(found: "Completion") -> dict[str, float | None]:
    """The share of each kind of label that is taken to be wrong; a tie is never wrong."""
    rates = found.error_rates
    decided = bool((found.labelled.preferences != 0.5).any())
    return {
        "safety": None if found.p_safe is None else rates.safety,
        "comparisons": rates.comparisons if decided else None,
    }


def _print(
    found: "Completion", figures: dict[str, Any], level: float, no_json: bool, no_doubts: bool
) -> None:
    dataset = found.transitions.dataset_id
    print_table(
        f"Labels of {dataset}, completed",
        ("accuracy on labels not seen", "share right [95% interval]"),
        [
            ("comparisons", str(found.preference_accuracy)),
            ("safety labels (safe and unsafe weighed alike)", str(found.safety_accuracy)),
            ("pairs of a safe and an unsafe segment", str(found.safety_ranking)),
        ],
    )
    rows = []
    for kind in ("safety", "comparison"):
        for one in figures["calibration"][kind]:
            seen = f"{one['value']:.2f} [{one['low']:.2f}, {one['high']:.2f}]"
            rows.append((kind, f"{one['predicted']:.2f}", seen, str(one["n"])))
    print_table("Calibration", ("labels", "predicted", "seen", "n"), rows)
    typer.echo(
        f"Labelled: {found.coverage:.0%} of the steps. Estimated: {len(found.segments)} segments. "
        f"Imitated at safety level {level:g}: {figures['imitated']}"
        + (
            ""
            if figures["p_safe_of_imitated"] is None
            else f", safe with a mean probability of {figures['p_safe_of_imitated']:.2f}"
        )
        + "."
    )
    if found.ranks:
        typer.echo(f"First halves of safe segments rank second halves: {found.split_half(level)}.")
    names = {"safety": "safety labels", "comparisons": "comparisons"}
    rates = _error_rates(found).items()
    wrong = [f"{rate:.0%} of the {names[kind]}" for kind, rate in rates if rate is not None]
    if wrong:
        typer.echo(f"Taken to be wrong: {', '.join(wrong)}.")
    if found.p_safe is not None:
        rate = found.safety_model == "rate"
        typer.echo(f"Safe means: {'the rate of risk is low' if rate else 'no step went wrong'}.")
    typer.echo(f"Used by completion='auto': {_yes(found.helps)}{_reason(found)}.")
    typer.echo(f"Certain enough to align after cloning: {_yes(found.aligns)}.")
    if found.transitions.end_early:
        part = "the better half of the safe ones" if found.aligns else "all that is safe"
        typer.echo(
            "Many episodes end early, and some are safe for that alone: cloning begins with "
            f"{part}."
        )
    doubts = figures["doubts"]
    if doubts:
        print_table(
            f"Labels in doubt: {len(doubts)}, worst first",
            ("kind", "row", "label", "predicted", "P(wrong)", "segments (episode, start, steps)"),
            [
                (
                    doubt["kind"],
                    str(doubt["row"]),
                    f"{round(doubt['label'], 2):g}",
                    f"{doubt['predicted']:.2f}",
                    f"{doubt['p_wrong']:.2f}",
                    ", ".join(str(tuple(segment)) for segment in doubt["segments"]),
                )
                for doubt in doubts[:_SHOWN]
            ],
        )
        if len(doubts) > _SHOWN and no_json:
            typer.echo(f"{len(doubts) - _SHOWN} more are in --json FILE.")
        if no_doubts:
            typer.echo(
                "To ask people again: --doubts-to FILE here, then sb3-presa annotate --doubts FILE."
            )


def _yes(value: bool) -> str:
    return "yes" if value else "no"
