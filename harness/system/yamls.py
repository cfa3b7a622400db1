"""YAML from elsewhere, read as nodes with their lines: no aliases, no tags, no bombs. The only home of PyYAML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.domain.feature import Check
from harness.domain.review import Review
from harness.domain.text import shown, suggest
from harness.domain.units import format_size, parse_duration, parse_size

if TYPE_CHECKING:
    import yaml
    from yaml._yaml import Mark as CMark

YAML_LIMIT = 64 * 1024  # characters; PyYAML takes 49 s for 10 MB
DEPTH_LIMIT = 20

_KEY = re.compile(r"[A-Za-z_][\w-]*")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Mistake(Exception):
    """What is wrong in a YAML text: its line there (from 1), a sentence, a hint."""

    def __init__(self, line: int, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.line = line
        self.sentence = sentence
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of YAML and its line; `plain` is a scalar without quotes."""

    value: str | list[Node] | dict[str, Node]
    line: int
    plain: bool = False


def parse_yaml(text: str) -> Node | None:
    """The YAML as nodes, from events: nothing is built that an alias, a tag or a merge key could blow up."""
    if len(text) > YAML_LIMIT:
        raise Mistake(0, f"the YAML is longer than {format_size(YAML_LIMIT)}", "put text below it")
    import yaml

    events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    node = None
    try:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if node is not None or event.version or event.tags:
                    raise Mistake(
                        _find_line(event.start_mark),
                        "directives and a second document are not allowed here",
                        "keep one document",
                    )
                node = _parse_node(next(events), events, 1)
    except yaml.MarkedYAMLError as error:
        line = _find_line(error.problem_mark or error.context_mark)
        if "nesting depth" in str(error.problem):  # since 0.2.6 libyaml has a limit, and looks 1,000 characters ahead
            raise _too_deep(line) from None
        hint = "put a value that holds `: `, `#` or begins with a sign in quotes; indent with spaces"
        raise Mistake(line, f"this is not YAML: {error.problem or 'it cannot be read'}", hint) from None
    except (yaml.YAMLError, UnicodeError):
        raise Mistake(0, "it holds characters that YAML does not allow", "save it as UTF-8") from None
    return node


def _too_deep(line: int) -> Mistake:
    """The mistake of a YAML that is nested too deep, whoever finds it."""
    return Mistake(line, f"it is nested more than {DEPTH_LIMIT} deep", "nest it less deeply")


def _find_line(mark: yaml.Mark | CMark | None) -> int:
    """The line within the text, from 1; 0 where there is none."""
    return mark.line + 1 if mark else 0


def _parse_node(event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
    """The node that begins with this event."""
    import yaml

    line = _find_line(event.start_mark)
    kinds = (yaml.ScalarEvent, yaml.SequenceStartEvent, yaml.MappingStartEvent)
    if not isinstance(event, kinds) or event.anchor is not None:
        raise Mistake(line, "anchors and aliases (`&`, `*`) are not allowed here", _QUOTE)
    if event.tag is not None:
        raise Mistake(line, "tags (`!`) are not allowed here", _QUOTE)
    if depth > DEPTH_LIMIT:
        raise _too_deep(line)
    if isinstance(event, yaml.ScalarEvent):
        return Node(event.value, line, plain=event.implicit[0])
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_parse_node(event, events, depth + 1))
        return Node(items, line)
    pairs: dict[str, Node] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _parse_node(event, events, depth + 1)
        name = _check_key(key, pairs)
        pairs[name] = replace(_parse_node(next(events), events, depth + 1), line=key.line)
    return Node(pairs, line)


def _check_key(key: Node, pairs: Mapping[str, Node]) -> str:
    """The key's name, when it is a word and new."""
    if key.value == "<<":
        raise Mistake(key.line, "merge keys (`<<`) are not allowed here", "write the keys out")
    if not isinstance(key.value, str) or not _KEY.fullmatch(key.value):
        written = f"`{shown(key.value)}`" if isinstance(key.value, str) else "a list"
        raise Mistake(key.line, f"{written} cannot be a key", "keys are words, such as `checks`")
    if key.value in pairs:
        raise Mistake(key.line, f"the key `{shown(key.value)}` is there twice", "keep one of them")
    return key.value


_QUOTE = "put the value in quotes if it is meant as text"
_WORDS = {"true", "false", "yes", "no", "on", "off"}
_NULLS = {"", "~", "null"}


def is_null(node: Node) -> bool:
    """Whether nothing is written there: such a key counts as left out."""
    return node.plain and isinstance(node.value, str) and node.value.lower() in _NULLS


def is_blank(node: Node) -> bool:
    """Whether nothing at all is written there, not even `null`: a value may be missing."""
    return node.plain and node.value == ""


def parse_text(key: str, node: Node) -> str:
    """A text as written; what YAML may take for a bool needs quotes."""
    if not isinstance(node.value, str):
        raise Mistake(node.line, f"`{key}` must be text, not a list or a mapping", _QUOTE)
    if node.plain and node.value.lower() in _WORDS:
        raise Mistake(node.line, f"`{key}` must be text, and `{node.value}` means yes or no", _QUOTE)
    if is_null(node) or not node.value.strip():
        raise Mistake(node.line, f"`{key}` has an empty value", "give it a value, or take the line out")
    if _CONTROLS.search(node.value):
        raise Mistake(node.line, f"`{key}` holds control characters", "write it again by hand")
    return node.value.strip()


