"""Where commands run: below which supervisor, in which environment, inside which sandbox, and who hears of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from harness.agents.choose import environment_of
from harness.agents.table import all_agents
from harness.domain.agent import Agent
from harness.domain.errors import AgentError, NotConfined
from harness.domain.feature import Check
from harness.domain.listener import Narrator, Silent
from harness.domain.paths import Paths
from harness.domain.text import one_line
from harness.domain.verdict import CheckRun
from harness.records.history import fold_journal
from harness.records.journal import read_events
from harness.run.temporary import find_place
from harness.sandbox.open import open_sandbox
from harness.sandbox.sandbox import Sandbox
from harness.settings.load import Config
from harness.system import files
from harness.system.command import Command
from harness.system.environment import clean_environment
from harness.system.process import Supervisor
from harness.system.redact import Redactor
from harness.workspace.checks import Checker
from harness.workspace.clean_checkout import Checkout, CheckoutPlan, CleanCheckout
from harness.workspace.quarantine import find_absent

HAS_RUN_CONFINED = "this project has run in a sandbox"
UNCONFINED_IF_TOLD = "`harness doctor` tells more; `sandbox: none` runs agents and checks as you, unconfined"


@dataclass(frozen=True, slots=True)
class Site:
    """What a process needs to carry out orders; one for each process, and it knows nothing of a run's counts."""

    run_id: str
    supervisor: Supervisor
    environ: Mapping[str, str]
    env_pass: tuple[str, ...]  # what the settings let through besides
    temporary: Path
    sandbox: Sandbox | None = None
    unconfined: str = ""  # why there is no sandbox
    outside: Mapping[str, str] = field(default_factory=dict)  # agents that cannot start in the sandbox, and why
    narrator: Narrator = field(default_factory=Silent)
    stop: Callable[[], float | None] = lambda: None  # a grace in seconds when what runs here must end now
    checkout: CleanCheckout | None = None  # where claims are checked; None for the working tree
    beside: CleanCheckout | None = None  # where there is none for claims: one to look at files as they were
    no_checkout: str = ""  # why there is none

    @property
    def redactor(self) -> Redactor:
        """What takes the secrets out of all that is kept."""
        return self.supervisor.redactor

    def sandbox_for(self, agent: Agent) -> Sandbox | None:
        """Return the sandbox that the agent works in; None where it is unconfined."""
        return None if agent.name in self.outside else self.sandbox

    def environment_for(self, agent: Agent, attempt: str = "") -> dict[str, str]:
        """Return the environment that an agent gets; for an attempt, with a temporary folder of its own."""
        place = str(self.temporary)
        if attempt and place in agent.own.values():
            folder = self.temporary / attempt
            files.make_folder(folder)
            agent = replace(agent, own={name: str(folder) if it == place else it for name, it in agent.own.items()})
        return environment_of(agent, self.environ, self.env_pass, self.run_id)

    def check_environment(self) -> dict[str, str]:
        """Return the environment that checks run in."""
        return {**clean_environment(self.environ, self.env_pass), "HARNESS_RUN_ID": self.run_id}

    def confine_check(
        self,
        command: Command,
        agent: Agent | None = None,
        attempt: str = "",
        checkout: Checkout | None = None,
        held_out: Path | None = None,
    ) -> Command:
        """Return a check's command, inside the sandbox where there is one and the agent whose claim it checks is.

        A clean `checkout` is seen there in the place of the project; the folder `held_out` by this command alone.
        """
        sandbox = self.sandbox if agent is None else self.sandbox_for(agent)
        if sandbox is None:
            return command
        sandbox = sandbox if held_out is None else sandbox.revealing(held_out)
        sandbox = sandbox if checkout is None else sandbox.showing(checkout)
        return sandbox.confine(command, agent=None, attempt=attempt)

    def confine_reviewer(self, command: Command, agent: Agent, attempt: str, checkout: Checkout) -> Command:
        """Return the command of a reviewer, which reads a checkout; as it is where the agent works unconfined."""
        if (sandbox := self.sandbox_for(agent)) is None:
            return command
        return sandbox.reading(checkout).confine(command, agent=agent, whose="review", attempt=attempt)

    def check_out(
        self, plan: CheckoutPlan, root: Path, whose: str, agent: Agent | None = None, attempt: str = ""
    ) -> Checkout:
        """Make the clean checkout of a plan, set up as a check runs there; `root` is the project's.

        Raises CheckoutError, SetupFailed.
        """
        place = self.checkout or self.beside
        assert place is not None

        def set_up(checkout: Checkout, commands: tuple[Check, ...]) -> tuple[CheckRun, ...]:
            checker = Checker(
                self.supervisor,
                checkout.place_of(root),
                self.check_environment(),
                0.0,
                confine=partial(
                    self.confine_check, agent=agent, attempt=attempt, checkout=checkout if checkout.shown else None
                ),
                asked_to_stop=self.stop,
                began=lambda command: self.narrator.began(attempt or whose, f"{whose} · setup {one_line(command, 60)}"),
            )
            runs = list[CheckRun]()
            for command in commands:
                runs += checker.run([command])
                if not runs[-1].green:
                    break
            return tuple(runs)

        return place.check_out(plan, set_up)

    def confine_helper(self, command: Command) -> Command | None:
        """Return a helper of ours, inside; None without a sandbox, or where some agent works outside of it, as we."""
        return None if self.sandbox is None or self.outside else self.sandbox.confine_helper(command)

    def find_absent(self, root: Path, agent: Agent | None = None) -> tuple[str, ...]:
        """Return what of git's own files is not there, and git would obey; () where nobody is inside.

        Unconfined, who made it could have done himself what git would do by it.
        """
        sandbox = self.sandbox if agent is None else self.sandbox_for(agent)
        return () if sandbox is None else find_absent(root)

    @property
    def held(self) -> tuple[Path, ...]:
        """What is read-only inside: who changes it meanwhile is a person."""
        return () if self.sandbox is None or self.outside else self.sandbox.mounts.protected

    def leave(self, attempt: str) -> None:
        """An order of the attempt is carried out: what it left in private folders goes."""
        if self.sandbox is not None:
            self.sandbox.remove_scratch(attempt)


