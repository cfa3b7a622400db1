"""The specs as a run knows them: as they were read last, and what is kept of one that breaks or changes under way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from harness.decide.next import with_dependencies
from harness.domain.errors import SpecError
from harness.domain.feature import Check, Feature
from harness.domain.review import Review
from harness.specs.shelf import Reading, SpecsFolder
from harness.specs.spec_file import read_spec_text


@dataclass(slots=True)
class KeptSpecs:
    """The features asked for, and what this run holds on to while their specs are edited."""

    shelf: SpecsFolder
    wanted: tuple[str, ...] = ()  # the slugs asked for, none for all
    last: tuple[Feature, ...] = ()  # all specs, as read at the last look, with what is frozen
    on_disk: tuple[Feature, ...] = ()  # as they were read
    told: set[tuple[str, str]] = field(default_factory=set)  # changes of specs that a person knows of: slug, SHA-256
    texts: dict[str, str] = field(default_factory=dict)  # of the specs worked on in this run
    frozen: dict[str, Feature] = field(default_factory=dict)  # as read before checks changed under an agent's hands

    def read(self) -> tuple[Feature, ...]:
        """Return the features asked for and what they depend on, as they are on disk. Raises SpecError."""
        return self.among_wanted(self.shelf.read().features)

    def reread(self) -> Reading:
        """Return all specs as they are on disk; one that broke keeps its last good reading, with a warning each."""
        reading = self.shelf.reread()
        self.on_disk = reading.features
        self.last = tuple(map(self._as_frozen, reading.features)) if self.frozen else reading.features
        return replace(reading, features=self.last)

    def among_wanted(self, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        """Return those of the features that are asked for, and what they depend on."""
        return with_dependencies(features, self.wanted)

    def find(self, slug: str) -> Feature | None:
        """Return a feature as its spec says now, None where there is none that can be read."""
        return next((self._as_frozen(one) for one in self.shelf.reread().features if one.slug == slug), None)

    def text_of(self, feature: Feature) -> str:
        """Return the text of the spec; one that broke in mid-run as it was read last. Raises SpecError without one."""
        try:
            text = read_spec_text(feature)
        except SpecError:
            if feature.slug not in self.texts:
                raise
            return self.texts[feature.slug]
        if text.strip() or feature.slug not in self.texts:
            self.texts[feature.slug] = text
        return self.texts[feature.slug]

    def text_begun(self, feature: Feature) -> str:
        """Return the text of the spec as it was read when the work that is on began, or as it is."""
        return self.texts.get(feature.slug) or self.text_of(feature)

    def changes_since(self, before: tuple[Feature, ...]) -> Iterator[tuple[Feature, Feature | None]]:
        """Yield the specs that were read otherwise before: as they were, and as they are, None where one is gone."""
        if before is self.on_disk:
            return
        now = {feature.slug: feature for feature in self.on_disk}
        for was in before:
            feature = now.get(was.slug)
            sha256 = "" if feature is None else feature.sha256
            if sha256 != was.sha256 and (was.slug not in self.frozen or (was.slug, sha256) not in self.told):
                yield was, feature

    def freeze(self, was: Feature, now: Feature | None) -> bool:
        """Go on with the checks that a spec had, to the end of the run; False where it has them still."""
        if now is not None and (now.checks, now.reviews) == (was.checks, was.reviews):
            return False
        self.frozen.setdefault(was.slug, was)
        self.last = tuple(map(self._as_frozen, self.last))
        return True

    def _as_frozen(self, feature: Feature) -> Feature:
        """Return a feature with the checks that this run goes on with; its receipt names the spec that had them."""
        was = self.frozen.get(feature.slug)
        if was is None:
            return feature
        return replace(feature, checks=was.checks, reviews=was.reviews, sha256=was.sha256)

    def checks_of(self, feature: Feature) -> tuple[Check, ...]:
        """Return the feature's own checks; those it had where they changed under an agent's hands."""
        return self._as_frozen(feature).checks

    def reviews_of(self, feature: Feature) -> tuple[Review, ...]:
        """Return the feature's own questions to reviewers, frozen as its checks are."""
        return self._as_frozen(feature).reviews
