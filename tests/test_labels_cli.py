"""``sb3-presa labels`` and ``import-preferences``, from answers to feedback."""

import contextlib
import json
import pickle
import re
import shlex
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import episode, write
from minari import MinariDataset
from typer.testing import CliRunner, Result

from sb3_presa import BC
from sb3_presa.annotation.answers.answer import Answer, Segment
from sb3_presa.annotation.answers.store import AnswerStore
from sb3_presa.annotation.consensus.agreement import safety_votes
from sb3_presa.annotation.consensus.compared import overruled_majorities
from sb3_presa.cli import app
from sb3_presa.data import load_transitions
from sb3_presa.errors import FeedbackNotFoundError
from sb3_presa.feedback import Feedback
from sb3_presa.feedback.file import answers_path

Run = Callable[..., Result]


@pytest.fixture
def dataset(minari_root: Path) -> MinariDataset:
    return write("toy/people-v0", [episode(40, seed) for seed in range(4)])


@pytest.fixture
def run() -> Run:
    def invoke(*arguments: object, exit_code: int = 0) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == exit_code, (result.output, result.exception)
        if exit_code == 1:
            assert result.stderr.startswith("Error: ")
        return result

    return invoke


A, B, C = (0, 0, 10), (1, 5, 10), (2, 20, 10)


def said(
    who: str,
    first: Segment,
    second: Segment,
    preference: float | None,
    safe: tuple[float | None, float | None] = (None, None),
) -> Answer:
    return Answer(who, first, second, preference, *safe, seconds=6.0, answered_at=1.0)


ANSWERS = [
    said("ann", A, B, 1.0, (1.0, 0.0)),
    said("bob", B, A, 0.0, (0.0, 1.0)),
    said("cid", A, B, 0.0, (0.0, 0.0)),
    said("ann", B, C, 1.0),
    said("bob", B, C, 0.5),
    said("ann", C, A, 1.0),
    said("cid", B, C, None),
]


@pytest.fixture
def answered(dataset: MinariDataset) -> MinariDataset:
    """With seven answers of three people under the name 'team'."""
    transitions = load_transitions(dataset)
    hashes = dict(zip(range(4), transitions.hash_episodes(), strict=True))
    with contextlib.closing(AnswerStore(answers_path(dataset, "team"), dataset.id)) as store:
        store.record_episodes(hashes)
        for answer in ANSWERS:
            store.add(answer)
    return dataset


def stored(dataset: MinariDataset, name: str) -> list[Answer]:
    with contextlib.closing(AnswerStore(answers_path(dataset, name))) as store:
        return store.answers()


def test_the_numbers_of_a_team(answered: MinariDataset, tmp_path: Path, run: Run) -> None:
    printed = run("labels", answered.id, "--feedback", "team").stdout
    assert re.search(r"7 answers", printed)
    assert re.search(r"ann\W+3\W+0\W+0\W+100%\W+1 / 1\W+6\.0\W+600\W+0 / 0\W+1 / 1", printed)
    assert re.search(r"ann, bob\W+2\W+50%", printed)
    for file in (tmp_path / "numbers.json", "-"):
        shown = run("labels", answered.id, "--feedback", "team", "--json", file).stdout
        text = shown if file == "-" else (tmp_path / "numbers.json").read_text()
        found = json.loads(text)
        assert found["answers"] == 7
        assert [one["annotator"] for one in found["annotators"]] == ["ann", "bob", "cid"]
        assert found["preferences"]["agreement"] == pytest.approx(1 / 4)
        assert found["ties"] == pytest.approx(1 / 6)
        assert found["unsafe"] == pytest.approx(4 / 6)
        # By hand: of A the votes are 1 1 0, of B 0 0 0. o_{01} + o_{10} = 2, n_1 = 2, n_0 = 4.
        assert found["safety"]["alpha"] == pytest.approx(1 - 5 * 2 / (2 * 2 * 4))


