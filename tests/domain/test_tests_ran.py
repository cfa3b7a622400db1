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
        ("Tests: 1 skipped, 4 passed, 5 total", 4),
        ("# tests 5\n# skipped \n", 5),
        ("1 xpassed in 0.10 s", 1),
        ("Ran 1 test in 0.001s\n\nOK", 1),
        ("Tests: 3 passed", 3),
        ("ℹ tests 5\nℹ skipped 1\nℹ todo 1", 3),
        ("--- FAIL: TestA (0.00s)", None),  # without `-v` it names only those that fail
        ("FAIL\tm\t0.002s\nok  \tn\t\t0.002s", 2),
        ("1 example, 1 failure", 1),
        ("OK (1 test, 1 assertion)", 1),
        ("[ERROR] Tests run: 5, Failures: 1, Errors: 0, Skipped: 0", 5),
        ("", None),
        ("ok", None),
        ("I passed 3 tests in school", None),
        ("12  in 0.3s", None),
        ("==  in 0.3s", None),
        ("12 passed in s", None),
        ("Ran 4 tests in s\n\nOK", None),
        ("Ran 4 tests in 0.1s, they say", None),
        ("Tests:3 passed", None),
        ("Tests: 5 skipped, 5 total", None),
        ("5 passing", None),
        ("test result: . 3 passed; 0 failed", None),
        ("okay\t0.002s", None),
        ("ok  0.002s", None),
        ("ok\tm0.002s", None),
        ("ok\tm\ts", None),
        ("5 examples,  failures", None),
        ("Tests run: 5, Failures: , Errors: 0, Skipped: 0", None),
        ("Tests run: 5, Failures: 0, Errors: , Skipped: 0", None),
        ("Tests run: 5, Failures: 0, Errors: 0, Skipped: ", None),
        ("[] Tests run: 5, Failures: 0, Errors: 0, Skipped: 0", None),
        ("Tests run: 5, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 1 s -- in TestA", None),
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


RAN = [
    "{} passed in 1.25s",
    "Ran {} tests in 10.001s\n\nOK",
    "Tests:       {} passed, 15 total",
    "Tests:       {} failed, 15 total",
    "      Tests  {} passed (15)",
    "# tests {}",
    "ℹ tests {}",
    "  {} passing (12ms)",
    "  {} failing",
    "test result: ok. {} passed; 0 failed; 1 ignored",
    "test result: FAILED. 0 passed; {} failed",
    "{} examples, 0 failures",
    "OK ({} tests, 9 assertions)",
    "Tests: {}, Assertions: 9, Failures: 1.",
    "[INFO] Tests run: {}, Failures: 10, Errors: 10, Skipped: 0",
]


@pytest.mark.parametrize("line", RAN)
def test_any_number_is_read_where_a_line_of_a_runner_has_it(line: str) -> None:
    assert [count_tests(line.format(number)) for number in ("3", "12", "345")] == [3, 12, 345]
    assert [count_tests(line.format(number)) for number in ("", "x")] == [None, None]
    assert count_tests("words\n" + line.format(12) + "\nwords") == 12


@pytest.mark.parametrize("line", [*RAN, "ok  \tm\t0.002s", "--- PASS: TestA (0.00s)"])
def test_a_line_that_only_quotes_a_runner_says_nothing(line: str) -> None:
    assert count_tests("> " + line.format(12)) is None
    assert count_tests(line.format(12)) is not None


@pytest.mark.parametrize(
    "lines",
    [
        "Ran 400 tests in 1.0s\n\nOK (skipped={})",
        "Ran 400 tests in 1.0s\n\nFAILED (failures=1, skipped={})",
        "# tests 400\n# skipped {}",
        "# tests 400\n# todo {}",
        "400 examples, 12 failures, {} pending",
        "Tests run: 400, Failures: 0, Errors: 0, Skipped: {}",
    ],
)
def test_what_was_skipped_did_not_run(lines: str) -> None:
    assert [count_tests(lines.format(number)) for number in ("3", "12", "345")] == [397, 388, 55]
    assert count_tests(lines.format("3").replace("\n#", "\n> #")) == (400 if "#" in lines else 397)
