"""The tools of a coding agent: what is declared to the model, and what a call gives back. It never raises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.agents.api.arguments import Refused, Restart, read_bash, read_edit
from harness.agents.api.clip import clipped
from harness.agents.api.editor import Editor
from harness.agents.api.shell import Shell, ShellOutcome
from harness.domain.text import one_line, shown, suggest
from harness.domain.units import format_duration

BASH = "bash"
EDITOR = "str_replace_based_edit_tool"
LONGEST = 600.0  # seconds of one command, whatever is asked for


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call gave back: at most 100 KiB of UTF-8."""

    text: str
    is_error: bool = False


class Toolbox:
    """A shell and an editor for one attempt."""

    def __init__(self, roots: Sequence[Path], environ: Mapping[str, str], *, timeout: float = 120.0) -> None:
        """The first of `roots` is the workspace; `environ` is scrubbed already; `timeout` in seconds a command."""
        self._root = roots[0]
        self._shell = Shell(roots[0], environ)
        self._editor = Editor(roots)
        self._timeout = min(timeout, LONGEST)

    def declarations(self, *, typed: bool) -> list[dict[str, Any]]:
        """The tools for a request: by Anthropic's types, or with schemas for other servers; always the same bytes."""
        if typed:
            return [{"type": "bash_20250124", "name": BASH}, {"type": "text_editor_20250728", "name": EDITOR}]
        return [_declare_bash(), _declare_editor()]

    async def run(self, name: str, arguments: object) -> ToolResult:
        """Carry out one call; whatever goes wrong is a result that says so. Raises only CancelledError."""
        try:
            result = await self._run(name, arguments)
        except Refused as refusal:
            result = ToolResult(f"Error: {refusal}", is_error=True)
        except OSError as error:
            reason = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
            result = ToolResult(f"Error: the system refused: {one_line(reason)}", is_error=True)
        except Exception as error:  # every call needs its result, or the next request is refused with a 400
            said = one_line(f"{type(error).__name__}: {error}")
            result = ToolResult(f"Error: the tool itself failed ({said}); try another way", is_error=True)
        return ToolResult(clipped(result.text)[0], result.is_error)

    async def close(self) -> None:
        """End the shell and all it started; a call that still runs comes back."""
        await self._shell.close()

    async def _run(self, name: str, arguments: object) -> ToolResult:
        if name == BASH:
            return await self._run_bash(arguments)
        if name == EDITOR:
            return ToolResult(self._editor.run(read_edit(arguments)))
        raise Refused(f"there is no tool `{shown(str(name))}`; there are `{BASH}` and `{EDITOR}`{_suggest(name)}")

    async def _run_bash(self, arguments: object) -> ToolResult:
        call = read_bash(arguments)
        if isinstance(call, Restart):
            await self._shell.restart()
            return ToolResult(f"The shell was restarted; it begins in {self._root}.")
        timeout = min(call.timeout or self._timeout, LONGEST)
        try:
            outcome = await self._shell.run(call.command, timeout)
        except OSError as error:
            reason = one_line(f"{error.strerror or error}: {error.filename or 'bash'}")
            raise Refused(f"bash cannot be started in {self._root} ({reason})") from error
        return ToolResult(_tell(outcome, timeout, self._root), is_error=outcome.code != 0)


def _suggest(name: object) -> str:
    return suggest(str(name), (BASH, EDITOR))


# --- what a command gave back -------------------------------------------------------------------------------------


def _tell(outcome: ShellOutcome, timeout: float, root: Path) -> str:
    """The output, what happened to the shell, and the exit code on the last line."""
    where = one_line(str(root), 500)
    parts = [outcome.text.rstrip("\n") or "(no output)"]
    if outcome.restarted:
        parts.insert(0, f"[this is a fresh shell in {where}: the earlier one had ended, with its variables and jobs]")
    if outcome.timed_out:
        limit = format_duration(timeout)
        parts.append(f"[timed out after {limit}: the command and all else the shell had started were ended]")
    if outcome.ended:
        why = "" if outcome.timed_out else f"[{_why_ended(outcome.code)}, and all it had started was ended with it]\n"
        parts.append(f"{why}[the next command gets a fresh shell in {where}]")
    code = "no exit code" if outcome.code is None else f"exit code {outcome.code}"
    parts.append(f"[{code}, {outcome.seconds:.1f} s]")
    return "\n".join(parts)


def _why_ended(code: int | None) -> str:
    if code is None:
        return "the shell was ended, because what came back from it could not be believed"
    if code == 126:
        return "the shell ended, because it could not report (`exec`, `ulimit`, or a descriptor of its own was closed)"
    if code > 128:
        return f"the shell itself ended by signal {code - 128}"
    return "the command ended the shell itself (`exit`, `exec`, `set -e`, `set -u` or the like)"


# --- declarations for servers that do not know Anthropic's types --------------------------------------------------


def _declare_bash() -> dict[str, Any]:
    return {
        "name": BASH,
        "description": (
            "Run a command in a bash that lives as long as the task: folder, variables and functions stay from call to "
            "call. stdin is empty and nobody answers questions, so use flags like -y. stdout and stderr come together; "
            "the last line is the exit code and the time. Output above 100 KiB loses its middle. A command is ended "
            "after its timeout, and the shell with it; start servers in the background (`server > server.log 2>&1 &`)."
        ),
        "input_schema": {
            "type": "object",
            "properties": {
                "command": {"type": "string", "description": "What to run; several lines are fine."},
                "restart": {"type": "boolean", "description": "true, alone: end the shell and begin a fresh one."},
                "timeout": {"type": "number", "description": "Seconds, at most 600. Default: 120."},
            },
            "additionalProperties": False,
        },
    }


def _declare_editor() -> dict[str, Any]:
    return {
        "name": EDITOR,
        "description": (
            "View and edit text files in the workspace. `view` shows a file with line numbers, or a folder two levels "
            "deep. `create` writes a whole file, and its folders; an existing file is overwritten. `str_replace` "
            "replaces `old_str`, which must occur exactly once and match to the last space, by `new_str`. `insert` "
            "puts `insert_text` after line `insert_line`. The line numbers of `view` are not part of the file."
        ),
        "input_schema": {
            "type": "object",
            "properties": {
                "command": {"type": "string", "enum": ["view", "create", "str_replace", "insert"]},
                "path": {"type": "string", "description": "Absolute, or relative to the workspace."},
                "view_range": {
                    "type": "array",
                    "items": {"type": "integer"},
                    "minItems": 2,
                    "maxItems": 2,
                    "description": "For view: the first and the last line, counted from 1; -1 is the end.",
                },
                "file_text": {"type": "string", "description": "For create: the whole content."},
                "old_str": {"type": "string", "description": "For str_replace: the text that stands there now."},
                "new_str": {"type": "string", "description": "For str_replace: the text instead; left out, it goes."},
                "insert_line": {"type": "integer", "minimum": 0, "description": "For insert: 0 is before line 1."},
                "insert_text": {"type": "string", "description": "For insert: whole lines."},
            },
            "required": ["command", "path"],
            "additionalProperties": False,
        },
    }