def test_merged_labels_are_what_is_trained_on(answered: MinariDataset, run: Run) -> None:
    run("labels", answered.id, "--feedback", "team", "--merge", "majority")
    found = Feedback.load(answered, "team")
    np.testing.assert_array_equal(found.segments, [A, B, C])
    np.testing.assert_array_equal(found.comparisons, [(0, 1), (0, 2), (1, 2)])
    np.testing.assert_array_equal(found.preferences, [1.0, 0.0, 0.5])
    np.testing.assert_array_equal(found.p_safe, [1.0, 0.0, np.nan])
    assert found.provenance["annotators"]["cid"]["answers"] == 2
    assert stored(answered, "team") == ANSWERS  # who said what is still there
    # What was merged can be merged anew, and under another name.
    run("labels", answered.id, "--feedback", "team", "--merge", "noise-model", "--into", "soft")
    run("labels", answered.id, "--feedback", "team", "--merge", "mean")
    soft = Feedback.load(answered, "soft").preferences
    assert 0.5 < soft[0] < 1.0 and soft[1] < 0.5
    assert Feedback.load(answered, "team").preferences[0] == pytest.approx(2 / 3)


def test_implied_comparisons_are_merged_where_they_are_wanted(
    answered: MinariDataset, run: Run
) -> None:
    assert "--merge" in run("labels", answered.id, "--implied", exit_code=1).stderr
    chain = [said("ann", (0, s, 5), (0, s + 5, 5), 1.0) for s in range(0, 20, 5)] * 2
    path = answers_path(answered, "chain")
    with contextlib.closing(AnswerStore(path, answered.id)) as store:
        store.record_episodes(load_transitions(answered).hashes_by_id())
        store.add_all(chain)
    for options, more in (((), False), (("--implied",), True)):
        run("labels", answered.id, "--feedback", "chain", "--merge", "majority", *options)
        found = Feedback.load(answered, "chain")
        assert (len(found.comparisons) > 4) is more
        assert ("implied" in found.provenance) is more


def test_answers_that_are_not_merged_are_named(answered: MinariDataset, run: Run) -> None:
    """By training and by `info`, with the command that merges them, until it has been run."""
    command = f"sb3-presa labels {answered.id} --feedback team --merge majority"
    out = ["--out", "never.zip"]
    told = run("train", answered.id, "--feedback", "team", *out, exit_code=1).stderr
    path = answers_path(answered, "team")
    assert f"7 answers of people lie in {path} and are not merged: {command}" in told
    told = run("train", answered.id, *out, exit_code=1).stderr
    assert f"Answers of people are not merged: 7 answers in {path}: {command}" in told
    with pytest.raises(FeedbackNotFoundError, match="7 answers of people lie in"):
        Feedback.load(answered, "team")
    assert (
        f"'team': 7 answers of people, none of them merged: {command}"
        in run("info", answered.id).stdout
    )
    run(*shlex.split(command)[1:])
    assert "of people" not in run("info", answered.id).stdout
    with contextlib.closing(AnswerStore(answers_path(answered, "team"))) as store:
        store.add(said("dan", B, C, 1.0))
    assert (
        f"'team': 8 answers of people, 7 of them merged: {command}"
        in run("info", answered.id).stdout
    )


def told_in_training(dataset: MinariDataset, feedback: str) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        BC.load_offline(dataset, feedback, seed=0, data="safe")
    return [str(one.message) for one in caught if "of people" in str(one.message)]


@pytest.mark.parametrize("into", [None, "soft"])
def test_training_tells_answers_that_came_after_the_merge(
    answered: MinariDataset, run: Run, into: str | None
) -> None:
    """Or that were taken back, also where their number is the same again."""
    name, path = into or "team", answers_path(answered, "team")
    command = f"sb3-presa labels {answered.id} --feedback team --merge noise-model"
    command += f" --into {into}" if into else ""
    run(*shlex.split(command)[1:])
    assert not told_in_training(answered, name)
    with contextlib.closing(AnswerStore(path)) as store:
        store.undo(1)
        store.add(said("dan", B, C, 1.0))
    message = (
        f"{path} holds 7 answers of people: 1 not merged into feedback '{name}', and 1 merged into "
        f"feedback '{name}' and taken back since. To train on them, run first: {command}"
    )
    assert told_in_training(answered, name) == [message]
    train = ("train", answered.id, "--feedback", name, "--algorithm", "BC", "--set", "data=safe")
    with pytest.warns(UserWarning, match=re.escape(message)):
        run(*train, "--steps", 1, "--out", Path(answered.storage.data_path) / "agent.zip")
    assert f"7 answers of people, 6 of them merged, 1 taken back since: {command}" in " ".join(
        run("info", answered.id).stdout.split()
    )
    run(*shlex.split(command)[1:])
    assert not told_in_training(answered, name)


