"""The command line, as users of Stable-Baselines3 have habits."""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from algorithm_data import weights_of
from minari import MinariDataset
from stable_baselines3 import PPO
from test_cli import Run, labelled, run  # noqa: F401 - fixtures
from toy_envs import env_id
from typer.testing import CliRunner

from sb3_presa import BC, PRESA
from sb3_presa.cli import app, progress

SMALL = ("--set", "n_cloning_steps=4", "--set", "objective_kwargs.n_attain_steps=1")


def train(dataset: str, out: Path, steps: int, *more: object) -> tuple[object, ...]:
    return ("train", dataset, "--out", out, "--steps", steps, *SMALL, "--quiet", *more)


def test_an_interrupted_training_says_what_is_kept_and_goes_on(
    run: Run,  # noqa: F811
    labelled: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To the same weights as without the interrupt."""
    run(*train(labelled, tmp_path / "whole.zip", 10))
    learn = PRESA.learn

    def interrupted(self: PRESA, steps: int, callback: Any, **keywords: Any) -> Any:
        def stop(locals_: Any, _: Any) -> bool:
            if locals_["self"].num_timesteps == 6:
                raise KeyboardInterrupt
            return True

        from stable_baselines3.common.callbacks import ConvertCallback

        return learn(self, steps, [*callback, ConvertCallback(stop)], **keywords)

    monkeypatch.setattr(PRESA, "learn", interrupted)
    out = tmp_path / "part.zip"
    said = run(*train(labelled, out, 10), exit_code=130).stdout
    assert f"Stopped after 6 of 10 steps; saved {out}" in said and "--resume" in said
    monkeypatch.undo()
    os.environ["MINARI_DATASETS_PATH"] = str(tmp_path / "datasets")
    run("train", labelled, "--out", out, "--steps", 10, "--quiet", "--resume")
    whole, resumed = weights_of(PRESA.load(tmp_path / "whole.zip")), weights_of(PRESA.load(out))
    for name, value in whole.items():
        np.testing.assert_array_equal(resumed[name], value, err_msg=name)
    refused = run("train", labelled, "--out", out, "--steps", 10, "--resume", exit_code=1)
    assert "--steps must be more than the 10" in refused.stderr
    again = ("train", labelled, "--out", out, "--steps", 11, "--quiet", "--resume")
    refused = run(*again, "--seed", 4, exit_code=1)
    assert f"--seed must be that of {out}, 0, or be left out, got 4" in refused.stderr
    assert "Not as before" not in run(*again, "--seed", 0).stdout
    again = ("train", labelled, "--out", out, "--steps", 12, "--quiet", "--resume")
    changed = run(*again, "--set", "max_grad_norm=0.25").stdout
    assert "Not as before, so not the weights of one run: max_grad_norm=0.25 (was " in changed


def test_commands_make_the_folder_of_what_they_write(
    run: Run,  # noqa: F811
    labelled: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    for command, name in (
        ("log-actions", "log.npz"),
        ("export-dsrl", "data.hdf5"),
        ("export-parquet", "steps"),
    ):
        written = tmp_path / command / "new" / name
        run(command, labelled, written)
        assert written.exists()
    written = tmp_path / "labels" / "new" / "labels.csv"
    run("labels", labelled, "--feedback", "default", "--export", written)
    assert written.exists()
    refused = run("log-actions", labelled, tmp_path, exit_code=1).stderr
    assert f"the output must be a file, got the folder {tmp_path}; add a file name" in refused


def test_resuming_needs_a_model(run: Run, labelled: str, tmp_path: Path) -> None:  # noqa: F811
    refused = run(*train(labelled, tmp_path / "none.zip", 5, "--resume"), exit_code=1)
    assert "--resume needs the model of an earlier training, got no file" in refused.stderr


def test_models_are_saved_and_evaluated_on_the_way(
    run: Run,  # noqa: F811
    labelled: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saved: list[int] = []
    save = PRESA.save

    def noting(self: PRESA, path: Any, *arguments: Any) -> None:
        saved.append(self.num_timesteps)
        save(self, path, *arguments)

    monkeypatch.setattr(PRESA, "save", noting)
    evaluated = ("--eval-env", env_id("box"), "--cost-limit", 5, "--eval-every", 4)
    said = run(*train(labelled, tmp_path / "m.zip", 10, "--save-every", 4, *evaluated)).stdout
    assert saved == [4, 8, 10]
    assert said.count("Eval num_timesteps=") == 2
    refused = run(*train(labelled, tmp_path / "m.zip", 10, *evaluated[:2]), exit_code=1)
    assert "--eval-env and --cost-limit must be given together" in refused.stderr
    saved.clear()
    other = ("--eval-env", env_id("dict"), "--cost-limit", 5, "--eval-every", 20)
    refused = run(*train(labelled, tmp_path / "m.zip", 10, *other), exit_code=1)
    assert "the observation space of the environment must equal" in refused.stderr
    assert not saved, "it is refused before training"


def test_evaluate_takes_models_of_stable_baselines3(run: Run, tmp_path: Path) -> None:  # noqa: F811
    PPO("MlpPolicy", env_id("box"), n_steps=8, batch_size=8, device="cpu").save(tmp_path / "ppo")
    evaluate = ("evaluate", tmp_path / "ppo.zip", "--env", env_id("box"), "--cost-limit", 5)
    assert "--algorithm A2C or" in run(*evaluate, exit_code=1).stderr
    assert "--trust" in run(*evaluate, "--algorithm", "PPO", exit_code=1).stderr
    shown = run(*evaluate, "--algorithm", "PPO", "--trust", "--episodes", 1).stdout
    assert "within the limit" in shown


def test_a_gpu_that_is_not_there_is_named(
    run: Run,  # noqa: F811
    labelled: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(th.cuda, "is_available", lambda: False)
    refused = run(*train(labelled, tmp_path / "m.zip", 5, "--device", "cuda"), exit_code=1)
    assert "got cuda, and PyTorch" in refused.stderr and "sees 0 GPUs" in refused.stderr
    refused = run(*train(labelled, tmp_path / "m.zip", 5, "--device", "xla"), exit_code=1)
    assert "Error: --device must be on this machine, got xla: " in refused.stderr
    for command in (("evaluate", "m.zip", "--env", "E-v0", "--cost-limit", 1), ("judge", "m.zip")):
        more = ("--dataset", labelled) if command[0] == "judge" else ()
        refused = run(*command, *more, "--device", "xla", exit_code=1)
        assert "Error: --device must be on this machine, got xla: " in refused.stderr


def test_the_folder_that_one_stands_in_is_importable(
    run: Run,  # noqa: F811
    labelled: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For every option that takes one's own code, and after what is installed."""
    (tmp_path / "beside_me.py").write_text(
        "import gymnasium as gym\nfrom sb3_presa import BC\nclass Mine(BC): pass\n"
        "gym.register('Beside-v0', 'toy_envs:PointEnv', max_episode_steps=3)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    out = tmp_path / "mine.zip"
    mine = ("--algorithm", "beside_me:Mine")
    run("train", labelled, "--out", out, "--steps", 3, "--quiet", *mine)
    assert sys.path[-1] == str(tmp_path)
    limit = ("--cost-limit", 5, "--episodes", 1)
    run("evaluate", out, "--env", "beside_me:Beside-v0", *limit, *mine)


def test_progress_in_a_pipe_is_a_line_now_and_then(
    box_dataset: MinariDataset, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter(range(0, 1000, 20))
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    model = BC.load_offline(box_dataset, None, seed=0)
    model.learn(6, callback=progress.LinesCallback(6))
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["2 of 6 steps", "4 of 6 steps", "6 of 6 steps"]
    assert not progress.shows_bar(quiet=False), "the tests have no terminal"


def test_a_dry_run_checks_the_names_of_feedback(
    run: Run,  # noqa: F811
    labelled: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    suite = tmp_path / "suite.yaml"
    suite.write_text(
        f"tasks: {{T: {{dataset: {labelled}, cost_limits: [5]}}}}\nseeds: [0]\n"
        "algorithms: {BC: }\nlabels: {feedback: nobody}\n"
    )
    refused = run("benchmark", "run", suite, "--dry-run", exit_code=1)
    assert "T cannot run: feedback 'nobody' not found" in refused.stderr
    assert "available: 'default'" in refused.stderr
    assert "1 of 1 cells are missing" in refused.stdout


def test_a_dry_run_says_what_cells_lack(
    run: Run,  # noqa: F811
    labelled: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    """Each once, after the list of all cells; what is there is not mentioned."""
    suite = tmp_path / "suite.yaml"
    suite.write_text(
        f"tasks:\n  Good: {{dataset: {labelled}, env: {env_id('box')}}}\n"
        f"  Gone: nobody/none-v0\n  Typo: {{dataset: {labelled}, env: Typo-v0}}\n"
        "seeds: [0, 1]\ncost_limits: [5]\nalgorithms: {BC: , PRESA: }\n"
    )
    dry = ["benchmark", "run", str(suite), "--out", str(tmp_path), "--dry-run"]
    refused = CliRunner().invoke(app, dry)
    assert refused.exit_code == 1
    assert "12 of 12 cells are missing" in refused.stdout
    gone, typo = refused.stderr.splitlines()
    assert "Gone cannot run: dataset 'nobody/none-v0' not found" in gone
    assert "Typo cannot run: tasks.Typo.env must be the id of an environment" in typo
    run(*dry, "--task", "Good")


def test_the_logger_leaves_no_folder(
    box_dataset: MinariDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    BC.load_offline(box_dataset, None, seed=0).learn(3)
    assert list((tmp_path / "temporary").glob("SB3-*")) == []
    BC.load_offline(box_dataset, None, seed=0, tensorboard_log=str(tmp_path / "logs")).learn(3)
    assert list((tmp_path / "logs").rglob("events*"))


def test_a_models_suffix_may_be_left_out(
    run: Run,  # noqa: F811
    labelled: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    """As in SB3, and by `train`, which writes `agent.zip` for `--out agent`."""
    agent = tmp_path / "run.1" / "agent"
    said = run("train", labelled, "--out", agent, "--algorithm", "BC", "--steps", 2, "-q").stdout
    assert "Training BC on all of the data, without feedback" in said  # it has labels
    evaluate = ("evaluate", agent, "--env", env_id("box"), "--episodes", 1, "--cost-limit")
    assert "reward" in run(*evaluate, 5).stdout
    said = run(*evaluate, "inf", exit_code=1).stderr
    assert "Error: --cost-limit must be a finite number, got inf" in said
