"""The model card: what an agent learnt from, what it is for, and what it cannot do."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sb3_presa.learning.offline_algorithm import OfflineAlgorithm

_LIMITS: Final = """\
- "Safe" is a statement about means in states that were met, not a guarantee for a single step.
- The agent knows what was logged and labelled. Elsewhere nobody has seen what it does.
- Keep limiters and emergency stops. The policy knows nothing of them.
- Labels may be wrong, and people differ in what they call safe."""


def model_card(
    model: "OfflineAlgorithm",
    name: str,
    *,
    judgement: str | None = None,
    picture: str | None = None,
    notes: str | None = None,
) -> str:
    """
    :param model: the model
    :param name: its name, as ``owner/name``
    :param judgement: what was measured, as Markdown
    :param picture: file name of a picture in the same folder
    :param notes: what its readers should know beside it, as Markdown
    :return: a README in Markdown, with the metadata that the hub reads
    """
    parts = [
        "---\nlibrary_name: stable-baselines3\npipeline_tag: reinforcement-learning\ntags:\n"
        "- reinforcement-learning\n- stable-baselines3\n- offline-reinforcement-learning\n"
        f"- safe-reinforcement-learning\n- sb3_presa\n- {model.algorithm}\n---",
        f"# {name.rsplit('/', 1)[-1]}",
        f"A {model.algorithm} agent of sb3_presa, trained for {model.num_timesteps:,} gradient "
        f"steps from {_source(model)}, without a simulator.",
    ]
    if picture is not None:
        parts.append(f"![What it does]({picture})")
    if notes is not None:
        parts.append(notes.strip())
    parts += [f"## Use\n\n{_usage(name)}", f"## Data\n\n{_data(model)}"]
    parts.append(f"## People\n\n{_people(model.trained_on)}")
    measured = judgement.strip() if judgement else "Not given."
    parts += [f"## Judgement\n\n{measured}", f"## Limits\n\n{_LIMITS}"]
    return "\n\n".join(parts) + "\n"


def _source(model: "OfflineAlgorithm") -> str:
    if "outcomes" in model.needs:
        return "logged behaviour, rewards and costs"
    if not model.needs:
        return "logged behaviour"
    labels = model.trained_on.get("labels") or {}
    if labels.get("source") == "completed":
        labels = labels["from"]
    kind = "synthetic" if labels.get("source") == "synthetic" else "human"
    return f"logged behaviour and {kind} feedback"


def _usage(name: str) -> str:
    return (
        "```python\nfrom sb3_presa.deploy.hub import load_from_hub\n\n"
        f'model = load_from_hub("{name}")\n'
        "action, _ = model.predict(observation, deterministic=True)\n```"
    )


def _data(model: "OfflineAlgorithm") -> str:
    found = model.trained_on
    rows = {
        "Dataset": found.get("dataset", "unknown"),
        "Episodes": found.get("episodes", "unknown"),
        "Steps": found.get("steps", "unknown"),
        "Observations": model.observation_space,
        "Actions": model.action_space,
    }
    for key, names in found.get("observation_names", {}).items():
        rows[f"Names of {key}" if key else "Names of coordinates"] = ", ".join(names)
    return _table(rows)


def _people(found: Mapping[str, Any]) -> str:
    """Numbers of labels, and all that their provenance says: source, people, agreement, merging."""
    labels = dict(found.get("labels") or {})
    given = labels.pop("given", found)  # of completed labels: what people said before
    rows: dict[str, Any] = {
        "Comparisons": given.get("comparisons", 0),
        "Safety labels": given.get("safety_labels", 0),
    }
    if given is not found:
        rows["Comparisons after completion"] = found.get("comparisons", 0)
        rows["Safety labels after completion"] = found.get("safety_labels", 0)
    rows |= {key.replace("_", " ").capitalize(): value for key, value in _flat(labels)}
    return _table(rows)


def _flat(value: Any, name: str = "") -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        return [] if value is None else [(name or "source", value)]
    return [pair for key, part in value.items() for pair in _flat(part, f"{name} {key}".strip())]


def _table(rows: Mapping[str, Any]) -> str:
    def cell(value: Any) -> str:
        text = f"{value:,}" if isinstance(value, int) else str(value)
        return " ".join(text.split()).replace("|", r"\|").replace("<", "&lt;")

    return "\n".join(
        ["| | |", "|---|---|", *(f"| {cell(k)} | {cell(v)} |" for k, v in rows.items())]
    )