def test_training_on_other_labels_tells_answers_that_nobody_merged(
    answered: MinariDataset, run: Run
) -> None:
    Feedback.create(answered, [A, B, C], p_safe=[1.0, 0.0, 1.0]).save(answered, "mine")
    command = f"sb3-presa labels {answered.id} --feedback team --merge majority"
    [told] = told_in_training(answered, "mine")
    assert ": 7 not merged into any feedback" in told and told.endswith(command)
    run(*shlex.split(command)[1:], "--into", "elsewhere")
    assert not told_in_training(answered, "mine")


def test_a_store_that_cannot_be_read_is_listed(dataset: MinariDataset, run: Run) -> None:
    path = answers_path(dataset, "team")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"no store")
    printed = " ".join(run("info", dataset.id).stdout.split())
    assert f"'team': answers of people in {path} cannot be read: file is not a database" in printed
    assert "--merge" not in printed
    Feedback.create(dataset, [A], [True]).save(dataset, "default")
    with pytest.raises(FeedbackNotFoundError, match=f"{path} cannot be read"):
        Feedback.load(dataset, "team")
    with pytest.raises(FeedbackNotFoundError, match=r"Use another one \(--feedback default\)"):
        Feedback.load(dataset, "people")


@pytest.mark.parametrize("into", [[], ["--into", "soft"]])
def test_a_merge_ends_with_the_command_that_trains_on_it(
    answered: MinariDataset,
    tmp_path: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    into: list[str],
) -> None:
    folder = tmp_path / "a folder"
    shutil.copytree(Path(answered.storage.data_path).parent, folder)
    merged = run("labels", folder, "--feedback", "team", "--merge", "majority", *into)
    name, *words = shlex.split(merged.stdout.splitlines()[-1])
    assert name == "sb3-presa"
    assert words[:4] == ["train", str(folder), "--feedback", "soft" if into else "team"]
    monkeypatch.chdir(tmp_path)
    run(
        *words,
        "--steps",
        2,
        "--set",
        "n_cloning_steps=1",
        "--set",
        "objective_kwargs.n_attain_steps=0",
        "--quiet",
    )
    assert (tmp_path / "agent.zip").is_file()


def test_answers_travel_as_files(answered: MinariDataset, tmp_path: Path, run: Run) -> None:
    for ending in ("csv", "jsonl"):
        file = tmp_path / f"answers.{ending}"
        run("labels", answered.id, "--feedback", "team", "--export", file)
        again = run("labels", answered.id, "--feedback", ending, "--import", file)
        assert "7 answers, 7 of them new" in again.stdout
        assert stored(answered, ending) == ANSWERS
        again = run("labels", answered.id, "--feedback", ending, "--import", file)
        assert "7 answers, 0 of them new" in again.stdout
    assert "preference_for_first" in (tmp_path / "answers.csv").read_text().splitlines()[0]


SEGMENTS = "first_episode,first_start,first_length,second_episode,second_start,second_length"
ANSWER_HEADER = f"annotator,{SEGMENTS},preference_for_first"
ANN = {
    1: "ann,0,0,10,1,5,10,1",
    0: "ann,0,0,10,1,5,10,0",
    "1 turned round": "ann,1,5,10,0,0,10,0",
}


@pytest.mark.parametrize(
    ("files", "new", "last"),
    [
        (([1], [0], [1]), [1, 1, 1], 1.0),
        (([1], [0], ["1 turned round"]), [1, 1, 1], 1.0),
        (([1, 0, 1],), [3], 1.0),
        (([1, 0, 1], [1, 0, 1], [0, 1]), [3, 0, 0], 1.0),
        (([1], [1, 0], [1, 0, 1]), [1, 1, 1], 1.0),  # a file that grows
        (([1, 1], [1, 1], [1]), [2, 0, 0], 1.0),
        (([1, 0], [1]), [2, 1], 1.0),  # the old file again, after the new one
    ],
)
def test_the_last_word_counts_though_it_was_said_before(
    dataset: MinariDataset,
    tmp_path: Path,
    run: Run,
    files: tuple[list[int | str], ...],
    new: list[int],
    last: float,
) -> None:
    mine = ("labels", dataset.id, "--feedback", "mine")
    for rows, added in zip(files, new, strict=True):
        text = "\n".join([ANSWER_HEADER, *(ANN[row] for row in rows)])
        (tmp_path / "mine.csv").write_text(text)
        for expected in (added, 0):  # the same file again adds nothing
            imported = run(*mine, "--import", tmp_path / "mine.csv").stdout
            assert f"{len(rows)} answers, {expected} of them new" in imported
    run(*mine, "--merge", "majority")
    assert Feedback.load(dataset, "mine").preferences.tolist() == [last]
    [ann] = json.loads(run(*mine, "--json", "-").stdout)["annotators"]
    assert (ann["answers"], ann["repeats"]) == (sum(new), sum(new) - 1)


