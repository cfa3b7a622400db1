"""Whether what came in a Python file of tests leaves all that was there as it was. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

# Names by which test runners find more than tests: whoever defines them changes how other tests run.
_OBEYED = re.compile(r"_.*|pytest.*|collect_.*|load_tests|set_?up.*|tear_?down.*", re.IGNORECASE)
# By these a function reaches what is not its own.
_REACHING = re.compile(
    r"exec|eval|compile|globals|vars|setattr|delattr|__\w+__|modules|f_\w+|import_module|reload|settrace|setprofile"
    r"|_getframe|currentframe|stack|_exit|get_objects|get_referrers"
)
_PATCH = re.compile(r"(?:^|\.)patch(?:\.\w+)?$")
_FIXTURE = re.compile(r"(pytest\.)?fixture")


def only_adds(old: bytes, new: bytes) -> bool:
    """Return whether a Python file has all that it had, in its order, and else only what is new under its own name.

    That is tests, helpers, fixtures that nobody has to use, imports and constants; not what a test runner obeys.
    """
    try:
        was, now = (ast.parse(text.decode("utf-8")).body for text in (old, new))
        used = {name for tree in was for node in ast.walk(tree) if (name := _used(node))}
        return _adds(was, now, used, within=False)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _used(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _adds(was: Sequence[ast.stmt], now: Sequence[ast.stmt], used: set[str], *, within: bool) -> bool:
    known, left = used | {name for one in was for name in _bound(one)}, list(was)
    for one in now:
        if left and (ast.dump(one) == ast.dump(left[0]) or _grew(left[0], one, used)):
            left.pop(0)
        elif not _is_addition(one, within=within) or known.intersection(_bound(one)):
            return False
        else:
            known |= set(_bound(one))
    return not left


def _grew(was: ast.stmt, now: ast.stmt, used: set[str]) -> bool:
    """Whether a class is as it was, but for tests that came in it; an import, but for names that came."""
    if isinstance(was, ast.ImportFrom) and isinstance(now, ast.ImportFrom):
        old, new = ([(one.name, one.asname) for one in imported.names] for imported in (was, now))
        kept = [name for name in new if name in old] == old
        return (
            (was.module, was.level) == (now.module, now.level)
            and kept
            and not used.intersection(alias or name for name, alias in new if (name, alias) not in old)
        )
    if not isinstance(was, ast.ClassDef) or not isinstance(now, ast.ClassDef) or was.name != now.name:
        return False
    heads = [ast.dump(ast.Tuple([*one.bases, *(word.value for word in one.keywords), *one.decorator_list], ast.Load()))
             for one in (was, now)]  # fmt: skip
    return heads[0] == heads[1] and _adds(was.body, now.body, used, within=True)


def _is_addition(one: ast.stmt, *, within: bool) -> bool:
    if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
        free = one.name.startswith("test") if within else not _OBEYED.fullmatch(one.name)
        return free and all(map(_is_harmless, one.decorator_list)) and not _reaches_out(one)
    if isinstance(one, ast.ClassDef):
        return not within and not one.decorator_list and all(_is_addition(inner, within=True) for inner in one.body)
    if isinstance(one, ast.Assign):
        named = all(isinstance(target, ast.Name) for target in one.targets)
        return not within and named and not any(map(_OBEYED.fullmatch, _bound(one))) and _is_literal(one.value)
    return isinstance(one, ast.Import | ast.ImportFrom | ast.Pass) or _is_docstring(one)


def _reaches_out(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function may change what others use: names of the module, attributes that it has not made, modules."""
    nodes = list(ast.walk(function))
    own = {"self", *(one.arg for one in nodes if isinstance(one, ast.arg))}
    own |= {
        target.id
        for one in nodes
        if isinstance(one, ast.Assign)
        and isinstance(one.value, ast.Call | ast.Constant | ast.List | ast.Dict | ast.Set)
        for target in one.targets
        if isinstance(target, ast.Name)
    }
    bound = [one.optional_vars for one in nodes if isinstance(one, ast.withitem)]
    own |= {one.id for one in bound if isinstance(one, ast.Name)}
    within = {id(item.context_expr) for one in nodes if isinstance(one, ast.With | ast.AsyncWith) for item in one.items}
    return any(_changes(one, own) or (_is_patch(one) and id(one) not in within) for one in nodes)


def _changes(one: ast.AST, own: set[str]) -> bool:
    if isinstance(one, ast.Attribute | ast.Subscript) and not isinstance(one.ctx, ast.Load):
        root = one.value
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        return not isinstance(root, ast.Name) or root.id not in own
    name = one.id if isinstance(one, ast.Name) else one.attr if isinstance(one, ast.Attribute) else ""
    return isinstance(one, ast.Global) or bool(_REACHING.fullmatch(name))


def _is_patch(one: ast.AST) -> bool:
    return isinstance(one, ast.Call) and bool(_PATCH.search(ast.unparse(one.func)))


def _is_harmless(decorator: ast.expr) -> bool:
    """Whether a decorator is one of pytest's that changes what it decorates alone."""
    call = decorator if isinstance(decorator, ast.Call) else None
    name = ast.unparse(decorator if call is None else call.func)
    always = call is not None and any(word.arg == "autouse" for word in call.keywords)
    return name == "pytest.mark.parametrize" or (bool(_FIXTURE.fullmatch(name)) and not always)


def _is_literal(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return False
    return True


def _is_docstring(one: ast.stmt) -> bool:
    return isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str)


def _bound(one: ast.stmt) -> list[str]:
    if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [one.name]
    if isinstance(one, ast.Import | ast.ImportFrom):
        return [(name.asname or name.name).partition(".")[0] for name in one.names]
    targets = one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
    return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
