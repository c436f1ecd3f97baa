"""Small differences of large numbers, and numbers of small scale, are learnt from."""

from pathlib import Path

import gymnasium as gym
import h5py
import numpy as np
import pytest
import torch as th
from algorithm_data import episode, one_thread, stored  # noqa: F401
from contract import (
    Case,
    every_case,
)
from fitted_once import labels_fitted_once  # noqa: F401
from minari import MinariDataset

from sb3_presa import BC
from sb3_presa.data.checks import Extremes
from sb3_presa.data.episodes import load_endings, load_transitions
from sb3_presa.data.faults import check_dataset
from sb3_presa.data.minari_store import repack
from sb3_presa.policies.actor import ObservationStandardizer

STEPS = 30
ANY = gym.spaces.Box(-np.inf, np.inf, (2,), np.float64)
UNIT = gym.spaces.Box(-1, 1, (1,))
#: offset and spread of a coordinate: small numbers, a latitude, a northing, a time in nanoseconds
SCALES = [(0.0, 1.0), (0.0, 1e-5), (0.0, 1e-10), (52.52, 1e-4), (5.8e6, 0.1), (1.7e18, 1e5)]


def dataset(
    offset: float, spread: float, n: int = 8, dtype: str = "f8", name: str = "scale"
) -> MinariDataset:
    """The action is the first coordinate's place in its spread; the second one is constant."""
    rng = np.random.default_rng(0)
    episodes = []
    for number in range(n):
        place = np.linspace(-0.9, 0.9, STEPS + 1) * rng.choice([-1, 1])
        observed = np.column_stack([offset + spread * place, np.full(STEPS + 1, offset)])
        # What is stored decides, not what was meant: at 1.7e18 float64 counts in steps of 256
        acted = ((observed[:-1, :1] - offset) / spread).astype(np.float32)
        costs = np.arange(STEPS) % 2 * (number % 2)
        episodes.append(episode(observed.astype(dtype), acted, np.ones(STEPS), costs))
    return stored(f"{name}-{offset:.0f}", episodes, ANY, UNIT)


@pytest.mark.parametrize(("offset", "spread"), SCALES)
def test_a_clone_sees_small_differences(offset: float, spread: float, minari_root: object) -> None:
    """At every scale it explains the action as it does at scale 1, in training and acting."""
    data = dataset(offset, spread)
    model = BC.load_offline(data, None, seed=0, device="cpu", policy_kwargs={"net_arch": [32]})
    model.learn(300)
    transitions = load_transitions(data)
    assert isinstance(transitions.observations, np.ndarray)
    acted, _ = model.predict(transitions.observations, deterministic=True)
    residual = np.square(acted - transitions.actions).mean() / transitions.actions.var()
    assert residual < 0.02


@every_case
def test_every_algorithm_is_told_of_differences(case: Case, minari_root: object) -> None:
    """What reaches the networks is as wide at a large offset as at none, the last row too."""
    spans = []
    for offset in (0.0, 5.8e6):
        model = case.trained(dataset(offset, 0.1), policy="MlpPolicy")
        source = model.require_source()
        seen = model.policy.actor.standardizer(source.observations)
        assert isinstance(seen, th.Tensor)
        assert seen.dtype == th.float32
        spans.append(seen[:, 0])
    assert th.allclose(spans[0], spans[1], atol=1e-5)
    assert spans[0].std() > 0.9


@pytest.mark.parametrize(
    ("offset", "spread", "dtype"), [(0.0, 1e-5, "f4"), (1.0, 1.0, "f4"), (5.8e6, 0.1, "f8")]
)
def test_what_float32_tells_apart_is_float32(
    offset: float, spread: float, dtype: str, minari_root: object
) -> None:
    data = dataset(offset, spread)
    transitions = load_transitions(data)
    assert isinstance(transitions.observations, np.ndarray)
    assert transitions.observations.dtype == dtype
    last = load_endings(data).observations
    assert isinstance(last, np.ndarray)
    assert last.dtype == dtype
    # The hash is of float32: labels find episodes that were stored in either type
    narrow = dataset(offset, spread, dtype="f4", name="narrow")
    assert transitions.hash_episodes() == load_transitions(narrow).hash_episodes()