@pytest.mark.parametrize("when", ["1790000000000", "2026-11-30T12:00:00Z"])
def test_a_time_in_another_unit_is_refused(
    dataset: MinariDataset, tmp_path: Path, run: Run, when: str
) -> None:
    """It would be the last word for ever."""
    header = f"{ANSWER_HEADER},answered_at"
    (tmp_path / "mine.csv").write_text(f"{header}\n{ANN[1]},{when}\n")
    refused = run("labels", dataset.id, "--import", tmp_path / "mine.csv", exit_code=1).stderr
    assert "line 2, column 'answered_at': must be seconds since 1970" in refused


def test_a_name_has_one_spelling(dataset: MinariDataset, tmp_path: Path, run: Run) -> None:
    mine = ("labels", dataset.id, "--feedback", "mine")
    rows = [ANN[1].replace("ann", name) for name in ("Zo\u00eb", "Zoe\u0308")]
    (tmp_path / "mine.csv").write_text("\n".join([ANSWER_HEADER, *rows]), encoding="utf-8")
    run(*mine, "--import", tmp_path / "mine.csv")
    assert {answer.annotator for answer in stored(dataset, "mine")} == {"Zo\u00eb"}
    (tmp_path / "ann.csv").write_text("\n".join([ANSWER_HEADER, ANN[1]]))
    run(*mine, "--import", tmp_path / "ann.csv")
    run(*mine, "--merge", "majority", "--without", "Zoe\u0308")
    assert [*Feedback.load(dataset, "mine").provenance["annotators"]] == ["ann"]
    (tmp_path / "ann.csv").write_text("\n".join([ANSWER_HEADER, ANN[1].replace("ann", "Ann")]))
    with pytest.warns(UserWarning, match="Ann, ann differ in capital letters alone"):
        run(*mine, "--import", tmp_path / "ann.csv")


@pytest.mark.parametrize(
    ("row", "said_"),
    [
        ("77,0,10,1,5,10,1", "'first_episode': must be an episode of the dataset, got 77"),
        ("1,5,10,77,0,10,1", "'second_episode': must be an episode of the dataset, got 77"),
        (
            "1,5,10,0,40,1,1",
            "'second_start': must be less than 40, the length of episode 0, got 40",
        ),
        ("1,5,10,0,38,10,1", "'second_length': must be at most 2 (episode 0 has 40 steps), got 10"),
    ],
)
def test_a_segment_that_is_not_there_is_refused_alike_in_answers_and_feedback(
    dataset: MinariDataset, tmp_path: Path, run: Run, row: str, said_: str
) -> None:
    labels = [f"{SEGMENTS},preference_for_first", *["0,0,10,1,5,10,1"] * 5, row]
    answers = [f"annotator,{labels[0]}", *(f"ann,{line}" for line in labels[1:])]
    for lines in (labels, answers):
        file = tmp_path / "mine.csv"
        file.write_text("\n".join(lines))
        refused = run("labels", dataset.id, "--feedback", "mine", "--import", file, exit_code=1)
        assert f"mine.csv, line 7, column {said_}" in refused.stderr
    assert not answers_path(dataset, "mine").exists()
    assert Feedback.names(dataset) == []


def test_the_answers_on_the_page_can_be_imported(
    minari_root: Path, tmp_path: Path, run: Run
) -> None:
    """And are what the page says of them."""
    page = (Path(__file__).parent.parent / "docs" / "labels.md").read_text()
    [example] = re.findall(r"```text\n(annotator,.*?)```", page, re.DOTALL)
    (tmp_path / "answers.csv").write_text(example)
    data = write("toy/page-v0", [episode(100, seed) for seed in range(8)])
    named = ("labels", data.id, "--feedback", "my-labels")
    run(*named, "--import", tmp_path / "answers.csv")
    found = json.loads(run(*named, "--json", "-").stdout)
    counts = [(one["annotator"], one["skipped"], one["ties"]) for one in found["annotators"]]
    assert counts == [("ann", 0, 1), ("ben", 1, 0)]
    run(*named, "--merge", "majority")
    assert Feedback.load(data, "my-labels").p_safe.tolist().count(0.5) == 1


