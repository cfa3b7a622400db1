"""All features together: wrong or circular dependencies, and the order in which to work. Pure."""

from __future__ import annotations

import graphlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from harness.domain.errors import SpecError
from harness.domain.feature import Feature
from harness.domain.slugs import RENAME, WRITE_ONE, check_slug
from harness.domain.text import listed, suggest

GUESSES = 20  # suggestions per reading; difflib over 5,000 slugs takes some 50 ms each


def find_problems(
    features: Sequence[Feature], name: str = "specs", is_done: Callable[[str], bool] = lambda slug: False
) -> list[Feature]:
    """The features, with the problems that only show among others: twins, unknown dependencies, cycles.

    What `is_done` may be depended on without a spec: its folder was archived.
    """
    told = {**_find_cycles(features, name), **_find_unknown(features, name, is_done), **_find_twins(features, name)}
    return [
        replace(feature, problem=told[feature.slug][0], hint=told[feature.slug][1])
        if feature.slug in told and not feature.problem
        else feature
        for feature in features
    ]


Told = dict[str, tuple[str, str]]  # slug -> problem and hint


def _find_twins(features: Sequence[Feature], name: str) -> Told:
    """Slugs that are one on a disk that ignores case."""
    count = Counter(feature.slug.lower() for feature in features)
    told = {}
    for lowered in (lowered for lowered, number in count.items() if number > 1):
        twins = sorted(feature.slug for feature in features if feature.slug.lower() == lowered)
        told.update(dict.fromkeys(twins, (f"{listed(f'{name}/{twin}' for twin in twins)} differ only in case", RENAME)))
    return told


def _find_unknown(features: Sequence[Feature], name: str, is_done: Callable[[str], bool]) -> Told:
    """Features that wait for something nobody wrote."""
    known = {feature.slug for feature in features}
    told: Told = {}
    for feature in features:
        for slug in (slug for slug in feature.depends_on if slug not in known and not is_done(slug)):
            suggestion = suggest(slug, known - {feature.slug} if len(told) < GUESSES else ())
            where = f"{name}/{feature.slug}/{feature.path.name}"
            sentence = f"{where} depends on `{slug}`, which is no feature{suggestion}"
            told.setdefault(feature.slug, (sentence, f"correct `depends_on`, or write `{slug}`: `harness new {slug}`"))
    return told


def _find_cycles(features: Sequence[Feature], name: str) -> Told:
    """Every feature that waits for itself, with the shortest way round."""
    waits: Mapping[str, Sequence[str]] = {each.slug: each.depends_on for each in features if each.depends_on}
    told: Told = {}
    if not waits or find_cycle(features) is None:
        return told
    paths = {feature.slug: feature.path.name for feature in features}
    waits = _drop_acyclic(waits)
    for slug in sorted(waits):
        cycle = () if slug in told else _find_way_back(slug, waits)
        for member in cycle:
            sentence = f"{name}/{member}/{paths[member]} is in a dependency cycle: {_draw(cycle)}"
            told.setdefault(member, (sentence, "take one of these out of a `depends_on`"))
    return told


def _drop_acyclic(waits: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """What is left without those that wait for no cycle, and those that no cycle waits for."""
    for _ in ("forwards", "backwards"):
        sorter = graphlib.TopologicalSorter(waits)
        try:
            sorter.prepare()
        except graphlib.CycleError:
            pass  # it still gives out all that no cycle holds back
        free: set[str] = set()
        while ready := sorter.get_ready():
            free.update(ready)
            sorter.done(*ready)
        turned: dict[str, list[str]] = {}
        for slug, needed in waits.items():
            for other in needed:
                if slug not in free and other not in free:
                    turned.setdefault(other, []).append(slug)
        waits = turned
    return dict(waits)


def _find_way_back(start: str, waits: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The shortest cycle through this slug, the slug first and last; empty when there is none."""
    came_from: dict[str, str] = {}
    queue = deque([start])
    while queue:
        slug = queue.popleft()
        if start in waits.get(slug, ()):
            way = [start]
            while slug != start:
                way.append(slug)
                slug = came_from[slug]
            return (start, *reversed(way[1:]), start)
        for needed in waits.get(slug, ()):
            if needed not in came_from and needed != start:
                came_from[needed] = slug
                queue.append(needed)
    return ()


def _draw(cycle: Sequence[str]) -> str:
    """`a -> b -> a`, a long one with its middle left out."""
    names = cycle if len(cycle) <= 12 else (*cycle[:6], f"({len(cycle) - 11} more)", *cycle[-5:])
    return f"`{' -> '.join(names)}`"


def find_cycle(features: Iterable[Feature]) -> tuple[str, ...] | None:
    """Slugs that wait for one another, the first again at the end; None when there is no cycle."""
    waits = {feature.slug: sorted(feature.depends_on) for feature in sorted(features, key=lambda each: each.slug)}
    try:
        graphlib.TopologicalSorter(waits).prepare()
    except graphlib.CycleError as error:
        return tuple(reversed(error.args[1]))
    return None


def order_features(features: Sequence[Feature], order: Sequence[str]) -> tuple[Feature, ...]:
    """The features in working order: as in `order`, then by priority, then by name, each after what it depends on."""
    place = {slug: index for index, slug in reversed(list(enumerate(order)))}
    last = len(order)
    wanted = sorted(features, key=lambda each: (place.get(each.slug, last), -each.priority, each.slug))
    if not any(feature.depends_on for feature in wanted):
        return tuple(wanted)
    rank = {feature.slug: index for index, feature in reversed(list(enumerate(wanted)))}
    ordered: list[Feature] = []
    begun = [False] * len(wanted)
    for first in range(len(wanted)):
        stack = [(first, False)]
        while stack:
            index, ready = stack.pop()
            if ready:
                ordered.append(wanted[index])
            elif not begun[index]:
                begun[index] = True
                stack.append((index, True))
                needed = sorted((rank[slug] for slug in wanted[index].depends_on if slug in rank), reverse=True)
                stack.extend((each, False) for each in needed)
    return tuple(ordered)


def parse_order(
    content: str, known: Sequence[str], where: str, is_done: Callable[[str], bool] = lambda slug: False
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The slugs of an order file, and warnings; SpecError for what is not a slug or no feature, nor done."""
    order: dict[str, int] = {}
    warnings = []
    slugs = set(known)
    for number, line in enumerate(content.split("\n"), 1):
        slug = line.partition("#")[0].strip()
        if not slug:
            continue
        if reason := check_slug(slug):
            raise SpecError(f"{where}:{number}: {reason}", "one slug a line; `#` begins a comment")
        if slug not in slugs and is_done(slug):
            warnings.append(f"{where}:{number}: `{slug}` is done, and its spec is gone: the line can go, too")
            continue
        if slug not in slugs:
            hint = "take the line out, or " + WRITE_ONE.replace("SLUG", slug).replace("one", "it")
            raise SpecError(f"{where}:{number}: there is no feature `{slug}`{suggest(slug, known)}", hint)
        if slug in order:
            warnings.append(f"{where}:{number}: `{slug}` is there twice; its first line, {order[slug]}, counts")
        order.setdefault(slug, number)
    return tuple(order), tuple(warnings)
