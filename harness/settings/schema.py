"""The JSON Schema of harness.yaml (draft 2020-12), from which an editor knows every key: types, words, meanings."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from harness.settings.kinds import or_nothing
from harness.settings.options import OPTIONS
from harness.settings.setting import Option


def compose_schema(explain: Callable[[str, str], str]) -> dict[str, Any]:
    """Return the schema as one document that refers to nothing else; `explain` gives what a setting is for, in full."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "harness.yaml",
        "description": "Settings of harness for one project. Every key may be left out.",
        "type": ["object", "null"],
        "properties": {name: _describe(option, explain(name, option.help)) for name, option in OPTIONS.items()},
        "additionalProperties": False,
    }


def _describe(option: Option, help: str) -> dict[str, Any]:
    written = f"\n{option.kind.written}" if option.kind.written else ""
    return {
        "description": help + written,
        "default": _as_json(option.kind.show(option.default)),
        **or_nothing(option.kind.schema),
        **({"examples": list(option.examples)} if option.examples else {}),
    }


def _as_json(shown: str) -> Any:  # noqa: ANN401
    """Return what a value is that was written like this: `200` a number, `[]` a list, `30m` text."""
    try:
        return json.loads(shown)
    except ValueError:
        return shown
