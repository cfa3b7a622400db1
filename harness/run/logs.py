"""The logs that agents write, as a run knows them: where each ended when harness looked last, what is compressed."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.domain.paths import Paths
from harness.records.notes import Mark, Notes
from harness.records.transcripts import compress_old


@dataclass(slots=True)
class KeptLogs:
    """The notes of each feature and the lessons across them, and how far harness has come with each."""

    paths: Paths
    ends: dict[str, Mark] = field(default_factory=dict)  # of each feature's log, when harness looked last
    learnings_end: Mark | None = None  # the same of the learnings, which all attempts share
    packed_up_to: dict[str, int] = field(default_factory=dict)  # a feature's transcripts, by attempt

    def notes(self, slug: str) -> Notes:
        """Return the feature's log."""
        return Notes(self.paths.log(slug), self.paths.kept)

    @property
    def learnings(self) -> Notes:
        """The lessons across features."""
        return Notes(self.paths.learnings, self.paths.kept)

    def mark_learnings(self) -> Mark:
        """Say where the learnings end now; what comes behind is an agent's, or a person's who writes meanwhile."""
        self.learnings_end = self.learnings.mark()
        return self.learnings_end

    def last_end(self, mark: Mark) -> Mark:
        """Return where the learnings ended when harness looked last, or the mark where that was before it."""
        end = self.learnings_end
        return mark if end is None or end.size < mark.size else end

    def remember_end(self, slug: str) -> None:
        """Remember where the feature's log ends: what cuts it before its next attempt is undone then."""
        self.ends[slug] = self.notes(slug).mark()

    def pack(self, slug: str, *, newest: int, keep: int) -> None:
        """Compress what older attempts at the feature printed, a few files at a time, but for the `keep` newest."""
        done = self.packed_up_to.get(slug, 0)
        self.packed_up_to[slug] = compress_old(self.paths, slug, newest=newest, keep=keep, packed=done)
