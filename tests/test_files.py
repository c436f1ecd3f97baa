"""What a file is replaced by: what a link leads to, with its mode, unless it is protected."""

import os
from pathlib import Path

import pytest

from sb3_presa.errors import ConfigError
from sb3_presa.files import atomic_path, check_writable, write_text


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