def test_numbers_that_were_float32_stay_so(minari_root: object) -> None:
    """Noise of one rounding in a file of float64 is told from what float64 resolved."""
    rows = np.full((STEPS + 1, 2), 1.0, np.float32)
    rows[::2, 0] = np.nextafter(np.float32(1.0), np.float32(2.0))
    data = stored(
        "noise",
        [episode(rows.astype("f8"), np.zeros((STEPS, 1)), np.ones(STEPS), np.zeros(STEPS))],
        ANY,
        UNIT,
    )
    transitions = load_transitions(data)
    assert isinstance(transitions.observations, np.ndarray)
    assert transitions.observations.dtype == np.float32
    with pytest.warns(UserWarning, match="constant within rounding .* coordinate 0. The policy"):
        model = BC.load_offline(data, None, device="cpu")
    assert model.policy.actor.standardizer.constant == {"": [0, 1]}


def test_what_a_simulator_rounds_is_no_observation(minari_root: object) -> None:
    with pytest.warns(UserWarning, match="constant within rounding .* coordinate 0. The policy"):
        BC.load_offline(dataset(0.0, 1e-12), None, device="cpu")


def test_constant_coordinates_are_named_by_key(
    minari_root: object, capsys: pytest.CaptureFixture[str]
) -> None:
    space = gym.spaces.Dict({"a.b": gym.spaces.Box(-9, 9, (12,)), "c": gym.spaces.Box(-9, 9, (2,))})
    ones = np.ones(12)
    rows = [{"a.b": ones, "c": np.array([step % 2, 1.0])} for step in range(STEPS + 1)]
    acted = np.zeros((STEPS, 1))
    data = stored("keys", [episode(rows, acted, np.ones(STEPS), np.zeros(STEPS))], space, UNIT)
    BC.load_offline(data, None, device="cpu", verbose=1)
    said = "coordinates 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more of 'a.b'; coordinate 1 of 'c'\n"
    assert f"Constant in all observations: {said}" in capsys.readouterr().out


@pytest.mark.parametrize(("last", "warns"), [(0, True), (200, False)])
def test_pictures_that_are_all_the_same_are_told(
    minari_root: object, recwarn: pytest.WarningsRecorder, last: int, warns: bool
) -> None:
    """As Gymnasium's RescaleObservation leaves them: black. One that differs is enough."""
    camera = gym.spaces.Box(0, 255, (36, 36, 3), np.uint8)
    space = gym.spaces.Dict({"camera": camera, "speed": gym.spaces.Box(-9, 9, (1,))})
    pictures = np.zeros((STEPS + 1, 36, 36, 3), np.uint8)
    pictures[STEPS - 1] = last  # stored by JPEG: a single pixel could be lost
    rows = [
        {"camera": picture, "speed": np.array([step % 3])} for step, picture in enumerate(pictures)
    ]
    acted = np.zeros((STEPS, 1))
    data = stored("black", [episode(rows, acted, np.ones(STEPS), np.zeros(STEPS))], space, UNIT)
    BC.load_offline(data, None, device="cpu")
    told = [str(w.message) for w in recwarn if "every picture" in str(w.message)]
    assert told == (
        [
            "every picture of 'camera' is the same, and the policy learns nothing from them: "
            "log what the camera gives, from below wrappers that scale it"
        ]
        if warns
        else []
    )
    notes = [note for note in check_dataset(data).notes if "every picture" in note.kind]
    assert [note.places for note in notes] == ([["'camera'"]] if warns else [])


