"""Code that assigns into what tests it is found; code that merely uses it is not."""

from __future__ import annotations

import ast

import pytest

from harness.findings.patches import find_patches


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import unittest\nunittest.TestCase.run = None\n", [(2, "unittest.TestCase.run")]),
        ("from unittest import TestCase as T\nT.run = None\n", [(2, "T.run")]),
        ("from unittest.case import TestCase\nTestCase.run = None\n", [(2, "TestCase.run")]),
        ("import unittest as u\nsetattr(u.TestCase, 'run', None)\n", [(2, "u.TestCase.…")]),
        ("import unittest as u\n\ndelattr(u.TestCase, 'run')\n", [(3, "u.TestCase.…")]),
        ("def f():\n    import builtins\n    builtins.open = 1\n", [(3, "builtins.open")]),
        ("import _pytest.runner\n_pytest.runner.x = None\n", [(2, "_pytest.runner.x")]),
        ("import unittest.case\nunittest.case.run, x = 1, 2\n", [(2, "unittest.case.run")]),
        ("import pytest\ndel pytest.fail\n", [(2, "pytest.fail")]),
        ("import pluggy\npluggy.a['b'] = 1\n", [(2, "pluggy.a['b']")]),
        ("import os, doctest\ndoctest.a += 1\n", [(2, "doctest.a")]),
        ("import pytest\npytest.a: int = 1\n", [(2, "pytest.a")]),
        ("import pytest\npytest.a = pytest.b = 1\n", [(2, "pytest.a"), (2, "pytest.b")]),
    ],
)
def test_code_that_changes_what_tests_it_is_found(source: str, found: list[tuple[int, str]]) -> None:
    assert find_patches(ast.parse(source)) == found


@pytest.mark.parametrize(
    "source",
    [
        "import unittest\n\nclass Base(unittest.TestCase):\n    x = 1\n",
        "from unittest import mock\nm = mock.Mock()\n",
        "import builtins\nf = builtins.open\n",
        "x = {}\nx.unittest = 1\n",
        "import pytest\nraise SystemExit(pytest.main())\n",
        "import pytest\npytest = 1\n",
        "import pytest\nx[pytest.a] = 1\n",
        "import pytest as p\npytest.a = 1\n",
        "import os\nos.a = 1\n",
        "import pytester\npytester.a = 1\n",
        "from os import path\npath.a = 1\n",
        "from .unittest import TestCase\nTestCase.run = 1\n",
        "from . import unittest\nunittest.x = 1\n",
        "import pytest\nprint(pytest.a)\nsetattr()\nx.setattr(pytest.a, 'b', 1)\n",
        "f().x = 1\n",
    ],
)
def test_code_that_uses_it_is_not(source: str) -> None:
    assert find_patches(ast.parse(source)) == []
