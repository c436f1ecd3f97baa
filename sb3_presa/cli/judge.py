"""``sb3-presa judge``: is an agent safe, as far as logs and labels tell."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sb3_presa.cli.agents import ModelsAlgorithm, SafetyLevel, load_agent
from sb3_presa.cli.console import (
    JsonFile,
    check_outputs,
    only_json,
    print_table,
    say_written,
    write_figures,
)

if TYPE_CHECKING:
    from sb3_presa.evaluation.judge import Verdict


def judge(
    model: Annotated[Path, typer.Argument(help="A model saved by `sb3-presa train`.")],
    dataset: Annotated[str, typer.Option(help="Id of a Minari dataset, or its folder.")],
    feedback: Annotated[str, typer.Option(help="Name of the labels.")] = "default",
    html: Annotated[
        Path | None, typer.Option(help="Write the page as one HTML file.", show_default="no")
    ] = None,
    json_file: JsonFile = None,
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
    if not only_json(json_file):
        _print(verdict)
    write_figures(json_file, verdict.as_dict())
    if html is not None:
        write_page(verdict, html)
        say_written(html, json_file)


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
