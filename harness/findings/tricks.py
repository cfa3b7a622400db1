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
_STATIC = re.compile(r"\bstatic\s*(?=\{)")


def find_tricks(name: str, code: Code) -> Iterator[Mark]:
    """Yield what makes every check of such code worthless."""
    is_script = _SCRIPTS.fullmatch(name) is not None or code.text.startswith("#!")
    match code.language:
        case "go":
            yield from _marks("equals-anything", "is true whatever it is compared with", code, _EQUAL_IN_GO)
            yield from find_exits_of_go(code)
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
