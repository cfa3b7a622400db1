"""The agent works: its prompt goes in, its stream is read, and when this returns nothing of it is alive."""

from __future__ import annotations

from dataclasses import dataclass

from harness.agents.prompt import Prompt
from harness.agents.stream import StreamReader
from harness.attempts.begin import Attempt
from harness.domain.reply import Reply
from harness.run.run import Run
from harness.system import files
from harness.system.command import Bounds, Command
from harness.workspace.private_logs import PRIVATE_LOGS


@dataclass(slots=True)
class AgentListener:
    """Hears the agent: understands its stream, passes its words on, and asks the run whether it must stop."""

    run: Run
    reader: StreamReader

    def line(self, line: bytes) -> None:
        if words := self.reader.feed(line):
            self.run.narrator.says(self.run.redactor.text(words))

    def busy(self) -> bool:
        return self.reader.busy()

    def finished(self) -> bool:
        return self.reader.finished()

    def stop(self) -> float | None:
        return self.run.asked_to_stop()


def work(run: Run, attempt: Attempt, prompt: Prompt) -> Reply:
    """Give the agent its prompt and let it work; when this returns, nothing of it is alive."""
    feature, agent, settings = attempt.feature, attempt.agent, run.settings
    prompt_file = attempt.folder / "prompt.md"
    files.write_atomic(prompt_file, prompt.text, sync=False)
    command = Command(
        argv=agent.argv,
        cwd=run.paths.root,
        env={
            **run.site.environment_for(agent),
            "HARNESS_ATTEMPT": str(attempt.number),  # in a sandbox it cannot be counted in logs/attempts
        },
        stdin=prompt_file,
    )
    if (sandbox := run.site.sandbox_for(agent)) is not None:
        whose = f"{feature.slug}#{attempt.number}"
        command = sandbox.confine(command, agent=agent, private_logs=attempt.folder / PRIVATE_LOGS, whose=whose)
    bounds = Bounds(
        timeout=settings.timeout if feature.timeout is None else feature.timeout, idle_timeout=settings.idle_timeout
    )
    reader = StreamReader(agent.dialect)
    run.heartbeat.phase("working", feature=feature.slug, attempt=attempt.number, tree=attempt.before.digest)
    run.narrator.began(f"{feature.slug} · attempt {attempt.number}")
    try:
        ended = run.site.supervisor.run(
            command,
            bounds,
            AgentListener(run, reader),
            stdout=attempt.folder / "stream.jsonl",
            stderr=attempt.folder / "stderr.log",
        )
    finally:
        run.narrator.ended()
    return run.redactor.deep(Reply(ended, reader.transcript(ended)))
