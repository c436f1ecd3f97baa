"""How many answers are needed? Ways of asking, with scripted raters who err in a tenth of them.

python benchmarks/answers_needed.py look [--seeds 100 101 102]   completed labels only: seconds each
python benchmarks/answers_needed.py measure                      agents, run in the simulator

A rater compares clips of a fifth of an episode by their return, and calls a clip unsafe whose cost
is beyond its share of the limit. Each of these decisions is wrong with a probability of a tenth.
``measure`` trains PRESA with its defaults on the answers of each way, and writes a row an agent
with what the answers cost: questions, clips watched and keys pressed. It goes on where it was
stopped.
"""

import argparse
import json
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import gymnasium as gym
import numpy as np

from sb3_presa import PRESA
from sb3_presa.annotation.answers.answer import Answer, Segment
from sb3_presa.annotation.asking.groups import groups_of_four
from sb3_presa.annotation.asking.guesses import Guesser
from sb3_presa.annotation.asking.pool import Pair, draw_pool
from sb3_presa.annotation.asking.strategies import make_strategy
from sb3_presa.benchmark.engine.training import EVALUATION_SEED
from sb3_presa.completion import complete
from sb3_presa.data.datasets import dataset_horizon, resolve_dataset
from sb3_presa.data.episodes import load_outcomes, load_transitions
from sb3_presa.envs.making import make_environment
from sb3_presa.evaluation.safety import evaluate_safety
from sb3_presa.feedback import Feedback
from sb3_presa.feedback.synthetic import judge_safety
from sb3_presa.files import write_text

OUT: Final = Path(__file__).parent / "results" / "answers_needed.json"
TASKS: Final = {
    "BallCircle": ("presa/ball-circle-v0", "presa/SafetyBallCircle-v0"),
    "CarCircle": ("presa/car-circle-v0", "presa/SafetyCarCircle-v0"),
}
LIMITS: Final = (10.0, 20.0, 40.0)
ERROR_RATE: Final = 0.1
BATCH: Final = 10
N_EPISODES: Final = 20


class Task:
    """
    A dataset whose clips can be rated, since its rewards and costs are known.

    :param name: one of ``TASKS``
    :param limit: cost limit of an episode
    """

    def __init__(self, name: str, limit: float) -> None:
        self.name, self.limit = name, limit
        self.dataset = resolve_dataset(TASKS[name][0])
        self.transitions, outcomes = load_transitions(self.dataset), load_outcomes(self.dataset)
        self.horizon = dataset_horizon(self.dataset)
        self.length = self.horizon // 5
        ids, starts = self.transitions.episode_ids, self.transitions.episode_starts
        self._starts = dict(zip(ids.tolist(), starts.tolist(), strict=True))
        self._rewards = np.concatenate([[0.0], np.cumsum(outcomes.rewards)])
        self._costs = np.concatenate([[0.0], np.cumsum(outcomes.costs)])

    def value(self, segment: Segment) -> float:
        """:return: the return of a segment"""
        return self._sum(self._rewards, segment)

    def is_safe(self, segment: Segment) -> bool:
        """:return: whether the cost of a segment is within its share of the limit"""
        cost, length = np.array([self._sum(self._costs, segment)]), np.array([segment[2]])
        return bool(judge_safety(cost, length, self.limit, self.horizon)[0])

    def _sum(self, running: Any, segment: Segment) -> float:
        first = self._starts[segment[0]] + segment[1]
        return float(running[first + segment[2]] - running[first])


