"""Verdicts without a simulator: known answers, what they rest on, and how they are shown."""

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import h5py
import minari
import numpy as np
import pytest
from algorithm_data import flat_transitions, lone_feedback
from fitted_once import fit_labels_once, labels_fitted_once  # noqa: F401
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import recorded, write
from minari import MinariDataset
from numpy.typing import NDArray
from typer.testing import CliRunner

from sb3_presa import BC, PRESA, Feedback
from sb3_presa.cli import app
from sb3_presa.completion.accuracy import Accuracy, rank_correlation
from sb3_presa.completion.auc import auc
from sb3_presa.completion.fitting import FittedLabels, fit_labels
from sb3_presa.completion.label_models import SafetyModel
from sb3_presa.errors import ConfigError, DatasetError, FeedbackError
from sb3_presa.evaluation.judge import Labels, Verdict, choose, judge
from sb3_presa.evaluation.judge.conformal import Threshold, conformal_threshold
from sb3_presa.evaluation.judge.distance import unlike_logged
from sb3_presa.evaluation.judge.html import page_html
from sb3_presa.evaluation.judge.imagined import Episodes, World
from sb3_presa.evaluation.judge.neighbours import N_NEAR, Neighbours
from sb3_presa.evaluation.judge.observing import Observing
from sb3_presa.evaluation.judge.outlook import Estimate, _share
from sb3_presa.evaluation.judge.page import MEASURED, cautions, headline, markdown, rows, short
from sb3_presa.evaluation.judge.step_models import (
    LoggedChanges,
    LoggedStates,
    Networks,
    step_models,
)

N_EPISODES, STEPS, CLIP = 60, 40, 8
OBSERVATIONS = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)
ACTIONS = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
NAME = "toy/track-v0"
#: Where the judge fits models of labels, and learns the world that it imagines in
JUDGES_FIT = "sb3_presa.evaluation.judge.verdict.fit_labels"
JUDGES_WORLD = "sb3_presa.evaluation.judge.verdict.World"
_WORLDS: dict[tuple[int, bytes, int], tuple[FittedLabels, World]] = {}


class WorldLearntOnce:
    """``World.learn`` of the same models of labels, which are kept beside what is learnt."""

    @staticmethod
    def learn(fitted: FittedLabels, terminated: NDArray[np.bool_], horizon: int) -> World:
        key = (id(fitted), terminated.tobytes(), horizon)
        if key not in _WORLDS:
            _WORLDS[key] = fitted, World.learn(fitted, terminated, horizon)
        return _WORLDS[key][1]


