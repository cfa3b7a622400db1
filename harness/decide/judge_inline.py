"""Tests that stand in the code: these judge, and the code around them is what is worked on. Pure.

In Python test classes and examples in docstrings, in Rust modules of tests and examples in comments.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from harness.domain.code_text import Item, find_body, split_items

_LIBRARIES = {"unittest", "pytest"}
_TESTS = re.compile(r"[Tt]est.*|[Aa]ssert.*")
_EXAMPLE = re.compile(r"^[ \t]*>>> .*(?:\n[ \t]*\S.*)*", re.MULTILINE)
_MODULE = re.compile(r"#\[cfg\((?:test|(?:all|any)\([^\]]*\btest\b[^\]]*\))\)\] (?:#\[[^\]]*\] )*(?:pub )?mod (\w+)")
_DOC = re.compile(r"(?:^[ \t]*//[/!][^\n]*\n)+", re.MULTILINE)
_FENCED = re.compile(r"```.*?```", re.DOTALL)
_DOCUMENTED = re.compile(r"\s*(?:#\[[^\n]*\]\s*)*[^\n]*?\b(fn|struct|enum|trait|mod|const|static|type|union)\s+(\w+)")


def find_inline(name: str, text: str) -> str:
    """Return the tests that stand in code, one after the other; "" where it has none, or cannot be read."""
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        if name.endswith(".py") and any(word in text for word in (*_LIBRARIES, ">>>")):
            tests, docs = _read_python(text)
            return "\n".join((*tests.values(), *(_examples(one.text) for one in docs.values())))
        if name.endswith(".rs"):
            bodies = [body[1] for one in _modules(text).values() if (body := find_body(one))]
            return "\n".join((*bodies, *(_fences(doc) for doc in _documents(text).values())))
        if name.endswith(".go") and re.search(r'^(?:import )?\s*"testing"', text, re.MULTILINE):
            return text
    return ""


def restore_inline(name: str, old: str, new: str) -> str:
    """Return new code with its tests as the old code has them; itself where these are the same, or cannot be told."""
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        if PurePosixPath(name).suffix == ".py":
            restored = _restore_python(old, new)
            ast.parse(restored)
            return restored
        if PurePosixPath(name).suffix == ".rs":
            return _restore_rust(old, new)
        return old
    return new


# --- Python -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Doc:
    """A docstring: the lines that it stands in, from 0, or before which it would stand."""

    text: str
    start: int
    end: int


def _read_python(text: str) -> tuple[dict[str, str], dict[str, _Doc]]:
    """Return the test classes and functions of a module that has any, by their names, and its examples."""
    tree, lines = ast.parse(text), text.splitlines(keepends=True)
    tests = {one.name: "".join(lines[slice(*_place(one))]) for one in _find_tests(tree)}
    return tests, {name: doc for name, doc in _docstrings(tree, lines) if _examples(doc.text)}


def _find_tests(tree: ast.Module) -> list[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    imported = {
        one.name.partition(".")[0] for node in tree.body if isinstance(node, ast.Import) for one in node.names
    } | {(node.module or "").partition(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom)}
    if not imported & _LIBRARIES:
        return []
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in tree.body if isinstance(node, kinds) and _is_test(node)]


def _is_test(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    bases = [ast.unparse(one) for one in node.bases] if isinstance(node, ast.ClassDef) else []
    return bool(_TESTS.fullmatch(node.name)) or any(one.endswith("TestCase") for one in bases)


def _place(node: ast.stmt) -> tuple[int, int]:
    above = [one.lineno for one in getattr(node, "decorator_list", [])]
    return min([node.lineno, *above]) - 1, node.end_lineno or node.lineno


def _docstrings(tree: ast.Module, lines: list[str]) -> Iterator[tuple[str, _Doc]]:
    """Yield the docstring of each module, class and function by its dotted name, "" for none."""
    waiting: list[tuple[str, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]] = [("", tree)]
    while waiting:
        name, node = waiting.pop()
        first = node.body[0] if node.body else None
        if first is not None and (isinstance(node, ast.Module) or first.lineno > node.lineno):
            start, end = _place(first)
            said = ast.get_docstring(node, clean=False) is not None
            yield name, _Doc("".join(lines[start:end]) if said else "", start, end if said else start)
        inner = (one for one in node.body if isinstance(one, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef))
        waiting += [(f"{name}.{one.name}", one) for one in inner]


def _examples(text: str) -> str:
    found = (line.strip() for one in _EXAMPLE.findall(text) for line in one.splitlines())
    return "\n".join(line for line in found if line.strip("'\""))


def _restore_python(old: str, new: str) -> str:
    was, examples = _read_python(old)
    tree, lines = ast.parse(new), new.splitlines(keepends=True)
    edits, seen = list[tuple[int, int, str]](), set[str]()
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name in was:
            edits.append((*_place(node), was[node.name]))
            seen.add(node.name)
    for name, doc in _docstrings(tree, lines):
        before = examples.get(name)
        if (
            before is not None
            and name[1:].partition(".")[0] not in was
            and _examples(doc.text) != _examples(before.text)
        ):
            edits.append((doc.start, doc.end, before.text))
    ends = [one for one in tree.body if isinstance(one, ast.If) and "__name__" in ast.unparse(one.test)]
    last = _place(ends[0])[0] if ends else len(lines)
    edits += [(last, last, f"\n\n{text}\n") for name, text in was.items() if name not in seen]
    for start, end, text in sorted(edits, reverse=True):
        if text.rstrip() != "".join(lines[start:end]).rstrip():
            lines[start:end] = [text if text.endswith("\n") else f"{text}\n"]
            if start and not lines[start - 1].endswith("\n"):
                lines[start - 1] += "\n"
    return "".join(lines)


# --- Rust ---------------------------------------------------------------------------------------------------------


def _modules(text: str) -> dict[str, Item]:
    """Return the modules of tests in a file, by their names."""
    found = ((_MODULE.match(one.code), one) for one in split_items(text, "rust") or ())
    return {at[1]: one for at, one in found if at}


def _documents(text: str) -> dict[str, str]:
    """Return the comments that hold examples, by what they stand before."""
    found = dict[str, str]()
    for one in _DOC.finditer(text):
        after = _DOCUMENTED.match(text, one.end())
        key = "!" if one[0].lstrip().startswith("//!") else " ".join(after.groups()) if after else ""
        if key and key not in found and _fences(one[0]):
            found[key] = one[0]
    return found


def _fences(comment: str) -> str:
    plain = re.sub(r"^[ \t]*//[/!] ?", "", comment, flags=re.MULTILINE)
    return "\n".join(_FENCED.findall(plain))


def _restore_rust(old: str, new: str) -> str:
    was, now = _modules(old), _modules(new)
    for name, item in was.items():
        if name not in now:
            new = f"{new.rstrip()}\n\n{item.text.strip()}\n"
        elif now[name].said != item.said:
            new = new.replace(now[name].text, f"\n\n{item.text.strip()}", 1)
    docs = _documents(new)
    for key, comment in _documents(old).items():
        there = docs.get(key, "")
        if there and _fences(there) != _fences(comment):
            new = new.replace(there, comment, 1)
    return new
