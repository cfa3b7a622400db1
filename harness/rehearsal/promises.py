"""What harness promises about each fault of `harness chaos`, and how that is seen in the files after a scene."""

from __future__ import annotations

import fcntl
import json
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.domain.reply import Ended
from harness.domain.units import format_duration
from harness.domain.verdict import Outcome
from harness.records.events import (
    Accepted,
    AttemptBegan,
    AttemptEnded,
    Blocked,
    ClockJumped,
    Foreign,
    RunBegan,
    Tampered,
)
from harness.rehearsal.scene import Scene
from harness.system import files

MOST_MEMORY = 400 << 20  # bytes
MOST_STREAM = 65 << 20
GRACE = 7.0  # seconds that the end of an attempt may take on a busy machine
LATE = 15.0  # seconds after which a wait that is over must have been noticed
SECRET = {"CHAOS_API_TOKEN": "chaos-7f3a9c1d-not-for-logs"}

Judged = tuple[bool, str]


@dataclass(frozen=True, slots=True)
class Promise:
    """One row: the fault, what harness promises about it, how that is seen in the files, and the features it needs
    where that is not the one named after it."""

    fault: str
    promise: str
    judge: Callable[[Scene], Judged]
    slugs: tuple[str, ...] = ()


def _outcome(scene: Scene, slug: str, attempt: int = 1) -> str:
    one = scene.ended(slug, attempt)
    return f"attempt {attempt}: {one.outcome}" if one is not None else f"attempt {attempt} never ended"


# --- in one night ------------------------------------------------------------------------------------------------


def _hang(scene: Scene) -> Judged:
    one = scene.ended("hang")
    if one is None:
        return False, _outcome(scene, "hang")
    said = f"{_outcome(scene, 'hang')}, {one.ended} after {format_duration(round(one.seconds, 1))}"
    return one.outcome is Outcome.DONE and one.ended is Ended.FINISHED, said


def _torn(scene: Scene) -> Judged:
    one = scene.ended("torn")
    told = [remark for remark in (one.remarks if one is not None else ()) if "JSON" in remark]
    return scene.proven("torn") and bool(told), "; ".join([_outcome(scene, "torn"), *told])


def _holder(scene: Scene) -> Judged:
    with (scene.root / ".chaos-child").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False, "its child is still alive"
    return scene.proven("holder"), f"{_outcome(scene, 'holder')}, its child is dead"


def _forger(scene: Scene) -> Judged:
    aside = scene.events_of("forger", Foreign)
    own = scene.outcome("victim") is Outcome.DONE and scene.proven("victim")
    became = "moved away" if aside else "could not be written" if own else "believed"
    return own, f"{became}, victim {_outcome(scene, 'victim')}"


def _liar(scene: Scene) -> Judged:
    return scene.outcome("liar") is Outcome.UNCONFIRMED and scene.proven("liar"), _outcome(scene, "liar")


def _truncator(scene: Scene) -> Judged:
    kept = "a memory worth keeping" in files.read_text(scene.logs / "truncator.log")
    return kept and bool(
        scene.events_of("truncator", Tampered)
    ), "restored and reported" if kept else "the text is lost"


def _echo(scene: Scene) -> Judged:
    asked = bool(scene.events_of("echo", Blocked))
    return not asked and scene.proven("echo"), _outcome(scene, "echo") + (", a question was seen" if asked else "")


def _leak(scene: Scene) -> Judged:
    (secret,) = SECRET.values()
    found = [path for path in scene.logs.rglob("*") if files.is_file(path) and secret.encode() in path.read_bytes()]
    wrote = "[redacted CHAOS_API_TOKEN]" in files.read_text(scene.logs / "leak.log")
    return wrote and not found, f"found in {found[0].name}" if found else "redacted in every file"


# --- each ends a run ---------------------------------------------------------------------------------------------


def _limit(scene: Scene) -> Judged:
    one = scene.ended("limit")
    charged = one is not None and one.charged
    halted = scene.code == 6 and files.exists(scene.root / "HALT")
    good = scene.outcome("limit") is Outcome.FAULT and not charged and halted
    return good, f"exit {scene.code}, {_outcome(scene, 'limit')}, {'counted' if charged else 'not counted'}"


def _crash(scene: Scene) -> Judged:
    one = scene.ended("crash")
    reason = "no reason told" if one is None else one.reason
    told = "the moon is down" in reason and scene.outcome("crash") is Outcome.FAILED
    count = len(scene.events(AttemptEnded))
    said = f"exit {scene.code} after {count} attempts: {reason}"
    return told and scene.code in (5, 6), said


def _flood(scene: Scene) -> Judged:
    kept = files.size_of(scene.logs / "attempts" / "flood" / "0001" / "stream.jsonl")
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    said = f"{_outcome(scene, 'flood')}, {kept >> 20} MiB kept, {most >> 20} MiB of memory at most"
    return scene.ended("flood") is not None and kept <= MOST_STREAM and most <= MOST_MEMORY, said


def _cap(scene: Scene) -> Judged:
    events = scene.events(AttemptBegan)  # raises where the journal is damaged
    good = scene.code == 2 and "Traceback" not in scene.said
    last = scene.said.strip().splitlines()[-1:]
    return good and bool(events), f"exit {scene.code}, the journal is intact; it said: {''.join(last)}"


