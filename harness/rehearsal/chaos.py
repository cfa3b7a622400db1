"""`harness chaos`: a toy project against an agent that misbehaves, and what became of each promise, from the files."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.domain.errors import AgentError
from harness.domain.text import counted, one_line
from harness.records.events import RunBegan
from harness.rehearsal.demo import make_repository
from harness.rehearsal.promises import IN_ONE_RUN, IN_OWN_RUN, SECRET, Promise
from harness.rehearsal.scene import PATIENCE, Scene, Stage, play
from harness.settings.options import Settings

LONGEST = 3.0  # seconds of an attempt, whatever the settings say
SABOTEUR = Path(__file__).with_name("saboteur.py")
COMMAND = (sys.executable, "-m", "harness")
SPECIAL: dict[str, dict[str, Any]] = {  # settings without which a scene cannot be played
    "flood": {"timeout": PATIENCE / 5, "idle_timeout": PATIENCE / 5},
    "clock": {"on_limit": "wait"},
}

MAY_NOT_BEGIN = ("cap", "disk")  # scenes in which harness itself may find no room to begin


def scale_down(settings: Settings) -> dict[str, Any]:
    """Return the user's limits for harness.yaml, its times scaled down to seconds; who is told of a run is left out."""
    same = ("stuck_bytes", "pid_namespace", "sandbox", "sandbox_network", "sandbox_memory", "sandbox_file_size",
            "sandbox_processes")  # fmt: skip
    return {
        "timeout": min(settings.timeout or LONGEST, LONGEST),
        "idle_timeout": min(settings.idle_timeout, LONGEST),
        "check_timeout": min(settings.check_timeout or LONGEST, LONGEST),
        "stuck_limit": min(settings.stuck_limit or 3, 3),
        "outage_limit": min(settings.outage_limit or LONGEST, LONGEST),
        **{name: getattr(settings, name) for name in same},
        "pause": 0,
        "fault_backoff": 0.1,
        "env_pass": [*SECRET],
    }


def run_chaos(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    faults: tuple[str, ...] = (*IN_ONE_RUN, *IN_OWN_RUN),
    command: tuple[str, ...] = COMMAND,
) -> list[dict[str, Any]]:
    """Play faults and return a row for each: fault, promise, what harness did, whether the promise was kept.

    Raises AgentError when the settings let no run begin, so that nothing could be seen.
    """
    place = Path(tempfile.mkdtemp(prefix="harness-chaos-"))
    night = tuple(name for name in faults if name in IN_ONE_RUN)
    scenes = [night] * bool(night) + [(name,) for name in faults if name in IN_OWN_RUN]
    try:
        return [row for names in scenes for row in _play(place / names[-1], names, settings, environ, command)]
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _play(
    place: Path,
    names: tuple[str, ...],
    settings: Settings,
    environ: Mapping[str, str],
    command: tuple[str, ...],
) -> Iterator[dict[str, Any]]:
    """Play one scene to its end, and judge its promises."""
    promises = {name: (IN_ONE_RUN | IN_OWN_RUN)[name] for name in names}
    slugs = [slug for name, promise in promises.items() for slug in promise.slugs or (name,)]
    make_repository(place / "project", _write_project(slugs, scale_down(settings) | SPECIAL.get(names[0], {})), environ)
    clean = {name: value for name, value in environ.items() if not name.startswith("HARNESS_")}
    scene = play(names[0], Stage(place / "project", command, {**clean, **SECRET, "HARNESS_TRUST": "1"}))
    if names[0] not in MAY_NOT_BEGIN and scene.code == 2 and not scene.events(RunBegan):
        raise AgentError(f"no run can begin with these settings: {one_line(scene.said, 300)}", "see `harness doctor`")
    for promise in promises.values():
        kept, did = _judge(promise, scene)
        yield {"fault": promise.fault, "promise": promise.promise, "did": did, "kept": kept}


def _judge(promise: Promise, scene: Scene) -> tuple[bool, str]:
    try:
        return promise.judge(scene)
    except Exception as error:  # what cannot even be judged was not kept
        return False, f"cannot be judged: {error!r}; exit {scene.code}: {scene.said[-200:]}"


def _write_project(slugs: list[str], limits: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of the toy project by their names."""
    agent = {"agent": "command", "command": [sys.executable, "-I", str(SABOTEUR)], "dialect": "claude"}
    return {
        **{f"specs/{slug}/spec.md": _spec(slug) for slug in slugs},
        "specs/order.txt": "\n".join(slugs) + "\n",
        "harness.yaml": json.dumps({**limits, **agent}),  # JSON is YAML
        ".gitignore": "/logs/\n/HALT\n.chaos-*\n",
    }


def _spec(slug: str) -> str:
    check = f"grep -qs whole {slug}.txt"
    return f"---\nchecks: [{check}]\n---\n# Play {slug}\n\n## Acceptance criteria\n- [ ] `{slug}.txt` holds `whole`\n"


def show_chaos(rows: list[dict[str, Any]]) -> list[str]:
    """Return the table for people."""
    lines = []
    for row in rows:
        lines += [f"{'kept  ' if row['kept'] else 'BROKEN'}  {row['fault']}"]
        lines += [f"        promise: {row['promise']}", f"        seen:    {row['did']}"]
    broken = sum(not row["kept"] for row in rows)
    result = f"{counted(broken, 'promise')} broken" if broken else "every promise kept"
    return [*lines, "", f"{counted(len(rows), 'fault')}, {result}"]
