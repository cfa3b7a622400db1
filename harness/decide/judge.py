"""What an attempt was worth: its claim, and the verdict on it. The first row that applies decides."""

from __future__ import annotations

from harness.domain.reply import OWN_ENDINGS, Ended, Reply, Usage
from harness.domain.text import one_line
from harness.domain.verdict import Claim, Evidence, Outcome, Verdict

AT_ONCE = 5.0  # seconds; an agent that fails in less, without a token, never came to work on the feature


def judge_claim(*, claimed: bool, words: str, checks: int, green: bool, stopped: bool, reply: Reply) -> Claim:
    """Say what a claim is worth. `words` is what the agent wrote into the marker, `checks` how many there are."""
    if not claimed:
        return Claim.NONE
    if stopped:
        return Claim.PENDING
    if checks:
        return Claim.CONFIRMED if green else Claim.RED
    return Claim.UNVERIFIED if words.strip() and not failed(reply) else Claim.UNFOUNDED


def failed(reply: Reply) -> bool:
    """Whether the agent itself did badly: it ended with an error, was killed, or could not be started."""
    ended, said = reply.exit, reply.transcript
    if ended.ended in (Ended.TIMED_OUT, Ended.IDLE, Ended.LOST, Ended.NOT_STARTED, Ended.STOPPED):
        return True
    if said.results:  # its own last word counts, not the exit code (143 after a result is a success)
        return said.is_error
    return said.is_error or ended.code != 0


def judge(evidence: Evidence) -> Verdict:
    """Return the verdict on an attempt: the first that applies, and a finished feature is looked at first."""
    e, ended = evidence, evidence.reply.exit.ended
    wrote = e.note_bytes > e.stuck_bytes or e.changed
    if e.claim is Claim.CONFIRMED:
        return Verdict(Outcome.DONE, "the checks passed", progress=True, charged=True)
    if e.claim is Claim.UNVERIFIED:
        return Verdict(Outcome.DONE, "accepted on the agent's word: no checks", progress=True, charged=True)
    if e.claim is Claim.PARKED:
        return Verdict(Outcome.BLOCKED, one_line(e.question or "it waits to land"), progress=True, charged=True)
    if e.question is None and (ended is Ended.STOPPED or e.claim is Claim.PENDING):
        said = (
            "its claim is checked when git is put right"
            if e.moved and e.claim is Claim.PENDING
            else "stopped before it ended"
        )
        return Verdict(Outcome.INTERRUPTED, said, progress=wrote, charged=e.crashed)
    if e.limit is not None:
        return Verdict(Outcome.FAULT, f"{e.limit.kind}: {one_line(e.limit.text)}", progress=wrote, charged=False)
    if e.fault is not None:
        return Verdict(Outcome.FAULT, f"{e.fault.kind}: {one_line(e.fault.text)}", progress=wrote, charged=False)
    if e.question is not None:
        return Verdict(Outcome.BLOCKED, one_line(e.question), progress=True, charged=True)
    if e.claim is Claim.RED:
        names = ", ".join(f"`{one_line(command, 60)}`" for command in e.failing)
        said = f"claimed done, but {names or 'a check'} failed"
        return Verdict(Outcome.UNCONFIRMED, said, progress=not e.same_failure, charged=True)
    if e.claim is Claim.UNFOUNDED:
        said = "claimed done without checks, and the agent failed or said nothing in the marker"
        return Verdict(Outcome.UNCONFIRMED, said, progress=wrote, charged=True)
    if ended in (Ended.TIMED_OUT, Ended.IDLE):
        said = "no output for longer than the idle limit" if ended is Ended.IDLE else "over its time limit"
        return Verdict(Outcome.TIMED_OUT, said, progress=e.note_bytes > 0 or e.changed, charged=True)
    if failed(e.reply):
        wrote = e.note_bytes > 0 or e.changed
        charged = wrote or e.crashed or not _failed_at_once(e.reply)
        return Verdict(Outcome.FAILED, _why_failed(e.reply), progress=wrote, charged=charged)
    if e.crashed and not wrote:
        return Verdict(Outcome.INTERRUPTED, "its run was killed", progress=False, charged=True)
    if not wrote:
        said = f"a note of {e.note_bytes} bytes and no file changed"
        return Verdict(Outcome.STALLED, said, progress=False, charged=True)
    said = f"a note of {e.note_bytes} bytes" + (", files changed" if e.changed else ", no file changed")
    return Verdict(Outcome.PROGRESSED, said, progress=True, charged=True)


def _failed_at_once(reply: Reply) -> bool:
    """Whether it failed before it could work: in seconds, without a token, and not over its own prompt."""
    ended, said = reply.exit, reply.transcript
    quick = ended.ended is Ended.EXITED and ended.seconds < AT_ONCE
    return quick and said.usage == Usage() and said.terminal_reason not in OWN_ENDINGS


def _why_failed(reply: Reply) -> str:
    ended, said = reply.exit, reply.transcript
    if ended.ended is Ended.NOT_STARTED:
        return f"the agent could not be started: {one_line(ended.error)}"
    if ended.ended is Ended.LOST:
        return "the agent's supervisor was killed, and the agent with it"
    words = one_line(said.error_text or ended.stderr_tail[-400:])
    how = f"exit {ended.code}" if ended.code is None or ended.code >= 0 else f"signal {-ended.code}"
    return f"the agent failed ({how})" + (f": {words}" if words else "")
