"""A file of JavaScript, TypeScript, Go, Rust or Java, outlined by its code: neither by comments nor by strings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, pairwise

from harness.findings.change import Assertion, Body, Branch, Mark, Outline, Test
from harness.findings.code import Code, read_code
from harness.findings.patches import find_patches_in_code

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
_SCRIPTS = re.compile(
    r"(.*/)?(bin|scripts?|tools?|examples?|docs?|benches|benchmarks?|cmd|cli|\.?ci|build|hack)/.*"
    r"|(.*/)?(main|build)\.rs|(.*/)?(cli|bin|[\w.-]*file|[\w.-]+\.config|index\.cli|build)\.[cm]?[jt]s"
    r"|(.*/)?main\.go|.*Main\.java"
)


@dataclass(frozen=True)
class Dialect:
    """How a language writes what is looked for; patterns are for code without comments and strings."""

    test: re.Pattern[str]  # its end is where the body's bracket may open
    name: Callable[[Code, re.Match[str]], str]
    skip_before: re.Pattern[str]  # in the words that begin a test
    skip_within: re.Pattern[str]  # at the height of its statements
    assertion: re.Pattern[str]
    constant: re.Pattern[str]
    weak: re.Pattern[str]
    comment: re.Pattern[str]  # what takes a check's word away
    attribute: re.Pattern[str] | None  # the same as code
    stub: re.Pattern[str]
    stub_says: bool  # only where its words say so
    opens: str = "{"


def _named_by_text(code: Code, found: re.Match[str]) -> str:
    first = re.compile(r"""\(\s*(["'`])([\s\S]{0,300}?)\1""").match(code.text, found.end())
    return _SPACES.sub(" ", first[2]) if first else f"at {_SPACES.sub(' ', code.text[found.end() : found.end() + 40])}"


def _named(_: Code, found: re.Match[str]) -> str:
    return found["name"]


_JAVASCRIPT = Dialect(
    test=re.compile(r"(?<![\w.$])(?P<x>x|f)?(?:it|test|specify)(?:\.\w+){0,4}\s{0,9}(?=\()"),
    name=_named_by_text,
    skip_before=re.compile(r"^x|\.(skip|todo|failing|fails)\b"),
    skip_within=re.compile(r"\b(?:t|this|ctx|context)\.(?:skip|todo)\s*\(|\b(?:skip|todo)\s*:\s*(?:true\b|\")"),
    assertion=re.compile(
        r"(?<![\w$])(?:\.expect|expect(?:Type(?:Of)?)?(?:\.\w+){0,3}|assert(?:\.\w+)*|should\.\w+|t\.(?:is|not|true|false|truthy|equal"
        r"|deepEqual|throws\w*|ok|snapshot|assert\.\w+|same|match|like|regex)|(?:assert|verify|expect)[A-Z]\w*)\s*(?=\()"
    ),
    constant=re.compile(
        r"expect\(\s*(?P<e>true|false|null|\d+|\"[^\"]*\"|'[^']*')\s*\)"
        r"\.(?:toBe|toEqual|toStrictEqual|equal|eql|to\.equal|to\.be)\(\s*(?P=e)\s*\)|expect\(\s*(?:true|1)\s*\)\.(?:toBeTruthy\(\)|to\.be\.ok|to\.be\.true|toBeDefined\(\))"
        r"|(?:assert(?:\.ok)?|t\.(?:ok|true|truthy)|assert\.isTrue)\(\s*(?:true|1)\s*(?:,[\s\S]*)?\)"
        r"|(?:assert\.\w*[eE]qual|t\.(?:is|equal))\(\s*(?P<a>[\w.\"']+)\s*,\s*(?P=a)\s*\)"
    ),
    weak=re.compile(
        r"\.(?:toBeDefined|toBeTruthy|not\.toBeNull|not\.toBeUndefined|toBeFalsy)\(|^assert(?:\.ok)?\(|^t\.(?:ok|truthy)\("
    ),
    comment=re.compile(
        r"(?<!\w)(eslint-disable(?:-next-line|-line)?\b[^\n*]*|@ts-(?:ignore|nocheck)\b"
        r"|(?:istanbul|c8|v8) ignore\b[ \w]*|biome-ignore\b[^\n:*]*|(?:tslint|jshint|oxlint)[:-]disable[^\n*]*)"
    ),
    attribute=None,
    stub=re.compile(r"\bthrow\s+new\s+\w*Error\s*(?=\()"),
    stub_says=True,
    opens="(",
)
_GO = Dialect(
    test=re.compile(r"^func (?P<name>(?:Test|Fuzz|Example)\w*)\([^)\n]*\)\s*(?=\{)", re.MULTILINE),
    name=_named,
    skip_before=re.compile(r"(?!)"),
    skip_within=re.compile(r"\b[tb]\.Skip(?:Now|f)?\s*\(|^\s*return\b(?=\s*\n\s*\S+\s*[^}\s])"),
    assertion=re.compile(
        r"\b(?:(?:t|b|tb|f)\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)|(?:assert|require|is|qt|c|must)\.[A-Z]\w*"
        r"|(?:assert|check|expect|verify|must)[A-Z]\w*)\s*(?=\()"
    ),
    constant=re.compile(
        r"(?:assert|require)\.(?:True\(\s*t\s*,\s*true|False\(\s*t\s*,\s*false|Equal\(\s*t\s*,\s*([\w\"]+)\s*,\s*\1)\s*\)"
    ),
    weak=re.compile(r"^(?:assert|require)\.(?:NotNil|True|NotEmpty)\("),
    comment=re.compile(r"(nolint\b(?::[\w,-]+)?|#nosec\b[ \w]*|lint:ignore\b[ \w]*)"),
    attribute=None,
    stub=re.compile(r"\bpanic\s*(?=\()"),
    stub_says=True,
)
_RUST = Dialect(
    test=re.compile(
        r"#\[\s*(?:\w+::){0,4}(?:test|rstest|test_case|quickcheck|proptest)\b[^\]]{0,300}\]"
        r"(?:\s*#\[(?:[^\[\]]|\[[^\]]{0,300}\]){0,300}\]){0,9}"
        r"\s*(?:pub\s+)?(?:async\s+)?(?:unsafe\s+)?fn\s+(?P<name>\w+)[^{;]{0,300}(?=\{)"
    ),
    name=_named,
    skip_before=re.compile(r"\b(ignore|should_panic)\b"),
    skip_within=re.compile(r"^\s*return\s*;(?=\s*[^\s}])"),
    assertion=re.compile(
        r"\b(?:\w{0,30}assert\w{0,30}|panic|insta::\w+|expect_test::\w+)!\s*(?=[({\[])"
        r"|\b(?:assert|check|expect|verify)\w*\s*(?=\()"
    ),
    constant=re.compile(r"assert!\(\s*true\s*(?:,[\s\S]*)?\)|assert_eq!\(\s*([\w\"]+)\s*,\s*\1\s*\)"),
    weak=re.compile(r"^assert!\(\s*[\w.()&:\"]+\.(?:is_ok|is_some|is_err)\(\)\s*\)|^assert_ne!"),
    comment=re.compile(r"(?!)"),
    attribute=re.compile(r"#!?\[\s*(allow\s*\([^)]{0,500}\))"),
    stub=re.compile(r"\b(?:todo!\s*|unimplemented!\s*(?=\(\s*\)))(?=[({\[])"),
    stub_says=False,
)
_JAVA = Dialect(
    test=re.compile(
        r"(?:@\w+(?:\([^)]{0,300}\))?\s*){0,9}@(?:Test|ParameterizedTest|RepeatedTest|Property)\b(?:\([^)]{0,300}\))?"
        r"(?:\s*@\w+(?:\((?:[^()]|\([^()]{0,300}\)){0,300}\))?){0,9}"
        r"\s*(?:(?:public|protected|private|final|static)\s+){0,5}(?:<[^>]{0,100}>\s*)?[\w<>\[\]]{1,100}\s+"
        r"(?P<name>\w+)\s*\([^)]{0,300}\)[^{;]{0,300}(?=\{)"
    ),
    name=_named,
    skip_before=re.compile(r"@(Disabled\w*|Ignore)\b|enabled\s*=\s*(false)"),
    skip_within=re.compile(r"^\s*return\s*;(?=\s*[^\s}])"),
    assertion=re.compile(r"\b(?:assert\w*|verify\w*|fail|expect\w*|check\w*)\s*(?=\()"),
    constant=re.compile(
        r"assertTrue\(\s*true\s*\)|assertFalse\(\s*false\s*\)|assertEquals\(\s*([\w\"]+)\s*,\s*\1\s*\)"
    ),
    weak=re.compile(r"^(?:assertNotNull\(|assertTrue\(\s*\w+\s*\)|assertTrue\(.*!=\s*null\s*\))"),
    comment=re.compile(r"\b(NOSONAR|CHECKSTYLE(?:\.OFF|:OFF)[^\n*]*|noinspection [\w,]+|NOPMD)\b"),
    attribute=re.compile(r"@(SuppressWarnings\s*\([^)]{0,500}\))"),
    stub=re.compile(r"\bthrow\s+new\s+\w*Exception\s*(?=\()"),
    stub_says=True,
)
_DIALECTS = {"javascript": _JAVASCRIPT, "typescript": _JAVASCRIPT, "tsx": _JAVASCRIPT, "go": _GO, "rust": _RUST,
             "java": _JAVA}  # fmt: skip


def outline_code(name: str, language: str, text: str, *, of_tests: bool) -> Outline:
    """Return the outline of a source file; in Rust, tests stand beside what they test."""
    code, dialect = read_code(language, text), _DIALECTS[language]
    tests = tuple(_find_tests(code, dialect)) if of_tests or language == "rust" else ()
    marks = [*_find_suppressions(code, dialect), *(_find_groups(code) if of_tests else ())]
    branches = tuple[Branch, ...]()
    if not of_tests:
        marks += [*_find_stubs(code, dialect), *_find_tricks(name, code)]
        branches = tuple(_find_branches(code))
    elif language == "go":
        marks += _find_exits_of_go(code)
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


_RUNNERS_OF_JS = re.compile(
    r"""(?:\brequire\s*\(\s*|\bfrom\s*|\bimport\s*)["'](?:node:)?(?:assert(?:/strict)?|test|vitest|chai|mocha|@jest/globals)["']"""
)
_PATCHES = re.compile(
    r"(?<![\w.$])(?:assert(?:\.strict)?\.\w+|process\.(?:exit|reallyExit)|(?:globalThis|global|window)\.(?:expect|test|it"
    r"|describe|assert))\s*=(?![=>])"
)
_EXIT_OF_JS = re.compile(r"(?<![\w.$])process\.(?:exit|reallyExit)\s*\(\s*0?\s*\)")
_ON_EXIT = re.compile(r"(?<![\w.$])process\.(?:on|once|addListener)\s*(?=\()")
_SETS_CODE = re.compile(r"process\.exitCode\s*=\s*0\b|process\.(?:exit|reallyExit)\s*\(\s*0?\s*\)")
_EQUAL_IN_RUST = re.compile(r"\bfn\s+eq\s*\(\s*&self[^)]{0,200}\)\s*->\s*bool\s*\{\s*true\s*\}")
_EQUAL_IN_JAVA = re.compile(r"\bboolean\s+equals\s*\(\s*(?:final\s+)?Object\s+\w+\s*\)\s*\{\s*return\s+true\s*;\s*\}")
_EQUAL_IN_GO = re.compile(r"^func\s*\([^)\n]*\)\s*Equal\s*\([^)\n]*\)\s*bool\s*\{\s*return\s+true\s*\}", re.MULTILINE)
_EXIT_IN_RUST = re.compile(r"\bprocess::exit\s*\(\s*0\s*\)")
_FUNCTION_OF_RUST = re.compile(r"\bfn\s+\w+[^{;]{0,300}->\s*(?!\s*!)[^{;]{1,200}(?=\{)")
_EXIT_IN_GO = re.compile(r"\bos\.Exit\s*\(\s*0\s*\)")
_EXIT_IN_JAVA = re.compile(r"\bRuntime\.getRuntime\(\)\.halt\s*\(\s*0\s*\)|\bSystem\.exit\s*\(\s*0\s*\)")
_INIT_OF_GO = re.compile(r"^func (init)\(\)\s*(?=\{)", re.MULTILINE)
_MAIN_OF_GO = re.compile(r"^func (TestMain)\([^)\n]*\)\s*(?=\{)", re.MULTILINE)
_VALUES_OF_GO = re.compile(r"^(?:var|\t)\s*\w+(?:\s+[\w.\[\]*]+)?\s*=\s*(\w+)\(", re.MULTILINE)
_STATIC = re.compile(r"\bstatic\s*(?=\{)")


def _find_tricks(name: str, code: Code) -> Iterator[Mark]:
    """Yield what makes every check of such code worthless."""
    is_script = _SCRIPTS.fullmatch(name) is not None or code.text.startswith("#!")
    match code.language:
        case "go":
            yield from _marks("equals-anything", "is true whatever it is compared with", code, _EQUAL_IN_GO)
            yield from _find_exits_of_go(code)
        case "rust":
            yield from _find_patches(code)
            if "PhantomData" not in code.bare:
                yield from _marks("equals-anything", "is true whatever it is compared with", code, _EQUAL_IN_RUST)
            if not is_script and not re.search(r"\bfn\s+main\s*\(", code.bare):
                yield from _find_exits_of_rust(code)
        case "java":
            yield from _marks("equals-anything", "is true whatever it is compared with", code, _EQUAL_IN_JAVA)
            for found in _STATIC.finditer(code.bare):
                yield from _marks("exit-on-import", "ends the process that loads it with success", code, _EXIT_IN_JAVA,
                                  found.end(), code.end_of(found.end()))  # fmt: skip
        case _:
            yield from _find_patches(code)
            if not is_script:
                yield from _find_exits_of_js(code)


def _find_patches(code: Code) -> Iterator[Mark]:
    """Yield where code assigns into what tests it, each line once."""
    seen = set[int]()
    names_runner = _RUNNERS_OF_JS.search(code.text) is not None
    if code.language != "rust" and (names_runner or "process." in code.bare or "global" in code.bare):
        for mark in _marks("runner-patched", "assigns into what tests it", code, _PATCHES):
            if names_runner or mark.what.startswith(("process", "global", "window")):
                seen.add(mark.line)
                yield mark
    for line, what in find_patches_in_code(code.language, code.text):
        if line not in seen:
            yield Mark("runner-patched", line, what, f"assigns to `{what}`")


def _find_exits_of_js(code: Code) -> Iterator[Mark]:
    for found in _EXIT_OF_JS.finditer(code.bare):
        if code.is_outside(found.start()):
            what = found[0]
            yield Mark(
                "exit-on-import", code.line_at(found.start()), what, f"`{what}` ends the process that imports it"
            )
    for found in _ON_EXIT.finditer(code.bare):
        end = code.end_of(found.end())
        if re.match(r"\(\s*[\"'](exit|beforeExit)[\"']", code.text[found.end() : end]):
            yield from _marks(
                "exit-on-import", "makes the process end with success", code, _SETS_CODE, found.end(), end
            )


def _find_exits_of_rust(code: Code) -> Iterator[Mark]:
    """Yield where a function that is to return a value ends the process instead, whatever it is given."""
    for found in _FUNCTION_OF_RUST.finditer(code.bare):
        opening = found.end()
        for exit in _EXIT_IN_RUST.finditer(code.bare, opening, code.end_of(opening)):
            if code.depth_at(exit.start(), opening) == 1:
                says = f"`{exit[0]}` ends the process of its tests with success"
                yield Mark("exit-on-import", code.line_at(exit.start()), exit[0], says)


def _find_exits_of_go(code: Code) -> Iterator[Mark]:
    at_start = "|".join(re.escape(one[1]) for one in _VALUES_OF_GO.finditer(code.bare))
    called = re.compile(rf"^func ({at_start})\([^)\n]*\)[^{{\n]*(?=\{{)", re.MULTILINE) if at_start else _INIT_OF_GO
    begins = {one.start(): one for each in (_INIT_OF_GO, _MAIN_OF_GO, called) for one in each.finditer(code.bare)}
    for found in begins.values():
        end = code.end_of(found.end())
        if found[1] != "TestMain" or ".Run()" not in code.bare[found.end() : end]:
            yield from _marks("exit-on-import", f"in `{found[1]}` ends the process of its tests with success", code,
                              _EXIT_IN_GO, found.end(), end)  # fmt: skip


def _marks(
    rule: str, says: str, code: Code, pattern: re.Pattern[str], start: int = 0, end: int | None = None
) -> Iterator[Mark]:
    for found in pattern.finditer(code.bare, start, len(code.bare) if end is None else end):
        what = _SPACES.sub(" ", code.text[found.start() : found.end()]).strip("= ")
        yield Mark(rule, code.line_at(found.start()), what, f"`{what}` {says}")


# --- answers that are known beforehand ----------------------------------------------------------------------------


def _find_branches(code: Code) -> Iterator[Branch]:
    for found in _BRANCH.finditer(code.text):
        if code.bare.startswith("if", found.start()):
            inputs = re.findall(rf"={{2,3}}\s*({_LITERAL})", found[1])
            yield Branch(code.line_at(found.start()), tuple(map(_same_quotes, inputs)), _same_quotes(found[2]))


def find_calls_in(language: str, text: str) -> list[tuple[tuple[str, ...], str]]:
    """Return the calls in assertions of tests whose arguments are literals, with each other literal there."""
    code, found = read_code(language, text), list[tuple[tuple[str, ...], str]]()
    for one in _find_assertions(code, _DIALECTS[language], 0, len(code.bare)):
        inner = one.text.partition("(")[2]
        for call in _CALL.finditer(inner):
            rest = inner[: call.start()] + inner[call.end() :]
            inputs = tuple(map(_same_quotes, _ANY_LITERAL.findall(call[1])))
            found += [(inputs, _same_quotes(answer)) for answer in _ANY_LITERAL.findall(rest)]
    return found


def _same_quotes(literal: str) -> str:
    return f"'{literal[1:-1]}'" if literal[:1] == '"' else literal