def test_feedback_that_has_no_answers_is_pointed_to(answered: MinariDataset, run: Run) -> None:
    run("labels", answered.id, "--feedback", "team", "--merge", "majority", "--into", "merged")
    refused = run("labels", answered.id, "--feedback", "merged", exit_code=1)
    assert re.search(r"'merged' of .*must have answers of people.*sb3-presa info", refused.stderr)


def test_the_pace_of_answers_without_a_time_is_a_dash(
    dataset: MinariDataset, tmp_path: Path, run: Run
) -> None:
    header = "annotator,first_episode,first_start,first_length,p_safe_first"
    (tmp_path / "mine.csv").write_text(f"{header}\nann,0,0,10,1\n")
    mine = ("labels", dataset.id, "--feedback", "mine")
    run(*mine, "--import", tmp_path / "mine.csv")
    assert re.search(r"1 / 0\W+-\W+-\W+0 / 0", run(*mine).stdout)
    [found] = json.loads(run(*mine, "--json", "-").stdout)["annotators"]
    assert found["median_seconds"] is None


@pytest.mark.parametrize("form", ["label-studio", "argilla"])
def test_answers_travel_to_other_tools(
    answered: MinariDataset, tmp_path: Path, run: Run, form: str
) -> None:
    file, named = tmp_path / "theirs.json", ("labels", answered.id, "--feedback")
    run(*named, "team", "--export", file, "--form", form)
    run(*named, "copy", "--import", file)
    assert sorted(map(repr, stored(answered, "copy"))) == sorted(map(repr, ANSWERS))
    assert "0 of them new" in run(*named, "team", "--import", file).stdout
    assert "--form needs --export" in run(*named, "team", "--form", form, exit_code=1).stderr


def test_feedback_travels_as_files(answered: MinariDataset, tmp_path: Path, run: Run) -> None:
    given = Feedback.create(answered, [A, B, C], [True, None, 0.25], [(0, 1)], [0.75])
    given.save(answered, "mine")
    file = tmp_path / "mine.csv"
    run("labels", answered.id, "--feedback", "mine", "--export", file)
    run("labels", answered.id, "--feedback", "copy", "--import", file)
    found = Feedback.load(answered, "copy")
    np.testing.assert_array_equal(found.segments, given.segments)
    np.testing.assert_array_equal(found.p_safe, given.p_safe)
    np.testing.assert_array_equal(found.preferences, given.preferences)
    assert found.provenance == {"source": "imported", "file": "mine.csv"}


def test_what_is_wrong_changes_nothing(answered: MinariDataset, tmp_path: Path, run: Run) -> None:
    team = ("labels", answered.id, "--feedback", "team")
    Feedback.create(answered, [A], [True]).save(answered, "team")
    header = "annotator,first_episode,first_start,first_length,p_safe_first\n"
    (tmp_path / "half.csv").write_text(f"{header}ann,0,0,10,1\nann,0,38,10,1\n")
    (tmp_path / "label.csv").write_text("first_episode,first_start,first_length\n0,0,10\n")
    cases: list[tuple[tuple[object, ...], str]] = [
        ((*team, "--merge", "majority"), "'created'.*--overwrite"),
        ((*team, "--merge", "median", "--into", "new"), "majority.*'median'"),
        ((*team, "--into", "new"), "--into.*--merge"),
        ((*team, "--import", tmp_path / "label.csv"), "'created'.*--overwrite"),
        (
            (*team, "--import", tmp_path / "half.csv"),
            "half.csv, line 3, .*'first_length'.*at most 2",
        ),
        ((*team, "--import", tmp_path / "none.csv"), "none.csv"),
        ((*team, "--export", Path(__file__) / "team.csv"), "team.csv"),
        ((*team, "--export", tmp_path / "team.txt"), r"must end in .csv or .jsonl, got .*team.txt"),
        (("labels", answered.id, "--feedback", "nobody"), "'nobody'.*annotate"),
        (("labels", answered.id, "--feedback", "nobody", "--export", "x.csv"), "nobody"),
        (("labels", answered.id, "--feedback", "../x"), "../x"),
    ]
    for arguments, said_ in cases:
        refused = run(*arguments, exit_code=1)
        assert re.search(said_, refused.stderr), (arguments, refused.stderr)
    assert stored(answered, "team") == ANSWERS
    assert Feedback.names(answered) == ["team"]
    assert Feedback.load(answered, "team").provenance["source"] == "created"
    run(*team, "--merge", "majority", "--overwrite")


