"""A Python file, outlined by its syntax tree: nothing is run, and what cannot be parsed has no outline."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from contextlib import suppress

from harness.findings.change import Branch, Mark, Outline
from harness.findings.patches import find_patches, names_runner
from harness.findings.python_syntax import (
    Function,
    is_always_true,
    is_literal,
    last_name,
    parse,
    statements,
    without_docstring,
)
from harness.findings.python_tests import ASSERTS, find_marks_of_tests, find_tests

_COMMENT = re.compile(
    r"#\s*(?P<what>noqa\b(?::\s*[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*)?|type:\s*ignore\b(?:\[[^\]]*\])?"
    r"|pyright:\s*ignore\b(?:\[[^\]]*\])?|pylint:\s*disable=[\w,\s-]+|nosec\b|mypy:\s*ignore-errors"
    r"|ruff:\s*noqa\b.*|flake8:\s*noqa\b.*|ty:\s*ignore\b(?:\[[^\]]*\])?)",
    re.IGNORECASE,
)
_ASKING = re.compile(r"sys\.modules|PYTEST_CURRENT_TEST|SkipTest|pytest\.(?:skip|xfail)\b")
_BRANCHES = re.compile(r"\{\s*\([^)]{0,200}\)\s*:|\bif\b[^:]{0,200}==[^:]{0,200}:[^\n]{0,200}\n?\s*return\b")
_SCRIPTS = re.compile(r"(.*/)?(setup|manage|conftest|__main__|noxfile|fabfile|wsgi|tasks)\.py"
                      r"|(.*/)?(scripts?|bin|tools|examples?|docs?|benchmarks?|\.?ci|hack|dev)/.*")  # fmt: skip


def outline_python(name: str, text: str, *, of_tests: bool) -> Outline:
    """Return the outline of a Python file; tests are looked for in one `of_tests` alone, the rest in the others."""
    if (tree := parse(text)) is None:
        return Outline(parsed=False)
    marks = list(_find_suppressions(text))
    if of_tests:
        return Outline(tuple(find_tests(tree, text.splitlines())), (*marks, *find_marks_of_tests(tree)))
    if names_runner(text):
        marks += [Mark("runner-patched", line, what, f"assigns to `{what}`") for line, what in find_patches(tree)]
    marks += _find_collectors(tree) if "load_tests" in text else []
    marks += _find_equal_to_all(tree) if "__eq__" in text or "__ne__" in text else []
    if not _SCRIPTS.fullmatch(name) and not text.startswith("#!"):
        marks += [*_find_exits(tree), *(_find_hard_exits(tree) if "_exit" in text else ())]
    marks += [*_find_stubs(tree), *(_find_asking(tree) if _ASKING.search(text) else ())]
    return Outline((), tuple(marks), branches=tuple(_find_branches(tree)) if _BRANCHES.search(text) else ())


def _find_collectors(tree: ast.Module) -> Iterator[Mark]:
    """Yield where code that is no test says which tests unittest finds in its package."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "load_tests":
            yield Mark("runner-patched", node.lineno, "load_tests", "`load_tests` says which tests are found")


# --- code ---------------------------------------------------------------------------------------------------------


def _find_equal_to_all(tree: ast.Module) -> Iterator[Mark]:
    for one in statements(tree.body):
        for method, body in _methods(one) if isinstance(one, ast.ClassDef) else ():
            always = {"__eq__": True, "__ne__": False}.get(method)
            if always is not None and isinstance(body, ast.Constant) and body.value is always:
                what = f"{one.name}.{method}"  # type: ignore[attr-defined]
                yield Mark("equals-anything", body.lineno, what, f"`{what}` is {always} whatever it is compared with")


