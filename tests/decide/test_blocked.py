"""What a note asks of a person."""

import pytest
from helpers.laws import examples
from helpers.wordings import PROSE
from hypothesis import given
from hypothesis import strategies as st

from harness.decide.blocked import find_allowed, find_blocked, find_nearly_blocked, unfenced
from harness.domain.gist import digest_gist

NO_QUESTION = "the agent says that it is blocked, but not by what: read the end of its log"


@pytest.mark.parametrize(
    ("note", "question"),
    [
        pytest.param("BLOCKED: set STRIPE_KEY", "set STRIPE_KEY", id="plain"),
        pytest.param("did x\nBLOCKED:   set STRIPE_KEY  \n\ndid y\n", "set STRIPE_KEY", id="in the middle"),
        pytest.param("did x\r\nBLOCKED: set STRIPE_KEY\r\n", "set STRIPE_KEY", id="CRLF"),
        pytest.param("- BLOCKED: set STRIPE_KEY", "set STRIPE_KEY", id="dash"),
        pytest.param("* BLOCKED: set STRIPE_KEY", "set STRIPE_KEY", id="star"),
        pytest.param("  - BLOCKED: set STRIPE_KEY", "set STRIPE_KEY", id="nested item"),
        pytest.param("2. BLOCKED: set STRIPE_KEY", "set STRIPE_KEY", id="numbered"),
        pytest.param("- [ ] BLOCKED: set STRIPE_KEY", "set STRIPE_KEY", id="checkbox"),
        pytest.param("## BLOCKED: set STRIPE_KEY", "set STRIPE_KEY", id="heading"),
        pytest.param("**BLOCKED:** set STRIPE_KEY", "set STRIPE_KEY", id="bold word and colon"),
        pytest.param("**BLOCKED**: set STRIPE_KEY", "set STRIPE_KEY", id="bold word"),
        pytest.param("**BLOCKED: set STRIPE_KEY**", "set STRIPE_KEY", id="bold line"),
        pytest.param("- **BLOCKED: set STRIPE_KEY**", "set STRIPE_KEY", id="bold item"),
        pytest.param("**BLOCKED:** set **STRIPE_KEY**", "set **STRIPE_KEY**", id="bold inside"),
        pytest.param("BLOCKED: set\n  STRIPE_KEY in\nthe env\n\nnot this", "set\nSTRIPE_KEY in\nthe env", id="goes on"),
        pytest.param("BLOCKED: set\n- A\n- B", "set\n- A\n- B", id="with a list"),
        pytest.param("- BLOCKED: set A\n  in env\n- did y", "set A\nin env", id="item, then another"),
        pytest.param("BLOCKED:\nset A", "set A", id="text below"),
        pytest.param("BLOCKED:", NO_QUESTION, id="without text"),
        pytest.param("**BLOCKED:**", NO_QUESTION, id="bold without text"),
        pytest.param("BLOCKED: a\nBLOCKED: b\n\nBLOCKED: a", "a\nb", id="several, each once"),
        pytest.param("BLOCKED: a\n\nBLOCKED: none", None, id="taken back"),
        pytest.param("BLOCKED: a\n\nUNBLOCKED: found it", None, id="unblocked"),
        pytest.param("BLOCKED: none\n\nBLOCKED: a", "a", id="asked after all"),
        pytest.param("BLOCKED: none.", None, id="none"),
        pytest.param("- BLOCKED: n/a", None, id="not applicable"),
        pytest.param("**BLOCKED:** No", None, id="no"),
        pytest.param("BLOCKED: no API key", "no API key", id="no something"),
        pytest.param("", None, id="empty note"),
        pytest.param("I am BLOCKED: really", None, id="in a sentence"),
        pytest.param("Blocked: x", None, id="other case"),
        pytest.param("BLOCKED by x", None, id="no colon"),
        pytest.param("`BLOCKED: x`", None, id="inline code"),
        pytest.param("> BLOCKED: x", None, id="quote"),
        pytest.param("| BLOCKED: x", None, id="prior log"),
        pytest.param("    BLOCKED: x", None, id="indented code"),
        pytest.param("```\nBLOCKED: x\n```", None, id="fenced"),
        pytest.param("~~~text\nBLOCKED: x\n```\nBLOCKED: y\n~~~", None, id="fenced by tildes"),
        pytest.param("````\n```\nBLOCKED: x\n```\n````", None, id="a fence in a fence"),
        pytest.param("```\ncode\n```\nBLOCKED: x", "x", id="after a fence"),
        pytest.param("```code``` is inline\nBLOCKED: x", "x", id="after inline code"),
        pytest.param("BLOCKED: see\n```\nerror\n```\nmore", "see", id="up to a fence"),
    ],
)
def test_a_question_is_found_where_it_starts_a_line_of_the_agents_own(note, question):
    assert find_blocked(note) == question


