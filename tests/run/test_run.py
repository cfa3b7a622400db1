"""A run and the specs that change below it."""

from __future__ import annotations

from helpers.world import CLAIM, World


def test_a_spec_that_breaks_in_mid_run_keeps_its_last_good_reading(world: World) -> None:
    path = world.spec("a")
    world.agent(f'if [ "$attempt" = 1 ]; then printf -- "---\\nbad: [\\n" > "{path}"; note one; else ' + CLAIM + "; fi")
    ran = world.run()
    assert ran.code == 0
    assert "going on with `a` as it was" in ran.text


def test_a_feature_whose_spec_goes_away_in_mid_run_is_skipped_and_told(world: World) -> None:
    world.spec("a")
    world.spec("b")
    world.spec("c")
    world.agent("rm -f specs/b/spec.md; " + CLAIM)
    ran = world.run()
    assert ran.code == 1
    assert world.has("logs/c.done")
    assert "b: cannot be worked on" in ran.text
