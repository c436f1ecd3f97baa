"""``sb3-presa train`` and ``evaluate``."""

import json
import math
import os
import zipfile
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sb3_presa.cli.console import naming_environment, parse_settings, print_table
from sb3_presa.data.checks import coordinates
from sb3_presa.errors import ConfigError
from sb3_presa.files import check_writable, write_text
from sb3_presa.registry import (
    ALGORITHMS,
    algorithm_class,
    preset_of,
    settings_of,
    with_settings,
)

if TYPE_CHECKING:
    import gymnasium as gym
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.callbacks import BaseCallback

    from sb3_presa.evaluation.safety import SafetyEvaluation
    from sb3_presa.learning.offline_algorithm import OfflineAlgorithm


#: Labels of both kinds together from which on `train` ends with a verdict.
_FEWEST_TO_JUDGE = 40
#: Algorithms of Stable-Baselines3 that `evaluate` takes.
_SB3 = ("A2C", "DDPG", "DQN", "PPO", "SAC", "TD3")

SafetyLevel = Annotated[
    float | None,
    typer.Option(
        help="Level in (0, 1) at which an adjustable PRESA acts.", show_default="the model's"
    ),
]
ModelsAlgorithm = Annotated[
    str | None,
    typer.Option(
        "--algorithm",
        metavar="NAME",
        help="The model's algorithm; package.module:Class for your own class, PPO and the like "
        "for a model of Stable-Baselines3.",
        show_default="from the model",
    ),
]


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
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
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
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print logged metrics.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Hide the progress bar.")] = False,
) -> None:
    """Train an agent on a labelled dataset and save it as a Stable-Baselines3 model."""
    import gymnasium as gym
    from stable_baselines3.common.callbacks import BaseCallback

    from sb3_presa.cli.progress import SaveCallback
    from sb3_presa.evaluation.callbacks import SafetyEvalCallback

    out = _model_path(out)
    if resume and not out.is_file():
        raise ConfigError(f"--resume needs the model of an earlier training, got no file {out}")
    if (eval_env is None) != (cost_limit is None):
        raise ConfigError("--eval-env and --cost-limit must be given together, got only one")
    chosen = _algorithm(algorithm)
    values = parse_settings(settings or (), dict.fromkeys(settings_of(chosen)))
    if preset is not None:
        values = with_settings(preset_of(chosen, preset), values)
    if tensorboard is not None:
        _check_tensorboard()
    _check_device(device)
    _set_threads(threads)
    values["verbose"] = int(verbose)
    logs = None if tensorboard is None else str(tensorboard)
    try:
        if resume:
            model = chosen.load(out, device=device, tensorboard_log=logs, **values)
            model.set_dataset(dataset, feedback)
        else:
            model = chosen.load_offline(
                dataset,
                feedback,
                policy=policy,
                seed=seed,
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
            assert cost_limit is not None
            callbacks.append(SafetyEvalCallback(environment, cost_limit, eval_freq=eval_every))
        _learn(model, out, steps, callbacks, quiet)
    if not quiet:
        _judge(model, out, dataset, feedback)


def _judge(model: "OfflineAlgorithm", out: Path, dataset: str, name: str) -> None:
    """Print the short form of a verdict, if there are labels enough for one."""
    from sb3_presa.evaluation.judge import judge, page
    from sb3_presa.feedback import Feedback

    if name not in Feedback.names(dataset):
        return
    labels = Feedback.load(dataset, name)
    if len(labels.comparisons) + int((labels.p_safe >= 0.0).sum()) < _FEWEST_TO_JUDGE:
        return
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


def evaluate(
    model: Annotated[Path, typer.Argument(help="A model saved by `sb3-presa train`.")],
    cost_limit: Annotated[float, typer.Option(min=0, help="Largest cost of a safe episode.")],
    dataset: Annotated[
        str | None, typer.Option(help="Run in the environment of this dataset.")
    ] = None,
    env: Annotated[str | None, typer.Option(help="Run in this Gymnasium environment.")] = None,
    episodes: Annotated[int, typer.Option(min=1, help="Number of episodes.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the episodes.")] = 0,
    safety_level: SafetyLevel = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    algorithm: ModelsAlgorithm = None,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust",
            help="Run code of the files: pickles of the model, the dataset's environment.",
        ),
    ] = False,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Also write the results to this file.", show_default="no"
        ),
    ] = None,
) -> None:
    """Run a saved agent in its environment and print reward and cost."""
    if (dataset is None) == (env is None):
        got = "neither" if env is None else "both"
        raise ConfigError(f"evaluate needs either --dataset ID or --env ENV_ID, got {got}")
    from sb3_presa.evaluation.safety import evaluate_safety

    if not math.isfinite(cost_limit):
        raise ConfigError(f"--cost-limit must be a finite number, got {cost_limit}")
    if json_file is not None:
        check_writable(json_file)
    agent = load_agent(model, algorithm, device, trust, safety_level)
    environment, reference = _environment(dataset, env, trust)
    try:
        result = evaluate_safety(
            agent,
            environment,
            cost_limit=cost_limit,
            n_eval_episodes=episodes,
            seed=seed,
            warn=False,
            reward_reference=reference,
        )
    except ValueError as error:
        raise ConfigError(f"{model} cannot act in {dataset or env}: {error}") from error
    finally:
        environment.close()
    _print_evaluation(f"{model.name}, {episodes} episodes, cost limit {cost_limit:g}", result)
    if json_file is not None:
        write_text(json_file, json.dumps(result.as_dict(), indent=2, allow_nan=False) + "\n")


