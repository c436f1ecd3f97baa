"""Train PRESA on the dataset that comes with the package, and compare it with cloning.

What you learn: how a dataset and its feedback become an agent (``load_offline``, ``learn``), how to
judge an agent by what it earns and by what it costs (``evaluate_safety``), and how to look at a run
(the learning curves, the plane of reward and cost).

Takes about a minute on two free processor cores. Only the evaluation needs the Bullet simulator.
"""

import argparse
import sys
import warnings
from pathlib import Path

import torch as th
from rich import box
from rich.console import Console
from rich.table import Table
from sb3_presa.evaluation.plots import (
    plot_learning_curves,
    plot_reward_cost_plane,
    read_progress_csv,
)
from stable_baselines3.common.logger import configure
from stable_baselines3.common.monitor import Monitor

from sb3_presa import BC, PRESA, SafetyEvaluation, evaluate_safety
from sb3_presa.data import example_dataset, load_outcomes
from sb3_presa.errors import SimulatorNotInstalledError

COST_LIMIT = 20  # an episode that costs no more is safe; the feedback was made with this limit

console = Console()


def main() -> None:
    """Train three agents on the same data, evaluate them, print a table, draw two pictures."""
    options = parse_options()
    th.set_num_threads(1)  # networks of this size are faster on one thread than on several

    dataset = example_dataset()  # BallRun: 1,000 episodes, 5,000 comparisons, 1,000 safety labels
    try:
        env = Monitor(dataset.recover_environment(eval_env=True))
    except SimulatorNotInstalledError as error:
        sys.exit(f"The quickstart evaluates its agents in a simulator: {error}")

    # One timestep is one gradient step. The defaults suit the default number of steps; a shorter
    # training divides its own among the parts.
    n = options.steps
    settings = (
        {}
        if n is None
        else {"n_cloning_steps": n // 2, "objective_kwargs": {"n_attain_steps": n // 8}}
    )
    presa = PRESA.load_offline(dataset, seed=options.seed, **settings)
    agents: dict[str, BC | PRESA] = {
        "BC on everything": BC.load_offline(dataset, data="all", seed=options.seed),
        "BC on safe segments": BC.load_offline(dataset, data="safe", seed=options.seed),
        "PRESA": presa,
    }

    # Training sees no reward, no cost and no simulator
    for name, agent in agents.items():
        console.print(f"Training {name}")
        agent.set_logger(configure(str(options.out / "logs" / name), ["csv"]))
        with warnings.catch_warnings(record=True) as notes:  # printed below the progress bar
            agent.learn(options.steps, log_interval=25, progress_bar=True)
        for note in notes:
            console.print(f"Note: {note.message}", style="yellow", markup=False)

    evaluations = {}
    for name, agent in agents.items():
        with console.status(f"Evaluating {name}"):
            evaluations[name] = evaluate_safety(
                agent,
                env,
                cost_limit=COST_LIMIT,
                n_eval_episodes=options.episodes,
                seed=options.seed,
            )
    print_table(evaluations)

    model, curves, plane = (
        options.out / name
        for name in ("presa_ball_run.zip", "learning_curves.png", "reward_cost_plane.png")
    )
    presa.save(model)
    plot_learning_curves(
        curves,
        read_progress_csv(options.out / "logs" / "PRESA" / "progress.csv"),
        phases={"cloning": 0, "alignment": presa.n_cloning_steps},
        title="PRESA on BallRun",
    )
    recorded = load_outcomes(dataset)  # rewards and costs of the dataset, for the dots only
    plot_reward_cost_plane(
        plane,
        recorded.episode_returns,
        recorded.episode_costs,
        evaluations,
        cost_limit=COST_LIMIT,
        title="BallRun",
    )
    console.print("Written:")
    console.print(f"  {model}  the agent, to be had back with PRESA.load", highlight=False)
    console.print(f"  {curves}  what PRESA logged while it learnt", highlight=False)
    console.print(f"  {plane}  the dataset's episodes and the three agents", highlight=False)


def print_table(evaluations: dict[str, SafetyEvaluation]) -> None:
    """Print what each agent earns and what it costs, a row an agent."""
    n_episodes = next(iter(evaluations.values())).episodes
    title = f"\nBallRun: means of {n_episodes} episodes, cost limit {COST_LIMIT}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, collapse_padding=True)
    table.add_column("agent", no_wrap=True)
    for heading in ("reward", "cost", "normalised\nreward", "normalised\ncost"):
        table.add_column(heading, justify="right")
    table.add_column("safe", justify="center")
    table.add_column("safe\nepisodes", justify="right")
    for name, result in evaluations.items():
        table.add_row(
            name,
            f"{result.reward_mean:.1f}",
            f"{result.cost_mean:.1f}",
            f"{result.normalized_reward:.3f}",
            f"{result.normalized_cost:.3f}",
            "[green]yes" if result.safe else "[red]no",
            f"{result.safe_episode_ratio:.0%}",
        )
    console.print(table)


def parse_options() -> argparse.Namespace:
    """:return: the options; none are needed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, help="gradient steps of each agent (default: its own)")
    parser.add_argument("--episodes", type=int, default=20, help="episodes of each evaluation (20)")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (0)")
    parser.add_argument("--out", type=Path, default=Path("quickstart"), help="folder to write to")
    return parser.parse_args()


if __name__ == "__main__":
    main()