def _methods(one: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """Yield the methods of a class that do nothing but return, with what they return."""
    for inner in one.body:
        if isinstance(inner, ast.FunctionDef):
            body = without_docstring(inner.body)
            if len(body) == 1 and isinstance(body[0], ast.Return) and body[0].value is not None:
                yield inner.name, body[0].value
        if isinstance(inner, ast.Assign) and isinstance(inner.value, ast.Lambda):
            yield from ((it.id, inner.value.body) for it in inner.targets if isinstance(it, ast.Name))


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
        elif isinstance(one, ast.With | ast.Try) or (isinstance(one, ast.If) and _holds_in_tests(one.test)):
            yield from _run_on_import(one.body)


def _holds_in_tests(test: ast.expr) -> bool:
    """Whether a condition holds always, or where a test runner is loaded."""
    return is_always_true(test) or any(
        isinstance(one, ast.Constant) and one.value in ("pytest", "_pytest", "unittest") for one in ast.walk(test)
    )


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
        body = without_docstring(function.body)
        names = {last_name(one.func if isinstance(one, ast.Call) else one) for one in function.decorator_list}
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
            bases = {last_name(it) for it in one.bases} | {last_name(it.value) for it in one.keywords}
            yield from _functions(
                one.body, f"{within}{one.name}.", abstract=bool(bases & {"ABC", "ABCMeta", "Protocol"})
            )
        elif isinstance(one, ast.If | ast.Try):
            yield from _functions([*one.body, *one.orelse], within, abstract=abstract)


def _find_asking(tree: ast.Module) -> Iterator[Mark]:
    """Yield where code asks whether a test runs it, or skips the test that does."""
    for node in ast.walk(tree):
        said = ast.unparse(node) if isinstance(node, ast.Compare | ast.Raise | ast.Call) else ""
        if isinstance(node, ast.Compare) and _LOOKS_FOR_RUNNER.fullmatch(said):
            yield Mark("special-cased", node.lineno, said, f"asks whether a test runs it: `{said}`")
        if isinstance(node, ast.Call) and _LOOKS_FOR_TEST.match(said):
            yield Mark("special-cased", node.lineno, said, f"asks whether a test runs it: `{said}`")
        if isinstance(node, ast.Raise | ast.Call) and _SKIPS_TEST.match(said):
            yield Mark("test-skipped", node.lineno, said, f"the code itself skips the test that runs it: `{said}`")


_LOOKS_FOR_RUNNER = re.compile(r"'(pytest|_pytest|unittest)' (not )?in sys\.modules|'PYTEST_CURRENT_TEST' (not )?in .*")
_LOOKS_FOR_TEST = re.compile(
    r"(os\.environ\.get|os\.getenv)\('PYTEST_CURRENT_TEST'|sys\.modules\.get\('(pytest|unittest)'\)"
)
_SKIPS_TEST = re.compile(r"raise (unittest\.|case\.)?SkipTest\b|pytest\.(skip|xfail)\(")


def _find_branches(tree: ast.Module) -> Iterator[Branch]:
    """Yield each `if … == LITERAL: return LITERAL`, and entries of a table of such that is looked up by arguments."""
    for table in (one for one in ast.walk(tree) if isinstance(one, ast.Subscript | ast.Call)):
        yield from _find_entries(table.value if isinstance(table, ast.Subscript) else table.func)
    for node in statements(tree.body):
        if isinstance(node, ast.If) and len(node.body) == 1 and isinstance(node.body[0], ast.Return):
            answer, inputs = node.body[0].value, _compared(node.test)
            if answer is not None and inputs and is_literal(answer):
                yield Branch(node.lineno, inputs, ast.unparse(answer))


def _find_entries(table: ast.expr) -> Iterator[Branch]:
    """Yield the entries of a table that is looked up where it stands, `{(2, 3): 5}[a, b]`."""
    table = table.value if isinstance(table, ast.Attribute) else table
    for key, value in zip(table.keys, table.values, strict=True) if isinstance(table, ast.Dict) else ():
        if isinstance(key, ast.Tuple) and is_literal(key) and is_literal(value):
            yield Branch(key.lineno, tuple(map(ast.unparse, key.elts)), ast.unparse(value))


def _compared(test: ast.expr) -> tuple[str, ...]:
    """Return the literals that a condition compares names with, "" alone where it asks for anything else."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        parts = [_compared(one) for one in test.values]
        return tuple(one for part in parts for one in part) if all(parts) else ()
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return ()
    name, value = test.left, test.comparators[0]
    named = all(isinstance(one, ast.Name) for one in (name.elts if isinstance(name, ast.Tuple) else [name]))
    if not named or not is_literal(value):
        return ()
    return tuple(
        map(ast.unparse, value.elts if isinstance(name, ast.Tuple) and isinstance(value, ast.Tuple) else [value])
    )


def find_calls(text: str) -> list[tuple[tuple[str, ...], str]]:
    """Return the calls in assertions of tests whose arguments are literals, with the other literals of each."""
    if (tree := parse(text)) is None:
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare):
            sides = [node.test.left, *node.test.comparators]
        elif isinstance(node, ast.Call) and ASSERTS.fullmatch(last_name(node.func)):
            sides = node.args
        else:
            continue
        answers = [ast.unparse(one) for one in sides if is_literal(one)]
        calls = [one for one in sides if isinstance(one, ast.Call) and one.args and all(map(is_literal, one.args))]
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
                yield Mark("suppression-added", token.start[0], what.lower(), f"`# {what}` came")
