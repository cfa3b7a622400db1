"""Whether a check could fail at all."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from harness.domain.check_command import (
    BASH,
    SH,
    find_missing,
    may_want_failure,
    only_reads,
    split_commands,
    why_it_cannot_fail,
)


@pytest.mark.parametrize(
    "command",
    ["pytest || true", "pytest||:", "make test || echo failed", "npm test || exit 0", "pytest &", "pytest & sleep 1",
     "set +e; pytest", "true", "echo ok", "set +o pipefail\npytest | tail", "cd app && npm test || true", "exit 0",
     "true;", "printf x"],
)  # fmt: skip
def test_what_is_green_whatever_happens_is_named(command: str) -> None:
    assert why_it_cannot_fail(command)


@pytest.mark.parametrize(
    "command",
    ["pytest -q 2>&1 | tail -5", "pytest; echo done", "test -f a || test -f b", "cd app && make &> log",
     "grep -q 'a || true' f", "echo start; pytest", "! grep x f",
     "curl -s localhost:80/a?b=1\\&c=2", "test \"$(echo 1)\" = 1", "it's odd", "exit 1",
     "", "# words", "pytest || exit", "pytest ||", "set -e; pytest", "set +x; pytest", "set -o pipefail; pytest",
     "set e; make", "grep +e f", "grep +o f", "echo start # why\npytest", "echo step#1; pytest", "echo $#; pytest"],
)  # fmt: skip
def test_what_can_fail_is_left_alone(command: str) -> None:
    assert why_it_cannot_fail(command) == ""


@pytest.mark.parametrize(
    "command",
    [
        "nope -q",
        "make && nope",
        "! nope",
        "A=1 nope x",
        "if nope; then make; fi",
        "make | nope",
        "if make; then nope; fi",
        "if make; then make; elif nope; then make; fi",
        "if make; then make; else nope; fi",
        "while nope; do make; done",
        "until nope; do make; done",
        "time nope",
        "make rehash && nope",
        "make hashes; nope",
        "make . x; nope",
    ],
)
def test_a_program_that_is_not_there_is_found(command: str) -> None:
    assert find_missing(command, {"make"}.__contains__) == "nope"


@pytest.mark.parametrize(
    "command",
    ["make test", "test -f x && [ -d y ]", "cd app; make", "./nope", "src/nope", "$NOPE x", "PATH=bin:$PATH nope",
     ". .venv/bin/activate && nope", "nope() { make; }; nope", "case x in nope) make;; esac",
     "for nope in a b; do make; done", "make <<E\nnope\nE", "it's odd", "(cd x && make)", "export A=b; make",
     "function nope { make; }; nope", "alias nope=make; nope", "hash -p make nope; nope", "source x; nope",
     "nvm use; nope", "direnv allow; nope", "eval x; nope", ". x && nope", "make;. x; nope", "make && . x; nope",
     "bin/activate; nope", "", "A=1"],
)  # fmt: skip
def test_nothing_is_said_of_what_may_be_there(command: str) -> None:
    assert find_missing(command, {"make"}.__contains__) == ""


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("pytest -q || echo failed twice", "`|| echo failed twice` turns every failure into success"),
        ("pytest -q & sleep 1", "`pytest -q &` runs in the background"),
        ("set +e -u; pytest", "`set +e -u` lets failures pass"),
        ("true; echo two words", "`echo two words` always succeeds"),
    ],
)
def test_what_makes_a_check_green_is_quoted(command: str, says: str) -> None:
    assert why_it_cannot_fail(command).startswith(says)


@pytest.mark.parametrize("name", ["x", "g++", "a.b-c_d"])
def test_a_program_of_any_name_is_missed(name: str) -> None:
    assert find_missing(f"{name} -q", {"make"}.__contains__) == name


needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="BASH IS NOT INSTALLED")


@needs_bash
def test_no_word_of_the_shell_is_missed() -> None:
    told = subprocess.run([*BASH, "compgen -bk"], capture_output=True, text=True, check=True).stdout.split()
    assert len(told) > 50
    assert [word for word in told if find_missing(f"{word} x", {"x"}.__contains__)] == []


@pytest.mark.parametrize("shell", [pytest.param("bash", marks=needs_bash), "sh"])
def test_a_check_is_red_with_any_of_its_parts(shell: str) -> None:
    parts = {"true; true": 0, "true; exit 3; true": 3, "false; true": 1}
    if shell == "bash":
        parts |= {"false | true": 1, "true | false | true": 1}
    assert {
        one: subprocess.run([*{"bash": BASH, "sh": SH}[shell], one], check=False).returncode for one in parts
    } == parts


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ("a b && c", [("", "a b"), ("&&", "c")]),
        ("a | b |& c || d", [("", "a"), ("|", "b"), ("|&", "c"), ("||", "d")]),
        ("a;b & c", [("", "a"), (";", "b"), ("&", "c")]),
        ("(a) { b; }", [("", ""), ("(", "a"), (")", ""), ("{", "b"), (";", ""), ("}", "")]),
        ("a\nb \\\n c", [("", "a"), (";", "b c")]),
        ("a x# '#' y#z # b\nc", [("", "a x# # y#z"), (";", "c")]),
        ("a;# b\n# c", [("", "a"), (";", ""), (";", "")]),
        ("a ;; b", [("", "a"), (";;", "b")]),
        ("a X '|'", [("", "a X"), ("|", "")]),
    ],
)
def test_a_line_is_split_into_its_commands(command: str, parts: list[tuple[str, str]]) -> None:
    assert [(operator, " ".join(words)) for operator, words in split_commands(command)] == parts


def test_an_empty_word_is_no_operator() -> None:
    assert list(split_commands("grep '' f")) == [("", ("grep", "", "f"))]


@pytest.mark.parametrize("command", ["! pytest broken", "cd a && ! pytest", "if pytest x; then exit 1; fi", "a || b"])
def test_what_may_be_green_by_a_failure_is_known(command: str) -> None:
    assert may_want_failure(command)


@pytest.mark.parametrize("command", ["cd a && pytest -q", "pytest -k 'not x'", "make diff", "echo 'a!'"])
def test_what_is_green_by_success_alone_is_known(command: str) -> None:
    assert not may_want_failure(command)


@pytest.mark.parametrize(
    "command",
    [
        "grep -q size docs/cli.md",
        "! grep -rn TODO src | sort | head -1",
        "test -f .pre-commit-config.yaml && [ -s a.txt ]",
        "cd docs && grep -q size cli.md",
        "jq -e .strict tsconfig.json",
        "cat a.txt | grep -c x",
    ],
)
def test_a_check_that_does_nothing_but_look_at_files_is_known(command: str) -> None:
    assert only_reads(command)


@pytest.mark.parametrize(
    "command",
    [
        "python3 -m report | grep -q 5",
        "grep -qf expected.txt out.txt",
        "diff out.txt expected.txt",
        'test "$(sh greet.sh)" = hello',
        "grep -q x <(sh greet.sh)",
        "test -f x && pytest",
        "[ `./x` = 1 ]",
        "grep 'x",
        "",
    ],
)
def test_a_check_that_runs_or_compares_something_does_more_than_look(command: str) -> None:
    assert not only_reads(command)
