"""What the reporting commands say, as plain values: each is one JSON document, and `as_text` renders it for people."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from typing import Any

from harness.agents.loads import find_loaded
from harness.agents.table import explain, names
from harness.decide.review import say_reviews
from harness.domain.feature import Feature
from harness.domain.halt import Halt, HaltFile, Stop
from harness.domain.look import UNKNOWN, FeatureHistory, State, Wait, Work
from harness.domain.money import Sum
from harness.domain.text import counted, listed, one_line
from harness.domain.units import format_duration
from harness.records.event_fields import describe_event
from harness.records.events import (
    Accepted,
    AgentChanged,
    Answered,
    AttemptBegan,
    AttemptEnded,
    Blocked,
    BudgetWarned,
    ClockJumped,
    CommitFailed,
    Committed,
    Event,
    FeatureEvent,
    FeatureReset,
    Foreign,
    Halted,
    HeadMoved,
    MarkedByHand,
    Parked,
    Renamed,
    Reopened,
    Restored,
    Reviewed,
    SpecChanged,
    Tampered,
    Vanished,
    Verified,
    Waiting,
)
from harness.records.halt_file import digest_halt, local_time
from harness.records.heartbeat import Beat
from harness.records.receipt import Receipt
from harness.reports.view import View, name_state, say_time
from harness.settings.load import Config
from harness.settings.options import OPTIONS
from harness.specs.lint import lint
from harness.specs.shelf import open_specs_folder
from harness.specs.spec_file import read_spec_text
from harness.system.clocks import say_jump

Report = dict[str, Any]


def report_feature(view: View, feature: Feature) -> Report:
    """Return one row of status."""
    record, receipt = view.record(feature.slug), view.receipt(feature.slug)
    because = view.standing_of(feature).because
    if receipt is not None:
        because = _say_receipt(receipt, record)
        if record.accepted_spec == UNKNOWN:
            because = "the journal does not know its receipt: `harness run` or `harness verify` runs its checks again"
        elif view.is_stale(feature):
            because = "its spec changed since it was accepted: `harness run` or `harness verify` runs its checks again"
        elif record.regressed and view.history.is_regressed(feature):
            names = ", ".join(f"`{one_line(command, 60)}`" for command in record.regressed)
            because = f"it was done, and then {names} failed: `harness run` works on it again"
    more = (
        {}
        if receipt is None
        else {name: list(getattr(receipt, name)) for name in ("criteria", "findings", "review", "assumed")}
    )
    flaky = dict.fromkeys((*(receipt.flaky if receipt is not None else ()), *record.flaky))
    return {
        **{name: said for name, said in more.items() if said},
        **({"flaky": list(flaky)} if flaky else {}),
        "slug": feature.slug,
        "title": feature.title,
        "state": name_state(view, feature),
        "because": because,
        "attempts": record.attempts,
        "outcome": record.outcome or None,
        "dollars": _known(record),
        "unknown_costs": record.spent.unknown,
        "seconds": round(record.seconds, 3),
        "depends_on": list(feature.depends_on),
        "checks": len(view.config.settings.checks_with(feature.checks)),
    }


def _known(record: FeatureHistory) -> float | None:
    """Return what a feature has cost; None while nothing is known, also of a first attempt that has not ended."""
    if record.spent == Sum() and record.unfinished:
        return None
    return None if record.spent.shown is None else round(record.spent.shown, 6)


def _say_receipt(receipt: Receipt, record: FeatureHistory) -> str:
    in_tree = " in the working tree" if receipt.in_tree and receipt.checked else ""
    proven = f"proven{in_tree} at {receipt.commit[:12]}" if receipt.commit not in ("", "none") else f"proven{in_tree}"
    ways = {
        "proven": "proven, NOT COMMITTED" if receipt.refused else proven,
        "unverified": "accepted without checks",
        "accepted": "accepted by a person",
        "by hand": "a person wrote its .done",
    }
    if receipt.kind == "proven" and not receipt.shown:
        ways["proven"] += ", not shown: its checks passed before the work too"
    if receipt.kind == "proven" and receipt.unjudged:
        ways["proven"] += ", what judges it changed"
    if said := say_reviews(receipt.review):
        ways[receipt.kind] += f", {said} (`harness why` says what)"
    if receipt.flaky or record.flaky:
        ways[receipt.kind] += ", with a flaky check"
    if receipt.findings:
        ways[receipt.kind] += f", {counted(len(receipt.findings), 'finding')} to look at (`harness why` says which)"
    if receipt.assumed:
        ways[receipt.kind] += f", assumes {counted(len(receipt.assumed), 'thing')} (`harness why` says what)"
    return f"{ways[receipt.kind]}: {receipt.words}" if receipt.words else ways[receipt.kind]


def report_status(view: View) -> Report:
    """Return where every feature stands, and what the run as a whole is doing."""
    rows = [report_feature(view, feature) for feature in view.look.features]
    return {
        "features": rows,
        "done": sum(row["state"].startswith("done") for row in rows),
        "run": _report_run(view),
        "last_end": _report_last_end(view),
        "limits": _report_limits(view),
        "halt": _report_halt(view),
        "warnings": [*view.config.warnings, *view.warnings, *_warn_of_cut_off(view)],
    }


def _report_run(view: View) -> Report | None:
    if view.holder is None:
        return None
    on = [slug for slug in view.history.histories if view.attempt_on(slug) is not None]
    who = {"pid": view.holder.pid, "since": view.holder.since, "host": view.holder.host, "alive": view.alive}
    waits = _say_wait(view.look.wait) if view.alive else None
    return {**who, "working_on": on, "beat": _report_beat(view.beat), "waits": waits}


def _warn_of_cut_off(view: View) -> list[str]:
    """Return what a person should know while nobody has looked at what a killed run left."""
    if view.alive or not view.history.unfinished:
        return []
    cut_off = listed([f"attempt {began.attempt} of {slug}" for slug, began in sorted(view.history.unfinished.items())])
    left = "until `harness run` or `harness verify` has looked at what it left, git and your other programs may obey it"
    return [f"{cut_off} was cut off: {left}"]


def _report_last_end(view: View) -> Report | None:
    """Return how the last run ended, or that it was killed; None while one is on, or when there was none."""
    history = view.history
    if view.alive or history.began is None:
        return None
    began = history.began.at
    if history.ended is not None:
        one = history.ended
        end = {"at": one.at, "run": one.run, "halt": one.halt.name if one.halt else None, "code": one.code}
        return {**end, "because": one.because, "slug": one.slug, "began": began, "says": _say_end(one)}
    says = f"killed; last journal entry at {say_time(history.last_sign)}"
    because = f"the last run began at {say_time(began)} and has no end: it was {says}"
    about = {"at": history.last_sign, "run": history.last_run, "halt": None, "code": None}
    return {**about, "because": because, "slug": None, "began": began, "says": says}


def _say_end(halted: Halted) -> str:
    """Return exit code, time and reason of a run's end."""
    halt, because = halted.halt, halted.because
    if halt not in (None, Halt.CANNOT_START):  # that one's sentence would deny that it had begun
        because = f"{halt.sentence} ({because})"
    return f"ended with exit {halted.code} at {say_time(halted.at)}: {because}"


