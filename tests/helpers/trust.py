"""A project whose settings nobody trusts yet."""

from __future__ import annotations

import io
import os
import subprocess
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from helpers.world import World

from harness.cli.funnel import start

OTHER = 65534  # the uid of another user


@dataclass
class Stranger(World):
    """A world without the trust that tests have otherwise, and with a home of its own; its commands run in here."""

    home: Path = Path("/nonexistent")

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: text for name, text in World.environ.fget(self).items() if name != "HARNESS_TRUST"}
        return {**kept, "HOME": str(self.home)}

    def command(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        out, err = io.StringIO(), io.StringIO()
        with (
            patch.dict(os.environ, {**self.environ, **environ}, clear=True),
            chdir(self.root), redirect_stdout(out), redirect_stderr(err),
        ):  # fmt: skip
            code = start(words)
        return subprocess.CompletedProcess(["harness", *words], code, out.getvalue(), err.getvalue())
