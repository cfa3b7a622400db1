"""A file of JavaScript, TypeScript, Go, Rust or Java, outlined by its code: neither by comments nor by strings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice, pairwise

from harness.findings.change import Assertion, Body, Branch, Mark, Outline, Test
from harness.findings.code import Code, read_code
from harness.findings.dialects import DIALECTS, Dialect
from harness.findings.tricks import find_exits_of_go, find_tricks

_LITERAL = r"""(?:-?\d[\d_.]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|true|false|null|nil)"""
_EQUALS = rf"[\w.]+\s*={{2,3}}\s*{_LITERAL}"
_BRANCH = re.compile(rf"\bif\s*\(?\s*({_EQUALS}(?:\s*&&\s*{_EQUALS})*)\s*\)?\s*\{{?\s*return\s+({_LITERAL})\s*[;}}\n]")
_CALL = re.compile(rf"(?<![\w.])[\w.]+\(\s*({_LITERAL}(?:\s*,\s*{_LITERAL})*)\s*\)")
_ANY_LITERAL = re.compile(_LITERAL)
_NOT_DONE = re.compile(r"\bnot (yet )?implemented\b|\bunimplemented\b|^\W*todo\b", re.IGNORECASE)
MOST_TESTS = 1000  # in a file
LONGEST_TEST = 50_000  # characters of one that are read
_SPACES = re.compile(r"\s+")
_FORMAT = re.compile(r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\s+|,(?=\s*[)\]}])|;""")
_CALLED = re.compile(r"([\w$]+)\s*!?\(")


def outline_code(name: str, language: str, text: str, *, of_tests: bool) -> Outline:
    """Return the outline of a source file; in Rust, tests stand beside what they test."""
    code, dialect = read_code(language, text), DIALECTS[language]
    tests = tuple(_find_tests(code, dialect)) if of_tests or language == "rust" else ()
    marks = [*_find_suppressions(code, dialect), *(_find_groups(code) if of_tests else ())]
    branches = tuple[Branch, ...]()
    if not of_tests:
        marks += [*_find_stubs(code, dialect), *find_tricks(name, code)]
        branches = tuple(_find_branches(code))
    elif language == "go":
        marks += find_exits_of_go(code)
    return Outline(tests, tuple(marks), exact=code.exact, branches=branches)


# --- tests --------------------------------------------------------------------------------------------------------


def _find_tests(code: Code, dialect: Dialect) -> Iterator[Test]:
    last, begins = 0, list[re.Match[str] | None](islice(dialect.test.finditer(code.bare), MOST_TESTS))
    for found, following in pairwise([*begins, None]):
        assert found is not None
        opening, open_until = found.end(), len(code.bare) if following is None else following.start()
        end = min(code.end_of(opening) if code.is_closed(opening) else open_until, opening + LONGEST_TEST)
        if found.start() < last:
            continue  # within another one
        last = end
        skipped = dialect.skip_before.search(code.bare, found.start(), found.end())
        how = next(filter(None, skipped.groups()), skipped[0]) if skipped else ""
        how = how.strip() or _find_skip_within(code, dialect, opening, end)
        name, line = dialect.name(code, found), code.line_at(found.start())
        read = partial(_read, code, dialect, opening, end)
        yield Test(name, line, code.text[opening:end], how, read, sometimes=how == "should_panic")


def _read(code: Code, dialect: Dialect, opening: int, end: int) -> Body:
    text = code.said[opening:end]
    return Body(
        text=_without_format(text if dialect.opens == "{" else text.partition(",")[2]),
        asserts=tuple(_find_assertions(code, dialect, opening, end)),
        calls=frozenset(_CALLED.findall(code.bare, opening + 1, end)),
    )


def _without_format(text: str) -> str:
    """Return code without what formats it: spaces, last commas, semicolons; strings stay."""
    return _FORMAT.sub(lambda found: found[1] or "", text)


