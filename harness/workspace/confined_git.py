"""Git in the sandbox: one helper (`system/helper.py`) for the whole run, and when it must not be used again.

A sandbox of its own for each call costs ten times the call. The helper is as safe as that while one thing holds: what
a call finds inside is what a new sandbox would show it. So these end it, and the next call gets a new one:

- Git started a program: a filter, a git of its own. What runs hooks never comes here. Such a program may be an
  agent's. It could leave a process that falsifies the next look, or settings for git in the private home. Git tells
  before it starts one, in its trace, through a socket from which nobody inside can take a word back. A trace that is
  not whole counts as such a program, and so does any process that the kernel still knows of. Then the helper is killed
  before the answer is used: what the call itself says was all that such a program could reach, as in a sandbox of its
  own. Its kind gets one from then on.
- Something that is mounted inside was moved, replaced or taken away, as a person's `git config` does with a file that
  is read-only inside. Then nothing is run, and the new helper is mounted as things are now.
- The call took too long, the run was asked to stop, or the helper died.

Git itself is named by its path outside the project, since a git that an agent wrote would tell what it likes. Agents
meet the helper nowhere: theirs are other sandboxes, with processes and private folders of their own. Where one works
outside of any sandbox, as the user that the helper runs as, `confine` has to give None. It runs below the supervisor,
so it dies with the run, and it ends by itself when harness is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from harness.domain.errors import HarnessError
from harness.system.capture import Captured
from harness.system.command import Command
from harness.system.helper import Answer, Helper, HelperLost, helper_line
from harness.system.process import Supervisor

TRACE = {  # to the descriptor of a helper's report, and no more than is asked for here
    "GIT_TRACE2_EVENT": "3", "GIT_TRACE2_EVENT_NESTING": "1", "GIT_TRACE2_EVENT_BRIEF": "1",
}  # fmt: skip
_FIRST, _LAST = b'{"event":"version"', b'{"event":"atexit"'
_STARTS = (b'"event":"child_start"', b'"event":"exec"')  # api-trace2: said before the program is started
_TRIES = 2  # helpers for one call


class ConfinedGit:
    """Runs git in a helper that `confine` puts into the sandbox; `confine` gives None where there is to be none.

    `environ` is the environment of every call, `needed` are files that calls name.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        confine: Callable[[Command], Command | None],
        root: Path,
        environ: Mapping[str, str],
        needed: Sequence[Path] = (),
    ) -> None:
        """Nothing is started before it is wanted."""
        self._supervisor, self._confine = supervisor, confine
        self._command = Command(helper_line(*needed), root, environ, needed=tuple(needed))
        self._helper: Helper | None = None
        self._environ: Mapping[str, str] = {}
        self._kinds_apart = {"stash"}  # commands of git that start programs: this always does, others once they have
        self._useless = False

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        more: Mapping[str, str],
        stdin: bytes,
        timeout: float,
        must_end: Callable[[], bool],
    ) -> Captured | None:
        """Run git, with `more` in its environment; None where it has to be run in a sandbox of its own.

        That may be for the second time, where the helper died in the middle of what can be done twice.
        """
        kind = kind_of(argv)
        for _ in range(_TRIES):
            if self._useless or kind in self._kinds_apart or (helper := self._started()) is None:
                return None
            environ = {**self._environ, **more, **TRACE}
            try:
                answer = helper.run(argv, cwd=cwd, env=environ, stdin=stdin, timeout=timeout, must_end=must_end)
            except HelperLost as lost:
                self._helper, self._useless = None, not lost.again
                if not lost.begun:
                    continue
                return Captured(126, b"", str(lost).encode("utf-8", "replace")) if kind == "commit" else None
            self._judge(kind, answer, helper)
            return answer.said
        return None

    def start(self) -> None:
        """Start the helper; that it is there is not waited for."""
        self._started()

    def close(self) -> None:
        """End the helper."""
        if self._helper is not None:
            self._helper.close()
            self._helper = None

    def _started(self) -> Helper | None:
        """Return the helper, a new one where there is none; None where there is to be none."""
        if self._helper is None and (command := self._confine(self._command)) is not None:
            with suppress(HarnessError):
                self._helper, self._environ = Helper(self._supervisor, command), command.env
        return self._helper

    def _judge(self, kind: str, answer: Answer, helper: Helper) -> None:
        """End the helper where anything else than git ran in it, or may have."""
        if answer.said.timed_out:  # it has ended already
            self._helper = None
        elif not answer.alone or not ran_alone(answer.report):
            self._kinds_apart.add(kind)
            self._helper = None
            helper.end()


def ran_alone(trace: bytes | None) -> bool:
    """Whether the trace of a git is whole and tells of no program that it started."""
    lines = (trace or b"").splitlines()
    whole = bool(lines) and lines[0].startswith(_FIRST) and lines[-1].startswith(_LAST)
    return whole and not any(word in line for line in lines for word in _STARTS)


def kind_of(argv: Sequence[str]) -> str:
    """Return which command of git this is: the first word that is no option, nor belongs to one."""
    words = iter(argv[1:])
    for word in words:
        if word in ("-c", "-C"):
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""