def make_site(config: Config, supervisor: Supervisor, environ: Mapping[str, str], temporary: Path, run_id: str) -> Site:
    """Return a site with the sandbox that the settings ask for.

    Raises AgentError where they ask for too much, and where a project that has run confined would not be any more:
    what a confined agent left behind may be why. Raises NotConfined where nobody trusted the project without a sandbox.
    """
    sandbox, unconfined = open_sandbox(config, supervisor, environ, temporary, all_agents())
    if sandbox is None and config.settings.sandbox == "auto" and has_run_confined(config.paths):
        raise AgentError(f"{HAS_RUN_CONFINED}, and now there is none: {unconfined}", UNCONFINED_IF_TOLD)
    if sandbox is None and config.confined_only:
        raise NotConfined(f"there is none: {unconfined}")
    return Site(
        run_id=run_id,
        supervisor=supervisor,
        environ=environ,
        env_pass=config.settings.env_pass,
        temporary=temporary,
        sandbox=sandbox,
        unconfined=unconfined,
    )


def has_run_confined(paths: Paths) -> bool:
    """Return whether agents have worked in a sandbox in this project."""
    return fold_journal(read_events(paths.journal)).confined


@contextmanager
def open_site(config: Config, environ: Mapping[str, str], who: str) -> Iterator[Site]:
    """Give a site outside of any run, with a supervisor and a temporary folder of its own; `who` asks."""
    with (
        Supervisor(namespace=config.settings.pid_namespace) as supervisor,
        tempfile.TemporaryDirectory(
            prefix="harness-", dir=find_place(config.paths.root), ignore_cleanup_errors=True
        ) as temporary,
    ):
        yield make_site(config, supervisor, environ, Path(temporary), who)