class Push:
    """An agent with one action everywhere: -1 goes where it is safe, 1 where it is not."""

    def __init__(self, action: float) -> None:
        self.action = action

    def predict(self, observation: Any, *_: Any, **__: Any) -> tuple[Any, None]:
        return np.full((len(observation), 1), self.action, dtype=np.float32), None


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A track: x moves by a fifth of the action, and steps with x above 0 are costly."""
    random = np.random.default_rng(0)
    episodes = []
    for _ in range(N_EPISODES):
        target = random.uniform(-1.5, 1.5)
        x, observations, actions = random.uniform(-0.3, 0.3), [], []
        for _ in range(STEPS):
            observations.append((x, random.normal()))
            actions.append(np.clip(np.sign(target - x) * 0.6 + 0.4 * random.normal(), -1, 1))
            x = np.clip(x + 0.2 * actions[-1], -2, 2)
        observations.append((x, random.normal()))
        seen = np.asarray(observations, dtype=np.float32)
        episodes.append(recorded(seen, np.asarray(actions)[:, None], seen[:-1, 0] > 0))
    folder = tmp_path_factory.mktemp("minari")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINARI_DATASETS_PATH", str(folder))
        write(NAME, episodes, OBSERVATIONS, ACTIONS)
    return folder


@pytest.fixture
def track(root: Path, monkeypatch: pytest.MonkeyPatch) -> MinariDataset:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(root))
    return minari.load_dataset(NAME)


def said(track: MinariDataset, guess: bool = False) -> Feedback:
    """Labels of clips: the left is preferred and safe; ``guess`` says anything."""
    random = np.random.default_rng(1)
    segments = [(e, s, CLIP) for e in range(N_EPISODES) for s in (0, 16, 32)]
    middle = np.array([track[e].observations[s : s + CLIP, 0].mean() for e, s, _ in segments])
    pairs = np.stack([random.permutation(len(segments))[:2] for _ in range(120)])
    safe = (middle < 0).astype(float)
    prefer = (middle[pairs[:, 0]] < middle[pairs[:, 1]]).astype(float)
    if guess:
        random.shuffle(safe)
        random.shuffle(prefer)
    return Feedback.create(track, segments, safe, pairs, prefer)


@pytest.fixture(scope="module")
def labels(root: Path) -> Labels:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINARI_DATASETS_PATH", str(root))
        patch.setattr(JUDGES_FIT, fit_labels_once)
        patch.setattr(JUDGES_WORLD, WorldLearntOnce)
        dataset = minari.load_dataset(NAME)
        return Labels.read(dataset, said(dataset))


@pytest.fixture(autouse=True)
def judged_labels_fitted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JUDGES_FIT, fit_labels_once)
    monkeypatch.setattr(JUDGES_WORLD, WorldLearntOnce)


@pytest.fixture(scope="module")
def verdicts(root: Path, labels: Labels) -> dict[str, Verdict]:
    return {
        name: judge(Push(action), NAME, name=name, labels=labels)
        for name, action in (("left", -1.0), ("right", 1.0))
    }


def test_models_of_steps_follow_the_track(labels: Labels) -> None:
    """x moves by a fifth of the action: both models know, and replays follow the log."""
    transitions = labels.fitted.transitions
    observing = Observing(transitions)
    rows = np.setdiff1d(np.arange(N_EPISODES * STEPS), np.arange(1, 1 + N_EPISODES) * STEPS - 1)
    generator = np.random.default_rng(0)
    state = np.stack([np.linspace(-1.0, 1.0, 50), np.zeros(50)], axis=1)
    pushed = np.concatenate([state, np.full((50, 1), 0.5)], axis=1)
    changes, networks = step_models(observing, rows, seed=0)
    assert isinstance(changes, LoggedChanges) and isinstance(networks, Networks)
    for model, error in ((changes, 0.1), (networks, 0.03)):
        following = model.follow(state, pushed, generator)
        assert np.abs(following[:, 0] - state[:, 0] - 0.1).mean() < error
    assert labels.world is not None
    assert labels.world.follows.value > 0.9 and labels.world.follows.n == N_EPISODES // 5
    assert 0.8 < labels.world.factor < 1.25


def test_vectors_say_all_of_observations_but_of_pictures_and_classes() -> None:
    random = np.random.default_rng(0)
    box = gym.spaces.Box(-1.0, 1.0, (2, 3), np.float32)
    nested = gym.spaces.Dict({"b": box, "a": gym.spaces.Box(-1.0, 1.0, (1,), np.float64)})
    values: dict[str, NDArray[Any]] = {
        "b": random.normal(size=(4, 2, 3)).astype(np.float32),
        "a": random.normal(size=(4, 1)),
    }
    plain = flat_transitions([4], [0])
    observing = Observing(replace(plain, observations=values, observation_space=nested))
    assert observing.invertible and observing.width == 7
    back = observing.of(observing.vectors(np.arange(4)))
    for key, value in values.items():
        assert back[key].dtype == value.dtype
        np.testing.assert_array_equal(back[key], value)
    one = gym.spaces.Discrete(5)
    classes = Observing(replace(plain, observations=np.arange(4), observation_space=one))
    assert not classes.invertible
    (model,) = step_models(classes, np.arange(3), seed=0)
    assert isinstance(model, LoggedStates)
    assert model.see(np.array([2, 0]))[0].tolist() == [2, 0]


def test_logged_states_follow_each_other() -> None:
    """Classes count up in the log: after a state of class c comes one of class c + 1."""
    counted = np.tile(np.arange(6), 40)
    transitions = replace(
        flat_transitions([6] * 40, range(40)),
        observations=counted,
        observation_space=gym.spaces.Discrete(6),
    )
    observing, rows = Observing(transitions), np.flatnonzero(counted < 5)
    (model,) = step_models(observing, rows, seed=0)
    state = model.begin(np.arange(5))
    steps = np.concatenate([model.see(state)[1], np.zeros((5, 1))], axis=1)
    following = model.follow(state, steps, np.random.default_rng(0))
    assert model.see(following)[0].tolist() == [1, 2, 3, 4, 5]


def test_episodes_end_where_the_log_ended() -> None:
    """The task ends with the sixth step in the log: no imagined episode goes on much longer."""
    random = np.random.default_rng(0)
    transitions = flat_transitions([6] * 40, range(40))
    segments = np.array([(e, s, 3) for e in range(40) for s in (0, 3)])
    given = lone_feedback(segments, random.integers(0, 2, 80))
    given = replace(given, episode_hashes=transitions.hashes_by_id())
    fitted = fit_labels(transitions, given)
    world = World.learn(fitted, np.ones(40, dtype=bool), horizon=20)
    actions = np.zeros((3, transitions.actions.shape[1]))
    found = world.imagine(lambda *_: actions, np.array([0, 2, 4]), 20)
    assert found.lengths.tolist() == [6, 4, 2]


class Frozen:
    """A model in which nothing moves."""

    def __init__(self, observing: Observing) -> None:
        self.observing = observing

    def begin(self, rows: Any) -> Any:
        return self.observing.vectors(rows)

    def see(self, state: Any) -> Any:
        return self.observing.of(state), state

    def follow(self, state: Any, *_: Any) -> Any:
        return state


def test_the_model_is_taken_whose_replays_follow_the_log(
    labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def models(observing: Observing, rows: Any, seed: int) -> Any:
        yield Frozen(observing)
        yield from step_models(observing, rows, seed)

    monkeypatch.setattr("sb3_presa.evaluation.judge.imagined.step_models", models)
    still = np.zeros(N_EPISODES, dtype=bool)
    assert not isinstance(World.learn(labels.fitted, still, STEPS).steps, Frozen)
    monkeypatch.setattr(
        "sb3_presa.evaluation.judge.imagined.step_models",
        lambda observing, rows, seed: [Frozen(observing)],
    )
    frozen = World.learn(labels.fitted, still, STEPS)
    assert isinstance(frozen.steps, Frozen)
    assert labels.world is not None and frozen.follows.value < labels.world.follows.value


def test_levels_are_corrected_by_replays(labels: Labels) -> None:
    """Half of the logged risk in replays: an agent's risk counts twice; rewards are shifted."""
    assert labels.world is not None
    rows, push = np.arange(4) * STEPS, np.ones((4, 1))
    plain = replace(labels.world, factor=1.0, shift=np.zeros(12))
    one = plain.imagine(lambda *_: push, rows, 10)
    other = replace(plain, factor=2.0, shift=np.arange(12.0)).imagine(lambda *_: push, rows, 10)
    np.testing.assert_allclose(other.risk, 2.0 * one.risk, rtol=1e-5)
    np.testing.assert_allclose(other.rewards - one.rewards, np.arange(12.0)[:, None] + np.zeros(4))
    ensemble = labels.fitted.ensemble
    fitted = replace(labels.fitted, ensemble=replace(ensemble, risks=_halved(ensemble.risks)))
    halved = World.learn(fitted, np.zeros(N_EPISODES, dtype=bool), STEPS)
    assert halved.factor == pytest.approx(0.5 * labels.world.factor, abs=0.03)


