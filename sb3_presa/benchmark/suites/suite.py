"""A suite: the algorithms to train on a grid of tasks, cost limits and seeds."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from sb3_presa.arguments import LARGEST_SEED
from sb3_presa.benchmark.suites.cell import Cell, Labels
from sb3_presa.benchmark.suites.suite_yaml import Place, load_yaml
from sb3_presa.envs.tasks import find_task
from sb3_presa.errors import ConfigError
from sb3_presa.registry import (
    GIVEN,
    algorithm_class,
    preset_of,
    settings_of,
    with_settings,
)
from sb3_presa.trust import require_trust

MIDDLE = "middle"
_LABELS = tuple(item.name for item in fields(Labels))
_SHARES = tuple(name for name in _LABELS if name.startswith(("flip", "unlabelled")))
_RESOURCES = ("cpus", "gpus")
_TRAINING = ("labels", "steps", "n_episodes", "resources", "device")
_SELECTION = ("tasks", "cost_limits", "seeds")
_TOP = ("name", "tasks", "cost_limits", "seeds", "algorithms", "sweeps", "retries", *_TRAINING)
_ALGORITHM = ("class", "preset", "settings", *_SELECTION, *_TRAINING)
_SWEEP = ("vary", "values", "algorithms", *_SELECTION)
_DEVICES = ("cpu", "cuda")
#: Arguments of a constructor that the engine sets itself.
_OWN = GIVEN | {"cost_limit"}


@dataclass(frozen=True)
class Suite:
    """
    A benchmark, ready to run.

    :param name: name of its results
    :param cells: the cells to run, in this order; each once
    :param retries: number of retries of a failed cell
    :param others: cells of the suite that are not run now
    """

    name: str
    cells: tuple[Cell, ...]
    retries: int = 1
    others: tuple[Cell, ...] = ()

    def only(self, algorithms: Collection[str] = (), tasks: Collection[str] = ()) -> "Suite":
        """
        :param algorithms: names of algorithms to keep; all if empty
        :param tasks: names of tasks to keep; all if empty
        :return: the suite without the others
        :raises ConfigError: if a name is not in the suite
        """
        kept = list(self.cells)
        for what, wanted in (("algorithm", algorithms), ("task", tasks)):
            there = dict.fromkeys(getattr(cell, what) for cell in self.cells)
            for name in wanted:
                if name not in there:
                    raise ConfigError(
                        f"the {what} must be one of {', '.join(map(repr, there))}, got {name!r} "
                        f"(suite {self.name})"
                    )
            kept = [cell for cell in kept if not wanted or getattr(cell, what) in wanted]
        chosen = {cell.key for cell in kept}
        others = tuple(cell for cell in self.cells if cell.key not in chosen)
        return replace(self, cells=tuple(kept), others=(*self.others, *others))

    def check_algorithms(self) -> None:
        """
        Checks classes and their settings; imports the classes and makes an instance of each.

        :raises ConfigError: if a class or a setting is unknown, or a value is out of range
        """
        for cell in {(cell.algorithm, cell.class_name): cell for cell in self.cells}.values():
            try:
                algorithm_class(cell.class_name)
            except ConfigError as error:
                raise ConfigError(
                    f"suite {self.name}: algorithms.{cell.algorithm}: {error}"
                ) from error
        different = {(cell.algorithm, json.dumps(dict(cell.settings))): cell for cell in self.cells}
        for cell in different.values():
            self._check_settings(cell)

    def _check_settings(self, cell: Cell) -> None:
        where = f"suite {self.name}: algorithms.{cell.algorithm}"
        algorithm = algorithm_class(cell.class_name)
        allowed = set(settings_of(algorithm)) - _OWN
        for name in cell.settings:
            if name not in allowed:
                raise ConfigError(
                    f"{where}: settings of {cell.class_name} must be among "
                    f"{', '.join(sorted(allowed))}, got {name!r}"
                )
        try:
            limit = {"cost_limit": cell.cost_limit} if "outcomes" in algorithm.needs else {}
            # Without spaces it makes no network
            algorithm("auto", None, device="cpu", **limit, **cell.settings)  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{where} cannot be made with these settings: {error}") from error


@dataclass(frozen=True)
class _Task:
    """A task of a suite; its cost limits ascend."""

    name: str
    dataset: str
    env: str | None
    cost_limits: tuple[float, ...]


@dataclass(frozen=True)
class _Selection:
    """The part of a suite's grid for an algorithm or a sweep; ``None`` is all of it."""

    tasks: tuple[str, ...] | None = None
    cost_limits: tuple[float, ...] | str | None = None
    seeds: tuple[int, ...] | None = None

    def within(self, other: "_Selection") -> "_Selection":
        """This selection, completed by ``other``."""
        return _Selection(
            self.tasks or other.tasks,
            self.cost_limits or other.cost_limits,
            self.seeds or other.seeds,
        )

    def limits_of(self, task: _Task) -> tuple[float, ...]:
        if self.cost_limits is None:
            return task.cost_limits
        if isinstance(self.cost_limits, str):
            return (task.cost_limits[len(task.cost_limits) // 2],)
        return self.cost_limits


@dataclass(frozen=True)
class _Training:
    """The fields of a cell except its place in the grid."""

    labels: Labels = field(default_factory=Labels)
    steps: int | None = None
    n_episodes: int = 20
    cpus: float = 1.0
    gpus: float = 0.0
    device: str = "cpu"


@dataclass(frozen=True)
class _Algorithm:
    """An algorithm of a suite."""

    name: str
    class_name: str
    settings: Mapping[str, Any]
    selection: _Selection
    training: _Training


def load_suite(path: Path, trust: bool = False) -> Suite:
    """
    :param path: a suite's YAML file
    :param trust: whether the suite may name any code: algorithms and environments of modules that
        are not imported here, and environments of datasets that are not registered here
    :return: the suite. Its cells are those of the comparison, seed by seed, so that an unfinished
        run has each algorithm on the same cells, then those of the sweeps. Each cell occurs once
    :raises ConfigError: if the file is not a suite; the message names file, key, value and
        constraint. Classes and settings are checked by :meth:`Suite.check_algorithms`
    """
    file = Place(path)
    content = file.mapping(load_yaml(path), _TOP)
    for key in ("tasks", "algorithms", "seeds"):
        if content.get(key) is None:
            file.at(key).refuse(None, "given in every suite")
    name = file.at("name").text(content.get("name", path.stem))
    if set(name) & set("/\\") or name.startswith("."):
        file.at("name").refuse(name, "a valid file name")
    limits = content.get("cost_limits")
    general = None if limits is None else _limits(file.at("cost_limits"), limits)
    tasks = _tasks(file.at("tasks"), content["tasks"], general)
    for task in tasks.values():
        require_trust(task.env or "", trust, f"{path}: tasks.{task.name}.env")
    seeds = _seeds(file.at("seeds"), content["seeds"])
    training = _training(file, content, _Training())
    algorithms = _algorithms(file.at("algorithms"), content["algorithms"], tasks, training, trust)
    everything = _Selection(tuple(tasks), None, seeds)
    cells = [
        cell
        for algorithm in algorithms.values()
        for cell in _grid(
            algorithm,
            tasks,
            algorithm.selection.within(everything),
            file.at("algorithms").at(algorithm.name),
        )
    ]
    order = {name: index for index, name in enumerate(tasks)}
    rank = {seed: index for index, seed in enumerate(seeds)}
    cells.sort(key=lambda cell: (rank.get(cell.seed, len(rank)), order[cell.task], cell.cost_limit))
    sweeps = content.get("sweeps")
    for index, sweep in enumerate([] if sweeps is None else file.at("sweeps").list(sweeps)):
        cells += _sweep(file.at("sweeps").at(index), sweep, tasks, algorithms, everything)
    retries = file.at("retries").whole(content.get("retries", 1), 0)
    cells = [replace(cell, trust=trust) for cell in cells]
    return Suite(name, tuple(_each_once(path, cells)), retries)


def _each_once(path: Path, cells: list[Cell]) -> Iterator[Cell]:
    seen: dict[str, Cell] = {}
    for cell in cells:
        same = seen.setdefault(cell.key, cell)
        if same is cell:
            yield cell
        elif same.algorithm != cell.algorithm:
            raise ConfigError(
                f"{path}: each agent must have one name, got algorithms.{same.algorithm} and "
                f"algorithms.{cell.algorithm} for the same agent on {cell.task} (cost limit "
                f"{cell.cost_limit:g}, seed {cell.seed})"
            )


def _grid(
    algorithm: _Algorithm, tasks: Mapping[str, _Task], selection: _Selection, place: Place
) -> Iterator[Cell]:
    assert selection.tasks is not None and selection.seeds is not None
    training = algorithm.training
    for seed in selection.seeds:
        for task in (tasks[name] for name in selection.tasks):
            for limit in selection.limits_of(task):
                if limit not in task.cost_limits:
                    known = ", ".join(f"{each:g}" for each in task.cost_limits)
                    place.at("cost_limits").refuse(limit, f"among those of {task.name} ({known})")
                yield Cell(
                    task=task.name,
                    dataset=task.dataset,
                    env=task.env,
                    cost_limit=limit,
                    algorithm=algorithm.name,
                    class_name=algorithm.class_name,
                    settings=algorithm.settings,
                    seed=seed,
                    labels=training.labels,
                    steps=training.steps,
                    n_episodes=training.n_episodes,
                    device=training.device,
                    cpus=training.cpus,
                    gpus=training.gpus,
                )


def _sweep(
    place: Place,
    found: object,
    tasks: Mapping[str, _Task],
    algorithms: Mapping[str, _Algorithm],
    everything: _Selection,
) -> Iterator[Cell]:
    sweep = place.mapping(found, _SWEEP)
    selection = _selection(place, sweep, tasks)
    vary = place.at("vary").text(sweep.get("vary"))
    kind, _, option = vary.partition(".")
    if kind not in ("labels", "settings") or not option:
        place.at("vary").refuse(vary, "labels.OPTION or settings.NAME")
    if kind == "labels":
        place.at("vary").one_of(option, _LABELS)
    names = place.at("algorithms").list(sweep.get("algorithms"))
    for name in names:
        place.at("algorithms").one_of(name, tuple(algorithms))
    values = place.at("values").list(sweep.get("values"))
    for index, value in enumerate(values):
        for algorithm in (algorithms[name] for name in names):
            training, settings = algorithm.training, dict(algorithm.settings)
            if kind == "labels":
                labels = _labels(place.at("values").at(index), {option: value}, training.labels)
                training = replace(training, labels=labels)
            else:
                place_, dot, inner = option.partition(".")
                changed_setting = {place_: {inner: value}} if dot else {option: value}
                settings = with_settings(settings, changed_setting)
            changed = replace(algorithm, training=training, settings=settings)
            chosen = selection.within(algorithm.selection).within(everything)
            for cell in _grid(changed, tasks, chosen, place):
                yield replace(cell, study=vary)


def _tasks(place: Place, found: object, general: tuple[float, ...] | None) -> dict[str, _Task]:
    tasks: dict[str, _Task] = {}
    for name, value in place.mapping(found).items():
        here = place.at(name)
        entry = {"dataset": value} if isinstance(value, str) else here.mapping(value)
        here.mapping(entry, ("dataset", "env", "cost_limits"))
        env = entry.get("env")
        env = None if env is None else here.at("env").text(env)
        known = find_task(env or "")
        limits = general
        if entry.get("cost_limits") is not None:
            limits = _limits(here.at("cost_limits"), entry["cost_limits"])
        elif limits is None and known is not None:
            limits = known.cost_limits
        if limits is None:
            here.at("cost_limits").refuse(None, "a list of numbers, here or at the top level")
        dataset = here.at("dataset").text(entry.get("dataset"))
        tasks[name] = _Task(name, dataset, env, limits)
    if not tasks:
        place.refuse(found, "a mapping with at least one task")
    return tasks


def _algorithms(
    place: Place, found: object, tasks: Mapping[str, _Task], training: _Training, trust: bool
) -> dict[str, _Algorithm]:
    algorithms = {}
    for name, value in place.mapping(found).items():
        here = place.at(name)
        entry = here.mapping({"class": value} if isinstance(value, str) else value, _ALGORITHM)
        settings = here.at("settings").mapping(entry.get("settings"))
        for own in _OWN.intersection(settings):
            here.at("settings").at(own).refuse(
                settings[own], "left out, since the benchmark sets it"
            )
        class_name = here.at("class").text(entry.get("class", name))
        require_trust(class_name, trust, f"{place.path}: {here.key}")
        if (preset := entry.get("preset")) is not None:
            name_of_preset = here.at("preset").text(preset)
            try:
                arguments = preset_of(algorithm_class(class_name), name_of_preset)
            except ConfigError as error:
                raise ConfigError(f"{place.path}: {here.key}: {error}") from error
            settings = with_settings(arguments, settings)
        algorithms[name] = _Algorithm(
            name,
            class_name,
            settings,
            _selection(here, entry, tasks),
            _training(here, entry, training),
        )
    if not algorithms:
        place.refuse(found, "a mapping with at least one algorithm")
    return algorithms


def _training(place: Place, entry: Mapping[str, Any], usual: _Training) -> _Training:
    changes: dict[str, Any] = {}
    if entry.get("labels") is not None:
        changes["labels"] = _labels(place.at("labels"), entry["labels"], usual.labels)
    for name in ("steps", "n_episodes"):
        if entry.get(name) is not None:
            changes[name] = place.at(name).whole(entry[name], 1)
    if entry.get("device") is not None:
        changes["device"] = place.at("device").one_of(entry["device"], _DEVICES)
    here = place.at("resources")
    for name, value in here.mapping(entry.get("resources"), _RESOURCES).items():
        changes[name] = here.at(name).number(value, 0.0)
        if name == "cpus" and changes[name] == 0.0:
            here.at(name).refuse(value, "a number greater than 0")
    training = replace(usual, **changes)
    if training.device == "cuda" and training.gpus == 0.0:
        place.at("device").refuse("cuda", "cpu, or cuda with resources.gpus greater than 0")
    return training


def _labels(place: Place, found: object, usual: Labels) -> Labels:
    entry = place.mapping(found, _LABELS)
    changes: dict[str, Any] = {}
    for name, value in entry.items():
        here = place.at(name)
        if name in _SHARES:
            changes[name] = here.number(value, 0.0, 1.0)
        elif name == "completed":
            if not isinstance(value, bool):
                here.refuse(value, "true or false")
            changes[name] = value
        elif name == "feedback":
            changes[name] = here.text(value)
        elif value is None and name == "segment_length":
            changes[name] = None
        else:
            changes[name] = here.whole(value, 1)
    if "feedback" in changes:
        if set(changes) - {"feedback", "completed"}:
            place.refuse(entry, "either feedback or options of synthetic labels")
        return Labels(**changes)
    labels = replace(usual, **{"feedback": None, **changes})
    if "length_divisor" in changes and "segment_length" not in changes:
        labels = replace(labels, segment_length=None)  # the more specific option wins
    elif changes.get("segment_length") is not None:
        if changes.get("length_divisor", 1) != 1:
            place.refuse(entry, "either segment_length or length_divisor")
        labels = replace(labels, length_divisor=1)
    return labels


def _selection(place: Place, entry: Mapping[str, Any], tasks: Mapping[str, _Task]) -> _Selection:
    names = limits = seeds = None
    if entry.get("tasks") is not None:
        names = tuple(
            place.at("tasks").one_of(name, tuple(tasks))
            for name in place.at("tasks").list(entry["tasks"])
        )
    found = entry.get("cost_limits")
    if found == MIDDLE:
        limits = found
    elif isinstance(found, str):
        place.at("cost_limits").refuse(found, f"a list of numbers or {MIDDLE!r}")
    elif found is not None:
        limits = _limits(place.at("cost_limits"), found)
    if entry.get("seeds") is not None:
        seeds = _seeds(place.at("seeds"), entry["seeds"])
    return _Selection(names, limits, seeds)


def _limits(place: Place, found: object) -> tuple[float, ...]:
    items = place.list(found)
    return tuple(sorted(place.at(i).number(item, 0.0) for i, item in enumerate(items)))


def _seeds(place: Place, found: object) -> tuple[int, ...]:
    items = enumerate(place.list(found))
    return tuple(place.at(i).whole(item, 0, LARGEST_SEED) for i, item in items)
