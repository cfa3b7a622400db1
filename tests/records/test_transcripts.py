"""Older transcripts are compressed, and read as before."""

from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
from pathlib import Path

import pytest
from helpers.world import CLAIM, World

from harness.records.transcripts import compress_old, open_transcript
from harness.settings.load import load_config
from harness.system import files


def old_attempts(world: World, number: int, size: int = 20_000) -> None:
    for one in range(1, number + 1):
        folder = world.root / f"logs/attempts/a/{one:04d}"
        folder.mkdir(parents=True)
        (folder / "outcome.json").write_text("{}")
        (folder / "stream.jsonl").write_bytes(b"x" * size)
        (folder / "stderr.log").write_bytes(b"small")


def transcripts(world: World) -> list[str]:
    return sorted(str(p.relative_to(world.root / "logs/attempts/a")) for p in world.root.rglob("stream.jsonl*"))


def test_older_transcripts_are_compressed_and_read_as_before(world: World) -> None:
    world.spec("a")
    old_attempts(world, 3)
    (world.root / "logs/attempts/a/0002/outcome.json").unlink()
    world.agent("head -c 9000 /dev/zero | tr '\\0' y; " + CLAIM)
    assert world.run(keep_transcripts="1").code == 0
    assert transcripts(world) == [
        "0001/stream.jsonl.gz", "0002/stream.jsonl", "0003/stream.jsonl.gz", "0004/stream.jsonl",
    ]  # fmt: skip
    first = world.root / "logs/attempts/a/0001"
    assert gzip.decompress((first / "stream.jsonl.gz").read_bytes()) == b"x" * 20_000
    assert (first / "stderr.log").read_bytes() == b"small"
    file = open_transcript(first / "stream.jsonl")
    assert file is not None
    with file:
        assert file.readline(5) == b"xxxxx"


def test_with_0_everything_is_kept_as_it_is(world: World) -> None:
    world.spec("a")
    old_attempts(world, 3)
    world.agent(CLAIM)
    assert world.run(keep_transcripts="0").code == 0
    assert not [name for name in transcripts(world) if name.endswith(".gz")]


def test_a_few_files_at_a_time_are_compressed_the_oldest_first(world: World) -> None:
    old_attempts(world, 10)
    paths = load_config(world.root, {}, {}).paths
    (world.root / "specs").mkdir(exist_ok=True)
    assert compress_old(paths, "a", newest=10, keep=1) == 6
    assert compress_old(paths, "a", newest=10, keep=1, packed=6) == 9
    assert [name[-3:] for name in transcripts(world)] == [".gz"] * 9 + ["onl"]


def test_an_agents_traps_in_the_place_of_a_transcript_are_left_alone(world: World) -> None:
    old_attempts(world, 3)
    first, second = (world.root / f"logs/attempts/a/{one:04d}" for one in (1, 2))
    secret = world.root / "secret"
    secret.write_bytes(b"s" * 9000)
    (first / "stream.jsonl").unlink()
    (first / "stream.jsonl").symlink_to(secret)
    (second / "stream.jsonl.gz").mkdir()
    paths = load_config(world.root, {}, {}).paths
    assert compress_old(paths, "a", newest=3, keep=1) == 1
    assert secret.read_bytes() == b"s" * 9000
    assert (second / "stream.jsonl").read_bytes() == b"x" * 20_000
    assert not list(second.glob(".*.tmp"))


def test_a_disk_that_an_agent_fills_halts_the_run_with_whole_files(world: World, harness, small_disk: Path) -> None:
    world.spec("a", checks="true")
    world.agent("[ -e go ] && { " + CLAIM + '; exit; }; note "began"; head -c 3000000 /dev/zero | tr "\\0" "x\\n"; ')
    world.config_file(on_finish="cat > told")
    ran = harness("run")
    assert ran.code == 2
    assert "no space left on device" in ran.err.lower()
    assert "no space left on device" in json.loads((world.root / "told").read_text())["error"]
    for path in [path for path in small_disk.rglob("*.json*") if path.name != "stream.jsonl"]:
        lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
        assert all(json.loads(line) for line in lines)
    assert not list(small_disk.rglob(".*.tmp"))
    for stream in small_disk.rglob("stream.jsonl"):
        stream.unlink()
    (world.root / "go").touch()
    assert harness("run").code == 0


def test_a_full_disk_keeps_a_transcript_from_being_compressed_and_harms_nothing(world: World, small_disk: Path) -> None:
    old_attempts(world, 2)
    stream = world.root / "logs/attempts/a/0001/stream.jsonl"
    noise = os.urandom(60_000)
    stream.write_bytes(noise)
    with (small_disk / "filler").open("wb", buffering=0) as file, pytest.raises(OSError) as full:
        while True:
            file.write(b"x" * 4096)
    assert full.value.errno == errno.ENOSPC
    assert compress_old(load_config(world.root, {}, {}).paths, "a", newest=2, keep=1) == 0
    assert stream.read_bytes() == noise
    assert [path.name for path in stream.parent.iterdir() if path.suffix in (".gz", ".tmp")] == []
    (small_disk / "filler").unlink()
    assert files.compress(stream) == 60_000
    assert shutil.disk_usage(small_disk).free
