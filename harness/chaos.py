"""`harness chaos`: a toy project against an agent that misbehaves, and what became of each promise, from the files."""

from __future__ import annotations

import fcntl
import json
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import files
from harness.capture import capture
from harness.config import Settings
from harness.demo import make_repository
from harness.journal import read_journal
from harness.receipt import parse_receipt
from harness.units import format_duration

PATIENCE = 60.0  # seconds for one run
LONGEST = 3.0  # seconds of an attempt, whatever the settings say
MOST_MEMORY = 400 << 20  # bytes
MOST_STREAM = 65 << 20
SECRET = {"CHAOS_API_TOKEN": "chaos-7f3a9c1d-not-for-logs"}
SABOTEUR = Path(__file__).with_name("agents") / "saboteur.py"
COMMAND = (sys.executable, "-m", "harness")


@dataclass(frozen=True, slots=True)
class Scene:
    """A project after its run: where it lies, how the run ended, what it said."""

    root: Path
    code: int
    said: str

    @property
    def logs(self) -> Path:
        """The project's logs."""
        return self.root / "logs"

    def events(self, kind: str, slug: str = "") -> list[dict[str, Any]]:
        """Return the journal's events of a kind, of one feature if it is named."""
        events = read_journal(self.logs / "journal.jsonl")
        return [one for one in events if one["event"] == kind and slug in ("", one.get("slug"))]

    def ended(self, slug: str, attempt: int = 1) -> dict[str, Any]:
        """Return how an attempt ended; empty if it never did."""
        return next((one for one in self.events("attempt_ended", slug) if one["attempt"] == attempt), {})

    def proven(self, slug: str) -> bool:
        """Whether the feature has a receipt of checks that passed."""
        return parse_receipt(files.read_text(self.logs / f"{slug}.done")).kind == "proven"


Judged = tuple[bool, str]


@dataclass(frozen=True, slots=True)
class Promise:
    """One row: the fault, what harness promises about it, and how that is seen in the files."""

    fault: str
    promise: str
    judge: Callable[[Scene], Judged]


def _outcome(scene: Scene, slug: str, attempt: int = 1) -> str:
    one = scene.ended(slug, attempt)
    return f"attempt {attempt}: {one['outcome']}" if one else f"attempt {attempt} never ended"


def _hang(scene: Scene) -> Judged:
    one = scene.ended("hang")
    said = f"{_outcome(scene, 'hang')}, ended after {format_duration(round(one.get('seconds', 0), 1))}"
    return one.get("outcome") == "done" and one.get("ended") == "finished", said


def _torn(scene: Scene) -> Judged:
    told = [remark for remark in scene.ended("torn").get("remarks", ()) if "JSON" in remark]
    return scene.proven("torn") and bool(told), "; ".join([_outcome(scene, "torn"), *told])


def _holder(scene: Scene) -> Judged:
    with (scene.root / ".chaos-child").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False, "its child is still alive"
    return scene.proven("holder"), f"{_outcome(scene, 'holder')}, its child is dead"


def _forger(scene: Scene) -> Judged:
    aside = scene.events("foreign", "forger")
    own = scene.ended("victim").get("outcome") == "done" and scene.proven("victim")
    became = "set aside" if aside else "could not be written" if own else "believed"
    return own, f"{became}, victim {_outcome(scene, 'victim')}"


def _liar(scene: Scene) -> Judged:
    return scene.ended("liar").get("outcome") == "unconfirmed" and scene.proven("liar"), _outcome(scene, "liar")


def _truncator(scene: Scene) -> Judged:
    kept = "a memory worth keeping" in files.read_text(scene.logs / "truncator.log")
    return kept and bool(scene.events("tampered", "truncator")), "restored and told" if kept else "the memory is lost"


def _echo(scene: Scene) -> Judged:
    asked = bool(scene.events("blocked", "echo"))
    return not asked and scene.proven("echo"), _outcome(scene, "echo") + (", a question was seen" if asked else "")


