"""Whether an alignment step became slower: ``step_time.py`` of two checkouts by turns.

``python benchmarks/step_time_against.py OTHER [options of step_time.py]`` runs the program of this
checkout and that of another one, each with its own package, one after the other and again. What is
compared is a step of PRESA beside the bare step that ran after it in the same process, so that a
busy machine counts for both.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table
from speed_data import write_figures

HERE = Path(__file__).resolve().parents[1]


def ratios(checkout: Path, out: Path, options: list[str]) -> dict[tuple[str, str], float]:
    """
    :param checkout: whose package and program to run
    :param out: file for its figures
    :param options: options of ``step_time.py``
    :return: step by bare step, by shape and mode
    """
    program = checkout / "benchmarks" / "step_time.py"
    subprocess.run(
        [sys.executable, str(program), "--json", str(out), *options],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(checkout)},
    )
    return {(t["shape"], t["mode"]): t["ratio"] for t in json.loads(out.read_text())["timings"]}


def main() -> None:
    """Measures by turns, prints a table and writes it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, help="another checkout of this project")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="OUT", help="file to write the figures to")
    arguments, options = parser.parse_known_args()  # what else there is, step_time.py takes
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        for _ in range(arguments.turns):
            other = ratios(arguments.other.resolve(), out, options)
            for row, mine in ratios(HERE, out, options).items():
                found.setdefault(row, []).append((mine, other[row]))
    table = Table("segments x steps, network", "mode", title="One alignment step, by the bare step")
    for name in ("here", "there", "here / there"):
        table.add_column(name, justify="right")
    rows = []
    for (shape, mode), turns in found.items():
        mine, other_ = (statistics.median(values) for values in zip(*turns, strict=True))
        by_turns = statistics.median(a / b for a, b in turns)
        table.add_row(shape, mode, f"{mine:.2f}", f"{other_:.2f}", f"{by_turns:.3f}")
        rows.append({"shape": shape, "mode": mode, "here": mine, "there": other_, "by": by_turns})
    Console().print(table)
    write_figures(arguments.json, rows=rows, turns=arguments.turns)


if __name__ == "__main__":
    main()