def _halved(risks: Any) -> Any:
    return {meaning: 0.5 * found for meaning, found in risks.items()}


def test_replays_that_do_not_follow_the_log_leave_it_undecided(
    labels: Labels, verdicts: dict[str, Verdict]
) -> None:
    assert labels.world is not None
    blind = replace(labels.world, follows=Accuracy(0.1, -0.2, 0.4, 12))
    verdict = replace(verdicts["left"], labels=replace(labels, world=blind))
    assert (verdicts["left"].word, verdict.word) == ("safe", "undecided")
    assert "do not come to the logged risks" in cautions(verdict)[0]


def test_rank_correlation_and_its_interval() -> None:
    up = np.arange(20.0)
    assert rank_correlation(up, up**3).value == pytest.approx(1.0)
    assert rank_correlation(up, -up).value == pytest.approx(-1.0)
    found = rank_correlation(up, np.random.default_rng(0).permutation(up))
    assert found.low < 0.0 < found.high
    assert rank_correlation(up, np.zeros(20)) == Accuracy(0.0, -1.0, 1.0, 20)


def test_observations_and_actions_count_alike_in_any_unit() -> None:
    random = np.random.default_rng(0)
    steps = random.normal(size=(500, 4))
    units = np.array([1e3, 1e-2, 5.0, 1.0])
    asked = random.normal(size=(20, 4))
    one, other = Neighbours.of(steps, 1), Neighbours.of(steps * units, 1)
    assert np.array_equal(np.sort(one.nearest(asked)), np.sort(other.nearest(asked * units)))


