"""The prompt: template + feature + tails -> text. What never changes comes first, what changes each attempt last."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from harness.domain.errors import ConfigError
from harness.domain.feature import Feature
from harness.domain.paths import Paths
from harness.domain.text import cut_middle, fenced, find_not_utf8, plain
from harness.system import files
from harness.system.shipped import shipped_template

TAIL_LINES = 200
LEARNINGS_LIMIT = 32 * 1024  # bytes
LOG_LIMIT = 64 * 1024
OBSERVED_LIMIT = 16 * 1024
TEMPLATE_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a prompt: bytes in the prompt, bytes of the source that were cut, a digest that tells a change."""

    name: str
    size: int
    cut: int = 0
    digest: str = ""

    @property
    def tokens(self) -> int:
        """About how many tokens it is: four bytes each, the usual rule of thumb for English and code."""
        return (self.size + 3) // 4


@dataclass(frozen=True, slots=True)
class Prompt:
    """The text for the agent's stdin and what it is made of."""

    text: str
    sections: tuple[Section, ...]


def find_template(paths: Paths, configured: str) -> Path:
    """Return the template's path: `template:` in harness.yaml, else templates/prompt.md, else the shipped one."""
    if configured:
        chosen = paths.root / configured
        if not files.is_file(chosen):
            raise ConfigError(f"the template `{configured}` does not exist", "correct `template` in harness.yaml")
        return chosen
    own = paths.root / "templates" / "prompt.md"
    return own if files.is_link(own) or files.exists(own) else shipped_template("prompt.md")


def compose_prompt(
    template: Path,
    feature: Feature,
    spec: str,
    checks: Sequence[str],
    paths: Paths,
    observed: str,
    redact: Callable[[str], str] = str,
    red_before: Sequence[str] = (),
) -> Prompt:
    """Return the prompt for one attempt. Reads the tails of the feature's log and of the learnings.

    `red_before` are those of the project's own checks that failed before any work on the feature.

    `redact` takes secrets out of what agents and checks said; what the person wrote, and paths, stay as they are.

    Raises ConfigError when the template cannot be rendered or names neither the log nor the `.done` marker.
    """
    learnings = files.read_tail(paths.learnings, TAIL_LINES, LEARNINGS_LIMIT)
    log = files.read_tail(paths.log(feature.slug), TAIL_LINES, LOG_LIMIT)
    observed = cut_middle(redact(plain(observed)), OBSERVED_LIMIT).strip()
    values = {
        "slug": feature.slug,
        "title": feature.title,
        "spec_path": str(feature.path),
        "log_path": str(paths.log(feature.slug)),
        "done_path": str(paths.done(feature.slug)),
        "learnings_path": str(paths.learnings),
        "spec": spec.strip(),
        "checks": list(checks),
        "red_before": list(red_before),
        "learnings": fenced(redact(plain(learnings.text))),
        "learnings_cut": learnings.cut,
        "prior_log": fenced(redact(plain(log.text))),
        "log_cut": log.cut,
        "observed": fenced(observed),
    }
    text = render(template, values)
    _check_contract(template, text, paths, feature.slug)
    return Prompt(text, _measure(text, values))


_TAIL = r"^<<<{name}\n(?P<lines>(?:\| .*\n)*)\n?{name}$"


def shorten_tails(prompt: str, size: int) -> tuple[str, int]:
    """Return a composed prompt with about `size` bytes less in its tails, oldest lines first, and the bytes that went.

    The log gives first, then the learnings; each says what it lost. What stands outside the blocks is never cut.
    """
    gone = 0
    for name in ("PRIOR_LOG", "LEARNINGS"):
        found = re.search(_TAIL.format(name=name), prompt, re.MULTILINE)
        if found is None or gone >= size:
            continue
        lines, cut = found["lines"].splitlines(keepends=True), 0
        while lines and gone + cut < size:
            cut += len(lines.pop(0).encode("utf-8", "replace"))
        if cut:
            said = f"| (cut to fit the model: {cut} older bytes)\n"
            prompt = prompt[: found.start("lines")] + said + "".join(lines) + prompt[found.end("lines") :]
            gone += cut
    return prompt, gone


def _measure(text: str, values: dict[str, object]) -> tuple[Section, ...]:
    def size(name: str) -> int:
        return len(str(values[name]).encode("utf-8", "replace"))

    def mark(*names: str) -> str:
        return _digest(*(str(values[name]) for name in names))

    parts = (
        Section("spec", size("spec"), digest=mark("spec", "checks")),
        Section("learnings", size("learnings"), _number(values["learnings_cut"]), mark("learnings")),
        Section("prior log", size("prior_log"), _number(values["log_cut"]), mark("prior_log")),
        Section("observed", size("observed"), digest=mark("observed")),
    )
    rest = len(text.encode("utf-8", "replace")) - sum(part.size for part in parts)
    head = text.partition(str(values["spec"]))[0] if values["spec"] else text
    return (Section("instructions", rest, digest=_digest(head)), *parts)


def _digest(*texts: str) -> str:
    """Return a short digest: enough to tell whether a part changed from one attempt to the next."""
    return sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()[:12]


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _check_contract(template: Path, text: str, paths: Paths, slug: str) -> None:
    """An agent finds its marker as the first path that ends in `.done`; a template must keep that promise."""
    first = re.search(r"\.done(?=[\s`'\",;)]|$)", text)
    if not first or not text[: first.end()].endswith(str(paths.done(slug))) or str(paths.log(slug)) not in text:
        raise ConfigError(
            f"the template `{template}` does not tell the agent its files",
            "it needs `{{ log_path }}`, and `{{ done_path }}` as its first path that ends in .done",
        )


def render(template: Path, values: dict[str, object]) -> str:
    """Return the text of a template with these values. Raises ConfigError where it cannot be."""
    content = files.read_span(template, 0, TEMPLATE_LIMIT)
    if line := find_not_utf8(content):
        raise ConfigError(f"the template `{template}` line {line}: this is not UTF-8", "save it as UTF-8")
    source = content.decode("utf-8")
    from jinja2 import TemplateError

    try:
        return str(_compile(source).render(values))
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f"`{template}`" + (f" line {line}" if line else "")
        raise ConfigError(f"the template {where} cannot be used: {error}", "see `templates/prompt.md`") from error


@lru_cache(maxsize=4)
def _compile(source: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - jinja2 is imported only where it is used
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False
    )
    return environment.from_string(source)


def observations(observed: str, answer: str) -> str:
    """Return what the prompt says harness observed, a person's answer first."""
    parts = [f"A person answered your question:\n{answer}"] if answer else []
    return "\n\n".join([*parts, observed] if observed else parts)