def change(dataset: MinariDataset, *episodes: int) -> None:
    """As if the episodes that people were shown had been replaced since."""
    store = AnswerStore(answers_path(dataset, "team"))
    with contextlib.closing(store), store.transaction() as database:
        for number in episodes:
            database.execute("UPDATE episodes SET hash = ? WHERE id = ?", (b"x" * 32, number))


def test_answers_on_other_data_are_left_out_of_a_merge(answered: MinariDataset, run: Run) -> None:
    merge = ("labels", answered.id, "--feedback", "team", "--merge", "majority")
    change(answered, 1)
    told = "6 of 7 answers are about episodes that have changed or are missing"
    with pytest.warns(UserWarning, match=rf"{told}: they are not merged .*--feedback NAME"):
        run(*merge)
    found = Feedback.load(answered, "team")
    np.testing.assert_array_equal(found.segments, [A, C])
    assert found.provenance["answers"] == 1
    assert "of people" not in run("info", answered.id).stdout
    with contextlib.closing(AnswerStore(answers_path(answered, "team"))) as store:
        gone = {one.annotator for one in store.answers()} - set(found.provenance["annotators"])
    with pytest.warns(UserWarning, match="they are not merged"):  # nor are they unknown names
        run(*merge, "--without", sorted(gone)[0])
    assert Feedback.load(answered, "team").provenance["answers"] == 1
    change(answered, 2)
    refused = run(*merge, exit_code=1).stderr
    assert "7 of 7 answers are about episodes that have changed" in refused
    assert "annotate --feedback NAME" in refused
    assert Feedback.load(answered, "team").provenance["answers"] == 1


def test_statistics_curves_and_exports_tell_answers_on_other_data(
    answered: MinariDataset, tmp_path: Path, run: Run
) -> None:
    team = ("labels", answered.id, "--feedback", "team")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(*team, "--export", tmp_path / "fits.csv")
        run(*team)
    with contextlib.closing(AnswerStore(answers_path(answered, "team"))) as store:
        store.add(said("bob", B, C, 1.0))
    change(answered, 0)
    for options, consequence in (
        ((), "these figures count them"),
        (("--export", tmp_path / "all.csv"), "their episode ids mean other episodes now"),
        (("--curve",), "the curve leaves them out"),
    ):
        with pytest.warns(UserWarning, match=f"4 of 8 answers are about .*: {consequence}"):
            run(*team, *options)
    assert (tmp_path / "all.csv").read_text().startswith((tmp_path / "fits.csv").read_text())
    (Path(answered.storage.data_path) / "main_data.hdf5").write_bytes(b"damaged")
    with pytest.warns(UserWarning, match="cannot be compared with its dataset"):
        run(*team, "--export", tmp_path / "damaged.csv")
    assert (tmp_path / "damaged.csv").is_file()


def test_an_import_over_a_dataset_names_the_answers_that_no_longer_fit(
    minari_root: Path, tmp_path: Path, run: Run
) -> None:
    def log(shift: int) -> Path:
        file = tmp_path / "log.csv"
        rows = [f"{e},{0.01 * (s + shift * e)},{0.1}" for e in range(2) for s in range(12)]
        file.write_text("\n".join(["episode,x,action", *rows]))
        return file

    taken = ("--id", "toy/log-v0", "--observations", "x", "--actions", "action")
    run("import", log(0), *taken)
    header = "annotator,first_episode,first_start,first_length,p_safe_first"
    (tmp_path / "mine.csv").write_text(f"{header}\nann,0,0,10,1\nann,1,0,10,1\n")
    run("labels", "toy/log-v0", "--feedback", "mine", "--import", tmp_path / "mine.csv")
    assert "note: 'mine'" not in run("import", log(0), *taken, "--overwrite").stdout
    written = run("import", log(3), *taken, "--overwrite").stdout
    assert "note: 'mine': 1 of 2 answers are about episodes that have changed" in written