def _find_skip_within(code: Code, dialect: Dialect, opening: int, end: int) -> str:
    """Return what skips a test at the height of its own statements, or in its options."""
    last = min(end, opening + LONGEST_TEST // 2)
    for found in re.compile(dialect.skip_within.pattern, re.MULTILINE).finditer(code.bare, opening + 1, last):
        if code.depth_at(found.start(), opening) <= 1:
            return found[0].strip(' "(')
    return ""


def _find_assertions(code: Code, dialect: Dialect, opening: int, end: int) -> Iterator[Assertion]:
    at = opening
    while (found := dialect.assertion.search(code.bare, at, end)) is not None:
        close = at = code.end_of(found.end())
        while chained := _CHAINED.match(code.bare, close, end):
            close = at = code.end_of(chained.end() - 1) if chained[1] else chained.end()
        yield _assertion(code, dialect, found.start(), close)
    if code.language == "go":  # which compares first, and fails then
        for found in _COMPARED.finditer(code.bare, opening, end):
            yield replace(_assertion(code, dialect, found.start(1), found.end(1)), counted=False)


def _assertion(code: Code, dialect: Dialect, begin: int, end: int) -> Assertion:
    end = min(end, begin + LONGEST_TEST)
    text = _SPACES.sub(" ", code.said[begin:end]).strip()
    shape = "" if _TELLS.match(text) else _VALUES.sub("0", _SPACES.sub("", code.bare[begin:end]))
    constant, weak = dialect.constant.fullmatch(text) is not None, dialect.weak.search(text) is not None
    return Assertion(code.line_at(begin), text, _without_format(text), shape, constant, weak)


_CHAINED = re.compile(r"\s*\.\s*[\w.]+\s*(\()?")
_COMPARED = re.compile(r"\bif\s+((?:[^{;\n]{0,200};)?[^{;\n]{0,200}(?:[!=]=|[<>])[^{;\n]{0,200})(?=\{)")
_VALUES = re.compile(r"-?\b\d[\w.]*|\b(?:true|false|null|nil)\b")
_TELLS = re.compile(r"(?:t|b|tb|f)\.(?:Error|Fatal|Fail)")  # the words of a failure, no value that is expected
_GROUPS = re.compile(r"(?<![\w.$])(?:x(?:describe|context|suite)|(?:describe|suite|context)(?:\.\w+)*\.skip)\s*(?=\()")
_ONLY = re.compile(r"(?<![\w.$])(?:(?:describe|suite|context|it|test)(?:\.\w+)*\.only|fit|fdescribe)\s*(?=\()")
_RUST_CFG = re.compile(r"^#!\[\s*(cfg\s*\((?:[^()]|\([^()]{0,300}\)){0,300}\))", re.MULTILINE)
_BUILD_TAG = re.compile(r"^//\s*(?:go:build|\+build) (.*)", re.MULTILINE)


def _find_groups(code: Code) -> Iterator[Mark]:
    """Yield what takes several tests out: a group that is skipped, `only` of others, a condition on the whole file."""
    if code.language in ("javascript", "typescript", "tsx"):
        for found in _GROUPS.finditer(code.bare):
            what = found[0].strip()
            yield Mark("test-skipped", code.line_at(found.start()), what, f"`{what}` skips a group of tests")
        for found in _ONLY.finditer(code.bare):
            what = found[0].strip()
            yield Mark("test-skipped", code.line_at(found.start()), what, f"`{what}` leaves all other tests out")
    whole = {"rust": _RUST_CFG.finditer(code.bare), "go": _BUILD_TAG.finditer(code.text)}.get(code.language, iter(()))
    for found in whole:
        what = _SPACES.sub(" ", code.text[found.start() : found.end()])
        yield Mark("test-skipped", code.line_at(found.start()), what, f"`{what}` leaves the file out elsewhere")


# --- code ---------------------------------------------------------------------------------------------------------


def _find_suppressions(code: Code, dialect: Dialect) -> Iterator[Mark]:
    for at, said in code.comments:
        for found in dialect.comment.finditer(said):
            what = _SPACES.sub(" ", found[1]).partition(" -- ")[0].strip()
            yield Mark("suppression-added", code.line_at(at + found.start()), what, f"`{what}` came")
    for found in dialect.attribute.finditer(code.bare) if dialect.attribute is not None else ():
        what = _SPACES.sub(" ", code.text[found.start(1) : found.end(1)])
        yield Mark("suppression-added", code.line_at(found.start()), what, f"`{what}` came")


def _find_stubs(code: Code, dialect: Dialect) -> Iterator[Mark]:
    for found in dialect.stub.finditer(code.bare):
        said = code.text[found.end() : min(code.end_of(found.end()), found.end() + 200)]
        if not dialect.stub_says or _NOT_DONE.search(said.strip("()\"'` ")):
            what = _SPACES.sub(" ", code.text[found.start() : found.end()] + said)[:80]
            yield Mark("stub-left", code.line_at(found.start()), what, f"`{what}` is left")


# --- answers that are known beforehand ----------------------------------------------------------------------------


def _find_branches(code: Code) -> Iterator[Branch]:
    for found in _BRANCH.finditer(code.text):
        if code.bare.startswith("if", found.start()):
            inputs = re.findall(rf"={{2,3}}\s*({_LITERAL})", found[1])
            yield Branch(code.line_at(found.start()), tuple(map(_same_quotes, inputs)), _same_quotes(found[2]))


def find_calls_in(language: str, text: str) -> list[tuple[tuple[str, ...], str]]:
    """Return the calls in assertions of tests whose arguments are literals, with each other literal there."""
    code, found = read_code(language, text), list[tuple[tuple[str, ...], str]]()
    for one in _find_assertions(code, DIALECTS[language], 0, len(code.bare)):
        inner = one.text.partition("(")[2]
        for call in _CALL.finditer(inner):
            rest = inner[: call.start()] + inner[call.end() :]
            inputs = tuple(map(_same_quotes, _ANY_LITERAL.findall(call[1])))
            found += [(inputs, _same_quotes(answer)) for answer in _ANY_LITERAL.findall(rest)]
    return found


def _same_quotes(literal: str) -> str:
    return f"'{literal[1:-1]}'" if literal[:1] == '"' else literal
