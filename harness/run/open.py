"""The start of a run: the project is looked over, its lock is taken, and everything a run holds is opened."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.agents.from_settings import choose_for
from harness.agents.prices import PriceBook
from harness.agents.prompt import find_template
from harness.agents.table import all_agents
from harness.decide.next import closure
from harness.domain.errors import ConfigError, SpecError, UsageError
from harness.domain.feature import Feature
from harness.domain.listener import Messenger, Narrator, NoMessages, Tone
from harness.domain.paths import Paths
from harness.records.events import Event, Foreign
from harness.records.heartbeat import Heartbeat
from harness.records.history import History, fold_journal, read_markers
from harness.records.journal import Journal
from harness.records.run_lock import hold_lock, process_start
from harness.run.awake import stay_awake
from harness.run.interrupts import Interrupts
from harness.run.orphans import sweep
from harness.run.run import Run, prepare_logs
from harness.sandbox.open import open_sandbox
from harness.settings.load import CONFIG_FILE, Config
from harness.specs.shelf import SpecShelf, open_shelf
from harness.system import files, untrusted
from harness.system.clocks import Clocks
from harness.system.environment import clean_environment
from harness.system.process import Supervisor
from harness.system.secrets import read_redactor
from harness.workspace.in_place import InPlace
from harness.workspace.quarantine import quarantine_absent


def make_temporary(paths: Paths) -> Path:
    """Return a new private folder outside the project, after removing that of a run that was killed.

    Its name is written down before it is made, so that a kill -9 at any moment leaves nothing behind for ever.
    """
    place, note = Path(tempfile.gettempdir()), paths.logs / ".temporary"
    name = files.read_text(note, 1024).strip()
    if re.fullmatch(r"harness-[0-9a-f]{32}", name) and not (place / name).is_symlink():
        untrusted.remove_tree(place / name)
    name = f"harness-{secrets.token_hex(16)}"
    files.write_atomic(note, name + "\n", sync=False)
    folder = place / name
    with files.storage(folder, "make the folder"):
        folder.mkdir(mode=0o700)
    return folder


@contextmanager
def open_run(
    config: Config,
    narrator: Narrator,
    messenger: Messenger[Event] | None = None,
    *,
    environ: Mapping[str, str],
    wanted: tuple[str, ...] = (),
    working: bool = True,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
    random: Callable[[], float] = lambda: secrets.randbelow(1 << 20) / (1 << 20),
) -> Iterator[Run]:
    """Check the project, take its lock, and give a run that is ready for its loop; `working` if agents will run.

    Raises the HarnessError that keeps it from starting, before anything is run.
    """
    paths = config.paths
    shelf = open_shelf(config)
    features = check_wanted(shelf, wanted)
    template = find_template(paths, config.settings.template)
    if working:
        check_agents(config, features, environ)
    prepare_logs(paths)
    began = monotonic()

    def tell(line: str) -> None:
        narrator.tell(line, Tone.NOTICE)

    with ExitStack() as stack:
        lock = hold_lock(paths.lock, paths.root, tell=tell)
        stack.callback(lock.close)
        for folder in (paths.logs, paths.kept):
            files.remove_temporaries(folder)
        files.remove_temporaries(paths.root, names=("HALT", "harness.yaml", ".gitignore"))
        run_id = secrets.token_hex(16)
        redactor = read_redactor(paths.root, environ)
        journal = Journal(paths.logs, run_id, clock, redactor)
        stack.callback(journal.close)
        history = fold_journal(journal.events)
        if history.run_open and history.last_run:
            sweep({history.last_run})
        clear_away(paths, journal, history, tell)
        interrupts = stack.enter_context(Interrupts(paths).watching())
        supervisor = stack.enter_context(
            Supervisor(
                lock_fd=lock.shared_fd,
                namespace=config.settings.pid_namespace,
                wake_fds=(interrupts.wake_fd,),
                redactor=redactor,
            )
        )
        who = {**process_identity(), "run": run_id, "supervisor": supervisor.pid}
        heartbeat = Heartbeat(paths.heartbeat, who, clock)
        stack.callback(heartbeat.end)
        heartbeat.phase("starting", silent=True)
        why = f"a run in {paths.root.name}"
        word = config.settings.inhibit_sleep if working else "off"
        awake = stack.enter_context(stay_awake(word, why=why, run=run_id, cwd=paths.root, environ=environ))
        temporary = make_temporary(paths)
        stack.callback(untrusted.remove_tree, temporary)
        sandbox, unconfined = open_sandbox(config, supervisor, environ, temporary, all_agents())
        run = Run(
            id=run_id,
            config=config,
            journal=journal,
            history=history,
            shelf=shelf,
            interrupts=interrupts,
            supervisor=supervisor,
            workspace=InPlace(
                paths, clean_environment(environ, config.settings.env_pass, ("GIT_*", "SSH_AUTH_SOCK")), temporary
            ),
            narrator=narrator,
            environ=environ,
            temporary=temporary,
            template=template,
            wanted=wanted,
            clock=clock,
            monotonic=monotonic,
            random=random,
            began=began,
            prices=PriceBook(config.settings.prices),
            sandbox=sandbox,
            unconfined=unconfined,
            redactor=redactor,
            worker=config.settings.chain[0],
            heartbeat=heartbeat,
            awake=awake,
            messenger=messenger or NoMessages(),
            clocks=Clocks(clock, monotonic),
        )
        run.workspace.confine_git(supervisor, run.confine_check, run.asked_to_stop)
        interrupts.tick = run.tick
        yield run


def clear_away(paths: Paths, journal: Journal, history: History, tell: Callable[[str], None]) -> None:
    """Set aside what would be obeyed outside the sandbox and appeared during an attempt that was cut off.

    Before the sandbox is built and git is asked anything. Raises ConfigError for settings: this run has read them.
    """
    forged = ""
    for slug, began in history.unfinished.items():
        during = f"appeared during attempt {began.attempt} of {slug}, which was cut off"
        folder = paths.attempt(slug, began.attempt)
        for what, where in quarantine_absent(paths, folder, began.absent):
            history.apply(journal.append(Foreign(slug=slug, attempt=began.attempt, marker=paths.shown(what))))
            said = f"`{paths.shown(what)}` {during}; it is set aside as `{paths.shown(where)}`"
            if what == paths.root / CONFIG_FILE:
                forged = said
            else:
                tell(said)
    if forged:
        raise ConfigError(forged, "put it back if it is yours, and run again")


def check_wanted(shelf: SpecShelf, wanted: tuple[str, ...]) -> tuple[Feature, ...]:
    """Return the features asked for and what they depend on; raises when one is unknown or cannot be worked on."""
    reading = shelf.read()
    known = [feature.slug for feature in reading.features]
    for slug in wanted:
        if slug not in known:
            raise UsageError(f"there is no feature `{slug}`", f"the features are {', '.join(known[:20])}")
    features = closure(reading.features, wanted)
    broken = [feature for feature in features if feature.problem]
    if broken:
        more = f" (and {len(broken) - 1} more: `harness lint`)" if broken[1:] else ""
        raise SpecError(f"{broken[0].problem}{more}", broken[0].hint)
    return features


def check_agents(config: Config, features: tuple[Feature, ...], environ: Mapping[str, str]) -> None:
    """Raise AgentError when the agent of a feature that is not done cannot be started."""
    done = read_markers(config.paths).done
    for feature in features:
        if feature.slug not in done:
            choose_for(config, feature, config.paths.root, environ)


def process_identity() -> dict[str, object]:
    """Return who this process is, for the journal: pid and start time together never name another process."""
    return {"pid": os.getpid(), "started": process_start(os.getpid())}
