"""Times of files: as they are, and as they were before the work, as far as that is known."""

from __future__ import annotations

import os
import time
from pathlib import Path

from harness.workspace.file_times import (
    AT_ONCE,
    SECOND,
    TICK,
    are_in_order,
    find_times,
    put_in_order,
    set_in_order,
    set_times,
    set_times_of_folders,
)


def test_what_changed_since_the_work_began_is_older_than_all_others_as_it_was_before(tmp_path: Path) -> None:
    for name, at in (("old", 1000), ("source", 2000), ("made", 3000)):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (at, at))
    time.sleep(0.02)  # the clock of files is coarse
    since = time.time() - 0.01
    (tmp_path / "made").write_text("by hand")
    os.utime(tmp_path / "made", (4000, 4000))
    times = find_times(tmp_path, ["old", "source", "made", "gone"], since)
    assert times.changed == ("made",)
    assert times.now == {"old": 1000 * SECOND, "source": 2000 * SECOND, "made": 4000 * SECOND}
    assert times.as_before == {"old": 1000 * SECOND, "source": 2000 * SECOND, "made": 999 * SECOND}
    set_times(tmp_path, {**times.as_before, "gone": 1})
    assert find_times(tmp_path, ["made"], 0.0).now == {"made": 999 * SECOND}


def test_files_have_the_times_of_a_clone_that_writes_one_after_another(tmp_path: Path) -> None:
    names = [f"{number:03}" for number in range(AT_ONCE + 1)]
    for name in reversed(names):
        (tmp_path / name).write_text("")
    (tmp_path / "a-submodule").mkdir()
    names.append("a-submodule")
    set_in_order(tmp_path, names, 5 * SECOND)
    times = find_times(tmp_path, names[:-1], 0.0).now
    assert [times[name] - 5 * SECOND for name in (names[0], names[AT_ONCE - 1], names[AT_ONCE])] == [0, 0, TICK]
    assert are_in_order(tmp_path, names)
    set_in_order(tmp_path, names)
    assert are_in_order(tmp_path, names)
    (tmp_path / names[0]).write_text("")
    assert not are_in_order(tmp_path, names)


def test_a_folder_is_as_old_as_what_came_into_it_last(tmp_path: Path) -> None:
    names = ["a/b/x", "a/b/y", "a/c/x", "made/x", "z"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    set_times(tmp_path, {name: number * SECOND for number, name in enumerate(names, start=1)})
    (tmp_path / "made/by-a-setup").write_text("")
    since = (tmp_path / "made").stat().st_mtime_ns
    set_times_of_folders(tmp_path, names)
    times = {name: (tmp_path / name).stat().st_mtime_ns for name in ("a", "a/b", "a/c", "made")}
    assert times == {"a": 3 * SECOND, "a/b": 2 * SECOND, "a/c": 3 * SECOND, "made": since}


def test_what_was_written_again_is_as_old_as_what_a_clone_writes_after_it(tmp_path: Path) -> None:
    names = ["a.out", "a.src", "b", "c"]
    for number, name in enumerate(names):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, ns=(number * SECOND, number * SECOND))
    kept = (tmp_path / "b").stat().st_ctime_ns
    os.utime(tmp_path / "a.out")
    paths = [f"{tmp_path}/{name}" for name in names]
    assert put_in_order(paths)
    assert find_times(tmp_path, names, 0.0).now == {"a.out": SECOND, "a.src": SECOND, "b": 2 * SECOND, "c": 3 * SECOND}
    assert (tmp_path / "b").stat().st_ctime_ns == kept
    assert not put_in_order(paths)
