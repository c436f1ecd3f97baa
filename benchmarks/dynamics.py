"""What goes on while PRESA trains: multiplier, classification of labels, log-ratios.

``python benchmarks/dynamics.py BallCircle`` draws ``benchmarks/results/dynamics_BallCircle.png``.
"""

import argparse
import os
import tempfile
from pathlib import Path

import torch as th
from learning_curves import plot_learning_curves, read_progress_csv
from stable_baselines3.common.logger import configure

from sb3_presa import PRESA, Feedback
from sb3_presa.benchmark.suites.suite import load_suite

HERE = Path(__file__).parent
#: dataset id of each task
DATASETS = {cell.task: cell.dataset for cell in load_suite(HERE / "suites" / "core.yaml").cells}
COST_LIMIT = 20.0
VALIDATION_FRACTION = 0.1


def draw(task: str, seed: int, folder: Path) -> Path:
    """
    Trains one agent and draws its learning curves.

    :param task: key of ``DATASETS``
    :param seed: seed of labels and training
    :param folder: where the picture goes
    :return: the picture
    """
    feedback = Feedback.synthetic(DATASETS[task], cost_limit=COST_LIMIT, seed=seed)
    model = PRESA.load_offline(
        DATASETS[task], feedback, seed=seed, validation_fraction=VALIDATION_FRACTION, device="cpu"
    )
    with tempfile.TemporaryDirectory() as logs:
        model.set_logger(configure(logs, ["csv"]))
        model.learn(log_interval=25, progress_bar=True)
        curves = read_progress_csv(Path(logs) / "progress.csv")
    phases = {phase.name: phase.start for phase in model.phases()}
    title = f"{task}, cost limit {COST_LIMIT:g}, seed {seed}"
    return plot_learning_curves(folder / f"dynamics_{task}.png", curves, phases=phases, title=title)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", choices=list(DATASETS), default=["BallCircle"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    os.environ.setdefault("MINARI_DATASETS_PATH", str(HERE.parent / "datasets"))
    th.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.tasks:
        print(draw(name, arguments.seed, arguments.out))
