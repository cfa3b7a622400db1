"""An ordinary user to run things as, where the tests run as root."""

from __future__ import annotations

import functools
import subprocess
import sys

from helpers.files import REPOSITORY

AS_NOBODY = {"user": 65534, "group": 65534, "extra_groups": [], "stderr": subprocess.DEVNULL}


@functools.cache
def python_of_nobody():
    """A Python that uid 65534 may run, and that can import us; None when there is none."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run([python, "-c", "import harness.system.process"], cwd=REPOSITORY, check=True, **AS_NOBODY)
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    return None
