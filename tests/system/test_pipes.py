"""What goes into a child: a prompt of any size, or nothing."""

import os

from helpers.children import Ear


def test_a_prompt_of_5_mb_does_not_deadlock(run, tmp_path):
    (tmp_path / "prompt").write_bytes(b"p" * 5_000_000)
    ear = Ear()
    run("head -c 3000000 | wc -c; echo said; wc -c", ear, stdin=tmp_path / "prompt")
    assert ear.lines[0].strip() == b"3000000" and ear.lines[1] == b"said"


def test_without_stdin_an_agent_reads_nothing(run):
    assert run("wc -c | grep -qw 0").code == 0


def test_a_large_environment_and_bytes_that_are_no_text_arrive_whole(run):
    env = {"PATH": os.defpath, **{f"V{number}": "x" * 100_000 for number in range(5)}, "ODD": "a\udcffb"}
    ear = Ear()
    run("", ear, argv=("sh", "-c", 'echo ${#V0} ${#V4}; printf %s "$ODD" "$0"', "c\udcfed"), env=env)
    assert ear.lines == [b"100000 100000", b"a\xffbc\xfed"]