def _report_limits(view: View) -> list[Report]:
    """Return the limits that a killed run had met and that hold still."""
    on = "; another agent stands in" if view.has_stand_in else ""
    return [{"agent": one.agent, "slug": one.slug, "until": one.until, "says": f"{one}{on}"} for one in view.limits]


def _report_beat(beat: Beat | None) -> Report | None:
    """Return the last sign of life of the run that is on."""
    if beat is None:
        return None
    about = {"feature": beat.feature or None, "attempt": beat.attempt}
    return {"seconds_ago": round(beat.age, 3), "phase": beat.phase, **about, "hung": beat.hung}


def _say_wait(wait: Wait | None) -> str | None:
    """Return until when is waited, and for what."""
    if wait is None or wait.until is None:
        return None
    return f"waits until {local_time(wait.until)}: {wait.because}"


def _say_who(view: View, halt: HaltFile) -> str:
    """Return who wrote a HALT, as far as one knows: in logs/ no agent inside the sandbox can."""
    if view.history.halt_file and view.history.halt_file == digest_halt(halt.text):
        return "harness"
    return "a person" if halt.path.parent == view.config.paths.logs else "a person or an agent"


def _report_halt(view: View) -> Report | None:
    if view.halt is None:
        return None
    return {
        "path": str(view.halt.path),
        "by": _say_who(view, view.halt),
        "now": view.halt.now,
        "text": view.halt.text.strip(),
    }


def report_why(view: View, slug: str | None) -> Report:
    """Return why anything waits, stopped or was skipped, from the files alone."""
    report: Report = {
        "next": report_next(view.next()),
        "run": _report_run(view),
        "last_end": _report_last_end(view),
        "limits": _report_limits(view),
        "halt": _report_halt(view),
    }
    if slug is None:
        undone = [feature for feature in view.look.features if not name_state(view, feature).startswith("done")]
        return {**report, "features": [report_feature(view, feature) for feature in undone]}
    feature = view.feature(slug)
    about = {"feature": report_feature(view, feature), "commits": _report_commits(view.record(slug).commits)}
    return {**report, **about, "history": _report_history(view.events, slug)}


def _report_commits(ranges: list[tuple[str, str]]) -> list[str]:
    """Return the commits of a feature as git takes them: ranges, and single ones."""
    return [f"{since}..{last}" if since else last for since, last in ranges]


def _report_history(events: list[Event], slug: str) -> list[Report]:
    """Return the history of a feature, and of the run in the meantime, oldest first."""
    own = [number for number, event in enumerate(events) if _is_about(event, slug)]
    span = events[own[0] : own[-1] + 1] if own else []
    return [told for event in span if (told := _report_event(event, slug)) is not None]


def _is_about(event: Event, slug: str) -> bool:
    return isinstance(event, FeatureEvent | Halted | BudgetWarned) and event.slug == slug


