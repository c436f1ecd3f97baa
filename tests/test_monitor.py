"""The monitor: risk and distance of steps, alarms, and what is done about them."""

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
from algorithm_data import episode, one_thread, stored  # noqa: F401
from minari import MinariDataset
from toy_envs import KINDS, Kind, env_id

from sb3_presa import BC, evaluate_safety
from sb3_presa.completion.step_risk import StepRisk
from sb3_presa.data.episodes import load_transitions
from sb3_presa.deploy.monitor import SafetyMonitor
from sb3_presa.errors import ConfigError, DatasetError, FeedbackError, StoppedError
from sb3_presa.feedback.table import Feedback

BRAKE = np.array([0.25, -0.25], np.float32)
FAR = np.array([2.0, -2.0, 2.0], np.float32)


def labels(dataset: MinariDataset) -> Feedback:
    """Segments of 4 steps: short enough that risk has a place."""
    return Feedback.synthetic(dataset, 200, 4, cost_limit=1.0, seed=0)


def watched(dataset: MinariDataset, **options: Any) -> SafetyMonitor:
    model = BC.load_offline(dataset, None, device="cpu", seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of labels that are too few to trust
        return SafetyMonitor.fit(model, dataset, labels(dataset), **options)


def usual(dataset: MinariDataset) -> Any:
    """A logged observation; the model's action there is not far from the data."""
    return load_transitions(dataset).observations[5]  # type: ignore[index]


def test_risk_is_high_where_labels_say_unsafe(box_dataset: MinariDataset) -> None:
    monitor = watched(box_dataset)
    low = np.array([[x, y, x * y] for x in (-0.3, 0.0, 0.3) for y in (-0.5, -0.2)], np.float32)
    high = low * [1, -1, -1] + [0, 0.4, 0]
    still = np.zeros((6, 2), np.float32)
    assert monitor.read(low, still).risk.max() < monitor.read(high, still).risk.min()
    assert monitor.accuracy.value > 0.7


@pytest.mark.parametrize("quantile", [0.5, 0.9])
def test_thresholds_are_quantiles_of_the_logs(quantile: float, box_dataset: MinariDataset) -> None:
    monitor, data = watched(box_dataset, quantile=quantile), load_transitions(box_dataset)
    found = monitor.read(data.observations, data.actions)
    # Half of the steps are among the neighbours, at distance 0
    beyond = (found.distance > monitor.thresholds.distance).mean()
    assert beyond == pytest.approx((1 - quantile) / 2, abs=0.02)
    assert (found.risk > monitor.thresholds.risk).mean() > 1 - quantile, "unsafe steps are above"
    given = labels(box_dataset)
    starts = dict(zip(data.episode_ids.tolist(), data.episode_starts.tolist(), strict=True))
    safe = np.zeros(len(data.actions), bool)
    believed = (given.p_safe > 0.5) & ~StepRisk.fit(data, given).doubted
    assert believed.any() and believed.sum() < (given.p_safe > 0.5).sum()
    for number, first, length in given.segments[believed]:
        safe[starts[int(number)] + first :][:length] = True
    share = (found.risk[safe] > monitor.thresholds.risk).mean()
    assert share == pytest.approx(1 - quantile, abs=0.02)


def test_what_was_never_logged_is_far(box_dataset: MinariDataset) -> None:
    monitor = watched(box_dataset)
    data = load_transitions(box_dataset)
    near = monitor.read(data.observations[7] + np.float32(1e-3), data.actions[7])  # type: ignore[index]
    far = monitor.read(FAR, data.actions[7])
    odd = monitor.read(data.observations[7], np.array([30.0, 0.0], np.float32))  # type: ignore[index]
    assert near.distance < 0.2 and not near.alarm
    assert far.distance > 1 and far.alarm
    assert odd.distance > 1 and odd.alarm


def test_the_distance_is_that_from_the_nearest_logged_step(box_dataset: MinariDataset) -> None:
    monitor, data = watched(box_dataset), load_transitions(box_dataset)
    logged = np.concatenate([data.observations, data.actions], axis=1)
    compared = [
        logged[i] for i in range(len(logged)) if monitor.read(*_split(logged[i])).distance < 1e-3
    ]
    assert 0.4 < len(compared) / len(logged) < 0.6
    step = np.array([0.2, 0.1, 0.4, 0.25, -0.25], np.float32)
    scaled = (np.stack(compared) - step) / logged.std(axis=0)
    expected = np.sqrt(np.square(scaled).mean(axis=1).min())
    assert monitor.read(*_split(step)).distance == pytest.approx(expected, rel=1e-3)


def _split(step: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    return step[:3], step[3:]


@pytest.mark.parametrize("kind", KINDS)
def test_one_observation_reads_as_in_a_batch(
    kind: Kind, make_dataset: Callable[[Kind], MinariDataset]
) -> None:
    dataset = make_dataset(kind)
    monitor, data = watched(dataset), load_transitions(dataset)
    of = data.observations
    batch = {k: v[:3] for k, v in of.items()} if isinstance(of, dict) else of[:3]
    one = {k: v[1] for k, v in of.items()} if isinstance(of, dict) else of[1]
    together, alone = monitor.read(batch, data.actions[:3]), monitor.read(one, data.actions[1])
    assert np.shape(together.risk) == np.shape(together.alarm) == (3,)
    assert alone.risk == pytest.approx(together.risk[1], rel=1e-4)
    assert alone.distance == pytest.approx(together.distance[1], abs=1e-3)
    action, _ = monitor.model.predict(one, deterministic=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.array_equal(monitor.predict(one)[0], action)


def test_a_number_that_is_missing_is_an_alarm(box_dataset: MinariDataset) -> None:
    monitor = watched(box_dataset)
    assert monitor.read(np.array([0, np.nan, 0], np.float32), BRAKE).alarm
    assert monitor.read(np.zeros(3, np.float32), np.array([np.nan, 0], np.float32)).alarm


def test_warn(box_dataset: MinariDataset) -> None:
    monitor = watched(box_dataset)
    monitor.thresholds = type(monitor.thresholds)(np.inf, 0.5, 0.99)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monitor.predict(usual(box_dataset))
    with pytest.warns(UserWarning, match=r"distance .* \(threshold 0.5\)"):
        action, _ = monitor.predict(FAR)
    assert np.array_equal(action, monitor.model.predict(FAR, deterministic=True)[0])
    assert monitor.last is not None and monitor.last.alarm


def test_stop(box_dataset: MinariDataset) -> None:
    with pytest.raises(StoppedError, match="beyond what was logged"):
        watched(box_dataset, on_alarm="stop").predict(FAR)


class Braking:
    """A policy of SB3's form."""

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: Any = 0
    ) -> tuple[npt.NDArray[Any], Any]:
        return np.broadcast_to(BRAKE, (*observation.shape[:-1], 2)), None


@pytest.mark.parametrize("other", [Braking(), lambda o: Braking().predict(o)[0]])
def test_another_policy_takes_over_where_there_is_an_alarm(
    other: Any, box_dataset: MinariDataset
) -> None:
    monitor = watched(box_dataset, on_alarm=other)
    monitor.thresholds = type(monitor.thresholds)(np.inf, 0.5, 0.99)
    assert np.array_equal(monitor.predict(FAR)[0], BRAKE)
    batch = np.stack([usual(box_dataset), FAR, usual(box_dataset)])
    found, own = monitor.predict(batch)[0], monitor.model.predict(batch, deterministic=True)[0]
    assert np.array_equal(found, [own[0], BRAKE, own[2]])


def test_an_environment_is_watched(box_dataset: MinariDataset) -> None:
    taken: list[npt.NDArray[Any]] = []

    class Recording(gym.ActionWrapper[Any, Any, Any]):
        def action(self, action: Any) -> Any:
            taken.append(action)
            return action

    monitor = watched(box_dataset, on_alarm=Braking())
    env = monitor.wrap(Recording(gym.make(env_id("box"))))
    observation, _ = env.reset(seed=3)
    monitor.thresholds = type(monitor.thresholds)(np.inf, np.inf, 0.99)
    following, _, _, _, info = env.step(np.array([0.1, 0.0], np.float32))
    expected = monitor.read(observation, np.array([0.1, 0.0], np.float32))
    assert info["monitor"] == expected._asdict() and "cost" in info
    monitor.thresholds = type(monitor.thresholds)(0.0, 0.0, 0.99)
    env.step(np.array([0.1, 0.0], np.float32))
    assert np.allclose(taken[0], [0.1, 0.0]) and np.allclose(taken[1], BRAKE)
    monitor.on_alarm = "stop"
    last, reward, terminated, truncated, info = env.step(np.array([0.1, 0.0], np.float32))
    assert len(taken) == 2, "the action is not taken"
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert "beyond what was logged" in info["monitor"]["stopped"]
    assert last.shape == following.shape
    assert info["cost"] == 0.0, "as a step that costs nothing: it can be evaluated"
    assert evaluate_safety(Braking(), env, cost_limit=5.0, n_eval_episodes=1).cost_mean == 0.0


def test_a_watched_environment_is_given_the_action_that_it_was_sent(
    discrete_dataset: MinariDataset,
) -> None:
    """An int stays one at an alarm, also where another policy acts."""
    taken: list[Any] = []

    class Recording(gym.ActionWrapper[Any, Any, Any]):
        def action(self, action: Any) -> Any:
            taken.append(action)
            return action

    monitor = watched(discrete_dataset)
    monitor.thresholds = type(monitor.thresholds)(0.0, 0.0, 0.99)
    env = monitor.wrap(Recording(gym.make(env_id("discrete"))))
    env.reset(seed=3)
    with pytest.warns(UserWarning, match="beyond what was logged"):
        env.step(1)
    monitor.on_alarm = lambda _: np.int64(0)
    env.step(1)
    assert taken == [1, 0] and all(isinstance(action, int) for action in taken)


def test_wrong_labels_of_a_few_clips_do_not_decide_the_threshold(minari_root: Any) -> None:
    """A tenth of the safety labels says the contrary: thresholds stay near the boundary."""
    random = np.random.default_rng(0)
    danger = np.repeat(random.uniform(-1, 1, 200), 10)
    observations = np.stack([danger, random.normal(size=2000)], axis=1).astype(np.float32)
    steps = np.zeros(50)
    episodes = [
        episode(np.vstack([seen, seen[-1:]]), random.uniform(-1, 1, (50, 1)), steps, steps)
        for seen in observations.reshape(40, 50, 2)
    ]
    box = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)
    dataset = stored("danger", episodes, box, gym.spaces.Box(-1.0, 1.0, (1,), np.float32))
    data = load_transitions(dataset)
    segments = [(number, first, 10) for number in range(40) for first in range(0, 50, 10)]
    means = danger.reshape(200, 10).mean(axis=1)
    safe = means < 0.0
    wrong = random.random(200) < 0.1
    thresholds = []
    for said in (safe, safe ^ wrong):
        with warnings.catch_warnings(action="error"):
            monitor = SafetyMonitor.fit(Braking(), dataset, Feedback.create(data, segments, said))
        dangerous = monitor.read(observations, data.actions).alarm[danger > 0.5]
        thresholds.append(monitor.thresholds.risk)
        assert dangerous.mean() > 0.9, said.mean()
    assert thresholds[1] < 2.0 * thresholds[0]


def test_a_saved_monitor_reads_the_same_and_nothing_is_unpickled(
    dict_dataset: MinariDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor, data = watched(dict_dataset), load_transitions(dict_dataset)
    monitor.save(tmp_path / "new" / "monitor.safetensors")
    monkeypatch.delattr(pickle, "Unpickler")
    monkeypatch.delattr(pickle, "load")
    loaded = SafetyMonitor.load(tmp_path / "new" / "monitor.safetensors", monitor.model)
    assert loaded.thresholds.risk == monitor.thresholds.risk
    assert loaded.accuracy == monitor.accuracy
    for one, other in zip(
        monitor.read(data.observations, data.actions),
        loaded.read(data.observations, data.actions),
        strict=True,
    ):
        assert np.array_equal(one, other)


def test_what_happens_at_an_alarm_is_saved(box_dataset: MinariDataset, tmp_path: Path) -> None:
    """A robot that was to stop does not go on after it was loaded."""
    path = tmp_path / "monitor.safetensors"
    monitor = watched(box_dataset, on_alarm="stop")
    monitor.save(path)
    assert SafetyMonitor.load(path, Braking()).on_alarm == "stop"
    assert SafetyMonitor.load(path, Braking(), on_alarm="warn").on_alarm == "warn"
    monitor.on_alarm = Braking()
    monitor.save(path)
    with pytest.raises(ConfigError, match="`on_alarm` must be given: a policy or a function"):
        SafetyMonitor.load(path, Braking())
    assert SafetyMonitor.load(path, Braking(), on_alarm="stop").on_alarm == "stop"


@pytest.mark.parametrize("content", [b"", b"x" * 40, b"\x02\x00\x00\x00\x00\x00\x00\x00{}"])
def test_another_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "monitor.safetensors"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="cannot be read as a monitor"):
        SafetyMonitor.load(path, Braking())
    with pytest.raises(ConfigError, match="which is missing"):
        SafetyMonitor.load(tmp_path / "none", Braking())


def test_the_monitor_of_another_model_is_refused(
    box_dataset: MinariDataset, dict_dataset: MinariDataset, tmp_path: Path
) -> None:
    watched(box_dataset).save(tmp_path / "monitor.safetensors")
    other = BC.load_offline(dict_dataset, None, device="cpu")
    with pytest.raises(ConfigError, match="observation space of the monitor's dataset must equal"):
        SafetyMonitor.load(tmp_path / "monitor.safetensors", other)
    with pytest.raises(DatasetError, match="observation space of the dataset must equal"):
        SafetyMonitor.fit(other, box_dataset, labels(box_dataset))


def test_what_cannot_be_fitted_is_refused(box_dataset: MinariDataset) -> None:
    data = load_transitions(box_dataset)
    without = Feedback.create(data, [(0, 0, 4), (1, 0, 4)], None, [(0, 1)], [1.0])
    with pytest.raises(FeedbackError, match="must hold safety labels"):
        SafetyMonitor.fit(Braking(), box_dataset, without)
    with pytest.raises(ConfigError, match=r"`quantile` must be in \(0, 1\), got 1"):
        SafetyMonitor.fit(Braking(), box_dataset, labels(box_dataset), quantile=1)
    wrong: list[Any] = ["shout", 3, None]
    for on_alarm in wrong:
        with pytest.raises(ConfigError, match=f"`on_alarm` must be .*got {on_alarm!r}"):
            watched(box_dataset, on_alarm=on_alarm)
        if on_alarm is None:  # as it was saved
            continue
        with pytest.raises(ConfigError, match=f"^`on_alarm` must be .*got {on_alarm!r}"):
            SafetyMonitor.load("monitor.safetensors", Braking(), on_alarm=on_alarm)
    file: Any = "agent.zip"
    with pytest.raises(ConfigError, match="`model` must have SB3's predict, got str"):
        SafetyMonitor.fit(file, box_dataset, labels(box_dataset))
    with pytest.raises(ConfigError, match="`model` must have SB3's predict, got str"):
        SafetyMonitor.load("monitor.safetensors", file)


def test_labels_that_tell_nothing_give_a_warning(box_dataset: MinariDataset) -> None:
    given = labels(box_dataset)
    random = np.random.default_rng(0).integers(0, 2, len(given.segments))
    nonsense = Feedback.create(load_transitions(box_dataset), given.segments, random)
    with pytest.warns(UserWarning, match="not better than chance"):
        SafetyMonitor.fit(Braking(), box_dataset, nonsense)
