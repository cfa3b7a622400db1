"""What an agent moved in git: told at once, written down, and put right where that loses nothing; else the run ends."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.domain.halt import Halt, Stop
from harness.domain.listener import Tone
from harness.domain.text import counted, one_line
from harness.records.events import HeadMoved, TreeLeft
from harness.run.run import Run
from harness.workspace.heads import (
    MOST,
    Head,
    Way,
    describe_move,
    describe_refs,
    find_way,
    name_of,
    say_commands,
)

SHOWN = 10  # branches and tags that are told one by one
RULE = "it did not leave HEAD and branches as they were; harness makes the commits, on the branch that was there"


@dataclass(frozen=True, slots=True)
class Mover:
    """Who was at work meanwhile: the agent of an attempt, or a check of a feature. `crashed`: its run was killed."""

    slug: str
    attempt: int
    check: bool = False
    crashed: bool = False


def watch_head(run: Run, mover: Mover) -> list[str]:
    """Compare where HEAD, branches and tags stand with where they stood; returns remarks for the next attempt.

    The branch is harness's to watch while it commits there itself. An attempt whose run was killed may have been
    followed by a person, so nothing is put back after it.
    """
    heads = run.workspace.heads
    was, now = heads.last, heads.look()
    if not was.commit or was == now:
        return []
    line = heads.find_line(was, now)
    way = find_way(was, now, line) if run.commits else None
    moved = describe_move(was, now, line)
    outcome = "" if way is None else _go(run, mover, was, now, way)
    after = heads.note()
    about = HeadMoved(
        slug=mover.slug,
        attempt=mover.attempt,
        by="a check" if mover.check else "its attempt" if mover.crashed else "",  # whose commit harness may have made
        branch=was.branch,
        since=was.commit,
        commit=now.commit,
    )
    back = way is not None and run.tally.moved is None
    for word, text in moved:
        _tell(run, replace(about, what=word, text="; ".join(filter(None, (text, outcome))), back=back))
    _tell_commits(run, about, was, after)
    for text in _say_refs(was, now):
        _tell(run, replace(about, what="refs", text=text))
    return [RULE] if moved and run.commits else []


def _go(run: Run, mover: Mover, was: Head, now: Head, way: Way) -> str:
    """Go the way back; returns what came of it, in words. Where there is none, the run ends."""
    heads = run.workspace.heads
    if mover.crashed and not way.why:
        home = (f"git switch {name_of(was.branch)}",) if now.branch != was.branch else ()
        why = "the run was killed then, so a person may have done it"
        way = Way(why=why, commands=home or (f"git reset --keep {was.commit[:12]}",))
    refused = "" if way.why else heads.go_back(was, now, way)
    if refused:
        way = replace(way, why=f"git refused to put it back: {one_line(refused)}", commands=())
    if not way.why:
        kept = ", ".join(f"`{name}`" for name in heads.kept_as(way))
        return f"HEAD is back on {was.place}{kept and f', and what was there is kept as {kept}'}"
    moved = describe_move(was, now, heads.find_line(was, now))
    what = " and ".join(text for _, text in moved)
    typed = f": {say_commands(way.commands)}" if way.commands else ""
    run.tally.moved = Stop(
        Halt.MOVED,
        f"{mover.slug}: {'a check' if mover.check else f'attempt {mover.attempt}'} {what}; {way.why}",
        advice=f"look with `git status`, put it right{typed}, then `harness resume`",
    )
    return f"{way.why}; a person puts it right{typed}"


def _tell(run: Run, moved: HeadMoved) -> None:
    """Write down one thing that an agent moved, and tell it."""
    run.write(moved)
    tone = Tone.NOTICE if moved.what in ("committed", "refs") else Tone.BAD
    run.tell(f"{moved.slug}: {moved.by or 'its agent'} {moved.text}", tone)


def _tell_commits(run: Run, about: HeadMoved, was: Head, now: Head) -> None:
    """Tell of the commits that its branch has now, and had not: they are part of the feature."""
    tip = now.refs.get(was.branch, "" if was.branch else now.commit)
    if tip in ("", was.commit) or not (line := run.workspace.heads.find_line(was, Head(tip))).goes_on:
        return
    made = f"made {counted(line.made, 'commit')} on {was.place} ({was.commit[:12]}..{tip[:12]}), part of the feature"
    others = f"; {line.others} of them are on another branch or a remote, too" if line.others else ""
    _tell(run, replace(about, what="committed", text=made + others, commit=tip))


def _say_refs(was: Head, now: Head) -> list[str]:
    told = describe_refs(was, now)
    more = len(told) - SHOWN
    return told if more <= 0 else [*told[:SHOWN], f"made, moved or deleted {more} more branches and tags"]


def end_with_git(run: Run, stop: Stop) -> Stop:
    """Return how the run ends: not well where a commit of this run is not on the branch that the run began on.

    What is left in the tree when a person has to put git right is written down: the next run knows it again.
    """
    if run.tally.moved is not None and stop.halt is not Halt.INTERRUPTED:  # by a check at the very end
        stop = run.tally.moved
    stop = _confirm_commits(run, stop)
    if stop.halt is Halt.MOVED:
        run.workspace.forget()
        files = run.workspace.snapshot().files
        run.write(TreeLeft(files=dict(list(files.items())[:MOST])))
    return stop


def _confirm_commits(run: Run, stop: Stop) -> Stop:
    heads, made = run.workspace.heads, run.history.committed
    lost = heads.find_lost(list(made), heads.began.branch)
    if not lost:
        return stop
    names = ", ".join(f"{one[:12]} ({made[one]})" for one in lost[:5])
    text = f"{counted(len(lost), 'commit')} of this run cannot be reached from {heads.began.place}, where it began"
    said = f"{text}: {names}"
    if stop.halt.code != 0:
        run.tell(said, Tone.BAD)
        return stop
    keep = tuple(f"git branch found-{one[:7]} {one[:12]}" for one in lost[-1:])
    look = f"{say_commands(keep)} keeps what is there, and `git merge` brings it back; then `harness resume`"
    return Stop(Halt.MOVED, said, advice=look)
