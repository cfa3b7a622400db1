"""What the rules ask of the syntax of Python: names, literals, values that are known, statements."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
_ASKS = (ast.Name, ast.Call, ast.Attribute, ast.Await, ast.Subscript, ast.NamedExpr, ast.Yield)


def parse(text: str) -> ast.Module | None:
    """Return the syntax tree of a file, None where it has none; nothing is said of it meanwhile."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def last_name(node: ast.expr) -> str:
    """Return the last word of a dotted name, "" for any other expression."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def is_plain(node: ast.expr) -> bool:
    """Whether nothing is called in an expression."""
    return not any(isinstance(one, ast.Call | ast.Await) for one in ast.walk(node))


def is_literal(node: ast.expr) -> bool:
    """Whether an expression is its own value."""
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return False
    return True


def is_always_true(node: ast.expr) -> bool:
    """Whether an expression holds whatever the code does: `True`, `1 == 1`, `not False`, `x.y == x.y`, `… or True`."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        return any(isinstance(one, ast.Constant) and bool(one.value) for one in node.values)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.Is | ast.GtE):
        left, right = node.left, node.comparators[0]
        if is_plain(left) and ast.dump(left) == ast.dump(right):
            return not isinstance(left, ast.Name) or isinstance(node.ops[0], ast.Is)  # `x == x` tests an `__eq__`
    if isinstance(node, ast.Constant):
        return bool(node.value)
    return not any(isinstance(one, _ASKS) for one in ast.walk(node))


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements of a body but for its docstring."""
    first = body[0].value if body and isinstance(body[0], ast.Expr) else None
    return body[1:] if isinstance(first, ast.Constant) and isinstance(first.value, str) else body


def statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements and those within them; no expression is looked into."""
    for one in body:
        yield one
        for part in ("body", "orelse", "finalbody"):
            yield from statements(getattr(one, part, ()))
        for inner in (*getattr(one, "handlers", ()), *getattr(one, "cases", ())):
            yield from statements(inner.body)
