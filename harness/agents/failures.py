"""A reply and a note -> what they mean: a question, a limit, a fault, remarks. Pure.

Structured events decide first, whatever the exit code; then the error's own text; then an HTTP status. A good run is
never a limit or a fault, whatever its prose, and what the model or a tool wrote is not looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import tzinfo

from harness.agents.dialects import LANGUAGES
from harness.agents.error_patterns import ANY_AGENT, HINTS, NOT_STARTED_HINT, PREFIX, ErrorTexts, Wording
from harness.agents.reset_times import find_reset
from harness.agents.table import AGENTS
from harness.domain.agent import Agent, Dialect
from harness.domain.reply import OWN_ENDINGS, Ended, Fault, FaultKind, Limit, LimitKind, Reply, Transcript
from harness.domain.text import counted, one_line

LONGEST_TEXT = 300
SIGNAL_NAMES = {1: "HUP", 2: "INT", 6: "ABRT", 9: "KILL", 11: "SEGV", 13: "PIPE", 15: "TERM"}

# --- limits and faults ------------------------------------------------------------------------------------------------


def diagnose(reply: Reply, agent: Agent, now: float, zone: tzinfo | None = None) -> Limit | Fault | None:
    """Return what a failed run means: a limit, before whose end no further attempt makes sense; a passing outage that
    it died of; None for a good run, and for a failure of its own, whose work is to be judged.

    `now` is when the reply ended, in epoch seconds, and `zone` where its wall clocks hang (None: this machine's).
    """
    transcript, exit = reply.transcript, reply.exit
    if _succeeded(reply, agent.dialect) or _ended_on_its_own_terms(transcript):
        return None
    if exit.ended is Ended.NOT_STARTED:
        return Limit(LimitKind.REFUSED, one_line(exit.error) or "it could not be started", hint=NOT_STARTED_HINT)
    meaning = _find_meaning(reply, _texts_of(agent))
    if meaning is None or meaning.kind is None:
        return None
    kind, text = meaning.kind, one_line(meaning.says or meaning.words, LONGEST_TEXT) or meaning.kind.value
    if isinstance(kind, FaultKind):
        return Fault(kind, text)
    resets_at = _find_reset(kind, transcript, meaning.words, now, zone)
    return Limit(kind, text, resets_at, meaning.hint or HINTS[kind])


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a failed run means, None for a failure of its own, and the words that tell it."""

    kind: LimitKind | FaultKind | None
    words: str
    says: str = ""
    hint: str = ""


def _find_meaning(reply: Reply, texts: ErrorTexts) -> _Meaning | None:
    transcript = reply.transcript
    if kind := _kind_of_event(transcript):
        return _Meaning(kind, transcript.error_text)
    if found := _find_wording(reply, texts):
        wording, line = found
        return _Meaning(wording.kind, line, wording.says, wording.hint)
    if status_kind := _kind_of_status(transcript):
        return _Meaning(status_kind, transcript.error_text)
    return None


def _texts_of(agent: Agent) -> ErrorTexts:
    """Return the words in which an agent fails: its own, those of whoever prints as it does, those of a shell."""
    own = AGENTS[agent.name].errors if agent.name in AGENTS else ErrorTexts()
    return own + LANGUAGES[agent.dialect].errors + ANY_AGENT


def _succeeded(reply: Reply, dialect: Dialect) -> bool:
    """The last result is good, whatever the exit code; an agent of plain text has nothing but its exit code."""
    if dialect is Dialect.TEXT:
        return reply.exit.code == 0
    return reply.transcript.results > 0 and not reply.transcript.is_error


def _ended_on_its_own_terms(transcript: Transcript) -> bool:
    """Endings that are the attempt's own."""
    return transcript.terminal_reason in OWN_ENDINGS or transcript.error_kind == "ContextOverflowError"


_AUTH_KINDS = (
    "authentication_failed",
    "oauth_org_not_allowed",
    "account_on_hold",
    "verification_required",
    "cloud_credential_error",
    "ProviderAuthError",
)


def _kind_of_event(transcript: Transcript) -> LimitKind | FaultKind | None:
    """What the fields say that name their reason. A window is a limit only when it says when it opens again."""
    window, status = transcript.rate_limit, transcript.api_status
    if transcript.api_error == "usage_limit_reached":
        return LimitKind.USAGE
    if transcript.api_error == "spend_limit_reached":
        return LimitKind.SPEND
    if transcript.error_kind in _AUTH_KINDS or status in (401, 403):
        return LimitKind.AUTH
    if transcript.error_kind == "billing_error" or status == 402:
        return LimitKind.CREDIT
    if transcript.error_kind in ("model_not_found", "not_the_messages_api", "request_refused"):
        return LimitKind.REFUSED
    if window and status in (None, 429):
        return LimitKind.USAGE if window.resets_at else FaultKind.RATE
    return None


def _kind_of_status(transcript: Transcript) -> FaultKind | None:
    """What is left: an HTTP status, or Claude Code's word where there was no answer to have one."""
    status = transcript.api_status
    if status is not None:
        named = {429: FaultKind.RATE, 529: FaultKind.OVERLOAD, 408: FaultKind.SERVER}
        return named.get(status) or (FaultKind.SERVER if status >= 500 else None)
    if transcript.api_error == "connection_failed":
        return FaultKind.NETWORK
    if transcript.results == 0 and transcript.error_kind == "unknown":
        return FaultKind.NETWORK  # its last word was a retry of a connection that was refused or lost
    kinds = {"rate_limit": FaultKind.RATE, "overloaded": FaultKind.OVERLOAD, "server_error": FaultKind.NETWORK}
    return kinds.get(transcript.error_kind)


def _find_wording(reply: Reply, texts: ErrorTexts) -> tuple[Wording, str] | None:
    """The first wording that the error's own text has, and the line that has it."""
    transcript = reply.transcript
    lines = [line.strip() for line in transcript.error_text.splitlines() if line.strip()]
    never_ran = transcript.events == 0 and reply.exit.ended is Ended.EXITED
    for wording in (*(texts.refusals if never_ran else ()), *texts.errors):
        for line in lines:
            if _has(line, wording):
                return wording, line
    if never_ran and not reply.exit.stdout_bytes and (reply.exit.code or 0) in texts.exit_codes:
        return texts.exit_codes[reply.exit.code or 0], one_line(transcript.error_text)
    return None


def _has(line: str, wording: Wording) -> bool:
    if wording.anywhere:
        return bool(re.search(wording.pattern, line, re.IGNORECASE))
    bare = re.sub(PREFIX, "", line, flags=re.IGNORECASE)
    return any(re.match(wording.pattern, words, re.IGNORECASE) for words in (line, bare))


def _find_reset(kind: LimitKind, transcript: Transcript, words: str, now: float, zone: tzinfo | None) -> float | None:
    """Epoch seconds at which the limit ends: as the event says it, else in the words that tell of the limit."""
    if kind in (LimitKind.AUTH, LimitKind.REFUSED):
        return None
    window = transcript.rate_limit
    if kind is not LimitKind.CREDIT and window is not None and window.resets_at is not None:
        return window.resets_at
    return find_reset(words, now, zone)


# --- remarks ----------------------------------------------------------------------------------------------------------


def find_remarks(reply: Reply) -> tuple[str, ...]:
    """Sentences about what was unusual, for the log and the next prompt; none for an ordinary run."""
    return (*_remarks_on_answer(reply.transcript), *_remarks_on_exit(reply))


_ENDINGS = {
    "max_turns": "it reached its maximum number of turns",
    "budget_exhausted": "it reached the budget it was given for one run",
    "prompt_too_long": "its context grew too long",
    "blocking_limit": "its prompt was too long",
    "image_error": "its request was too large",
    "refusal": "the model refused to answer",
}


def _remarks_on_answer(transcript: Transcript) -> list[str]:
    remarks = list(transcript.notices[:10])
    good = transcript.results > 0 and not transcript.is_error
    if transcript.denials:
        remarks.append(f"tools were denied: {', '.join(transcript.denials[:10])}")
    if good and transcript.num_turns == 0:
        remarks.append("it made no turn: the prompt may have been taken for a slash command")
    elif good and not transcript.text.strip():
        remarks.append("its answer was empty")
    if transcript.terminal_reason in _ENDINGS:
        remarks.append(_ENDINGS[transcript.terminal_reason])
    elif re.search(r"ContextOverflow|context window|input token count|input_too_large", _error(transcript)):
        remarks.append("its prompt or its context was too long")
    if "No conversation found with session ID" in transcript.error_text:
        remarks.append("it does not know the session it was told to resume")
    if transcript.background_tasks:
        remarks.append(f"{counted(transcript.background_tasks, 'background task')} still alive when it ended")
    return remarks


def _error(transcript: Transcript) -> str:
    return f"{transcript.error_kind} {transcript.error_text}"


def _remarks_on_exit(reply: Reply) -> list[str]:
    transcript, exit = reply.transcript, reply.exit
    remarks = []
    if transcript.bad_lines:
        remarks.append(f"{counted(transcript.bad_lines, 'line')} of its output could not be read as JSON")
    if exit.dropped_bytes:
        remarks.append(f"its output was cut: {counted(exit.dropped_bytes, 'byte')} beyond the limit")
    if exit.long_lines:
        remarks.append(f"{counted(exit.long_lines, 'line')} of its output too long to read")
    signal = _find_signal(reply)
    if signal:
        remarks.append(f"it was ended by signal {SIGNAL_NAMES.get(signal, str(signal))}, not by harness")
    elif exit.ended is Ended.EXITED and transcript.events and not transcript.results:
        remarks.append("it ended without a final result")
    if exit.strays:
        remarks.append(f"{exit.strays} of the processes it started outlived it and were killed")
    return remarks


def _find_signal(reply: Reply) -> int | None:
    """The signal that ended it from outside; a shell and Claude Code tell it as 128 + its number."""
    code = reply.exit.code or 0
    if reply.exit.ended is not Ended.EXITED:
        return None
    if code < 0:
        return -code
    return code - 128 if code in (129, 130, 137, 143) and not reply.transcript.results else None
