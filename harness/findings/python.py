"""A Python file, outlined by its syntax tree: nothing is run, and what cannot be parsed has no outline."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial

from harness.findings.change import Assertion, Body, Branch, Mark, Outline, Test
from harness.findings.patches import find_patches, names_runner

_WEAK = {"assertIsNotNone", "assertIsInstance", "assert_called", "assertNotEqual", "assertNotIsInstance", "assertIsNot"}
_ASSERTS = re.compile(r"assert\w*|fail\w*|raises|warns|deprecated_call|approx_equal|verify\w*|expect\w*|check\w*")
_SKIPS = re.compile(r"(.*\.)?(skip|skipif|skipIf|skipUnless|xfail|expectedFailure|SkipTest|importorskip)")
_ALWAYS = re.compile(r"(.*\.)?(skip|xfail|expectedFailure|SkipTest)")
_COMMENT = re.compile(
    r"#\s*(?P<what>noqa\b(?::\s*[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*)?|type:\s*ignore\b(?:\[[^\]]*\])?"
    r"|pyright:\s*ignore\b(?:\[[^\]]*\])?|pylint:\s*disable=[\w,\s-]+|pragma:\s*no\s*cover|nosec\b|mypy:\s*ignore-errors"
    r"|ruff:\s*noqa\b.*|flake8:\s*noqa\b.*|fmt:\s*off|ty:\s*ignore\b(?:\[[^\]]*\])?)",
    re.IGNORECASE,
)
_LITERALS = re.compile(
    r"[bfru]*'(?:\\.|[^'\\])*'|[bfru]*\"(?:\\.|[^\"\\])*\"|-?\b\d[\w.]*|\b(?:True|False|None)\b", re.IGNORECASE
)
_QUIET = re.compile(r"fmt:\s*off|pragma.*", re.IGNORECASE)  # of these, only coverage is a judge: see below
_BRANCHES = re.compile(r"\bif\b[^:]*==[^:]*:[^\n]*\n?\s*return\b")
Function = ast.FunctionDef | ast.AsyncFunctionDef
_SCRIPTS = re.compile(r"(.*/)?(setup|manage|conftest|__main__|noxfile|fabfile|wsgi|tasks)\.py"
                      r"|(.*/)?(scripts?|bin|tools|examples?|docs?|benchmarks?|\.?ci|hack|dev)/.*")  # fmt: skip


def outline_python(name: str, text: str, *, of_tests: bool) -> Outline:
    """Return the outline of a Python file; tests are looked for in one `of_tests` alone, the rest in the others."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Outline(parsed=False)
    marks = list(_find_suppressions(text))
    if of_tests:
        return Outline(tuple(_find_tests(tree, text.splitlines())), (*marks, *_find_module_skips(tree)))
    if names_runner(text):
        marks += [Mark("runner-patched", line, what, f"assigns to `{what}`") for line, what in find_patches(tree)]
    marks += _find_equal_to_all(tree) if "__eq__" in text or "__ne__" in text else []
    if not _SCRIPTS.fullmatch(name) and not text.startswith("#!"):
        marks += [*_find_exits(tree), *(_find_hard_exits(tree) if "_exit" in text else ())]
    marks += _find_stubs(tree)
    return Outline((), tuple(marks), branches=tuple(_find_branches(tree)) if _BRANCHES.search(text) else ())


# --- tests --------------------------------------------------------------------------------------------------------


def _find_tests(tree: ast.Module, lines: Sequence[str]) -> Iterator[Test]:
    for within, function, skipped in _walk_tests(tree.body, "", ""):
        own = _find_skip(function.decorator_list) or skipped or _find_skip_inside(function)
        source = "\n".join(lines[function.lineno - 1 : function.end_lineno])
        name, sometimes = f"{within}{function.name}", "(" in own and not own.endswith("()")
        yield Test(name, function.lineno, source, own, partial(_read, function), sometimes)


def _read(function: Function) -> Body:
    return Body(
        text=" ".join(map(ast.unparse, _without_docstring(function.body))),
        asserts=tuple(_find_assertions(function)),
        calls=frozenset(_last_name(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)),
    )


