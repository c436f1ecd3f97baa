"""The ``sb3-presa`` command, end to end on a tiny dataset, and what it says when it refuses."""

import json
import re
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import minari
import numpy as np
import pytest
from minari import MinariDataset
from toy_envs import env_id
from typer.testing import CliRunner, Result

import sb3_presa
from sb3_presa import ALGORITHMS, PRESA, Feedback, __version__
from sb3_presa.cli import app
from sb3_presa.cli.console import print_error, print_table
from sb3_presa.data import example_dataset
from sb3_presa.errors import ConfigError
from sb3_presa.learning.alignment_algorithm import AlignmentAlgorithm

Run = Callable[..., Result]

#: Short training, so that a test is about the command and not about learning.
SHORT = [
    "--steps",
    "6",
    "--set",
    "n_cloning_steps=3",
    "--set",
    "objective_kwargs.n_attain_steps=1",
    "--quiet",
]
JSON_KEYS = {
    "reward_mean",
    "reward_std",
    "cost_mean",
    "cost_std",
    "normalized_reward",
    "normalized_cost",
    "safe",
    "safe_episode_ratio",
    "cost_cvar90",
    "episodes",
}


@pytest.fixture
def run() -> Run:
    """Run the command; what a refusal prints is one line on standard error."""

    def invoke(*arguments: object, exit_code: int = 0) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == exit_code, (result.output, result.exception)
        if exit_code == 1:
            assert result.stderr.startswith("Error: ")
            assert result.stderr.count("\n") == 1, result.stderr
        return result

    return invoke


@pytest.fixture
def labelled(box_dataset: MinariDataset, run: Run) -> str:
    """The id of a dataset with feedback."""
    run("label", box_dataset.id, "--cost-limit", 5, "--comparisons", 40)
    return str(box_dataset.id)


@pytest.fixture
def trained(labelled: str, tmp_path: Path, run: Run) -> Path:
    """A saved model."""
    path = tmp_path / "model.zip"
    run("train", labelled, "--out", path, *SHORT)
    return path


def test_version_and_help(run: Run) -> None:
    assert run("--version").stdout.split() == ["sb3-presa", __version__]
    commands = {
        command.name or command.callback.__name__.replace("_", "-")
        for command in app.registered_commands
        if command.callback is not None
    }
    page = (Path(__file__).parent.parent / "docs/cli.md").read_text()
    for command in commands:
        assert run(command, "--help").stdout
        assert f"`sb3-presa {command} " in page, f"docs/cli.md does not show {command}"