def test_all_that_is_asked_of_labels_is_done(
    answered: MinariDataset, tmp_path: Path, run: Run
) -> None:
    team = ("labels", answered.id, "--feedback", "team")
    asked = ("--export", tmp_path / "e.csv", "--merge", "majority", "--curve", "--plot")
    printed = run(*team, *asked, tmp_path / "c.png").stdout
    order = [printed.index(part) for part in ("e.csv", "team.hdf5", "accuracy on", "c.png")]
    assert order == sorted(order)
    assert Feedback.names(answered) == ["team"]
    assert (tmp_path / "e.csv").is_file() and (tmp_path / "c.png").is_file()
    for option, needed in (("--without=ann", "--merge"), ("--core-share=0.5", "--curve")):
        refused = run(*team, option, exit_code=1).stderr
        assert f"{option.split('=')[0]} needs {needed}" in refused


def test_public_preferences_are_imported(dataset: MinariDataset, tmp_path: Path, run: Run) -> None:
    stem = "domain_mujoco_env_toy_num_2_len_10_0.pkl"
    files = {"indices_1": [0, 45], "indices_2": [80, 10], "human_label": [1, -1]}
    for name, content in files.items():
        (tmp_path / f"{name}_{stem}").write_bytes(pickle.dumps(np.asarray(content)))
    command = ("import-preferences", tmp_path, "--dataset", dataset.id)
    run(*command)
    found = Feedback.load(dataset, "people")
    np.testing.assert_array_equal(found.preferences, [0.0, 0.5])
    assert found.provenance["source"] == "human preferences"
    refused = run(*command, exit_code=1)
    assert "--overwrite" in refused.stderr
    run(*command, "--overwrite", "--rows", "all")
    refused = run(*command, "--overwrite", "--rows", "some", exit_code=1)
    assert "'some'" in refused.stderr
    (tmp_path / f"human_label_{stem}").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    refused = run(*command, "--overwrite", exit_code=1)
    assert "posix.system" in refused.stderr
    assert Feedback.load(dataset, "people").provenance["rows"] == "all"


def test_merging_without_somebody(answered: MinariDataset, run: Run) -> None:
    common = ("labels", answered.id, "--feedback", "team", "--merge", "majority")
    printed = run(*common, "--without", "ann").stdout
    assert "Without ann, comparisons: 1 of 3 change, 1 are lost" in printed
    feedback = Feedback.load(answered, "team")
    assert feedback.provenance["left_out"] == ["ann"]
    assert "ann" not in feedback.provenance["annotators"]
    refused = run(*common, "--without", "dora", exit_code=1).stderr
    assert "--without must be among ann, bob, cid, got dora" in refused


def test_a_noise_model_that_decides_against_most_people_is_told(
    dataset: MinariDataset, run: Run
) -> None:
    """One is right, one calls everything safe, one guesses: such answers do not tell who is who."""
    random = np.random.default_rng(1)
    answers = []
    for number in range(40):
        safe = float(random.random() > 0.4)
        for who, label in (("ann", safe), ("ben", 1.0), ("cyd", float(random.random() < 0.5))):
            if random.random() < 0.6:
                clip = (number % 4, number // 4, 10)
                answers.append(Answer(who, clip, None, None, label, None, 1.0, float(number)))
    judged = safety_votes(answers)
    with contextlib.closing(AnswerStore(answers_path(dataset, "team"), dataset.id)) as store:
        store.record_episodes(load_transitions(dataset).hashes_by_id())
        store.add_all(answers)
    comparisons, safety = overruled_majorities(answers, "noise-model")
    models = [replace(answer, annotator="model:rule") for answer in answers]
    beside = overruled_majorities([*answers, *models], "noise-model")
    assert beside == (comparisons, safety)  # a model never makes a majority of one person
    decided = [sum(votes.values()) / len(votes) for votes in judged.values() if len(votes) > 1]
    assert safety.labels == sum(share != 0.5 for share in decided)
    assert (comparisons.labels, comparisons.turned) == (0, 0)
    assert safety.turned > safety.labels / 4
    common = ("labels", dataset.id, "--feedback", "team", "--overwrite", "--merge")
    told = f"decides against the majority on {safety.turned} of {safety.labels} safety labels"
    with pytest.warns(UserWarning, match=f"{told}.*--without NAME.*--merge majority"):
        run(*common, "noise-model")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(*common, "majority")
        run(*common, "noise-model", "--without", "ben", "--without", "cyd")