def _walk_tests(body: Iterable[ast.stmt], within: str, skipped: str) -> Iterator[tuple[str, Function, str]]:
    for one in body:
        if isinstance(one, Function) and one.name.startswith("test"):
            yield within, one, skipped
        elif isinstance(one, ast.ClassDef):
            yield from _walk_tests(one.body, f"{within}{one.name}.", _find_skip(one.decorator_list) or skipped)
        elif isinstance(one, ast.If | ast.Try | ast.With):
            yield from _walk_tests([*one.body, *getattr(one, "orelse", [])], within, skipped)


def _find_skip(decorators: Iterable[ast.expr]) -> str:
    for one in decorators:
        name = ast.unparse(one.func if isinstance(one, ast.Call) else one)
        if _SKIPS.fullmatch(name):
            always = _ALWAYS.fullmatch(name) or (isinstance(one, ast.Call) and one.args and _is_constant(one.args[0]))
            return f"@{name}" if always or not isinstance(one, ast.Call) else ast.unparse(one)
    return ""


def _find_skip_inside(function: Function) -> str:
    """Return the call that skips a test from its body, or what ends it before it asserts."""
    for one in function.body:
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call):
            name = ast.unparse(one.value.func)
            if _ALWAYS.fullmatch(name) or name.endswith(".skipTest"):
                return f"{name}()"
        if isinstance(one, ast.Raise) and one.exc is not None and "SkipTest" in ast.unparse(one.exc):
            return "raise SkipTest"
        if isinstance(one, ast.Return) and one is not function.body[-1]:
            return "return"
    return ""


def _find_module_skips(tree: ast.Module) -> Iterator[Mark]:
    for one in tree.body:
        if isinstance(one, ast.Assign) and any(
            isinstance(it, ast.Name) and it.id == "pytestmark" for it in one.targets
        ):
            for node in ast.walk(one.value):
                if isinstance(node, ast.Attribute) and node.attr in ("skip", "xfail", "skipif"):
                    what = ast.unparse(node)
                    yield Mark("test-skipped", one.lineno, what, f"skips the whole file: `{what}`")
        call = one.value if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call) else None
        if call is not None and ast.unparse(call.func) in ("pytest.skip", "pytest.exit"):
            what = ast.unparse(call.func)
            yield Mark("test-skipped", one.lineno, what, f"skips the whole file: `{what}`")


def _find_assertions(function: Function) -> Iterator[Assertion]:
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Assert):
                yield _assertion(node, node.test, constant=_is_constant(node.test), weak=_is_weak(node.test))
            elif isinstance(node, ast.Call) and (name := _last_name(node.func)) and _ASSERTS.fullmatch(name):
                same = len(node.args) >= 2 and ast.dump(node.args[0]) == ast.dump(node.args[1])
                alone = name in ("assertTrue", "assertFalse") and bool(node.args) and _is_constant(node.args[0])
                literal = name == "assertEqual" and len(node.args) == 2 and all(map(_is_constant, node.args))
                constant = alone or literal or (name == "assertEqual" and same and _is_plain(node.args[0]))
                weak = name in _WEAK or (name == "assertTrue" and bool(node.args) and _is_weak(node.args[0]))
                yield _assertion(node, node, constant=constant, weak=weak)


def _assertion(node: ast.Assert | ast.Call, said: ast.expr, *, constant: bool, weak: bool) -> Assertion:
    text = ast.unparse(said)
    return Assertion(node.lineno, text, text, _LITERALS.sub("0", text), constant, weak)


def _is_weak(test: ast.expr) -> bool:
    """Whether an assertion asks for little: that there is something, or what kind it is."""
    if isinstance(test, ast.Compare):
        return len(test.ops) == 1 and isinstance(test.ops[0], ast.IsNot | ast.NotEq)
    kind = isinstance(test, ast.Call) and _last_name(test.func) in ("isinstance", "hasattr", "callable", "bool")
    return kind or isinstance(test, ast.Name | ast.Attribute)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_plain(node: ast.expr) -> bool:
    return not any(isinstance(one, ast.Call | ast.Await) for one in ast.walk(node))


