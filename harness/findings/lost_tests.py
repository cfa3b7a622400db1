"""What became of the tests of a change: each is looked for by its name, and by its body where it was renamed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from harness.domain.finding import Finding
from harness.domain.text import counted, one_line
from harness.findings.change import Assertion, Outline, Test

_ALIKE = 0.75  # of the words of both bodies, from which on a test counts as renamed
_WORDS = re.compile(r"\w+|[^\w\s]")
_MOST_COMPARED = 400  # pairs of bodies
_SHOWN = 80

_T = TypeVar("_T")
Placed = tuple[str, Test]  # in a file
Outlines = Mapping[str, tuple[Outline, Outline]]  # before and now, by the name of the file


def compare_tests(outlines: Outlines) -> Iterator[Finding]:
    """Yield what tests lost from before to now, over all files of a change: one may have moved."""
    gone, came, pairs = list[Placed](), list[Placed](), list[tuple[str, Test, Test]]()
    for name, (old, new) in outlines.items():
        if not new.parsed or not old.parsed:
            continue
        now = _group(new.tests, lambda one: one.name)
        for test in old.tests:
            if same := now.get(test.name):
                pairs.append((name, test, same.pop(0)))
            else:
                gone.append((name, test))
        came += [(name, one) for left in now.values() for one in left]
    moved, lost = _find_moved(gone, came)
    pairs += moved
    taken = {id(now) for _, _, now in moved}
    came = [one for one in came if id(one[1]) not in taken]
    yield from _tell_lost(lost, outlines, came)
    for name, was, now_is in pairs:
        yield from _compare(name, was, now_is)
    for name, one in came:
        yield from _tell_constant(name, one, Counter())
        if one.skipped and not one.sometimes:
            says = f"`{_short(one.name)}` is new and not run: `{_short(one.skipped)}`"
            yield Finding(name, one.line, says, "test-skipped")


def _group(those: Iterable[_T], key: Callable[[_T], str]) -> dict[str, list[_T]]:
    found = dict[str, list[_T]]()
    for one in those:
        found.setdefault(key(one), []).append(one)
    return found


def _find_moved(gone: Sequence[Placed], came: Sequence[Placed]) -> tuple[list[tuple[str, Test, Test]], list[Placed]]:
    """Return the tests that are elsewhere, or have another name, with how they are now; and those that are lost."""
    moved, lost, left = list[tuple[str, Test, Test]](), list(gone), list(came)
    for key in (_body_of, _leaf_of):
        there, still = _group(left, key), list[Placed]()
        for one in lost:
            same = there.get(key(one), []) if key(one) else []
            if same:
                place, now = same.pop(0)
                moved.append((place, one[1], now))
            else:
                still.append(one)
        taken = {id(now) for _, _, now in moved}
        lost, left = still, [one for one in left if id(one[1]) not in taken]
    if len(lost) * len(left) > _MOST_COMPARED:
        return moved, lost
    return moved, list(_without_alike(lost, left, moved))


def _without_alike(lost: Sequence[Placed], left: list[Placed], moved: list[tuple[str, Test, Test]]) -> Iterator[Placed]:
    """Yield the lost tests that no other is like; those that one is like go to `moved`."""
    for name, test in lost:
        at = next((number for number, one in enumerate(left) if _are_alike(test, one[1])), None)
        if at is None:
            yield name, test
        else:
            place, now = left.pop(at)
            moved.append((place, test, now))


def _body_of(placed: Placed) -> str:
    return placed[1].body.text


def _leaf_of(placed: Placed) -> str:
    return placed[1].name.rpartition(".")[2]


def _are_alike(test: Test, other: Test) -> bool:
    """Whether two bodies have most of their words in common."""
    was, now = (Counter(_WORDS.findall(one.body.text)) for one in (test, other))
    return 2 * (was & now).total() >= _ALIKE * (was.total() + now.total()) > 0


def _tell_lost(lost: Sequence[Placed], outlines: Outlines, came: Sequence[Placed]) -> Iterator[Finding]:
    for name, placed in _group(lost, lambda one: one[0]).items():
        tests = [test for _, test in placed]
        instead = sum(one[0] == name for one in came)
        if instead >= len(tests):
            continue  # others took their place
        names = ", ".join(f"`{_short(one.name)}`" for one in tests[:3]) + (", …" if tests[3:] else "")
        whole = len(tests) == len(outlines[name][0].tests) and not outlines[name][1].tests
        left = "; none is left there" if whole and len(tests) > 1 else ""
        yield Finding(name, 0, f"{counted(len(tests), 'test')} removed: {names}{left}", "test-removed")


def _compare(name: str, was: Test, now: Test) -> Iterator[Finding]:
    shown = _short(now.name)
    if now.skipped and not was.skipped:
        more = "as before" if now.sometimes else "any more"
        yield Finding(name, now.line, f"`{shown}` is not run {more}: `{_short(now.skipped)}`", "test-skipped")
    if was.cases is not None and now.cases is not None and now.cases < was.cases:
        says = f"`{shown}` is given {counted(now.cases, 'case')}, {was.cases} before"
        yield Finding(name, now.line, says, "assertion-removed" if now.cases else "test-emptied")
    if was.source == now.source or was.body.text == now.body.text:
        return
    old, new = was.body, now.body
    helped = bool(new.calls - old.calls)  # what it calls now may assert
    if old.count and not new.count and not helped:
        yield Finding(name, now.line, f"`{shown}` asserts nothing any more", "test-emptied")
        return
    gone = Counter(one.key for one in old.asserts) - Counter(one.key for one in new.asserts)
    left = [one for one in old.asserts if _take(gone, one.key)]
    came = list(_not_among(new.asserts, Counter(one.key for one in old.asserts)))
    yield from _tell_constant(name, now, Counter(one.key for one in old.asserts if one.constant))
    for one in list(left):
        if (other := _find_alike(one, came)) is not None:
            left.remove(one)
            came.remove(other)
            says = f"`{shown}` expects another value: was `{_short(one.text)}`, now `{_short(other.text)}`"
            yield Finding(name, other.line, says, "expected-changed")
    weak = [one for one in came if one.weak]
    strong = [one for one in left if not one.weak and "type(" not in one.text]
    if len(strong) >= len(came) and weak and len(weak) == len(came):
        says = f"`{shown}` asks for less: was `{_short(strong[0].text)}`, now `{_short(weak[0].text)}`"
        yield Finding(name, weak[0].line, says, "assertion-weaker")
    elif new.count < old.count and not came and not helped:
        says = f"`{shown}` has {counted(new.count, 'assertion')}, {old.count} before"
        yield Finding(name, now.line, says, "assertion-removed")


def _take(left: Counter[str], text: str) -> bool:
    if not left[text]:
        return False
    left[text] -= 1
    return True


def _not_among(asserts: Sequence[Assertion], known: Counter[str]) -> Iterator[Assertion]:
    left = Counter(known)
    for one in asserts:
        if not _take(left, one.key):
            yield one


def _find_alike(one: Assertion, came: Sequence[Assertion]) -> Assertion | None:
    return next((other for other in came if other.shape == one.shape and one.shape), None)


def _tell_constant(name: str, test: Test, known: Counter[str]) -> Iterator[Finding]:
    for one in test.body.asserts:
        if one.constant and not known[one.key]:
            says = f"`{_short(test.name)}` asserts what is always so: `{_short(one.text)}`"
            yield Finding(name, one.line, says, "assertion-constant")


def _short(text: str) -> str:
    return one_line(text.replace("`", "'"), _SHOWN)
