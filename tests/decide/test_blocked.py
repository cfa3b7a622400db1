"""What a note asks of a person."""

import pytest
from helpers.laws import examples
from helpers.wordings import PROSE
from hypothesis import given
from hypothesis import strategies as st

from harness.decide.blocked import find_blocked, find_nearly_blocked

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
