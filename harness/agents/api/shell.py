"""One bash for a whole attempt: commands in, output and exit codes out; whatever a command does, it comes back.

The only home of child processes in this package. bash reads its script from a pipe on stdin, two lines a command:

    builtin eval -- 'COMMAND' </dev/null >&OUT 2>&OUT OUT>&- STATUS>&-
    { builtin printf '%s %s\\0' NONCE "$?" >&STATUS || builtin exit 126; } 2>/dev/null

So functions, variables and the folder stay from command to command; a syntax error fails one command; `exec >file` is
undone with it; `break` finds no loop of ours; nothing that a command prints can pass for a status, which has a pipe of
its own that no child inherits.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import shlex
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.agents.api.clip import LIMIT, Clip
from harness.agents.api.offspring import ProcessTree
from harness.system.capture import open_pidfd

MARK = "HARNESS_SHELL"  # in the environment of all that a shell starts, so that a daemon is found, too
GRACE = 1.0  # seconds from TERM to KILL
_CHUNK = 64 * 1024  # bytes of one read: what a pipe holds
LAST_READ = 1 << 20  # bytes read when a status has come: the most that a pipe can hold
_IDLE_PAUSE = 0.01  # seconds between two reads while no command runs: a flood in the background must not keep us busy
_EXIT_LOOK = 0.02  # seconds between two looks at whether it ended, where no descriptor tells
_OUTPUT_LIMIT = LIMIT - 2048  # bytes; the rest of a result is what we say about it

# What an unattended shell would wait for. No terminal is there to ask at, so this is about clear and quick answers.
_UNATTENDED = {
    "PAGER": "cat",  # in case a command makes itself a terminal
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "true",  # `git rebase --continue` and `git commit --amend` keep the message that is there
    "GIT_TERMINAL_PROMPT": "0",  # a missing password is an error, not a question
    "DEBIAN_FRONTEND": "noninteractive",  # apt-get configures without questions
}
_SECRETS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


def scrub(environ: Mapping[str, str], key_variable: str) -> dict[str, str]:
    """Return what a command of the model may see: no ANTHROPIC_* or CLAUDE*, no key under any name.

    Drops `key_variable` and every variable whose value is that key (or, from 8 characters on, contains it). All else
    stays and wins over the few settings that keep an unattended shell from waiting.
    """
    keys = {environ[name] for name in (key_variable, *_SECRETS) if environ.get(name)}
    kept = {
        name: value
        for name, value in environ.items()
        if name != key_variable
        and not name.upper().startswith(("ANTHROPIC_", "CLAUDE_", "CLAUDECODE"))
        and not any(value == key or (len(key) >= 8 and key in value) for key in keys)
    }
    return {**_UNATTENDED, **kept}


@dataclass(frozen=True, slots=True)
class ShellOutcome:
    """How a command went. `code` is None after a timeout, and when the status never came."""

    text: str  # what came on stdout and stderr, plain, at most 98 KiB of UTF-8
    code: int | None  # 128 + N when signal N ended the shell itself
    seconds: float
    timed_out: bool = False
    ended: bool = False  # the shell is gone, with all it started; the next command gets a fresh one
    restarted: bool = False  # this command had a fresh shell because an earlier one was gone
    cut: int = 0  # bytes


class Shell:
    """A persistent bash, started with the first command; may be used from several tasks, runs one command at a time."""

    def __init__(self, cwd: Path, environ: Mapping[str, str]) -> None:
        """`cwd` is where each fresh bash begins; `environ` is all it gets (see `scrub`)."""
        self.cwd = cwd
        self._environ = dict(environ)
        self._lock = asyncio.Lock()
        self._bash: _Bash | None = None
        self._lost = False  # an earlier bash ended, and nobody asked for it
        self._closed = False

    async def run(self, command: str, timeout: float) -> ShellOutcome:
        """Run a command, at most `timeout` seconds; when it times out or is cancelled, the shell's whole tree ends.

        Raises OSError when bash cannot be started, ValueError for a command with a NUL, RuntimeError once closed.
        """
        if "\0" in command:
            raise ValueError("a command cannot contain a NUL character")
        async with self._lock:
            bash, restarted = await self._open()
            began = time.monotonic()
            code, timed_out = None, False
            try:
                async with asyncio.timeout(timeout):
                    code = await bash.run(command)
            except TimeoutError:
                timed_out = True
            finally:
                ended, by_itself = code is None, bash.gone
                if ended:
                    await self._end()
            if by_itself:
                code = bash.exit_code()
            self._lost = ended
            text, cut = bash.take()
            return ShellOutcome(text, code, time.monotonic() - began, timed_out, ended, restarted, cut)

    async def restart(self) -> None:
        """End the shell and all it started; the next command gets a fresh one."""
        async with self._lock:
            await self._end()
            self._lost = False

    async def close(self) -> None:
        """End everything for good; a command that is still running comes back as ended."""
        self._closed = True
        if self._bash is not None:
            self._bash.give_up()
        async with self._lock:
            await self._end()

    async def _open(self) -> tuple[_Bash, bool]:
        """A living bash, and whether it is fresh because an earlier one was lost."""
        if self._closed:
            raise RuntimeError("the shell is closed")
        if self._bash is not None and self._bash.gone:  # a command in the background ended it meanwhile
            await self._end()
        if self._bash is not None:
            return self._bash, False
        self._bash = _Bash(self.cwd, self._environ)
        return self._bash, self._lost

    async def _end(self) -> None:
        bash, self._bash = self._bash, None
        if bash is not None:
            self._lost = True  # also when a cancellation cuts this short
            await bash.end()


class _Bash:
    """One bash process and its three pipes: its script, its statuses, and what it and all below it print."""

    _process: subprocess.Popen[bytes]
    _offspring: ProcessTree
    _script: int  # our ends of the pipes
    _status: int
    _output: int  # -1 once closed
    _sink: int  # the other end of it, as bash has it
    _numbers: tuple[int, int]  # of output and status, in bash

    def __init__(self, cwd: Path, environ: Mapping[str, str]) -> None:
        self.gone = False
        self._loop = asyncio.get_running_loop()
        self._clip = Clip(_OUTPUT_LIMIT)
        self._answer: asyncio.Future[int | None] | None = None
        self._nonce = b""
        self._said = b""  # on the status pipe, since the command began
        self._left = memoryview(b"")  # of the script, not written yet
        self._begin(cwd, environ)
        self._exit_fd = open_pidfd(self._process.pid)
        for fd in (self._script, self._status, self._output):
            os.set_blocking(fd, False)
        self._loop.add_reader(self._status, self._hear_status)
        self._loop.add_reader(self._output, self._hear_output)
        if self._exit_fd is None:
            self._look_for_exit()
        else:
            self._loop.add_reader(self._exit_fd, self._hear_exit)

    def run(self, command: str) -> asyncio.Future[int | None]:
        """Begin a command; the future gives its exit code, or None when this bash can give none any more."""
        os.set_blocking(self._sink, True)  # a program that made it non-blocking would spoil it for all later ones
        self._answer = self._loop.create_future()
        self._nonce, self._said = secrets.token_hex(8).encode(), b""
        out, status = self._numbers
        report = f"builtin printf '%s %s\\0' {self._nonce.decode()} \"$?\" >&{status}"
        self._write(
            f"builtin eval -- {shlex.quote(command)} </dev/null >&{out} 2>&{out} {out}>&- {status}>&-\n"
            f"{{ {report} || builtin exit 126; }} 2>/dev/null\n"
        )
        return self._answer

    def give_up(self) -> None:
        """Let the command that is running come back without a status."""
        self._settle(None)

    def take(self) -> tuple[str, int]:
        """What was printed since the last time, as text, and how many bytes of it were cut."""
        self._drain()
        clip, self._clip = self._clip, Clip(_OUTPUT_LIMIT)
        return clip.text()

    def exit_code(self) -> int | None:
        """The exit code of bash itself, once it was ended: 128 + N for signal N."""
        code = self._process.returncode
        return 128 - code if code is not None and code < 0 else code

    async def end(self) -> None:
        """End it and all it started; its last words can be taken afterwards."""
        try:
            await self._offspring.end(GRACE)
        finally:
            self._drain()
            for fd in (self._status, self._output, self._exit_fd):
                if fd is not None:
                    self._loop.remove_reader(fd)
            self._loop.remove_writer(self._script)
            for fd in (self._script, self._status, self._output, self._sink, self._exit_fd):
                if fd is not None:
                    os.close(fd)
            self._output = -1
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)

    # --- its beginning ---

    def _begin(self, cwd: Path, environ: Mapping[str, str]) -> None:
        script, self._script = os.pipe()
        self._status, status = os.pipe()
        self._output, self._sink = os.pipe()
        mark = f"{MARK}={secrets.token_hex(8)}"
        try:
            self._process = subprocess.Popen(
                ["bash", "--noprofile", "--norc"],
                cwd=cwd,
                env={**environ, MARK: mark.partition("=")[2]},
                stdin=script,
                stdout=subprocess.DEVNULL,  # its own words, as of `set -x` about our lines, are for nobody
                stderr=subprocess.DEVNULL,
                pass_fds=(status, self._sink),
                start_new_session=True,
            )
        except BaseException:
            for fd in (self._script, self._status, self._output, self._sink):
                os.close(fd)
            raise
        finally:
            os.close(script)
            os.close(status)
        self._offspring = ProcessTree(self._process.pid, mark)
        first, second, *_ = (number for number in range(240, 250) if number not in (status, self._sink))
        self._numbers = (first, second)  # high ones: 3 to 9 are the command's
        self._write(f"exec {first}>&{self._sink} {second}>&{status} {self._sink}>&- {status}>&-\n")

    def _write(self, text: str) -> None:
        self._left = memoryview(bytes(self._left) + text.encode("utf-8", "replace"))
        self._write_on()

    def _write_on(self) -> None:
        """Write what the pipe takes, and the rest when it takes more."""
        try:
            self._left = self._left[os.write(self._script, self._left) :]
        except BlockingIOError:
            pass
        except OSError:  # nobody reads any more: that it ended is told elsewhere
            self._left = memoryview(b"")
        if self._left:
            self._loop.add_writer(self._script, self._write_on)
        else:
            self._loop.remove_writer(self._script)

    # --- what it says ---

    def _hear_status(self) -> None:
        """`NONCE CODE NUL` ends the command; anything else was not said by us, and this bash cannot be believed."""
        data = os.read(self._status, _CHUNK)
        self._said = (self._said + data)[:_CHUNK]
        if not data:  # after `exec program`, or it is about to end: wait for that
            self._loop.remove_reader(self._status)
        elif b"\0" in self._said or len(self._said) > 64:
            told = re.fullmatch(self._nonce + rb" (\d{1,3})\0", self._said)
            self._settle(int(told[1]) if told else None)

    def _hear_output(self) -> None:
        self._read()
        if self._answer is None or self._answer.done():
            self._loop.remove_reader(self._output)
            self._loop.call_later(_IDLE_PAUSE, self._listen_again)

    def _listen_again(self) -> None:
        if self._output >= 0:
            self._loop.add_reader(self._output, self._hear_output)

    def _hear_exit(self) -> None:
        """It ended: not reaped yet, so that its number stays its own until all below it are dead."""
        self.gone = True
        if self._exit_fd is not None:
            self._loop.remove_reader(self._exit_fd)
        self._settle(None)

    def _look_for_exit(self) -> None:
        if self._process.poll() is not None:
            self._hear_exit()
        elif self._output >= 0:
            self._loop.call_later(_EXIT_LOOK, self._look_for_exit)

    def _settle(self, code: int | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(code)

    def _drain(self) -> None:
        """Take what is in the pipe by now, without waiting for those in the background who hold it."""
        left = LAST_READ
        while self._output >= 0 and left > 0 and (size := self._read()):
            left -= size

    def _read(self) -> int:
        """Take what the output pipe holds, up to a chunk; 0 when it is empty: it has no end as long as we have both."""
        try:
            data = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return 0
        self._clip.feed(data)
        return len(data)
