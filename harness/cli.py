"""placeholder cli"""
from __future__ import annotations
import os, sys
from pathlib import Path
def start(argv):
    from harness.config import load_config
    from harness.console import Terminal
    from harness.run import open_run
    from harness.opening import announce
    from harness.loop import run_loop
    flags={}
    it=iter(argv[1:])
    for a in it:
        if a.startswith('--'): flags[a[2:].replace('-','_')]=next(it)
    cfg=load_config(Path.cwd(), flags, os.environ)
    with Terminal() as t, open_run(cfg,t,environ=os.environ) as run:
        announce(run)
        stop,look=run_loop(run)
        return stop.halt.code