def _is_constant(node: ast.expr) -> bool:
    """Whether an expression has one value, and says so: `True`, `1 == 1`, `not False`, `x == x`, `… or True`."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        return any(isinstance(one, ast.Constant) and bool(one.value) for one in node.values)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.Is | ast.GtE):
        left, right = node.left, node.comparators[0]
        if _is_plain(left) and ast.dump(left) == ast.dump(right):
            return not isinstance(left, ast.Name) or isinstance(node.ops[0], ast.Is)  # `x == x` tests an `__eq__`
    return not any(
        isinstance(one, ast.Name | ast.Call | ast.Attribute | ast.Await | ast.Subscript | ast.NamedExpr | ast.Yield)
        for one in ast.walk(node)
    ) and not (isinstance(node, ast.Constant) and not node.value)


# --- code ---------------------------------------------------------------------------------------------------------


def _find_equal_to_all(tree: ast.Module) -> Iterator[Mark]:
    for one in _statements(tree.body):
        for method, body in _methods(one) if isinstance(one, ast.ClassDef) else ():
            always = {"__eq__": True, "__ne__": False}.get(method)
            if always is not None and isinstance(body, ast.Constant) and body.value is always:
                what = f"{one.name}.{method}"  # type: ignore[attr-defined]
                yield Mark("equals-anything", body.lineno, what, f"`{what}` is {always} whatever it is compared with")


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements and those within them; no expression is looked into."""
    for one in body:
        yield one
        for part in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(one, part, ()))
        for inner in (*getattr(one, "handlers", ()), *getattr(one, "cases", ())):
            yield from _statements(inner.body)


