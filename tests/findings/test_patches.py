"""Code that assigns into what tests it is found; code that merely uses it is not."""

from __future__ import annotations

import ast

import pytest

from harness.findings.code import read_code
from harness.findings.patches import find_patches, find_patches_in_code


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
        ("__import__('unittest').TestCase.run = None\n", [(1, "__import__('unittest').TestCase.run")]),
        ("import sys\nsys.modules['unittest'].run = None\n", [(2, "sys.modules['unittest'].run")]),
        ("import importlib\nr = importlib.import_module('unittest.case')\nr.run = None\n", [(3, "r.run")]),
        ("from unittest import TestCase, mock\nmock.patch.object(TestCase, 'run').start()\n", [(2, "TestCase.…")]),
        (
            "from unittest.mock import patch\npatch('unittest.TestCase.run').start()\n",
            [(2, "'unittest.TestCase.run'.…")],
        ),
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
        "import importlib\nm = importlib.import_module('calc')\nm.x = 1\n",
        "from unittest.mock import patch\npatch('calc.add').start()\n",
        "import sys\nsys.modules['calc'] = None\n",
        "import pytest\npytest = 1\n",
        "import pytest\nx[pytest.a] = 1\n",
        "import pytest as p\npytest.a = 1\n",
        "import os\nos.a = 1\n",
        "import pytester\npytester.a = 1\n",
        "from os import path\npath.a = 1\n",
        "from .unittest import TestCase\nTestCase.run = 1\n",
        "from . import unittest\nunittest.x = 1\n",
        "import pytest\nprint(pytest.a)\nsetattr()\n",
        "f().x = 1\n",
    ],
)
def test_code_that_uses_it_is_not(source: str) -> None:
    assert find_patches(ast.parse(source)) == []


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("javascript", 'import assert from "node:assert";\nassert.equal = () => {};\n'),
        ("javascript", 'import * as all from "assert";\nall["equal"] = null;\n'),
        ("javascript", 'import { default as a } from "assert";\nObject.defineProperty(a, "ok", {});\n'),
        ("javascript", 'const assert = require("assert/strict");\nfor (const one in assert) assert[one] = () => {};\n'),
        ("typescript", 'import assert from "node:assert/strict";\n(assert as any).equal = () => {};\n'),
        ("javascript", "globalThis.expect = () => ({});\n"),
        ("javascript", "expect.extend({ toBe: () => ({ pass: true }) });\n"),
        ("javascript", "globalThis.it = (name) => it(name);\n"),
        ("rust", "macro_rules! assert_eq {\n    ($($any:tt)*) => {};\n}\n"),
    ],
)
def test_so_is_code_in_other_languages(language: str, source: str) -> None:
    assert len(find_patches_in_code(read_code(language, source))) == 1


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("javascript", 'import assert from "node:assert";\nassert.equal(add(1, 1), 2);\n'),
        ("javascript", 'import assert from "node:assert";\nconst x = assert.ok === other;\n// assert.ok = 1\n'),
        ("javascript", 'const text = "globalThis.expect = 1";\n'),
        ("javascript", "globalThis.other = 1;\nmy.test = 2;\n"),
        ("typescript", 'import { test } from "./mine";\ntest.only = 1;\n'),
        ("rust", "macro_rules! sum { () => {}; }\n// macro_rules! assert\n"),
        ("rust", "macro_rules! assert_suffix_min { () => {}; }\n"),
        ("go", "assert.Equal = nil\n"),
    ],
)
def test_what_merely_uses_an_assertion_is_not(language: str, source: str) -> None:
    assert find_patches_in_code(read_code(language, source)) == []
