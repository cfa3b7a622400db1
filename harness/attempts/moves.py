"""What was moved in git meanwhile: told, written down, and put right where that loses nothing; else the run ends.

Who did it nobody can know: an agent, a check or a hook can, and so can a person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from harness.attempts.no_secrets import search, tell_missed
from harness.domain.halt import Halt, Stop
from harness.domain.listener import Tone
from harness.domain.text import counted, one_line, some_of
from harness.records.events import HeadMoved, TreeLeft
from harness.run.run import Run
from harness.workspace.brought import list_brought
from harness.workspace.heads import (
    MOST,
    Head,
    Way,
    describe_move,
    describe_refs,
    find_way,
    is_elsewhere,
    name_of,
    say_commands,
)

KILLING = 0.5  # seconds that what a run started may live on after it
SHOWN = 10  # branches and tags that are told one by one
RULE = "HEAD and branches were not left as they were; harness makes the commits, on the branch that was there"


@dataclass(frozen=True, slots=True)
class Mover:
    """What was going on meanwhile: the agent of an attempt worked, or `during` says what else.

    `apart` says that it saw nothing of the repository, so that it was somebody else; `crashed` that its run was killed.
    """

    slug: str
    attempt: int
    during: str = ""
    apart: bool = False
    crashed: bool = False

    @property
    def when(self) -> str:
        """When it was, in words."""
        return self.during or ("before it was killed" if self.crashed else "while its agent worked")

    @property
    def by(self) -> str:
        """Who it was, for the journal."""
        return "somebody" if self.apart else "a check" if self.during else "its attempt" if self.crashed else ""


CHECKS, COMMIT = "while its checks ran", "while it was committed"


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of a look: `remarks` for the next attempt, and files whose content was committed on another branch.

    `head` says whether HEAD or its branch was moved, other than by new commits.
    """

    head: bool = False
    remarks: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


def watch_head(run: Run, mover: Mover) -> Moved:
    """Compare where HEAD, branches and tags stand with where they stood.

    The branch is harness's to watch while it commits there itself. An attempt whose run was killed may have been
    followed by a person, so nothing is put back after it.
    """
    heads = run.workspace.heads
    was, now = heads.last, heads.look()
    if was == now:
        return Moved()
    if not was.commit:  # nothing of it is harness's to put right
        return Moved(remarks=_tell_secrets(run, mover, was, now))
    plain = heads.make_plain(was, now) if run.commits and not mover.crashed else []
    now = heads.look() if plain else now
    line = heads.find_line(was, now)
    way = find_way(was, now, line) if run.commits else None
    moved = describe_move(was, now, line)
    elsewhere = heads.find_alike(was, now) if way is not None and not way.why else ()
    outcome = "" if way is None else _go(run, mover, was, now, way)
    after = heads.note()
    about = HeadMoved(
        slug=mover.slug,
        attempt=mover.attempt,
        by=mover.by,
        branch=was.branch,
        since=was.commit,
        commit=now.commit,
    )
    back = way is not None and run.tally.moved is None
    for word, text in moved:
        _tell(run, mover, replace(about, what=word, text="; ".join(filter(None, (text, outcome))), back=back))
    _tell_commits(run, mover, about, was, after)
    for text in (*plain, *_say_refs(was, now)):
        _tell(run, mover, replace(about, what="refs", text=text))
    remarks = ((RULE,) if moved and run.commits else ()) + _tell_secrets(run, mover, was, after)
    return Moved(bool(moved), remarks, elsewhere)


def watch_commit(run: Run, mover: Mover, made: str, base: str = "") -> None:
    """Compare where HEAD stands with where a commit of harness leaves it (`made`: "" for none): hooks have run.

    `base` is the commit that it was made on.
    """
    heads = run.workspace.heads
    was = heads.last
    if made and base not in ("", was.commit):
        about = HeadMoved(slug=mover.slug, attempt=mover.attempt, by=mover.by, branch=was.branch, since=was.commit)
        _tell_commits(run, mover, replace(about, commit=base), was, was.at(base))
    if made:
        heads.follow(made)
    watch_head(run, mover)
    if not heads.last.commit:
        heads.note()


def _go(run: Run, mover: Mover, was: Head, now: Head, way: Way) -> str:
    """Go the way back; returns what came of it, in words. Where there is none, the run ends."""
    heads = run.workspace.heads
    line = heads.find_line(was, now)
    if mover.crashed and not way.why:
        home = (f"git switch {name_of(was.branch)}",) if now.branch != was.branch else ()
        why = "the run was killed then, so a person may have done it"
        way = Way(why=why, commands=home or (f"git reset --keep {was.commit[:12]}",))
    refused = "" if way.why else heads.go_back(was, now, way)
    if refused:
        way = replace(way, why=f"git refused to put it back: {one_line(refused)}", commands=())
    if not way.why:
        kept = ", ".join(f"`{name}`" for name in heads.kept_as(way))
        stays = f", and what was committed there stays on {now.place}" if is_elsewhere(was, now, line) else ""
        return f"HEAD is back on {was.place}{kept and f', and what was there is kept as {kept}'}{stays}"
    moved = describe_move(was, now, line)
    what = " and ".join(text for _, text in moved)
    typed = f": {say_commands(way.commands)}" if way.commands else ""
    run.tally.moved = Stop(
        Halt.MOVED,
        f"{mover.slug}: {mover.during or f'in attempt {mover.attempt}'}, somebody {what}; {way.why}",
        advice=f"look with `git status`, put it right{typed}, then `harness resume`",
    )
    return f"{way.why}; a person puts it right{typed}"


