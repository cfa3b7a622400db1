"""What came in a Python file of tests, and leaves all that was there as it was."""

from __future__ import annotations

import pytest

from harness.domain.additions import only_adds

OLD = """\
'''Words.'''
import os
from helpers import a, b as c

LIMIT = 3


def test_one():
    assert LIMIT == a(os)


class TestTwo(Base, key=1):
    SIZE = 1

    def test_two(self):
        assert c
"""


def adds(new: str, old: str = OLD) -> bool:
    return only_adds(old.encode(), new.encode())


CAME = {
    "a test": "def test_x():\n    assert LIMIT\n",
    "an async test": "async def test_x(): pass\n",
    "a helper": "def helper(): pass\n",
    "a fixture": "@fixture\ndef thing(): pass\n",
    "a fixture of pytest": "@pytest.fixture\ndef thing(): pass\n",
    "a fixture with a scope": "@pytest.fixture(scope='module')\ndef thing(): pass\n",
    "a fixture that is not for all": "@pytest.fixture(params=[1])\ndef thing(): pass\n",
    "a table of cases": "@pytest.mark.parametrize('x', [1])\ndef test_x(x): pass\n",
    "a class of tests": "class TestX(Base):\n    '''Words.'''\n    def test_x(self): pass\n",
    "a class of async tests": "class TestX:\n    async def test_x(self): pass\n",
    "an import": "import json\n",
    "an import of a part": "from json import loads as read\n",
    "a constant": "CASES = {'a': [1, -2, (None, b'')]}\n",
    "a name like a hook": "def load_tests_of(): pass\n",
    "words": "'more words'\n",
    "nothing": "pass\n",
}


@pytest.mark.parametrize("came", CAME.values(), ids=CAME)
def test_what_is_new_under_its_own_name_only_adds(came: str) -> None:
    assert adds(OLD + came)
    assert adds(came + OLD)
    assert adds(came, "")


CHANGES = {
    "a test went": OLD.replace("def test_one():\n    assert LIMIT == a(os)\n", ""),
    "a test is emptied": OLD.replace("assert LIMIT == a(os)", "pass"),
    "a constant is another": OLD.replace("LIMIT = 3", "LIMIT = 4"),
    "an import is another": OLD.replace("import os", "import sys as os"),
    "their order is another": OLD.replace("import os\n", "") + "import os\n",
    "a name is bound again": OLD + "def test_one(): pass\n",
    "a name that is used is bound": OLD + "def Base(): pass\n",
    "a name that is used as an attribute": OLD + "import os.path\n",
    "by an import": OLD + "import x as LIMIT\n",
    "by an import of a part": OLD + "from x import LIMIT\n",
    "by a constant": OLD + "LIMIT = 5\n",
    "by one of two": OLD + "X, (LIMIT, Y) = 1, (2, 3)\n",
    "twice what came": OLD + "def test_x(): pass\ndef test_x(): assert 0\n",
    "a method went": OLD.replace("    def test_two(self):\n        assert c\n", ""),
    "a method is emptied": OLD.replace("assert c", "pass"),
    "a value of a class is another": OLD.replace("SIZE = 1", "SIZE = 2"),
    "a value came in a class": OLD + "    MORE = 1\n",
    "a helper came in a class": OLD + "    def helper(self): pass\n",
    "a class came in a class": OLD + "    class Inner: pass\n",
    "a base is another": OLD.replace("(Base, key", "(Other, key"),
    "a base came": OLD.replace("(Base, key", "(Base, Other, key"),
    "a keyword is another": OLD.replace("key=1", "key=2"),
    "a decorator came on a class": OLD.replace("class Test", "@skip\nclass Test"),
    "a decorator came on a test": OLD.replace("def test_one", "@skip\ndef test_one"),
    "the class has another name": OLD.replace("TestTwo", "TestThree"),
    "the module of an import": OLD.replace("from helpers", "from others"),
    "the level of an import": OLD.replace("from helpers", "from .helpers"),
    "a name of an import went": OLD.replace("a, b as c", "b as c"),
    "a name of an import is another": OLD.replace("b as c", "x as c"),
    "names of an import in another order": OLD.replace("a, b as c", "b as c, a"),
    "a name that is used came in an import": OLD.replace("b as c", "b as c, LIMIT"),
    "and one as such": OLD.replace("b as c", "b as c, x as LIMIT"),
    "no Python": OLD + "def (:\n",
    "too deep": OLD + "(" * 500 + ")" * 500,
}


@pytest.mark.parametrize("new", CHANGES.values(), ids=CHANGES)
def test_what_changes_something_that_was_there_does_not_only_add(new: str) -> None:
    assert adds(new) is False


