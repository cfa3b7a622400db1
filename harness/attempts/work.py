"""An order is carried out: the agent works, or its claim is checked. In any thread, in any process that has a site."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from harness.agents.stream import StreamReader
from harness.attempts.order import Delivery, Order
from harness.domain.reply import Reply
from harness.domain.text import one_line
from harness.domain.verdict import CheckRun
from harness.run.site import Site
from harness.system import files
from harness.system.command import Command
from harness.workspace.checks import Checker


def carry_out(order: Order, site: Site) -> Delivery:
    """Do what the order asks for; when this returns, nothing that it started is alive."""
    try:
        return Delivery(checks=check_claim(order, site)) if order.claimed else Delivery(work(order, site))
    finally:
        site.leave(order.key)


@dataclass(slots=True)
class AgentListener:
    """Hears the agent: understands its stream, passes its words on, and asks whether it must stop."""

    order: Order
    site: Site
    reader: StreamReader

    def line(self, line: bytes) -> None:
        if words := self.reader.feed(line):
            self.site.narrator.says(self.order.key, self.site.redactor.text(words))

    def busy(self) -> bool:
        return self.reader.busy()

    def finished(self) -> bool:
        return self.reader.finished()

    def stop(self) -> float | None:
        return self.site.stop()


def work(order: Order, site: Site) -> Reply:
    """Give the agent its prompt and let it work; when this returns, nothing of it is alive."""
    agent, prompt_file = order.agent, order.folder / "prompt.md"
    files.write_atomic(prompt_file, order.prompt, sync=False)
    environ = {
        **site.environment_for(agent, order.key),
        "HARNESS_ATTEMPT": str(order.number),  # in a sandbox it cannot be counted in logs/attempts
    }
    command = Command(argv=agent.argv, cwd=order.root, env=environ, stdin=prompt_file, sealed=True)
    if (sandbox := site.sandbox_for(agent)) is not None:
        command = sandbox.confine(
            command,
            agent=agent,
            private_logs=order.private_logs,
            whose=order.key,
            attempt=order.key,
            may_change=order.may_change,
        )
    reader = StreamReader(agent.dialect)
    stdout, stderr = order.folder / "stream.jsonl", order.folder / "stderr.log"
    site.narrator.began(order.key, f"{order.slug} · attempt {order.number}")
    try:
        listener = AgentListener(order, site, reader)
        ended = site.supervisor.run(command, order.bounds, listener, stdout=stdout, stderr=stderr)
    finally:
        site.narrator.ended(order.key)
    return site.redactor.deep(Reply(ended, reader.transcript(ended)))


def check_claim(order: Order, site: Site) -> tuple[CheckRun, ...]:
    """Run the checks of a claim where the agent worked, and return how each ended."""
    checker = Checker(
        site.supervisor,
        order.root,
        site.check_environment(),
        order.check_timeout,
        confine=partial(site.confine_check, agent=order.agent, attempt=order.key),
        asked_to_stop=site.stop,
        began=lambda command: site.narrator.began(order.key, f"{order.slug} · check {one_line(command, 60)}"),
    )
    try:
        return checker.run(order.checks, log=order.folder / "checks.log")
    finally:
        site.narrator.ended(order.key)