def _tell(run: Run, mover: Mover, moved: HeadMoved) -> None:
    """Write down one thing that was moved, and tell it."""
    run.write(moved)
    tone = Tone.NOTICE if moved.what in ("committed", "refs") else Tone.BAD
    run.tell(f"{moved.slug}: {mover.when}, somebody {moved.text}", tone)


def _tell_commits(run: Run, mover: Mover, about: HeadMoved, was: Head, now: Head) -> None:
    """Tell of the commits that its branch has now, and had not: they are part of the feature, if they can be."""
    tip = now.refs.get(was.branch, "" if was.branch else now.commit)
    if tip in ("", was.commit) or not (line := run.workspace.heads.find_line(was, Head(tip))).goes_on:
        return
    died = run.history.died_at if mover.crashed else None
    last = tip if died is None else run.workspace.heads.find_last_before(was.commit, tip, died + KILLING)
    if last != tip:  # the run was dead when it was made
        since = last or was.commit
        later = replace(mover, during="after its run was killed", apart=True)
        text = f"made commits on {was.place} ({since[:12]}..{tip[:12]}), no part of the feature"
        _tell(run, later, replace(about, what="refs", by=later.by, text=text, since=since, commit=tip))
        if not last:
            return
        tip, line = last, run.workspace.heads.find_line(was, Head(last))
    whose = "" if mover.apart else ", part of the feature"
    made = f"made {counted(line.made, 'commit')} on {was.place} ({was.commit[:12]}..{tip[:12]}){whose}"
    others = f"; {line.others} of them are on another branch or a remote, too" if line.others else ""
    _tell(run, mover, replace(about, what="refs" if mover.apart else "committed", text=made + others, commit=tip))


def _tell_secrets(run: Run, mover: Mover, was: Head, now: Head) -> tuple[str, ...]:
    """Tell which secrets are in commits that a branch or a tag leads to now, and none did; returns remarks.

    Also one that a later commit took out again: it goes out all the same.
    """
    git, public = run.workspace.heads.git, ("refs/heads/", "refs/tags/")
    tips = {oid for ref, oid in now.refs.items() if ref.startswith(public) and was.refs.get(ref) != oid}
    tips |= {now.commit} - {"", was.commit}
    if not tips:
        return ()
    bring = partial(list_brought, git, {was.commit, *was.refs.values()}, tips)
    searched = search(git, run.redactor, was.commit, now.commit or was.commit, bring)
    tell_missed(run, mover.slug, searched)
    if not searched.found:
        return ()
    own = not (mover.during or mover.crashed)
    whose = "a commit of its own" if own else f"a commit that somebody made {mover.when}"
    said = f"{whose} holds the value of {', '.join(searched.names)}, also where a later one took it out"
    run.tell_once(f"{mover.slug}: {said}: it goes out with the next push of its branch", Tone.BAD)
    return (said,) if own else ()


def tell_unstaged(run: Run, slug: str) -> None:
    """Tell what was staged meanwhile and is not any more."""
    names, run.workspace.index.unstaged = run.workspace.index.unstaged, []
    if names:
        said = "ignored by git, obeyed by programs, a repository, or not what the file holds, so not staged any more"
        run.tell(f"{slug}: somebody staged {some_of(names, SHOWN)}: {said}", Tone.NOTICE)


def _say_refs(was: Head, now: Head) -> list[str]:
    told = describe_refs(was, now)
    more = len(told) - SHOWN
    return told if more <= 0 else [*told[:SHOWN], f"made, moved or deleted {more} more branches and tags"]


def end_with_git(run: Run, stop: Stop) -> Stop:
    """Return how the run ends: not well where a commit of this run is not on the branch that the run began on.

    What is left in the tree is written down: the next run knows it again, whatever was committed meanwhile.
    """
    if run.tally.moved is not None and stop.halt is not Halt.INTERRUPTED:  # by a check at the very end
        stop = run.tally.moved
    stop = _confirm_commits(run, stop)
    if stop.halt is Halt.MOVED or run.commits:
        run.workspace.forget()
        if files := run.workspace.snapshot().files:
            known = [(name, stamp) for name, stamp in files.items() if run.redactor.text(name) == name]  # no secret
            run.write(TreeLeft(files=dict(known[:MOST])))
    return stop


def _confirm_commits(run: Run, stop: Stop) -> Stop:
    """Return another end where a commit of this run, or of a done feature, was on the branch and is not any more."""
    heads, made = run.workspace.heads, run.history.committed
    records = [(slug, one) for slug, one in run.history.histories.items() if one.accepted_spec]
    done = {one.commits[-1][1]: slug for slug, one in records if one.commits}
    done |= {one.proven_at: slug for slug, one in records if one.proven_at}
    lost = heads.find_lost(list(done | made), heads.began.branch)
    lost = [one for one in lost if not heads.are_rebased(one, heads.began.branch or "HEAD", f"{one}^")]
    if earlier := [one for one in lost if one not in made]:
        before = heads.find_lost(earlier, heads.began.commit) if heads.began.commit else earlier
        lost = [one for one in lost if one not in before]
    if not lost:
        return stop
    names = ", ".join(f"{one[:12]} ({(done | made)[one]})" for one in lost[:5])
    whose = "of this run" if made.keys() >= set(lost) else "of done features"
    text = f"{counted(len(lost), 'commit')} {whose} cannot be reached from {heads.began.place}, where the run began"
    said = f"{text}: {names}"
    if stop.halt.code != 0:
        run.tell(said, Tone.BAD)
        return stop
    keep = tuple(f"git branch found-{one[:7]} {one[:12]}" for one in lost[-1:])
    look = f"{say_commands(keep)} keeps what is there, and `git merge` brings it back; then `harness resume`"
    return Stop(Halt.MOVED, said, advice=look)
