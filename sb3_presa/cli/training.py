"""``sb3-presa train``."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sb3_presa.cli.console import naming_environment, parse_settings
from sb3_presa.data.checks import coordinates
from sb3_presa.errors import ConfigError
from sb3_presa.files import check_writable
from sb3_presa.registry import (
    ALGORITHMS,
    preset_of,
    settings_of,
    with_settings,
)

if TYPE_CHECKING:
    from stable_baselines3.common.callbacks import BaseCallback

    from sb3_presa.learning.offline_algorithm import OfflineAlgorithm


from sb3_presa.cli.agents import algorithm_named, check_device


def train(
    dataset: Annotated[str, typer.Argument(help="Id of a Minari dataset, or its folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The model to write, a .zip.")],
    feedback: Annotated[
        str,
        typer.Option(help="Name of the feedback; answers from `annotate` have the name `people`."),
    ] = "default",
    algorithm: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"One of {', '.join(ALGORITHMS)}, or your own class as package.module:Class.",
        ),
    ] = "PRESA",
    policy: Annotated[
        str, typer.Option(help="auto, MlpPolicy, CnnPolicy or MultiInputPolicy.")
    ] = "auto",
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Total gradient steps.", show_default="the algorithm's own"),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of all random numbers.", show_default="0")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    threads: Annotated[
        int, typer.Option(min=1, help="CPU threads; more than 1 make small networks slower.")
    ] = 1,
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Settings to begin with: paper, for PRESA."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A setting of the algorithm, as a Python literal; objective_kwargs.NAME=VALUE for "
            "one of the objective. Can be repeated.",
        ),
    ] = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option(
            # The backslash escapes markup
            help='Folder for TensorBoard logs; needs pip install ".\\[tensorboard]".',
            show_default="none",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the model at --out, up to --steps.")
    ] = False,
    save_every: Annotated[
        int | None,
        typer.Option(min=1, help="Also save the model every so many steps.", show_default="never"),
    ] = None,
    eval_env: Annotated[
        str | None,
        typer.Option(help="Evaluate in this Gymnasium environment.", show_default="none"),
    ] = None,
    cost_limit: Annotated[
        float | None,
        typer.Option(min=0, help="Largest cost of a safe episode, with --eval-env."),
    ] = None,
    eval_every: Annotated[int, typer.Option(min=1, help="Steps between evaluations.")] = 1000,
    judge: Annotated[
        bool,
        typer.Option(help="Judge the agent by logs and labels; takes longer than training."),
    ] = True,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print logged metrics.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Hide the progress bar and the verdict.")
    ] = False,
) -> None:
    """Train an agent on a labelled dataset and save it as a Stable-Baselines3 model."""
    import gymnasium as gym
    from stable_baselines3.common.callbacks import BaseCallback

    from sb3_presa.cli.progress import SaveCallback
    from sb3_presa.evaluation.callbacks import SafetyEvalCallback
    from sb3_presa.policies.spaces import check_fits

    out = _model_path(out)
    if resume and not out.is_file():
        raise ConfigError(f"--resume needs the model of an earlier training, got no file {out}")
    if (eval_env is None) != (cost_limit is None):
        raise ConfigError("--eval-env and --cost-limit must be given together, got only one")
    chosen = algorithm_named(algorithm)
    values = _read_settings(chosen, settings or [], preset)
    if tensorboard is not None:
        _check_tensorboard()
    check_device(device)
    _set_threads(threads)
    values["verbose"] = int(verbose)
    logs = None if tensorboard is None else str(tensorboard)
    try:
        if resume:
            model = _resumed(chosen, out, dataset, feedback, device, logs, seed, values)
        else:
            model = chosen.load_offline(
                dataset,
                feedback,
                policy=policy,
                seed=seed or 0,
                device=device,
                tensorboard_log=logs,
                **values,
            )
    except TypeError as error:
        if not settings:
            raise
        raise ConfigError(f"--set {' '.join(settings or ())}: {error}") from error
    typer.echo(f"Training {model.algorithm} on {_describe_labels(model, dataset, feedback)}")
    if constant := model.policy.actor.standardizer.constant:
        from sb3_presa.data.datasets import resolve_dataset
        from sb3_presa.data.names import observation_names

        named = coordinates(constant, observation_names(resolve_dataset(dataset)))
        typer.echo(f"Constant in all observations, so not learnt from: {named}")
    callbacks: list[BaseCallback] = []
    if save_every is not None:
        callbacks.append(SaveCallback(str(out), save_every))
    with ExitStack() as stack:
        if eval_env is not None:
            with naming_environment(eval_env):
                environment = gym.make(eval_env)
            stack.callback(environment.close)
            check_fits(
                model, environment.observation_space, environment.action_space, "environment"
            )
            assert cost_limit is not None
            callbacks.append(SafetyEvalCallback(environment, cost_limit, eval_freq=eval_every))
        _learn(model, out, steps, callbacks, quiet)
    if judge and not quiet:
        _judge(model, out, dataset, feedback)


def _resumed(
    algorithm: "type[OfflineAlgorithm]",
    out: Path,
    dataset: str,
    feedback: str,
    device: str,
    logs: str | None,
    seed: int | None,
    values: Mapping[str, Any],
) -> "OfflineAlgorithm":
    """The model of an earlier training, with a note on all that is not as it was."""
    saved = algorithm.load(out, device=device)
    if seed is not None and seed != saved.seed:
        raise ConfigError(
            f"--seed must be that of {out}, {saved.seed}, or be left out, got {seed}: a run that "
            "goes on keeps its seed"
        )
    model = algorithm.load(out, device=device, tensorboard_log=logs, **values)
    model.set_dataset(dataset, feedback)
    changed = [
        f"{name}={value!r} (was {getattr(saved, name)!r})"
        for name, value in values.items()
        if name != "verbose" and getattr(saved, name, value) != value
    ]
    if model.trained_on != saved.trained_on:
        changed.append("the dataset or its labels")
    if changed:
        typer.echo(f"Not as before, so not the weights of one run: {', '.join(changed)}")
    return model


def _judge(model: "OfflineAlgorithm", out: Path, dataset: str, name: str) -> None:
    """Print the short form of a verdict, if there are labels enough for one."""
    from sb3_presa.completion import FEWEST_LABELS
    from sb3_presa.evaluation.judge import judge, page
    from sb3_presa.feedback import Feedback

    if name not in Feedback.names(dataset):
        return
    labels = Feedback.load(dataset, name)
    if labels.n_labels < FEWEST_LABELS:
        return
    typer.echo("Judging the agent by logs and labels. --no-judge leaves this out.")
    command = f"sb3-presa judge {out} --dataset {dataset} --feedback {name}"
    for line in page.short(judge(model, dataset, labels, name=out.name), command):
        typer.echo(line)


def _learn(
    model: "OfflineAlgorithm",
    out: Path,
    steps: int | None,
    callbacks: "list[BaseCallback]",
    quiet: bool,
) -> None:
    """Train up to a step, and save; an interrupt saves, too, and says what is kept."""
    from sb3_presa.cli.progress import LinesCallback, shows_bar

    end = model.steps_of(steps)
    if end <= model.num_timesteps:
        raise ConfigError(
            f"--steps must be more than the {model.num_timesteps} that {out} was trained for, got "
            f"{end}"
        )
    if not quiet and not shows_bar(quiet):
        callbacks.append(LinesCallback(end))
    left = end - model.num_timesteps
    try:
        model.learn(
            left,
            callback=callbacks,
            reset_num_timesteps=model.num_timesteps == 0,
            progress_bar=shows_bar(quiet),
        )
    except KeyboardInterrupt:
        model.save(out)
        typer.echo(
            f"Stopped after {model.num_timesteps} of {end} steps; saved {out}. Run the same "
            "command with --resume to go on."
        )
        raise typer.Exit(130) from None
    model.save(out)
    typer.echo(f"Saved {out} after {model.num_timesteps} steps.")


def _set_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _read_settings(
    algorithm: type["OfflineAlgorithm"], settings: list[str], preset: str | None
) -> dict[str, Any]:
    from sb3_presa.learning.settings import ObjectiveSettings

    allowed = settings_of(algorithm)
    entries = {"objective_kwargs": ObjectiveSettings.expert()}
    inner = {name: names for name, names in entries.items() if name in allowed}
    values = parse_settings(settings, allowed, inner)
    return values if preset is None else with_settings(preset_of(algorithm, preset), values)


def _check_tensorboard() -> None:
    """Check early; Stable-Baselines3 would raise its error after the data are read."""
    try:
        import_module("torch.utils.tensorboard")
    except ImportError as error:
        raise ConfigError(
            "--tensorboard needs TensorBoard; install the extra 'tensorboard' (in a checkout: "
            'pip install ".[tensorboard]")'
        ) from error


def _describe_labels(model: "OfflineAlgorithm", dataset: str, name: str) -> str:
    """The labels of the training, and the names of other feedback of the dataset."""
    import numpy as np

    from sb3_presa.feedback import Feedback

    if "outcomes" in model.needs:
        return "true rewards and costs, without feedback"
    if not model.needs:
        return "all of the data, without feedback"
    labels = model.feedback
    assert labels is not None
    others = [repr(other) for other in Feedback.names(dataset) if other != name]
    return (
        f"feedback {name!r} ({labels.provenance.get('source', 'unknown source')}): "
        f"{len(labels.segments)} segments, {len(labels.comparisons)} comparisons, "
        f"{np.sum(~np.isnan(labels.p_safe))} safety labels"
        + (f"; the dataset also has {', '.join(others)}" if others else "")
    )


def _model_path(path: Path) -> Path:
    """Complete the suffix as SB3's ``save`` does, and check that the file can be written."""
    if os.path.isdir(path):  # no error for a name that is too long: the check below tells it
        raise ConfigError(f"--out must be the model's file, got the folder {path}")
    path = path if path.suffix else path.with_suffix(".zip")
    check_writable(path)
    return path
