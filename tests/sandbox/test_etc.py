"""What is shown of /etc: copies that are as fresh as the files, and nothing that is not on the list."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from helpers.world import Listener

from harness.domain.errors import StorageError
from harness.run.open import open_run
from harness.sandbox.etc import NEEDED, Etc
from harness.settings.load import load_config
from harness.system.command import Bounds, Command, Kept


@pytest.fixture
def etc(tmp_path: Path) -> Etc:
    """A folder like /etc, with a secret in it."""
    source = tmp_path / "etc"
    (source / "ssl/certs").mkdir(parents=True)
    for name in ("hosts", "shadow", "resolv.conf"):
        (source / name).write_text(f"{name}\n")
    return Etc(tmp_path / "copies", source)


def shown(etc: Etc) -> dict[str, str]:
    return {path.name: path.read_text() for path in etc.folder.iterdir() if path.is_file()}


def test_files_of_the_list_are_copied_and_folders_have_a_place(etc: Etc) -> None:
    assert etc.refresh() == ("ssl",)
    assert shown(etc) == {"hosts": "hosts\n", "resolv.conf": "resolv.conf\n"}
    assert list((etc.folder / "ssl").iterdir()) == []


def test_a_file_that_changed_is_copied_again_and_one_that_is_gone_goes(etc: Etc) -> None:
    etc.refresh()
    (etc.source / "new").write_text("another network\n")
    (etc.source / "new").replace(etc.source / "resolv.conf")
    (etc.source / "hosts").unlink()
    etc.refresh()
    assert shown(etc) == {"resolv.conf": "another network\n"}


def test_a_file_is_copied_from_where_its_link_leads_and_a_fifo_is_not_waited_for(etc: Etc) -> None:
    (etc.source / "localtime").symlink_to(etc.source / "hosts")
    os.mkfifo(etc.source / "passwd")
    etc.refresh()
    assert shown(etc)["localtime"] == "hosts\n"
    assert not (etc.folder / "localtime").is_symlink()
    assert "passwd" not in shown(etc)


def test_a_file_that_no_copy_has_room_for_is_mounted(etc: Etc, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, content: bytes, **more: bool) -> None:
        raise StorageError("no room", "")

    monkeypatch.setattr("harness.system.files.write_atomic", refuse)
    assert etc.refresh() == ("hosts", "resolv.conf", "ssl")
    assert shown(etc) == {"hosts": "", "resolv.conf": ""}


def test_inside_is_what_the_list_names_and_nobody_writes_it(confined: Any) -> None:
    line = "ls -A /etc | tr '\\n' ' '; test -s /etc/passwd && ! touch /etc/hosts /etc/new && ! rm -f /etc/passwd"
    confined.spec("a")
    confined.repository()
    config = load_config(confined.root, confined.settings, confined.environment)
    with open_run(config, Listener(), environ=confined.environment) as run:
        assert run.site.sandbox is not None
        command = Command(("/bin/sh", "-ec", line), confined.root, confined.environment)
        heard = Kept()
        inside = run.site.sandbox.confine(command, agent=None)
        ended = run.site.supervisor.run(inside, Bounds(timeout=60.0), heard, stdout=None, stderr=None)
    assert ended.code == 0, ended.stderr_tail
    named = set(b" ".join(heard.lines).decode().split())
    assert named == {name for name in NEEDED if os.access(f"/etc/{name}", os.R_OK)}
