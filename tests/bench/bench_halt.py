"""From `echo now > HALT` until nothing of the agent is alive: p99 of 20 runs, each with a hostile tree.

The agent ignores TERM, and so does a child of its own in a session of its own; the clock stops when the last of them
has left /proc. Measured with a pid namespace (where there is one) and without.

    python tests/bench/bench_halt.py
"""

from __future__ import annotations

import sys
import time

from killing import carriers, wait_for
from measure import Figure, environ, main, project

ROUNDS = 20
AGENT = """
trap '' TERM
setsid /bin/sh -c 'trap "" TERM; echo child >> ../ready; while :; do sleep 0.5; done' &
echo agent >> ../ready
while :; do sleep 0.5; done
"""


def measure_once(namespace: str, token: str) -> float:
    with project() as made:
        made.specs(1)
        (made.root.parent / "agent.sh").write_text(AGENT, "utf-8")
        made.config(
            f"agent: command\ncommand: [/bin/sh, {made.root.parent}/agent.sh]\npid_namespace: '{namespace}'\n"
            "env_pass: [BENCH_TOKEN]\n"
        )
        ready = made.root.parent / "ready"
        harness = made.start("run", env=environ(BENCH_TOKEN=token))
        try:
            wait_for(lambda: ready.exists() and len(ready.read_text("utf-8").split()) == 2, harness)
            if len(carriers(token, besides={harness.pid})) < 2:
                raise SystemExit("the agent's tree is not seen in /proc")
            began = time.monotonic()
            (made.root / "HALT").write_text("now\n", "utf-8")
            while carriers(token, besides={harness.pid}):
                if time.monotonic() - began > 20:
                    break
                time.sleep(0.002)
            seconds = time.monotonic() - began
            if (code := harness.wait(10)) != 3:
                raise SystemExit(f"harness ended with {code} and not 3")
        finally:
            harness.kill()
            harness.wait()
    return seconds


def measure() -> list[Figure]:
    figures = []
    for namespace in ("auto", "off"):
        samples = [measure_once(namespace, f"halt-{namespace}-{number}-{time.time_ns()}") for number in range(ROUNDS)]
        title = f"`echo now > HALT` to a dead tree, pid_namespace {namespace}"
        figures.append(Figure(title, "s", samples, 2.0, judged="max"))
    return figures


if __name__ == "__main__":
    assert sys.platform == "linux", "this looks at /proc"
    main(measure())
