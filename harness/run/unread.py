"""Files that nothing reads, as their names are nearly right: `halt`, `login.DONE`, `login.answer.txt`."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable

from harness.domain.listener import Tone
from harness.domain.look import Markers
from harness.domain.near_names import bare_name, is_near
from harness.domain.text import shown
from harness.run.run import Run
from harness.system import files

LEARNINGS = "learnings.md"


def tell_unread(run: Run, markers: Markers) -> None:
    """Tell a person which of their files are not read: requests to stop, and answers to what is asked."""
    for halt in run.paths.halts:
        for name in files.find_near(halt):
            run.tell_once(f"`{run.paths.shown(halt.parent / name)}` is not read: `touch HALT` stops a run", Tone.NOTICE)
    if markers.blocked:
        for said in explain_unread(os.listdir(run.paths.logs), markers.blocked, ("answer",)):  # noqa: PTH208
            run.tell_once(said, Tone.NOTICE)


def explain_unread(names: Iterable[str], slugs: Collection[str], kinds: Collection[str]) -> list[str]:
    """Return a sentence for each name in logs/ that is nearly that of a file of these features, or of the learnings."""
    rights = {f"{slug}.{kind}".lower(): f"{slug}.{kind}" for slug in slugs for kind in kinds}
    parts = re.compile("|".join(map(re.escape, (*slugs, "learning"))), re.IGNORECASE)  # of 10,000 names, few hold one
    told = []
    for name in sorted(filter(parts.search, names)):
        right = LEARNINGS if is_near(name, LEARNINGS) else rights.get(bare_name(name).lower(), name)
        if right != name:
            told.append(f"`{shown(name)}` in logs/ is not read: the name is `{right}`")
    return told
