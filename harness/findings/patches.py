"""Code that changes what tests it: assignments into a test runner, or into what every program is built of. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_RUNNERS = {"unittest", "pytest", "_pytest", "pluggy", "doctest", "builtins"}


_NAMED = re.compile(rf"\b(?:{'|'.join(sorted(_RUNNERS))})\b")


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
        if _root(target) in names and isinstance(target, ast.Attribute | ast.Subscript)
    ]


def _bound_to_runner(node: ast.AST) -> Iterator[str]:
    """Yield the names by which a file knows a runner, or what is in one."""
    if isinstance(node, ast.Import):
        for one in node.names:
            if one.name.partition(".")[0] in _RUNNERS:
                yield one.asname or one.name.partition(".")[0]
    if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").partition(".")[0] in _RUNNERS:
        yield from (one.asname or one.name for one in node.names)


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
    is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("setattr", "delattr")
    if is_call and isinstance(node, ast.Call) and node.args:
        return [ast.copy_location(ast.Attribute(node.args[0], "…", ast.Store()), node)]
    return []


def _root(target: ast.expr) -> str:
    while isinstance(target, ast.Attribute | ast.Subscript):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""
