"""From a robot's files and a person's answers to an agent, without a simulator until the end.

What you learn: one call brings in CSV files (flat observations), another one an NPZ file (a Dict of
observations); answers come from a CSV file; training needs neither rewards nor costs. The robot and
the person are scripted (``rover.py``): they write files, and the rest reads nothing else.

Takes about two minutes.
"""

import argparse
import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
from minari import MinariDataset
from rover import Array, Person, Rover, is_soft, record, reward_at, write_csv, write_npz

from sb3_presa import BC, PRESA, evaluate_safety
from sb3_presa.annotation.answers.exchange import import_feedback
from sb3_presa.data import import_logs
from sb3_presa.evaluation.judge import Labels, judge

N_COMPARISONS, CLIP = 160, 20


def main() -> None:
    """Write files, import them, train on them; then drive."""
    options = parse_options()
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ["MINARI_DATASETS_PATH"] = str(options.out / "minari")
    episodes = record(options.drives, seed=0)  # what the robot did, and the files that it left
    if not (options.out / "drives").exists():
        write_csv(episodes, options.out / "drives")
    write_npz(episodes, options.out / "drives.npz")
    write_answers(episodes, options.out / "answers.csv")

    report_log(episodes)
    flat = import_logs(
        options.out / "drives",
        "me/rover-flat-v0",
        observations="x,y,vx,vy",
        actions="left,right",
        bounds=(-1, 1),
        overwrite=True,
    )
    parts = import_logs(
        options.out / "drives.npz",
        "me/rover-dict-v0",
        observations={"place": "place", "pace": "pace"},
        bounds=(-1, 1),
        overwrite=True,
    )
    for dataset in (flat, parts):
        agents = train(dataset, options.out / "answers.csv", options.steps)
        labels = Labels.read(dataset, "default")
        for name, agent in agents.items():
            agent.save(options.out / f"{dataset.id.partition('/')[2]}-{name}.zip")
            verdict = judge(agent, dataset, name=name, labels=labels)
            assert verdict.outlook is not None
            print(f"{name}, judged: {verdict.word}, share of safe drives {verdict.outlook.p_safe}")
            # the simulator, for the first time
            report(f"{name}, {dataset.id}", agent, Rover(flat=dataset is flat), options.episodes)


def train(dataset: MinariDataset, answers: Path, steps: int | None) -> dict[str, Any]:
    """:return: PRESA, and a copy of the drivers to hold it against."""
    import_feedback(answers, dataset).save(dataset)
    agents: dict[str, Any] = {}
    for name, algorithm in (("BC", BC), ("PRESA", PRESA)):
        agents[name] = algorithm.load_offline(dataset, seed=0)
        agents[name].learn(*([] if steps is None else [steps]))
    return agents


def write_answers(episodes: list[tuple[Array, Array]], path: Path) -> None:
    """What a person said about pairs of clips, as the labelling page exports it."""
    random, person = np.random.default_rng(1), Person(seed=2)
    parts = ("episode", "start", "length")
    names = [f"{which}_{part}" for which in ("first", "second") for part in parts]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*names, "preference_for_first", "p_safe_first", "p_safe_second"])
        said: dict[tuple[int, int, int], float] = {}
        for _ in range(N_COMPARISONS):
            chosen = random.choice(len(episodes), 2, replace=False).tolist()
            starts = random.integers(0, len(episodes[0][1]) - CLIP, 2).tolist()
            clips = [episodes[e][0][s : s + CLIP + 1] for e, s in zip(chosen, starts, strict=True)]
            segments = [(e, s, CLIP) for e, s in zip(chosen, starts, strict=True)]
            writer.writerow(
                [
                    *segments[0],
                    *segments[1],
                    person.prefers(*clips),
                    *(
                        said.setdefault(segment, person.calls_safe(clip))  # of one clip once
                        for segment, clip in zip(segments, clips, strict=True)
                    ),
                ]
            )


def report_log(episodes: list[tuple[Array, Array]]) -> None:
    """Print what the drivers did."""
    rewards = [reward_at(states[1:, :2]).sum() for states, _ in episodes]
    costs = [is_soft(states[1:, :2]).sum() for states, _ in episodes]
    print_row("the drivers' log", np.mean(rewards), np.mean(costs), np.mean(np.equal(costs, 0)))


def report(name: str, agent: Any, env: Rover, n_episodes: int) -> None:
    """Let an agent drive, and print reward and cost."""
    found = evaluate_safety(
        agent, env, cost_limit=0, n_eval_episodes=n_episodes, seed=7, warn=False
    )
    print_row(name, found.reward_mean, found.cost_mean, found.safe_episode_ratio)


def print_row(name: str, reward: Any, cost: Any, safe: Any) -> None:
    """Print a line of the table."""
    print(f"{name:24} reward {reward:5.1f}  steps on soft ground {cost:4.1f}  safe {safe:4.0%}")


def parse_options() -> argparse.Namespace:
    """:return: the options; none are needed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("own_robot"), help="folder (own_robot)")
    parser.add_argument("--steps", type=int, help="gradient steps (each algorithm's own)")
    parser.add_argument("--drives", type=int, default=300, help="drives in the log (300)")
    parser.add_argument("--episodes", type=int, default=50, help="episodes to drive (50)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
