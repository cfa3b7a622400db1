"""The reports as text for people."""

from __future__ import annotations

from datetime import UTC, datetime

import bench_damage
import pytest
from helpers.stages import scripted
from helpers.world import NOTE, World

USED = {
    "input_tokens": 2000,
    "output_tokens": 100,
    "cache_read_input_tokens": 6000,
    "cache_creation_input_tokens": 2000,
}


@pytest.mark.deep
def test_cost_shows_dollars_tokens_and_what_a_proven_feature_cost(world: World, harness) -> None:
    world.spec("a", checks="true")
    world.spec("b")
    scripted(
        world, {"cost": 0.5, "usage": USED}, a=[{"note": NOTE, "cost": 0.25, "usage": USED}, {"done": "x", "cost": 0.5}]
    )
    world.config_file(monthly_budget=10)
    world.run(max_iterations=3)
    month = datetime.now(UTC).strftime("%Y-%m")
    assert harness("cost").out == (
        "feature  attempts  uncached  cache read  cache written  output  hit rate  cost   source\n"
        "a        2         2,000     6,000       2,000          100     60%       $0.75  reported\n"
        "b        1         2,000     6,000       2,000          100     60%       $0.50  reported\n"
        "total    3         4,000     12,000      4,000          200     60%       $1.25  reported\n"
        "\n"
        "1 proven feature: $1.25 each, including failed attempts\n"
        f"{month} (UTC): $1.25 of $10.00, runs stop at $9.00\n"
    )
    assert [row["name"] for row in harness("cost", "a", "--json").json["rows"]] == ["a"]
    assert [row["name"] for row in harness("cost", "--by", "model", "--json").json["rows"]] == ["scripted"]
    assert harness("cost", "--by", "day", "--json").json["rows"][0]["name"].startswith(month)
    assert harness("cost", "nobody").code == 2
    assert harness("cost", "--by", "moon").code == 2


def test_log_prints_the_notes_without_control_sequences(world: World, harness) -> None:
    world.spec("a")
    assert (harness("log", "a").code, harness("log", "a").out) == (0, "")
    (world.root / "logs").mkdir()
    (world.root / "logs" / "a.log").write_text("one \x1b[31mred\x1b[0m\x07 line\n")
    assert harness("log", "a").out == "one red line\n"


def test_hostile_texts_do_nothing_where_they_are_shown() -> None:
    assert [one.name for one in bench_damage.measure_texts(1000) if one.met is False] == []
