"""An agent that is watched: the learnt risk of each step, and its distance from the data."""

import json
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Protocol, Self, TypeAlias

import gymnasium as gym
import numpy as np
import safetensors.numpy
from gymnasium import spaces
from minari.serialization import deserialize_space, serialize_space
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from sb3_presa.completion.accuracy import Accuracy
from sb3_presa.completion.features import Floats, flat_values, step_vectors
from sb3_presa.completion.step_risk import Singles, StepRisk
from sb3_presa.data.datasets import DatasetLike, resolve_dataset
from sb3_presa.data.episodes import load_transitions
from sb3_presa.data.transitions import Transitions
from sb3_presa.envs.reset_info import without_costs
from sb3_presa.errors import ConfigError, StoppedError
from sb3_presa.feedback.table import Feedback
from sb3_presa.files import check_writable, write_bytes
from sb3_presa.policies.spaces import check_fits

#: Logged steps that a step is compared with, and logged steps that thresholds are taken from.
_N_NEIGHBOURS: Final = 1_024
_N_JUDGED: Final = 8_192
_FORMAT: Final = 1
_ONE: Final = np.ones(1)
_KEY: Final = "sb3_presa_monitor"


class Acting(Protocol):
    """Anything with SB3's ``predict``: a model, a policy, another monitor."""

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[Any], Any]:
        """Actions for observations, as in SB3."""


#: What takes over, or what to do: warn, or stop.
OnAlarm: TypeAlias = Literal["warn", "stop"] | Acting | Callable[[Any], Any]


class Reading(NamedTuple):
    """The verdict of a monitor on one step, or of each step of a batch, (N,)."""

    risk: Any  #: learnt risk; 1 is the boundary between steps of safe segments and of unsafe ones
    distance: Any  #: from the nearest logged step, in standard deviations a coordinate
    alarm: Any  #: whether either is beyond its threshold


@dataclass(frozen=True, eq=False)
class Thresholds:
    """
    :param risk: highest risk without an alarm
    :param distance: largest distance without an alarm
    :param quantile: the share of the logged steps that lie below
    """

    risk: float
    distance: float
    quantile: float