def test_the_module_is_the_command(tmp_path: Path) -> None:
    """With its exit code, and its refusals in one line."""
    command = [sys.executable, "-m", "sb3_presa", "info", str(tmp_path / "nothing")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1


def test_label_does_what_synthetic_does(box_dataset: MinariDataset, run: Run) -> None:
    options = ["--segment-length", 7, "--seed", 3, "--flip-safety", 0.5, "--unlabelled-safety", 0.2]
    run(
        "label",
        box_dataset.id,
        "--feedback",
        "mine",
        "--cost-limit",
        4,
        "--comparisons",
        30,
        *options,
    )
    expected = Feedback.synthetic(
        box_dataset, 30, 7, cost_limit=4, seed=3, flip_safety=0.5, unlabelled_safety=0.2
    )
    found = Feedback.load(box_dataset, "mine")
    np.testing.assert_array_equal(found.segments, expected.segments)
    np.testing.assert_array_equal(found.p_safe, expected.p_safe)
    np.testing.assert_array_equal(found.preferences, expected.preferences)


def test_label_keeps_what_people_labelled(box_dataset: MinariDataset, run: Run) -> None:
    Feedback.create(box_dataset, [(0, 0, 5)], [True]).save(box_dataset)
    refused = run("label", box_dataset.id, "--cost-limit", 5, exit_code=1)
    assert "'default'" in refused.stderr and "--overwrite" in refused.stderr
    assert len(Feedback.load(box_dataset).segments) == 1
    run("label", box_dataset.id, "--cost-limit", 5, "--comparisons", 9, "--overwrite")
    run("label", box_dataset.id, "--cost-limit", 5, "--comparisons", 8)  # its own it replaces
    assert len(Feedback.load(box_dataset).comparisons) == 8


def test_info_tells_of_data_and_feedback(labelled: str, run: Run) -> None:
    printed = run("info", labelled).stdout
    dataset = minari.load_dataset(labelled)
    for fact in (
        dataset.id,
        f"{dataset.total_steps:,}",
        "Box(-2.0, 2.0, (3,)",
        "default",
        "-10 to 20",
    ):
        assert fact in printed, printed


def test_dsrl_files_come_back_bit_for_bit(labelled: str, tmp_path: Path, run: Run) -> None:
    run("export-dsrl", labelled, tmp_path / "first.hdf5")
    run("import-dsrl", tmp_path / "first.hdf5", "--id", "dsrl/toy-v0", "--env-id", env_id("box"))
    run("export-dsrl", "dsrl/toy-v0", tmp_path / "second.hdf5")
    with (
        h5py.File(tmp_path / "first.hdf5") as first,
        h5py.File(tmp_path / "second.hdf5") as second,
    ):
        assert set(first) == set(second) >= {"observations", "costs", "timeouts"}
        for name in first:
            np.testing.assert_array_equal(second[name][()], first[name][()])
        rows = {name: table[()] for name, table in first.items()}

    rows["next_observations"][3] += 1.0
    with h5py.File(tmp_path / "odd.hdf5", "w") as odd:
        for name, table in rows.items():
            odd[name] = table
    strict = ("import-dsrl", tmp_path / "odd.hdf5", "--id", "dsrl/odd-v0", "--strict")
    assert re.search(r"next_observations.*\b3\b", run(*strict, exit_code=1).stderr)
    with pytest.warns(UserWarning, match="next_observations"):
        run(*strict[:-1])
    assert minari.load_dataset("dsrl/odd-v0").total_steps == len(rows["rewards"])
    assert "dsrl/odd-v0" in run(*strict[:-1], exit_code=1).stderr  # the id is taken


def test_collect_follows_the_recipe(minari_root: Path, tmp_path: Path, run: Run) -> None:
    recipe = tmp_path / "small.toml"
    recipe.write_text(
        f"env_id = 'toy_envs:{env_id('box')}'\ndataset_id = 'toy/own-v0'\ncost_limit = 3.0\n"
        "n_episodes = 6\nrandom_episodes = 9\ncost_weights = []\nreward_range = [-100.0, 100.0]\n"
    )
    command = ("collect", "--recipe", recipe, "--seed", 1, "--workers", 1, "--quiet")
    for named, dataset_id in (((), "toy/own-v0"), (("--id", "toy/mine-v0"), "toy/mine-v0")):
        run(*command, *named)
        dataset = minari.load_dataset(dataset_id)
        assert dataset.total_episodes == 6
        assert dataset.storage.metadata["collection"]["seed"] == 1
    run("label", dataset_id, "--comparisons", 5)
    assert Feedback.load(dataset).provenance["cost_limit"] == 3.0


def test_label_takes_the_middle_limit_of_a_task_and_asks_elsewhere(
    box_dataset: MinariDataset, minari_root: Path, run: Run
) -> None:
    circle = minari_root / "circle-v0"
    shutil.copytree(Path(example_dataset().storage.data_path), circle / "data")
    run("label", circle, "--feedback", "usual", "--comparisons", 5)
    assert Feedback.load(circle, "usual").provenance["cost_limit"] == 40.0
    refused = run("label", box_dataset.id, exit_code=1)
    assert "--cost-limit" in refused.stderr


def test_train_is_what_python_does(labelled: str, trained: Path) -> None:
    model = PRESA.load_offline(
        labelled, n_cloning_steps=3, objective_kwargs={"n_attain_steps": 1}, seed=0
    ).learn(6)
    saved = PRESA.load(trained)
    observation = np.linspace(-1, 1, 30, dtype=np.float32).reshape(10, 3)
    expected, _ = model.predict(observation, deterministic=True)
    found, _ = saved.predict(observation, deterministic=True)
    np.testing.assert_array_equal(found, expected)
    assert [path.name for path in trained.parent.iterdir() if path.is_file()] == ["model.zip"]


def test_train_says_what_it_learns_from(labelled: str, tmp_path: Path, run: Run) -> None:
    """Two sets of labels lie side by side, and the one that is not asked for is named."""
    people = Feedback.create(
        labelled,
        [(0, 0, 5), (1, 0, 5), (2, 0, 5)],
        [True, None, False],
        [(0, 1)],
        provenance={"source": "annotators"},
    )
    people.save(labelled, "people")
    train = ("train", labelled, "--steps", 2, "--quiet", "--out", tmp_path / "model.zip")
    clone = ("--algorithm", "BC", "--set", "data=safe")
    said, saved = run(*train, *clone).stdout.splitlines()
    n_segments = len(Feedback.load(labelled).segments)
    assert said == (
        f"Training BC on feedback 'default' (synthetic): {n_segments} segments, 0 comparisons, "
        f"{n_segments} safety labels; the dataset also has 'people'"
    )
    assert saved.startswith("Saved ")
    assert (
        "Training BC on feedback 'people' (annotators): 3 segments, 0 comparisons, 2 safety labels;"
        " the dataset also has 'default'\n" in run(*train, *clone, "--feedback", "people").stdout
    )
    true = run(*train, "--algorithm", "BCQLag", "--set", "cost_limit=5", "--set", "batch_size=8")
    assert "Training BCQLag on true rewards and costs, without feedback\n" in true.stdout


@pytest.mark.parametrize(("option", "judges"), [((), 1), (("--no-judge",), 0), (("--quiet",), 0)])
def test_train_judges_unless_it_is_told_not_to(
    option: tuple[str, ...],
    judges: int,
    labelled: str,
    tmp_path: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged: list[object] = []
    monkeypatch.setattr("sb3_presa.cli.training._judge", lambda *model: judged.append(model))
    run("train", labelled, "--algorithm", "BC", "--steps", 2, "--out", tmp_path / "a.zip", *option)
    assert len(judged) == judges


def test_train_asks_for_tensorboard_before_it_reads_anything(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    out = ("--out", tmp_path / "model.zip", "--tensorboard", tmp_path / "logs")
    assert 'pip install ".[tensorboard]"' in run("train", "toy/none-v0", *out, exit_code=1).stderr
    shown = " ".join(run("train", "--help").stdout.replace("│", " ").split())
    assert 'needs pip install ".[tensorboard]"' in shown


def test_train_bc_completes_the_suffix_and_the_folder(
    labelled: str, tmp_path: Path, run: Run
) -> None:
    out = tmp_path / "new" / "clone"
    run("train", labelled, "--algorithm", "bc", "--set", "data=safe", "--steps", 2, "-q", "-o", out)
    run("evaluate", f"{out}.zip", "--env", env_id("box"), "--cost-limit", 5, "--episodes", 1)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_trains_by_its_name_in_any_case(
    name: str, labelled: str, tmp_path: Path, run: Run
) -> None:
    """With a setting of its own or of its base class; it acts when it is loaded again."""
    algorithm = getattr(sb3_presa, name)
    batch = "cloning_batch_size" if issubclass(algorithm, AlignmentAlgorithm) else "batch_size"
    settings = {batch: 8, **({"cost_limit": 5} if "outcomes" in algorithm.needs else {})}
    options = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    out = tmp_path / "model.zip"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`total_timesteps` should be above")
        train = ("train", labelled, "--algorithm", name.lower(), "--steps", 2, "-q", "-o", out)
        run(*train, *options)
    model = algorithm.load(out)
    assert model.algorithm == name
    assert {key: getattr(model, key) for key in settings} == settings
    run("evaluate", out, "--dataset", labelled, "--cost-limit", 5, "--episodes", 1)


def test_an_unknown_algorithm_is_refused(labelled: str, tmp_path: Path, run: Run) -> None:
    unknown = ("train", labelled, "--algorithm", "sac", "-o", tmp_path / "model.zip")
    assert (
        "algorithm must be one of BC, " in (refused := run(*unknown, exit_code=1)).stderr
        and "got 'sac'" in refused.stderr
    )
    forgotten = ("train", labelled, "--algorithm", "TraC", "-o", tmp_path / "model.zip")
    assert "`cost_limit` must be given to TraC" in run(*forgotten, exit_code=1).stderr


def test_evaluate_writes_the_numbers(
    trained: Path, labelled: str, tmp_path: Path, run: Run
) -> None:
    def evaluate(*where: str) -> dict[str, object]:
        out = tmp_path / "result.json"
        run("evaluate", trained, *where, "--cost-limit", 5, "--episodes", 3, "--json", out)
        result: dict[str, object] = json.loads(out.read_text())
        return result

    by_dataset, by_env = evaluate("--dataset", labelled), evaluate("--env", env_id("box"))
    assert by_dataset.keys() == JSON_KEYS
    assert by_dataset["episodes"] == 3
    # The references of the toy dataset are -10 and 20; the environment alone has none.
    mean = by_dataset["reward_mean"]
    assert isinstance(mean, float)
    assert by_dataset["normalized_reward"] == pytest.approx((mean + 10) / 30)
    assert by_env == by_dataset | {"normalized_reward": None}
    where = ("--env", env_id("box"), "--cost-limit", 5, "--episodes", 3, "--json", "-")
    assert json.loads(run("evaluate", trained, *where).stdout) == by_env


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("delta=2", r"`delta` must be in \(0, 1\), got 2"),
        ("dleta=0.9", r"dleta: unknown setting; did you mean 'delta'"),
        (
            "attain_margin=0.9",
            r"attain_margin: unknown setting; did you mean 'objective_kwargs.attain_margin'",
        ),
        ("delta", r"KEY=VALUE"),
        ("gamma=fast", r"`gamma` must be a finite number, got 'fast'"),
        ("alpha=nan", r"^Error: .*`alpha` must be a finite number, got 'nan'"),
        ("alpha=1e400", r"`alpha` must be a finite number, got inf"),
        ("n_pairs=1.5", r"`n_pairs` must be a whole number, got 1\.5"),
        (
            "objective_kwargs.normalize_length=no",
            r"`normalize_length` must be True or False, got 'no'",
        ),
        ("objective_kwargs.alfa=1", r"`objective_kwargs` has no setting 'alfa'"),
        ("delta.alpha=1", r"delta\.alpha: unknown setting"),
        ("policy_kwargs=5", r"`policy_kwargs` must be a dictionary or None, got 5"),
        (
            "policy_kwargs={[]: 1}",
            r"`policy_kwargs` must be a dictionary or None",
        ),
        (
            "policy_kwargs={'dropuot': 1}",
            r"OfflinePolicy has no argument `dropuot`; did you mean 'dropout'\?",
        ),
        (
            "learning_rate=fast",
            r"`learning_rate` must be a finite number or a function",
        ),
        ("seed=3", r"seed: unknown setting"),
    ],
)
def test_train_refuses_settings(
    labelled: str, tmp_path: Path, run: Run, setting: str, said: str
) -> None:
    out = tmp_path / "model.zip"
    refused = run("train", labelled, "--out", out, "--set", setting, exit_code=1)
    assert re.search(said, refused.stderr), refused.stderr
    assert not out.exists()


def test_true_false_and_none_are_read_in_any_case(labelled: str, tmp_path: Path, run: Run) -> None:
    words = {
        "objective_kwargs.normalize_length": "false",
        "objective_kwargs.center_utilities": "FALSE",
        "clone_winners": "True",
        "clip_range": "none",
        "max_grad_norm": "inf",
        "objective_kwargs.preference_filter": "all",
    }
    options = [word for key, value in words.items() for word in ("--set", f"{key}={value}")]
    run("train", labelled, "-o", tmp_path / "model.zip", *SHORT, *options)
    model = PRESA.load(tmp_path / "model.zip")
    assert (model.clone_winners, model.clip_range) == (True, None)
    assert model.max_grad_norm == float("inf")
    assert model.objective_kwargs == {
        "n_attain_steps": 1,  # of SHORT
        "normalize_length": False,
        "center_utilities": False,
        "preference_filter": "all",
    }


@pytest.mark.parametrize("where", ["file/model.zip", "/proc/model.zip", f"{'x' * 252}.zip"])
def test_train_finds_out_at_once_that_it_cannot_write(
    labelled: str, tmp_path: Path, run: Run, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(PRESA, "learn", None)
    out = tmp_path / where
    refused = run("train", labelled, "--out", out, *SHORT, exit_code=1)
    assert refused.stderr.startswith(f"Error: {out} cannot be written: ")


def test_evaluate_makes_the_folder_and_finds_out_at_once_that_it_cannot_write(
    trained: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate = ("evaluate", trained, "--env", env_id("box"), "--cost-limit", 5, "--episodes", 1)
    out = tmp_path / "new" / "folder" / "result.json"
    run(*evaluate, "--json", out)
    assert json.loads(out.read_text()).keys() == JSON_KEYS
    monkeypatch.setattr("sb3_presa.evaluation.safety.evaluate_safety", None)
    out = tmp_path / "model.zip" / "result.json"
    refused = run(*evaluate, "--json", out, exit_code=1)
    assert refused.stderr.startswith(f"Error: {out} cannot be written: ")


def test_a_file_that_cannot_be_written_is_called_what_the_user_called_it(
    labelled: str, tmp_path: Path, run: Run
) -> None:
    Feedback.load(labelled)
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "labels.csv"
    refused = run("labels", labelled, "--feedback", "default", "--export", out, exit_code=1)
    assert refused.stderr == f"Error: {out} cannot be written: File exists\n"


OWN_CLASS = """
from sb3_presa import BC


class Mine(BC):
    def __init__(self, *args, batch_size: int = 4, **kwargs):
        super().__init__(*args, batch_size=batch_size, **kwargs)
"""


def test_a_class_of_ones_own_trains_and_is_evaluated(
    labelled: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_algorithm.py").write_text(OWN_CLASS)
    monkeypatch.syspath_prepend(tmp_path)
    out = tmp_path / "mine.zip"
    train = ("train", labelled, "--steps", 2, "-q", "-o", out, "--set", "batch_size=3")
    assert "Training Mine on " in run(*train, "--algorithm", "own_algorithm:Mine").stdout
    refused = run(*train, "--algorithm", "own_algorithm:Nobody", exit_code=1)
    assert "own_algorithm:Nobody cannot be imported" in refused.stderr
    evaluate = ("evaluate", out, "--env", env_id("box"), "--cost-limit", 5, "--episodes", 1)
    refused = run(*evaluate, exit_code=1)
    assert (
        f"the algorithm 'Mine' of {out} is not part of this package; use --algorithm "
        "package.module:Mine" in refused.stderr
    )
    run(*evaluate, "--algorithm", "own_algorithm:Mine")
    refused = run(*evaluate, "--algorithm", "cpl", exit_code=1)
    assert "the file must hold a model of CPL, got one of Mine" in refused.stderr


def test_what_stands_between_colons_is_no_emoji(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_error(ConfigError("bots:Robot: has no setting :smile:"))
    print_table(":robot:", (":smile:",), [(":heart:",)])
    printed = capsys.readouterr()
    assert printed.err == "Error: bots:Robot: has no setting :smile:\n"
    assert all(word in printed.out for word in (":robot:", ":smile:", ":heart:"))


def test_a_reader_who_leaves_is_no_error(labelled: str) -> None:
    """As after ``| head``: for what typer prints, and what rich does."""
    for words in (["label", labelled, "--cost-limit", "5"], ["info", labelled]):
        command = [sys.executable, "-c", CLOSED_PIPE, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stderr == "", words


def test_the_pipe_to_a_worker_that_breaks_is_an_error(
    labelled: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_dataset: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("sb3_presa.feedback.summarize", fail)
    assert run("info", labelled, exit_code=1).stderr == "Error: Broken pipe\n"


#: Runs the command with a standard output that nobody reads any more.
CLOSED_PIPE = """
import os, sys
reader, writer = os.pipe()
os.close(reader)
os.dup2(writer, 1)
from sb3_presa.cli import main
main()
"""


def test_refusals_name_what_is_wrong(
    trained: Path, labelled: str, tmp_path: Path, run: Run
) -> None:
    limit = ("--cost-limit", 5)
    out = ("--out", tmp_path / "other.zip", "--quiet")
    run("export-dsrl", labelled, tmp_path / "toy.hdf5")
    run("import-dsrl", tmp_path / "toy.hdf5", "--id", "dsrl/nowhere-v0")
    no_model = tmp_path / "text.zip"
    no_model.write_text("no model")
    foreign = tmp_path / "foreign.zip"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("data", json.dumps({"gamma": 0.99}))

    cases: list[tuple[tuple[object, ...], str]] = [
        (("label", "toy/none-v0", *limit), "toy/none-v0"),
        (("info", "toy/none-v0"), "toy/none-v0"),
        (("collect", "None-v0", "--id", "toy/new-v0"), "None"),
        (("collect", "no_module:None-v0", "--id", "toy/new-v0"), "no_module"),
        (("collect", env_id("box"), "--id", "toy/new"), "toy/new"),
        (("import-dsrl", tmp_path / "none.hdf5", "--id", "toy/new-v0"), "none.hdf5"),
        (("export-dsrl", labelled, Path(__file__) / "folder.hdf5"), "folder.hdf5"),
        (("train", "toy/none-v0", *out), "toy/none-v0"),
        (("train", labelled, "--feedback", "nobody", *out), "nobody"),
        (("train", labelled, "--policy", "MlpPolice", *out), "MlpPolice"),
        (
            ("train", labelled, "--device", "gpu", *out),
            "--device must be a PyTorch device, got gpu",
        ),
        (("train", labelled, "--out", tmp_path, *SHORT), "folder"),
        (("train", labelled, "--algorithm", "own:", *out), "own: cannot be imported"),
        (("evaluate", trained, *limit), "--dataset ID or --env ENV_ID"),
        (("evaluate", trained, "--dataset", "dsrl/nowhere-v0", *limit), "dsrl/nowhere-v0"),
        (("evaluate", trained, "--env", "None-v0", *limit), "None"),
        (("evaluate", trained, "--env", "no_module:None-v0", *limit), "no_module"),
        (("evaluate", trained, "--env", "CartPole-v1", *limit), "CartPole-v1"),
        (("evaluate", tmp_path / "none.zip", "--env", env_id("box"), *limit), "none.zip"),
        (("evaluate", no_model, "--env", env_id("box"), *limit), "text.zip"),
        (("evaluate", foreign, "--env", env_id("box"), *limit), "foreign.zip"),
    ]
    for arguments, said in cases:
        refused = run(*arguments, exit_code=1)
        assert said in refused.stderr, (arguments, refused.stderr)


def test_debug_shows_the_traceback(run: Run) -> None:
    result = CliRunner().invoke(app, ["--debug", "label", "toy/none-v0", "--cost-limit", "5"])
    assert result.exception is not None and "toy/none-v0" in str(result.exception)


def test_a_failed_save_keeps_the_old_model(
    trained: Path, labelled: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = trained.read_bytes()

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)  # the last thing before the file takes its name
    refused = run("train", labelled, "--out", trained, *SHORT, exit_code=1)
    assert "No space left" in refused.stderr
    assert trained.read_bytes() == before
    assert not list(trained.parent.glob(".*.tmp"))
