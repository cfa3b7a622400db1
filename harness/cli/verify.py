"""`harness verify`: run the checks of accepted features again, and say which no longer hold."""

from __future__ import annotations

from typing import Any

from harness.attempts.held_out import recheck_feature
from harness.attempts.recheck import write_verified
from harness.attempts.renew import CHANGED, recheck_stale, renew
from harness.domain.errors import UsageError
from harness.domain.feature import Feature
from harness.domain.listener import Tone
from harness.domain.text import one_line
from harness.records.receipt import parse_receipt
from harness.run.checkouts import open_checkout_of_head, open_fresh_checkout, plan_for
from harness.run.look import look_around
from harness.run.run import Run
from harness.workspace.workspace import Candidate


def verify(run: Run, *, fresh: bool = False) -> dict[str, Any]:
    """Check every accepted feature of the run again; its receipt stays as it is, the journal keeps the result.

    In the working tree, but for a stale one, which is to be renewed: that is checked as `harness run` does it. If
    `fresh`, each is in a new checkout of the commit that its receipt names, or of the last one.
    Raises UsageError where there is nothing to check out.
    """
    if fresh:
        if not run.workspace.has_git or run.workspace.commits.candidate_at_head() is None:
            raise UsageError("`--fresh` checks out commits, and there are none here", "leave `--fresh` out")
        open_fresh_checkout(run)
    rows = []
    look = look_around(run)
    if not fresh and any(map(run.history.is_stale, look.features)):
        open_checkout_of_head(run)
    for feature in look.features:
        if run.interrupts.interrupted:
            break
        if feature.slug in run.history.known or feature.slug in look.markers.done:
            rows.append(_verify_one(run, feature, fresh=fresh))
        elif feature.slug in run.specs.wanted:
            because = "`" + feature.slug + "` has no receipt"
            rows.append({"slug": feature.slug, "result": "not accepted", "because": because, "checks": []})
    return {"features": rows, "drifted": sum(row["result"] in ("drifted", "not accepted") for row in rows)}


def _verify_one(run: Run, feature: Feature, *, fresh: bool) -> dict[str, Any]:
    slug, checks = feature.slug, run.checks_for(feature)
    if not checks:
        return {"slug": slug, "result": "unverified", "because": "it has no checks", "checks": []}
    candidate = _find_commit(run, slug) if fresh else None
    if fresh and candidate is None:
        because = "the commit that its receipt names is not in this repository"
        return {"slug": slug, "result": "drifted", "because": because, "checks": []}
    stale = run.history.is_stale(feature) and not fresh
    plan = None if candidate is None else plan_for(run, candidate)
    found = recheck_stale(run, feature) if stale else recheck_feature(run, feature, plan, anew=True)
    if fresh and not found.clean:
        because = f"no checkout of {candidate.commit[:12] if candidate else 'it'} could be made: {found.because}"
        return {"slug": slug, "result": "drifted", "because": because, "checks": []}
    if found.stopped:
        return {"slug": slug, "result": "interrupted", "because": "stopped before it ended", "checks": []}
    red = [one for one in found.runs if not one.green]
    # that an old commit passes says nothing of the last one
    head = run.workspace.commits.candidate_at_head() if candidate is not None else None
    record, flaky = run.history.of(slug), tuple[str, ...]()
    tells = candidate is None or (head is not None and candidate.tree == head.tree and not record.in_tree)
    # nor what is not committed of the commit on which it failed
    uncommitted = record.regressed_at if not red and not found.commit and not record.in_tree else ""
    tells &= not uncommitted
    if tells:
        flaky = write_verified(run, slug, found.commit, found.runs)
    if stale and not red:
        renew(run, feature, found, CHANGED)
    where = f" in a fresh checkout of {candidate.commit[:12]}" if candidate is not None and found.clean else ""
    where = " in a clean checkout of the last commit" if stale and found.clean else where
    named = f"; flaky: {'; '.join(flaky)}" if flaky else ""
    green = f"every check is green{named}" + (": its receipt is renewed for the spec as it is now" if stale else where)
    green += f" here, but not committed so: it has regressed at {uncommitted[:12]}" if uncommitted else ""
    green += "; reviewers are not asked" if run.reviews_for(feature) else ""
    because = "; ".join(f"`{one_line(one.command, 60)}`: {one.ending}{where}" for one in red) or green
    result = "drifted" if red else "proven"
    run.tell(f"{slug}: {result}: {because}", Tone.BAD if red else Tone.PLAIN)
    ran = [{"command": one.command, "exit": one.code, "seconds": round(one.seconds, 3)} for one in found.runs]
    commit = {"commit": candidate.commit} if candidate is not None else {}
    return {"slug": slug, "result": result, "because": because, "checks": ran, **commit}


def _find_commit(run: Run, slug: str) -> Candidate | None:
    """Return the commit that a receipt names, else the last one; None where the repository does not hold it."""
    receipt = parse_receipt(run.read_marker(slug))
    if receipt.commit in ("", "none"):
        return run.workspace.commits.candidate_at_head()
    tree = run.workspace.commits.tree_of(receipt.commit)
    return Candidate(receipt.commit, tree, receipt.commit) if tree else None