def test_area_of_guesses_and_of_certainty() -> None:
    random = np.random.default_rng(0)
    guesses = auc(random.random(200), (random.random(200) < 0.5).astype(float))
    assert guesses.low < 0.5 < guesses.high and guesses.high - guesses.low < 0.2
    certain = auc(np.arange(20.0), (np.arange(20) >= 10).astype(float))
    assert certain.value == certain.high == 1.0 and 0.7 < certain.low < 0.99
    assert auc(np.zeros(4), np.array([0.0, 1.0, 0.0, 1.0])).value == 0.5
    alike = auc(np.zeros(3), np.ones(3))
    assert np.isnan(alike.value) and str(alike) == "one kind of label only (n = 3)"


def test_threshold_lets_few_unsafe_segments_pass() -> None:
    random = np.random.default_rng(0)
    passed = []
    for _ in range(400):
        chance = random.random(21)
        threshold = conformal_threshold(chance[1:], np.zeros(20), 0.1)
        passed.append(chance[0] > threshold.value)
    assert 0.05 < np.mean(passed) <= 0.13
    assert conformal_threshold(np.zeros(8), np.zeros(8), 0.1).value == np.inf
    with pytest.raises(ConfigError, match=r"`alpha` must be in \(0, 1\), got 1"):
        conformal_threshold(np.zeros(8), np.zeros(8), 1.0)


def test_one_way_is_safe_and_the_other_is_not(verdicts: dict[str, Verdict]) -> None:
    left, right = verdicts["left"].outlook, verdicts["right"].outlook
    assert left is not None and right is not None
    assert left.p_safe.low > 0.5 > right.p_safe.high
    assert (verdicts["left"].word, verdicts["right"].word) == ("safe", "unsafe")
    assert left.risk.value < 1.0 < right.risk.value
    assert left.merit is not None and right.merit is not None
    assert left.merit.value > 0.0 > right.merit.value


def share_of(n_episodes: int, risk: float = 0.05, factor: float = 1.0) -> Estimate:
    """The share of episodes of one step that are safe, where all are alike to all models."""
    risks = np.full((4, n_episodes, 1), risk, np.float32)
    episodes = Episodes(risks, np.zeros((4, n_episodes)), np.ones(n_episodes, dtype=np.int64))
    world: Any = SimpleNamespace(fitted=SimpleNamespace(meaning=SafetyModel.ANY), factor=factor)
    return _share(episodes, world, typical=1)


def test_few_episodes_leave_the_share_open() -> None:
    shares = [share_of(n) for n in (8, 32, 128)]
    assert [share.value for share in shares] == pytest.approx([np.exp(-0.05)] * 3)
    widths = [share.high - share.low for share in shares]
    assert widths[0] > widths[1] > widths[2] > 0.1
    # By hand: 128 shares of .9512 and half an episode of each kind come to .9477, whose
    # log-odds have a deviation of 1 / sqrt(129 * .9477 * .0523) = .3955
    low = np.log(0.9512 / 0.0488) - 3.1824 * 0.3955
    assert shares[2].low == pytest.approx(1.0 / (1.0 + np.exp(-low)), abs=2e-3)
    assert 0.0 < share_of(128, risk=50.0).high < 0.2, "that all are unsafe is not certain"


