"""The words of a command, as names of files are written."""

from __future__ import annotations

import pytest

from harness.decide.words import find_folders, find_words, is_named, is_pattern

SCRIPT = "scripts/verify.sh"


@pytest.mark.parametrize(
    "text",
    [
        "sh scripts/verify.sh",
        './scripts//verify.sh "$@"',
        "sh ../scripts/./verify.sh",
        "sh other/../scripts/verify.sh",
        'bash "$PWD/scripts/verify.sh"',
        'bash "$PWD"/scripts/verify.sh',
        "bash ${PWD}/scripts/verify.sh",
        'bash "$(pwd)/scripts/verify.sh"',
        "bash `pwd`/scripts/verify.sh",
        'bash "$(cd "$(dirname "$0")" && pwd)/scripts/verify.sh"',
        "bash $(git rev-parse --show-toplevel)/scripts/verify.sh",
        "sh $INIT_CWD/scripts/verify.sh",
        "sh ${VERIFY:-scripts/verify.sh}",
        "sh $(CURDIR)/scripts/verify.sh",
        "sh $$PWD/scripts/verify.sh",
        "sh $(dir $(lastword $(MAKEFILE_LIST)))/scripts/verify.sh",
        "sh {{justfile_directory()}}/scripts/verify.sh",
        "sh {{.ROOT_DIR}}/scripts/verify.sh",
        "sh ${{ github.workspace }}/scripts/verify.sh",
        "commands = sh {toxinidir}/scripts/verify.sh",
        'run(f"{HERE}/scripts/verify.sh")',
        "run(`${__dirname}/scripts/verify.sh`)",
        'run("%(here)s/scripts/verify.sh")',
        'sh "#{root}/scripts/verify.sh"',
        "sh scripts/*.sh",
        "sh scripts/ver?fy.sh",
        "sh scripts/[tv]erify.sh",
        "sh scripts/{lint,verify}.sh",
        'for one in lint verify; do sh "scripts/$one.sh"; done',
        "sh scripts/$NAME",
        "sh ~/work/project/scripts/verify.sh",
        "sh $HOME/work/project/scripts/verify.sh",
        "sh /srv/work/project/scripts/verify.sh",
    ],
)
def test_a_word_names_a_file_whatever_stands_for_its_folder(text: str) -> None:
    named = [word for word in find_words(text) if is_named(word, SCRIPT)]
    assert named
    assert not [word for word in named if is_named(word, "other/verify.py") or is_named(word, "verify.py")]


@pytest.mark.parametrize("text", ["sh $SCRIPT", 'sh "$@"', "sh *", "sh $x.", "sh ${a}b", "ls / . ..", "$(true)"])
def test_a_word_of_which_nothing_is_sure_names_no_file(text: str) -> None:
    assert not [word for word in find_words(text) if is_named(word, SCRIPT)]


def test_words_that_name_no_file_are_read_as_they_stand() -> None:
    assert find_words("make test ./one.sh dir/ 'a b' BOX") == {"make", "test", "one.sh", "dir", "a", "b", "BOX"}
    assert find_words("python3 -m tools.verify") >= {"tools.verify", "tools/verify.py", "tools/verify/__main__.py"}
    assert "pytest" in find_words(".venv/bin/pytest -q") & find_words("$(VENV)/bin/pytest")
    assert "{a,b}{a,b}{a,b}{a,b}" not in find_words("{a,b}{a,b}{a,b}{a,b}")


def test_the_folders_that_commands_go_to_are_found() -> None:
    text = 'cd ./app/ && make -C "$(CURDIR)/sub"; npm --prefix=web test; cd /srv; cd "$x"; cd .; abcd no'
    assert find_folders(text) == {"app", "sub", "web"}


@pytest.mark.parametrize(
    ("word", "name", "named"),
    [
        ("a.sh", "a.sh", True),
        ("a.sh", "x/a.sh", True),
        ("a.sh", "xa.sh", False),
        ("*.sh", "x/a.sh", True),
        ("x/*.sh", "x/y/a.sh", False),
        ("x/**/a.sh", "x/y/z/a.sh", True),
        ("x/**/a.sh", "x/a.sh", True),
        ("a.sh?", "a.sh", False),
        ("/srv/p/x/a.sh", "x/a.sh", True),
        ("/srv/p/x/a.sh", "a.sh", True),
        ("/usr/bin/test", "test", False),
        ("/srv/p/x/a.sh", "y/a.sh", False),
    ],
)
def test_a_word_is_the_end_of_a_path_or_a_pattern_of_that(word: str, name: str, named: bool) -> None:
    assert is_named(word, name) is named
    assert is_pattern(word) is ("*" in word or "?" in word)
