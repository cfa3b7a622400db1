"""The bytes of one spec become a feature."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from harness.domain.errors import SpecError
from harness.domain.feature import Feature
from harness.domain.text import one_line
from harness.specs.front_matter import check_no_settings, parse_front_matter, split_front_matter
from harness.specs.spec_file import decode
from harness.system.yamls import Mistake

_HEADING = re.compile(r"^#{1,6}[ \t]+(\S.*)$", re.MULTILINE)


def parse_spec(path: Path, content: bytes, sha256: str, where: str) -> Feature:
    """The feature that a spec's bytes describe; whatever is wrong with them is its `problem`."""
    blank = Feature(path.parent.name, path, sha256, len(content))
    try:
        text = decode(content, where)
    except SpecError as error:
        return replace(blank, problem=error.message, hint=error.hint)
    front_matter, body = split_front_matter(text)
    if not body.strip():
        return replace(blank, problem=f"{where} is empty", hint="say what is wanted, and how one can see it is done")
    try:
        if not front_matter:
            check_no_settings(text)
        values = parse_front_matter(front_matter) if front_matter.strip() else {}
    except Mistake as mistake:
        return replace(blank, problem=f"{where}:{mistake.line + 1}: {mistake.sentence}", hint=mistake.hint)
    return replace(blank, **{"title": _find_title(body), **values})


def _find_title(body: str) -> str:
    """The first heading, fit for one line on a terminal."""
    heading = _HEADING.search(body)
    return one_line(heading[1]).rstrip(" #") if heading else ""
