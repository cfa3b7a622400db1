"""The second look at a claim whose checks passed: what it finds, whom it asks, what the receipt says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.desk import Desk, open_desk
from helpers.marks import needs_bwrap

from harness.attempts.held_out import HIDDEN
from harness.attempts.order import Delivery, Replay
from harness.attempts.second_look import CHANGED, FEWER, REPLAYED, look_again
from harness.decide.judge_files import Judging, Role
from harness.domain.verdict import CheckedIn, CheckRun
from harness.records.receipt import NOT_WITHOUT
from harness.workspace.held_out import digest_held_out

UNIT = "unittest"
FILES = {
    "calc.py": "import pytest\npytest.known = 1\n",
    "test_calc.py": "1\n",
    "gone.txt": "1\n",
    "../outer.py": "1\n",
    "specs/a/held-out/case.sh": "true\n",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    top = tmp_path_factory.mktemp("second_look") / "top"
    with open_desk(top, FILES, ["test -f gone.txt", UNIT]) as made:
        yield made


@pytest.fixture(autouse=True)
def fresh(desk):
    desk.record.baseline, desk.record.tests_before = desk.attempt.feature.sha256, {}
    desk.record.before, desk.record.allowed, desk.record.changed = {}, {}, set()


def green(command: str = UNIT, tail: str = "") -> CheckRun:
    return CheckRun(command, 0, 1.0, tail)


def red(command: str = UNIT, **given) -> CheckRun:
    return CheckRun(command, 1, 1.2504, **{"tail": "it failed\n", **given})


GREEN = (green(),)
TEST = Judging("app/test_calc.py", "test_calc.py", Role.TEST, "100644 a", "100644 b")
OTHER = Judging("app/rules.txt", "rules.txt", Role.SCRIPT, "", "100644 c")


def look(desk: Desk, delivery: Delivery, *judging: Judging, replay: Replay | None = None, runs=GREEN, **given):
    found = desk.leave(given.pop("files", {}), judging=judging)
    attempt = desk.ordered(replay=replay)
    attempt = replace(attempt, feature=replace(attempt.feature, **given))
    return look_again(desk.run, attempt, found, delivery, runs)


@pytest.fixture
def replay(desk):
    found = desk.leave({"calc.py": "x\n"})
    plan = desk.plan(found)
    return Replay(plan)


def test_a_check_of_harness_s_own_says_whose_it_is() -> None:
    own = {REPLAYED, FEWER, CHANGED, HIDDEN}
    assert len(own) == len([one for one in own if one.startswith("harness: ")]) == 4


# --- what judges --------------------------------------------------------------------------------------------------


def test_a_claim_that_no_judging_file_is_part_of_is_told_nothing(desk) -> None:
    judgement = look(desk, Delivery())
    assert (judgement.red, judgement.question, judgement.about, judgement.lines) == ((), "", {}, ())


def test_without_a_replay_the_receipt_says_what_was_not_shown(desk) -> None:
    judgement = look(desk, Delivery(), TEST, OTHER)
    assert judgement.red == ()
    assert judgement.lines == (
        f"test_calc.py (a test): changed; {NOT_WITHOUT}",
        f"rules.txt (a script that checks run): new; {NOT_WITHOUT}",
    )


@pytest.mark.parametrize(
    ("one", "needed", "says"),
    [
        (TEST, (), "changed; the checks pass without that"),
        (TEST, ("pytest x",), "changed; all checks pass without that but `pytest x`, which needs it"),
        (TEST, ("a", "b"), "changed; all checks pass without that but `a`, `b`, which needs it"),
        (TEST, ("x" * 99,), f"changed; all checks pass without that but `{'x' * 59}…`, which needs it"),
        (replace(TEST, now=""), ("a",), "deleted; the checks pass with it"),
        (replace(TEST, was="?", now="?"), ("a",), f"changed; {NOT_WITHOUT}"),
        (OTHER, (), "new; the checks pass without that"),
    ],
)
def test_a_replay_that_passes_is_told_for_each_file(desk, replay, one, needed, says) -> None:
    judgement = look(desk, Delivery(replayed=(green(),), needed_new=needed), one, replay=replay)
    assert judgement.red == ()
    assert judgement.lines == (f"{one.shown} ({one.role}): {says}",)


def test_without_a_replay_that_ran_none_is_believed(desk, replay) -> None:
    assert look(desk, Delivery(replayed=(red(),)), TEST).lines == (f"test_calc.py (a test): changed; {NOT_WITHOUT}",)
    assert look(desk, Delivery(), TEST, replay=replay).lines == (f"test_calc.py (a test): changed; {NOT_WITHOUT}",)


def test_checks_that_fail_with_what_judges_as_it_was_are_red(desk, replay) -> None:
    delivery = Delivery(replayed=(red(), green("b"), red("c")))
    judgement = look(desk, delivery, TEST, OTHER, replay=replay)
    assert (judgement.question, judgement.about, judgement.lines) == ("", {}, ())
    (found,) = judgement.red
    assert (found.command, found.code, found.seconds) == (REPLAYED, 1, 2.501)
    assert found.tail == (
        f"`{UNIT}` and `c` fail with `test_calc.py` and `rules.txt` as before the work: "
        "the work is not to change what judges it\na spec allows it by `may_change`\n\nit failed"
    )


def test_of_many_files_five_are_named_and_a_long_check_is_cut(desk, replay) -> None:
    many = [replace(TEST, shown=f"t{number}.py") for number in range(7)]
    (found,) = look(desk, Delivery(replayed=(red("x" * 99, tail=""),)), *many, replay=replay).red
    assert found.tail.startswith(f"`{'x' * 59}…` fails with `t0.py`, `t1.py`, `t2.py`, `t3.py`, `t4.py` and more as ")
    assert found.tail.endswith("what judges it\na spec allows it by `may_change`")


def test_a_replay_that_was_stopped_judges_nothing(desk, replay) -> None:
    stopped = red("c", stopped=True)
    judgement = look(desk, Delivery(replayed=(red(), stopped)), TEST, replay=replay)
    assert (judgement.red, judgement.question) == ((stopped,), "")


@pytest.fixture
def in_tree(replay):
    """A claim that is checked in the working tree: what was green before is what the baseline says."""
    return replace(replay, control=replay.as_it_was)


def test_what_was_green_before_is_a_persons_to_allow(desk, in_tree) -> None:
    desk.record.before = {UNIT: True, "b": True, "c": False}
    judgement = look(desk, Delivery(replayed=(red(), red("b"))), TEST, OTHER, replay=in_tree)
    assert [one.command for one in judgement.red] == [REPLAYED]
    assert judgement.question.startswith(
        f"`{UNIT}` and `b` fail with `test_calc.py` and `rules.txt` as before the work, "
    )
    assert "passed before it. `harness allow a test_calc.py rules.txt` lets the change stand" in judgement.question
    assert "`harness answer`" in judgement.question
    assert judgement.about == {"test_calc.py": TEST.now, "rules.txt": OTHER.now}


@pytest.mark.parametrize("before", [{UNIT: True, "b": False}, {UNIT: True}, {}], ids=["one red", "one unknown", "none"])
def test_what_was_red_before_is_asked_of_nobody(desk, in_tree, before) -> None:
    desk.record.before = before
    assert look(desk, Delivery(replayed=(red(), red("b"))), TEST, replay=in_tree).question == ""


def test_what_another_spec_was_green_by_is_asked_of_nobody(desk, in_tree) -> None:
    desk.record.before, desk.record.baseline = {UNIT: True}, "other"
    assert look(desk, Delivery(replayed=(red(),)), TEST, replay=in_tree).question == ""


def test_where_claims_are_checked_clean_the_base_is_checked_once_more(desk, replay) -> None:
    desk.record.before = {UNIT: True}
    there = Delivery(replayed=(red("test -f gone.txt"),))
    assert "passed before it" in look(desk, there, TEST, replay=replay).question
    assert look(desk, Delivery(replayed=(red(),)), TEST, replay=replay).question == ""
    assert look(desk, Delivery(replayed=(red(), red("test -f gone.txt"))), TEST, replay=replay).question == ""


# --- fewer tests --------------------------------------------------------------------------------------------------

FIVE, ONE = green(tail="Ran 5 tests in 0.1s\n\nOK"), green("b", tail="Ran 1 test in 0.1s\n\nOK")


def test_fewer_tests_than_before_are_red(desk, replay) -> None:
    desk.record.tests_before = {UNIT: 6, "b": 1, "x" * 99: 2, "c": 1, "d": 1}
    runs = (FIVE, ONE, green("x" * 99, tail="nothing"), green("c"), red("d"))
    for judgement in (
        look(desk, Delivery(), runs=runs),
        look(desk, Delivery(replayed=(green(),)), runs=runs),
        look(desk, Delivery(replayed=(FIVE, ONE, *runs[2:4])), replay=replay),
    ):
        (found,) = judgement.red
        assert (found.command, found.code, found.seconds) == (FEWER, 1, 0.0)
        said = found.tail.split("; ")
        assert said == [
            f"`{UNIT}` ran 6 tests before the work, and 5 now",
            f"`{'x' * 59}…` ran 2 tests before the work, and none now",
            "`c` ran 1 test before the work, and none now",
        ]


def test_as_many_tests_as_before_are_enough(desk) -> None:
    desk.record.tests_before = {UNIT: 5, "b": 0}
    assert look(desk, Delivery(), runs=(FIVE, ONE, green("never counted"))).red == ()


def test_tests_may_go_where_a_person_said_so(desk) -> None:
    desk.record.tests_before = {UNIT: 6}
    usual = {"files": {"test_calc.py": None}, "runs": (FIVE,)}
    assert [one.command for one in look(desk, Delivery(), **usual).red] == [FEWER]
    assert look(desk, Delivery(), **usual, may_change=("test_*.py",)).red == ()
    assert look(desk, Delivery(), **usual, may_change=("other.py",)).red != ()
    assert look(desk, Delivery(), files={}, runs=(FIVE,), may_change=("test_*.py",)).red != ()
    desk.record.changed = {"app/test_calc.py"}
    assert look(desk, Delivery(), files={}, runs=(FIVE,), may_change=("test_*.py",)).red == ()
    desk.record.changed, desk.record.allowed = set(), {"x": "1"}
    assert look(desk, Delivery(), **usual).red == ()
    desk.record.allowed, desk.record.baseline = {}, "another spec"
    assert look(desk, Delivery(), **usual).red == ()


def test_tests_may_go_in_what_an_agent_committed_itself(desk) -> None:
    desk.record.tests_before = {UNIT: 6}
    found = replace(desk.leave({}), committed=("app/test_calc.py",))
    assert look_again(desk.run, desk.meant(may_change=("test_*.py",)), found, Delivery(), (FIVE,)).red == ()


# --- code that changes what tests it ------------------------------------------------------------------------------

PATCH = "import pytest\n\npytest.fail = print\n"


def test_code_that_changes_what_tests_it_is_red(desk) -> None:
    (found,) = look(desk, Delivery(), files={"calc.py": PATCH, "b.py": PATCH, "a.txt": PATCH}).red
    assert (found.command, found.code, found.seconds) == (CHANGED, 1, 0.0)
    said = "3: assigns to `pytest.fail` (runner-patched)"
    assert found.tail.splitlines()[:2] == [f"b.py:{said}", f"calc.py:{said}"]
    assert "`may_change`" in found.tail.splitlines()[2]


@pytest.mark.parametrize(
    ("files", "given"),
    [
        ({"calc.py": "import pytest\n\npytest.known = 2\n"}, {}),
        ({"calc.py": PATCH}, {"may_change": ("calc.py",)}),
        ({"../outer.py": PATCH}, {}),
        ({"calc.py": None}, {}),
        ({"notes.txt": PATCH}, {}),
    ],
    ids=["as it did", "as a spec says", "outside of the project", "gone", "no Python"],
)
def test_code_that_does_not_is_left_alone(desk, files, given) -> None:
    assert look(desk, Delivery(), files=files, **given).red == ()


@pytest.mark.parametrize(("others", "red"), [(999, [CHANGED]), (1000, [])])
def test_a_thousand_files_are_looked_at(desk, others, red) -> None:
    found = desk.leave({"calc.py": PATCH})
    names = [*(f"app/a{number:04}.txt" for number in range(others)), "app/calc.py"]
    many = replace(found, changed=tuple(names), after=replace(found.after, files=dict.fromkeys(names, "x")))
    assert [one.command for one in look_again(desk.run, desk.attempt, many, Delivery(), GREEN).red] == red


def test_a_file_outside_of_the_project_is_not_looked_at(desk) -> None:
    found = desk.leave({"../outer.py": PATCH})
    outside = replace(found, changed=("outer.py",), after=replace(found.after, files={"outer.py": "x"}))
    assert look_again(desk.run, desk.attempt, outside, Delivery(), GREEN).red == ()


def test_what_judges_is_not_read_for_it(desk, replay) -> None:
    assert look(desk, Delivery(), TEST, files={"test_calc.py": PATCH}).red == ()


def test_of_many_assignments_five_are_shown(desk) -> None:
    many = "import pytest\n" + "".join(f"pytest.a{number} = 1\n" for number in range(7))
    (found,) = look(desk, Delivery(), files={"calc.py": many}).red
    assert len(found.tail.splitlines()) == 6


# --- held out -----------------------------------------------------------------------------------------------------


@pytest.fixture
def hidden(desk):
    folder = desk.run.paths.specs / "a/held-out"

    def ask(*runs: CheckRun, at=folder, name="another"):
        found = desk.leave({})
        attempt = desk.ordered(held_out_folder=at, agent=replace(desk.attempt.agent, name=name))
        return look_again(desk.run, attempt, found, Delivery(held_out=runs), (green(),))

    return ask


def test_a_held_out_check_that_fails_is_red_without_its_words(desk, hidden) -> None:
    judgement = hidden(red("sh case.sh"), green("b"), red("c"))
    assert judgement.red == (CheckRun(HIDDEN, 1, 2.501, "2 of 3 checks that you cannot see failed"),)
    assert hidden(red()).red[0].tail == "1 of 1 check that you cannot see failed"


def test_a_held_out_check_that_was_stopped_tells_nothing(hidden) -> None:
    assert hidden(red(), red("c", stopped=True)).red == (CheckRun(HIDDEN, 1, 1.2504, "", stopped=True),)


def test_the_words_of_a_held_out_check_are_shown_where_a_person_wants_that(desk, hidden, monkeypatch) -> None:
    config = desk.run.config
    shown = replace(config, settings=replace(config.settings, held_out_output="show"))
    monkeypatch.setattr(desk.run, "config", shown)
    tail = hidden(red("sh case.sh", tail="moon"), green("b"), red("c", tail="sun")).red[0].tail
    assert tail.split("\n\n") == [
        "2 of 3 checks that you cannot see failed",
        "$ sh case.sh\n[exit 1 in 1.25 s]\nmoon",
        "$ c\n[exit 1 in 1.25 s]\nsun",
    ]


def test_the_receipt_counts_what_was_held_out_and_says_who_could_read_it(desk, hidden) -> None:
    assert hidden().lines == ()
    (line,) = hidden(green(), green("b")).lines
    folder = desk.run.paths.specs / "a/held-out"
    assert line == (
        f"2 checks held out, which the agent could read (there is no sandbox), passed (files {digest_held_out(folder)})"
    )


@pytest.mark.deep  # the stories of what is held out tell it, too
@needs_bwrap
def test_in_a_sandbox_only_what_git_holds_can_be_read(tmp_path) -> None:
    with open_desk(tmp_path / "top", FILES, [UNIT], sandbox="bwrap") as desk:
        inside, apart = desk.run.paths.specs / "a/held-out", desk.run.paths.specs / "b/held-out"
        apart.mkdir(parents=True)
        (apart / "case.sh").write_text("true\n")
        said = [
            look_again(
                desk.run,
                desk.ordered(held_out_folder=at),
                desk.leave({}),
                Delivery(held_out=GREEN, checked_in=CheckedIn(True)),
                GREEN,
            ).lines
            for at in (inside, apart)
        ]
    start = "1 check held out, which the agent could read (git holds it), passed (files "
    assert [line.partition("(files ")[0] + "(files " for (line,) in said] == [
        start,
        "1 check held out from the agent passed (files ",
    ]