@given(st.lists(st.sampled_from([*PROSE, "", "```", "~~~", "- BLOCKED:", "**BLOCKED: a**", "UNBLOCKED:", "  x"])))
@examples(100)
def test_a_question_is_never_empty_and_never_long(lines):
    question = find_blocked("\n".join(lines) + "\nBLOCKED: " + "x" * 5_000)
    assert question is None or 0 < len(question) <= 2_000


@given(st.text(max_size=200))
@examples(100)
def test_a_note_without_the_word_is_never_a_question(note):
    assert find_blocked(note.replace("BLOCKED", "")) is None


@pytest.mark.parametrize(
    "line",
    [
        "Blocked: which client?",
        "BLOCKED which client?",
        "BLOCKED - which client?",
        "**BLOCKED** which client?",
        "`BLOCKED: which client?`",
        "BLOCKED\uff1a which client?",
        "[BLOCKED] which client?",
        "Status: BLOCKED: which client?",
        "## Blocked",
    ],
)
def test_what_looks_like_a_question_is_found(line: str) -> None:
    assert (find_blocked(line), find_nearly_blocked(f"tried it\n{line}\n")) == (None, line)


@pytest.mark.parametrize(
    "note",
    [
        "BLOCKED: which client?",
        "Blocked: none",
        "Blocked by the tests, fixed now.",
        "> BLOCKED which client?",
        "```\nBLOCKED which client?\n```",
        "UNBLOCKED",
        "I was blocked: no more.",
    ],
)
def test_what_is_one_or_none_does_not_only_look_like_a_question(note: str) -> None:
    assert find_nearly_blocked(note) is None


# --- to the letter ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "+ BLOCKED: x", "123. BLOCKED: x", "1) BLOCKED: x", "\t-\t BLOCKED: x", "- [x]  BLOCKED: x", "- [X] BLOCKED: x",
        "   BLOCKED: x", "# BLOCKED: x", "######  BLOCKED: x", "   ## BLOCKED: x", "__BLOCKED:__ x", "__BLOCKED__: x",
        "__BLOCKED: x__", "**BLOCKED: x **", "BLOCKED: x \t",
    ],
)  # fmt: skip
def test_a_question_may_stand_in_any_form_of_markdown(line: str) -> None:
    assert find_blocked(f"{line}\r\n") == "x"


@pytest.mark.parametrize(
    "line",
    [
        "1234. BLOCKED: x", "-BLOCKED: x", "#BLOCKED: x", "####### BLOCKED: x", "- [x]BLOCKED: x", "- [y] BLOCKED: x",
        "= BLOCKED: x", "*BLOCKED: x", "UNUNBLOCKED: x", "1 BLOCKED: x", ". BLOCKED: x",
    ],
)  # fmt: skip
def test_what_only_looks_like_one_is_no_question(line: str) -> None:
    assert find_blocked(line) is None


@pytest.mark.parametrize(
    "word",
    [
        "none", "no", "nothing", "n/a", "na", "NA", "not blocked", "false", "Resolved", "none.", "No!!",
    ],
)  # fmt: skip
def test_what_asks_nothing_takes_back_what_was_asked(word: str) -> None:
    assert find_blocked(f"BLOCKED: a\n\nBLOCKED: {word}") is None
    assert find_nearly_blocked(f"Blocked: {word}") is None


def test_bold_words_of_a_question_stay_bold() -> None:
    assert find_blocked("**BLOCKED**: use **x**") == "use **x**"
    assert find_blocked("BLOCKED: a\n\n**BLOCKED: none **") is None


def test_a_long_question_is_cut() -> None:
    assert find_blocked(f"BLOCKED: {'x' * 1_999} y") == "x" * 1_999
    assert find_blocked(f"BLOCKED: {'x' * 2_001}") == "x" * 2_000


@pytest.mark.parametrize("dash", ["-", "---", "—"])
def test_a_dash_takes_back_what_was_asked(dash: str) -> None:
    assert find_blocked(f"BLOCKED: a\n\nBLOCKED: {dash}") is None


