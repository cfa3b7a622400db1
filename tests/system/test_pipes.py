"""What goes into a child: a prompt of any size, or nothing."""

import os
import resource
import sys

import pytest
from helpers.children import Ear

from harness.domain.errors import StorageError
from harness.system.pipes import memory_file


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


@pytest.fixture
def short_files():
    """No file may be longer than a kilobyte."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(sys.platform != "linux", reason="nothing is confined so elsewhere")
@pytest.mark.parametrize("length", [10, 30_000])
def test_what_a_sandbox_is_told_arrives_whole_where_no_file_can_grow(short_files, length):
    with os.fdopen(memory_file(b"x" * length), "rb") as told:
        assert len(told.read()) == length


@pytest.mark.skipif(sys.platform != "linux", reason="nothing is confined so elsewhere")
def test_a_sandbox_is_told_all_or_nothing(short_files):
    with pytest.raises(StorageError, match="file too large"):
        memory_file(b"x" * 2_000_000)
