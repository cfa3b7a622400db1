"""The filter of system calls is a whole program."""

from __future__ import annotations

import pytest

from harness.sandbox.seccomp import ARCHITECTURES, compose_filter


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_filter_is_a_whole_program_whose_jumps_stay_inside(machine: str) -> None:
    program = compose_filter(machine)
    steps = [program[at : at + 8] for at in range(0, len(program), 8)]
    assert all(at + 1 + max(step[2], step[3]) < len(steps) for at, step in enumerate(steps) if step[0] & 7 == 5)
    assert steps[-1] == bytes.fromhex("06000000 0000ff7f")


def test_an_unknown_processor_has_no_filter() -> None:
    assert compose_filter("pdp11") == b""
