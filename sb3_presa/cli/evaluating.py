"""``sb3-presa evaluate``."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sb3_presa.cli.console import JsonFile, check_outputs, only_json, print_table, write_figures
from sb3_presa.errors import ConfigError

if TYPE_CHECKING:
    import gymnasium as gym

    from sb3_presa.evaluation.safety import SafetyEvaluation


from sb3_presa.cli.agents import ModelsAlgorithm, SafetyLevel, load_agent


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
    json_file: JsonFile = None,
) -> None:
    """Run a saved agent in its environment and print reward and cost."""
    if (dataset is None) == (env is None):
        got = "neither" if env is None else "both"
        raise ConfigError(f"evaluate needs either --dataset ID or --env ENV_ID, got {got}")
    from sb3_presa.evaluation.safety import evaluate_safety

    if not math.isfinite(cost_limit):
        raise ConfigError(f"--cost-limit must be a finite number, got {cost_limit}")
    check_outputs(json_file)
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
    if not only_json(json_file):
        title = f"{model.name}, {episodes} episodes, cost limit {cost_limit:g}"
        _print_evaluation(title, result)
    write_figures(json_file, result.as_dict())


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