def test_a_time_that_float32_cannot_tell_is_named(minari_root: object) -> None:
    """A clock in seconds since 1970, cut to float32, stands still for two minutes."""
    with pytest.warns(UserWarning, match="coordinates 0, 1. .* store them as float64"):
        BC.load_offline(dataset(1.7e9, 10.0, dtype="f4"), None, device="cpu")


@pytest.mark.parametrize(
    ("rows", "close"),
    [
        ([[0.0], [1.0]], False),
        ([[5.0], [5.0]], False),  # constant: nothing to tell apart
        ([[5.8e6, 0], [5.8e6 + 0.1, 1]], True),
        ([[0, 1.7e9], [1, 1.7e9 + 100]], True),
        ([[np.nan, 1.0], [np.inf, 2.0]], False),
    ],
)
def test_extremes_of_pieces_are_those_of_the_whole(rows: list[list[float]], close: bool) -> None:
    pieces, whole = Extremes(), Extremes()
    for row in rows:
        pieces.add(np.asarray([row]))
        pieces.add(np.zeros((0, len(row))))
    whole.add(np.asarray(rows))
    assert pieces.are_close() == whole.are_close() == close
    assert not Extremes().are_close()


def test_repacking_keeps_what_float32_would_lose(tmp_path: Path) -> None:
    path = tmp_path / "main_data.hdf5"
    with h5py.File(path, "w") as file:
        for number in range(2):
            group = file.create_group(f"episode_{number}")
            # The first episode stands still: only both together show that differences matter
            group["observations/map"] = np.full((5, 1), 5.8e6 + 0.01 * number)
            group["observations/speed"] = np.linspace(0, 1, 5)[:, None]
            group["actions"] = np.linspace(0, 1, 4)[:, None]
            group["infos/gap"] = [5.8e6, 5.8e6 + 0.01, np.nan, np.inf]
            group["infos/huge"] = [0.0, 1e39]
            group["infos/none"] = [np.nan, 1.0]
    repack(path)
    with h5py.File(path) as file:
        for name in ("observations/map", "actions", "infos/gap", "infos/huge"):
            assert file[f"episode_1/{name}"].dtype == "f8", name
        for name in ("observations/speed", "infos/none"):
            assert file[f"episode_1/{name}"].dtype == "f4", name
        assert file["episode_1/observations/map"][0, 0] == 5.8e6 + 0.01


def test_actions_of_large_offset_are_scaled_before_they_are_rounded(minari_root: object) -> None:
    """A valve that is set in absolute terms, say, acts where the log acted."""
    space = gym.spaces.Box(5.8e6, 5.8e6 + 1, (1,), np.float64)
    rows = np.linspace(-1, 1, STEPS + 1)[:, None].repeat(2, 1)
    acted = 5.8e6 + np.linspace(0.1, 0.9, STEPS)[:, None]
    data = stored("valve", [episode(rows, acted, np.ones(STEPS), np.zeros(STEPS))] * 4, ANY, space)
    model = BC.load_offline(data, None, device="cpu", seed=0, policy_kwargs={"net_arch": [32]})
    scaled = model.require_source().actions
    assert np.allclose(scaled[:STEPS].numpy(), 2 * (acted - 5.8e6) - 1, atol=1e-6)
    model.learn(300)
    found, _ = model.predict(rows[:-1], deterministic=True)
    assert np.abs(found - acted).max() < 0.1


def test_fitting_and_acting_round_alike() -> None:
    """float32 observations: as exact as in float64."""
    rng = np.random.default_rng(0)
    values = (5e3 + rng.normal(size=(1000, 4))).astype(np.float32)
    standardizer = ObservationStandardizer(gym.spaces.Box(-np.inf, np.inf, (4,)))
    standardizer.fit(th.as_tensor(values))
    exact = (values.astype("f8") - values.mean(0, dtype="f8")) / values.std(0, dtype="f8")
    for dtype in (th.float32, th.float64):
        found = standardizer(th.as_tensor(values).to(dtype))
        assert isinstance(found, th.Tensor)
        assert np.abs(found.numpy() - exact).max() < 1e-6
