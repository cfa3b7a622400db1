"""The reports as text for people: aligned columns that a pipe and a screen reader can take, no colour needed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

from harness.decide.review import NO_VERDICT
from harness.domain.finding import Finding
from harness.domain.review import PASS
from harness.domain.text import counted, one_line
from harness.domain.units import format_dollars, format_duration

Report = dict[str, Any]
UNCUT = 10_000  # characters: why something happened is never cut


def columns(rows: Sequence[Sequence[str]], *, width: int | None = None) -> list[str]:
    """Return rows as lines with aligned columns; the last column is cut at the terminal's width."""
    if not rows:
        return []
    width = width or shutil.get_terminal_size((100, 24)).columns
    rows = [[*(one_line(cell) for cell in row[:-1]), row[-1]] for row in rows]
    sizes = [max(len(row[index]) for row in rows) for index in range(len(rows[0]) - 1)]
    room = max(20, width - sum(sizes) - 2 * len(sizes))
    lines = []
    for row in rows:
        cells = [cell.ljust(size) for cell, size in zip(row[:-1], sizes, strict=True)]
        lines.append("  ".join([*cells, one_line(row[-1], room)]).rstrip())
    return lines


def show_status(report: Report) -> list[str]:
    """Return the lines of `harness status`."""
    rows = [("feature", "state", "attempts", "cost", "why")]
    for one in report["features"]:
        cost = _cost(one) if one["attempts"] else ""
        rows.append((one["slug"], one["state"], str(one["attempts"] or ""), cost, one["because"]))
    lines = columns(rows)
    lines += ["", f"{report['done']} of {len(report['features'])} done", *_show_run(report)]
    if end := report["last_end"]:
        lines.append(f"last run: {end['says']}")
    return lines + [f"warning: {warning}" for warning in report["warnings"]]


def _cost(row: Report) -> str:
    """Return the known cost, followed by `+?` if some attempts have no known cost."""
    more = "+?" if row["unknown_costs"] and row["dollars"] is not None else ""
    return format_dollars(row["dollars"]) + more


def _show_run(report: Report) -> list[str]:
    lines = []
    run = report["run"]
    if run and not run["alive"]:
        lines.append(f"the run with pid {run['pid']} was killed; its supervisor is ending what is left of it")
    elif run:
        works = f", working on {', '.join(run['working_on'])}" if run["working_on"] else ""
        lines.append(f"a run is active: pid {run['pid']} on {run['host']} since {run['since']}{works}")
        lines += [f"it {run['waits']}"] if run["waits"] else []
    if run and (beat := run["beat"]):
        lines.append(_say_beat(beat))
    lines += [limit["says"] for limit in report["limits"]]
    if halt := report["halt"]:
        lines.append(f"HALT is present, set by {halt['by']} ({halt['path']}); go on with `harness resume`")
        if halt["by"] == "harness":
            lines += [f"    {line}" for line in halt["text"].splitlines()[:8] if line]
    return lines


def _say_beat(beat: Report) -> str:
    """Return when a run last wrote its heartbeat, and that it seems to hang if that is long ago."""
    where = f"{beat['feature']} attempt {beat['attempt']}, " if beat["feature"] and beat["attempt"] else ""
    said = f"last heartbeat {format_duration(float(round(beat['seconds_ago'])))} ago ({where}{beat['phase']})"
    hangs = "it seems to hang: try `harness halt --now`, or kill -9 it, then `harness run`"
    return f"{said}: {hangs}" if beat["hung"] else said