def load_agent(
    path: Path,
    algorithm: str | None,
    device: str,
    trust: bool,
    safety_level: float | None = None,
) -> "BaseAlgorithm":
    """
    :param path: a model of this package, or of Stable-Baselines3's own algorithms; ``.zip`` may be
        left out
    :param algorithm: its class, ``None`` to read it from the file
    :param device: a PyTorch device
    :param trust: whether to run code of the file
    :param safety_level: level at which an adjustable policy is to act
    :return: the model
    :raises ConfigError: if it cannot be read, or has no level to set
    """
    _check_device(device)
    if not path.exists() and not path.suffix:
        path = path.with_suffix(".zip")
    agent = _load_agent(path, algorithm, device, trust)
    if safety_level is not None:
        policy: Any = agent.policy
        if not getattr(policy, "adjustable", False):
            raise ConfigError(
                f"--safety-level must be left out: the policy of {path} is not adjustable. Train "
                "it with PRESA and --set adjustable=true"
            )
        policy.safety_level = safety_level
    return agent


def _load_agent(path: Path, algorithm: str | None, device: str, trust: bool) -> "BaseAlgorithm":
    import stable_baselines3 as sb3

    if algorithm in _SB3:
        if not trust:
            raise ConfigError(
                f"{path} is a file of Stable-Baselines3, whose reading runs code of its author; if "
                "you trust it, use --trust"
            )
        found: BaseAlgorithm = getattr(sb3, algorithm).load(path, device=device)
        return found
    chosen = _saved_algorithm(path) if algorithm is None else _algorithm(algorithm)
    return chosen.load(path, device=device, trust=trust)


def _algorithm(name: str) -> type["OfflineAlgorithm"]:
    """A class of this package, in any case, or the user's own class; see ``algorithm_class``."""
    in_any_case = {known.lower(): known for known in ALGORITHMS}
    return algorithm_class(in_any_case.get(name.lower(), name))


def _set_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _check_device(device: str) -> None:
    import torch as th

    if device == "auto":
        return
    try:
        wanted = th.device(device)
    except RuntimeError as error:
        raise ConfigError(f"--device must be a PyTorch device, got {device}: {error}") from error
    there = th.cuda.device_count() if th.cuda.is_available() else 0
    if wanted.type == "cuda" and (wanted.index or 0) >= there:
        raise ConfigError(
            f"--device must be on this machine, got {device}, and PyTorch {th.__version__} sees "
            f"{there} GPUs; use --device cpu or auto, or install a build of PyTorch for your GPU"
        )
    try:
        th.empty(0, device=wanted)
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        said = str(error).partition("\n")[0]
        raise ConfigError(f"--device must be on this machine, got {device}: {said}") from error


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


def _saved_algorithm(path: Path) -> type["OfflineAlgorithm"]:
    """Read the algorithm of a saved model without unpickling anything."""
    try:
        with zipfile.ZipFile(path) as archive:
            name: Any = json.loads(archive.read("data")).get("algorithm")
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ConfigError(f"{path} is not a Stable-Baselines3 model: {error}") from error
    if not isinstance(name, str):
        raise ConfigError(
            f"{path} was not saved by an algorithm of sb3_presa; of Stable-Baselines3's own, name "
            f"it: --algorithm {' or '.join(_SB3)}, with --trust"
        )
    if name not in ALGORITHMS:
        raise ConfigError(
            f"the algorithm {name!r} of {path} is not part of this package; use --algorithm "
            f"package.module:{name}"
        )
    return algorithm_class(name)


def _environment(
    dataset: str | None, env_id: str | None, trust: bool
) -> tuple["gym.Env[Any, Any]", tuple[float, float] | None]:
    """Make the environment; return it with the dataset's reward reference, if known."""
    import gymnasium as gym

    from sb3_presa.data import resolve_dataset, reward_reference
    from sb3_presa.data.datasets import names_environment
    from sb3_presa.data.environments import recover_environment
    from sb3_presa.envs.making import make_environment

    if env_id is not None:
        return make_environment(env_id, lambda: gym.make(env_id)), None
    found = resolve_dataset(str(dataset))
    if not names_environment(found):
        raise ConfigError(
            f"dataset {dataset} does not name its environment; use --env ENV_ID instead"
        )
    environment = recover_environment(found, trust=trust, eval_env=True)
    return environment, reward_reference(found)


def _print_evaluation(title: str, result: "SafetyEvaluation") -> None:
    normalized = "-" if result.normalized_reward is None else f"{result.normalized_reward:.3f}"
    print_table(
        title,
        ("", "mean", "std", "normalised"),
        (
            ("reward", f"{result.reward_mean:.2f}", f"{result.reward_std:.2f}", normalized),
            (
                "cost",
                f"{result.cost_mean:.2f}",
                f"{result.cost_std:.2f}",
                f"{result.normalized_cost:.3f}",
            ),
        ),
    )
    typer.echo(
        f"{'safe' if result.safe else 'NOT safe'}: {result.safe_episode_ratio:.0%} of the episodes "
        f"are within the limit; mean cost of the worst 10%: {result.cost_cvar90:.2f}"
    )
