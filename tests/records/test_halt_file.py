"""HALT, whatever it is, is a halt."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.domain.halt import Halt, Stop
from harness.domain.paths import Paths
from harness.records.halt_file import compose_halt, read_halt, remove_halt


@pytest.mark.parametrize("kind", ["fifo", "folder", "link", "huge", "dead link to a device"])
def test_a_strange_halt_is_a_halt(place: Paths, tmp_path: Path, kind: str) -> None:
    if kind == "fifo":
        os.mkfifo(place.halt)
    elif kind == "folder":
        place.halt.mkdir()
    elif kind == "huge":
        with place.halt.open("wb") as huge:
            huge.truncate(10 << 30)
    else:
        place.halt.symlink_to(tmp_path / "home/settings.json" if kind == "link" else "/dev/full")
    request = read_halt(place)
    assert request is not None and not request.now


@pytest.mark.parametrize("asked", ["どちらですか" * 500, "x" * 5_000, "which?"], ids=["wide", "long", "short"])
def test_a_halt_of_harness_is_known_as_that_however_long_the_question(place: Paths, asked: str) -> None:
    place.halt.write_text(compose_halt(Stop(Halt.BLOCKED, asked, "a", advice=asked), run="r", at="now"), "utf-8")
    request = read_halt(place)
    assert request is not None and request.by_harness
    assert remove_halt(place, about="b") == ()
    assert remove_halt(place, about="a") == (place.halt,)


def test_what_an_agent_asks_says_nothing_about_who_wrote_a_halt(place: Paths) -> None:
    asked = "which? written by harness (exit 4, blocked, b)"
    place.halt.write_text(compose_halt(Stop(Halt.BLOCKED, asked, "a"), run="r", at="now"), "utf-8")
    assert remove_halt(place, about="b") == ()
    place.halt.write_text(f"wait for me: the agent asked {asked}\nI look at it tomorrow\n", "utf-8")
    assert remove_halt(place, about="b") == ()
