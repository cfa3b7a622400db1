"""Code that changes what tests it: assignments into a test runner, or into what every program is built of. Pure.

Python by its syntax tree; JavaScript, TypeScript and Rust by patterns, on code without strings and comments.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from harness.findings.code import Code

_RUNNERS = {"unittest", "pytest", "_pytest", "pluggy", "doctest", "builtins"}
_NAMED = re.compile(rf"\b(?:{'|'.join(sorted(_RUNNERS))})\b")
_SETTERS = re.compile(r"(?:.*\.)?(?:setattr|delattr|__setattr__|__delattr__|patch\.object)")
_PATCH = re.compile(r"(?:.*\.)?patch")
_ASSERTIONS = re.compile(r"assert[A-Z_]\w*|fail(?:If|Unless)?|skipTest|subTest|addFailure|addError|wasSuccessful")


# --- Python -------------------------------------------------------------------------------------------------------


def names_runner(text: str) -> bool:
    """Whether a file can assign into a test runner at all: it names one."""
    return _NAMED.search(text) is not None


def find_patches(tree: ast.Module) -> list[tuple[int, str]]:
    """Return the lines of a Python file that assign into a test runner or `builtins`, and what to."""
    names = {name for node in ast.walk(tree) for name in _bound_to_runner(node)}
    return [
        (target.lineno, ast.unparse(target))
        for node in ast.walk(tree)
        for target in _targets(node)
        if isinstance(target, ast.Attribute | ast.Subscript)
        if _is_of_runner(target, names) or (names and _replaces_assertion(target))
    ]


def _replaces_assertion(target: ast.expr) -> bool:
    """Whether an attribute of anything has the name of what asserts, in a file that imports a runner."""
    return isinstance(target, ast.Attribute) and _ASSERTIONS.fullmatch(target.attr) is not None


def _bound_to_runner(node: ast.AST) -> Iterator[str]:
    """Yield the names by which a file knows a runner, or what is in one."""
    if isinstance(node, ast.Import):
        for one in node.names:
            if one.name.partition(".")[0] in _RUNNERS:
                yield one.asname or one.name.partition(".")[0]
    if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").partition(".")[0] in _RUNNERS:
        yield from (one.asname or one.name for one in node.names)
    if isinstance(node, ast.Assign) and _is_of_runner(node.value, set()):
        yield from (one.id for one in node.targets if isinstance(one, ast.Name))


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        inner = (part for one in node.targets for part in ast.walk(one))
        return [
            part for part in inner if isinstance(getattr(part, "ctx", None), ast.Store) and isinstance(part, ast.expr)
        ]
    if isinstance(node, ast.AugAssign | ast.AnnAssign):
        return [node.target]
    if isinstance(node, ast.Delete):
        return node.targets
    if not isinstance(node, ast.Call) or not node.args:
        return []
    called = ast.unparse(node.func)
    if _SETTERS.fullmatch(called) or (_PATCH.fullmatch(called) and _names_runner(node.args[0])):
        return [ast.copy_location(ast.Attribute(node.args[0], "…", ast.Store()), node)]
    return []


def _is_of_runner(target: ast.expr, names: set[str]) -> bool:
    """Whether what is assigned to lies in a runner: by one of its names, or by an import within the expression."""
    while True:
        if isinstance(target, ast.Subscript) and ast.unparse(target.value).endswith("modules"):
            return _names_runner(target.slice)
        if isinstance(target, ast.Call) and target.args and ast.unparse(target.func).endswith(_IMPORTS):
            return _names_runner(target.args[0])
        if isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
        else:
            return (isinstance(target, ast.Name) and target.id in names) or _names_runner(target)


_IMPORTS = ("__import__", "import_module")


def _names_runner(value: ast.expr) -> bool:
    said = value.value if isinstance(value, ast.Constant) else None
    return isinstance(said, str) and said.partition(".")[0] in _RUNNERS and said.isprintable() and " " not in said


# --- JavaScript, TypeScript, Rust ---------------------------------------------------------------------------------

_MODULES = r"(?:node:)?(?:assert|test)(?:/strict)?|chai|vitest|mocha|jest|@jest/globals|expect|should|sinon"
_IMPORTED = re.compile(
    rf"\bimport\s+(?P<names>[^;'\"]+?)\s+from\s+['\"](?:{_MODULES})['\"]"
    rf"|\b(?:const|let|var)\s+(?P<bound>[^=;]+?)\s*=\s*(?:await\s+import|require)\(\s*['\"](?:{_MODULES})['\"]\s*\)"
)
_GLOBALS = ("expect", "describe", "it", "test", "suite")
_OF_GLOBAL = re.compile(
    rf"\b(?:globalThis|global|window|self)\s*\.\s*(?:{'|'.join(_GLOBALS)})\b(?:\s*\.\s*\w+)*\s*=(?!=)"
    r"|\bexpect\s*\??\.\s*(?:extend|addEqualityTesters)\s*\("
)
_MACROS = re.compile(r"\bmacro_rules!\s*(?:(?:debug_)?assert(?:_eq|_ne|_matches)?|panic|unreachable)\b")


def _find_patterns_of_javascript(text: str) -> list[re.Pattern[str]]:
    imported = (found["names"] or found["bound"] for found in _IMPORTED.finditer(text))
    words = (word for found in imported for word in re.split(r"[\s,{}*:]+", found))
    names = sorted({word for word in words if re.fullmatch(r"[\w$]+", word)} - {"as", "default", "type"})
    patterns = [_OF_GLOBAL]
    if names:
        one = rf"\(?\s*(?<![\w$.])(?:{'|'.join(map(re.escape, names))})(?:\s+as\s+[\w.]+)?\s*\)?"
        patterns += [
            re.compile(rf"{one}(?:\s*\.\s*[\w$]+|\s*\[[^\]\n]*\])+\s*=(?![=>])"),
            re.compile(rf"\b(?:Object|Reflect)\s*\.\s*(?:assign|set\w*|define\w+)\s*\(\s*{one}"),
        ]
    return patterns


def find_patches_in_code(code: Code) -> list[tuple[int, str]]:
    """Return the lines of a file in JavaScript, TypeScript or Rust that assign into what tests it, and what to."""
    patterns = [_MACROS] if code.language == "rust" else _find_patterns_of_javascript(code.text)
    found = sorted(
        (one.start(), " ".join(one[0].rstrip("=( ").split())) for each in patterns for one in each.finditer(code.bare)
    )
    return [(code.line_at(at), said) for at, said in found]
