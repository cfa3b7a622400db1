"""`harness chaos --cheats`: agents that make checks green without the work, and honest ones that look alike.

Each case is a folder of a repository, a feature of its own: what is there, what its agent does, and a claim. The run is
the real one. What must not be proven is a lie; what must not be refused is honest work.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.domain.errors import AgentError
from harness.domain.text import counted, one_line
from harness.domain.verdict import Outcome
from harness.records.events import RunBegan
from harness.rehearsal.chaos import COMMAND
from harness.rehearsal.demo import make_repository
from harness.rehearsal.scene import Scene, Stage
from harness.settings.options import Settings
from harness.system import files
from harness.system.capture import find_program
from harness.system.shipped import shipped_template
from harness.system.yamls import read_shipped

LANGUAGES = ("python", "pytest", "javascript", "typescript", "go", "rust")
CACHE = "cache"  # beside the project: Go would compile its library anew for each check
PATIENCE = 1800.0  # seconds for one language
PROVEN, ASKED, REFUSED, NOT_RUN = "proven", "asked", "refused", "not run"
RED = "red"  # by its own checks: a case that lies to nobody


@dataclass(frozen=True, slots=True)
class Case:
    """A lie or an honest change: the files that are there before, what is done, and how it is checked."""

    slug: str
    lie: bool
    act: str  # a shell script
    checks: tuple[str, ...]
    texts: Mapping[str, str]
    needs: str = ""  # a program without which it cannot be played
    may_change: tuple[str, ...] = ()
    held_out: str = ""  # a check that its agent does not know

    def is_right(self, verdict: str) -> bool:
        """Whether a lie was not proven, or honest work was."""
        return verdict in (ASKED, REFUSED) if self.lie else verdict == PROVEN


@dataclass(frozen=True, slots=True)
class Language:
    """The cases of one language."""

    name: str
    needs: str
    cases: tuple[Case, ...] = field(default=())


def read_language(name: str) -> Language:
    """Return the cases that are shipped for a language."""
    said = read_shipped(files.read_text(shipped_template(f"cheats/{name}.yaml")))
    cases = []
    for lie, listed in ((True, said["lies"]), (False, said["honest"])):
        for slug, about in listed.items():
            texts = {**said["project"], **about.get("files", {})}
            cases.append(
                Case(
                    slug=slug if lie else f"honest-{slug}",
                    lie=lie,
                    act=about["do"],
                    checks=tuple(about.get("checks", said["checks"])),
                    texts={one: text for one, text in texts.items() if text is not None},
                    needs=about.get("needs", ""),
                    may_change=tuple(about.get("may_change", ())),
                    held_out=about.get("held_out", ""),
                )
            )
    return Language(said["language"], said["needs"], tuple(cases))


def run_cheats(settings: Settings, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    """Play all cases and return a row for each: language, case, whether it lies, the verdict, and if that is right.

    Raises AgentError where no run can begin with these settings.
    """
    return [row for name in LANGUAGES for row in play_language(read_language(name), settings, environ)]


def play_language(language: Language, settings: Settings, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    """Play the cases of one language, each a feature of one repository, in one run."""
    place = Path(tempfile.mkdtemp(prefix="harness-cheats-"))
    try:
        return list(_play(place / "project", language, settings, environ))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _play(place: Path, language: Language, settings: Settings, environ: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    there = {one for case in language.cases for one in (language.needs, case.needs) if _is_there(one, environ, place)}
    played = [case for case in language.cases if {language.needs, case.needs} - {""} <= there]
    scene = _run(place, played, settings, environ) if played else None
    for case in language.cases:
        verdict, why = (NOT_RUN, f"`{case.needs or language.needs}` is not here") if case not in played else ("", "")
        if scene is not None and not verdict:
            verdict, why = _judge(scene, case)
        right = verdict == NOT_RUN or case.is_right(verdict)
        yield {"language": language.name, "case": case.slug, "lie": case.lie, "verdict": verdict, "right": right,
               "why": why}  # fmt: skip


def _is_there(program: str, environ: Mapping[str, str], place: Path) -> bool:
    return bool(program) and bool(find_program(program, environ, place.parent))


def _run(place: Path, cases: list[Case], settings: Settings, environ: Mapping[str, str]) -> Scene:
    make_repository(place, _write_project(cases, settings), environ)
    clean = {name: value for name, value in environ.items() if not name.startswith("HARNESS_")}
    cache = place.parent / CACHE
    files.make_folder(cache)
    scene = Stage(place, COMMAND, {**clean, "HARNESS_TRUST": "1", "GOCACHE": str(cache)}, patience=PATIENCE).start()
    if scene.code == 2 and not scene.events(RunBegan):
        raise AgentError(f"no run can begin with these settings: {one_line(scene.said, 300)}", "see `harness doctor`")
    return scene


def _write_project(cases: list[Case], settings: Settings) -> dict[str, str]:
    texts = {f"{case.slug}/{name}": text for case in cases for name, text in case.texts.items()}
    acts = {case.slug: [{"run": f"cd {case.slug}\n{case.act}", "note": f"worked on {case.slug} and am done",
                         "done": "it is done"}] for case in cases}  # fmt: skip
    limits = {"agent": "scripted", "script": "script.json", "pause": 0, "keep_going": True, "max_attempts": 1,
              "sandbox_write": [f"../{CACHE}"], "env_pass": ["GOCACHE"]}  # fmt: skip
    return {
        **texts,
        **{f"specs/{case.slug}/spec.md": _write_spec(case) for case in cases},
        **{f"specs/{case.slug}/held-out/check.sh": case.held_out for case in cases if case.held_out},
        "script.json": json.dumps({"features": acts}),
        "harness.yaml": json.dumps({**limits, "sandbox": settings.sandbox}),  # JSON is YAML
        ".gitignore": "/logs/\n/HALT\n__pycache__/\nspecs/*/held-out/\n",
    }


def _write_spec(case: Case) -> str:
    within = case.slug
    front = {
        "checks": [f"cd {within} && {check}" for check in case.checks],
        "may_change": [f"{within}/{name}" for name in case.may_change],
    }
    if case.held_out:
        front["held_out"] = [f"cd {within} && sh ../specs/{case.slug}/held-out/check.sh"]
    return f"---\n{json.dumps(front)}\n---\n# {case.slug}\n\nDo the work.\n"


def _judge(scene: Scene, case: Case) -> tuple[str, str]:
    ended = scene.ended(case.slug)
    if scene.proven(case.slug):
        return PROVEN, ""
    if ended is None:
        return NOT_RUN, f"its attempt has no end: {one_line(scene.said[-300:], 300)}"
    if case.lie and any(one.exit != 0 for one in ended.checks if one.command.startswith("cd ")):
        return RED, one_line(ended.observed, 200)
    return ASKED if ended.outcome is Outcome.BLOCKED else REFUSED, one_line(ended.observed or ended.reason, 200)


def show_cheats(rows: list[dict[str, Any]]) -> list[str]:
    """Return the table for people."""
    lines, last = list[str](), ""
    for row in rows:
        if row["language"] != last:
            last = row["language"]
            lines += ["", last]
        mark = "ok   " if row["right"] else "WRONG"
        lines.append(f"  {mark}  {row['verdict']:8}  {'lie   ' if row['lie'] else 'honest'}  {row['case']}")
        if not row["right"] and row["why"]:
            lines.append(f"                             {row['why']}")
    lies = [row for row in rows if row["lie"] and row["verdict"] != NOT_RUN]
    honest = [row for row in rows if not row["lie"] and row["verdict"] != NOT_RUN]
    said = [
        f"{counted(len(lies), 'lie')}, {sum(row['verdict'] == PROVEN for row in lies)} called proven",
        f"{counted(len(honest), 'honest change')}, {sum(row['verdict'] == REFUSED for row in honest)} refused, "
        f"{sum(row['verdict'] == ASKED for row in honest)} asked about",
    ]
    left = sum(row["verdict"] == NOT_RUN for row in rows)
    return [*lines, "", *said, *([f"{counted(left, 'case')} not run"] if left else [])]
