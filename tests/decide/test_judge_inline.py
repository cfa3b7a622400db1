"""Tests that stand in the code are put back; the code around them stays as the work has it."""

from __future__ import annotations

import pytest

from harness.decide.judge_inline import find_inline, restore_inline

RUST = """//! All.

/// Adds.
///
/// ```
/// assert_eq!(calc::add(2, 3), 5);
/// ```
pub fn add(a: i64, b: i64) -> i64 {
    a - b
}

#[cfg(test)]
mod tests {
    #[test]
    fn adds() {
        assert_eq!(super::add(2, 3), 5, "}");
    }
}
"""
PYTHON = '''"""Sums."""

import unittest


def add(a, b):
    """Add.

    >>> add(2, 3)
    5
    """
    return a - b


class TestAdd(unittest.TestCase):
    def test_adds(self):
        self.assertEqual(add(2, 3), 5)


if __name__ == "__main__":
    unittest.main()
'''
WEAK = {
    "a module of tests": ("a.rs", RUST, RUST.replace("3), 5, ", "3), -1, ")),
    "a module of tests gone": ("a.rs", RUST, RUST[: RUST.index("#[cfg")]),
    "an example": ("a.rs", RUST, RUST.replace("3), 5);\n/// ```", "3), -1);\n/// ```")),
    "an example that does not run": ("a.rs", RUST, RUST.replace("/// ```\n", "/// ```ignore\n", 1)),
    "a class": ("a.py", PYTHON, PYTHON.replace("self.assertEqual(add(2, 3), 5)", "pass")),
    "a class gone": ("a.py", PYTHON, PYTHON.replace(PYTHON[PYTHON.index("class") : PYTHON.index("if __")], "")),
    "a docstring": ("a.py", PYTHON, PYTHON.replace("    5\n", "    -1\n")),
    "a docstring gone": ("a.py", PYTHON, PYTHON.replace("    >>> add(2, 3)\n    5\n", "")),
}


def without_space(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(("name", "old", "weak"), WEAK.values(), ids=WEAK)
def test_what_judges_is_put_back_and_the_work_stays(name: str, old: str, weak: str) -> None:
    assert find_inline(name, weak) != find_inline(name, old)
    restored = restore_inline(name, old, weak.replace("a - b", "a + b"))
    assert without_space(restored) == without_space(old.replace("a - b", "a + b"))


HONEST = {
    "Rust": ("a.rs", RUST, RUST.replace("a - b", "a + b").replace("Adds.", "Adds two.")),
    "Python": ("a.py", PYTHON, PYTHON.replace("a - b", "a + b").replace("Add.", "Add two.")),
    "Python that cannot be read": ("a.py", PYTHON, "def ("),
    "Python without tests": ("a.py", "def test_a():\n    pass\n", "def test_a():\n    return 1\n"),
}


@pytest.mark.parametrize(("name", "old", "new"), HONEST.values(), ids=HONEST)
def test_work_around_tests_is_left_alone(name: str, old: str, new: str) -> None:
    assert restore_inline(name, old, new) == new


def test_a_test_that_came_beside_others_stays() -> None:
    new = PYTHON.replace("class TestAdd", "class TestMore(unittest.TestCase):\n    pass\n\n\nclass TestAdd")
    assert restore_inline("a.py", PYTHON, new) == new


def test_code_that_asserts_by_a_library_of_tests_judges_as_a_whole() -> None:
    code = 'package is\n\nimport "testing"\n'
    assert (find_inline("is/is.go", code), restore_inline("is/is.go", code, "package is\n")) == (code, code)
    assert find_inline("is/is.go", "package is\n") == ""