def parse_line(key: str, node: Node) -> str:
    """A text of one line."""
    text = parse_text(key, node)
    if "\n" in text:
        raise Mistake(node.line, f"`{key}` must be one line", "join its lines")
    return text.replace("\t", " ")


def parse_checks(key: str, node: Node) -> tuple[Check | Review, ...]:
    """One command or a list; each is text, or a mapping of `run`, `timeout`, `fix` and `proves`, or of `review`."""
    items = node.value if isinstance(node.value, list) else [node]
    return tuple(_parse_check(key, item) for item in items)


def parse_commands(key: str, node: Node) -> tuple[Check, ...]:
    """As `parse_checks`, but commands alone."""
    items = node.value if isinstance(node.value, list) else [node]
    for item in items:
        if isinstance(item.value, dict) and "review" in item.value:
            raise Mistake(item.line, f"`{key}` takes commands alone, and no `review`", "move it to `checks`")
    return tuple(one for one in parse_checks(key, node) if isinstance(one, Check))


def _parse_check(key: str, node: Node) -> Check | Review:
    """One check."""
    if not isinstance(node.value, dict):
        return Check(parse_text(key, node))
    if "review" in node.value:
        return _parse_review(key, node.value)
    for name, item in node.value.items():
        if name not in _KEYS:
            suggestion = suggest(name, _KEYS)
            raise Mistake(item.line, f"unknown key `{shown(name)}` in `{key}`{suggestion}", _CHECK)
    if "run" not in node.value:
        raise Mistake(node.line, f"a check in `{key}` has no `run`", _CHECK)
    timeout = node.value.get("timeout")
    seconds = None if timeout is None or is_null(timeout) else parse_seconds("timeout", timeout)
    fix = node.value.get("fix")
    proves = node.value.get("proves")
    return Check(
        parse_text("run", node.value["run"]),
        seconds,
        fix is not None and parse_yes("fix", fix),
        () if proves is None else _parse_numbers("proves", proves),
    )


def _parse_review(key: str, found: Mapping[str, Node]) -> Review:
    """One question to a reviewer."""
    for name, item in found.items():
        if name not in _REVIEW_KEYS:
            suggestion = suggest(name, _REVIEW_KEYS)
            raise Mistake(item.line, f"unknown key `{shown(name)}` of a `review` in `{key}`{suggestion}", _REVIEW)
    said = {name: item for name, item in found.items() if not is_null(item) or name == "review"}
    return Review(
        parse_text("review", said["review"]),
        agent=parse_line("agent", said["agent"]) if "agent" in said else "",
        model=parse_line("model", said["model"]) if "model" in said else "",
        timeout=parse_seconds("timeout", said["timeout"]) if "timeout" in said else None,
        blocking="blocking" in said and parse_yes("blocking", said["blocking"]),
    )


def _parse_numbers(key: str, node: Node) -> tuple[int, ...]:
    """One number from 1, or a list of them."""
    items = node.value if isinstance(node.value, list) else [node]
    found = tuple(parse_count(key, item) for item in items)
    if 0 in found:
        raise Mistake(node.line, f"`{key}` counts criteria from 1", "the first one in the list is 1")
    return tuple(dict.fromkeys(found))


_KEYS = ("run", "timeout", "fix", "proves")
_CHECK = "write e.g. `- pytest -q`, or `- {run: pytest -q, timeout: 5m}`"
_REVIEW_KEYS = ("review", "agent", "model", "timeout", "blocking")
_REVIEW = "write e.g. `- {review: is every error path handled, agent: claude, blocking: true}`"


def parse_yes(key: str, node: Node) -> bool:
    """A yes or no."""
    word = str(node.value).lower()
    if word in ("true", "false"):
        return word == "true"
    raise Mistake(node.line, f"`{key}` must be true or false", _REVIEW if key == "blocking" else _CHECK)


def parse_seconds(key: str, node: Node) -> float:
    """A duration."""
    try:
        return parse_duration(parse_line(key, node))
    except ValueError as error:
        raise Mistake(node.line, f"`{key}`: {error}", "e.g. `90s`, `30m`, `1h30m`, or 0 for none") from None


def parse_bytes(key: str, node: Node) -> int:
    """A size."""
    try:
        return parse_size(parse_line(key, node))
    except ValueError as error:
        raise Mistake(node.line, f"`{key}`: {error}", "e.g. `32`, `4 KiB`") from None


def parse_whole(key: str, node: Node) -> int:
    """A whole number, below zero too; text in quotes is none."""
    if not node.plain or not isinstance(node.value, str) or not re.fullmatch(r"[-+]?[0-9]{1,9}", node.value):
        written = f"`{shown(node.value)}`" if isinstance(node.value, str) else "a list or a mapping"
        raise Mistake(node.line, f"`{key}` must be a whole number such as 3, not {written}", "write digits alone")
    return int(node.value)


def parse_count(key: str, node: Node) -> int:
    """A whole number of 0 or more."""
    count = parse_whole(key, node)
    if count < 0:
        raise Mistake(node.line, f"`{key}` must be 0 or more, not {count}", "0 means none")
    return count


def to_plain(node: Node) -> object:
    """The node as text, lists and mappings; None for what is left empty."""
    if isinstance(node.value, list):
        return [to_plain(item) for item in node.value]
    if isinstance(node.value, dict):
        return {key: to_plain(item) for key, item in node.value.items()}
    return None if is_null(node) else node.value


def read_shipped(text: str) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return what a file of harness's own says, by YAML's own rules: nobody else wrote it."""
    import yaml

    return yaml.safe_load(text)
