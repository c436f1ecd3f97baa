"""The report of a benchmark: self-contained HTML, and its figures as PNGs."""

import base64
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sb3_presa.benchmark.report import analysis
from sb3_presa.benchmark.report import figures as report_figures
from sb3_presa.benchmark.report.agents import Agent, Agents
from sb3_presa.benchmark.report.analysis import Comparison, Difference
from sb3_presa.benchmark.report.by_task import (
    PUBLISHED_NAMES,
    by_task,
    expected_agents,
    overview,
)
from sb3_presa.benchmark.report.consistency import concerns
from sb3_presa.benchmark.report.markdown import task_table
from sb3_presa.benchmark.report.overview_figure import draw_overview
from sb3_presa.benchmark.report.statistics import LEAST_RUNS
from sb3_presa.errors import ConfigError
from sb3_presa.files import write_text

SWEEP_NAMES = {
    "labels.segment_length": "segment length / horizon",
    "labels.length_divisor": "segment length / horizon",
    "labels.n_comparisons": "labelled comparisons",
    "labels.flip_preferences": "share of flipped preferences",
    "labels.flip_safety": "share of flipped safety labels",
    "labels.unlabelled_preferences": "share of comparisons without a preference",
    "labels.unlabelled_safety": "share of segments without a safety label",
    "labels.feedback": "feedback",
}


@dataclass(frozen=True)
class Picture:
    """
    A figure of the page.

    :param title: its heading
    :param path: its PNG
    :param note: its caption
    """

    title: str
    path: Path
    note: str = ""

    @property
    def data(self) -> str:
        """:return: the PNG as a data URL"""
        return "data:image/png;base64," + base64.b64encode(self.path.read_bytes()).decode()


def write_report(
    agents: Sequence[Agent],
    out: Path,
    *,
    title: str,
    reference: str = "PRESA",
    failures: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """
    Writes ``report.html``, its PNGs, and ``tasks.md``, the table of all tasks.

    :param agents: the agents
    :param out: folder to write to
    :param title: heading of the page
    :param reference: the algorithm that the others are compared with; if the agents do not have it,
        their first algorithm
    :param failures: the failed cells, see :func:`.results.read_failures`
    :return: the page
    :raises ConfigError: if Jinja is missing
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ModuleNotFoundError as error:
        raise ConfigError(
            "reports need Jinja2; install the extra 'benchmark' (in a checkout: "
            'pip install ".[benchmark]")'
        ) from error
    reference, main = analysis.reference_first(analysis.by_algorithm(agents), reference)
    comparisons = analysis.comparisons(main)
    differences = analysis.differences(main, reference)
    rows, methods = by_task(main), list(PUBLISHED_NAMES.values())
    out.mkdir(parents=True, exist_ok=True)
    lines = task_table(rows, {name: expected_agents(rows, name) for name in main}, methods)
    write_text(out / "tasks.md", "\n".join(lines) + "\n")
    environment = Environment(
        loader=PackageLoader("sb3_presa.benchmark.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": _number, "interval": _interval, "limits": _limits}
    html = environment.get_template("report.html").render(
        title=title,
        reference=reference,
        agents=agents,
        comparisons=comparisons,
        differences=differences,
        tasks=list(dict.fromkeys(agent.task for agent in agents)),
        pictures=_draw_main(out, main, comparisons, differences, reference),
        ablations=_draw_ablations(out, agents),
        task_rows=rows,
        published_names=methods,
        algorithms=_algorithm_table(main),
        origin=_origin(agents),
        concerns=concerns([agent.row for agent in agents]),
        failures=failures,
        least_runs=LEAST_RUNS,
    )
    page = out / "report.html"
    write_text(page, html)
    return page


def _draw_main(
    out: Path,
    main: Agents,
    comparisons: Sequence[Comparison],
    differences: Sequence[Difference],
    reference: str,
) -> dict[str, Picture]:
    pictures = {}
    if (found := overview(main)) is not None:
        path = out / "overview.png"
        draw_overview(path, found, reference)
        pictures["overview"] = Picture("Safe tasks and reward, by approach", path)
    if comparisons:
        path = out / "safe_ratio.png"
        report_figures.draw_safe_ratio(path, comparisons, reference)
        pictures["safe_ratio"] = Picture("Ratio of safe agents", path)
        path = out / "aggregates.png"
        report_figures.draw_aggregates(path, comparisons[-1], differences, reference)
        pictures["aggregates"] = Picture("Aggregates", path)
    if main:
        path = out / "planes.png"
        report_figures.draw_planes(path, main, reference)
        pictures["planes"] = Picture("Reward and cost", path)
    return pictures


def _draw_ablations(out: Path, agents: Sequence[Agent]) -> list[Picture]:
    pictures = []
    for vary in analysis.sweeps(agents):
        found = analysis.ablation(agents, vary)
        if not found:
            continue
        name = SWEEP_NAMES.get(vary, vary.partition(".")[2])
        path = out / f"ablation_{vary.replace('.', '_')}.png"
        report_figures.draw_ablation(path, found, name)
        cells = {name: len(next(iter(by_value.values()))) for name, by_value in found.items()}
        note = "; ".join(f"{algorithm}: {n} agents per point" for algorithm, n in cells.items())
        pictures.append(Picture(name[0].upper() + name[1:], path, note))
    return pictures


def _algorithm_table(main: Agents) -> list[dict[str, Any]]:
    """One row per algorithm, over all its cells."""
    rows = []
    for name, places in main.items():
        mine = list(places.values())
        safe = [agent.reward for agent in mine if agent.safe]
        seconds = [float(a.row["cpu_seconds"]) for a in mine if a.row.get("cpu_seconds")]
        rows.append(
            {
                "name": name,
                "reads_outcomes": mine[0].reads_outcomes,
                "class": mine[0].row.get("class", ""),
                "settings": mine[0].row.get("settings", "").removeprefix("{").removesuffix("}"),
                "n": len(mine),
                "n_safe": len(safe),
                "seeds": len({agent.place[2] for agent in mine}),
                "reward": sum(safe) / len(safe) if safe else math.nan,
                "seconds": sum(seconds) / len(seconds) if seconds else math.nan,
            }
        )
    return rows


def _origin(agents: Sequence[Agent]) -> dict[str, Any]:
    """Commits and package versions of the rows."""
    rows = [agent.row for agent in agents]
    versions: dict[str, set[str]] = {}
    for row in rows:
        for package, release in json.loads(row.get("versions") or "{}").items():
            versions.setdefault(package, set()).add(release)
    return {
        "commits": sorted({row["commit"] for row in rows if row.get("commit")}),
        "versions": {name: sorted(found) for name, found in sorted(versions.items())},
        "hours": sum(float(row.get("cpu_seconds") or 0) for row in rows) / 3600,
        "episodes": sorted({row["n_episodes"] for row in rows if row.get("n_episodes")}),
    }


def _limits(limits: Collection[float]) -> str:
    return ", ".join(f"{limit:g}" for limit in sorted(limits))


def _number(value: float, digits: int = 3, sign: bool = False) -> str:
    if math.isnan(value):
        return "\N{EN DASH}"
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _interval(ends: tuple[float, float], digits: int = 3, sign: bool = False) -> str:
    if math.isnan(ends[0]):
        return "\N{EN DASH}"
    return f"[{_number(ends[0], digits, sign)}, {_number(ends[1], digits, sign)}]"
