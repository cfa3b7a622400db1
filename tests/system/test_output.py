"""What a child prints is kept raw, capped, and heard line by line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.children import NASTY, PYTHON, Ear, alive
from helpers.files import REPOSITORY
from helpers.marks import LINUX

from harness.domain.errors import StorageError
from harness.system.command import Bounds, Command


def test_output_is_kept_raw_and_heard_line_by_line(run, tmp_path):
    ear = Ear()
    ended = run("printf 'one\\n\\ntwo\\r\\nthr'; printf 'ee'; printf 'Fehler: \\303\\244 \\377' >&2", ear)
    assert (tmp_path / "out").read_bytes() == b"one\n\ntwo\r\nthree"
    assert ear.lines == [b"one", b"", b"two\r", b"three"]
    assert (ended.stdout_bytes, ended.stderr_bytes, ended.stderr_tail) == (15, 12, "Fehler: ä \ufffd")
    assert (tmp_path / "err").read_bytes() == "Fehler: ä ".encode() + b"\xff"


def test_silence_leaves_no_files(run, tmp_path):
    run("exit 0")
    assert not (tmp_path / "out").exists() and not (tmp_path / "err").exists()


def test_output_beyond_the_cap_is_dropped_counted_and_still_heard(run, tmp_path):
    ear = Ear()
    ended = run("echo 12345678; echo 12345678; echo result", ear, output_cap=12)
    assert (tmp_path / "out").read_bytes() == b'12345678\n123\n{"type": "harness", "dropped_bytes": 13}\n'
    assert (ended.stdout_bytes, ended.dropped_bytes, ear.lines[-1]) == (25, 13, b"result")


def test_stderr_keeps_its_head_in_the_file_and_its_tail_in_the_exit(run, tmp_path):
    ended = run("seq 1 5000 >&2", stderr_cap=10)
    assert (tmp_path / "err").read_bytes() == b"1\n2\n3\n4\n5\n"
    assert (len(ended.stderr_tail), ended.stderr_tail[-10:]) == (4096, "4999\n5000\n")


@pytest.mark.parametrize("size", [9, 10, 11, 300_000])
def test_a_long_line_is_cut_counted_and_followed_by_the_next(run, size):
    ear = Ear()
    ended = run(f"echo first; head -c {size} /dev/zero | tr '\\0' x; echo; echo last", ear, line_cap=10)
    assert (ear.lines, ended.long_lines) == ([b"first", b"x" * min(size, 10), b"last"], int(size > 10))


FLOOD = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from harness.system.command import Bounds, Command
from harness.system.process import Supervisor
class Ear:
    count = longest = 0
    def line(self, line): self.count += 1; self.longest = max(self.longest, len(line))
    def busy(self): return False
    def finished(self): return False
    def stop(self): return None
ear = Ear()
with Supervisor() as supervisor:
    command = Command(("sh", "-c", sys.argv[2]), Path("/"), os.environ)
    ended = supervisor.run(command, Bounds(output_cap=1 << 20), ear, stdout=Path(sys.argv[3]), stderr=None)
peak = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]  # kB, of this program alone
print(ended.stdout_bytes, ear.count, ear.longest, ended.long_lines, *peak)
"""


def flood(script, tmp_path):
    if not LINUX:
        pytest.skip("needs Linux")
    argv = [sys.executable, "-c", FLOOD, str(REPOSITORY), script, str(tmp_path / "out")]
    return map(int, subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout.split())


@pytest.mark.deep
def test_300_mb_of_lines_cost_neither_memory_nor_disk(tmp_path):
    size, count, longest, _, peak = flood(f"yes {'x' * 99} | head -c 300000000", tmp_path)
    assert (size, count, longest) == (300_000_000, 3_000_000, 99)
    assert (tmp_path / "out").stat().st_size < 1.1e6
    assert peak < 64_000


@pytest.mark.deep
def test_a_line_of_100_mb_is_cut(tmp_path):
    size, count, longest, long_lines, peak = flood("head -c 100000000 /dev/zero; echo; echo end", tmp_path)
    assert (size, count, longest, long_lines) == (100_000_005, 2, 8 << 20, 1)
    assert peak < 64_000


def test_a_full_disk_ends_the_tree_and_is_an_error(supervisor, tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    command = Command((*PYTHON, str(NASTY), str(tmp_path), "stay"), tmp_path, os.environ)
    with pytest.raises(StorageError, match="cannot write `/dev/full`: no space left on device"):
        supervisor.run(command, Bounds(grace=0.05), Ear(), stdout=Path("/dev/full"), stderr=None)
    assert alive(tmp_path) == set()


def test_a_link_or_a_fifo_in_place_of_the_stream_is_an_error(run, tmp_path):
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "out").symlink_to("victim")
    os.mkfifo(tmp_path / "fifo")
    for name in ("out", "fifo"):
        with pytest.raises(StorageError, match=f"cannot write `.*{name}`"):
            run("echo said", out=name)
    assert (tmp_path / "victim").read_text() == "precious"