def _leak(scene: Scene) -> Judged:
    (secret,) = SECRET.values()
    found = [path for path in scene.logs.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    wrote = "[redacted CHAOS_API_TOKEN]" in files.read_text(scene.logs / "leak.log")
    return wrote and not found, f"found in {found[0].name}" if found else "redacted in every file"


def _limit(scene: Scene) -> Judged:
    one = scene.ended("limit")
    good = (
        scene.code == 6 and one.get("outcome") == "fault" and not one.get("charged") and (scene.root / "HALT").exists()
    )
    return good, f"exit {scene.code}, {_outcome(scene, 'limit')}, {'charged' if one.get('charged') else 'not charged'}"


def _crash(scene: Scene) -> Judged:
    one = scene.ended("crash")
    told = "the moon is down" in one.get("reason", "") and one.get("outcome") == "failed"
    count = len(scene.events("attempt_ended"))
    return told and scene.code in (
        5,
        6,
    ), f"exit {scene.code} after {count} attempts: {one.get('reason', 'no reason told')}"


def _flood(scene: Scene) -> Judged:
    kept = files.size_of(scene.logs / "attempts" / "flood" / "0001" / "stream.jsonl")
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    said = f"{_outcome(scene, 'flood')}, {kept >> 20} MiB kept, {most >> 20} MiB of memory at most"
    return bool(scene.ended("flood")) and kept <= MOST_STREAM and most <= MOST_MEMORY, said


def _disk(scene: Scene) -> Judged:
    events = scene.events("attempt_began")  # raises where the journal is damaged
    good = scene.code not in (0, 70) and "Traceback" not in scene.said
    return good and bool(events), f"exit {scene.code}, the journal is whole: {scene.said.strip().splitlines()[-1:]}"


NIGHT = {
    "hang": Promise("hang after the result", "what was done counts, and it is ended", _hang),
    "torn": Promise("torn JSON", "told, and the attempt is judged by its work", _torn),
    "holder": Promise("a child that holds the pipe", "dead with the attempt, which does not wait for it", _holder),
    "forger": Promise("a forged marker of another feature", "set aside; the other is worked on", _forger),
    "liar": Promise("a claim without work", "the checks say no", _liar),
    "truncator": Promise("its log cut to nothing", "the old text is restored", _truncator),
    "echo": Promise("the prompt echoed, with BLOCKED: in it", "not taken for a question", _echo),
    "leak": Promise("a secret printed and written down", "redacted wherever harness writes", _leak),
}  # in one run, a feature each
ALONE = {  # each ends a whole run
    "limit": Promise("a usage limit at exit 0", "seen as a limit, charged to nobody", _limit),
    "crash": Promise("an instant crash, every time", "the run ends after a few, with the error's text", _crash),
    "flood": Promise("2 GB of output", "bounded memory, a capped transcript", _flood),
    "disk": Promise("no room for files", "the run ends with a message, the journal is whole", _disk),
}


def scale_down(settings: Settings) -> dict[str, Any]:
    """Return the user's limits for harness.yaml, its times scaled down to seconds."""
    return {
        "timeout": min(settings.timeout or LONGEST, LONGEST),
        "idle_timeout": min(settings.idle_timeout, LONGEST),
        "check_timeout": min(settings.check_timeout or LONGEST, LONGEST),
        "stuck_limit": min(settings.stuck_limit or 3, 3),
        "stuck_bytes": settings.stuck_bytes,
        "pid_namespace": settings.pid_namespace,
        "sandbox": settings.sandbox,
        "outage_limit": min(settings.outage_limit or LONGEST, LONGEST),
        "pause": 0,
        "fault_backoff": 0.1,
        "env_pass": [*SECRET],
    }


def run_chaos(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    faults: tuple[str, ...] = (*NIGHT, *ALONE),
    command: tuple[str, ...] = COMMAND,
) -> list[dict[str, Any]]:
    """Play faults and return a row for each: fault, promise, what harness did, whether the promise was kept."""
    place = Path(tempfile.mkdtemp(prefix="harness-chaos-"))
    night = tuple(name for name in faults if name in NIGHT)
    runs = [night] * bool(night) + [(name,) for name in faults if name in ALONE]
    try:
        return [row for slugs in runs for row in _play(place / slugs[-1], slugs, settings, environ, command)]
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _play(
    place: Path,
    slugs: tuple[str, ...],
    settings: Settings,
    environ: Mapping[str, str],
    command: tuple[str, ...],
) -> Iterator[dict[str, Any]]:
    """Run one project to its end, and judge its promises."""
    promises = [(NIGHT | ALONE)[slug] for slug in slugs]
    slugs = (*slugs, "victim") if "forger" in slugs else slugs
    limits = scale_down(settings)
    if slugs == ("flood",):
        limits["timeout"] = limits["idle_timeout"] = PATIENCE / 5
    agent = {"agent": "command", "command": [sys.executable, "-I", str(SABOTEUR)]}
    root = place / "project"
    texts = {f"specs/{slug}/spec.md": _spec(slug) for slug in slugs}
    texts["specs/order.txt"] = "\n".join(slugs) + "\n"
    texts["harness.yaml"] = json.dumps({**limits, **agent, "dialect": "claude"})  # JSON is YAML
    make_repository(root, {**texts, ".gitignore": "/logs/\n/HALT\n.chaos-*\n"}, environ)
    clean = {name: value for name, value in environ.items() if not name.startswith("HARNESS_")}
    argv: tuple[str, ...] = (*command, "run", "--quiet")
    if slugs == ("disk",):
        argv = ("/bin/sh", "-c", 'ulimit -f 4; exec "$@"', "sh", *argv)  # 2 KiB a file, or 4 where sh counts in KiB
    ran = capture(argv, cwd=root, env={**clean, **SECRET}, timeout=PATIENCE)
    scene = Scene(root, ran.code, (ran.stdout + ran.stderr).decode("utf-8", "replace"))
    for promise in promises:
        try:
            kept, did = promise.judge(scene)
        except Exception as error:  # what cannot even be judged was not kept
            kept, did = False, f"cannot be judged: {error!r}; exit {scene.code}: {scene.said[-200:]}"
        yield {"fault": promise.fault, "promise": promise.promise, "did": did, "kept": kept}


def _spec(slug: str) -> str:
    check = f"grep -qs whole {slug}.txt"
    return f"---\nchecks: [{check}]\n---\n# Play {slug}\n\n## Acceptance criteria\n- [ ] `{slug}.txt` holds `whole`\n"


def show_chaos(rows: list[dict[str, Any]]) -> list[str]:
    """Return the table for people."""
    lines = []
    for row in rows:
        lines += [f"{'kept  ' if row['kept'] else 'BROKEN'}  {row['fault']}", f"        {row['promise']}: {row['did']}"]
    broken = sum(not row["kept"] for row in rows)
    return [
        *lines,
        "",
        f"{len(rows)} faults, {broken} promises broken" if broken else f"{len(rows)} faults, every promise kept",
    ]
