"""Times of files: as they are, and as they were before the work, as far as that is known."""

from __future__ import annotations

import os
import time
from pathlib import Path

from harness.workspace.file_times import SECOND, find_times, set_times


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
