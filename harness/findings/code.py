"""The text of a source file without its comments and what its strings hold, line by line as it was.

By a syntax tree where tree-sitter is installed with the language (`pip install 'harness-loop[guards]'`) and the file
has one; else by patterns, which a regular expression in an odd place can mislead.
"""

from __future__ import annotations

import functools
import importlib
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

_SUFFIXES = {
    ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript", ".jsx": "javascript",
    ".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx",
    ".go": "go", ".rs": "rust", ".java": "java",
}  # fmt: skip
# Where each grammar is, and which of its nodes hold no code.
_GRAMMARS = {
    "javascript": ("tree_sitter_javascript", "language", "(comment) @c [(string) (template_string) (regex)] @s"),
    "typescript": ("tree_sitter_typescript", "language_typescript",
                   "(comment) @c [(string) (template_string) (regex)] @s"),
    "tsx": ("tree_sitter_typescript", "language_tsx", "(comment) @c [(string) (template_string) (regex)] @s"),
    "go": ("tree_sitter_go", "language",
           "(comment) @c [(interpreted_string_literal) (raw_string_literal) (rune_literal)] @s"),
    "rust": ("tree_sitter_rust", "language",
             "[(line_comment) (block_comment)] @c [(string_literal) (raw_string_literal) (char_literal)] @s"),
    "java": ("tree_sitter_java", "language",
             "[(line_comment) (block_comment)] @c [(string_literal) (character_literal)] @s"),
}  # fmt: skip
# What is not closed reaches to the end: else it would be looked for again at every beginning.
_COMMENT = r"(?P<c>//[^\n]*|/\*[\s\S]*?(?:\*/|\Z))"
_QUOTED = r'"(?:\\[\s\S]|[^"\\\n])*+(?:"|(?=\n)|\Z)'
_TICKED = r"'(?:\\[\s\S]|[^'\\\n])*+(?:'|(?=\n)|\Z)"
_REGEX = r"(?<=[=(,:;!&|?{}\[\n>])[ \t]{0,20}/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n]){0,200}+\]|[^/\\\n\[]){1,500}+/[a-z]*"
_PATTERNS = {
    "javascript": rf"{_COMMENT}|{_QUOTED}|{_TICKED}|`(?:\\[\s\S]|[^`\\])*+(?:`|\Z)|{_REGEX}",
    "go": rf"{_COMMENT}|{_QUOTED}|'(?:\\[^'\n]{{1,10}}|[^'\\\n])'|`[^`]*+(?:`|\Z)",
    "rust": rf"""{_COMMENT}|b?r(?P<h>#{{0,9}})"[\s\S]*?(?:"(?P=h)|\Z)|b?"(?:\\[\s\S]|[^"\\])*+(?:"|\Z)"""
    r"""|b?'(?:\\[^'\n]{1,10}|[^'\\\n])'""",
    "java": rf'{_COMMENT}|"""[\s\S]*?(?:"""|\Z)|{_QUOTED}|{_TICKED}',
}
_PAIRS = ("()", "{}", "[]")
_OPENS = {pair[0]: pair[1] for pair in _PAIRS}
_WIDE = re.compile(r"[^\x00-\x7f]")
_INNER = re.compile(r"[^\n]")


