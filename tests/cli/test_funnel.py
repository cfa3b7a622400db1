"""Errors become one sentence and an exit code, in JSON too, and tell no secret."""

from __future__ import annotations

import pytest
from helpers.bad_input import GOOD, Arrange, folder, settings
from helpers.world import World


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
