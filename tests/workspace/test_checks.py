"""What a check printed is kept without secrets."""

from __future__ import annotations

from helpers.world import World

KNOWN = "Zk93jfTq8812LmQx"


def test_a_secret_that_control_codes_cut_in_two_is_none_in_checks_log(world: World) -> None:
    split = KNOWN[:8] + r"\033[0m" + KNOWN[8:]
    world.spec("a", checks=f"head -c 1048560 /dev/zero | tr '\\0' .; printf 'is {split} it\\n'")
    world.agent('note hi; echo ok > "$done"')
    assert world.run(environ={**world.environ, "PAY_TOKEN": KNOWN}).code == 0
    said = world.log("attempts/a/0001/checks.log")
    assert KNOWN not in said
    assert "is [redacted PAY_TOKEN] it" in said
