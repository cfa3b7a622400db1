"""The last lines of test runners, as these print them, and how many tests they say ran."""

from __future__ import annotations

import pytest

from harness.domain.tests_ran import count_tests, say_failed


@pytest.mark.parametrize(
    ("output", "ran"),
    [
        ("12 passed in 0.31s", 12),
        ("==== 1 failed, 2 passed, 3 skipped, 1 warning in 1.20s ====", 3),
        ("1 passed, 2 deselected, 1 xfailed in 0.02s", 2),
        ("no tests ran in 0.00s", None),
        ("======= 3 skipped in 0.02s =======", 0),
        ("----\nRan 4 tests in 0.001s\n\nOK", 4),
        ("----\nRan 4 tests in 0.001s\n\nFAILED (failures=1, skipped=3)", 1),
        ("----\nRan 0 tests in 0.000s\n\nNO TESTS RAN", 0),
        ("Tests:       1 failed, 1 skipped, 4 passed, 6 total", 5),
        (" Test Files  1 passed (1)\n      Tests  3 passed | 2 skipped (5)", 3),
        ("# tests 5\n# suites 0\n# pass 4\n# fail 0\n# cancelled 0\n# skipped 1\n# todo 0", 4),
        ("ℹ tests 2\nℹ skipped 0\nℹ todo 0", 2),
        ("  5 passing (12ms)\n  2 pending\n  1 failing\n", 6),
        ("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured\n\ntest result: ok. 2 passed; 0 failed", 5),
        ("--- PASS: TestA (0.00s)\n    --- PASS: TestA/x (0.00s)\nok  \tm\t0.002s", 2),
        ("ok  \tm/a\t0.002s\nok  \tm/b\t(cached)\n?   \tm/c\t[no test files]", 2),
        ("--- FAIL: TestA (0.00s)\n--- FAIL: TestB (0.00s)\nFAIL\nFAIL\tm/a\t0.002s\nok  \tm/b\t0.1s\nFAIL", 2),
        ("=== RUN   TestA\n--- FAIL: TestA (0.00s)\nFAIL\nFAIL\tm/a\t0.002s\nok  \tm/b\t0.1s\nFAIL", 1),
        ("ok  \tm/a\t0.002s [no tests to run]", None),
        ("7 examples, 0 failures, 2 pending", 5),
        ("OK (6 tests, 9 assertions)", 6),
        ("Tests run: 5, Failures: 0, Errors: 0, Skipped: 2", 3),
        ("4 passed in 0.1s\nRan 2 tests in 0.001s\n\nOK", 6),
        ("", None),
        ("ok", None),
        ("I passed 3 tests in school", None),
    ],
)
def test_what_a_runner_says_at_its_end_is_how_many_tests_ran(output: str, ran: int | None) -> None:
    assert count_tests(output) == ran


@pytest.mark.parametrize(
    ("output", "failed"),
    [
        ("12 passed in 0.31s", ""),
        ("==== 1 failed, 2 passed, 1 warning in 1.20s ====", "==== 1 failed, 2 passed, 1 warning in 1.20s"),
        ("1 passed, 1 xfailed in 0.02s", ""),
        ("10 passed, 1 error in 0.02s", "10 passed, 1 error in 0.02s"),
        ("1 failed in 0.1s\n2 passed in 0.2s", ""),  # of a runner that the tests run
        ("Ran 4 tests in 0.001s\n\nOK", ""),
        (
            "Ran 4 tests in 0.001s\n\nFAILED (failures=1, skipped=3)",
            "Ran 4 tests in 0.001s FAILED (failures=1, skipped=3)",
        ),
        ("Tests:       1 failed, 1 skipped, 4 passed, 6 total", "Tests: 1 failed, 1 skipped, 4 passed, 6 total"),
        ("      Tests  1 failed | 3 passed (4)", "Tests 1 failed | 3 passed (4)"),
        ("      Tests  3 passed (3)", ""),
        ("# pass 4\n# fail 1\n# cancelled 0", "# fail 1"),
        ("# pass 4\n# fail 0\n# cancelled 0", ""),
        ("  5 passing (12ms)\n  2 pending\n  1 failing\n", "5 passing (12ms) 2 pending 1 failing"),
        ("  5 passing (12ms)\n", ""),
        ("test result: FAILED. 3 passed; 1 failed; 0 ignored", "test result: FAILED. 3 passed; 1 failed; 0 ignored"),
        ("test result: ok. 10 passed; 0 failed; 0 ignored", ""),
        ("7 examples, 1 failure", "7 examples, 1 failure"),
        ("I have seen 3 failures in 2 days", ""),
        ("", ""),
    ],
)
def test_a_runner_says_at_its_end_that_tests_failed(output: str, failed: str) -> None:
    assert say_failed(output) == failed


def test_a_test_that_is_not_there_is_no_failure_but_an_error() -> None:
    output = "Ran 1 test in 0.000s\n\nFAILED (errors=1)"
    assert (say_failed(output), say_failed(output, errors=False)) == ("Ran 1 test in 0.000s FAILED (errors=1)", "")