def show_why(report: Report) -> list[str]:
    """Return the lines of `harness why`."""
    lines = _show_run(report)
    if end := report["last_end"]:
        lines.append(end["because"] if end["code"] is None else f"the last run {end['says']}")
    lines.append(_say_next(report["next"], report["run"]))
    if "feature" not in report:
        rows = [(one["slug"], one["state"], one["because"]) for one in report["features"]]
        return [*lines, "", *columns(rows)] if rows else lines
    one = report["feature"]
    lines += ["", f"{one['slug']} is {one['state']}: {one['because']}"]
    lines += [f"review: {said}" for said in one.get("review", ())]
    lines += [f"commits: {', '.join(map(_shorten, report['commits']))}"] if report["commits"] else []
    lines += [""]
    several = len({one.get("agent") for one in report["history"] if one["event"] == "attempt_began"}) > 1
    silent = ("at", "event") if several else ("at", "event", "agent")
    history = [(event["at"][:19] + "Z", event["event"], _say_event(event, silent)) for event in report["history"]]
    return lines + columns(history, width=UNCUT)


def _shorten(commits: str) -> str:
    """Return a range of commits with short names."""
    return "..".join(one[:12] for one in commits.split(".."))


def _say_next(following: Report, run: Report | None) -> str:
    """Return what comes next, or what is being worked on."""
    if following["slug"]:
        word = "now" if run and following["slug"] in run["working_on"] else "next"
        return f"{word}: {following['slug']} ({following['because']})"
    nothing = "a run" if "code" not in following and run is None else "nothing:"
    return f"next: {nothing} {following['because']}; {following['advice']}"


def _say_event(event: Report, silent: Sequence[str]) -> str:
    """Return an event on one line, without the fields that are not worth telling."""
    if "says" in event:
        return str(event["says"])
    parts = []
    for name, value in event.items():
        if name in silent or value in (None, [], ""):
            continue
        if name == "checks":
            ran = [
                f"`{one['command']}` {'green' if one['exit'] == 0 else 'red'}{', flaky' if one.get('flaky') else ''}"
                for one in value
            ]
            parts.append("; ".join(ran))
        elif name == "remarks":
            parts += value
        elif name == "findings":
            parts += [str(Finding(**one)) for one in value]
        elif name == "comments":
            parts += [f"{one['verdict']}: {one['sentence']}" for one in value if one["verdict"] != PASS]
        elif name == "problem":
            parts.append(f"{NO_VERDICT}{value}")
        elif name in ("assumed", "flaky"):
            parts += [f"{name}: {one}" for one in value]
        elif name == "attempt":
            parts.append(f"attempt {value}")
        elif name == "agent":
            parts.append(f"by {value}")
        elif name == "seconds":
            parts.append(format_duration(round(value, 1)))
        elif name == "dollars":
            parts.append(format_dollars(value))
        else:
            parts.append(str(value))
    return ", ".join(parts)


def show_cost(report: Report) -> list[str]:
    """Return the lines of `harness cost`."""
    head = (report["by"], "attempts", "uncached", "cache read", "cache written", "output", "hit rate", "cost", "source")
    total = {**report["total"], "name": ""}
    rows = [_cost_row(one) for one in (*report["rows"], *([total] if len(report["rows"]) != 1 else []))]
    lines = [*columns([head, *rows]), ""]
    if report["proven"]:
        least = "" if report["complete"] else "at least " if report["total"]["dollars"] else ""
        each = f"{least}{format_dollars(report['dollars_per_proven'])} each, including failed attempts"
        lines.append(f"{counted(report['proven'], 'proven feature')}: {each}")
    if reviews := report["total"]["reviews"]:
        lines.append(f"{counted(reviews, 'review')} of claims among that")
    lines += [f"derived from the prices of {source}" for source in report["prices"]]
    lines.append(_say_month(report["month"]))
    return lines + [f"warning: {warning}" for warning in report["warnings"]]


def _cost_row(one: Report) -> tuple[str, ...]:
    hits = "" if one["hit_rate"] is None else f"{one['hit_rate']:.0%}"
    tokens = (f"{one[name]:,}" for name in ("uncached", "cache_read", "cache_written", "output"))
    known = [(one[kind], kind) for kind in ("reported", "derived", "unknown") if one[kind]]
    said = known[0][1] if len(known) == 1 else ", ".join(f"{number} {kind}" for number, kind in known)
    cost = _cost({"dollars": one["dollars"], "unknown_costs": one["unknown"]})
    return (one["name"] or "total", str(one["attempts"]), *tokens, hits, cost, said)


