"""The start of a run: the project is looked over, its lock is taken, and everything a run holds is opened."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial

from harness.agents.from_settings import choose_from_settings
from harness.agents.prices import PriceBook
from harness.agents.prompt import find_template
from harness.agents.table import all_agents
from harness.decide.backoff import Turn
from harness.domain.errors import ConfigError, SpecError, UsageError
from harness.domain.feature import Feature
from harness.domain.listener import Messenger, Narrator, NoMessages, Tone
from harness.domain.paths import Paths
from harness.domain.text import printable
from harness.records.env_files import ENV_FILE_APPEARED, note_made_at_last, open_redactor
from harness.records.events import Event, Foreign
from harness.records.heartbeat import Heartbeat
from harness.records.history import History, fold_journal, read_markers
from harness.records.journal import Journal
from harness.records.links_out import set_links_aside
from harness.records.run_lock import Lock, hold_lock, process_start
from harness.run.awake import stay_awake
from harness.run.checkouts import close_checkout
from harness.run.failover import Failover
from harness.run.interrupts import Interrupts
from harness.run.logs import KeptLogs
from harness.run.orphans import kill_orphans
from harness.run.run import Run, prepare_logs
from harness.run.site import make_site
from harness.run.specs import KeptSpecs
from harness.run.tally import Tally
from harness.run.temporary import hold_temporary
from harness.settings.load import CONFIG_FILE, Config
from harness.specs.shelf import open_specs_folder
from harness.system import files, untrusted
from harness.system.clocks import Clocks
from harness.system.command import Command
from harness.system.environment import clean_environment
from harness.system.own_output import find_output_files
from harness.system.process import Supervisor
from harness.system.redact import Redactor
from harness.workspace.guards import Guards, make_guards
from harness.workspace.held_links import load_links, put_links_back
from harness.workspace.in_place import InPlace
from harness.workspace.quarantine import (
    TOLD,
    find_fifos_of_git,
    find_recorded,
    guarded_paths,
    put_git_back,
    quarantine_absent,
    quarantine_changes,
    say_rest,
    write_list,
)

Tell = Callable[[str], None]


@contextmanager
def open_run(
    config: Config,
    narrator: Narrator,
    messenger: Messenger[Event] | None = None,
    *,
    environ: Mapping[str, str],
    wanted: tuple[str, ...] = (),
    working: bool = True,
    clocks: Clocks | None = None,
) -> Iterator[Run]:
    """Check the project, take its lock, and give a run that is ready for its loop; `working` if agents will run.

    Raises the HarnessError that keeps it from starting, before anything is run. Seven parameters: what is passed in
    (who hears, environment, time) is not the project's, and nothing else belongs to it.
    """
    paths, settings = config.paths, config.settings
    specs = check_project(config, wanted)
    template = find_template(paths, settings.template)
    if working:
        check_agents(config, specs.read(), environ)
    clocks = clocks or Clocks()

    def tell(line: str) -> None:
        narrator.tell(line, Tone.NOTICE)

    for told in set_links_aside(paths):
        tell(told)
    prepare_logs(paths)

    with ExitStack() as stack:
        enter = stack.enter_context
        lock = enter(take_lock(paths, tell))
        for name in note_made_at_last(paths):
            tell(f"`{printable(name)}` {ENV_FILE_APPEARED}")
        redactor = open_redactor(paths, environ)
        if redactor.unread:
            tell(f"`{printable(redactor.unread[0])}` {redactor.TOO_LARGE}")
        journal = enter(closing(Journal(paths.logs, secrets.token_hex(16), clocks.wall, redactor)))
        guard = make_guards(paths, all_agents().guarded)
        history = read_history(paths, journal, guard, specs, lambda line: narrator.tell(line, Tone.BAD))
        interrupts = enter(Interrupts(paths).watching())
        supervisor = enter(start_supervisor(config, lock, interrupts, redactor))
        heartbeat = enter(give_sign_of_life(paths, clocks, run=journal.run, supervisor=supervisor.pid))
        word, why = settings.inhibit_sleep if working else "off", f"a run in {paths.root.name}"
        awake = enter(
            stay_awake(word, why=why, run=journal.run, cwd=paths.root, written=config.written, environ=environ)
        )
        temporary = enter(hold_temporary(paths))
        site = make_site(config, supervisor, environ, temporary, journal.run)
        run = Run(
            config=config,
            site=site,
            journal=journal,
            history=history,
            specs=specs,
            logs=KeptLogs(paths),
            interrupts=interrupts,
            workspace=InPlace(
                paths,
                environment_of_git(config, environ),
                temporary,
                outputs=find_output_files(paths.root),
                written=config.written,
            ),
            guard=guard,
            template=template,
            clocks=clocks,
            prices=PriceBook(settings.prices),
            heartbeat=heartbeat,
            awake=awake,
            messenger=messenger or NoMessages(),
            failover=Failover(Turn(settings.chain, settings.chain[0])),
            tally=Tally(),
            working=working,
        )
        guard.tree.committed = run.workspace.committed
        if run.workspace.has_git:
            guard.tree.ignored = run.workspace.find_ignored
        guard.name(run.workspace.named())
        run.workspace.index.is_obeyed = partial(_is_obeyed, run)
        connect(run, narrator)
        stack.callback(run.workspace.stop_git)
        stack.callback(close_checkout, run)
        stack.callback(note_made_at_last, paths)
        yield run


# --- before the lock is taken ---------------------------------------------------------------------------------------


def check_project(config: Config, wanted: tuple[str, ...]) -> KeptSpecs:
    """Return the specs of the features asked for; raises when one is unknown or cannot be worked on."""
    specs = KeptSpecs(open_specs_folder(config), wanted)
    known = [feature.slug for feature in specs.shelf.read().features]
    for slug in wanted:
        if slug not in known:
            raise UsageError(f"there is no feature `{slug}`", f"the features are {', '.join(known[:20])}")
    broken = [feature for feature in specs.read() if feature.problem]
    if broken:
        more = f" (and {len(broken) - 1} more: `harness lint`)" if broken[1:] else ""
        raise SpecError(f"{broken[0].problem}{more}", broken[0].hint)
    return specs


def check_agents(config: Config, features: tuple[Feature, ...], environ: Mapping[str, str]) -> None:
    """Raise AgentError when the agent of a feature that is not done cannot be started."""
    done = read_markers(config.paths).done
    for feature in features:
        if feature.slug not in done:
            choose_from_settings(config, feature, config.paths.root, environ)


# --- what is opened, and closed again in the opposite order -----------------------------------------------------------


@contextmanager
def take_lock(paths: Paths, tell: Tell) -> Iterator[Lock]:
    """Hold the lock of the project while the block runs; what writes that were cut off left behind is removed."""
    with closing(hold_lock(paths.lock, paths.root, tell=tell)) as lock:
        for folder in (paths.logs, paths.kept):
            files.remove_temporaries(folder)
        files.remove_temporaries(paths.root, names=("HALT", "harness.yaml", ".gitignore"))
        yield lock


def read_history(paths: Paths, journal: Journal, guard: Guards, specs: KeptSpecs, tell: Tell) -> History:
    """Return what the journal tells, after what a killed run left alive is ended and what it left behind quarantined.

    Raises ConfigError, see `clear_away`.
    """
    history = fold_journal(journal.events)
    history.died_at = read_end(paths) if history.run_open else None
    if history.run_open and history.last_run:
        kill_orphans({history.last_run})
    if history.unfinished and guard.load(paths.obeyed):
        may_change = [one for slug in history.unfinished if (it := specs.find(slug)) for one in it.may_change]
        clear_away(paths, journal, history, (guard, may_change), tell)
    guard.remember()
    guard.check_fifos()
    return history


def read_end(paths: Paths) -> float | None:
    """Return when the supervisor of the last run saw it end, in epoch seconds; None where it could not say."""
    said = untrusted.read_plain(paths.ended, 64) or b""
    files.remove(paths.ended)
    try:
        return float(said)
    except ValueError:
        return None


def clear_away(paths: Paths, journal: Journal, history: History, guarded: tuple[Guards, list[str]], tell: Tell) -> None:
    """Quarantine what would be obeyed outside the sandbox and appeared during an attempt that was cut off.

    Before the sandbox is built and git is asked anything. Raises ConfigError for settings: this run has read them.
    """
    forged = ""
    links = load_links(paths.held_links)
    for slug, began in history.unfinished.items():
        during = f"during attempt {began.attempt} of {slug}, which was cut off"
        folder = paths.attempt(slug, began.attempt)
        for name in put_links_back(paths.root, links, folder):
            forged = f"the link `{printable(name)}` was changed {during}; it is back"
        back = put_git_back(paths, folder, guarded[0])
        recorded = find_recorded(paths.root, began.absent, all_agents().guarded)
        absent = (*recorded, *map(str, find_fifos_of_git(paths.root)))
        held = guarded_paths(paths.root, all_agents().guarded) if began.confined else []  # a person changed it since
        came = quarantine_absent(paths, folder, absent, guarded[0].tree.is_obeyed)
        found = [*back, *came, *quarantine_changes(paths, folder, *guarded, held)]
        found.sort(key=lambda one: one.how == "appeared")
        if rest := found[TOLD:]:
            listed = write_list(rest, folder, paths)
            tell(say_rest(rest, during, paths.shown(listed)))
        for one in found[:TOLD]:
            name = paths.shown(one.what)
            history.apply(journal.append(Foreign(slug=slug, attempt=began.attempt, marker=name)))
            aside = f"; it is quarantined as `{paths.shown(one.where)}`" if one.is_aside else ""
            said = f"`{name}` {one.how} {during}{aside}{one.back and '; '}{one.back}"
            if one.what == paths.root / CONFIG_FILE:
                forged = said
            else:
                tell(said)
    if forged:
        raise ConfigError(forged, "put it back if it is yours, and run again")


def start_supervisor(config: Config, lock: Lock, interrupts: Interrupts, redactor: Redactor) -> Supervisor:
    """Return the supervisor of a run: it holds the lock with us, and wakes when a person asks for something."""
    return Supervisor(
        lock_fd=lock.shared_fd,
        ended=config.paths.ended,
        namespace=config.settings.pid_namespace,
        wake_fds=(interrupts.wake_fd,),
        redactor=redactor,
    )


@contextmanager
def give_sign_of_life(paths: Paths, clocks: Clocks, *, run: str, supervisor: int) -> Iterator[Heartbeat]:
    """Give the heartbeat of the run, which is taken away at its end."""
    who = {**process_identity(), "run": run, "supervisor": supervisor}
    heartbeat = Heartbeat(paths.heartbeat, who, clocks.wall)
    try:
        heartbeat.phase("starting", silent=True)
        yield heartbeat
    finally:
        heartbeat.end()


def environment_of_git(config: Config, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that git gets: the person's own settings and keys of it too."""
    return clean_environment(environ, config.settings.env_pass, ("GIT_*", "SSH_AUTH_SOCK"))


def connect(run: Run, narrator: Narrator) -> None:
    """Let what was opened before the run hear of it: who waits ticks, and what works asks whether it must stop."""

    def confine(command: Command) -> Command:
        return run.site.confine_check(command)  # the preflight may find that nobody can start inside

    run.site = replace(run.site, narrator=narrator, stop=run.asked_to_stop)
    run.interrupts.tick = run.tick

    def confine_helper(command: Command) -> Command | None:
        return run.site.confine_helper(command)

    run.workspace.confine_git(run.site.supervisor, confine, run.asked_to_stop, confine_helper)


def _is_obeyed(run: Run, name: str) -> bool:
    """Whether programs obey a file, named from the top of the work tree."""
    path, root = run.workspace.top / name, run.paths.root
    if not path.is_relative_to(root):
        return False
    return run.guard.tree.obeyed.obeys(str(path.relative_to(root)))


def process_identity() -> dict[str, object]:
    """Return who this process is, for the journal: pid and start time together never name another process."""
    return {"pid": os.getpid(), "started": process_start(os.getpid())}
