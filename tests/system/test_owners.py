"""Whose a file is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.system.owners import find_owner, name_user


def test_ours_and_what_is_not_there_belong_to_nobody_else(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    (tmp_path / "round").symlink_to("round")
    assert [find_owner(tmp_path / name, {}) for name in ("mine", "none", "round")] == [None] * 3


def test_a_file_of_another_user_and_a_link_to_it_are_not_ours(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        assert find_owner(Path("/"), {"SUDO_UID": "0"}) == 0
        return
    theirs, link = tmp_path / "theirs", tmp_path / "link"
    theirs.write_text("")
    link.symlink_to(theirs)
    os.chown(theirs, 65534, 65534)
    assert find_owner(theirs, {}) == find_owner(link, {}) == find_owner(theirs, {"SUDO_UID": "1x"}) == 65534
    assert find_owner(theirs, {"SUDO_UID": "65534"}) is None


@pytest.mark.parametrize(("uid", "said"), [(0, "`root` (uid 0)"), (3_999_999_999, "uid 3999999999")])
def test_a_user_is_called_by_name_where_there_is_one(uid: int, said: str) -> None:
    assert name_user(uid) == said