@dataclass
class Rater:
    """
    Somebody who is wrong in a tenth of what they say, and what their answers cost.

    :param task: the clips
    :param seed: of the errors
    """

    task: Task
    seed: int
    questions: int = 0
    keys: int = 0
    keys_with_guesses: int = 0
    guesses_right: list[bool] = field(default_factory=list)
    said: dict[Segment, float] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng([0xA5, self.seed])

    def prefers(self, one: Segment, other: Segment) -> float:
        """:return: 1 if the first is said to be better, else 0"""
        return self._said(self.task.value(one) > self.task.value(other))

    def safe(self, segment: Segment) -> float:
        """:return: 1 if a segment is said to be safe, else 0; the same whenever it is shown"""
        if segment not in self.said:
            self.said[segment] = self._said(self.task.is_safe(segment))
        return self.said[segment]

    def compare(self, pair: Pair) -> Answer:
        """:return: the answer to a pair; clips that were judged before need no key again"""
        new = sum(segment not in self.said for segment in pair)
        preference = self.prefers(*pair)
        answer = _answer(pair, preference, self.safe(pair.first), self.safe(pair.second))
        self.answers.append(answer)
        self.questions += 1
        self.keys += 1 + new
        return answer

    def order(self, segments: list[Segment]) -> None:
        """
        Order clips by inserting one after the other with comparisons, and judge each. Four take
        three keys: best, second and third; the last follows.

        :param segments: the clips
        """
        ordered: list[Segment] = []
        for segment in segments:
            low, high = 0, len(ordered)
            while low < high:
                middle = (low + high) // 2
                if self.prefers(segment, ordered[middle]):
                    high = middle
                else:
                    low = middle + 1
            ordered.insert(low, segment)
        for place, segment in enumerate(ordered):
            for worse in ordered[place + 1 :]:
                pair, preference = Pair(segment, worse), 1.0
                if self._random.random() < 0.5:
                    pair, preference = Pair(worse, segment), 0.0
                safe = [self.safe(one) for one in pair]
                self.answers.append(_answer(pair, preference, *safe))
        self.questions += 1
        self.keys += 2 * len(segments) - 1

    def _said(self, truth: bool) -> float:
        return float(truth != (self._random.random() < ERROR_RATE))


def _answer(pair: Pair, preference: float, first: float, second: float) -> Answer:
    return Answer("rater", pair.first, pair.second, preference, first, second, None, None)


def pairs_by(strategy: str, n: int, guesses: bool = False) -> Callable[[Task, int], Rater]:
    """
    :param strategy: what chooses the pairs
    :param n: how many
    :param guesses: whether to count the keys of somebody who corrects guesses, too
    :return: who answers them
    """

    def ask(task: Task, seed: int) -> Rater:
        rater = Rater(task, seed)
        chosen = make_strategy(strategy, task.transitions, task.length, seed)
        guesser = None
        if guesses:
            reference = draw_pool(task.transitions, task.length, 2000, seed)
            guesser = Guesser(task.transitions, reference, seed=seed)
        while len(rater.answers) < n:
            found = chosen.next_pairs(min(BATCH, n - len(rater.answers)), rater.answers)
            guessed = guesser.guess(found, rater.answers) if guesser else [None] * len(found)
            for pair, guess in zip(found, guessed, strict=True):
                before = rater.keys
                answer = rater.compare(pair)
                keys = rater.keys - before
                if guess is not None:
                    right = [
                        (chance > 0.5) == (said == 1.0)
                        for chance, said in (
                            (guess.preference or 0.0, answer.preference),
                            (guess.safe_first or 0.0, answer.safe_first),
                            (guess.safe_second or 0.0, answer.safe_second),
                        )
                    ]
                    rater.guesses_right += right
                    if guess.shown:  # a key for each label that is wrong, and Enter
                        keys = 1 + right.count(False)
                rater.keys_with_guesses += keys
        return rater

    return ask


