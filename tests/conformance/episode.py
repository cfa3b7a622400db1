"""One episode of harness for the suite `conformance` (PyPI): three features, as a queue that delivers each once.

Needs what `tests/conformance/run.sh` installs. The suite delivers a feature more than once, kills this process between
two effects, or lets a second runner begin; what landed is read from the journal of the real `harness run`.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from conformance_sdk.adapters.manual import redeliveries
from conformance_sdk.contracts import Disposition, EffectClass
from conformance_sdk.episode import EpisodeContext
from conformance_sdk.fault_log import mark_fault_applied
from conformance_sdk.recorder import LEASE_CLAIM_TARGET, activity_scope
from conformance_sdk.schedule import StagedRace

SLUGS = ("alpha", "beta", "gamma")
AGENT = """slug=$(grep -om1 '[a-z]*\\.done' | sed 's/[.]done//')
[ ! -e slow ] || while [ ! -e go ]; do sleep 0.05; done
echo "$slug" > "$slug.txt"
echo "- wrote $slug.txt, as the spec asks for" >> "logs/$slug.log"
echo "wrote it" > "logs/$slug.done"
"""
SPEC = "---\nchecks: test -f {0}.txt\n---\n# {0}\n\nMake {0}.txt.\n\n## Acceptance criteria\n\n- [ ] {0}.txt is there\n"
# A first runner that waits in its agent, and a second one meanwhile: prints how each ended.
RACE = """touch slow; rm -f go
"$@" >first.out 2>&1 & first=$!
until grep -qs attempt_began logs/journal.jsonl; do sleep 0.05; done
"$@" >second.out 2>&1; second=$?
touch go; wait $first; echo "$? $second"
"""
ENVIRONMENT = {
    **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
    "HARNESS_TRUST": "1",
    "HARNESS_SANDBOX": "none",
    **{f"GIT_{who}_{what}": "suite@example.invalid" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}
HARNESS = (sys.executable, "-m", "harness", "run")


def run(context: EpisodeContext) -> None:
    """Play the episode; its files stay in `context.data_dir`, where a second incarnation goes on."""
    root = context.data_dir.resolve() / "project"
    if not (root / "harness.yaml").exists():
        make_project(root)
    if any(isinstance(fault, StagedRace) for fault in (context.schedule.faults if context.schedule else ())):
        race(context, root)
    for _, slug in redeliveries(context.schedule, [(f"execute:{slug}", slug) for slug in SLUGS]):
        ended = subprocess.run([*HARNESS, slug], cwd=root, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            raise RuntimeError(f"harness run {slug} ended with {ended.returncode}: {ended.stdout}{ended.stderr}")
        record_what_landed(context, root)


def make_project(root: Path) -> None:
    """Make a repository with a spec for each feature, all of it committed."""
    root.mkdir(parents=True, exist_ok=True)
    for slug in SLUGS:
        (root / "specs" / slug).mkdir(parents=True, exist_ok=True)
        (root / "specs" / slug / "spec.md").write_text(SPEC.format(slug), "utf-8")
    (root / "agent.sh").write_text(AGENT, "utf-8")
    (root / ".gitignore").write_text("logs/\nslow\ngo\n*.out\n", "utf-8")
    (root / "harness.yaml").write_text("agent: command\ncommand: [/bin/sh, agent.sh]\npause: 0\n", "utf-8")
    for words in (("init", "-q"), ("add", "--all"), ("commit", "-qm", "begin")):
        subprocess.run(["git", *words], cwd=root, env=ENVIRONMENT, check=True)


def record_what_landed(context: EpisodeContext, root: Path) -> None:
    """Record each attempt and each commit that the journal tells of and was not recorded yet.

    None is said to be idempotent: one that lands twice is a violation.
    """
    journal, mark = root / "logs/journal.jsonl", context.data_dir / "recorded"
    begun = int(mark.read_text("utf-8")) if mark.exists() else 0
    for number, line in enumerate(journal.read_text("utf-8").splitlines()):
        event = json.loads(line)
        if number < begun or event["event"] not in ("attempt_ended", "committed"):
            continue
        mark.write_text(str(number + 1), "utf-8")  # first: the process may end within the next call
        slug, is_commit = event["slug"], event["event"] == "committed"
        step = f"{'step' if slug == SLUGS[0] else 'step_refund'}_{slug}"  # it kills within the first that is a refund
        with activity_scope("night", step, activity_input=slug):
            context.recorder.record(
                target="git.commit" if is_commit else "agent.attempt",
                effect_class=EffectClass.WRITE if is_commit else EffectClass.READ,
                identity=f"{event['event']}:{slug}",
                payload_digest=hashlib.sha256(slug.encode()).hexdigest(),
                idempotency_key=None,
                disposition=Disposition.PERFORMED,
            )


def race(context: EpisodeContext, root: Path) -> None:
    """Let a second runner begin while the first one works, and record which of them was let."""
    mark_fault_applied("staged_race")
    words = ["sh", "-c", RACE, "race", *HARNESS, SLUGS[0]]
    said = subprocess.run(words, cwd=root, env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout.split()
    (root / "slow").unlink()
    for name, code in zip(("first", "second"), said, strict=True):
        let = code != "2"
        with activity_scope("night", "triage", activity_input=name):
            context.recorder.record(
                target=LEASE_CLAIM_TARGET,
                effect_class=EffectClass.WRITE,
                identity=f"claim:{name}",
                payload_digest=hashlib.sha256(name.encode()).hexdigest(),
                idempotency_key=None,
                disposition=Disposition.PERFORMED if let else Disposition.REFUSED,
            )
    record_what_landed(context, root)
