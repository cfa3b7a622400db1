"""The tools of the API agent, called and looked at from outside."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from helpers.marks import LINUX
from helpers.waiting import PATIENCE

from harness.agents.api.arguments import Refused
from harness.agents.api.editor import Editor
from harness.agents.api.shell import Shell
from harness.agents.api.tools import Toolbox, ToolResult

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "LC_ALL": "C.UTF-8"}
TOOL = "str_replace_based_edit_tool"


def alive(place: Path) -> set[int]:
    """The living processes that carry this test's mark, whatever session or parent they have."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*") if LINUX else ():
        with suppress(OSError):
            if f"TEST_PLACE={place}\0".encode() in (folder / "environ").read_bytes():
                found.add(int(folder.name))
    return found


@asynccontextmanager
async def opened(place: Path, **environ: str):
    shell = Shell(place, {**ENVIRON, "TEST_PLACE": str(place), **environ})
    try:
        yield shell
    finally:
        await shell.close()
        assert alive(place) == set()


def outcomes(place: Path, *commands: str, timeout: float = PATIENCE):
    """Run commands one after the other in one shell."""

    async def story():
        async with opened(place) as shell:
            return [await shell.run(command, timeout) for command in commands]

    return asyncio.run(story())


def texts(place: Path, *commands: str) -> list[str]:
    return [outcome.text for outcome in outcomes(place, *commands)]


def calls(place: Path, *given: tuple[str, object], **options: float) -> list[ToolResult]:
    """Run tool calls one after the other in one toolbox."""

    async def story():
        tools = Toolbox([place], {**ENVIRON, "TEST_PLACE": str(place)}, **options)
        try:
            return [await tools.run(name, arguments) for name, arguments in given]
        finally:
            await tools.close()
            assert alive(place) == set()

    return asyncio.run(story())


def edit(place: Path, *edits) -> str:
    """Carry out commands of the editor; gives the last reply."""
    editor = Editor([place])
    return [editor.run(one) for one in edits][-1]


def refusal(place: Path, one) -> str:
    with pytest.raises(Refused) as refused:
        edit(place, one)
    return str(refused.value)


BINARY = " is a binary file; look at it with `file`, `strings` or `xxd` in bash"
BY_SCRIPT = "; edit it with `sed` or a script in bash"
