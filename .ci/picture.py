"""Draws .assets/demo.svg from a real run of `harness demo`: python .ci/picture.py"""

import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from harness.listeners.console import Terminal
from harness.loop import run_loop
from harness.rehearsal.demo import make_demo
from harness.run.open import open_run
from harness.run.preflight import announce
from harness.settings.load import load_config

TARGET = Path(__file__).parent.parent / ".assets" / "demo.svg"

with TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere:
    root = make_demo(Path(folder) / "demo", os.environ)
    console = Console(record=True, width=118, file=nowhere, highlight=False)
    with (
        Terminal(console=console) as terminal,
        open_run(load_config(root, {}, os.environ), terminal, environ=os.environ) as run,
    ):
        announce(run)
        stop, _ = run_loop(run)
    TARGET.parent.mkdir(exist_ok=True)
    drawn = console.export_svg(title="harness demo")
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)  # a picture that fetches nothing
    TARGET.write_text(re.sub(r"<!--.*?-->\s*", "", drawn), "utf-8")
sys.exit(stop.halt.code)
