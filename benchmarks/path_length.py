"""How many of the package's files a call runs through: loading a dataset, and one alignment step.

Loading is counted with the labels as given, and with label completion, which is its last part.
``python benchmarks/path_length.py`` prints the paths; ``--write`` also writes their lengths, to
``benchmarks/results/path_length.json`` and between the marks in ``CONTRIBUTING.md``. A file
counts if one line of it runs; the bodies of modules, which run once, do not.
"""

import argparse
import re
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from speed_data import made_up_dataset, write_figures
from stable_baselines3.common.callbacks import BaseCallback

import sb3_presa
from sb3_presa import PRESA, Feedback

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(sb3_presa.__file__).parent
#: Steps of the run, the last of which is counted: one under the constraint.
N_CLONING, N_ATTAIN, N_ALIGNED = 5, 5, 10


class Files:
    """Collects the package's files of which a line runs, while it is switched on."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self._before: Any = None

    def _trace(self, frame: Any, event: str, argument: Any) -> Any:
        path = Path(frame.f_code.co_filename)
        if PACKAGE not in path.parents:
            return None
        # A module's own body runs once, when it is imported
        if event == "line" and frame.f_code.co_name != "<module>":
            self.found.add(str(path.relative_to(PACKAGE)))
        return self._trace

    def start(self) -> None:
        """From now on lines are collected, those of functions that are running as well."""
        self._before = sys.gettrace()
        frame: Any = sys._getframe(1)
        while frame is not None:
            frame.f_trace = self._trace
            frame = frame.f_back
        sys.settrace(self._trace)

    def stop(self) -> None:
        """No more."""
        sys.settrace(self._before)


def files_of(call: Callable[[], object]) -> list[str]:
    """
    :param call: what to run
    :return: the package's files of which a line ran, sorted
    """
    files = Files()
    files.start()
    try:
        call()
    finally:
        files.stop()
    return sorted(files.found)


class LastStep(BaseCallback):
    """Collects the files of the last step, from the callback of the step before to its own."""

    def __init__(self) -> None:
        super().__init__()
        self.files = Files()

    def _on_step(self) -> bool:
        if self.num_timesteps == N_CLONING + N_ATTAIN + N_ALIGNED - 1:
            self.files.start()
        elif self.num_timesteps == N_CLONING + N_ATTAIN + N_ALIGNED:
            self.files.stop()
        return True


def with_lengths(page: str, lengths: dict[str, int]) -> str:
    """
    :param page: text with the marks ``<!-- path length -->`` and ``<!-- up to here -->``
    :param lengths: number of files of each path
    :return: the text with the lengths between the marks
    """
    words = f"`PRESA.load_offline` {lengths['PRESA.load_offline']}, "
    words += f"loading with label completion {lengths['loading with label completion']}, "
    words += f"an alignment step {lengths['an alignment step']}"
    marked = re.compile(r"(<!-- path length -->).*?(<!-- up to here -->)", re.DOTALL)
    return marked.sub(rf"\g<1>{words}\g<2>", page)


def main() -> None:
    """Counts, prints the paths and writes their lengths where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the lengths where they stand")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as root:
        dataset = made_up_dataset(Path(root), 2_000)
        Feedback.synthetic(dataset, 200, cost_limit=100.0).save(dataset)
        settings: dict[str, Any] = {
            "n_cloning_steps": N_CLONING,
            "objective_kwargs": {"n_attain_steps": N_ATTAIN},
            "device": "cpu",
            "seed": 0,
        }
        PRESA.load_offline(dataset, **settings)  # what is imported and cached once
        as_given = files_of(lambda: PRESA.load_offline(dataset, completion=False, **settings))
        completed = files_of(lambda: PRESA.load_offline(dataset, completion=True, **settings))
        step = LastStep()
        # Labels of made-up data may be too uncertain to align with, so they are taken as given
        model = PRESA.load_offline(dataset, completion=False, **settings)
        model.learn(N_CLONING + N_ATTAIN + N_ALIGNED, step, log_interval=None)
    paths = {
        "PRESA.load_offline": as_given,
        "loading with label completion": completed,
        "an alignment step": sorted(step.files.found),
    }
    for name, files in paths.items():
        print(f"{name}: {len(files)} files")
        for file in files:
            print(f"  {file}")
    if arguments.write:
        lengths = {name: len(files) for name, files in paths.items()}
        write_figures(ROOT / "benchmarks" / "results" / "path_length.json", files=lengths)
        page = ROOT / "CONTRIBUTING.md"
        page.write_text(with_lengths(page.read_text(encoding="utf-8"), lengths), encoding="utf-8")


if __name__ == "__main__":
    main()