RUNS = {
    "code that runs": "print(1)\n",
    "an assignment of a call": "X = open('x')\n",
    "a set that holds a list": "X = {[]}\n",
    "an assignment to an attribute": "import os\nos.name = 'x'\n",
    "a loop": "for one in (): pass\n",
    "a hook": "def pytest_configure(): pass\n",
    "a list of plug-ins": "pytest_plugins = ['x']\n",
    "what pytest leaves out": "collect_ignore = ['test_a.py']\n",
    "a protocol of unittest": "def load_tests(loader, tests, pattern): return tests\n",
    "set-up of a module": "def setUpModule(): pass\n",
    "set-up as pytest has it": "def setup_module(): pass\n",
    "tear-down": "def tearDownModule(): pass\n",
    "tear-down as pytest has it": "def teardown_function(): pass\n",
    "a name that is private": "_hidden = 1\n",
    "a private function": "def __getattr__(name): pass\n",
    "a fixture for all": "@pytest.fixture(autouse=True)\ndef thing(): pass\n",
    "another decorator": "@skip\ndef test_x(): pass\n",
    "another of pytest": "@pytest.mark.skip\ndef test_x(): pass\n",
    "a decorator like a fixture": "@xfixture\ndef thing(): pass\n",
    "a decorator beyond a fixture": "@fixture.x\ndef thing(): pass\n",
    "two decorators": "@pytest.fixture\n@skip\ndef thing(): pass\n",
    "a class with a decorator": "@skip\nclass TestX: pass\n",
    "a name that is one line": "def _(): pass\n",
    "the name of pytest": "pytest = 1\n",
    "half a name that pytest obeys": "collect_ = 1\n",
    "set-up as nose had it": "def setup(): pass\n",
    "tear-down as nose had it": "def teardown(): pass\n",
    "a private name of two": "A, _b = 1, 2\n",
    "a fixture of a scope for all": "@pytest.fixture(scope='module', autouse=True)\ndef thing(): pass\n",
    "a class with words and a value": "class TestX:\n    '''Words.'''\n    x = 1\n",
    "a class with set-up": "class TestX:\n    def setUp(self): pass\n",
    "a class with a value": "class TestX:\n    x = 1\n",
    "a test of a class with a decorator": "class TestX:\n    @skip\n    def test_x(self): pass\n",
    "an annotated value": "x: int = open('x')\n",
    "a number that stands alone": "3\n",
}


@pytest.mark.parametrize("came", RUNS.values(), ids=RUNS)
def test_what_runs_or_is_obeyed_does_not_only_add(came: str) -> None:
    assert adds(came, "") is False
    assert adds(OLD + came) is False


IN_A, B = "class A:\n    def test_a(self): ", "    def test_b(self): pass\n"


@pytest.mark.parametrize(
    ("old", "new", "only"),
    [
        ("x: int = 1\n", "x: int = 1\nimport x\n", False),
        ("class A: pass\n", "class A: pass\nclass A: pass\n", False),
        ("class A: pass\n", "class A:\n    pass\n    def test_a(self): pass\n", True),
        ("class A: pass\n", "def A(): pass\n", False),
        ("def A(): pass\n", "class A: pass\n", False),
        ("from a import b\n", "import b\n", False),
        ("import b\n", "from a import b\n", False),
        ("from a import b\n", "from a import b, d as e\n", True),
        ("from a import b\nx = b\n", "from a import b, d\nx = b\n", True),
        ("from a import b\n", "from a import c\nfrom a import b\n", True),
        ("from a import b\nx.name\n", "from a import b, name\nx.name\n", False),
        ("import a.b\n", "import a.b\nimport a.c\n", False),
        ("import a.b as c\n", "import a.b as c\nimport a.c\n", True),
        (f"{IN_A}self.x\n", f"{IN_A}self.x\n{B}", True),
        (f"{IN_A}pass\n", f"{IN_A}pass\n{B}{B}", False),
        (f"{IN_A}test_b\n", f"{IN_A}test_b\n{B}", False),
        ("", "", True),
    ],
)
def test_names_that_others_use_are_left_alone(old: str, new: str, only: bool) -> None:
    assert adds(new, old) is only


def test_what_is_not_utf_8_does_not_only_add() -> None:
    assert not only_adds(b"", b"x = '\xff'\n")
    assert not only_adds(b"x = '\xff'\n", b"")


# --- what a test that came does ------------------------------------------------------------------------------------

TESTED = """import unittest

from calc import add


class TestAdd(unittest.TestCase):
    def test_adds(self):
        self.assertEqual(add(2, 3), 5)
"""


def with_test(*lines: str) -> str:
    return TESTED + "\n    def test_more(self):\n" + "".join(f"        {line}\n" for line in lines)


HONEST = {
    "asserts": with_test("self.assertEqual(add(1, 1), 2)"),
    "sets what it made": with_test(
        "user = User()", "user.name = 'x'", "self.user = user", "known = {}", "known['a'] = 1"
    ),
    "patches for a while": with_test("with mock.patch('calc.add', return_value=1) as made:", "    made.x = 1"),
    "a helper": TESTED + "\n\ndef both(a, b):\n    return add(a, b), add(b, a)\n",
}
LIES = {
    "binds a name anew": with_test("global add", "add = None"),
    "an attribute of a module": with_test("calc.add = None"),
    "an attribute by another name": with_test("m = calc", "m.add = None"),
    "by setattr": with_test("setattr(calc, 'add', None)"),
    "by the table of modules": with_test("m = sys.modules['calc']", "m.add = None"),
    "by globals": with_test("globals()['add'] = None"),
    "by a patch that stays": with_test("mock.patch('calc.add').start()"),
    "the class": with_test("TestAdd.test_adds = None"),
    "by a dunder": with_test("self.__class__.test_adds = None"),
    "a constant of a module": TESTED + "\n\ncalc.LIMIT = 5\n",
    "in a default": TESTED + "\n\ndef both(a=exec('add = 1')):\n    return a\n",
    "ends the process": with_test("os._exit(0)"),
}


@pytest.mark.parametrize("new", HONEST.values(), ids=HONEST)
def test_a_test_that_came_is_an_addition(new: str) -> None:
    assert only_adds(TESTED.encode(), new.encode())


@pytest.mark.parametrize("new", LIES.values(), ids=LIES)
def test_a_test_that_changes_what_others_use_is_none(new: str) -> None:
    assert not only_adds(TESTED.encode(), new.encode())
