"""Spec files -> features: what is there, in which order, and why one cannot be worked on."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.domain.errors import SpecError
from harness.domain.feature import Feature
from harness.domain.near_names import is_near
from harness.domain.slugs import RENAME, WRITE_ONE, check_slug
from harness.domain.text import shown
from harness.settings.load import Config
from harness.settings.policy import Demand, tighten_feature
from harness.specs.order import find_problems, order_features, parse_order
from harness.specs.parse import parse_spec
from harness.specs.spec_file import (
    SPEC_LIMIT,
    Signature,
    decode,
    explain_folder,
    leads_nowhere,
    leads_to_folder,
    read_spec_file,
    read_status,
    relative_name,
    resolve_link,
    sign,
)
from harness.system import files

ORDER_FILE = "order.txt"
_LOOSE = re.compile(r"(.+)\.(md|markdown|txt|rst)", re.IGNORECASE)
ORDER_LIMIT = 1024 * 1024  # bytes
RACY = 2_000_000_000  # ns; a file this young can change again without its mtime moving (FAT 2 s, kernel tick 4 ms)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at the specs found: features in working order, and what a person should know about them."""

    features: tuple[Feature, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Kept:
    """The last reading of one folder; without a signature it is read again at every look."""

    feature: Feature
    path: str
    signature: Signature | None = None


class SpecsFolder:
    """The specs folder, with the readings of the last look kept: an unchanged spec costs one stat."""

    def __init__(
        self,
        specs_dir: Path,
        spec_file: str = "spec.md",
        order_file: Path | None = None,
        *,
        now: Callable[[], int] = time.time_ns,
        is_done: Callable[[str], bool] = lambda slug: False,
        demands: Sequence[Demand] = (),
    ) -> None:
        """An order file that is given must exist; the default, `order.txt` among the specs, need not.

        `is_done` says of a slug without a spec whether it was done once: others may still depend on it.
        """
        if spec_file in ("", ".", "..") or "/" in spec_file or not spec_file.isprintable():
            raise SpecError(f"`{shown(spec_file)}` is not a file name for specs", "give a name such as `spec.md`")
        self._folder = os.fspath(specs_dir)
        self._name = relative_name(specs_dir, specs_dir.parent)
        self._spec_file = spec_file
        self._order_file = os.fspath(order_file or specs_dir / ORDER_FILE)
        self._order_name = relative_name(order_file or specs_dir / ORDER_FILE, specs_dir.parent)
        self._order_needed = order_file is not None
        self._orders: list[str] = []  # files among the specs that are probably meant as their order
        self._loose: list[str] = []  # and as specs
        self._now, self._is_done, self._demands = now, is_done, demands
        self._kept: dict[str, _Kept] = {}
        self._folder_signature: Signature | None = None
        self._watched: list[tuple[str, int, int, int]] = []
        self._stale = True
        self._order_content = b""
        self._order: tuple[str, ...] = ()
        self._reading = Reading(())
        self._good: dict[str, Feature] = {}

    def read(self) -> Reading:
        """The features as they are on disk now; SpecError when the set as a whole cannot be used."""
        self._look()
        content = self._read_order_file()
        if self._stale or content != self._order_content:
            found = [tighten_feature(kept.feature, self._demands) for kept in self._kept.values()]
            features = find_problems(found, self._name, self._is_done)
            slugs = [feature.slug for feature in features]
            order, warnings = parse_order(decode(content, self._order_name), slugs, self._order_name, self._is_done)
            self._reading = Reading(order_features(features, order), (*warnings, *self._warn_of_unread()))
            self._good = {
                feature.slug: self._good.get(feature.slug, feature) if feature.problem else feature
                for feature in self._reading.features
                if not feature.problem or feature.slug in self._good
            }
            self._order_content, self._order, self._stale = content, order, False
        return self._reading

    def reread(self) -> Reading:
        """As read(), in mid-run: what broke keeps its last good reading, with a warning each; never a SpecError."""
        try:
            now = self.read()
        except SpecError as error:
            return Reading(tuple(self._good.values()), (f"{error.message}; going on with the specs as they were",))
        broken = [feature for feature in now.features if feature.problem and feature.slug in self._good]
        if not broken:
            return now
        kept = {feature.slug: self._good[feature.slug] for feature in broken}
        features = [kept.get(feature.slug, feature) for feature in now.features]
        warnings = [f"{feature.problem}; going on with `{feature.slug}` as it was" for feature in broken]
        return Reading(order_features(features, self._order), (*now.warnings, *warnings))

    def _look(self) -> None:
        """Bring the kept readings up to date, and note whether any feature came out differently."""
        if self._is_unchanged():
            return
        before, kept, strays = self._kept, {}, list[str]()
        try:
            folder = os.stat(self._folder)  # noqa: PTH116 # before the listing: what comes in meanwhile must be seen next time
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if not leads_to_folder(entry):
                        strays.append(entry.name)
                    elif entry.name[0] != ".":
                        kept[entry.name] = self._read_folder(entry, before.get(entry.name))
        except OSError as error:
            raise explain_folder(self._folder, self._name, error) from None
        if not kept:
            raise self._explain_empty(strays)
        changed = any(name not in before or kept[name].feature is not before[name].feature for name in kept)
        orders = [] if self._order_needed else files.find_near(Path(self._folder, ORDER_FILE))
        loose = sorted(name for name in strays if _slug_of(name) and name != Path(self._order_file).name)
        changed = changed or (orders, loose) != (self._orders, self._loose) or len(kept) != len(before)
        self._stale = self._stale or changed
        self._kept, self._orders, self._loose = kept, orders, loose
        steady = self._is_settled(folder) and all(each.signature for each in kept.values())
        self._folder_signature = sign(folder) if steady else None
        cut = len(self._folder) + 1
        self._watched = [(each.path[cut:], *each.signature) for each in kept.values() if each.signature]

    def _is_unchanged(self) -> bool:
        """The hot path, at every look: plain strings, one lstat for each spec, nothing kept of it (9 ms for 5,000)."""
        lstat = os.lstat
        try:
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                if self._folder_signature is None or sign(os.fstat(folder)) != self._folder_signature:
                    return False
                for path, mtime, size, inode in self._watched:
                    status = lstat(path, dir_fd=folder)
                    if status.st_mtime_ns != mtime or status.st_size != size or status.st_ino != inode:
                        return False
            finally:
                os.close(folder)
        except OSError:
            return False
        return True

    def _is_settled(self, status: os.stat_result) -> bool:
        """Whether a later change must move the mtime; a clock that is off (a network disk) counts as settled."""
        return abs(self._now() - status.st_mtime_ns) > RACY

    def _read_folder(self, entry: os.DirEntry[str], old: _Kept | None) -> _Kept:
        """The reading of one folder; its feature is the old one, the very same, when nothing came out differently."""
        name = entry.name
        path = f"{self._folder}/{name}/{self._spec_file}"
        status = read_status(path)
        linked = entry.is_symlink() or (status is not None and stat.S_ISLNK(status.st_mode))
        if old is not None and old.signature and status and not linked and sign(status) == old.signature:
            return old
        where = f"{self._name}/{shown(name)}/{self._spec_file}"
        signature = None
        try:
            if reason := check_slug(name):
                raise SpecError(f"{where.rpartition('/')[0]} has no usable name: {reason}", RENAME)
            content, status = read_spec_file(
                resolve_link(path, self._folder, where) if linked else path, where, SPEC_LIMIT
            )
            if not linked and self._is_settled(status):
                signature = sign(status)
            sha256 = hashlib.sha256(content).hexdigest()
            if old is not None and old.feature.sha256 == sha256:
                return _Kept(old.feature, path, signature)
            feature = parse_spec(Path(path), content, sha256, where)
        except SpecError as error:
            feature = Feature(shown(name), Path(path), problem=error.message, hint=error.hint)
        return _Kept(old.feature if old is not None and old.feature == feature else feature, path, signature)

    def _read_order_file(self) -> bytes:
        """The order file's bytes; none when the optional one is not there."""
        if read_status(self._order_file) is not None:
            real = os.path.realpath(self._order_file)
            if not os.path.lexists(real):
                raise leads_nowhere(self._order_name)
            return read_spec_file(real, self._order_name, ORDER_LIMIT)[0]
        if self._order_needed:
            raise SpecError(f"there is no order file {self._order_name}", "write it, one slug a line")
        if self._orders:
            raise SpecError(next(self._warn_of_unread()), f"rename it to {ORDER_FILE}")
        return b""

    def _warn_of_unread(self) -> Iterator[str]:
        yield from (f"{self._name}/{name} is not read: the order is {self._order_name}" for name in self._orders)
        if self._loose:
            first = f"{self._name}/{self._loose[0]}"
            more = f" (and {len(self._loose) - 1} more)" if self._loose[1:] else ""
            place = f"{self._name}/{_slug_of(self._loose[0])}/{self._spec_file}"
            yield f"{first}{more} is not read: a feature has its own folder, as in {place}"

    def _explain_empty(self, strays: Sequence[str]) -> SpecError:
        """Nothing there is not the same as everything done."""
        stray = next(filter(_slug_of, sorted(strays)), "")
        place = f"{self._name}/{_slug_of(stray)}/{self._spec_file}"
        hint = f"a spec has its own folder: move {self._name}/{stray} to {place}" if stray else WRITE_ONE
        return SpecError(f"no features found in {self._name}/", hint)


def _slug_of(name: str) -> str:
    """The slug that a file among the specs may be meant as; "" for README.md, NOTES.md, an order, and what is none."""
    found = _LOOSE.fullmatch(name)
    slug = found[1] if found else ""
    is_none = check_slug(slug) or slug.isupper() or slug.lower() == "readme"
    return "" if is_none or name == ORDER_FILE or is_near(name, ORDER_FILE) else slug


def open_specs_folder(config: Config) -> SpecsFolder:
    """Return the project's specs, not read yet."""
    s, paths = config.settings, config.paths
    order = paths.root / s.order_file if s.order_file else None
    return SpecsFolder(
        paths.specs,
        s.spec_file,
        order,
        is_done=lambda slug: files.is_file(paths.done(slug)),
        demands=config.demands,
    )
