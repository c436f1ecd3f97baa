"""``sb3-presa annotate``: the labelling page."""

import getpass
import os
import re
import shlex
import sys
import warnings
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sb3_presa.cli.console import parse_settings
from sb3_presa.cli.datasets import Dataset
from sb3_presa.errors import ConfigError

if TYPE_CHECKING:
    from minari import MinariDataset

    from sb3_presa.annotation.answers.answer import Answer
    from sb3_presa.annotation.asking.desk import Desk

#: Episodes whose reading takes so long that a line says so: some milliseconds each.
_MANY_EPISODES: Final = 1000


def annotate(
    dataset: Dataset,
    feedback: Annotated[str, typer.Option(help="Name of the labels.")] = "people",
    annotator: Annotated[
        list[str] | None,
        typer.Option(help="Name of a person; repeat it for a team.", show_default="you"),
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(
            help="Choice of pairs: random, disagreement, uncertainty, mixed, coverage, ranking."
        ),
    ] = "random",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the strategy as KEY=VALUE.")
    ] = None,
    segment_length: Annotated[
        int, typer.Option(min=1, help="Steps of a clip; shorter episodes are shown as a whole.")
    ] = 100,
    pairs: Annotated[int, typer.Option(min=1, help="Pairs per person.")] = 100,
    overlap: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the pairs that all people are asked.")
    ] = 0.2,
    group: Annotated[
        int, typer.Option(help="Clips shown at once: 2, or 4 to put in an order.")
    ] = 2,
    guess: Annotated[
        bool,
        typer.Option(
            "--guess/--no-guess", help="Select what a model expects; Enter accepts, keys change."
        ),
    ] = False,
    blind: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the questions whose guess is kept back.")
    ] = 0.2,
    repeats: Annotated[
        float, typer.Option(min=0, max=1, help="Share of a person's pairs that are hidden repeats.")
    ] = 0.0,
    known: Annotated[
        Path | None,
        typer.Option(help="Questions with the answers that you know, hidden, as .csv or .jsonl."),
    ] = None,
    doubts: Annotated[
        Path | None,
        typer.Option(help="Questions to ask again, from complete --doubts-to."),
    ] = None,
    instructions: Annotated[
        Path | None,
        typer.Option(help="Markdown file that explains the task.", show_default="a general text"),
    ] = None,
    consent: Annotated[
        Path | None,
        typer.Option(help="Markdown file that people must agree to before they answer."),
    ] = None,
    completion_code: Annotated[
        str,
        typer.Option(help="Shown to who has finished; {person} becomes a code of that person."),
    ] = "",
    title: Annotated[
        str | None, typer.Option(help="Heading of the page.", show_default="the dataset's id")
    ] = None,
    tags: Annotated[
        str, typer.Option(help="Reasons that people may choose, as 'too close,jerky'.")
    ] = "",
    clips: Annotated[
        str,
        typer.Option(
            help="camera, replay, frames, plot, module:function, or auto: the first that works."
        ),
    ] = "auto",
    curves: Annotated[
        str | None,
        typer.Option(
            help="Columns drawn as curves, as in 'speed,gap,*obstacle*'; '' for none.",
            show_default="8 for clips without pictures, else none",
        ),
    ] = None,
    track: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns of the position seen from above, as in x,y; repeat it for obstacles, as "
            "in 'obstacle*_x,obstacle*_y'; '' for none.",
            show_default="by the names of columns",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the strategy.")] = 0,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Processes that draw clips.", show_default="all processors but one, up to 4"
        ),
    ] = None,
    ahead: Annotated[int, typer.Option(min=2, help="Pairs prepared in advance per person.")] = 5,
    cache: Annotated[
        Path | None, typer.Option(help="Folder for clips.", show_default="the user's cache")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to serve at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any free port.")] = 8765,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="SB3_PRESA_TOKEN",
            help="Secret of the personal links; a fixed one keeps them valid after a restart.",
            show_default="new each time",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A further accepted host name, such as a proxy's."),
    ] = None,
    trust: Annotated[
        bool,
        typer.Option("--trust", help="Replay in any environment that the dataset names."),
    ] = False,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
) -> None:
    """Open a page on which people compare clips and judge their safety."""
    try:
        from sb3_presa.annotation.asking.desk import DeskOptions
        from sb3_presa.annotation.web import service
        from sb3_presa.annotation.web.gate import OWNER, is_loopback, new_secret
        from sb3_presa.annotation.web.server import PageText
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the page needs {error.name}; install the extra 'annotate' (in a checkout: "
            'pip install ".[annotate]")'
        ) from error
    from sb3_presa.annotation.answers.people import composed, warn_of_alike
    from sb3_presa.annotation.asking.strategies import strategy_defaults
    from sb3_presa.data import resolve_dataset

    names = [composed(name) for name in annotator or [getpass.getuser()]]
    gate = service.make_gate(names, host, token or new_secret(), allow_host or [])
    text = PageText(
        title=title or str(dataset),
        instructions=_read(instructions) if instructions else None,
        tags=tuple(tag.strip() for tag in tags.split(",")) if tags else (),
        consent=_read(consent) if consent else "",
        completion_code=completion_code,
        merge_command=shlex.join(
            ["sb3-presa", "labels", dataset, "--feedback", feedback, "--merge", "majority"]
        ),
    )
    for other in re.findall(r"\{[^{}]*\}", completion_code.replace("{person}", "")):
        warnings.warn(
            f"--completion-code is shown with {other!r} unchanged: only {{person}} stands for a "
            "code of each person",
            stacklevel=1,
        )
    opened = resolve_dataset(dataset)
    if opened.total_episodes >= _MANY_EPISODES:
        typer.echo(f"Reading {opened.total_episodes:,} episodes of {opened.id}", err=True)
    options = service.LabellingOptions(
        annotators=names,
        strategy=strategy,
        strategy_parameters=parse_settings(settings or [], strategy_defaults(strategy)),
        segment_length=segment_length,
        seed=seed,
        guess=guess,
        blind=blind,
        desk=DeskOptions(target=pairs, overlap=overlap, ahead=ahead, group=group, repeats=repeats),
        clips=clips,
        workers=workers or min(4, max(1, (os.cpu_count() or 2) - 1)),
        cache=cache or service.default_cache(),
        trust=trust,
        known=_questions(opened, known),
        doubts=_questions(opened, doubts),
        curves=curves,
        track=track,
    )
    with service.bind(host, port) as listener, service.open_desk(opened, feedback, options) as desk:
        found, way = desk
        typer.echo(f"Clips: {way['name']}" + (f" ({way['why']})" if way["why"] else ""))
        store = found.queues.store
        typer.echo(f"Answers: {store.path}")
        warn_of_alike([*names, *(answer.annotator for answer in store.answers())])
        addresses = service.links(gate, host, listener.getsockname()[1])
        for name in names:
            typer.echo(f"{name}: {addresses[name]}")
        typer.echo(f"Owner's view: {addresses[OWNER]}")
        typer.echo(
            "Links are personal: anyone with a link answers as that person. Stop with Ctrl+C."
        )
        if browser and sys.stdout.isatty() and is_loopback(host):
            webbrowser.open(addresses[names[0]])
        service.serve(found, gate, text, listener)
        _print_end(found)


def _questions(dataset: "MinariDataset", path: Path | None) -> "list[Answer]":
    from sb3_presa.annotation.answers.exchange import import_questions
    from sb3_presa.data import load_transitions

    return [] if path is None else import_questions(path, load_transitions(dataset))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} must be UTF-8 text: {error}") from error


def _print_end(desk: "Desk") -> None:
    for name in desk.annotators:
        typer.echo(f"{name}: {desk.queues.progress(name).answered} pairs answered")
    refused = desk.queues.refused()
    if refused:
        reasons = "; ".join(sorted(set(refused.values()))[:3])
        typer.echo(f"{len(refused)} clips could not be shown: {reasons}")
