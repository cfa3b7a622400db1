"""Errors become one sentence and an exit code, in JSON too, and tell no secret."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import typer
from helpers.bad_input import GOOD, Arrange, folder, settings
from helpers.world import World

from harness.cli import funnel


@pytest.mark.parametrize(
    ("arrange", "words"),
    [
        pytest.param(folder("specs"), ("run",), id="run without a spec"),
        pytest.param(folder("specs"), ("status",), id="status without a spec"),
        pytest.param(folder("specs"), ("dry-run",), id="dry-run without a spec"),
        pytest.param(GOOD, ("why", "nosuch"), id="why of an unknown slug"),
        pytest.param(GOOD, ("verify", "nosuch"), id="verify of an unknown slug"),
        pytest.param(GOOD, ("run", "--agent", "nosuch"), id="an unknown agent"),
        pytest.param(GOOD, ("run", "--nosuch"), id="an unknown option"),
        pytest.param(settings("agnet: x\n"), ("config",), id="wrong settings"),
    ],
)
def test_with_json_a_failure_is_one_document_on_stdout(world: World, harness, arrange: Arrange, words) -> None:
    arrange(world)
    ran = harness(*words, "--json")
    assert (ran.json["code"], set(ran.json)) == (2, {"error", "hint", "code"})
    assert ran.err == f"error: {ran.json['error']}\nhint: {ran.json['hint']}\n"


def test_with_json_from_the_settings_a_failure_is_one_document_on_stdout_too(world: World, harness) -> None:
    settings("json: true\n")(world)
    assert harness("run", "nosuch").json["code"] == 2


def test_an_error_and_the_report_of_a_bug_hold_no_secret(world: World, harness, monkeypatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "q8Zr7Lm2-x9-not-for-logs")

    def fail(*_: object) -> None:
        raise RuntimeError("cannot pay with q8Zr7Lm2-x9-not-for-logs")

    world.spec("a")
    world.run(max_iterations=1)
    monkeypatch.setattr("harness.reports.view.read_view", fail)
    ran = harness("status")
    assert (ran.code, "cannot pay with [redacted STRIPE_API_KEY]" in ran.err) == (70, True)
    (report,) = (world.root / "logs").glob("bug-*.txt")
    assert "cannot pay with [redacted STRIPE_API_KEY]" in report.read_text()
    assert "q8Zr7Lm2" not in report.read_text()
    assert "q8Zr7Lm2" not in harness("status", "--q8Zr7Lm2-x9-not-for-logs").err


def test_the_report_of_a_bug_is_written_through_no_link(world: World, harness, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("harness.cli.funnel.time.strftime", lambda form: "now")
    monkeypatch.setattr("harness.cli.funnel.tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("harness.reports.view.read_view", lambda *_: 1 / 0)
    (world.root / "logs").mkdir()
    (world.root / "logs/bug-now.txt").symlink_to(tmp_path / "thesis.txt")
    assert harness("status").code == 70
    assert not (tmp_path / "thesis.txt").exists()
    assert "division by zero" in (tmp_path / "bug-now.txt").read_text()


def raising(error: BaseException) -> Any:
    def app(**_: Any) -> None:
        raise error

    return app


class Formatted(Exception):
    """An error that looks like one of the command line, and is a bug."""

    def format_message(self) -> str:
        return "nothing is wrong"


def test_what_is_caught_is_what_the_installed_typer_raises() -> None:
    assert issubclass(typer.BadParameter, funnel.UsageError)
    assert issubclass(funnel.UsageError, funnel.ClickException)


@pytest.mark.parametrize(
    ("words", "sentence", "hint"),
    [
        (["--nosuch"], "no such option: --nosuch", "`harness -h` lists the commands"),
        (["nosuch"], "no such command `nosuch`", "`harness -h` lists the commands"),
        (["run", "--nosuch"], "no such option: --nosuch", "`harness run -h` shows how"),
        (["answer", "a"], "missing argument `text`", "`harness answer -h` shows how"),
    ],
    ids=["an unknown flag", "an unknown command", "a command's unknown flag", "a missing word"],
)
def test_a_mistake_on_the_command_line_gets_a_sentence_and_where_to_look(harness, words, sentence, hint) -> None:
    ran = harness(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.lower() == f"error: {sentence}\nhint: {hint}\n"


def test_without_a_command_the_help_is_shown_and_nothing_was_done(harness) -> None:
    ran = harness()
    assert (ran.code, ran.err) == (2, "")
    assert ran.out == harness("--help").out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(KeyboardInterrupt(), 130, id="Ctrl-C"),
        pytest.param(typer.Abort(), 130, id="the end of stdin"),
        pytest.param(Formatted(), 70, id="a bug that looks like a mistake on the command line"),
        pytest.param(ValueError("x"), 70, id="a bug"),
        pytest.param(RuntimeError("x"), 70, id="another bug"),
        pytest.param(OSError(errno.EMFILE, "x"), 2, id="no descriptor left"),
        pytest.param(BlockingIOError(errno.EAGAIN, "x"), 2, id="no process left"),
        pytest.param(OSError(errno.ENOBUFS, "x"), 2, id="no buffer left"),
        pytest.param(RuntimeError("can't start new thread"), 2, id="no thread left"),
        pytest.param(MemoryError(), 2, id="no memory left"),
    ],
)
def test_what_nobody_foresaw_is_a_bug_and_nothing_else_is(
    world: World, monkeypatch, capsys, error: BaseException, code: int
) -> None:
    monkeypatch.chdir(world.root)
    (world.root / "logs").mkdir()
    monkeypatch.setattr(funnel, "command", raising(error))
    assert funnel.start([]) == code
    assert ("a bug in harness" in capsys.readouterr().err) == (code == 70)
