"""Many people at the labelling page at once: how long an answer takes, and what ``kill -9`` loses.

python benchmarks/labelling_load.py [--people 20] [--pairs 100] [--think 2] [--clips 1000]
    [--turns 2] [--kills 100] [--out FILE.json]

The real server runs in a process of its own and draws plots of ``--clips`` made-up episodes.
Scripted people fetch both clips, think for 0.5 to 1.5 times ``--think`` seconds, and answer; real
people need longer.

- Load: everybody answers all pairs. The same is done again with the clips drawn already, by
  turns, since other programs may disturb a machine: the ratio says what drawing costs.
- Kills: the server and its drawing processes are killed at random moments while people answer, and
  started again. People send an answer again until it is confirmed, as the page does.

Whatever was confirmed must be in the store once, as it was given.
"""

import argparse
import json
import os
import random
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from labelling_crowd import Crowd, LabellingServer, compare, running
from speed_data import EPISODE_LENGTH, made_up_dataset, write_figures

from sb3_presa.benchmark.engine.build import current_commit

OUT = Path(__file__).parent / "results" / "labelling_load.json"
#: Whole episodes: as many clips as episodes, which people see in different pairs.
SEGMENT_LENGTH = EPISODE_LENGTH


def load(root: Path, options: argparse.Namespace) -> dict[str, Any]:
    """
    :param root: folder with the datasets, for clips
    :param options: the program's
    :return: seconds of a round trip with clips being drawn and without, and what was lost
    """
    turns: list[dict[str, Any]] = []
    for turn in range(options.turns):
        cache = root / f"clips-{turn}"
        for drawing in (True, False):
            found = one_load(root, options, f"load-{turn}-{drawing}", cache, seed=turn)
            turns.append({"drawing": drawing, **found})
            print(json.dumps(turns[-1]), flush=True)
        shutil.rmtree(cache)
    ratios = {
        name: round(
            float(
                np.median(
                    [
                        a["milliseconds"][name] / b["milliseconds"][name]
                        for a, b in zip(turns[::2], turns[1::2], strict=True)
                    ]
                )
            ),
            2,
        )
        for name in ("50%", "99%")
    }
    return {"turns": turns, "with drawing over without": ratios}


def one_load(
    root: Path, options: argparse.Namespace, feedback: str, cache: Path, seed: int
) -> dict[str, Any]:
    """
    :param root: folder with the datasets
    :param options: the program's
    :param feedback: name of the answers
    :param cache: folder of clips
    :param seed: of the pairs and of the choices
    :return: what was measured
    """
    server = make_server(root, feedback, cache, options.people, options.pairs, seed)
    with running(server):
        before = clips_in(cache)
        crowd = Crowd(server.links, options.think, seed)
        began = time.perf_counter()
        crowd.start()
        crowd.wait()
        seconds = time.perf_counter() - began
        drawn = clips_in(cache) - before
        server.stop()
    trips = 1000.0 * np.array([trip for one in crowd.people for trip in one.round_trips])
    shares = {"50%": 50, "90%": 90, "99%": 99, "100%": 100}
    return {
        "load of the machine": round(os.getloadavg()[1], 1),
        "seconds": round(seconds, 1),
        "answers per second": round(len(trips) / seconds, 1),
        "clips drawn": drawn,
        "milliseconds": {
            name: round(float(np.percentile(trips, share)), 1) for name, share in shares.items()
        },
        "sent again": sum(one.again for one in crowd.people),
        **compare(crowd.people, server.answers)._asdict(),
    }


def kills(root: Path, options: argparse.Namespace) -> dict[str, Any]:
    """
    :param root: folder with the datasets
    :param options: the program's
    :return: what was confirmed, and what was lost
    """
    cache, moments = root / "clips-kills", random.Random(options.people)
    server = make_server(root, "kills", cache, options.people, 1_000_000, seed=0)
    with running(server):
        crowd = Crowd(server.links, think=0.05)
        crowd.start()
        for number in range(options.kills):
            time.sleep(moments.uniform(0.0, 2.0))
            server.kill()
            if number % 10 == 9:
                print(f"{number + 1} kills: {compare(crowd.people, server.answers)}", flush=True)
            server.start()
        crowd.send_home()
        server.stop()
    return {
        "kills": options.kills,
        "sent again": sum(one.again for one in crowd.people),
        **compare(crowd.people, server.answers)._asdict(),
    }


def make_server(
    root: Path, feedback: str, cache: Path, people: int, pairs: int, seed: int
) -> LabellingServer:
    """
    :param root: folder with the datasets
    :param feedback: name of the answers
    :param cache: folder of clips
    :param people: their number
    :param pairs: that each of them is asked
    :param seed: of the pairs
    :return: the server, not yet started
    """
    names = [f"person {number}" for number in range(people)]
    options = {
        "--clips": "plot",
        "--cache": cache,
        "--pairs": pairs,
        "--seed": seed,
        "--segment-length": SEGMENT_LENGTH,
    }
    words = [str(word) for option in options.items() for word in option]
    return LabellingServer(root, "made-up/ball-circle-v0", feedback, names, words)


def clips_in(cache: Path) -> int:
    """
    :param cache: folder of clips
    :return: their number
    """
    return sum(1 for _ in cache.glob("*/*.clip"))


def main() -> None:
    """Both parts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--think", type=float, default=2.0)
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    words = [f"--{name} {value}" for name, value in vars(options).items() if name != "out"]
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        made_up_dataset(root, options.clips * EPISODE_LENGTH)
        for name, part, times in (("load", load, options.turns), ("kills", kills, options.kills)):
            if times:
                found[name] = part(root, options)
                print(json.dumps(found[name]), flush=True)
            write_figures(
                options.out,
                commit=current_commit(),
                command=" ".join(["python", "benchmarks/labelling_load.py", *words]),
                **found,
            )


if __name__ == "__main__":
    main()