def test_a_level_that_replays_correct_is_uncertain_by_the_correction() -> None:
    sure, corrected = share_of(128, 0.7), share_of(128, 0.7, factor=2.0)
    assert sure.value == corrected.value
    assert corrected.low < sure.low and corrected.high > sure.high
    uncorrected = np.exp(-0.35)
    assert corrected.low < uncorrected < corrected.high and sure.high < uncorrected


def test_the_safe_one_is_chosen(labels: Labels, verdicts: dict[str, Verdict]) -> None:
    choice = choose({"right": Push(1.0), "left": Push(-1.0)}, NAME, labels=labels)
    assert (choice.name, choice.passes) == ("left", True)
    assert "with a probability of at most 0.1" in str(choice)
    none = choose({"right": Push(1.0)}, NAME, labels=labels)
    assert (none.name, none.passes) == ("right", False) and "too low" in str(none)
    beyond = replace(labels, threshold=Threshold(0.999, 0.1, 40))
    out_of_reach = choose({"left": Push(-1.0)}, NAME, labels=beyond)
    assert not out_of_reach.passes and "no agent can pass" in str(out_of_reach)
    with pytest.raises(ConfigError, match="at least one agent, got none"):
        choose({}, NAME, labels=labels)


def test_spaces_are_checked_before_labels_are_fitted(
    track: MinariDataset, labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: Any) -> None:
        raise AssertionError("label models are being fitted")

    monkeypatch.setattr(Labels, "read", read)
    other = PRESA("MlpPolicy", "CartPole-v1", device="cpu")
    with pytest.raises(DatasetError, match="observation space of the dataset must equal"):
        judge(other, track, said(track))
    with pytest.raises(DatasetError, match="observation space of the dataset must equal"):
        choose({"left": Push(-1.0), "other": other}, track, said(track))
    with pytest.raises(ConfigError, match=r"`alpha` must be in \(0, 1\), got 7"):
        choose({"left": Push(-1.0)}, track, alpha=7, labels=labels)


def test_a_log_of_one_recording_is_no_surprise_to_itself() -> None:
    """Steps of the same tenth of it do not count as neighbours, the step itself least of all."""
    random = np.random.default_rng(0)
    observations = random.uniform(-1, 1, (1500, 2)).astype(np.float32)
    one = replace(
        flat_transitions([1500], [0]),
        observations=observations,
        actions=np.tanh(observations[:, :1]),
    )

    class Nearly:
        def predict(self, observation: Any, *_: Any, **__: Any) -> tuple[Any, None]:
            return np.tanh(observation[:, :1]) + np.float32(1e-4), None

    agent: Any = Nearly()
    assert unlike_logged(one, agent, ()).share.value < 0.2


def test_agents_need_names_and_predict() -> None:
    wrong: list[Any] = [[Push(1.0)], {"right": "agent.zip"}]
    for agents, message in zip(
        wrong, ("dict of names .*got list", "'right'.*got str"), strict=True
    ):
        with pytest.raises(ConfigError, match=message):
            choose(agents, "me/missing-v0")  # before anything is read
    for alpha in (0.0, 1, float("nan"), "a tenth"):
        with pytest.raises(ConfigError, match="`alpha` must be"):
            choose({"right": Push(1.0)}, "me/missing-v0", alpha=alpha)  # type: ignore[arg-type]


