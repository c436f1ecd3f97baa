"""Train agents on the dataset that comes with the package, and see which of them are safe.

What you learn: how a dataset and its feedback become an agent (``load_offline``, ``learn``), how to
judge an agent by what it earns and by what it costs (``evaluate_safety``), and how to look at it
(the plane of reward and cost, a clip).

A point is paid for driving along a circle. Where the circle lies beyond the walls, every step costs
1. The labels say which of two drives is better, and whether a drive costs at most 20.

Takes about two minutes on a free processor core. Needs the SafetyGym simulator, which only the
evaluation uses.
"""

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import torch as th
from clips import film, write_clips
from minari import MinariDataset
from plane import plot_reward_cost_plane
from rich import box
from rich.console import Console
from rich.table import Table
from stable_baselines3.common.monitor import Monitor

from sb3_presa import (
    BC,
    CPL,
    PRESA,
    SafeFirst,
    SafeRLHF,
    SafetyEvaluation,
    SafetyOnly,
    evaluate_safety,
)
from sb3_presa.data import example_dataset, load_outcomes
from sb3_presa.errors import RenderingError, SimulatorNotInstalledError
from sb3_presa.learning.offline_algorithm import OfflineAlgorithm

COST_LIMIT = 20  # a drive that costs no more is safe; the feedback was made with this limit
EVERYTHING, OURS = "BC, everything", "PRESA"

# SafeRLHF's own settings take hours; these, of the benchmark, a minute
SAFE_RLHF: dict[str, Any] = {
    "n_model_steps": 1000,
    "n_segment_steps": 32,
    "boundary_cost": None,
    "batch_size": 256,
    "n_target_actions": 4,
    "choose_targets": True,
    "tau": 0.05,
    "kl_coef": 0.1,
    "pid_gains": [0.05, 0.0002, 0],
    "multiplier_max": 5,
    "policy_kwargs": {"net_arch": [128, 128]},
}
OWN_STEPS = {"SafeRLHF": 4500}

console = Console()


def main() -> None:
    """Train agents on the same data, evaluate them, print a table, draw a picture and a clip."""
    options = parse_options()
    th.set_num_threads(1)  # networks of this size are faster on one thread than on several

    dataset = example_dataset()  # PointCircle1: 118 drives, 5,000 comparisons, 118 safety labels
    try:
        env = Monitor(dataset.recover_environment(eval_env=True))
    except SimulatorNotInstalledError as error:
        sys.exit(f"The quickstart evaluates its agents in a simulator: {error}")

    agents = load_agents(dataset, options)

    # Training sees no reward, no cost and no simulator
    for name, agent in agents.items():
        console.print(f"Training {name}")
        with warnings.catch_warnings(record=True) as notes:  # printed below the progress bar
            agent.learn(options.steps or OWN_STEPS.get(name), progress_bar=True)
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

    model, plane, clips = (
        options.out / name for name in ("presa.zip", "reward_cost_plane.png", "clips.gif")
    )
    options.out.mkdir(parents=True, exist_ok=True)
    agents[OURS].save(model)
    recorded = load_outcomes(dataset)  # rewards and costs of the dataset, for the dots only
    plot_reward_cost_plane(
        plane,
        recorded.episode_returns,
        recorded.episode_costs,
        evaluations,
        cost_limit=COST_LIMIT,
        title="PointCircle1: the dataset's drives, and the agents",
    )
    console.print("Written:")
    console.print(f"  {model}  the agent, to be had back with PRESA.load", highlight=False)
    console.print(f"  {plane}  the dataset's drives and the agents", highlight=False)
    try:
        filmed = {
            name: film(agents[name], dataset.env_spec, seed=options.seed, steps=options.clip_steps)
            for name in (EVERYTHING, OURS)
        }
    except RenderingError as error:  # a server without graphics libraries; the rest is written
        console.print(f"  no clip: {error}", style="yellow", markup=False)
        return
    write_clips(clips, filmed, cost_limit=COST_LIMIT)
    console.print(f"  {clips}  cloning everything and PRESA at the wheel", highlight=False)


def load_agents(dataset: MinariDataset, options: argparse.Namespace) -> dict[str, OfflineAlgorithm]:
    """:return: the agents by their names, not trained yet."""
    # One timestep is one gradient step. The defaults suit the default number of steps; a shorter
    # training divides its own among the parts.
    n = options.steps
    short: dict[str, Any] = {} if n is None else {"n_cloning_steps": n // 2}
    shortest = short if n is None else {**short, "objective_kwargs": {"n_attain_steps": n // 8}}
    models = SAFE_RLHF if n is None else {**SAFE_RLHF, "n_model_steps": n // 2}
    seed = options.seed
    agents: dict[str, OfflineAlgorithm] = {
        EVERYTHING: BC.load_offline(dataset, data="all", seed=seed),
        "BC, safe": BC.load_offline(dataset, data="safe", seed=seed),
        "BC, preferred and safe": BC.load_offline(dataset, data="preferred-and-safe", seed=seed),
        "CPL, preferences alone": CPL.load_offline(dataset, seed=seed, **short),
    }
    if options.all:
        agents["SafetyOnly"] = SafetyOnly.load_offline(dataset, seed=seed, **short)
        agents["SafeFirst"] = SafeFirst.load_offline(dataset, seed=seed, **short)
        agents["SafeRLHF"] = SafeRLHF.load_offline(dataset, seed=seed, **models)
    agents[OURS] = PRESA.load_offline(dataset, seed=seed, **shortest)
    return agents


def print_table(evaluations: dict[str, SafetyEvaluation]) -> None:
    """Print what each agent earns and what it costs, a row an agent."""
    n_episodes = next(iter(evaluations.values())).episodes
    title = f"\nPointCircle1: means of {n_episodes} drives, cost limit {COST_LIMIT}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, collapse_padding=True)
    table.add_column("agent", no_wrap=True)
    for heading in ("reward", "cost", "normalised\nreward", "normalised\ncost"):
        table.add_column(heading, justify="right")
    table.add_column("safe", justify="center")
    table.add_column("safe\ndrives", justify="right")
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
    parser.add_argument("--all", action="store_true", help="three more baselines (2 minutes more)")
    parser.add_argument("--steps", type=int, help="gradient steps of each agent (default: its own)")
    parser.add_argument("--episodes", type=int, default=20, help="drives of each evaluation (20)")
    parser.add_argument("--clip-steps", type=int, default=300, help="steps of a clip (300)")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (0)")
    parser.add_argument("--out", type=Path, default=Path("quickstart"), help="folder to write to")
    return parser.parse_args()


if __name__ == "__main__":
    main()