class SafetyMonitor:
    """
    Watches an agent. Each step is an observation with the action for it. Its risk comes from the
    safety labels (the models of label completion); its distance is that from the nearest of 1,024
    logged steps. An alarm is a risk or a distance beyond a quantile of the logs themselves: of
    distances, over steps of other episodes; of risks, over steps that are labelled safe. Labels
    that models which have not seen them contradict do not count.

    Make one with :meth:`fit`, or :meth:`load` it.

    :param model: the agent, anything with SB3's ``predict``
    :param on_alarm: ``"warn"`` gives a ``UserWarning``, ``"stop"`` raises a ``StoppedError``;
        a policy or a function of the observation acts in place of the agent at that step
    """

    last: Reading | None

    def __init__(
        self,
        model: Acting,
        risk: StepRisk,
        neighbours: Singles,
        mean: Floats,
        scale: Floats,
        thresholds: Thresholds,
        accuracy: Accuracy,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        on_alarm: OnAlarm = "warn",
    ) -> None:
        self.model, self.risk, self.on_alarm = model, risk, on_alarm
        self.neighbours, self.mean, self.scale = neighbours, mean, scale
        self.thresholds, self.accuracy = thresholds, accuracy
        self.observation_space, self.action_space = observation_space, action_space
        self.last = None
        # Squared distances without the step's own square; inputs end in a 1
        self._of_square = np.vstack([-2.0 * neighbours.T, np.square(neighbours).sum(axis=1)])
        self._mean, self._scale = np.append(mean, 0.0), np.append(scale, 1.0)
        self._plain = isinstance(observation_space, spaces.Box) and isinstance(
            action_space, spaces.Box
        )
        self._plain = self._plain and len(observation_space.shape or ()) < 3

    @classmethod
    def fit(
        cls,
        model: Acting,
        dataset: DatasetLike,
        feedback: str | Feedback = "default",
        *,
        quantile: float = 0.99,
        on_alarm: OnAlarm = "warn",
        seed: int = 0,
    ) -> Self:
        """
        :param model: the agent, anything with SB3's ``predict``
        :param dataset: what was logged: a Minari dataset, its id, or its folder
        :param feedback: safety labels, or the name of the set beside the dataset
        :param quantile: share of the logs, in (0, 1), that lies below the thresholds
        :param on_alarm: ``"warn"``, ``"stop"``, a policy, or a function of the observation
        :param seed: seed of features and samples
        :return: the monitor
        :raises FeedbackError: without safety labels
        :raises ConfigError: for an argument out of its range
        :raises DatasetError: if the dataset has other spaces than the model
        """
        _check_acting(model, on_alarm)
        if not 0.0 < quantile < 1.0:
            raise ConfigError(f"`quantile` must be in (0, 1), got {quantile!r}")
        found = resolve_dataset(dataset)
        transitions = load_transitions(found)
        check_fits(model, transitions.observation_space, transitions.action_space, "dataset")
        if isinstance(feedback, str):
            feedback = Feedback.load(found, feedback)
        risk, mean, scale, accuracy, doubted = StepRisk.fit(transitions, feedback, seed)
        if not accuracy.above_chance:
            warnings.warn(
                f"the learnt risk is not better than chance at labels that it has not seen "
                f"({accuracy}): its alarms mean little. Label more segments",
                stacklevel=2,
            )
        # What never varied in the logs counts in its own unit, should it vary now
        scale = np.where(scale > 0.0, scale, 1.0)
        near, judged = _split(transitions, np.random.default_rng([0xD2, seed]))
        monitor = cls(
            model,
            risk,
            ((step_vectors(transitions, near) - mean) * scale).astype(np.float32),
            mean,
            scale,
            Thresholds(np.inf, np.inf, quantile),
            accuracy,
            transitions.observation_space,
            transitions.action_space,
            on_alarm,
        )
        safe = _rows_labelled_safe(transitions, feedback, doubted, seed)
        _, distances = monitor._readings(_with_one(step_vectors(transitions, judged)))
        risks, _ = monitor._readings(
            _with_one(step_vectors(transitions, safe if len(safe) else judged))
        )
        monitor.thresholds = Thresholds(
            float(np.quantile(risks, quantile)), float(np.quantile(distances, quantile)), quantile
        )
        return monitor

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[Any], Any]:
        """
        The agent's action, or another where there is an alarm; :attr:`last` has the reading.

        :param observation: one observation or a batch, as for SB3's ``predict``
        :param state: as for SB3's ``predict``
        :param episode_start: as for SB3's ``predict``
        :param deterministic: the most likely action, not a sample
        :return: the action, and ``state``
        :raises StoppedError: at an alarm, with ``on_alarm="stop"``
        """
        action, state = self.model.predict(observation, state, episode_start, deterministic)
        reading = self.read(observation, action)
        if reading.alarm is not False and np.any(reading.alarm):
            action = self.act_on_alarm(reading, observation, action)
        return action, state

    def read(self, observation: Any, action: NDArray[Any]) -> Reading:
        """
        :param observation: one observation or a batch
        :param action: the action for each
        :return: risk, distance, and whether that is an alarm; also in :attr:`last`
        """
        action = np.asarray(action)
        limit = self.thresholds
        if action.shape == self.action_space.shape:
            logit, square = self._judge(self._one(observation, action))
            # Numbers of Python: on single ones, NumPy takes ten times as long
            x, distance = float(logit), math.sqrt(max(float(square), 0.0))
            risk = max(x, 0.0) + math.log1p(math.exp(-abs(x)))
            # Written so that NaN, which is not below, is an alarm
            calm = risk <= limit.risk and float(square) <= limit.distance**2
            self.last = Reading(risk, distance, not calm)
        else:
            risks, distances = self._readings(self._many(observation, action))
            within = (risks <= limit.risk) & (distances <= limit.distance)
            self.last = Reading(risks, distances, ~within)
        return self.last

    def act_on_alarm(
        self, reading: Reading, observation: Any, action: NDArray[Any]
    ) -> NDArray[Any]:
        """
        :param reading: a reading with an alarm
        :param observation: the observation
        :param action: what the agent would do
        :return: what is done
        :raises StoppedError: with ``on_alarm="stop"``
        """
        if isinstance(self.on_alarm, str):
            if self.on_alarm == "stop":
                raise StoppedError(self._words(reading))
            warnings.warn(self._words(reading), stacklevel=3)
            return action
        other = self._other_action(observation)
        if isinstance(reading.alarm, bool | np.bool_):
            return other
        alarm = np.asarray(reading.alarm).reshape(-1, *(1 for _ in action.shape[1:]))
        return np.where(alarm, other, action).astype(action.dtype)

    def _other_action(self, observation: Any) -> NDArray[Any]:
        other: Any = self.on_alarm
        if hasattr(other, "predict"):
            acted = other.predict(observation, deterministic=True)[0]
        else:
            acted = other(observation)
        dtype = self.action_space.dtype if isinstance(self.action_space, spaces.Box) else None
        return np.asarray(acted, dtype)

    def _words(self, reading: Reading) -> str:
        risk, distance = np.max(reading.risk), np.max(reading.distance)
        return (
            f"the agent is beyond what was logged: risk {risk:.3g} (threshold "
            f"{self.thresholds.risk:.3g}), distance {distance:.3g} (threshold "
            f"{self.thresholds.distance:.3g})"
        )

    def wrap(self, env: gym.Env[Any, Any]) -> "MonitoredEnv":
        """
        :param env: an environment
        :return: the same, whose steps are watched, see :class:`MonitoredEnv`
        """
        return MonitoredEnv(env, self)

    def _one(self, observation: Any, action: NDArray[Any]) -> Floats:
        """One step with a 1 behind it, (d + 1,)."""
        if self._plain:
            parts = [np.asarray(observation).ravel(), action.ravel(), _ONE]
            return np.concatenate(parts, dtype=np.float64)
        if isinstance(observation, Mapping):
            many: Any = {key: np.asarray(values)[None] for key, values in observation.items()}
        else:
            many = np.asarray(observation)[None]
        return np.asarray(self._many(many, action[None])[0])

    def _many(self, observation: Any, action: NDArray[Any]) -> Floats:
        """Steps with a 1 behind each, (N, d + 1)."""
        parts = [
            flat_values(np.asarray(observation if key is None else observation[key]), space)
            for key, space in _by_key(self.observation_space)
        ]
        return _with_one(np.concatenate([*parts, flat_values(action, self.action_space)], axis=1))

    def _judge(self, inputs: Floats) -> tuple[Singles, Singles]:
        """Logit of the risk, and the square of the distance, of steps with a 1 behind, (...)."""
        # The mean is taken off in float64: a small spread at a large offset survives
        standard = ((inputs - self._mean) * self._scale).astype(np.float32)
        squares = (standard @ self._of_square).min(axis=-1)
        squares = squares + np.einsum("...i,...i->...", standard, standard) - np.float32(1.0)
        return self.risk.logits(standard), squares / np.float32(len(self.mean))

    def _readings(self, inputs: Floats) -> tuple[Singles, Singles]:
        """Risks and distances of steps with a 1 behind, (N,) each."""
        logits, squares = self._judge(inputs)
        with np.errstate(invalid="ignore"):  # NaN stays NaN
            risks = np.logaddexp(np.float32(0.0), logits)
            return risks, np.sqrt(np.maximum(squares, np.float32(0.0)))

    # --- files ------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """
        Writes the monitor, without the agent and without what acts in its place: numbers, and
        ``on_alarm`` where it is a word.

        :param path: the file, ``.safetensors`` as a rule; written whole or not at all. Its folder
            is made if it is missing
        :raises ConfigError: if it cannot be written
        """
        check_writable(Path(path))
        arrays = {f"risk.{name}": getattr(self.risk, name) for name in _RISK_ARRAYS}
        arrays |= {"neighbours": self.neighbours, "mean": self.mean, "scale": self.scale}
        facts = {
            "format": _FORMAT,
            "thresholds": vars(self.thresholds),
            "accuracy": vars(self.accuracy),
            "on_alarm": self.on_alarm if isinstance(self.on_alarm, str) else None,
            "observation_space": serialize_space(self.observation_space),
            "action_space": serialize_space(self.action_space),
        }
        # Contiguous: of others, safetensors would write the memory under the logical shape
        whole = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
        write_bytes(Path(path), safetensors.numpy.save(whole, {_KEY: json.dumps(facts)}))

    @classmethod
    def load(cls, path: str | Path, model: Acting, *, on_alarm: OnAlarm | None = None) -> Self:
        """
        :param path: what :meth:`save` wrote; nothing in it is run
        :param model: the agent
        :param on_alarm: as for the constructor; by default what was saved. It must be given where
            a policy or a function acted, which no file holds
        :return: the monitor
        :raises ConfigError: for any other file, a model without ``predict``, or one of other spaces
        """
        _check_acting(model, "warn" if on_alarm is None else on_alarm)
        if not Path(path).is_file():
            raise ConfigError(f"`path` must be the file of a monitor, got {path}, which is missing")
        try:
            with safe_open(path, framework="numpy") as file:
                facts = json.loads((file.metadata() or {})[_KEY])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if facts["format"] != _FORMAT:
                raise ValueError(f"its format must be {_FORMAT}, got {facts['format']}")
            saved = facts.get("on_alarm", "warn")
            monitor = cls(
                model,
                StepRisk(**{name: arrays[f"risk.{name}"] for name in _RISK_ARRAYS}),
                arrays["neighbours"],
                arrays["mean"],
                arrays["scale"],
                Thresholds(**facts["thresholds"]),
                Accuracy(**facts["accuracy"]),
                deserialize_space(facts["observation_space"]),
                deserialize_space(facts["action_space"]),
                saved if on_alarm is None else on_alarm,
            )
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"{path} cannot be read as a monitor: {error}") from error
        check_fits(model, monitor.observation_space, monitor.action_space, "monitor's dataset")
        if monitor.on_alarm is None:
            raise ConfigError(
                "`on_alarm` must be given: a policy or a function acted at alarms, and "
                f"{path} does not hold it"
            )
        return monitor


def _check_acting(model: object, on_alarm: object) -> None:
    if not hasattr(model, "predict"):
        raise ConfigError(f"`model` must have SB3's predict, got {type(model).__name__}")
    known = isinstance(on_alarm, str) and on_alarm in ("warn", "stop")
    if not (known or callable(on_alarm) or hasattr(on_alarm, "predict")):
        raise ConfigError(
            f"`on_alarm` must be 'warn', 'stop', a policy or a function, got {on_alarm!r}"
        )


_RISK_ARRAYS: Final = ("projection", "of_projected", "of_inputs")


class MonitoredEnv(gym.Wrapper[Any, Any, Any, Any]):
    """
    An environment whose actions are watched before they are taken, whoever chose them.
    ``info["monitor"]`` has ``risk``, ``distance`` and ``alarm``. At an alarm the monitor warns, or
    takes the other policy's action; with ``on_alarm="stop"`` the action is not taken, and the
    episode is truncated with a reward and a cost of 0 and the observation that was there.

    :param env: the environment
    :param monitor: the monitor
    """

    def __init__(self, env: gym.Env[Any, Any], monitor: SafetyMonitor) -> None:
        super().__init__(env)
        self.monitor = monitor
        self._observation: Any = None
        self._info: Mapping[str, Any] = {}

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        self._observation, info = self.env.reset(**kwargs)
        self._info = info
        return self._observation, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        asked = np.asarray(action)
        reading = self.monitor.read(self._observation, asked)
        facts: Mapping[str, Any] = reading._asdict()
        if reading.alarm:
            try:
                other = self.monitor.act_on_alarm(reading, self._observation, asked)
            except StoppedError as error:
                info = {"cost": 0.0, **without_costs(self._info)}
                info["monitor"] = {**facts, "stopped": str(error)}
                return self._observation, 0.0, False, True, info
            if other is not asked:  # the caller's own keeps its type, as an int
                action = other if other.ndim else other.item()
        self._observation, reward, terminated, truncated, info = self.env.step(action)
        self._info = info
        info = {**info, "monitor": dict(facts)}
        return self._observation, float(reward), terminated, truncated, info


def _with_one(inputs: Floats) -> Floats:
    return np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)


def _by_key(space: spaces.Space[Any]) -> list[tuple[str | None, spaces.Space[Any]]]:
    """Parts in the order of ``step_vectors``."""
    if isinstance(space, spaces.Dict):
        return [(key, space[key]) for key in sorted(space.spaces)]
    return [(None, space)]


def _split(
    transitions: Transitions, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows that steps are compared with, and rows of other episodes to take thresholds from."""
    n_episodes, n = len(transitions.episode_ids), len(transitions.actions)
    group = np.repeat(generator.permutation(n_episodes) % 2, transitions.episode_lengths)
    if n_episodes == 1:
        group = generator.permutation(n) % 2
    halves = [generator.permutation(np.flatnonzero(group == half)) for half in (0, 1)]
    return halves[0][:_N_NEIGHBOURS], halves[1][:_N_JUDGED]


def _rows_labelled_safe(
    transitions: Transitions, feedback: Feedback, doubted: NDArray[np.bool_], seed: int
) -> NDArray[np.int64]:
    """
    Steps of segments that are labelled safe, at most 8,192 of them. Of labels in doubt there are
    none: a few unsafe segments that were called safe would decide the highest risks.
    """
    labels = feedback.align(transitions)
    starts = dict(
        zip(transitions.episode_ids.tolist(), transitions.episode_starts.tolist(), strict=True)
    )
    is_safe = np.zeros(len(transitions.actions), dtype=bool)
    for episode, first, length in labels.segments[(labels.p_safe > 0.5) & ~doubted].tolist():
        start = starts[episode] + first
        is_safe[start : start + length] = True
    rows = np.flatnonzero(is_safe)
    return np.random.default_rng([0xD3, seed]).permutation(rows)[:_N_JUDGED]
