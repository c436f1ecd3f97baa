"""PRESA beside SB3's PPO and SAC, judged by the same functions in the same environment.

What you learn: PRESA is an SB3 algorithm to everything that evaluates one, so that
``evaluate_policy`` and ``evaluate_safety`` take all three alike. It learns from recorded episodes
and labels, and never steps the environment; PPO and SAC learn from the reward, by trial and error.
They do not know of the cost, and get a few thousand steps here: far less than they would need to
drive well, and enough to see what they make of a reward that says nothing of safety.

Takes about two minutes on two free processor cores. Needs the SafetyGym simulator.
"""

import argparse
import sys
import warnings

import torch as th
from rich import box
from rich.console import Console
from rich.table import Table
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor

from sb3_presa import PRESA, evaluate_safety
from sb3_presa.data import example_dataset
from sb3_presa.errors import SimulatorNotInstalledError

COST_LIMIT = 20

console = Console()


def main() -> None:
    """Train the three, evaluate them alike, print a table."""
    options = parse_options()
    th.set_num_threads(1)  # networks of this size are faster on one thread than on several

    dataset = example_dataset()
    try:
        env, eval_env = (
            Monitor(dataset.recover_environment()),
            Monitor(dataset.recover_environment()),
        )
    except SimulatorNotInstalledError as error:
        sys.exit(f"PPO and SAC learn in a simulator: {error}")

    n = options.gradient_steps
    settings = (
        {}
        if n is None
        else {"n_cloning_steps": n // 2, "objective_kwargs": {"n_attain_steps": n // 8}}
    )
    presa = PRESA.load_offline(dataset, seed=0, **settings)
    ppo = PPO("MlpPolicy", env, n_steps=1000, batch_size=50, seed=0, device="cpu")
    sac = SAC("MlpPolicy", env, seed=0)

    console.print("Training PRESA from the dataset")
    with warnings.catch_warnings(record=True) as notes:  # printed below the progress bar
        presa.learn(n, progress_bar=True)
    for note in notes:
        console.print(f"Note: {note.message}", style="yellow", markup=False)
    for learner in (ppo, sac):
        console.print(f"Training {type(learner).__name__} in the environment")
        learner.learn(options.steps, progress_bar=True)

    table = Table(box=box.SIMPLE_HEAD, collapse_padding=True)
    for heading in ("agent", "steps in the\nenvironment", "reward", "cost", "safe"):
        table.add_column(heading, justify="left" if heading == "agent" else "right")
    agents: list[BaseAlgorithm] = [presa, ppo, sac]
    for model in agents:
        reward, std = evaluate_policy(model, eval_env, n_eval_episodes=options.episodes)
        safety = evaluate_safety(
            model, eval_env, cost_limit=COST_LIMIT, n_eval_episodes=options.episodes, seed=0
        )
        table.add_row(
            type(model).__name__,
            "0" if model is presa else f"{model.num_timesteps:,}",
            f"{reward:.1f} ± {std:.1f}",
            f"{safety.cost_mean:.1f} ± {safety.cost_std:.1f}",
            "[green]yes" if safety.safe else "[red]no",
        )
    console.print(f"\nPointCircle1: {options.episodes} episodes, cost limit {COST_LIMIT}")
    console.print(table)


def parse_options() -> argparse.Namespace:
    """:return: the options; none are needed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--steps", type=int, default=5000, help="environment steps of PPO and of SAC (5,000)"
    )
    parser.add_argument("--gradient-steps", type=int, help="of PRESA (default: its own number)")
    parser.add_argument("--episodes", type=int, default=20, help="episodes of each evaluation (20)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
