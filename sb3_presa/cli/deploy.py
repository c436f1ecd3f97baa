"""``sb3-presa export``."""

from pathlib import Path
from typing import Annotated

import typer

from sb3_presa.cli.agents import SafetyLevel, load_agent
from sb3_presa.errors import ConfigError


def export(
    model: Annotated[Path, typer.Argument(help="A model saved by `sb3-presa train`.")],
    out: Annotated[
        Path, typer.Argument(help="The file to write: .onnx for ONNX, .pt for TorchScript.")
    ],
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Try it on the observations of this dataset.",
            show_default="samples of the observation space",
        ),
    ] = None,
    safety_level: SafetyLevel = None,
    channels_last: Annotated[
        bool | None,
        typer.Option(
            "--channels-last/--channels-first",
            help="Whether images are given with their channels last.",
            show_default="as in the dataset, or first",
        ),
    ] = None,
    algorithm: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The model's algorithm; package.module:Class for your own class.",
            show_default="from the model",
        ),
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run code of the file: pickles of the model.")
    ] = False,
) -> None:
    """Write an agent as one file that takes raw observations and gives actions."""
    from sb3_presa.deploy.export import export_policy
    from sb3_presa.learning.offline_algorithm import OfflineAlgorithm

    agent = load_agent(model, algorithm, "cpu", trust, safety_level)
    if not isinstance(agent, OfflineAlgorithm):
        raise ConfigError(
            f"--algorithm must be one of this package, got {algorithm}; Stable-Baselines3's "
            "documentation shows how to export its own"
        )
    written = export_policy(agent, out, dataset=dataset, channels_last=channels_last)
    typer.echo(f"{written}.")
