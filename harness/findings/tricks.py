"""What makes checks of JavaScript, Go, Rust or Java worthless: an early end, an equality with all, a patched runner."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.findings.change import Mark
from harness.findings.code import Code
from harness.findings.patches import find_patches_in_code

_SPACES = re.compile(r"\s+")
_SCRIPTS = re.compile(
    r"(.*/)?(bin|scripts?|tools?|examples?|docs?|benches|benchmarks?|cmd|cli|\.?ci|build|hack)/.*"
    r"|(.*/)?(main|build)\.rs|(.*/)?(cli|bin|[\w.-]*file|[\w.-]+\.config|index\.cli|build)\.[cm]?[jt]s"
    r"|(.*/)?main\.go|.*Main\.java"
)
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
_FUNCTION_MAIN_OF_GO = re.compile(r"^func main\(\)\s*(?=\{)", re.MULTILINE)
_ARGS_OF_GO = re.compile(r"\bos\.Args\s*(?:\[[^\]\n]*\]\s*)?=(?!=)")
_OPTION_OF_GO = re.compile(r"[\"`]-{1,2}test\.")
_FLAG_OF_GO = re.compile(
    r"\b[Ff]lag\w*\.(?:CommandLine\.)?(?:Set\(\s*[\"`]test\.\w+|Lookup\(\s*[\"`]test\.\w+[\"`]\s*\)\.Value\.Set\()"
)
_STATIC = re.compile(r"\bstatic\s*(?=\{)")


def find_tricks(name: str, code: Code) -> Iterator[Mark]:
    """Yield what makes every check of such code worthless."""
    is_script = _SCRIPTS.fullmatch(name) is not None or code.text.startswith("#!")
    match code.language:
        case "go":
            yield from _marks("equals-anything", "is true whatever it is compared with", code, _EQUAL_IN_GO)
            yield from find_exits_of_go(code)
            yield from _find_options_of_go(code)
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
    for line, what in find_patches_in_code(code):
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


def find_exits_of_go(code: Code) -> Iterator[Mark]:
    """Yield where a package ends its tests with success: as it begins, or in a `TestMain` that runs none."""
    for name, start, end in [*_find_begins_of_go(code), *_find_spans(code, _MAIN_OF_GO)]:
        if name != "TestMain" or ".Run()" not in code.bare[start:end]:
            says = f"in `{name}` ends the process of its tests with success"
            yield from _marks("exit-on-import", says, code, _EXIT_IN_GO, start, end)


def _find_options_of_go(code: Code) -> Iterator[Mark]:
    """Yield where a package changes the options of `go test`: as it begins, or by their names."""
    says, mains = "changes what `go test` runs", _find_spans(code, _FUNCTION_MAIN_OF_GO)
    seen = set[int]()
    for name, start, end in _find_begins_of_go(code):
        for mark in _marks("runner-patched", f"in `{name}` {says}", code, _ARGS_OF_GO, start, end):
            seen.add(mark.line)
            yield mark
    named = [*_ARGS_OF_GO.finditer(code.bare)] if _OPTION_OF_GO.search(code.text) else []
    for found in (*named, *_FLAG_OF_GO.finditer(code.text)):
        line, is_code = code.line_at(found.start()), code.bare[found.start()] == code.text[found.start()]
        if is_code and line not in seen and not any(start <= found.start() < end for _, start, end in mains):
            what = _SPACES.sub(" ", found[0]).strip("=( ")
            yield Mark("runner-patched", line, what, f"`{what}` {says}")


def _find_begins_of_go(code: Code) -> list[tuple[str, int, int]]:
    """Return what runs as a package begins: `init`, and what gives its variables their first values."""
    at_start = "|".join(re.escape(one[1]) for one in _VALUES_OF_GO.finditer(code.bare))
    called = re.compile(rf"^func ({at_start})\([^)\n]*\)[^{{\n]*(?=\{{)", re.MULTILINE) if at_start else _INIT_OF_GO
    return list(dict.fromkeys((*_find_spans(code, _INIT_OF_GO), *_find_spans(code, called))))


def _find_spans(code: Code, pattern: re.Pattern[str]) -> list[tuple[str, int, int]]:
    """Return the name of each function that a pattern finds, and where its body begins and ends."""
    return [(one[one.lastindex or 0], one.end(), code.end_of(one.end())) for one in pattern.finditer(code.bare)]


def _marks(
    rule: str, says: str, code: Code, pattern: re.Pattern[str], start: int = 0, end: int | None = None
) -> Iterator[Mark]:
    for found in pattern.finditer(code.bare, start, len(code.bare) if end is None else end):
        what = _SPACES.sub(" ", code.text[found.start() : found.end()]).strip("= ")
        yield Mark(rule, code.line_at(found.start()), what, f"`{what}` {says}")