def _methods(one: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """Yield the methods of a class that do nothing but return, with what they return."""
    for inner in one.body:
        if isinstance(inner, ast.FunctionDef):
            body = _without_docstring(inner.body)
            if len(body) == 1 and isinstance(body[0], ast.Return) and body[0].value is not None:
                yield inner.name, body[0].value
        if isinstance(inner, ast.Assign) and isinstance(inner.value, ast.Lambda):
            yield from ((it.id, inner.value.body) for it in inner.targets if isinstance(it, ast.Name))


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if is_docstring and isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and (
        isinstance(first.value.value, str)) else body  # fmt: skip


def _find_exits(tree: ast.Module) -> Iterator[Mark]:
    """Yield what ends a process with success as soon as it imports a module."""
    for one in _run_on_import(tree.body):
        if _ends_well(one):
            what = ast.unparse(one)
            yield Mark("exit-on-import", one.lineno, what, f"ends the process that imports it with success: `{what}`")


def _find_hard_exits(tree: ast.Module) -> Iterator[Mark]:
    """Yield what ends a process with success past its test runner, in a module that forks no child to end so."""
    if any(isinstance(one, ast.Attribute) and one.attr in ("fork", "forkpty") for one in ast.walk(tree)):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_hard_exit(node, tree) and _code_of(node) == 0:
            what = ast.unparse(node)
            yield Mark("exit-on-import", node.lineno, what, f"ends the process past its test runner: `{what}`")


def _is_hard_exit(node: ast.Call, tree: ast.Module) -> bool:
    name = ast.unparse(node.func)
    return name == "os._exit" or (name == "_exit" and any(
        isinstance(one, ast.ImportFrom) and one.module == "os" for one in tree.body))  # fmt: skip


def _run_on_import(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the plain statements that run when a module is imported, whatever else is so."""
    for one in body:
        if isinstance(one, ast.Expr | ast.Raise):
            yield one
        elif isinstance(one, ast.With | ast.Try) or (isinstance(one, ast.If) and not _asks_for_main(one.test)):
            yield from _run_on_import(one.body)


def _asks_for_main(test: ast.expr) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "__name__" for one in ast.walk(test))


def _ends_well(one: ast.stmt) -> bool:
    call = one.exc if isinstance(one, ast.Raise) else one.value if isinstance(one, ast.Expr) else None
    if isinstance(one, ast.Raise) and isinstance(call, ast.Name) and call.id == "SystemExit":
        return True
    if not isinstance(call, ast.Call):
        return False
    name = ast.unparse(call.func)
    is_exit = name == "SystemExit" if isinstance(one, ast.Raise) else name in ("sys.exit", "exit", "quit")
    return is_exit and _code_of(call) == 0


def _code_of(call: ast.Call) -> int:
    """Return the exit code that a call asks for, -1 where it is not said by a literal."""
    if not call.args:
        return 0
    value = call.args[0]
    if isinstance(value, ast.Constant) and (value.value is None or isinstance(value.value, int)):
        return int(value.value or 0)
    return -1


def _find_stubs(tree: ast.Module) -> Iterator[Mark]:
    for within, function, abstract in _functions(tree.body, "", abstract=False):
        body = _without_docstring(function.body)
        names = {_last_name(one.func if isinstance(one, ast.Call) else one) for one in function.decorator_list}
        if abstract or names & {"abstractmethod", "overload", "abstractproperty", "final"} or len(body) != 1:
            continue
        only = body[0]
        raised = only.exc if isinstance(only, ast.Raise) else None
        raised = raised.func if isinstance(raised, ast.Call) else raised
        if isinstance(raised, ast.Name) and raised.id == "NotImplementedError" and not within:
            what = f"{within}{function.name}"
            yield Mark("stub-left", function.lineno, what, f"`{what}` only raises NotImplementedError")


def _functions(body: Iterable[ast.stmt], within: str, *, abstract: bool) -> Iterator[tuple[str, Function, bool]]:
    for one in body:
        if isinstance(one, Function):
            yield within, one, abstract
        elif isinstance(one, ast.ClassDef):
            bases = {_last_name(it) for it in one.bases} | {_last_name(it.value) for it in one.keywords}
            yield from _functions(
                one.body, f"{within}{one.name}.", abstract=bool(bases & {"ABC", "ABCMeta", "Protocol"})
            )
        elif isinstance(one, ast.If | ast.Try):
            yield from _functions([*one.body, *one.orelse], within, abstract=abstract)


def _find_branches(tree: ast.Module) -> Iterator[Branch]:
    """Yield each `if … == LITERAL: return LITERAL`, and entries of a table of such that is looked up by arguments."""
    for node in _statements(tree.body):
        if isinstance(node, ast.If) and len(node.body) == 1 and isinstance(node.body[0], ast.Return):
            answer, inputs = node.body[0].value, _compared(node.test)
            if answer is not None and inputs and _is_literal(answer):
                yield Branch(node.lineno, inputs, ast.unparse(answer))


def _compared(test: ast.expr) -> tuple[str, ...]:
    """Return the literals that a condition compares names with, "" alone where it asks for anything else."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        parts = [_compared(one) for one in test.values]
        return tuple(one for part in parts for one in part) if all(parts) else ()
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return ()
    name, value = test.left, test.comparators[0]
    named = all(isinstance(one, ast.Name) for one in (name.elts if isinstance(name, ast.Tuple) else [name]))
    if not named or not _is_literal(value):
        return ()
    return tuple(
        map(ast.unparse, value.elts if isinstance(name, ast.Tuple) and isinstance(value, ast.Tuple) else [value])
    )


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return False
    return True


def find_calls(text: str) -> list[tuple[tuple[str, ...], str]]:
    """Return the calls in assertions of tests whose arguments are literals, with the other literals of each."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare):
            sides = [node.test.left, *node.test.comparators]
        elif isinstance(node, ast.Call) and _ASSERTS.fullmatch(_last_name(node.func)):
            sides = node.args
        else:
            continue
        answers = [ast.unparse(one) for one in sides if _is_literal(one)]
        calls = [one for one in sides if isinstance(one, ast.Call) and one.args and all(map(_is_literal, one.args))]
        found += [(tuple(map(ast.unparse, one.args)), answer) for one in calls for answer in answers]
    return found


# --- comments -----------------------------------------------------------------------------------------------------


def _find_suppressions(text: str) -> Iterator[Mark]:
    if not _COMMENT.search(text):
        return
    with suppress(tokenize.TokenError, SyntaxError, IndentationError, ValueError):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and (found := _COMMENT.search(token.string)):
                what = " ".join(found["what"].split())
                if not _QUIET.fullmatch(what):
                    yield Mark("suppression-added", token.start[0], what.lower(), f"`# {what}` came")
