"""Which columns of a log are what: by name, by pattern, or by the names that everybody uses."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import TypeAlias

from sb3_presa.data.formats.table import split_unit
from sb3_presa.errors import ConfigError

Patterns: TypeAlias = str | Sequence[str]

#: Names of columns that are understood without being asked for, the first that is there.
USUAL: Mapping[str, tuple[str, ...]] = {
    "observations": (
        "observations", "observation", "obs", "observation.state", "state", "states",
        "observation_*", "observation.*", "obs_*", "state_*",
    ),
    "actions": ("actions", "action", "action_*", "action.*"),
    "reward": ("reward", "rewards", "next.reward"),
    "cost": ("cost", "costs"),
    "episode": ("episode", "episode_id", "episode_index"),
    "end": ("terminated", "terminations", "terminals", "terminal", "done", "dones", "next.done"),
    "truncated": ("truncated", "truncations", "truncation", "timeouts", "timeout"),
    "time": ("timestamp", "time"),
}  # fmt: skip
#: Ends of these names are set where an episode was cut off, too.
DONE = ("done", "dones", "next.done")
_MANY = ("observations", "actions", "keep")


@dataclass(frozen=True)
class Roles:
    """The columns of a log by what they are. What is None is looked for under its usual names.

    :param observations: names or patterns by the key of a Dict space, ``""`` for one array. A
        pattern takes columns in the order of the file.
    :param actions: names or patterns.
    :param reward: the column of rewards.
    :param cost: the column of costs.
    :param episode: the column that tells episodes apart.
    :param end: the column of flags that mark where a task ended.
    :param truncated: the column of flags that mark where an episode was cut off.
    :param time: the column of times, which must increase.
    :param keep: names or patterns of columns that are facts about a whole episode.
    """

    observations: Mapping[str, tuple[str, ...]] | None = None
    actions: tuple[str, ...] | None = None
    reward: str | None = None
    cost: str | None = None
    episode: str | None = None
    end: str | None = None
    truncated: str | None = None
    time: str | None = None
    keep: tuple[str, ...] | None = None

    def over(self, other: "Roles") -> "Roles":
        """These, and those of another where these say nothing.

        :param other: what counts where these are None.
        """
        values = {
            each.name: getattr(other, each.name)
            if getattr(self, each.name) is None
            else getattr(self, each.name)
            for each in fields(self)
        }
        return Roles(**values)


@dataclass(frozen=True)
class Chosen:
    """Names of columns that are there, by what they are.

    :param observations: by the key of a Dict space, ``""`` for one array.
    :param actions: in their order.
    :param single: reward, cost, episode, end, truncated and time, those that there are.
    :param keep: facts about a whole episode.
    """

    observations: Mapping[str, tuple[str, ...]]
    actions: tuple[str, ...]
    single: Mapping[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ()

    def all(self) -> Iterator[str]:
        """Every name that is chosen."""
        for names in self.observations.values():
            yield from names
        yield from (*self.actions, *self.single.values(), *self.keep)


def patterns(given: Patterns | None) -> tuple[str, ...] | None:
    """Names and patterns, as a user gives them.

    :param given: a text, in which commas separate, or a list.
    """
    if given is None:
        return None
    parts = given.split(",") if isinstance(given, str) else given
    return tuple(part.strip() for part in parts if part.strip())


def choose(roles: Roles, names: Sequence[str], where: str) -> Chosen:
    """Find the columns of a table.

    :param roles: what they are called.
    :param names: of all columns.
    :param where: the file, for messages.
    :raises ConfigError: if a name is not there, a pattern takes nothing, a column is taken twice,
        or there are no observations or no actions.
    """
    if roles.observations is None:
        observations = {"": _usual("observations", names, where)}
    else:
        observations = {
            key: _matching(parts, names, "observations", where)
            for key, parts in roles.observations.items()
        }
    if roles.actions is None:
        actions = _usual("actions", names, where)
    else:
        actions = _matching(roles.actions, names, "actions", where)
    single = {
        each: found
        for each in USUAL
        if each not in _MANY and (found := _one(each, getattr(roles, each), names, where))
    }
    chosen = Chosen(
        observations,
        actions,
        single,
        _matching(roles.keep, names, "keep", where) if roles.keep else (),
    )
    _check_disjoint(chosen, where)
    return chosen


def _check_disjoint(chosen: Chosen, where: str) -> None:
    learnt = [name for part in chosen.observations.values() for name in part]
    for name in (chosen.single.get("reward"), chosen.single.get("cost")):
        if name in learnt:
            raise ConfigError(
                f"observations must not hold the column of rewards or costs, which a policy does "
                f"not see, got '{name}' ({where}); leave it out of the pattern"
            )
    for name in chosen.actions:
        if name in learnt:
            raise ConfigError(
                f"a column must be an observation or an action, got '{name}' as both ({where}); "
                "leave it out of a pattern"
            )


def _usual(role: str, names: Sequence[str], where: str) -> tuple[str, ...]:
    for pattern in USUAL[role]:
        if found := tuple(name for name in names if fnmatchcase(name, pattern)):
            return found
    raise ConfigError(
        f"`{role}` must name columns of {where}, but none is called {USUAL[role][0]} or "
        f"{USUAL[role][-1]}. It has {_listed(names)}"
    )


def _matching(given: Sequence[str], names: Sequence[str], role: str, where: str) -> tuple[str, ...]:
    taken: dict[str, None] = {}
    for pattern in given:
        # A name such as position[0] is itself before it is a pattern
        plain = split_unit(pattern)[0]
        found = next(([word] for word in (pattern, plain) if word in names), None)
        found = found or [name for name in names if fnmatchcase(name, pattern)]
        if not found:
            raise ConfigError(
                f"`{role}` must name columns of {where}, got '{pattern}'. It has {_listed(names)}"
            )
        taken.update(dict.fromkeys(found))
    if not taken:
        raise ConfigError(f"`{role}` must name at least one column of {where}, got none")
    return tuple(taken)


def _one(role: str, given: str | None, names: Sequence[str], where: str) -> str | None:
    if given is None:
        return next((name for name in USUAL[role] if name in names), None)
    if not given:
        return None
    for word in (given, split_unit(given)[0]):
        if word in names:
            return word
    raise ConfigError(
        f"`{role}` must name a column of {where}, got '{given}'. It has {_listed(names)}"
    )


def _listed(names: Sequence[str], most: int = 20) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "no column") + more