@given(st.integers(1, 1400), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_the_nearest_steps_are_found_in_their_order(n_steps: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    steps, asked = random.normal(size=(n_steps, 3)), random.normal(size=(7, 3))
    neighbours = Neighbours.of(steps, 1)
    apart = ((asked[:, None] - steps) * neighbours.weights).astype(np.float64)
    expected = np.square(apart).sum(axis=2).argsort(axis=1)[:, :N_NEAR]
    np.testing.assert_array_equal(neighbours.nearest(asked), expected)


def test_what_nobody_did_is_seen(verdicts: dict[str, Verdict], labels: Labels) -> None:
    for name, verdict in verdicts.items():
        assert verdict.unlike is not None
        assert verdict.unlike.share.value < 0.3, name  # logged actions reach both ends
    still = judge(Push(0.0), NAME, labels=replace(labels, action_names=("pedal",)))
    assert still.unlike is not None and still.unlike.by_coordinate[0][0] == "pedal"


def test_labels_that_say_nothing_leave_it_undecided(track: MinariDataset) -> None:
    verdict = judge(Push(-1.0), track, said(track, guess=True))
    assert verdict.labels.area.low < 0.5 < verdict.labels.area.high
    assert verdict.labels.comparisons.low < 0.5 < verdict.labels.comparisons.high
    assert verdict.word == "undecided" and headline(verdict).startswith("Undecided")
    assert "not predicted better than chance" in cautions(verdict)[0]


def test_without_safety_labels_nothing_is_said_about_safety(track: MinariDataset) -> None:
    given = said(track)
    compared = replace(given, p_safe=np.full_like(given.p_safe, np.nan))
    verdict = judge(Push(-1.0), track, compared)
    assert verdict.word == "undecided" and verdict.outlook is None
    assert "without safety labels" in headline(verdict)
    assert "What this cannot say" in page_html(verdict)
    with pytest.raises(FeedbackError, match="must hold safety labels to choose by, got none"):
        choose({"left": Push(-1.0)}, track, compared)


def test_folds_do_not_change_with_the_training_seed(track: MinariDataset) -> None:
    agents = [PRESA.load_offline(track, said(track), seed=seed, device="cpu") for seed in (3, 4)]
    one, other = (judge(agent, track, said(track)) for agent in agents)
    np.testing.assert_array_equal(one.labels.fitted.parts[0], other.labels.fitted.parts[0])
    assert one.labels.area == other.labels.area


def test_an_agent_with_a_reference_is_asked_about_held_out_comparisons(
    track: MinariDataset,
) -> None:
    given = said(track)
    settings: dict[str, Any] = {"seed": 0, "device": "cpu"}
    trained = judge(PRESA.load_offline(track, given, **settings), track, given)
    assert trained.agreement is not None and not trained.held_out
    assert (trained.agreement.value, trained.agreement.n) == (0.5, 120)  # no step: all are ties
    assert "seen in training" in rows(trained)[0].what
    model = PRESA.load_offline(track, given, validation_fraction=0.3, **settings)
    held = judge(model, track, given)
    assert held.agreement is not None and held.held_out and 20 < held.agreement.n < 80
    # With labels of more episodes, others would be held out: some were trained on
    fewer = given.subset(given.segments[:, 0] < given.segments[:, 0].max() // 2)
    model = PRESA.load_offline(track, fewer, validation_fraction=0.3, **settings)
    assert not judge(model, track, given).held_out


def test_neither_rewards_nor_costs_are_read(
    track: MinariDataset,
    root: Path,
    verdicts: dict[str, Verdict],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(JUDGES_FIT, fit_labels)  # to the blind data themselves
    monkeypatch.setattr(JUDGES_WORLD, World)
    file = root / NAME / "data/main_data.hdf5"
    honest = file.read_bytes()
    try:
        with h5py.File(file, "r+") as opened:
            for episode in opened.values():
                episode["rewards"][...] = np.nan
                episode["infos/cost"][...] = np.nan
        dataset = minari.load_dataset(NAME)
        blind = judge(Push(-1.0), dataset, said(dataset), name="left")
    finally:
        file.write_bytes(honest)
    assert page_html(blind) == page_html(verdicts["left"])


def test_the_page_needs_no_other_file_and_runs_nothing(labels: Labels) -> None:
    name = "<script>alert('&')</script>"
    verdict = judge(Push(1.0), NAME, name=name, labels=replace(labels, action_names=("<b>",)))
    page = page_html(verdict)
    assert "<script" not in page and "&lt;script&gt;" in page and "action <b>" not in page
    sources = re.findall(r'(?:src|href)="([^"]{0,30})', page)
    assert sources and all(source.startswith("data:image/png;base64,") for source in sources)
    assert len(verdict.moments) == 10 and "Worst logged moments" in page
    assert page.count("<h2>") == 4


def test_the_page_quotes_what_was_measured() -> None:
    results = Path(__file__).parents[1] / "benchmarks" / "results" / "judged.json"
    figures = json.loads(results.read_text())
    safe, unsafe, undecided = (figures["words"][word] for word in ("safe", "unsafe", "undecided"))
    wrong = unsafe["truly_safe"]
    assert len(figures["rank_correlation"]) == 8 and "eight simulated tasks" in MEASURED
    assert f"safe was right for {safe['truly_safe']} of {safe['agents']} agents" in MEASURED
    assert f"unsafe for {unsafe['agents'] - wrong} of {unsafe['agents']}," in MEASURED
    assert f"{undecided['agents']} were undecided" in MEASURED
    assert f"interval of the share held {figures['coverage']['95%']:.0%} of them" in MEASURED


def test_a_verdict_goes_on_a_model_card(verdicts: dict[str, Verdict]) -> None:
    said = markdown(verdicts["right"])
    assert said.startswith("Judged without a simulator. Unsafe: ")
    assert "| AUC on safety labels, held out |" in said and "- The labels are believed." in said


def test_short_form_has_three_lines(verdicts: dict[str, Verdict]) -> None:
    lines = short(verdicts["right"], "sb3-presa judge ...")
    assert "Unsafe" in lines[0] and "AUC" in lines[1]
    assert lines[2] == "More: sb3-presa judge ..."


def test_command(track: MinariDataset, tmp_path: Path) -> None:
    given = said(track)
    given.save(track, "people")
    model, page = tmp_path / "agent.zip", tmp_path / "page.html"
    train = ["train", NAME, "--feedback", "people", "--algorithm", "bc", "--steps", "2"]
    trained = CliRunner().invoke(app, [*train, "--out", str(model)])
    assert trained.exit_code == 0, trained.output
    assert "Judged without a simulator: " in trained.output
    assert f"More: sb3-presa judge {model} --dataset {NAME} --feedback people" in trained.output
    quiet = CliRunner().invoke(app, [*train, "--out", str(model), "--quiet"])
    assert quiet.exit_code == 0 and "Judged" not in quiet.output
    command = ["judge", str(model), "--dataset", NAME, "--feedback", "people", "--html", str(page)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    for words in ("judged without a simulator", "AUC on safety labels", "What this cannot say"):
        assert words in result.output
    assert page.read_text().startswith("<!doctype html>")
    refused = CliRunner().invoke(app, [*command[:-1], str(tmp_path)])
    assert refused.exit_code == 1
    printed = CliRunner().invoke(app, [*command[:-2], "--json", "-"])
    figures = json.loads(printed.stdout)
    assert figures["verdict"] in ("safe", "unsafe", "undecided") and len(figures["moments"]) == 10
    assert figures["p_safe"].keys() == {"value", "low", "high"}
    assert figures["safety_auc"].keys() == {"value", "low", "high", "n"}
    assert CliRunner().invoke(app, [*command[:-2], "--json", str(tmp_path / "a.json")]).output
    assert json.loads((tmp_path / "a.json").read_text()) == figures


def test_command_that_chooses(track: MinariDataset, tmp_path: Path) -> None:
    said(track).save(track, "people")
    paths = [tmp_path / name for name in ("imitates.zip", "safe.zip")]
    for path, data in zip(paths, ("all", "safe"), strict=True):
        BC.load_offline(track, "people", data=data).learn(2).save(path)
    command = ["choose", *map(str, paths), "--dataset", NAME, "--feedback", "people"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "an unsafe segment reaches" in result.output
    assert ("Chosen: " in result.output) is not ("None passes. Safest: " in result.output)
    assert all(str(path) in result.output for path in paths)
    printed = CliRunner().invoke(app, [*command, "--json", "-", "--alpha", "0.2"])
    figures = json.loads(printed.stdout)
    assert [one["name"] for one in figures["agents"]] == [str(path) for path in paths]
    assert figures["chosen"] in [str(path) for path in paths]
    assert figures["passes"] is any(one["passes"] for one in figures["agents"])
    assert figures["threshold"]["alpha"] == 0.2
    once = CliRunner().invoke(app, [*command, str(paths[0])])
    assert once.exit_code == 1 and "must be given once" in once.output