@dataclass(frozen=True)
class Code:
    """A source file: `text` as it is; as long are `said`, without comments, and `bare`, with blank strings, too."""

    language: str
    text: str
    said: str
    bare: str
    comments: tuple[tuple[int, str], ...]  # where each begins, and what it says
    exact: bool  # by its syntax tree

    def line_at(self, offset: int) -> int:
        """Return the line, from 1, of a character."""
        return bisect_left(self._line_ends, offset) + 1

    def is_outside(self, offset: int) -> bool:
        """Whether no bracket is open at a character."""
        return all(self._open_at(offset, pair) == 0 for pair in _PAIRS)

    def depth_at(self, offset: int, since: int = 0) -> int:
        """Return how many braces are open at a character, of those that open behind another."""
        return self._open_at(offset, "{}") - self._open_at(since, "{}")

    def end_of(self, opening: int) -> int:
        """Return where the bracket ends that opens at a character; the end of the file where none does."""
        return self._ends.get(opening, len(self.bare))

    def is_closed(self, opening: int) -> bool:
        """Whether the bracket ends that opens at a character."""
        return opening in self._ends

    @cached_property
    def _line_ends(self) -> list[int]:
        return [found.start() for found in re.finditer("\n", self.text)]

    @cached_property
    def _ends(self) -> dict[int, int]:
        ends, opened = dict[int, int](), {pair[1]: list[int]() for pair in _PAIRS}
        for found in re.finditer(r"[(){}\[\]]", self.bare):
            if (pair := _OPENS.get(found[0])) is not None:
                opened[pair].append(found.start())
            elif opened[found[0]]:
                ends[opened[found[0]].pop()] = found.end()
        return ends

    def _open_at(self, offset: int, pair: str) -> int:
        places, depths = self._depths[pair]
        return depths[bisect_left(places, offset)]

    @cached_property
    def _depths(self) -> dict[str, tuple[list[int], list[int]]]:
        """For each pair of brackets where they stand, and how many are open before each, and after the last."""
        depths = {pair: (list[int](), [0]) for pair in _PAIRS}
        for pair, (places, open_before) in depths.items():
            for found in re.finditer(f"[{re.escape(pair)}]", self.bare):
                places.append(found.start())
                open_before.append(open_before[-1] + (1 if found[0] == pair[0] else -1))
        return depths


def find_language(name: str) -> str:
    """Return the language of a file by its name, "" for one that is not read here."""
    return "" if name.endswith((".min.js", ".d.ts")) else _SUFFIXES.get(PurePosixPath(name).suffix, "")


def read_code(language: str, text: str) -> Code:
    """Return a source file with its comments and strings known."""
    plain = _WIDE.sub("x", text)  # so that bytes and characters are counted alike
    spans = _spans_by_tree(language, plain)
    exact = spans is not None
    found = list(spans if spans is not None else _spans_by_pattern(language, plain))
    parts, kept, at, comments = list[str](), list[str](), 0, list[tuple[int, str]]()
    for begin, end, is_comment in sorted(found):
        if begin < at:
            continue
        within = _INNER.sub(" ", plain[begin:end])
        parts += [plain[at:begin], within if is_comment or end - begin < 2 else f'"{within[1:-1]}"']
        kept += [text[at:begin], within if is_comment else text[begin:end]]
        comments += [(begin, text[begin:end])] if is_comment else []
        at = end
    bare = "".join((*parts, plain[at:]))
    return Code(language, text, "".join((*kept, text[at:])), bare, tuple(comments), exact)


def _spans_by_pattern(language: str, text: str) -> Iterator[tuple[int, int, bool]]:
    family = "javascript" if language in ("typescript", "tsx") else language
    for found in re.compile(_PATTERNS[family]).finditer(text):
        yield found.start(), found.end(), found["c"] is not None


def _spans_by_tree(language: str, text: str) -> list[tuple[int, int, bool]] | None:
    """Return what is comment and what is string; None without the grammar, or where the file does not fit it."""
    if (capture := _grammar(language)) is None:
        return None
    return capture(text.encode("ascii"))


@functools.cache
def _grammar(language: str) -> Callable[[bytes], list[tuple[int, int, bool]] | None] | None:
    module, name, query = _GRAMMARS[language]
    try:
        sitter: Any = importlib.import_module("tree_sitter")
        grammar = sitter.Language(getattr(importlib.import_module(module), name)())
        parser, asked = sitter.Parser(grammar), sitter.Query(grammar, query)
    except (ImportError, AttributeError, TypeError, ValueError):  # not there, or of another age than the grammar
        return None

    def capture(source: bytes) -> list[tuple[int, int, bool]] | None:
        root = parser.parse(source).root_node
        if root.has_error:
            return None
        found = sitter.QueryCursor(asked).captures(root)
        return [(one.start_byte, one.end_byte, kind == "c") for kind, nodes in found.items() for one in nodes]

    return capture
