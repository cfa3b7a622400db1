"""How a child is started: nothing of ours is inherited, and what cannot be started says why."""

import os

import pytest
from helpers.children import PYTHON, Ear

from harness.domain.errors import StorageError
from harness.domain.reply import Ended


def test_an_agent_inherits_nothing_of_ours(run):
    ear = Ear()
    run("", ear, argv=(*PYTHON, "-c", "import os; print([fd for fd in range(99) if os.path.exists(f'/dev/fd/{fd}')])"))
    assert ear.lines == [b"[0, 1, 2]"]


def test_an_agent_gets_default_signals_no_mask_and_an_own_session(run):
    program = """
import os, signal
print(*[number.name for number in signal.Signals if signal.getsignal(number) == signal.SIG_IGN])
print(signal.pthread_sigmask(0, []), os.getsid(0) == os.getpid())
"""
    ear = Ear()
    run("", ear, argv=(*PYTHON, "-c", program))
    assert ear.lines == [b"SIGPIPE SIGXFSZ", b"set() True"]  # Python itself ignores these two


@pytest.mark.parametrize(
    ("argv", "cwd", "error"),
    [
        pytest.param(["nosuch"], ".", "cannot start `nosuch`: no such program", id="no such program"),
        pytest.param(["./text"], ".", "cannot start `./text`: Permission denied", id="not executable"),
        pytest.param(
            ["./script"],
            ".",
            "cannot start `./script`: the interpreter named in its first line does not exist",
            id="no interpreter",
        ),
        pytest.param(["true"], "gone", "cannot work in `{}/gone`: No such file or directory", id="no folder"),
        pytest.param(["true", "x" * 3_000_000], ".", "cannot start `true`: Argument list too long", id="too long"),
    ],
)
def test_what_cannot_be_started_says_why(run, tmp_path, argv, cwd, error):
    (tmp_path / "text").write_text("text")
    (tmp_path / "script").write_text("#!/nosuch/interpreter\n")
    (tmp_path / "script").chmod(0o755)
    ended = run("", argv=tuple(argv), cwd=tmp_path / cwd)
    assert (ended.ended, ended.code, ended.error) == (Ended.NOT_STARTED, None, error.format(tmp_path))


def test_a_program_that_is_nowhere_is_no_such_program_whatever_path_nobody_may_search(run, tmp_path):
    shut = tmp_path / "shut"
    shut.mkdir(mode=0)
    ended = run("", argv=("nosuch",), env={**os.environ, "PATH": f"{shut}{os.pathsep}{os.environ['PATH']}"})
    shut.chmod(0o700)
    assert ended.error == "cannot start `nosuch`: no such program"


def test_a_prompt_that_is_not_there_is_an_error(run, tmp_path):
    with pytest.raises(StorageError, match=r"cannot read `.*gone`: no such file"):
        run("cat", stdin=tmp_path / "gone")
