"""The tests of a Python file by its syntax tree, and what in such a file takes tests out or lets them pass."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from harness.findings.change import Assertion, Body, Mark, Test
from harness.findings.python_syntax import Function, is_always_true, is_plain, last_name, without_docstring

ASSERTS = re.compile(r"assert\w*|fail\w*|raises|warns|deprecated_call|approx_equal|verify\w*|expect\w*|check\w*")
_WEAK = {"assertIsNotNone", "assertIsInstance", "assert_called", "assertNotEqual", "assertNotIsInstance", "assertIsNot"}
_SKIPS = re.compile(r"(.*\.)?(skip|skipif|skipIf|skipUnless|xfail|expectedFailure|SkipTest|importorskip)")
_ALWAYS = re.compile(r"(.*\.)?(skip|xfail|expectedFailure|SkipTest)")
_LITERALS = re.compile(
    r"[bfru]*'(?:\\.|[^'\\])*'|[bfru]*\"(?:\\.|[^\"\\])*\"|-?\b\d[\w.]*|\b(?:True|False|None)\b", re.IGNORECASE
)
_CAUGHT = {"AssertionError", "Exception", "BaseException"}
_OF_UNITTEST = re.compile(
    r"run|debug|fail|assert((Not)?(Equals?|In|Is|IsNone|IsInstance|Regex|AlmostEqual)|True|False|Raises(Regex)?"
    r"|Warns(Regex)?|Logs|CountEqual|(Dict|List|Tuple|Set|Sequence|MultiLine)Equal|Greater(Equal)?|Less(Equal)?)"
)


def find_tests(tree: ast.Module, lines: Sequence[str]) -> Iterator[Test]:
    """Yield the tests of a file, methods too."""
    for within, function, skipped in _walk_tests(tree.body, "", ""):
        own = _find_skip(function.decorator_list) or skipped or _find_skip_inside(function)
        first = min((one.lineno for one in function.decorator_list), default=function.lineno)
        source = "\n".join(lines[first - 1 : function.end_lineno])
        name, sometimes = f"{within}{function.name}", "(" in own and not own.endswith("()")
        yield Test(name, function.lineno, source, own, partial(_read, function), sometimes, _count_cases(function))


def _count_cases(function: Function) -> int | None:
    """Return how many cases a test is given in lists that stand at it; None where there are none, or not all there."""
    found = None
    for one in function.decorator_list:
        if isinstance(one, ast.Call) and last_name(one.func) == "parametrize" and len(one.args) >= 2:
            if not isinstance(one.args[1], ast.List | ast.Tuple):
                return None
            found = (1 if found is None else found) * len(one.args[1].elts)
    return found


def _read(function: Function) -> Body:
    nodes = [node for one in function.body for node in ast.walk(one)]
    return Body(
        text=" ".join(map(ast.unparse, without_docstring(function.body))),
        asserts=tuple(_find_assertions(nodes)),
        calls=frozenset(last_name(node.func) for node in nodes if isinstance(node, ast.Call)),
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
            always = _ALWAYS.fullmatch(name) or (isinstance(one, ast.Call) and one.args and is_always_true(one.args[0]))
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


def find_marks_of_tests(tree: ast.Module) -> Iterator[Mark]:
    """Yield what in a file of tests takes several of them out, or has a say in how they end."""
    yield from _find_module_skips(tree)
    yield from _find_shadowed(tree.body, "")
    imported = set(_find_imported(tree))
    for one in tree.body:
        if isinstance(one, Function) and one.name == "load_tests":
            yield Mark("test-hook", one.lineno, one.name, "`load_tests` says which tests of the file there are")
        for target in one.targets if isinstance(one, ast.Assign) else ():
            root = target
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(target, ast.Attribute) and isinstance(root, ast.Name) and root.id in imported:
                what = ast.unparse(target)
                yield Mark("test-hook", one.lineno, what, f"puts something else in the place of `{what}` for all tests")
        if isinstance(one, ast.ClassDef):
            methods = [it for it in one.body if isinstance(it, Function) and _OF_UNITTEST.fullmatch(it.name)]
            for what, line in ((f"{one.name}.{it.name}", it.lineno) for it in methods):
                yield Mark("test-hook", line, what, f"`{what}` takes the place of what unittest has")


def _find_module_skips(tree: ast.Module) -> Iterator[Mark]:
    for one in tree.body:
        names = {last_name(it) for it in one.targets} if isinstance(one, ast.Assign) else set()
        if isinstance(one, ast.Assign) and "pytestmark" in names:
            found = (it for it in ast.walk(one.value) if isinstance(it, ast.Attribute))
            for what in (ast.unparse(it) for it in found if it.attr in ("skip", "xfail", "skipif")):
                yield Mark("test-skipped", one.lineno, what, f"skips the whole file: `{what}`")
        call = one.value if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call) else None
        if call is not None and (what := ast.unparse(call.func)) in ("pytest.skip", "pytest.exit"):
            yield Mark("test-skipped", one.lineno, what, f"skips the whole file: `{what}`")


def _find_shadowed(body: Sequence[ast.stmt], within: str) -> Iterator[Mark]:
    """Yield tests, and classes of them, that another of the same name in the same place takes the place of."""
    named = [one for one in body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    named = [one for one in named if one.name.lower().startswith("test") and not one.decorator_list]
    often = Counter(one.name for one in named)
    for one in named:
        if often[one.name] > 1:
            what, often[one.name] = f"{within}{one.name}", 0
            yield Mark("test-removed", one.lineno, what, f"`{what}` is defined again: the first of them is not run")
        if isinstance(one, ast.ClassDef):
            yield from _find_shadowed(one.body, f"{one.name}.")


def _find_imported(tree: ast.Module) -> Iterator[str]:
    """Yield the names of modules that are imported and no part of Python."""
    for one in tree.body:
        for name in one.names if isinstance(one, ast.Import) else ():
            if name.name.partition(".")[0] not in sys.stdlib_module_names:
                yield name.asname or name.name.partition(".")[0]


def _find_assertions(nodes: Sequence[ast.AST]) -> Iterator[Assertion]:
    tries = (one for one in nodes if isinstance(one, ast.Try) and _catches(one))
    caught = {id(node) for one in tries for node in _within(one)}
    for node in nodes:
        if isinstance(node, ast.Assert):
            constant = is_always_true(node.test) or id(node) in caught
            yield _assertion(node, node.test, constant=constant, weak=_is_weak(node.test))
        elif isinstance(node, ast.Call) and (name := last_name(node.func)) and ASSERTS.fullmatch(name):
            weak = name in _WEAK or (name == "assertTrue" and bool(node.args) and _is_weak(node.args[0]))
            yield _assertion(node, node, constant=_is_constant(name, node) or id(node) in caught, weak=weak)


def _is_constant(name: str, call: ast.Call) -> bool:
    first, second = [*call.args[:2], None, None][:2]
    if name in ("assertTrue", "assertFalse"):
        return first is not None and is_plain(first) and isinstance(first, ast.Constant)
    if name != "assertEqual" or first is None or second is None:
        return False
    return is_plain(first) and ast.dump(first) == ast.dump(second) and not isinstance(first, ast.Name)


def _catches(one: ast.Try) -> bool:
    """Whether a failure of an assertion is caught, and nothing follows from it."""
    for handler in one.handlers:
        kinds = ast.walk(handler.type) if handler.type else ()
        names = {last_name(it) for it in kinds if isinstance(it, ast.expr)}
        is_silent = all(isinstance(it, ast.Pass) for it in without_docstring(handler.body))
        if is_silent and (handler.type is None or names & _CAUGHT):
            return True
    return False


def _within(one: ast.Try) -> Iterator[ast.AST]:
    for statement in one.body:
        yield from ast.walk(statement)


def _assertion(node: ast.Assert | ast.Call, said: ast.expr, *, constant: bool, weak: bool) -> Assertion:
    text = ast.unparse(said)
    return Assertion(node.lineno, text, text, _LITERALS.sub("0", text), constant, weak)


def _is_weak(test: ast.expr) -> bool:
    """Whether an assertion asks for little: that there is something, or what kind it is."""
    if isinstance(test, ast.Compare):
        return len(test.ops) == 1 and isinstance(test.ops[0], ast.IsNot | ast.NotEq)
    kind = isinstance(test, ast.Call) and last_name(test.func) in ("isinstance", "hasattr", "callable", "bool")
    return kind or isinstance(test, ast.Name | ast.Attribute)
