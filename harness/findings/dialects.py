"""How JavaScript, TypeScript, Go, Rust and Java write tests, assertions, and what takes a check's word away: a table.

The patterns are for code without comments and strings, and bounded: an agent may write the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from harness.findings.code import Code

_SPACES = re.compile(r"\s+")


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
DIALECTS = {"javascript": _JAVASCRIPT, "typescript": _JAVASCRIPT, "tsx": _JAVASCRIPT, "go": _GO, "rust": _RUST,
             "java": _JAVA}  # fmt: skip
