"""``sb3-presa judge``: is an agent safe, as far as logs and labels tell."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sb3_presa.cli.agents import ModelsAlgorithm, SafetyLevel, load_agent
from sb3_presa.cli.console import check_outputs, print_table
from sb3_presa.files import write_text

if TYPE_CHECKING:
    from sb3_presa.evaluation.judge import Verdict


def judge(
    model: Annotated[Path, typer.Argument(help="A model saved by `sb3-presa train`.")],
    dataset: Annotated[str, typer.Option(help="Id of a Minari dataset, or its folder.")],
    feedback: Annotated[str, typer.Option(help="Name of the labels.")] = "default",
    html: Annotated[
        Path | None, typer.Option(help="Write the page as one HTML file.", show_default="no")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="File for the figures; - prints them instead.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    algorithm: ModelsAlgorithm = None,
    safety_level: SafetyLevel = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run code of the model's file: its pickles.")
    ] = False,
) -> None:
    """Judge an agent without a simulator, from logs and labels alone."""
    from sb3_presa.evaluation.judge import judge as judge_agent
    from sb3_presa.evaluation.judge.html import write_page

    check_outputs(html, json_file)
    agent = load_agent(model, algorithm, device, trust, safety_level)
    verdict = judge_agent(agent, dataset, feedback, name=model.name)
    text = json.dumps(verdict.as_dict(), indent=1, allow_nan=False)
    if json_file == Path("-"):
        typer.echo(text)
    else:
        _print(verdict)
        if json_file is not None:
            write_text(json_file, text + "\n")
            typer.echo(f"Wrote {json_file}")
    if html is not None:
        write_page(verdict, html)
        typer.echo(f"Wrote {html}", err=json_file == Path("-"))


def _print(verdict: "Verdict") -> None:
    from sb3_presa.evaluation.judge import page

    typer.echo(page.headline(verdict))
    columns = ("", "found [95% interval]", "chance", "n")
    lines = [(row.what, row.found, row.chance, row.n) for row in page.rows(verdict)]
    print_table(f"{verdict.name}, judged without a simulator", columns, lines)
    calibration = page.calibration_rows(verdict)
    if calibration:
        print_table(
            "P(safe) of labelled segments, by models that have not seen the label",
            ("", "labelled safe", "chance", "n"),
            [(row.what, row.found, row.chance, row.n) for row in calibration],
        )
    if verdict.moments:
        print_table(
            "Worst logged moments for this agent",
            ("episode", "step", "risk of the steps that follow"),
            [(str(one.episode), str(one.step), f"{one.risk:.2f}") for one in verdict.moments],
        )
    typer.echo("What this cannot say:")
    for caution in page.cautions(verdict):
        typer.echo(f"- {caution}")