def _say_month(month: Report) -> str:
    cost = _cost({"dollars": month["dollars"], "unknown_costs": month["unknown"]})
    bound = ""
    if month["budget"]:
        bound = f" of {format_dollars(month['budget'])}, runs stop at {format_dollars(month['stops_at'])}"
    return f"{month['month']} (UTC): {cost}{bound}"


def show_config(report: Report) -> list[str]:
    """Return the lines of `harness config`."""
    rows = [("setting", "value", "from", "meaning")]
    rows += [(name, one["value"], one["origin"], one["help"]) for name, one in report["settings"].items()]
    return columns(rows) + [f"warning: {warning}" for warning in report["warnings"]]


def show_dry_run(report: Report) -> list[str]:
    """Return the lines of `harness dry-run`."""
    rows = [("→" if one["next"] else "", one["slug"], one["state"], one["because"]) for one in report["queue"]]
    lines = columns(rows) or ["every feature is done"]
    if report["next"]["slug"] is None:
        code = report["next"].get("code")
        ends = f"a run would end at once: {report['next']['because']} (exit {code})"
        lines += ["", ends if code is not None else f"a run {report['next']['because']}"]
    if report["problem"]:
        lines += ["", f"a run could not start: {report['problem']}"]
    lines += [f"warning: {warning}" for warning in report["warnings"]]
    lines += [f"{one['slug']}: {_say_weak(one)}" for one in report["weak"]]
    for prompt in report["prompts"]:
        lines += ["", f"--- prompt for {prompt['slug']}: {prompt['bytes']} bytes, about {prompt['tokens']} tokens ---"]
        shown = [("section", "bytes", "tokens", "cut")]
        shown += [(s["name"], str(s["bytes"]), f"~{s['tokens']}", str(s["cut"] or "")) for s in prompt["sections"]]
        lines += columns(shown)
        lines += [f"check {one['state']} before any work: {one['command']}" for one in prompt["checks"]]
        lines += [f"the checks ran in the working tree: {prompt['not_clean']}"] if prompt["not_clean"] else []
        lines += [_say_weak(one) for one in prompt["weak"]]
        lines += [f"the agent would load {name}" for name in report["loads"]]
        lines += ["", prompt["text"]]
        for one in prompt["reviews"]:
            lines += [
                "",
                f"--- review by {one['agent']}{', blocking' if one['blocking'] else ''}: {one['question']} ---",
            ]
            lines += [f"it could not be asked: {one['problem']}"] if one["problem"] else [one["begins"], "…"]
    return lines


def _say_weak(one: Report) -> str:
    return f"{one['says']} [{one['rule']}]; {one['hint']}"


def show_findings(report: Report) -> list[str]:
    """Return the lines of `harness lint`."""
    lines = []
    for one in report["findings"]:
        where = f"{one['path']}:{one['line']}" if one["line"] else one["path"]
        lines.append(f"{where}: {one['level']}: {one['message']} [{one['rule']}]")
        if one["hint"]:
            lines.append(f"    hint: {one['hint']}")
    lines += [f"warning: {one}" for one in report["warnings"]]
    errors = sum(one["level"] == "error" for one in report["findings"])
    numbers = (
        counted(report["features"], "spec"),
        counted(errors, "error"),
        counted(len(report["findings"]) - errors + len(report["warnings"]), "warning"),
    )
    return [*lines, "{}: {}, {}".format(*numbers)]


def show_doctor(report: Report) -> list[str]:
    """Return the lines of `harness doctor`."""
    lines = []
    for one in report["checks"]:
        lines.append(f"{one['state']:<5} {one['name']}: {one['says']}")
        if one["hint"]:
            lines.append(f"      hint: {one['hint']}")
    return lines


def show_verify(report: Report) -> list[str]:
    """Return the lines of `harness verify`."""
    rows = [("feature", "result", "why")]
    rows += [(one["slug"], one["result"], one["because"]) for one in report["features"]]
    return [*columns(rows), f"{report['drifted']} of {len(report['features'])} drifted"]
