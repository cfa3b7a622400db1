"""What is trusted is kept for the person alone, outside the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.domain.errors import TrustError
from harness.records.trust_file import forget_trusted, read_trusted, trust_file, write_trusted


@pytest.fixture
def around(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home")}


def test_what_is_trusted_is_read_again_by_the_real_path_and_forgotten(tmp_path: Path, around: dict[str, str]) -> None:
    root, link = tmp_path / "project", tmp_path / "link"
    root.mkdir()
    link.symlink_to(root)
    assert read_trusted(root, around) == frozenset()
    path = write_trusted(root, ["a", "b"], around)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert read_trusted(link, around) == {"a", "b"}
    assert read_trusted(tmp_path, around) == frozenset()
    assert (forget_trusted(root, around), forget_trusted(root, around)) == (True, False)
    assert read_trusted(root, around) == frozenset()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"trusted": 1}', '{"trusted": ["a"], "project": "/other"}'])
def test_a_record_that_is_none_trusts_nothing(tmp_path: Path, around: dict[str, str], text: str) -> None:
    write_trusted(tmp_path / "p", ["a"], around).write_text(text)
    assert read_trusted(tmp_path / "p", around) == frozenset()


def test_a_record_in_the_project_or_without_a_home_trusts_nothing_and_says_what_does(tmp_path: Path) -> None:
    for around in ({"HOME": str(tmp_path)}, {"HOME": "/nowhere", "XDG_STATE_HOME": str(tmp_path / "x")}, {}):
        assert read_trusted(tmp_path, around) == frozenset()
        with pytest.raises(TrustError) as error:
            write_trusted(tmp_path, ["a"], around)
        assert "HARNESS_TRUST=1" in error.value.hint


def test_the_state_folder_of_the_person_is_used_where_it_is_set(tmp_path: Path) -> None:
    around = {"HOME": "/nowhere", "XDG_STATE_HOME": str(tmp_path / "state")}
    assert trust_file(Path("/p"), around).parent == tmp_path / "state/harness/trust"


def test_a_record_of_another_user_trusts_nothing(tmp_path: Path, around: dict[str, str]) -> None:
    path = write_trusted(tmp_path / "p", ["a"], around)
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, 65534, 65534)
    assert read_trusted(tmp_path / "p", around) == frozenset()
    assert read_trusted(tmp_path / "p", {**around, "SUDO_UID": "65534"}) == {"a"}
