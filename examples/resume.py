"""Stop a training in the middle, go on from a checkpoint, and end with the very same weights.

What you learn: SB3's ``CheckpointCallback`` works as it does with SB3's own algorithms; a saved
model holds its weights, optimiser, multiplier and settings, but not the dataset, which
``set_dataset`` gives it again; and the minibatches depend on the seed and on the step alone, so
that nothing is lost by stopping.

Takes about ten seconds. Needs no simulator.
"""

import argparse
import tempfile
from pathlib import Path

import torch as th
from stable_baselines3.common.callbacks import BaseCallback, CheckpointCallback

from sb3_presa import PRESA
from sb3_presa.data import example_dataset


class StopAt(BaseCallback):
    """Stands for a power cut, a full queue, or Ctrl-C: ends training after a number of steps."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def _on_step(self) -> bool:
        return self.num_timesteps < self.step


def main() -> None:
    """Train once in one go and once in two, and compare."""
    steps = parse_options().steps
    save_every, stop_at = steps // 4, steps * 7 // 8
    dataset = example_dataset()

    uninterrupted = make_model(steps).learn(steps)

    with tempfile.TemporaryDirectory() as folder:
        checkpoints = CheckpointCallback(save_every, folder, name_prefix="presa")
        stopped = make_model(steps).learn(steps, callback=[checkpoints, StopAt(stop_at)])
        print(f"Stopped at step {stopped.num_timesteps} of {steps}.")

        last = max(Path(folder).glob("presa_*_steps.zip"), key=lambda path: path.stat().st_mtime)
        model = PRESA.load(last)
        model.set_dataset(dataset)
        print(f"Going on from {last.name}.")
        model.learn(steps - model.num_timesteps, reset_num_timesteps=False, progress_bar=True)

    expected = uninterrupted.policy.state_dict()
    for name, weights in model.policy.state_dict().items():
        if not th.equal(weights, expected[name]):
            raise SystemExit(f"{name} differs from that of the uninterrupted run")
    print(f"All {len(expected)} tensors of the policy equal those of the uninterrupted run.")


def make_model(steps: int) -> PRESA:
    """:return: a new model, half of whose training will be cloning."""
    return PRESA.load_offline(
        example_dataset(),
        n_cloning_steps=steps // 2,
        objective_kwargs={"n_attain_steps": 0},  # no search for the delta that can be reached
        seed=0,
    )


def parse_options() -> argparse.Namespace:
    """:return: the options; none are needed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=200, help="gradient steps (200)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
