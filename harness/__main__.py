"""python -m harness, and the `harness` command."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; ends the process with its exit code."""
    import_nothing_from_here()
    from harness.cli.streams import let_go_of_streams, open_streams

    open_streams()
    from harness.cli.funnel import start

    code = start(sys.argv[1:])
    let_go_of_streams()
    sys.exit(code)


def import_nothing_from_here() -> None:
    """Take the current folder out of the module search path, and what PYTHONPATH names below it.

    An agent may have written there. `python -m` puts the folder first, and an editable install adds its checkout.
    """
    here, checkout = os.path.realpath(""), os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120
    named = {os.path.realpath(one) for one in os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    below = {one for one in named if f"{one}/".startswith(here.rstrip("/") + "/")}
    ours = {checkout} if os.path.basename(checkout) != "site-packages" else set()  # noqa: PTH119
    sys.path[:] = [one for one in sys.path if os.path.realpath(one) not in {here, *below, *ours}]


if __name__ == "__main__":
    main()
