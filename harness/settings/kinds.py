"""The kinds of values: how each is read, shown as one would write it, and described to an editor.

`schema` holds what JSON Schema (draft 2020-12) says of the value in harness.yaml, where a bare word may be meant as
text, a number or yes: all of them reach the parser as it was written. What `schema` accepts, `parse` accepts, but for
what no pattern can tell: whether a host is one, an address leads anywhere, a sum of units is longer than a year.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from harness.domain.finding import RULES, Level
from harness.domain.reply import ModelPrice
from harness.domain.units import LONGEST
from harness.settings import parse, show

T = TypeVar("T")
Schema = Mapping[str, Any]

SCALAR = ["string", "number", "boolean"]
_GAP = r"[ \t\n\r\f\v]*"
_NUMBER = r"[0-9]{1,15}(\.[0-9]{1,9})?"
_UNITS = ("[dD]", "[hH]", "[mM]", "[sS]", "[mM][sS]")
_SHELL = r"""([^\\'"]|\\[\s\S]|'[^']*'|"([^"\\]|\\[\s\S])*")*"""  # what a shell can split: its quotes are closed
_WORD = r"([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo]|[Oo][Nn]|[Oo][Ff][Ff]|[01])"


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A kind of value. `parse` raises ValueError with a sentence; no message repeats a `secret` value."""

    name: str
    parse: Callable[[Any], T]
    show: Callable[[T], str]
    schema: Schema
    written: str = ""  # how a person writes it, for an editor
    with_lines: bool = False  # `parse` is given what harness.yaml holds as it was read, to name the line of a mistake
    secret: bool = False


def one_of(*choices: str) -> Kind[str]:
    """Return the kind of a value that is one of these words."""
    return Kind("choice", parse.one_of(*choices), show.text, {"enum": list(choices)})


def or_nothing(schema: Schema) -> Schema:
    """Return the schema that also accepts a key without a value: such a line counts as left out."""
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return {**schema, "type": [*types, "null"]}


TEXT = Kind("text", parse.text, show.text, {"type": SCALAR})

SWITCH = Kind(
    "switch",
    parse.switch,
    show.switch,
    {"type": ["boolean", "integer", "string"], "minimum": 0, "maximum": 1, "pattern": rf"^\s*{_WORD}\s*$"},
)

COUNT = Kind(
    "number",
    parse.count,
    show.count,
    {"type": ["integer", "string"], "minimum": 0, "pattern": rf"^{_GAP}(\+?[0-9]+(_[0-9]+)*|-0+(_0+)*){_GAP}$"},
)

DURATION = Kind(
    "duration",
    parse.duration,
    show.duration,
    {
        "type": ["number", "string"],
        "minimum": 0,
        "maximum": LONGEST,
        "pattern": (
            rf"^\s*({_NUMBER}|(?=[0-9])" + "".join(f"({_NUMBER}{_GAP}{unit}{_GAP})?" for unit in _UNITS) + r")\s*$"
        ),
        "examples": ["90s", "30m", "1h30m", 0],
    },
    written="a duration: 90s, 30m, 1h30m, or plain seconds",
)

SIZE = Kind(
    "size",
    parse.size,
    show.size,
    {
        "type": ["number", "string"],
        "minimum": 0,
        "exclusiveMaximum": 10**15,
        "pattern": rf"^\s*{_NUMBER}{_GAP}([kKmMgGtT][iI]?[bB]?|[bB]([yY][tT][eE][sS]?)?)?\s*$",
        "examples": ["512M", "8G", 0],
    },
    written="a size: 512M, 8G, 1.5 GiB, or plain bytes",
)

DOLLARS = Kind(
    "dollars",
    parse.dollars,
    show.dollars,
    {
        "type": ["number", "string"],
        "minimum": 0,
        "exclusiveMaximum": 10**9,
        "pattern": r"^\s*\$?[0-9]{1,9}(\.[0-9]{1,6})?\s*$",
        "examples": [20, 0.5],
    },
    written="an amount in dollars: 20, 0.50 or $5",
)

SHARE = Kind(
    "share",
    parse.share,
    show.share,
    {
        "type": ["number", "string"],
        "exclusiveMinimum": 0,
        "maximum": 1,
        "pattern": (
            r"^\s*(?=[^%]*[1-9])"
            r"((0?[0-9]{1,2}(\.[0-9]{1,6})?|100(\.0{1,6})?)%|0{1,3}(\.[0-9]{1,6})?|0{0,2}1(\.0{1,6})?)\s*$"
        ),
        "examples": ["90%", 0.9],
    },
    written="a share above 0: 90% or 0.9",
)

WORDS = Kind(
    "words",
    parse.words,
    show.words,
    {
        "type": [*SCALAR, "array"],
        "items": {"type": SCALAR},
        "pattern": f"^{_SHELL}$",
    },
    written="a list of words, or one line as a shell splits it",
)

HOSTS = Kind(
    "hosts",
    parse.hosts,
    show.words,
    {
        "type": [*SCALAR, "array"],
        "items": {"type": SCALAR, "pattern": r"^[A-Za-z0-9.-]+(:[0-9]{1,5})?$"},
        "pattern": f"^{_SHELL}$",
    },
    written="a list of hosts, with a port or without",
)

PATH = Kind("path", parse.path, show.text, {"type": SCALAR, "pattern": r"^(?!\s*$)[^\u0000]*$"})

OPTIONAL_PATH = Kind("path", parse.optional_path, show.text, {"type": SCALAR, "pattern": r"^(?!\s+$)[^\u0000]*$"})

ADDRESS = Kind(
    "address",
    parse.address,
    show.address,
    {
        "type": "string",
        "pattern": r"^\s*([Hh][Tt][Tt][Pp][Ss]?://\S+\s*)?$",
    },
    written="an address of http or https; it may hold a secret",
    secret=True,
)

CHANNELS = Kind(
    "channels",
    parse.channels,
    show.channels,
    {
        "type": ["string", "array"],
        "items": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9+.-]*://"},
        "pattern": f"^{_SHELL}$",
    },
    written="a list of addresses of apprise; they may hold secrets",
    secret=True,
)

_COMMAND = {"type": ["string", "number"], "pattern": r"^(?!\s*$)[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$"}
_LINE = {"type": ["string", "number"], "pattern": r"^(?!\s*$)[^\u0000-\u0008\u000a-\u001f\u007f-\u009f]*$"}
_TIMED: dict[str, Schema] = {"run": _COMMAND, "timeout": or_nothing(DURATION.schema)}


def _describe_commands(properties: Mapping[str, Schema]) -> Schema:
    """Return the schema of one command or a list, each as text or as these properties."""
    one = {
        "pattern": _COMMAND["pattern"],
        "properties": properties,
        "required": ["run"],
        "additionalProperties": False,
    }
    items = {"type": ["string", "number", "object"], **one}
    return {"type": ["string", "number", "object", "array"], "items": items, **one}


_REVIEW: Schema = {
    "review": _COMMAND,
    "agent": or_nothing(_LINE),
    "model": or_nothing(_LINE),
    "timeout": or_nothing(DURATION.schema),
    "blocking": or_nothing({"type": "boolean"}),
}


def _describe_checks(properties: Mapping[str, Schema]) -> Schema:
    """Return the schema of commands or questions to reviewers."""
    commands = _describe_commands(properties)
    review = {"properties": _REVIEW, "required": ["review"], "additionalProperties": False}
    closed = {name: commands[name] for name in ("properties", "required", "additionalProperties")}
    rest = {name: said for name, said in commands.items() if name not in (*closed, "items")}
    items = {"type": commands["items"]["type"], "pattern": commands["pattern"], "anyOf": [closed, review]}
    return {**rest, "items": items, "anyOf": [closed, review]}


CHECKS = Kind(
    "checks",
    parse.checks,
    show.checks,
    _describe_checks({**_TIMED, "fix": SWITCH.schema}),
    written=(
        "commands of the shell: `- make test`, or `- {run: make lint, timeout: 5m}`; `fix: true` for a formatter; "
        "`- {review: what another agent is to look for}`"
    ),
    with_lines=True,
)

SETUP = Kind(
    "setup",
    parse.setup,
    show.checks,
    _describe_commands(_TIMED),
    written="commands of the shell: `npm ci`, or `- {run: npm ci, timeout: 20m}`",
    with_lines=True,
)

PRICES = Kind(
    "prices",
    parse.prices,
    show.prices,
    {
        "type": "object",
        "propertyNames": {"pattern": r"^[A-Za-z_][\w-]*$"},
        "additionalProperties": {
            "type": "object",
            "properties": {one.name: DOLLARS.schema for one in fields(ModelPrice)[1:]},
            "required": ["input", "output"],
            "additionalProperties": False,
        },
    },
    written="dollars for a million tokens, by model",
)

GUARDS = Kind(
    "guards",
    parse.guards,
    show.guards,
    {
        "type": ["string", "boolean", "object"],
        "pattern": f"^({'|'.join(Level)})$",
        "not": {"const": True},
        "propertyNames": {"enum": list(RULES)},
        "additionalProperties": {"enum": [*Level, False]},
    },
    written="`warn`, `strict` or `off`, or one of these by rule",
)
