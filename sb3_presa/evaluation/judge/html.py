"""The page about an agent as one HTML file, with its pictures inside."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sb3_presa.evaluation.figures import FAINT, INK, PALETTE, style_axes
from sb3_presa.evaluation.judge.page import Row, calibration_rows, cautions, headline, rows
from sb3_presa.files import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sb3_presa.evaluation.judge.verdict import Verdict

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; margin: 2rem auto; max-width: 58rem;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.word { padding: .8rem 1rem; border-left: .4rem solid #8A8A8A; background: #f5f5f5; }
.safe { border-color: #009E73; } .unsafe { border-color: #D55E00; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child { text-align: left; }
img { max-width: 100%; }
"""


def write_page(verdict: Verdict, path: Path) -> None:
    """
    :param verdict: a verdict
    :param path: the HTML file to write; it needs no other file
    :raises FileNotWrittenError: if the disk is full
    """
    write_text(path, page_html(verdict))


def page_html(verdict: Verdict) -> str:
    """
    :param verdict: a verdict
    :return: the page, with names of agents, datasets and coordinates escaped
    """
    feedback = verdict.labels.fitted.feedback
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(verdict.name)}, judged without a simulator</title>",
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{escape(verdict.name)}, judged without a simulator</h1>",
        f'<p class="word {verdict.word}">{escape(headline(verdict))}</p>',
        f"<p>From the logs of {escape(feedback.dataset_id)}, {len(feedback.comparisons)} "
        f"comparisons and {verdict.labels.area.n} safety labels. Intervals are 95%.</p>",
        "<h2>What was found</h2>",
        _table(("", "found", "chance", "n"), rows(verdict)),
    ]
    calibration = calibration_rows(verdict)
    if calibration:
        parts += [
            "<h2>Calibration</h2>",
            "<p>P(safe) of labelled segments, by models that have not seen the label.</p>",
            _table(("", "labelled safe", "chance", "n"), calibration),
            _image(_calibration_figure(verdict), "Predicted and seen shares of safe segments"),
        ]
    if verdict.moments:
        parts += [
            "<h2>Worst logged moments for this agent</h2>",
            "<p>Curves: risk of the logged steps; 1 is the boundary between safe and unsafe. The "
            "line marks the moment; the title says what the agent is expected to make of it.</p>",
            _image(_moments_figure(verdict), "Risk around the ten worst moments"),
        ]
    parts.append("<h2>What this cannot say</h2><ul>")
    parts += [f"<li>{escape(caution)}</li>" for caution in cautions(verdict)]
    parts.append("</ul></body></html>\n")
    return "\n".join(parts)


def _table(heads: tuple[str, ...], lines: tuple[Row, ...]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{escape(text)}</td>" for text in (one.what, one.found, one.chance, one.n))
        + "</tr>"
        for one in lines
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _image(figure: Figure, text: str) -> str:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    content = io.BytesIO()
    figure.savefig(content, format="png")
    encoded = base64.b64encode(content.getvalue()).decode()
    return f'<p><img alt="{escape(text)}" src="data:image/png;base64,{encoded}"></p>'


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=110, layout="constrained", facecolor="white")


def _calibration_figure(verdict: Verdict) -> Figure:
    figure = _figure(4.6, 3.8)
    axes = figure.subplots()
    style_axes(axes, "Safety labels that the models had not seen")
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, linestyle="--")
    bins = [one for one in verdict.labels.calibration if one.seen.n]
    seen = np.array([one.seen.value for one in bins])
    ends = np.array([[one.seen.low, one.seen.high] for one in bins]).T
    axes.errorbar(
        [one.predicted for one in bins],
        seen,
        yerr=np.abs(ends - seen),
        color=PALETTE[0],
        marker="o",
        linewidth=1.2,
        capsize=2,
    )
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_xlabel("predicted P(safe)", color=INK)
    axes.set_ylabel("share labelled safe", color=INK)
    return figure


def _moments_figure(verdict: Verdict) -> Figure:
    n_lines = -(-len(verdict.moments) // 2)
    figure = _figure(10.0, 1.9 * n_lines)
    places = figure.subplots(n_lines, 2, squeeze=False).ravel()
    for axes, moment in zip(places, verdict.moments, strict=False):
        title = f"episode {moment.episode}, step {moment.step}: {moment.risk:.2f} ahead"
        style_axes(axes, title)
        steps = moment.first + np.arange(len(moment.logged_risk))
        axes.plot(steps, moment.logged_risk, color=PALETTE[1], linewidth=1.2)
        axes.axhline(1.0, color=FAINT, linewidth=0.8, linestyle="--")
        axes.axvline(moment.step, color=INK, linewidth=0.8)
        axes.text(
            0.01,
            0.97,
            f"agent {_numbers(moment.agent_action)}\nlogged {_numbers(moment.logged_action)}",
            transform=axes.transAxes,
            va="top",
            fontsize=7.5,
            color=INK,
        )
    for axes in places[len(verdict.moments) :]:
        axes.set_visible(False)
    return figure


def _numbers(values: np.ndarray, most: int = 6) -> str:
    shown = " ".join(f"{value:.2f}" for value in values[:most].tolist())
    return shown + (" ..." if len(values) > most else "")
