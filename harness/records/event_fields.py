"""Each event as the fields of its JSON line, and back: what was written is a promise, what is read may be anything."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from enum import Enum, StrEnum
from functools import cache, lru_cache, partial
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from harness.domain.slugs import check_slug
from harness.records.events import KINDS, Event, FeatureEvent, Unknown

Fields = dict[str, Any]

LARGEST = 6e10  # no figure of ours is larger; as a moment it lies in a year that calendars have, with either sign
_HEAD = ("seq", "at", "run")
_WRONG = object()  # what is missing, or is no value of its field
_NOTHING: frozenset[str] = frozenset()
_Read = Callable[[Any], Any]  # gives the value, or _WRONG
_Put = Callable[[Any, Any], None]

# --- written ------------------------------------------------------------------------------------------------------


def describe_event(event: Event) -> Fields:
    """Return the event as the journal says it: every field of its kind, but for those that it leaves out."""
    if isinstance(event, Unknown):
        return dict(event.fields)
    fields: Fields = {"seq": event.seq, "at": event.at, "run": event.run, "event": event.kind}
    kind: type = type(event)
    for name, rare in _own_names(kind):
        value = getattr(event, name)
        if name not in event.left_out and not (rare and not value):
            fields[name] = _plain(value)
    return fields


@cache
def _own_names(kind: type) -> tuple[tuple[str, bool], ...]:
    """Return the fields of a kind, and whether each is rare: left out where it says nothing."""
    own = (one for one in dataclasses.fields(kind) if one.name not in (*_HEAD, "left_out"))
    return tuple((one.name, bool(one.metadata.get("rare"))) for one in own)


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a field holds
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return str(value) if isinstance(value, StrEnum) else value.name
    return dict(value) if isinstance(value, Mapping) else value


# --- read ---------------------------------------------------------------------------------------------------------


def parse_event(fields: Fields) -> Event:
    """Return the event that these fields of a line mean; `Unknown` where its kind or what it needs is not understood.

    Another version may have written it: what may be missing gets its default, and so does what has another type. A
    slug that is none would become the name of a file, anywhere.
    """
    name = fields.get("event")
    kind = KINDS.get(name) if type(name) is str else None
    if kind is not None and (event := _parse(kind, fields)) is not _WRONG and _names_a_feature(event):
        return event  # type: ignore[no-any-return]
    head: Event = _parse(Event, fields)
    return Unknown(seq=head.seq, at=head.at, run=head.run, fields=fields)


def _names_a_feature(event: object) -> bool:
    return not isinstance(event, FeatureEvent) or _is_slug(event.slug)


@lru_cache(10_000)
def _is_slug(slug: str) -> bool:
    return check_slug(slug) is None


@dataclasses.dataclass(frozen=True, slots=True)
class _Shape:
    """How the fields of a dataclass are read: each with its name and what puts it into its slot.

    A journal of 10,000 lines has 300,000 fields. Most need a look at their type and no more, so these go first; and
    a dataclass that is frozen writes each field twice as slowly as its slot is written.
    """

    plain: tuple[tuple[str, frozenset[type], _Put], ...]
    figures: tuple[tuple[str, frozenset[type], _Put], ...]
    others: tuple[tuple[str, _Read, _Put], ...]
    defaults: Mapping[str, tuple[_Put, Callable[[], Any]]]  # of what need not be there
    left_out: _Put | None
    always: frozenset[str]  # what is never left out: rare fields are not in a line where they say nothing


def _parse(kind: type, fields: Fields) -> Any:  # noqa: ANN401 - one of the kind, or _WRONG
    shape, get, wrong = _shape(kind), fields.get, list[str]()
    one: object = object.__new__(kind)
    for name, types, put in shape.plain:
        value = get(name, _WRONG)
        if type(value) in types:
            put(one, value)
        else:
            wrong.append(name)
    for name, types, put in shape.figures:
        value = get(name, _WRONG)
        if type(value) in types and (value is None or -LARGEST <= value <= LARGEST):
            put(one, value)
        else:
            wrong.append(name)
    for name, read, put in shape.others:
        value = read(get(name, _WRONG))
        if value is not _WRONG:
            put(one, value)
        else:
            wrong.append(name)
    if wrong:
        return _complete(one, shape, wrong)
    if shape.left_out is not None:
        shape.left_out(one, _NOTHING)
    return one


def _complete(one: object, shape: _Shape, wrong: list[str]) -> object:
    """Give what was wrong its default, and say so; _WRONG where one cannot do without."""
    for name in wrong:
        if name not in shape.defaults:
            return _WRONG
        put, default = shape.defaults[name]
        put(one, default())
    if shape.left_out is not None:
        shape.left_out(one, frozenset(wrong) - shape.always)
    return one


@cache
def _shape(kind: type) -> _Shape:
    plain, figures, others = [], [], []
    hints, slots = get_type_hints(kind), {one.name: getattr(kind, one.name).__set__ for one in dataclasses.fields(kind)}
    own = [one for one in dataclasses.fields(kind) if one.name != "left_out"]
    for one in own:
        name, hint = one.name, hints[one.name]
        types = _types_of(hint)
        if not types:
            others.append((name, _reader(hint), slots[name]))
        elif types <= {int, float, NoneType}:
            figures.append((name, types, slots[name]))
        else:
            plain.append((name, types, slots[name]))
    return _Shape(
        plain=tuple(plain),
        figures=tuple(figures),
        others=tuple(others),
        defaults={one.name: (slots[one.name], default) for one in own if (default := _default_of(one)) is not None},
        left_out=slots.get("left_out"),
        always=frozenset(_HEAD) | {one.name for one in own if one.metadata.get("rare")},
    )


def _default_of(one: dataclasses.Field[Any]) -> Callable[[], Any] | None:
    if one.default_factory is not dataclasses.MISSING:
        return one.default_factory
    return None if one.default is dataclasses.MISSING else partial(_same, one.default)


def _same(value: object) -> object:
    return value


def _types_of(hint: Any) -> frozenset[type]:  # noqa: ANN401 - a type as it stands beside a field
    """Return the types of the values that JSON has for it; none where they have to be read."""
    if isinstance(hint, UnionType):
        types = [_types_of(one) for one in get_args(hint)]
        return frozenset().union(*types) if all(types) else frozenset()
    if hint is float:
        return frozenset({int, float})  # JSON has one kind of number
    if get_origin(hint) is Mapping and get_args(hint)[1] is Any:
        return frozenset({dict})
    return frozenset({hint} & {str, bool, int, NoneType})


def _reader(hint: Any) -> _Read:  # noqa: ANN401
    """Return the function that reads a value of this type from JSON."""
    inner = get_args(hint)
    if isinstance(hint, UnionType):
        (one,) = (_reader(each) for each in inner if each is not NoneType)
        return lambda value: one(value) if value is not None else None
    if get_origin(hint) is tuple:
        return _read_words if inner[0] is str else partial(_read_list, _reader(inner[0]))
    if get_origin(hint) is Mapping:
        return _read_named_words
    if issubclass(hint, Enum):
        by_word = {one.value if issubclass(hint, StrEnum) else one.name: one for one in hint}
        return lambda value: by_word.get(value, _WRONG) if type(value) is str else _WRONG
    return _small_reader(hint)


def _small_reader(kind: type) -> _Read:
    """Return the function that reads a dataclass inside an event; one that is whole, as nearly all are, in one walk."""
    types = {name: _types_of(hint) for name, hint in get_type_hints(kind).items()}
    rows = tuple((name, one, bool(one & {int, float}), getattr(kind, name).__set__) for name, one in types.items())

    def read_small(value: Any) -> Any:  # noqa: ANN401
        if type(value) is not dict:
            return _WRONG
        one: object = object.__new__(kind)
        get = value.get
        for name, types, is_figure, put in rows:
            each = get(name, _WRONG)
            if type(each) not in types or (is_figure and each is not None and not -LARGEST <= each <= LARGEST):
                return _parse(kind, value)
            put(one, each)
        return one

    return read_small


def _read_list(read: _Read, value: Any) -> Any:  # noqa: ANN401
    found = tuple([read(one) for one in value]) if type(value) is list else (_WRONG,)
    return _WRONG if _WRONG in found else found


def _read_words(value: Any) -> Any:  # noqa: ANN401
    return tuple(value) if type(value) is list and _WORD.issuperset(map(type, value)) else _WRONG


def _read_named_words(value: Any) -> Any:  # noqa: ANN401
    return value if type(value) is dict and _WORD.issuperset(map(type, value.values())) else _WRONG


_WORD = frozenset({str})
