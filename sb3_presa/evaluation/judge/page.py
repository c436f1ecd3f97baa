"""The page about an agent as rows and sentences, for the terminal and for HTML."""

from dataclasses import dataclass
from typing import Final

from sb3_presa.completion.accuracy import Accuracy
from sb3_presa.completion.label_models import SafetyModel
from sb3_presa.evaluation.judge.distance import LOGGED_SHARE
from sb3_presa.evaluation.judge.verdict import Verdict

#: Of ``benchmarks/results/judged.json``; a test compares them.
MEASURED: Final = (
    "On eight simulated tasks a verdict of safe was right for 63 of 66 agents, one of unsafe for "
    "23 of 24, and 246 were undecided. The 95% interval of the share held 92% of them."
)
#: Labels of a kind from which on a verdict rests on something.
_ENOUGH = 100


@dataclass(frozen=True)
class Row:
    """
    A line of the page.

    :param what: what was found
    :param found: the number, with its 95% interval
    :param chance: what guessing, or acting as was logged, comes to
    :param n: labels, or states, that it rests on
    """

    what: str
    found: str
    chance: str
    n: str


def headline(verdict: Verdict) -> str:
    """
    :param verdict: a verdict
    :return: it in one sentence
    """
    found = verdict.outlook
    if found is None:
        return "Undecided: without safety labels nothing can be said about safety."
    share = f"{found.p_safe.value:.0%} of its episodes are predicted to be safe"
    interval = f"[{found.p_safe.low:.0%}, {found.p_safe.high:.0%}]"
    log = f"{found.of_log:.0%} of the logged episodes are"
    return f"{verdict.word.capitalize()}: {share} {interval}; {log}."


def rows(verdict: Verdict) -> tuple[Row, ...]:
    """
    :param verdict: a verdict
    :return: what it rests on
    """
    labels, found = verdict.labels, verdict.outlook
    lines = []
    if verdict.agreement is not None:
        seen = "held out" if verdict.held_out else "seen in training"
        lines.append(_accuracy(f"agent's accuracy on comparisons, {seen}", verdict.agreement))
    lines.append(_accuracy("label models' accuracy on comparisons, held out", labels.comparisons))
    lines.append(_accuracy("AUC on safety labels, held out", labels.area))
    if found is not None:
        of_log, n = f"{found.of_log:.2f} (as logged)", str(labels.area.n)
        lines.append(Row("share of safe episodes, predicted", str(found.p_safe), of_log, n))
        boundary = "1 is the boundary"
        if labels.fitted.meaning is SafetyModel.ANY:
            boundary = "-"
        lines.append(Row("risk of a step, predicted", str(found.risk), boundary, n))
        if found.merit is not None:
            n = str(labels.comparisons.n)
            lines.append(
                Row(
                    "reward of a step, deviations above the log",
                    str(found.merit),
                    "0.00 (as logged)",
                    n,
                )
            )
    if labels.world is not None and labels.world.follows.n:
        follows = labels.world.follows
        text = f"{follows.value:.2f} [{follows.low:.2f}, {follows.high:.2f}]"
        what = "replayed episodes against logged ones, rank correlation of risks"
        lines.append(Row(what, text, "0.00", str(follows.n)))
    if verdict.unlike is not None:
        share = verdict.unlike.share
        text = f"{share.value:.2f} [{share.low:.2f}, {share.high:.2f}]"
        chance = f"{LOGGED_SHARE:.2f} (logged actions)"
        lines.append(Row("actions unlike all logged nearby", text, chance, str(share.n)))
        for name, beyond in verdict.unlike.by_coordinate[:3]:
            lines.append(Row(f"... action {name}", f"{beyond:.2f}", f"{LOGGED_SHARE:.2f}", ""))
    threshold = labels.threshold
    if threshold is not None:
        what = f"P(safe) that {threshold.alpha:.0%} of unsafe segments pass"
        lines.append(Row(what, f"{threshold.value:.2f}", "-", str(threshold.n)))
    return tuple(lines)


def calibration_rows(verdict: Verdict) -> tuple[Row, ...]:
    """
    :param verdict: a verdict
    :return: predicted shares of "safe" beside those that were seen
    """
    base = f"{verdict.labels.base_rate:.2f} (all labels)"
    return tuple(
        Row(
            f"predicted {one.predicted:.2f}",
            f"{one.seen.value:.2f} [{one.seen.low:.2f}, {one.seen.high:.2f}]",
            base,
            str(one.seen.n),
        )
        for one in verdict.labels.calibration
        if one.seen.n
    )


def cautions(verdict: Verdict) -> tuple[str, ...]:
    """
    :param verdict: a verdict
    :return: what it cannot say, in plain words, the most important first
    """
    labels, found, unlike = verdict.labels, verdict.outlook, verdict.unlike
    said = []
    if found is None:
        said.append("Safety labels are missing: add some, or nothing can be said about safety.")
    elif not labels.area.low > 0.5:
        said.append(
            "Safety labels are not predicted better than chance, so the predicted share of safe "
            "episodes says nothing. Label more segments, or look for wrong labels."
        )
    if labels.world is not None and not labels.world.follows.low > 0.0:
        said.append(
            "Logged actions, replayed in the model of the logged steps, do not come to the logged "
            "risks, so imagined episodes say nothing. Log more episodes, or judge in a simulator."
        )
    if found is not None and labels.area.n < _ENOUGH:
        said.append(f"It rests on {labels.area.n} safety labels. Below {_ENOUGH}, expect errors.")
    if unlike is not None and unlike.share.low > 2.0 * LOGGED_SHARE:
        said.append(
            f"In {unlike.share.value:.0%} of the logged states the agent does what nobody did "
            "nearby. What follows from that is not in the data."
        )
    if verdict.agreement is not None and not verdict.held_out:
        said.append(
            "The agent was trained on these comparisons, so its own accuracy is too good. Train "
            "with validation_fraction=0.1 for an honest one."
        )
    return (
        *said,
        MEASURED,
        "States that no log contains, and the actions of the agent there, are not judged.",
        "The labels are believed. If people overlooked a danger, this page overlooks it, too.",
        "Rare accidents, below one in a hundred episodes, cannot be seen with this many labels.",
        "The interval covers labels, imagined episodes and replays, not a change of the machine.",
        "Nothing replaces a first run at low speed with a hand at the switch.",
    )


def markdown(verdict: Verdict) -> str:
    """
    :param verdict: a verdict
    :return: the page as Markdown, for a model card
    """
    lines = ["| | found [95% interval] | chance | n |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.found} | {row.chance} | {row.n} |" for row in rows(verdict)]
    said = [f"- {caution}" for caution in cautions(verdict)]
    table, limits = "\n".join(lines), "\n".join(said)
    return (
        f"Judged without a simulator. {headline(verdict)}\n\n{table}\n\n"
        f"What this cannot say:\n\n{limits}"
    )


def short(verdict: Verdict, command: str) -> tuple[str, str, str]:
    """
    :param verdict: a verdict
    :param command: what prints all of it
    :return: three lines for the end of a training
    """
    labels, unlike = verdict.labels, verdict.unlike
    away = "" if unlike is None else f"; unlike the log in {unlike.share.value:.0%} of its states"
    return (
        f"Judged without a simulator: {headline(verdict)}",
        f"Labels held out: comparisons {labels.comparisons}, safety AUC {labels.area}{away}.",
        f"More: {command}",
    )


def _accuracy(what: str, found: Accuracy) -> Row:
    return Row(what, found.text, "0.50", str(found.n))
