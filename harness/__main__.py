"""python -m harness, and the `harness` command."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Run the command line; ends the process with its exit code."""
    use_utf8()
    import_nothing_from_here()
    from harness.cli.streams import let_go_of_streams, open_streams

    open_streams()
    end_in_order()
    from harness.cli.funnel import start

    code = start(sys.argv[1:])
    let_go_of_streams()
    if "PYTHONINSPECT" in os.environ:
        os._exit(code)  # or the interpreter would go on with a prompt, and end with a code of its own
    sys.exit(code)


def end_in_order() -> None:
    """Let a polite kill end what was begun, as Ctrl-C does: the programs that were started, temporary folders."""
    from harness.system.interruptions import interrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):  # nohup says otherwise
            signal.signal(number, interrupt)


def use_utf8() -> None:
    """Begin again where this interpreter names files in another encoding, as with `LC_ALL=C PYTHONUTF8=0`."""
    if sys.getfilesystemencoding() != "utf-8" and "utf8" not in sys._xoptions:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def import_nothing_from_here() -> None:
    """Take the current folder out of the module search path, and what PYTHONPATH names below it.

    An agent may have written there. `python -m` puts the folder first, and an editable install adds its checkout.
    """
    here, checkout = _real(""), os.path.dirname(os.path.dirname(_real(__file__)))  # noqa: PTH120
    named = {_real(one) for one in os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    below = {one for one in named if f"{one}/".startswith(here.rstrip("/") + "/")}
    ours = {checkout} if os.path.basename(checkout) != "site-packages" else set()  # noqa: PTH119
    sys.path[:] = [one for one in sys.path if _real(one) not in {here, *below, *ours}]


def _real(path: str) -> str:
    """Return where a path leads; "" where it is relative to a folder that is gone."""
    try:
        return os.path.realpath(path)
    except OSError:
        return ""


if __name__ == "__main__":
    main()
