"""The table of what one changed setting, or one changed property of the labels, does to PRESA."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from markdown_tables import RESULTS, cell, mean

from sb3_presa.benchmark.report import analysis
from sb3_presa.benchmark.report.agents import Agent, read_agents
from sb3_presa.benchmark.report.markdown import line, rule

SENSITIVITY = RESULTS / "sensitivity.csv"
REFERENCE = "PRESA"
#: What a sweep varies -> how a row of one of its levels is called.
LEVELS: Mapping[str, Callable[[float], str]] = {
    "labels.length_divisor": lambda share: f"segments of {share:.0%} of an episode",
    "labels.n_comparisons": lambda n: f"{n:,.0f} comparisons",
    "labels.flip_preferences": lambda share: f"{share:.0%} of the preferences wrong",
    "labels.flip_safety": lambda share: f"{share:.0%} of the safety labels wrong",
    "settings.delta": lambda delta: f"`delta={delta:g}`",
}


def sensitivity_table(results: Path = SENSITIVITY) -> list[str]:
    """
    :param results: a results file of ``benchmarks/suites/sensitivity.yaml``
    :return: a line a change: first the algorithms of the suite, then the levels of its sweeps
    """
    agents = read_agents([results])
    tasks = sorted({agent.task for agent in agents})
    main = analysis.reference_first(analysis.by_algorithm(agents), REFERENCE)[1]
    rows = {name: list(places.values()) for name, places in main.items()}
    for vary in analysis.sweeps(agents):
        for algorithm, levels in analysis.ablation(agents, vary).items():
            for value, changed in levels.items():
                if any(agent.study == vary for agent in changed):  # not the algorithm as it is
                    rows[_name(algorithm, LEVELS[vary](value))] = changed
    heads = ["", "safe", "reward", "cost", *tasks]
    return [line(heads), rule(len(heads)), *(agents_line(*row, tasks) for row in rows.items())]


def _name(algorithm: str, level: str) -> str:
    return f"{algorithm}, {level}"


def agents_line(name: str, agents: Sequence[Agent], tasks: Sequence[str]) -> str:
    """
    :param name: what the agents have in common
    :param agents: the agents
    :param tasks: the tasks that have a column
    :return: how many are safe, the means of their rewards and costs, and the same of each task
    """
    overall = [
        f"{sum(agent.safe for agent in agents)} / {len(agents)}",
        mean([agent.reward for agent in agents], 3),
        mean([agent.cost for agent in agents], 2),
    ]
    return line([name, *overall, *(cell([a for a in agents if a.task == task]) for task in tasks)])
