"""What a git inside is told of a person's configuration: git reads it as it was, and no secret is in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.workspace.git_config import compose_file, is_told, parse_entries, read_git_config

VALUES = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r"), max_size=20)
MIDDLES = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12)


@given(st.lists(st.tuples(MIDDLES, VALUES), min_size=1, max_size=4))
def test_git_reads_back_what_is_written_down(pairs: list[tuple[str, str]]) -> None:
    told = [(f"filter.{middle}.clean", value) for middle, value in pairs]
    ran = subprocess.run(
        ["git", "config", "--file", "-", "--list", "--null"],
        input=compose_file(told).encode(),
        capture_output=True,
        check=True,
    )
    assert ran.stdout.decode() == "".join(f"{key}\n{value}\0" for key, value in told)


def test_a_key_that_merely_stands_there_stays_one() -> None:
    (entry,) = parse_entries("global\0file:/home/me/.gitconfig\0core.bare\0")
    assert (entry.value, compose_file([(entry.key, entry.value)])) == (None, "[core]\n\tbare\n")


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("user.email", "me@example.com", True),
        ("filter.lfs.clean", "git-lfs clean -- %f", True),
        ("core.hookspath", "~/.githooks", True),
        ("url.git@github.com:.insteadof", "https://github.com/", True),
        ("includeif.gitdir:/a/.path", "~/id.inc", False),
        ("credential.https://example.com.helper", "store", False),
        ("http.https://example.com/.extraheader", "Authorization: Basic abc", False),
        ("url.https://me:ghp_1@github.com/.insteadof", "https://github.com/", False),
        ("http.proxy", "http://me:word@proxy:3128", False),
        ("github.token", "ghp_1", False),
        ("commit.gpgsign", "true", False),
        ("core.fsmonitor", "/home/me/bin/watch", False),
    ],
)
def test_a_git_inside_is_told_what_changes_a_commit_and_no_secret(key: str, value: str, told: bool) -> None:
    assert is_told(key, value) is told


def test_includes_conditions_and_variables_are_followed_as_git_does(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path / "project"], check=True)
    (tmp_path / "id.inc").write_text("[user]\n\temail = work@example.com\n")
    (tmp_path / ".gitconfig").write_text(
        f'[user]\n\tname = me\n\temail = me@example.com\n[includeIf "gitdir:{tmp_path}/"]\n\tpath = id.inc\n'
    )
    said = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.abbrev", "GIT_CONFIG_VALUE_0": "9"}
    around = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1", **said}
    found = read_git_config(tmp_path / "project", around)
    assert found.environ == said
    assert found.text.split("\n\temail = ")[-1].startswith('"work@example.com"')
    assert "include" not in found.text
