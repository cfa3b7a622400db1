"""Code that assigns into what tests it is found; code that merely uses it is not."""

from __future__ import annotations

import ast

import pytest

from harness.findings.patches import find_patches


@pytest.mark.parametrize(
    "source",
    [
        "import unittest\nunittest.TestCase.assertEqual = lambda *_: None\n",
        "from unittest import TestCase as T\nT.assertEqual = None\n",
        "import unittest as u\nsetattr(u.TestCase, 'assertEqual', None)\n",
        "def f():\n    import builtins\n    builtins.AssertionError = Warning\n",
        "import _pytest.runner\n_pytest.runner.pytest_runtest_makereport = None\n",
        "import unittest.case\nunittest.case.TestCase.run, x = 1, 2\n",
        "import pytest\ndel pytest.fail\n",
    ],
)
def test_code_that_changes_what_tests_it_is_found(source: str) -> None:
    assert len(find_patches(ast.parse(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import unittest\n\nclass Base(unittest.TestCase):\n    x = 1\n",
        "from unittest import mock\nm = mock.Mock()\n",
        "import builtins\nf = builtins.open\n",
        "x = {}\nx.unittest = 1\n",
        "import pytest\nraise SystemExit(pytest.main())\n",
    ],
)
def test_code_that_uses_it_is_not(source: str) -> None:
    assert find_patches(ast.parse(source)) == []
