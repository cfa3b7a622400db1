"""Front matter: the settings of one feature, at the top of its spec.

YAML front matter is opened by a first line `---` and closed by a line `---` or `...`. That first line is taken for a
horizontal rule when what follows neither begins like `key: value` nor is closed, or begins with a blank line. What
looks like front matter and stands elsewhere is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from harness.domain.feature import Check
from harness.domain.review import Review
from harness.domain.slugs import check_slug
from harness.domain.text import shown, suggest
from harness.specs.misplaced import find_misplaced
from harness.system.yamls import (
    Mistake,
    Node,
    is_blank,
    is_null,
    parse_bytes,
    parse_checks,
    parse_commands,
    parse_count,
    parse_line,
    parse_seconds,
    parse_whole,
    parse_yaml,
)

_OPENING = re.compile(r"\ufeff?---[ \t]*\r?\n")
_CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*\r?$", re.MULTILINE)
_FIRST_WORDS = re.compile(r"^[ \t]*([^\s#].*)$", re.MULTILINE)
_KEY_LINE = re.compile(r"""["']?[A-Za-z_][\w-]*["']?[ \t]*:(?:\s|$)""")


def split_front_matter(text: str) -> tuple[str, str]:
    """The front matter without its `---` lines, and the body; front matter that is never closed counts as body."""
    opening = _OPENING.match(text)
    closing = _CLOSING.search(text, opening.end()) if opening else None
    if opening is None or closing is None:
        return "", text.removeprefix("\ufeff")
    inner = text[opening.end() : closing.start()]
    if inner[:1].isspace() and inner.strip() and not _begins_with_key(inner):
        return "", text.removeprefix("\ufeff")
    return inner, text[closing.end() + 1 :]


def _begins_with_key(text: str) -> bool:
    """Whether the first line with words, comments aside, is one of a YAML mapping."""
    first = _FIRST_WORDS.search(text)
    return first is not None and _KEY_LINE.match(first[1]) is not None


def check_no_settings(text: str) -> None:
    """Refuse settings in a text without front matter: taken for prose, they would be lost without a word."""
    opening = _OPENING.match(text)
    closing = _CLOSING.search(text, opening.end()) if opening else None
    if opening and not closing and _begins_with_key(text[opening.end() :]):
        raise Mistake(0, "the front matter is never closed", "close it with a line `---`")
    if misplaced := find_misplaced(text, _KEYS):
        line, key = misplaced
        hint = "it begins in the first line, with `---`; put an example into a code fence"
        raise Mistake(line, f"`{shown(key)}` looks like front matter, and is none here", hint)


def parse_front_matter(text: str) -> dict[str, Any]:
    """Fields of a Feature; a mistake is raised with its line."""
    node = parse_yaml(text)
    if node is None:
        return {}
    if not isinstance(node.value, dict):
        raise Mistake(
            node.line,
            "the front matter is not a list of `key: value` lines",
            "for a horizontal rule, write `***` instead",
        )
    for key, item in node.value.items():
        if key not in _KEYS:
            raise Mistake(
                item.line,
                f"unknown key `{shown(key)}` in front matter{suggest(key, _KEYS)}",
                f"the keys are {', '.join(sorted(_KEYS))}",
            )
        if is_blank(item):
            raise Mistake(item.line, f"`{key}` has no value", "give it one, or take the line out")
    found = {key: _KEYS[key](key, item) for key, item in node.value.items() if not is_null(item)}
    said = found.get("checks")
    asked = said if isinstance(said, tuple) else ()
    found |= {"checks": tuple(one for one in asked if isinstance(one, Check))} if asked else {}
    found |= {"reviews": reviews} if (reviews := tuple(one for one in asked if isinstance(one, Review))) else {}
    if found.get("held_out") and not found.get("checks"):
        line = node.value["held_out"].line
        raise Mistake(line, "`held_out` stands without `checks`", "give the agent a check that it can see, too")
    return found


def _parse_slugs(key: str, node: Node) -> tuple[str, ...]:
    """One slug or a list of them."""
    slugs = []
    for item in node.value if isinstance(node.value, list) else [node]:
        slugs.append(parse_line(key, item))
        if reason := check_slug(slugs[-1]):
            raise Mistake(item.line, f"`{key}` must name features: {reason}", "a feature has the name of its folder")
    return tuple(dict.fromkeys(slugs))


def _parse_paths(key: str, node: Node) -> tuple[str, ...]:
    """One path or a list of them, below the project's root; with `*` and `**`."""
    paths = []
    for item in node.value if isinstance(node.value, list) else [node]:
        path = parse_line(key, item)
        if path.startswith(("/", "~")) or ".." in path.split("/"):
            raise Mistake(item.line, f"`{key}`: `{shown(path)}` leads out of the project", "name paths below its root")
        paths.append(path.removeprefix("./"))
    return tuple(dict.fromkeys(paths))


_KEYS: dict[str, Callable[[str, Node], object]] = {
    "agent": parse_line,
    "checks": parse_checks,
    "depends_on": _parse_slugs,
    "held_out": parse_commands,
    "may_change": _parse_paths,
    "model": parse_line,
    "paths": _parse_paths,
    "priority": parse_whole,
    "stuck_bytes": parse_bytes,
    "stuck_limit": parse_count,
    "timeout": parse_seconds,
    "title": parse_line,
}
