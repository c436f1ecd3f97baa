"""What a file is replaced by: what a link leads to, with its mode, unless it is protected."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sb3_presa.errors import ConfigError, FileNotWrittenError
from sb3_presa.files import atomic_path, check_writable, naming_full_disk, write_text


@pytest.mark.parametrize("leads_to_one", [True, False])
def test_a_link_stays_and_leads_to_the_new_file(leads_to_one: bool, tmp_path: Path) -> None:
    """As `latest.zip` of a folder of models does; it became a file, and its old target stayed."""
    target, link = tmp_path / "elsewhere" / "run-7.zip", tmp_path / "latest.zip"
    target.parent.mkdir()
    if leads_to_one:
        target.write_text("old")
    link.symlink_to(Path("elsewhere") / "run-7.zip")
    check_writable(link)
    write_text(link, "new")
    assert link.is_symlink() and target.read_text() == "new" and not target.is_symlink()
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        "elsewhere",
        "latest.zip",
        "run-7.zip",
    ]


@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_the_mode_stays(mode: int, tmp_path: Path) -> None:
    """Labels that are nobody else's business, and those of a group."""
    path = tmp_path / "labels"
    write_text(path, "old")
    path.chmod(mode)
    write_text(path, "new")
    assert (path.stat().st_mode & 0o777, path.read_text()) == (mode, "new")


def test_a_protected_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To replace it, a system asks only for permission to write to its folder."""
    path = tmp_path / "model.zip"
    path.write_text("old")
    monkeypatch.setattr(os, "access", lambda of, how: of != path or how != os.W_OK)  # not of root
    with pytest.raises(PermissionError, match=rf"Permission denied: '{path}'"):
        write_text(path, "new")
    with pytest.raises(ConfigError, match=f"{path} cannot be written: Permission denied"):
        check_writable(path)
    assert path.read_text() == "old"
    write_text(tmp_path / "other.zip", "new")


@pytest.mark.parametrize("name", ["x" * 255, "模" * 85, "a[1]*?"])
def test_names_of_every_kind(name: str, tmp_path: Path) -> None:
    """As long as file systems permit; those of temporary files were longer."""
    path = tmp_path / name
    write_text(path, "new")
    with pytest.raises(KeyboardInterrupt), atomic_path(path) as temporary:
        temporary.write_text("half")
        left = temporary.rename(temporary.with_stem(temporary.stem + "1"))
        os.utime(left, (0, 0))  # of a process that was killed long ago
        raise KeyboardInterrupt
    assert left.exists()
    write_text(path, "newer")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [(name, "newer")]


def test_a_temporary_file_of_another_writer_may_vanish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found, and its writer gives it its name before anybody looks at its age."""
    path = tmp_path / "labels"
    with atomic_path(path) as other:
        other.write_text("other")
        find = Path.glob

        def glob(folder: Path, pattern: str) -> list[Path]:
            found = list(find(folder, pattern))
            other.rename(path)
            return found

        monkeypatch.setattr(Path, "glob", glob)
        write_text(path, "new")
        assert path.read_text() == "new"
        other.write_text("other")
    assert path.read_text() == "other"


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    """`save("agent")` beside a folder `agent.zip` ended in the system's error of a renaming."""
    path = tmp_path / "agent.zip"
    path.mkdir()
    with pytest.raises(ConfigError, match=f"must be a file, got the folder {path}; add a file"):
        write_text(path, "new")
    assert list(tmp_path.rglob("*")) == [path]


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that nobody writes to; root writes to all folders but those of a read-only disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid():
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)
        return
    mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("root may not mount a read-only disk here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_read_only_disk_is_told_with_the_file_that_was_asked_for(read_only: Path) -> None:
    """It was the temporary file, which nobody knows."""
    path = read_only / "model.zip"
    with pytest.raises(FileNotWrittenError) as refused:
        write_text(path, "new")
    assert str(refused.value).startswith(f"{path} cannot be written: ")


def test_a_file_that_may_not_be_read_is_not_called_unwritable(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.touch()
    refusal = PermissionError(errno.EACCES, "Permission denied", str(source))
    with pytest.raises(PermissionError, match="source"), naming_full_disk(tmp_path / "copy"):
        raise refusal