_TOLD: dict[type[Event], tuple[str, ...]] = {
    AttemptBegan: ("attempt", "agent", "because"),
    AttemptEnded: ("attempt", "outcome", "reason", "seconds", "dollars", "checks", "remarks", "findings", "assumed"),
    Accepted: ("attempt",),
    Committed: ("attempt", "commit"),
    CommitFailed: ("attempt", "why"),
    Blocked: ("attempt", "question"),
    Answered: ("text",),
    MarkedByHand: (),
    Foreign: ("attempt", "marker"),
    Vanished: ("attempt", "marker"),
    HeadMoved: ("attempt", "text"),
    SpecChanged: ("attempt",),
    Tampered: ("attempt", "file"),
    FeatureReset: (),
    Reopened: ("because",),
    Renamed: ("was",),
    Restored: ("attempt",),
    Parked: ("text",),
    BudgetWarned: ("line", "spent", "limit"),
    Halted: ("halt", "because"),
    Reviewed: ("attempt", "agent", "question", "problem", "comments", "dollars"),
    Verified: ("green", "failing", "flaky"),
}


def _report_event(event: Event, slug: str) -> Report | None:
    """Return an event of the feature, or one of the run that explains a gap; None for all others."""
    match event:
        case Waiting():
            stay = f"{format_duration(round(event.seconds, 1))}, until {local_time(event.until)}"
            return {**_pick(event, "at", "event", "seconds", "until", "because"), "says": f"{stay}: {event.because}"}
        case AgentChanged():
            return {**_pick(event, "at", "event", "was", "agent", "until", "because"), "says": _say_change(event)}
        case Verified() if _is_about(event, slug):
            return {**_pick(event, "at", "event", *_TOLD[Verified]), "says": _say_verified(event)}
        case ClockJumped():
            return {**_pick(event, "at", "event", "seconds"), "says": say_jump(event.seconds)}
    told = _TOLD.get(type(event))
    return _pick(event, "at", "event", *told) if told is not None and _is_about(event, slug) else None


def _say_verified(event: Verified) -> str:
    red = f"red: {', '.join(f'`{one_line(one, 60)}`' for one in event.failing)}"
    return "; ".join(("every check is green" if event.green else red, *(f"flaky: {one}" for one in event.flaky)))


def _say_change(event: AgentChanged) -> str:
    stay = f" until {local_time(event.until)}" if event.until is not None else ""
    return f"{event.agent} takes over from {event.was}{stay}: {event.because}"


def _pick(event: Event, *names: str) -> Report:
    """Return these fields of an event's line, without those that it does not have."""
    fields = describe_event(event)
    return {name: fields[name] for name in names if name in fields}


def report_next(decision: Work | Wait | Stop) -> Report:
    """Return what a run would do first."""
    if isinstance(decision, Wait):
        advice = "`harness halt` ends the wait"
        return {"slug": None, "because": _say_wait(decision), "until": decision.until, "advice": advice}
    if isinstance(decision, Work):
        return {"slug": decision.feature.slug, "because": decision.because}
    return {
        "slug": None,
        "halt": decision.halt.name,
        "code": decision.halt.code,
        "because": decision.because,
        "advice": decision.advice or decision.halt.advice,
    }


def report_config(config: Config) -> Report:
    """Return each setting, its value, where it came from and what it is for."""
    return {
        "file": str(config.file) if config.file else None,
        "settings": {
            name: {
                "value": option.kind.show(getattr(config.settings, name)),
                "origin": config.origins[name],
                "help": explain(name, option.help),
            }
            for name, option in OPTIONS.items()
        },
        "warnings": list(config.warnings),
    }


def report_queue(view: View) -> list[Report]:
    """Return the resolved queue: what is not done, in order, with its state and why it is or is not next."""
    decision = view.next()
    chosen = decision.feature.slug if isinstance(decision, Work) else None
    rows = []
    for feature in view.look.features:
        standing = view.standing_of(feature)
        if standing.state is not State.DONE:
            rows.append(
                {
                    "slug": feature.slug,
                    "state": standing.state,
                    "because": standing.because,
                    "next": feature.slug == chosen,
                }
            )
    return rows


def report_loaded(view: View, agent: str) -> list[str]:
    """Return the files of the repository that the agent would load by itself: settings, hooks, instructions."""
    return find_loaded(agent, view.config.paths.root, view.config.settings.setting_sources)


def is_on_path(program: str) -> bool:
    """Whether there is a program of that name."""
    return shutil.which(program) is not None


def report_lint(config: Config) -> Report:
    """Return what is to be mended in the specs."""
    reading = open_specs_folder(config).read()
    features = reading.features
    texts = {feature.slug: read_spec_text(feature, whole=True) for feature in features if not feature.problem}
    settings = config.settings
    proven = [
        replace(one, checks=settings.checks_with(one.checks), reviews=settings.reviews_with(one.reviews))
        for one in features
    ]
    paths = {feature.slug: config.paths.shown(feature.path) for feature in features}
    findings = [{"path": paths[one.slug], **asdict(one)} for one in lint(proven, texts, is_on_path, names())]
    return {"features": len(features), "findings": findings, "warnings": [*config.warnings, *reading.warnings]}