@pytest.mark.parametrize("word", ["no way", "none of it", "nonesuch", "resolved it"])
def test_what_asks_something_is_a_question(word: str) -> None:
    assert find_blocked(f"BLOCKED: {word}") == word
    assert find_nearly_blocked(f"Blocked: {word}") == f"Blocked: {word}"


@pytest.mark.parametrize(
    ("below", "question"),
    [
        ("  more \t", "x\nmore"),
        ("- item", "x\n- item"),
        (" \nmore", "x"),
        ("BLOCKED: y", "x\ny"),
        ("BLOCKED: y  ", "x\ny"),
        ("BLOCKED:y", "x\ny"),
        ("not BLOCKED: y", "x\nnot BLOCKED: y"),
        ("\n".join(map(str, range(12))), "\n".join(["x", *map(str, range(9))])),
    ],
)
def test_a_question_goes_on_in_the_lines_right_below_it(below: str, question: str) -> None:
    assert find_blocked(f"BLOCKED: x\n{below}") == question


@pytest.mark.parametrize(
    "next_block", ["- y", "* y", "+ y", "1. y", "12) y", "123. y", "# y", "###### y", "> y", "| y"]
)
def test_an_item_ends_where_the_next_block_begins(next_block: str) -> None:
    assert find_blocked(f"- BLOCKED: x\nmore\n{next_block}") == "x\nmore"


@pytest.mark.parametrize("more", ["-y", "1234. y", "####### y", "1.y", "#y", "<y"])
def test_an_item_goes_on_where_none_does(more: str) -> None:
    assert find_blocked(f"- BLOCKED: x\n{more}") == f"x\n{more}"


def test_a_question_that_was_answered_is_not_asked_again() -> None:
    note = "BLOCKED: which port?\n\nBLOCKED: which host?"
    assert find_blocked(note, [digest_gist("which port?")]) == "which host?"
    assert find_blocked(note, [digest_gist("which port?"), digest_gist("which host?")]) is None


@pytest.mark.parametrize(
    ("line", "nearly"),
    [
        ("  Blocked: which?  ", "Blocked: which?"),
        ("Status: BLOCKED which?", "Status: BLOCKED which?"),
        ("status BLOCKED", "status BLOCKED"),
        ("Blocked – which?", "Blocked – which?"),
        ("blocked (x): y", None),
        ("Blocked*: y", "Blocked*: y"),
        ("BLOCKEDNESS: y", None),
        ("StatusBLOCKED y", None),
        ("Blocked: none  ", None),
        ("it is Blocked: y", None),
        ("BLOCKED none", None),
        ("BLOCKED nonesuch", "BLOCKED nonesuch"),
        ("BLOCKED:", None),
        ("BLOCKED: y  ", None),
        ("Status BLOCKED: y\x85more", "Status BLOCKED: y"),
    ],
)
def test_a_line_that_is_nearly_a_question(line: str, nearly: str | None) -> None:
    assert find_nearly_blocked(line) == nearly


@pytest.mark.parametrize(
    ("note", "lines"),
    [
        ("a\n```\nb\n```\nc", ["a", "", "c"]),
        ("```py\nb\n```  \nc", ["", "c"]),
        ("```\nb\n```py\nc\n```\nd", ["", "d"]),
        ("````\nb\n```\nc\n````\nd", ["", "d"]),
        ("```\nb\n`````\nd", ["", "d"]),
        ("~~~ `x`\nb", ["~~~ `x`", "b"]),
        ("~~~ x\nb\n```\n~~~\nd", ["", "d"]),
        ("a\n  ```\nb", ["a", ""]),
        ("``\nb", ["``", "b"]),
        ("```x``` y\nb", ["```x``` y", "b"]),
        ("", []),
    ],
)
def test_a_block_of_code_is_an_empty_line(note: str, lines: list[str]) -> None:
    assert unfenced(note) == lines


JUDGING = {"a.py": "1", "b c.py": "2"}


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("allow a.py", {"a.py": "1"}),
        ("allow 'b c.py' a.py", JUDGING),
        ("allow other.py a.py", {"a.py": "1"}),
        ("allow", {}),
        ("yes a.py", {}),
        ("a.py", {}),
        ("", {}),
        ("it's allowed", {}),
    ],
)
def test_an_answer_allows_the_files_that_it_names(text: str, allowed: dict[str, str]) -> None:
    assert find_allowed(text, JUDGING, "") == allowed
