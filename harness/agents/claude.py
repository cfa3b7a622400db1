"""Claude Code, headless: how its command line is written, and what its prompt must not contain by accident.

Observed with 2.1.329 and 2.1.197: stream-json needs --verbose; a prompt that begins with `/` is run as a slash command;
` @path` is replaced by the file's content; background tasks keep the process alive after its result; its own retries
last three minutes, which would hide an outage from the loop.
"""

from __future__ import annotations

import re
from pathlib import Path

DIALECT = "claude"
PROGRAM = "claude"
ENVIRONMENT = ("CLAUDE_*", "ANTHROPIC_*", "DISABLE_*", "IS_SANDBOX", "AWS_*", "GOOGLE_*", "CLOUD_ML_REGION", "BASH_*")
FIRST_LINE = "Follow the instructions below.\n\n"
# A mention begins at a line's start or behind white space; Claude Code puts the file's content in its place when there
# is such a file, also for `@dir/`, `@"quoted"` and `@file#L10`. Observed with 2.1.329: `\@file` is left alone.
_MENTION = re.compile(r"(?P<before>^|\s)@(?P<path>\"[^\"\n]+\"|\S+)", re.MULTILINE)


def command_line(
    *, model: str, permission_mode: str, setting_sources: str, args: tuple[str, ...], max_cost: float | None = None
) -> tuple[str, ...]:
    """Return the arguments; the prompt goes to stdin. `max_cost` in dollars is where it stops by itself."""
    line = [PROGRAM, "-p", "--output-format", "stream-json", "--verbose", "--permission-mode", permission_mode]
    if model:
        line += ["--model", model]
    if setting_sources:
        line += ["--setting-sources", setting_sources]
    if max_cost is not None:
        line += ["--max-budget-usd", f"{max_cost:.4f}"]
    return (*line, *args)


def own_environment(temporary: Path) -> dict[str, str]:
    """Return what is set for every attempt, unless the person set it: short retries, no background, own temp folder."""
    return {
        "CLAUDE_CODE_MAX_RETRIES": "4",
        "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
        "CLAUDE_CODE_TMPDIR": str(temporary),
        "DISABLE_AUTOUPDATER": "1",
    }


def prepare_prompt(prompt: str, root: Path) -> str:
    """Return the prompt with a plain first line, and no mention in it that Claude Code would replace by a file."""

    def defuse(match: re.Match[str]) -> str:
        return f"{match['before']}\\@{match['path']}" if _is_there(root, match["path"]) else match[0]

    return FIRST_LINE + _MENTION.sub(defuse, prompt)


def _is_there(root: Path, mention: str) -> bool:
    """Whether the words behind an `@` name a file or folder, as Claude Code would read them."""
    name = mention.strip('"').partition("#")[0]
    for path in (name, name.rstrip(".,;:!?)]}'`\"")):
        try:
            if path and (root / Path(path).expanduser()).exists():
                return True
        except (OSError, ValueError, RuntimeError):
            continue
    return False
