"""``sb3-presa choose``: which of several agents to use, as far as logs and labels tell."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sb3_presa.cli.agents import ModelsAlgorithm, load_agent
from sb3_presa.cli.console import JsonFile, check_outputs, only_json, print_table, write_figures
from sb3_presa.errors import ConfigError

if TYPE_CHECKING:
    from sb3_presa.evaluation.judge.choose import Choice


def choose(
    models: Annotated[
        list[Path], typer.Argument(help="Models saved by `sb3-presa train`.", show_default=False)
    ],
    dataset: Annotated[str, typer.Option(help="Id of a Minari dataset, or its folder.")],
    feedback: Annotated[str, typer.Option(help="Name of the labels.")] = "default",
    alpha: Annotated[
        float,
        typer.Option(
            help="Probability in (0, 1) with which a segment that people call unsafe may pass."
        ),
    ] = 0.1,
    json_file: JsonFile = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    algorithm: ModelsAlgorithm = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run code of the models' files: their pickles.")
    ] = False,
) -> None:
    """
    Choose the agent with the highest predicted reward among those that are likely safe, without a
    simulator.
    """
    from sb3_presa.evaluation.judge import choose as choose_agent

    names = [str(path) for path in models]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"each model must be given once, got {', '.join(sorted(twice))} again")
    check_outputs(json_file)
    agents = {str(path): load_agent(path, algorithm, device, trust) for path in models}
    choice = choose_agent(agents, dataset, feedback, alpha=alpha)
    if not only_json(json_file):
        _print(choice)
    write_figures(json_file, choice.as_dict())


def _print(choice: "Choice") -> None:
    rows = []
    for name, verdict in choice.verdicts.items():
        found = verdict.outlook
        assert found is not None
        reward = "unknown" if found.merit is None else str(found.merit)
        passes = "yes" if verdict.passes else "no"
        rows.append((name, verdict.word, str(found.p_safe), passes, reward))
    columns = ("agent", "verdict", "P(safe)", "passes", "reward, 0 as logged")
    print_table("Agents, judged without a simulator", columns, rows)
    typer.echo(f"{'Chosen' if choice.passes else 'None passes. Safest'}: {choice}")