def _disk(scene: Scene) -> Judged:
    told = scene.said.count("error: ") >= scene.codes.count(2) and "Traceback" not in scene.said
    ended = scene.codes[:1] == (2,) and scene.code == 0 and set(scene.codes) <= {0, 2} and told
    wrong = [slug for slug in ("disk", "nearly") if not _is_whole(scene, slug)]
    torn = [path.name for path in scene.logs.rglob(".*.tmp")]
    inside = ", agent in the sandbox" if all(one.confined for one in scene.events(RunBegan)) else ""
    harm = [f"{slug} is not whole" for slug in wrong] + [f"{name} is left" for name in torn]
    became = "; ".join([f"exits {' '.join(map(str, scene.codes))}", *(harm or ["both features proven once"])])
    return ended and not harm, f"{scene.way}{inside}: {became}"


def _is_whole(scene: Scene, slug: str) -> bool:
    """Whether a feature is proven and committed, once, and no word of its agent is lost or doubled."""
    numbers = [one.attempt for one in scene.events_of(slug, AttemptBegan)]
    receipt, log = scene.receipt(slug), files.read_text(scene.logs / f"{slug}.log").splitlines()
    once = len(scene.events_of(slug, Accepted)) == 1 and numbers == list(range(1, len(numbers) + 1))
    noted = sum(line.startswith("did the work") for line in log)
    return once and receipt.kind == "proven" and not receipt.refused and noted == len(set(log)) == 1


# --- a clock that jumps ------------------------------------------------------------------------------------------


def _clock(scene: Scene) -> Judged:
    wrong = [what for what, good in _look_at_times(scene).items() if not good]
    jumps = ", ".join(f"{one.seconds / 3600:+.0f}h" for one in scene.events(ClockJumped))
    hung, late = scene.ended("back"), _lateness(scene)
    back = 0.0 if hung is None else hung.seconds
    said = f"told {jumps or 'nothing'}; an attempt that hung ended after {format_duration(round(back, 1))}, a wait "
    return not wrong, said + f"{format_duration(round(late, 1))} after the reset" + "".join(f"; {one}" for one in wrong)


def _look_at_times(scene: Scene) -> dict[str, bool]:
    """Return each thing that could go wrong with the time, and whether it is right."""
    ended = scene.events(AttemptEnded)
    jumps = [one.seconds for one in scene.events(ClockJumped)]
    limits = json.loads(files.read_text(scene.root / "harness.yaml"))
    longest = min(filter(None, (limits["timeout"], limits["idle_timeout"])))
    back, asleep = scene.ended("back"), scene.ended("asleep")
    counts = {slug: [one.attempt for one in ended if one.slug == slug] for slug in ("ahead", "back", "asleep")}
    runs = [look.get("run") or {} for look in scene.looks]
    beats = [run.get("beat") for run in runs]
    return {
        f"exit {scene.code}": scene.code == 0,
        "a feature is not proven": all(map(scene.proven, counts)),
        "a jump was not reported": any(jump > 3600 for jump in jumps) and any(jump < -3600 for jump in jumps),
        "an attempt was cut short": scene.outcome("ahead") is Outcome.DONE,
        "an attempt was not ended in time": back is not None
        and back.ended in (Ended.TIMED_OUT, Ended.IDLE)
        and 0.9 * longest <= back.seconds <= longest + GRACE,
        "a duration is not true": all(0 <= one.seconds <= longest + GRACE for one in ended),
        "the limit counted as an attempt": asleep is not None
        and asleep.outcome is Outcome.FAULT
        and not asleep.charged,
        "attempts are lost or doubled": counts == {"ahead": [1], "back": [1, 2], "asleep": [1, 2]},
        "the wait did not end with the reset": 0 <= _lateness(scene) <= LATE,
        "a live run was called dead": bool(runs) and all(run.get("pid") for run in runs),
        "a live run was said to hang": any(beats) and not any(beat and beat["hung"] for beat in beats),
    }


def _lateness(scene: Scene) -> float:
    """Seconds from the moment at which the clock had passed the reset to the attempt that followed."""
    try:
        told: dict[str, Any] = json.loads(files.read_text(scene.root / ".chaos-asleep-times"))
        return float(told["began"]) - float(told["reset"])
    except (ValueError, KeyError):
        return -1.0


IN_ONE_RUN = {
    "hang": Promise("the agent hangs after its result", "its work counts, and the agent is ended", _hang),
    "torn": Promise("output that is broken JSON", "reported; the attempt is judged by its work", _torn),
    "holder": Promise(
        "a child process that keeps the pipe open", "it dies with the attempt, which does not wait for it", _holder
    ),
    "forger": Promise(
        "a forged `.done` for another feature",
        "moved away; the other feature is still worked on",
        _forger,
        ("forger", "victim"),
    ),
    "liar": Promise("a claim without any work", "a check fails, and the claim is withdrawn", _liar),
    "truncator": Promise("its log cut to nothing", "the old text is restored", _truncator),
    "echo": Promise("the prompt printed back, with BLOCKED: in it", "not taken for a question", _echo),
    "leak": Promise("a secret printed and written down", "redacted in every file that harness writes", _leak),
}  # in one run, a feature each
IN_OWN_RUN = {  # each has runs of its own
    "limit": Promise("a usage limit with exit code 0", "recognised; it does not count as an attempt", _limit),
    "crash": Promise("a crash at once, every time", "the run ends after a few attempts and shows the error", _crash),
    "flood": Promise("2 GB of output", "memory stays bounded, and the transcript is cut", _flood),
    "clock": Promise(
        "a clock that jumps by hours, ahead and back",
        "durations stay right, a wait ends at its reset, and no live run is called dead",
        _clock,
        ("ahead", "back", "asleep"),
    ),
    "cap": Promise("files that cannot grow", "the run ends with a message, and the journal is intact", _cap),
    "disk": Promise(
        "a full disk",
        "the run ends with a message; with room again it continues, and nothing is lost or doubled",
        _disk,
        ("disk", "nearly"),
    ),
}