def fours_by(strategy: str, n: int) -> Callable[[Task, int], Rater]:
    """
    :param strategy: what chooses pairs; two of them are a group of four
    :param n: groups
    :return: who orders them
    """

    def ask(task: Task, seed: int) -> Rater:
        rater = Rater(task, seed)
        chosen = make_strategy(strategy, task.transitions, task.length, seed)
        while rater.questions < n:
            batch = min(BATCH // 2, n - rater.questions)
            found = chosen.next_pairs(4 * batch, rater.answers)
            for group in groups_of_four(found)[:batch]:
                rater.order(group)
        return rater

    return ask


def ranking(n: int) -> Callable[[Task, int], Rater]:
    """
    :param n: answers on pairs
    :return: who places clips in a ranking
    """
    return pairs_by("ranking", n)


#: Chosen by ``look`` on seeds 100 to 105.
WAYS: Final[Mapping[str, Callable[[Task, int], Rater]]] = {
    "pairs at random, 300": pairs_by("random", 300, guesses=True),
    "pairs at random, 150": pairs_by("random", 150, guesses=True),
    "pairs at random, 100": pairs_by("random", 100, guesses=True),
    "pairs, mixed, 150": pairs_by("mixed", 150, guesses=True),
    "pairs, mixed, 100": pairs_by("mixed", 100, guesses=True),
    "fours at random, 64": fours_by("random", 64),
    "fours, mixed, 64": fours_by("mixed", 64),
    "fours, mixed, 43": fours_by("mixed", 43),
    "ranking, 300": ranking(300),
}


def feedback_of(rater: Rater) -> Feedback:
    """
    :param rater: somebody who has answered
    :return: the answers, a comparison each
    """
    segments = sorted({one for a in rater.answers for one in (a.first, a.second) if one})
    row = {segment: place for place, segment in enumerate(segments)}
    pairs = [(row[a.first], row[a.second]) for a in rater.answers if a.second is not None]
    return Feedback.create(
        rater.task.transitions,
        segments,
        [rater.said[segment] for segment in segments],
        pairs,
        [a.preference for a in rater.answers if a.preference is not None],
    )


def cost_of(rater: Rater) -> dict[str, Any]:
    """:return: what the answers of somebody cost"""
    right = rater.guesses_right
    return {
        "questions": rater.questions,
        "clips": len(rater.said),
        "comparisons": len(rater.answers),
        "keys": rater.keys,
        "keys_with_guesses": rater.keys_with_guesses or None,
        "guesses_right": sum(right) / len(right) if right else None,
    }


def look(task: Task, way: str, seed: int) -> dict[str, Any]:
    """:return: the episodes that completion would imitate, by the truth; no agent is trained"""
    rater = WAYS[way](task, seed)
    found = complete(task.transitions, feedback_of(rater), seed=seed)
    chosen = [tuple(row) for row in found.segments[found.selected()].tolist()]
    values = [task.value(one) for one in chosen]
    everything = [task.value(tuple(row)) for row in found.segments.tolist()]
    low, high = min(everything), max(everything)
    return {
        **cost_of(rater),
        "reward": (statistics.mean(values) - low) / (high - low),
        "safe": statistics.mean(task.is_safe(one) for one in chosen),
    }


def measure(task: Task, way: str, seed: int) -> dict[str, Any]:
    """:return: PRESA on the answers, in the simulator"""
    rater = WAYS[way](task, seed)
    model = PRESA.load_offline(task.dataset, feedback_of(rater), seed=seed, device="cpu")
    model.learn()
    name = TASKS[task.name][1]
    env = make_environment(name, lambda: gym.make(name))
    try:
        found = evaluate_safety(
            model,
            env,
            cost_limit=task.limit,
            n_eval_episodes=N_EPISODES,
            seed=EVALUATION_SEED + seed,
            warn=False,
        )
    finally:
        env.close()
    return {
        **cost_of(rater),
        "reward": found.normalized_reward,
        "cost": found.normalized_cost,
        "safe": bool(found.safe),
    }


def main() -> None:
    """Run each way on each task and seed, the seeds last, so that a part is a fair table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=("look", "measure"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ways", nargs="+", default=list(WAYS))
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    run = {"look": look, "measure": measure}[options.what]
    rows: list[dict[str, Any]] = []
    if options.what == "measure" and options.out.exists():
        rows = json.loads(options.out.read_text())["agents"]
    done = {(row["task"], row["seed"], row["way"]) for row in rows}
    for seed in options.seeds:
        for name in TASKS:
            task = Task(name, LIMITS[seed % len(LIMITS)])
            for way in options.ways:
                if (name, seed, way) in done:
                    continue
                began = time.process_time()
                found = run(task, way, seed)
                about = {"task": name, "seed": seed, "way": way, "limit": task.limit}
                seconds = round(time.process_time() - began, 1)
                rows.append({**about, **found, "cpu_seconds": seconds, "commit": _commit()})
                print(json.dumps(rows[-1]), flush=True)
                if options.what == "measure":
                    _write(options.out, rows)
    _print_means(rows)


def _commit() -> str:
    command = ["git", "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _write(out: Path, rows: list[dict[str, Any]]) -> None:
    command = shlex.join(["python", "benchmarks/answers_needed.py", *sys.argv[1:]])
    about = {"command": command, "error_rate": ERROR_RATE, "agents": rows}
    write_text(out, json.dumps(about, indent=1) + "\n")


def _print_means(rows: list[dict[str, Any]]) -> None:
    for task in TASKS:
        for way in WAYS:
            mine = [row for row in rows if (row["task"], row["way"]) == (task, way)]
            if not mine:
                continue
            means = {
                name: round(statistics.mean(row[name] for row in mine), 3)
                for name in ("questions", "clips", "keys", "keys_with_guesses", "reward", "safe")
                if mine[0][name] is not None
            }
            spread = statistics.stdev(row["reward"] for row in mine) if len(mine) > 1 else 0.0
            print(f"{task:11}{way:22}{means} +- {spread / len(mine) ** 0.5:.3f}")


if __name__ == "__main__":
    main()
