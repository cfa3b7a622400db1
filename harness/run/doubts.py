"""What a person should know about receipts that stand: whose commit is gone, what rests on it, who was renamed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.domain.feature import Feature
from harness.domain.look import FeatureHistory
from harness.domain.text import listed
from harness.records.history import History

if TYPE_CHECKING:
    from harness.workspace.heads import Heads


def find_doubts(
    features: Sequence[Feature], done: Collection[str], history: History, heads: Callable[[], Heads]
) -> list[str]:
    """Return a sentence for each receipt in doubt, and for each that belongs to a feature with another name now.

    `heads` opens the repository, which is looked at only where a commit is recorded.
    """
    rest = find_renamed(features, done, history)
    return [*_find_gone(features, done, history.histories, heads), *_find_missing(features, done), *rest]


def dependants_of(slugs: Iterable[str], features: Iterable[Feature], done: Collection[str]) -> list[str]:
    """Return the done features that depend on one of these, at once or by way of others, in the order given."""
    features, reached = tuple(features), set(slugs)
    begun, size = set(reached), 0
    while len(reached) != size:
        size = len(reached)
        reached |= {one.slug for one in features if not reached.isdisjoint(one.depends_on)}
    return [one.slug for one in features if one.slug in reached - begun and one.slug in done]


def say_dependants(names: Sequence[str], *, several: bool = False) -> str:
    """Return the clause about features that depend on one, or on `several`, in doubt; "" where there are none."""
    return (
        f"{_quote(names)} {'depends' if len(names) == 1 else 'depend'} on {'them' if several else 'it'}"
        if names
        else ""
    )


def _quote(names: Sequence[str]) -> str:
    return listed(f"`{name}`" for name in names)


def _find_gone(
    features: Sequence[Feature],
    done: Collection[str],
    histories: Mapping[str, FeatureHistory],
    open_heads: Callable[[], Heads],
) -> list[str]:
    """Tell of done features whose last commit was reverted, or is not in what is checked out, or is another there."""
    known = ((one.slug, histories.get(one.slug)) for one in features if one.slug in done)
    last = {slug: record.commits[-1][1] for slug, record in known if record and record.commits and record.accepted_spec}
    if not last:
        return []
    from harness.workspace.reverts import find_copied, find_reverts, find_unlike_copies  # slow to import

    heads = open_heads()
    at = {commit: histories[slug].proven_at or commit for slug, commit in last.items()}
    lost_at = set(heads.find_lost(list(at.values()), ""))
    off = [commit for commit in last.values() if at[commit] in lost_at]
    lost = set(off) - find_copied(heads.git, off)
    attempts = [one for record in histories.values() for one in record.commits]
    reverts = find_reverts(heads.git, [one for one in last.values() if one not in off], attempts)
    unlike = find_unlike_copies(heads.git, off)
    gone = [slug for slug, commit in last.items() if commit in lost]
    other = [slug for slug, commit in last.items() if commit in unlike]
    told = [_say_gone([slug], f"was reverted by {reverts[one][:12]}") for slug, one in last.items() if one in reverts]
    told += [_say_gone(gone, "is not in what is checked out")] if gone else []
    told += [_say_gone(other, "is in what is checked out with other content")] if other else []
    return [_with_dependants(what, slugs, features, done) for what, slugs in told]


def _say_gone(slugs: list[str], how: str) -> tuple[str, list[str]]:
    one = len(slugs) == 1
    how = how if one else how.replace("is", "are", 1)
    return f"{_quote(slugs)} {'is' if one else 'are'} done, but {'its commit' if one else 'their commits'} {how}", slugs


def _with_dependants(what: str, slugs: list[str], features: Sequence[Feature], done: Collection[str]) -> str:
    rests = say_dependants(dependants_of(slugs, features, done), several=len(slugs) > 1)
    return f"{'; '.join(filter(None, (what, rests)))}; `harness verify` tells what still holds"


def _find_missing(features: Sequence[Feature], done: Collection[str]) -> list[str]:
    """Tell of features that are not done, though done ones depend on them."""
    rests: dict[str, list[str]] = {one.slug: [] for one in features if one.slug not in done}
    for one in features:
        for slug in one.depends_on if one.slug in done else ():
            rests.get(slug, []).append(one.slug)
    return [_say_missing(slug, names) for slug, names in rests.items() if names]


def _say_missing(slug: str, names: Sequence[str]) -> str:
    are, they = ("is", "it depends") if len(names) == 1 else ("are", "they depend")
    return f"{_quote(names)} {are} done, but not `{slug}`, on which {they}; `harness verify` tells what still holds"


def find_renamed(features: Sequence[Feature], done: Collection[str], history: History) -> list[str]:
    """Tell of features that are not done and have the very text by which one without a spec was accepted."""
    present = {one.slug for one in features}
    accepted = {
        record.accepted_spec: slug
        for slug, record in history.histories.items()
        if record.accepted_spec and slug in history.known and slug in done and slug not in present
    }
    return [
        f"`{one.slug}` has the text by which `{accepted[one.sha256]}` was accepted, which has no spec any more; if you "
        f"renamed it, `harness rename {accepted[one.sha256]} {one.slug}` keeps its proof"
        for one in features
        if one.slug not in done and one.sha256 in accepted
    ]
