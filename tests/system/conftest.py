"""A supervisor, with and without a namespace."""

import os
import tempfile

import pytest
from helpers.children import Ear

from harness.system.command import Bounds, Command
from harness.system.process import Supervisor


@pytest.fixture(scope="module", params=["namespace", "no namespace"])
def supervisor(request):
    word = "auto" if request.param == "namespace" else "off"
    with tempfile.TemporaryFile() as lock, Supervisor(lock_fd=lock.fileno(), namespace=word) as made:
        if request.param == "namespace" and not made.namespace:
            pytest.skip(f"no namespace here: {made.why}")
        yield made


@pytest.fixture
def run(supervisor, tmp_path):
    """Run a shell script or a Python program; gives the exit, the files are in tmp_path."""

    def run(script, ear=None, *, stdin=None, cwd=tmp_path, env=os.environ, argv=None, out="out", **bounds):
        command = Command(argv or ("sh", "-c", script), cwd, env, stdin)
        return supervisor.run(
            command, Bounds(**bounds), ear or Ear(), stdout=tmp_path / out if out else None, stderr=tmp_path / "err"
        )

    return run
