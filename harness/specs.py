"""Spec files -> features: what is there, in which order, and why one cannot be worked on.

YAML front matter is opened by a first line `---` and closed by a line `---` or `...`. That first line is taken for a
horizontal rule when what follows neither begins like `key: value` nor is closed, or begins with a blank line.
"""

from __future__ import annotations

import difflib
import errno
import graphlib
import hashlib
import os
import re
import stat
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.domain import Check, Feature
from harness.errors import SpecError
from harness.units import format_size, parse_duration, parse_size

SPEC_LIMIT = 256 * 1024  # bytes
ORDER_LIMIT = 1024 * 1024  # bytes
FRONT_MATTER_LIMIT = 64 * 1024  # characters; PyYAML takes 49 s for 10 MB
DEPTH_LIMIT = 20
RACY = 2_000_000_000  # ns; a file this young can change again without its mtime moving (FAT 2 s, kernel tick 4 ms)
GUESSES = 20  # suggestions per reading; difflib over 5,000 slugs takes some 50 ms each

if TYPE_CHECKING:
    import yaml
    from yaml._yaml import Mark as CMark

Signature = tuple[int, int, int]  # mtime in ns, size in bytes, inode


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


class SpecShelf:
    """The specs folder, with the readings of the last look kept: an unchanged spec costs one stat."""

    def __init__(
        self,
        specs_dir: Path,
        spec_file: str = "spec.md",
        order_file: Path | None = None,
        *,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        """An order file that is given must exist; the default, `order.txt` among the specs, need not."""
        if spec_file in ("", ".", "..") or "/" in spec_file or not spec_file.isprintable():
            raise SpecError(f"`{_shown(spec_file)}` is not a file name for specs", "give a name such as `spec.md`")
        self._folder = os.fspath(specs_dir)
        self._name = _relative(specs_dir, specs_dir.parent)
        self._spec_file = spec_file
        self._order_file = os.fspath(order_file or specs_dir / "order.txt")
        self._order_name = _relative(order_file or specs_dir / "order.txt", specs_dir.parent)
        self._order_needed = order_file is not None
        self._now = now
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
            features = find_problems([kept.feature for kept in self._kept.values()], self._name)
            order, warnings = parse_order(content, [feature.slug for feature in features], self._order_name)
            self._reading = Reading(order_features(features, order), warnings)
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
        before, kept = self._kept, {}
        try:
            folder = os.stat(self._folder)  # noqa: PTH116 # before the listing: what comes in meanwhile must be seen next time
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if entry.name[0] != "." and _leads_to_folder(entry):
                        kept[entry.name] = self._read_folder(entry, before.get(entry.name))
        except OSError as error:
            raise _explain_folder(self._name, error) from None
        if not kept:
            raise self._explain_empty()
        changed = any(name not in before or kept[name].feature is not before[name].feature for name in kept)
        self._stale = self._stale or changed or len(kept) != len(before)
        self._kept = kept
        steady = self._is_settled(folder) and all(each.signature for each in kept.values())
        self._folder_signature = _sign(folder) if steady else None
        cut = len(self._folder) + 1
        self._watched = [(each.path[cut:], *each.signature) for each in kept.values() if each.signature]

    def _is_unchanged(self) -> bool:
        """The hot path, at every look: plain strings, one lstat for each spec, nothing kept of it (9 ms for 5,000)."""
        lstat = os.lstat
        try:
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                if self._folder_signature is None or _sign(os.fstat(folder)) != self._folder_signature:
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
        status = _read_status(path)
        linked = entry.is_symlink() or (status is not None and stat.S_ISLNK(status.st_mode))
        if old is not None and old.signature and status and not linked and _sign(status) == old.signature:
            return old
        where = f"{self._name}/{_shown(name)}/{self._spec_file}"
        signature = None
        try:
            if reason := check_slug(name):
                raise SpecError(f"{where.rpartition('/')[0]} has no usable name: {reason}", _RENAME)
            content, status = _read_file(_resolve(path, self._folder, where) if linked else path, where, SPEC_LIMIT)
            if not linked and self._is_settled(status):
                signature = _sign(status)
            sha256 = hashlib.sha256(content).hexdigest()
            if old is not None and old.feature.sha256 == sha256:
                return _Kept(old.feature, path, signature)
            feature = parse_spec(Path(path), content, sha256, where)
        except SpecError as error:
            feature = Feature(_shown(name), Path(path), problem=error.message, hint=error.hint)
        return _Kept(old.feature if old is not None and old.feature == feature else feature, path, signature)

    def _read_order_file(self) -> bytes:
        """The order file's bytes; none when the optional one is not there."""
        if _read_status(self._order_file) is not None:
            return _read_file(os.path.realpath(self._order_file), self._order_name, ORDER_LIMIT)[0]
        if self._order_needed:
            raise SpecError(f"there is no order file {self._order_name}", "write it, one slug a line")
        return b""

    def _explain_empty(self) -> SpecError:
        """Nothing there is not the same as everything done."""
        names = sorted(path.name for path in Path(self._folder).iterdir())
        stray = next((name for name in names if name.lower().endswith(".md")), "")
        slug = stray[:-3]
        if check_slug(slug) or slug.lower() == "readme":
            return SpecError(f"no features found in {self._name}/", _WRITE_ONE)
        move = f"a spec has its own folder: move {self._name}/{stray} to {self._name}/{slug}/{self._spec_file}"
        return SpecError(f"no features found in {self._name}/", move)


# --- names --------------------------------------------------------------------------------------------------------

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SUFFIXES = (".done", ".log", ".blocked", ".answer")
_RESERVED = {"run", "journal", "learnings", "attempts", "halt", "lock", "harness"}
_DEVICES = {"con", "prn", "aux", "nul"} | {f"{name}{digit}" for name in ("com", "lpt") for digit in range(1, 10)}
_RENAME = "rename the folder, or begin its name with a dot if it is no feature"
_WRITE_ONE = "write one with `harness new SLUG`"


def check_slug(slug: str) -> str | None:
    """Why this cannot be the name of a feature, in a sentence; None when it can."""
    if not slug:
        return "a slug cannot be empty"
    if len(slug) > 64:
        return f"`{_shown(slug)}` is longer than 64 characters"
    if not _SLUG.fullmatch(slug):
        return f"`{_shown(slug)}` is no slug: letters, digits, `.`, `_` and `-`, with a letter or digit first"
    lowered = slug.lower()
    if lowered.endswith(_SUFFIXES):
        return f"`{slug}` ends in `.{lowered.rpartition('.')[2]}`, as the files that harness writes"
    if lowered in _RESERVED:
        return f"`{slug}` is a name that harness needs for itself"
    if lowered.partition(".")[0] in _DEVICES:
        return f"`{slug}` is the name of a device on Windows"
    return None


def _shown(text: str) -> str:
    """The text for a message: on one line, printable, not endless."""
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return shown if len(shown) <= 80 else f"{shown[:80]}…"


def _suggest(word: str, options: Iterable[str]) -> str:
    """The end of a sentence that offers the nearest of the options; empty when none is near."""
    options = tuple(options)
    same = [option for option in options if option.lower() == word.lower()]
    near = same or difflib.get_close_matches(word[:64], options, n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


def _relative(path: Path, root: Path) -> str:
    """The path as people in the project call it."""
    return _shown(os.fspath(path.relative_to(root) if path.is_relative_to(root) else path))


# --- files --------------------------------------------------------------------------------------------------------


def read_spec_text(feature: Feature, *, whole: bool = False) -> str:
    """The spec for the prompt, or `whole` with its front matter; SpecError when it is gone or leads elsewhere."""
    path = os.fspath(feature.path)
    folder = feature.path.parent.parent
    where = _relative(feature.path, folder.parent)
    text = _decode(_read_file(_resolve(path, os.fspath(folder), where), where, SPEC_LIMIT)[0])
    return text if whole else split_front_matter(text)[1]


def _sign(status: os.stat_result) -> Signature:
    """What changes when a file does."""
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read_status(path: str) -> os.stat_result | None:
    """The stat of what is there, symlinks not followed; None when nothing is."""
    try:
        return os.lstat(path)
    except OSError:
        return None


def _resolve(path: str, folder: str, where: str) -> str:
    """Where the path leads, symlinks followed; SpecError when that is outside the specs folder."""
    real = os.path.realpath(path)
    if not real.startswith(os.path.realpath(folder) + os.sep):
        name = _shown(Path(folder).name)
        raise SpecError(f"{where} leads outside {name}/ by a symlink", "put a copy there instead of the symlink")
    return real


def _read_file(path: str, where: str, limit: int) -> tuple[bytes, os.stat_result]:
    """A regular file's bytes and the stat they belong to; never waits on a pipe, never follows a last symlink."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            status = os.fstat(file)
            content = _read_to(file, limit + 1) if stat.S_ISREG(status.st_mode) else b""
        finally:
            os.close(file)
    except OSError as error:
        raise _explain_file(path, where, error) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder, not" if stat.S_ISDIR(status.st_mode) else "a pipe, socket or device, not"
        raise SpecError(f"{where} is {kind} a file", "write the text into a plain file of that name")
    if len(content) > limit:
        size = format_size(max(status.st_size, len(content)))
        raise SpecError(f"{where} is too large: {size}, the limit is {format_size(limit)}", "split it up")
    return content, status


def _read_to(file: int, limit: int) -> bytes:
    """All bytes up to the limit; one read is usually all, but a network disk may give less."""
    content = b""
    while chunk := os.read(file, min(limit - len(content), max(os.fstat(file).st_size - len(content), 0) + 1)):
        content += chunk
    return content


def _explain_file(path: str, where: str, error: OSError) -> SpecError:
    """The sentence for a file that cannot be opened."""
    folder, _, name = where.rpartition("/")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        twin = _find_twin(path)
        hint = f"rename {folder}/{twin} to {name}" if twin else f"write {where}, or remove the folder"
        return SpecError(f"{folder} has no {name}", hint)
    if error.errno in (errno.EACCES, errno.EPERM):
        return SpecError(f"{where} cannot be read: permission denied", "let the user that runs harness read it")
    if error.errno == errno.ELOOP:
        return SpecError(f"{where} is a symlink that leads nowhere", "put a copy there instead of the symlink")
    return SpecError(f"{where} cannot be read: {(error.strerror or 'unknown error').lower()}")


def _find_twin(path: str) -> str:
    """A file that is probably meant: the same name but for case or ending (`SPEC.md`, `spec.txt`)."""
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0].lower()
    try:
        names = sorted(each.name for each in Path(folder).iterdir())
        return next((_shown(twin) for twin in names if twin.partition(".")[0].lower() == stem), "")
    except OSError:
        return ""


def _explain_folder(name: str, error: OSError) -> SpecError:
    """The sentence for a specs folder that cannot be listed."""
    if isinstance(error, FileNotFoundError):
        return SpecError(f"there is no {name}/ folder", _WRITE_ONE)
    if isinstance(error, NotADirectoryError):
        return SpecError(f"{name} is not a folder", "specs live at <folder>/<slug>/spec.md")
    return SpecError(f"{name}/ cannot be read: {(error.strerror or 'unknown error').lower()}", "check its permissions")


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    """Whether the entry is to be a feature: a folder, a symlink to one, or a symlink that leads nowhere."""
    try:
        return entry.is_dir() or (entry.is_symlink() and not Path(entry).exists())
    except OSError:
        return True  # reading it tells why


def _decode(content: bytes) -> str:
    """Text as people mean it: UTF-8 with or without a BOM, lines end in a newline."""
    return content.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")


# --- one spec -----------------------------------------------------------------------------------------------------

_OPENING = re.compile(r"\ufeff?---[ \t]*\r?\n")
_CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*\r?$", re.MULTILINE)
_FIRST_WORDS = re.compile(r"^[ \t]*([^\s#].*)$", re.MULTILINE)
_KEY = re.compile(r"[A-Za-z_][\w-]*")
_KEY_LINE = re.compile(r"""["']?[A-Za-z_][\w-]*["']?[ \t]*:(?:\s|$)""")
_HEADING = re.compile(r"^#{1,6}[ \t]+(\S.*)$", re.MULTILINE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class _Mistake(Exception):
    """What is wrong in front matter: its line there (from 1), a sentence, a hint."""

    def __init__(self, line: int, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.line = line
        self.sentence = sentence
        self.hint = hint


def parse_spec(path: Path, content: bytes, sha256: str, where: str) -> Feature:
    """The feature that a spec's bytes describe; whatever is wrong with them is its `problem`."""
    blank = Feature(path.parent.name, path, sha256, len(content))
    if b"\0" in content:
        return replace(blank, problem=f"{where} is not text: it holds NUL bytes", hint="save it as UTF-8 text")
    text = _decode(content)
    front_matter, body = split_front_matter(text)
    if not body.strip():
        return replace(blank, problem=f"{where} is empty", hint="say what is wanted, and how one can see it is done")
    try:
        if not front_matter:
            _check_closed(text)
        values = _parse_front_matter(front_matter) if front_matter.strip() else {}
    except _Mistake as mistake:
        return replace(blank, problem=f"{where}:{mistake.line + 1}: {mistake.sentence}", hint=mistake.hint)
    return replace(blank, **{"title": _find_title(body), **values})


def split_front_matter(text: str) -> tuple[str, str]:
    """The front matter without its `---` lines, and the body; front matter that is never closed counts as body."""
    opening = _OPENING.match(text)
    closing = _CLOSING.search(text, opening.end()) if opening else None
    if opening is None or closing is None:
        return "", text.removeprefix("\ufeff")
    inner = text[opening.end() : closing.start()]
    if inner[:1].isspace() and inner.strip() and not _begins_with_key(inner):
        return "", text.removeprefix("\ufeff")
    return inner, text[closing.end() + 1 :]


def _begins_with_key(text: str) -> bool:
    """Whether the first line with words, comments aside, is one of a YAML mapping."""
    first = _FIRST_WORDS.search(text)
    return first is not None and _KEY_LINE.match(first[1]) is not None


def _check_closed(text: str) -> None:
    """Refuse settings that are never closed: taken for prose, they would be lost without a word."""
    opening = _OPENING.match(text)
    closing = _CLOSING.search(text, opening.end()) if opening else None
    if opening and not closing and _begins_with_key(text[opening.end() :]):
        raise _Mistake(0, "the front matter is never closed", "close it with a line `---`")


def _find_title(body: str) -> str:
    """The first heading, fit for one line on a terminal."""
    heading = _HEADING.search(body)
    return _CONTROLS.sub("", heading[1]).rstrip(" \t#")[:200] if heading else ""


# --- front matter -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Node:
    """A piece of YAML and its line; `plain` is a scalar without quotes."""

    value: str | list[_Node] | dict[str, _Node]
    line: int
    plain: bool = False


def _parse_front_matter(text: str) -> dict[str, Any]:
    """Fields of a Feature; a mistake is raised with its line."""
    node = _parse_yaml(text)
    if node is None:
        return {}
    if not isinstance(node.value, dict):
        raise _Mistake(
            node.line, "the front matter is no list of `key: value`", "for a horizontal rule, write `***` instead"
        )
    for key, item in node.value.items():
        if key not in _KEYS:
            raise _Mistake(
                item.line,
                f"unknown key `{_shown(key)}` in front matter{_suggest(key, _KEYS)}",
                f"the keys are {', '.join(sorted(_KEYS))}",
            )
    return {key: _KEYS[key](key, item) for key, item in node.value.items() if not _is_null(item)}


def _parse_yaml(text: str) -> _Node | None:
    """The YAML as nodes, from events: nothing is built that an alias, a tag or a merge key could blow up."""
    if len(text) > FRONT_MATTER_LIMIT:
        raise _Mistake(0, f"the front matter is longer than {format_size(FRONT_MATTER_LIMIT)}", "put text below it")
    import yaml

    events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    node = None
    try:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if node is not None or event.version or event.tags:
                    raise _Mistake(
                        _find_line(event.start_mark), "directives and a second document are not allowed here"
                    )
                node = _parse_node(next(events), events, 1)
    except yaml.MarkedYAMLError as error:
        line = _find_line(error.problem_mark or error.context_mark)
        hint = "put a value that holds `: `, `#` or begins with a sign in quotes; indent with spaces"
        raise _Mistake(line, f"the front matter is not YAML: {error.problem or 'it cannot be read'}", hint) from None
    except (yaml.YAMLError, UnicodeError):
        raise _Mistake(0, "the front matter holds characters that YAML does not allow", "save it as UTF-8") from None
    return node


def _find_line(mark: yaml.Mark | CMark | None) -> int:
    """The line within the front matter, from 1; 0 for its opening."""
    return mark.line + 1 if mark else 0


def _parse_node(event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> _Node:
    """The node that begins with this event."""
    import yaml

    line = _find_line(event.start_mark)
    kinds = (yaml.ScalarEvent, yaml.SequenceStartEvent, yaml.MappingStartEvent)
    if not isinstance(event, kinds) or event.anchor is not None:
        raise _Mistake(line, "anchors and aliases (`&`, `*`) are not allowed in front matter", _QUOTE)
    if event.tag is not None:
        raise _Mistake(line, "tags (`!`) are not allowed in front matter", _QUOTE)
    if depth > DEPTH_LIMIT:
        raise _Mistake(line, f"the front matter is nested more than {DEPTH_LIMIT} deep")
    if isinstance(event, yaml.ScalarEvent):
        return _Node(event.value, line, plain=event.implicit[0])
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_parse_node(event, events, depth + 1))
        return _Node(items, line)
    pairs: dict[str, _Node] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _parse_node(event, events, depth + 1)
        name = _check_key(key, pairs)
        pairs[name] = replace(_parse_node(next(events), events, depth + 1), line=key.line)
    return _Node(pairs, line)


def _check_key(key: _Node, pairs: Mapping[str, _Node]) -> str:
    """The key's name, when it is a word and new."""
    if key.value == "<<":
        raise _Mistake(key.line, "merge keys (`<<`) are not allowed in front matter")
    if not isinstance(key.value, str) or not _KEY.fullmatch(key.value):
        written = f"`{_shown(key.value)}`" if isinstance(key.value, str) else "a list"
        raise _Mistake(key.line, f"{written} cannot be a key in front matter", "keys are words, such as `checks`")
    if key.value in pairs:
        raise _Mistake(key.line, f"the key `{_shown(key.value)}` is there twice", "keep one of them")
    return key.value


_QUOTE = "put the value in quotes if it is meant as text"
_WORDS = {"true", "false", "yes", "no", "on", "off"}
_NULLS = {"", "~", "null"}


def _is_null(node: _Node) -> bool:
    """Whether nothing is written there: such a key counts as left out."""
    return node.plain and isinstance(node.value, str) and node.value.lower() in _NULLS


def _parse_text(key: str, node: _Node) -> str:
    """A text as written; what YAML may take for a bool needs quotes."""
    if not isinstance(node.value, str):
        raise _Mistake(node.line, f"`{key}` must be text, not a list or a mapping")
    if node.plain and node.value.lower() in _WORDS:
        raise _Mistake(node.line, f"`{key}` must be text, and `{node.value}` means yes or no", _QUOTE)
    if _is_null(node) or not node.value.strip():
        raise _Mistake(node.line, f"`{key}` has an empty value")
    if _CONTROLS.search(node.value):
        raise _Mistake(node.line, f"`{key}` holds control characters")
    return node.value.strip()


def _parse_line(key: str, node: _Node) -> str:
    """A text of one line."""
    text = _parse_text(key, node)
    if "\n" in text:
        raise _Mistake(node.line, f"`{key}` must be one line")
    return text.replace("\t", " ")


def _parse_slugs(key: str, node: _Node) -> tuple[str, ...]:
    """One slug or a list of them."""
    slugs = []
    for item in node.value if isinstance(node.value, list) else [node]:
        slugs.append(_parse_line(key, item))
        if reason := check_slug(slugs[-1]):
            raise _Mistake(item.line, f"`{key}` must name features: {reason}")
    return tuple(dict.fromkeys(slugs))


def _parse_checks(key: str, node: _Node) -> tuple[Check, ...]:
    """One command or a list; each is text, or a mapping of `run` and `timeout`."""
    items = node.value if isinstance(node.value, list) else [node]
    return tuple(_parse_check(key, item) for item in items)


def _parse_check(key: str, node: _Node) -> Check:
    """One check."""
    if not isinstance(node.value, dict):
        return Check(_parse_text(key, node))
    for name, item in node.value.items():
        if name not in ("run", "timeout"):
            suggestion = _suggest(name, ("run", "timeout"))
            raise _Mistake(item.line, f"unknown key `{_shown(name)}` in `{key}`{suggestion}", _CHECK)
    if "run" not in node.value:
        raise _Mistake(node.line, f"a check in `{key}` has no `run`", _CHECK)
    timeout = node.value.get("timeout")
    seconds = None if timeout is None or _is_null(timeout) else _parse_seconds("timeout", timeout)
    return Check(_parse_text("run", node.value["run"]), seconds)


_CHECK = "write e.g. `- pytest -q`, or `- {run: pytest -q, timeout: 5m}`"


def _parse_seconds(key: str, node: _Node) -> float:
    """A duration."""
    try:
        return parse_duration(_parse_line(key, node))
    except ValueError as error:
        raise _Mistake(node.line, f"`{key}`: {error}") from None


def _parse_bytes(key: str, node: _Node) -> int:
    """A size."""
    try:
        return parse_size(_parse_line(key, node))
    except ValueError as error:
        raise _Mistake(node.line, f"`{key}`: {error}") from None


def _parse_whole(key: str, node: _Node) -> int:
    """A whole number, below zero too; text in quotes is none."""
    if not node.plain or not isinstance(node.value, str) or not re.fullmatch(r"[-+]?[0-9]{1,9}", node.value):
        written = f"`{_shown(node.value)}`" if isinstance(node.value, str) else "a list or a mapping"
        raise _Mistake(node.line, f"`{key}` must be a whole number such as 3, not {written}")
    return int(node.value)


def _parse_count(key: str, node: _Node) -> int:
    """A whole number of 0 or more."""
    count = _parse_whole(key, node)
    if count < 0:
        raise _Mistake(node.line, f"`{key}` must be 0 or more, not {count}")
    return count


_KEYS: dict[str, Callable[[str, _Node], object]] = {
    "agent": _parse_line,
    "checks": _parse_checks,
    "depends_on": _parse_slugs,
    "model": _parse_line,
    "priority": _parse_whole,
    "stuck_bytes": _parse_bytes,
    "stuck_limit": _parse_count,
    "timeout": _parse_seconds,
    "title": _parse_line,
}


# --- all of them --------------------------------------------------------------------------------------------------


def find_problems(features: Sequence[Feature], name: str = "specs") -> list[Feature]:
    """The features, with the problems that only show among others: twins, unknown dependencies, cycles."""
    told = {**_find_cycles(features, name), **_find_unknown(features, name), **_find_twins(features, name)}
    return [
        replace(feature, problem=told[feature.slug][0], hint=told[feature.slug][1])
        if feature.slug in told and not feature.problem
        else feature
        for feature in features
    ]


Told = dict[str, tuple[str, str]]  # slug -> problem and hint


def _find_twins(features: Sequence[Feature], name: str) -> Told:
    """Slugs that are one on a disk that ignores case."""
    count = Counter(feature.slug.lower() for feature in features)
    told = {}
    for lowered in (lowered for lowered, number in count.items() if number > 1):
        twins = sorted(feature.slug for feature in features if feature.slug.lower() == lowered)
        told.update(dict.fromkeys(twins, (f"{_list(f'{name}/{twin}' for twin in twins)} differ only in case", _RENAME)))
    return told


def _list(names: Iterable[str]) -> str:
    """`a, b and c`"""
    *most, last = names
    return f"{', '.join(most)} and {last}"


def _find_unknown(features: Sequence[Feature], name: str) -> Told:
    """Features that wait for something nobody wrote."""
    known = {feature.slug for feature in features}
    told: Told = {}
    for feature in features:
        for slug in (slug for slug in feature.depends_on if slug not in known):
            suggestion = _suggest(slug, known - {feature.slug} if len(told) < GUESSES else ())
            where = f"{name}/{feature.slug}/{feature.path.name}"
            sentence = f"{where} depends on `{slug}`, which is no feature{suggestion}"
            told.setdefault(feature.slug, (sentence, f"mend `depends_on`, or write `{slug}`: `harness new {slug}`"))
    return told


def _find_cycles(features: Sequence[Feature], name: str) -> Told:
    """Every feature that waits for itself, with the shortest way round."""
    waits: Mapping[str, Sequence[str]] = {each.slug: each.depends_on for each in features if each.depends_on}
    told: Told = {}
    if not waits or find_cycle(features) is None:
        return told
    paths = {feature.slug: feature.path.name for feature in features}
    waits = _peel(waits)
    for slug in sorted(waits):
        cycle = () if slug in told else _find_way_back(slug, waits)
        for member in cycle:
            sentence = f"{name}/{member}/{paths[member]} is in a dependency cycle: {_draw(cycle)}"
            told.setdefault(member, (sentence, "take one of these out of a `depends_on`"))
    return told


def _peel(waits: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """What is left without those that wait for no cycle, and those that no cycle waits for."""
    for _ in ("forwards", "backwards"):
        sorter = graphlib.TopologicalSorter(waits)
        try:
            sorter.prepare()
        except graphlib.CycleError:
            pass  # it still gives out all that no cycle holds back
        free: set[str] = set()
        while ready := sorter.get_ready():
            free.update(ready)
            sorter.done(*ready)
        turned: dict[str, list[str]] = {}
        for slug, needed in waits.items():
            for other in needed:
                if slug not in free and other not in free:
                    turned.setdefault(other, []).append(slug)
        waits = turned
    return dict(waits)


def _find_way_back(start: str, waits: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The shortest cycle through this slug, the slug first and last; empty when there is none."""
    came_from: dict[str, str] = {}
    queue = deque([start])
    while queue:
        slug = queue.popleft()
        if start in waits.get(slug, ()):
            way = [start]
            while slug != start:
                way.append(slug)
                slug = came_from[slug]
            return (start, *reversed(way[1:]), start)
        for needed in waits.get(slug, ()):
            if needed not in came_from and needed != start:
                came_from[needed] = slug
                queue.append(needed)
    return ()


def _draw(cycle: Sequence[str]) -> str:
    """`a -> b -> a`, a long one with its middle left out."""
    names = cycle if len(cycle) <= 12 else (*cycle[:6], f"({len(cycle) - 11} more)", *cycle[-5:])
    return f"`{' -> '.join(names)}`"


def find_cycle(features: Iterable[Feature]) -> tuple[str, ...] | None:
    """Slugs that wait for one another, the first again at the end; None when there is no cycle."""
    waits = {feature.slug: sorted(feature.depends_on) for feature in sorted(features, key=lambda each: each.slug)}
    try:
        graphlib.TopologicalSorter(waits).prepare()
    except graphlib.CycleError as error:
        return tuple(reversed(error.args[1]))
    return None


def order_features(features: Sequence[Feature], order: Sequence[str]) -> tuple[Feature, ...]:
    """The features in working order: as in `order`, then by priority, then by name, each after what it depends on."""
    place = {slug: index for index, slug in reversed(list(enumerate(order)))}
    last = len(order)
    wanted = sorted(features, key=lambda each: (place.get(each.slug, last), -each.priority, each.slug))
    if not any(feature.depends_on for feature in wanted):
        return tuple(wanted)
    rank = {feature.slug: index for index, feature in reversed(list(enumerate(wanted)))}
    ordered: list[Feature] = []
    begun = [False] * len(wanted)
    for first in range(len(wanted)):
        stack = [(first, False)]
        while stack:
            index, ready = stack.pop()
            if ready:
                ordered.append(wanted[index])
            elif not begun[index]:
                begun[index] = True
                stack.append((index, True))
                needed = sorted((rank[slug] for slug in wanted[index].depends_on if slug in rank), reverse=True)
                stack.extend((each, False) for each in needed)
    return tuple(ordered)


def parse_order(content: bytes, known: Sequence[str], where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The slugs of an order file, and warnings; SpecError for what is no slug or no feature."""
    order: dict[str, int] = {}
    warnings = []
    slugs = set(known)
    for number, line in enumerate(_decode(content).split("\n"), 1):
        slug = line.partition("#")[0].strip()
        if not slug:
            continue
        if reason := check_slug(slug):
            raise SpecError(f"{where}:{number}: {reason}", "one slug a line; `#` begins a comment")
        if slug not in slugs:
            hint = "take the line out, or " + _WRITE_ONE.replace("SLUG", slug).replace("one", "it")
            raise SpecError(f"{where}:{number}: there is no feature `{slug}`{_suggest(slug, known)}", hint)
        if slug in order:
            warnings.append(f"{where}:{number}: `{slug}` is there twice; its first line, {order[slug]}, counts")
        order.setdefault(slug, number)
    return tuple(order), tuple(warnings)
