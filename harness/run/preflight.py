"""What a run says before its first attempt: who works, on what, within which limits, and how to stop it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from harness import __version__
from harness.agents.table import AGENTS
from harness.domain.agent import Agent
from harness.domain.errors import AgentError, ConfigError, NotConfined
from harness.domain.feature import Feature
from harness.domain.listener import Tone
from harness.domain.obeyed import is_allowed
from harness.domain.text import counted, list_some, listed, one_line, printable
from harness.domain.units import format_duration, format_size
from harness.records.events import RunBegan
from harness.records.history import read_markers
from harness.records.run_lock import process_start
from harness.run.brief import compose
from harness.run.checkouts import open_checkout
from harness.run.doubts import find_doubts
from harness.run.held_out import find_in_git
from harness.run.limits import stand_ins, tell_chain
from harness.run.reviews import reviewers_of, tell_reviewers
from harness.run.run import Run
from harness.run.site import HAS_RUN_CONFINED, UNCONFINED_IF_TOLD, Site
from harness.run.spending import check_prices, tell_budget
from harness.sandbox.sandbox import WRITABLE
from harness.sandbox.tools import find_own_code
from harness.system.capture import capture, is_in, path_outside
from harness.system.files import LITTLE_SPACE, free_bytes
from harness.workspace.held_out import FOLDER


def announce(run: Run) -> None:
    """Check that every agent can be started, decide about commits, and tell and record how the run begins."""
    features = run.specs.read()
    done = run.history.without_unchecked_claims(read_markers(run.paths)).done
    todo = [feature for feature in features if feature.slug not in done]
    chosen = {(agent := run.agent_for(feature)).name + agent.model: agent for feature in todo}
    reviewers = reviewers_of(run, todo)
    check_prices(run, (*chosen.values(), *reviewers.values()))
    agents = {agent.name: agent for agent in chosen.values()}
    asked = {agent.name: agent for agent in reviewers.values()}
    run.site, versions = enter_sandbox(run, asked | agents | stand_ins(run))
    named = (versions.get(name) or _with_version(run, agent) for name, agent in agents.items())
    names = ", ".join(named) or "none needed"
    run.workspace.start_git()
    if todo:
        compose(run, todo[0])  # a template that cannot serve is told before anything is run
    run.workspace.heads.note(begins=True)
    run.commits, run.why_no_commits = _decide_commits(run)
    open_checkout(run)
    refuse_idle_patterns(run)
    checks = sum(bool(run.checks_for(feature)) for feature in todo)
    _record(run, names, features, len(todo))
    if run.journal.cut:
        run.tell(f"the journal's last line was incomplete ({run.journal.cut} bytes) and was removed", Tone.NOTICE)
    run.tell(f"harness {__version__}, run {run.id[:8]}, agent {names}, model {_say_models(agents)}")
    said = _say_checks(checks, len(todo)) + (_say_where(run) if checks else "")
    run.tell(f"{_count_features(run, features, done)}; checks: {said}")
    if run.settings.workspace_setup and (run.site.checkout is None or not run.commits):
        because = run.site.no_checkout or "nothing is committed"
        run.tell(f"`workspace_setup` is not run: claims are checked in the working tree ({because})", Tone.NOTICE)
    run.tell(_say_limits(run))
    tell_chain(run)
    tell_reviewers(run, reviewers)
    tell_budget(run, asked | agents)
    _tell_commits(run)
    if line := _say_sandbox(run, agents):
        run.tell(line, Tone.PLAIN if run.site.sandbox is not None else Tone.NOTICE)
    if run.site.sandbox is not None and run.site.outside:
        run.tell(f"but outside the sandbox, as you: {'; '.join(run.site.outside.values())}", Tone.NOTICE)
    if run.site.sandbox is not None and (own := find_own_code((run.paths.root,))):
        names = ", ".join(f"`{run.paths.shown(one)}`" for one in own)
        run.tell(f"harness itself runs from {names}: read-only to agents and checks", Tone.NOTICE)
    _tell_held_out(run, todo, agents)
    _tell_machine(run, agents)
    run.tell("to stop: `touch HALT` after this attempt, `echo now > HALT` at once, or Ctrl-C")
    _tell_doubts(run, done)
    for warning in run.config.warnings:
        run.tell_once(warning, Tone.NOTICE)


def _record(run: Run, names: str, features: Collection[Feature], todo: int) -> None:
    """Write down how the run begins."""
    settings = run.settings
    run.write(
        RunBegan(
            pid=os.getpid(),
            started=process_start(os.getpid()),
            version=__version__,
            agents=names,
            features=tuple(feature.slug for feature in features)[:200],
            todo=todo,
            commits=run.commits,
            confined=run.site.sandbox is not None,
            settings={one: getattr(settings, one) for one in ("timeout", "idle_timeout", "max_iterations", "sandbox")},
        )
    )


def _count_features(run: Run, features: Collection[Feature], done: Collection[str]) -> str:
    """Return how many features there are, how many are to do, and how many that are done are doubtful."""
    doubtful = sum(
        one.slug in done and (run.history.is_regressed(one) or run.history.is_stale(one)) for one in features
    )
    again = f", {doubtful} to check again" if doubtful else ""
    return (
        f"{counted(len(features), 'feature')}, {len(features) - sum(one.slug in done for one in features)} to do{again}"
    )


def _tell_held_out(run: Run, todo: Collection[Feature], agents: Mapping[str, Agent]) -> None:
    """Say where an agent could read what is held out from it."""
    folders = [one.path.parent / FOLDER for one in todo if one.held_out]
    if not folders:
        return
    if open_to := sorted(name for name, agent in agents.items() if run.site.sandbox_for(agent) is None):
        run.tell(f"what specs hold out can be read by {listed(open_to)}: there is no sandbox", Tone.NOTICE)
    if held := find_in_git(run, folders):
        said = f"{list_some(held, 5)} can be read by agents: git holds it"
        run.tell(f"{said}; `git rm -r --cached` and a line in .gitignore, before it was ever committed", Tone.BAD)


def refuse_idle_patterns(run: Run) -> None:
    """Raise ConfigError where a pattern of `judge` fits no file: what it was to keep would be kept from nobody."""
    if not run.settings.judge:
        return
    head, prefix = run.workspace.recent_snapshot(), run.workspace.prefix
    listed = run.workspace.commits.list_names(head.head) if head.head else [*head.files]
    names = [name.removeprefix(prefix) for name in listed if name.startswith(prefix)]
    for pattern in run.settings.judge:
        if not any(is_allowed(name, [pattern]) for name in names):
            where = "in the last commit" if head.head else "here"
            raise ConfigError(f"`judge` names `{pattern}`, and no file {where} is so called", "mend it in harness.yaml")


def _tell_machine(run: Run, agents: Mapping[str, Agent]) -> None:
    """Say what of the machine, and of the user that runs it, a person should know."""
    if os.geteuid() == 0:
        run.tell(_say_root(agents, run.site.environ), Tone.NOTICE)
    if not (supervisor := run.site.supervisor).namespace and supervisor.why:
        run.tell(f"pid namespace: none ({one_line(supervisor.why)}); the supervisor ends what is left", Tone.NOTICE)
    if (free := free_bytes(run.paths.logs)) < LITTLE_SPACE:
        run.tell(f"only {format_size(free)} free on the disk of `{run.paths.shown(run.paths.logs)}`", Tone.NOTICE)
    if problem := run.messenger.problem():
        run.tell(problem, Tone.NOTICE)


def _tell_doubts(run: Run, done: Collection[str]) -> None:
    every = run.specs.shelf.read().features
    for doubt in find_doubts(every, done, run.history, lambda: run.workspace.heads):
        run.tell(doubt, Tone.NOTICE)


def _say_models(agents: Mapping[str, Agent]) -> str:
    """Return the models that the agents are asked to use."""
    models = {agent.model or "the agent's own choice" for agent in agents.values()}
    return ", ".join(sorted(models)) or "the agent's own choice"


def enter_sandbox(run: Run, agents: Mapping[str, Agent]) -> tuple[Site, dict[str, str]]:
    """Let each agent show that it can start inside; returns the site, and the names with versions of who told theirs.

    One that cannot works outside under `auto`, unconfined. Raises AgentError under `bwrap`, and for a program that lies
    in the project, where an agent may have written it; NotConfined where the project is not trusted outside.
    """
    names: dict[str, str] = {}
    outside: dict[str, str] = {}
    site = run.site
    if site.sandbox is None:
        return site, names
    for agent in agents.values():
        version, problem = site.sandbox.try_agent(agent, site.supervisor, site.environment_for(agent))
        new_outside = run.history.confined and agent.name not in run.history.unconfined
        if problem and new_outside and run.settings.sandbox == "auto":
            said = f"{HAS_RUN_CONFINED}, and agent `{agent.name}` cannot start inside it: {problem}"
            raise AgentError(said, f"let it see what it needs with `sandbox_read`; {UNCONFINED_IF_TOLD}")
        if problem and (run.settings.sandbox == "bwrap" or not _is_outside(run, agent)):
            raise AgentError(
                f"agent `{agent.name}` cannot start inside the sandbox: {problem}",
                "let it see what it needs with `sandbox_read` and `sandbox_write`, or choose another `sandbox`",
            )
        if problem and run.config.confined_only:
            raise NotConfined(f"agent `{agent.name}` cannot start inside: {problem}")
        if problem:
            outside[agent.name] = f"agent `{agent.name}` cannot start inside: {problem}"
        elif version:
            names[agent.name] = f"{agent.name} ({version})"
    inside = [agent for agent in agents.values() if agent.name not in outside]
    _check_named(run, inside)
    if inside and (problem := site.sandbox.why_read_only(site.supervisor)):
        raise AgentError(f"nothing can be written in the project inside the sandbox: {problem}", WRITABLE)
    if agents and outside.keys() == agents.keys():
        return replace(site, sandbox=None, unconfined="; ".join(outside.values()), outside=outside), names
    return replace(site, outside=outside), names


def _check_named(run: Run, agents: Iterable[Agent]) -> None:
    """Tell which programs on PATH are not there inside, and which that agents' settings name.

    Raises AgentError for a hook: it forbids what an agent would do without it.
    """
    assert run.site.sandbox is not None
    for agent in agents:
        for one in run.site.sandbox.find_unseen(agent):
            said = f"{one.by} needs `{one.path}`, which the sandbox does not show"
            if one.guards:
                raise AgentError(said, f"let it in with `sandbox_read: ['{one.path}']` in harness.yaml")
            run.tell_once(f"{said}; `sandbox_read` lets it in", Tone.NOTICE)
    if missing := run.site.sandbox.compare(run.site.environ)[0]:
        run.tell(f"not there inside: {', '.join(missing)}; `sandbox_read` lets in what is needed", Tone.NOTICE)


def _tell_commits(run: Run) -> None:
    run.tell(f"commits: {'one for each proven feature' if run.commits else run.why_no_commits}")
    if not run.commits:
        return
    if not run.workspace.heads.last.branch:
        said = "HEAD is detached: what is committed will be on no branch"
        run.tell(f"{said}; `git switch -c NAME` gives it one", Tone.BAD)
    if problem := run.workspace.why_no_commit():
        run.tell(f"git cannot commit here: {problem}", Tone.BAD)
    if run.site.sandbox is not None and (said := run.site.sandbox.explain_hooks()):
        run.tell(f"{said}; `sandbox_read` lets them in", Tone.BAD)


def _say_sandbox(run: Run, agents: Mapping[str, Agent]) -> str:
    """Return the line about confinement; "" where a person vouches for the container."""
    site = run.site
    if (sandbox := site.sandbox) is not None:
        network = _NETWORKS[run.settings.sandbox_network]
        name = sandbox.name if sandbox.has_private_logs else f"{sandbox.name} (untested)"
        line = f"sandbox: {name}: agents and checks see only this project and their tools, {network}"
        if run.settings.sandbox_write:
            line += "; what they leave in `sandbox_write` is not looked at, and your programs obey it"
        said = [word for agent in agents.values() for word in sandbox.explain_keys(agent, site.environment_for(agent))]
        return "; but ".join((line, ", ".join(said))) if said else line
    if site.unconfined == "container":
        return ""
    because = "" if site.unconfined == "none" else f" ({site.unconfined})"
    return f"sandbox: none: the agent runs as you, unconfined{because}"


_NETWORKS = {
    "host": "with your network",
    "none": "without network",
    "broker": "with the network of only `sandbox_hosts`; keys stay outside",
}


def _with_version(run: Run, agent: Agent) -> str:
    """Return an agent's name with the version its command says; those without a program of their own have none."""
    if not agent.version or run.site.sandbox_for(agent) is not None or not _is_outside(run, agent):
        return agent.name
    environ = run.site.environment_for(agent)
    environ["PATH"] = path_outside(environ.get("PATH", os.defpath), *run.config.written)  # what it runs in turn, too
    said = capture(agent.version, cwd=run.site.temporary, env=environ, timeout=15.0)
    version = one_line(said.stdout.decode("utf-8", "replace"), 60)
    return f"{agent.name} ({version})" if said.code == 0 and version else agent.name


def _is_outside(run: Run, agent: Agent) -> bool:
    """Whether an agent's program lies where no agent could have written it: it may be run without a sandbox."""
    found = shutil.which(agent.argv[0], path=run.site.environ.get("PATH"))
    return found is not None and not is_in(str(run.paths.root / found), *run.config.written)


def _decide_commits(run: Run) -> tuple[bool, str]:
    """Commit only where the tree was clean at start, or holds nothing but what an earlier run left in it."""
    if run.settings.commit == "never":
        return False, "off (`commit: never`)"
    if not run.workspace.has_git:
        return False, f"off: {run.workspace.why_no_git}"
    snapshot = run.workspace.snapshot()
    if run.workspace.problem:
        return False, f"off: git says: {run.workspace.problem}"
    if not snapshot.head:
        return False, "off: the repository has no commit yet"
    if operation := run.workspace.heads.last.operation:
        return False, f"off: {operation} is not finished"
    ours = run.history.commits and (run.history.run_open or snapshot.digest == run.history.tree)
    ours |= run.history.commits and snapshot.files.items() <= run.history.left.items()
    if not snapshot.clean and not ours:
        names = ", ".join(map(printable, sorted(snapshot.files)[:3])) + (", …" if len(snapshot.files) > 3 else "")
        changes = counted(len(snapshot.files), "uncommitted change")
        return False, f"off: the tree has {changes} ({names}): commit, stash or ignore them"
    return True, ""


def _say_root(agents: Mapping[str, Agent], environ: Mapping[str, str]) -> str:
    said = "you are root, and so is the agent"
    for agent in agents.values():
        profile = AGENTS[agent.name]
        rule = profile.root_rule
        if rule is not None and rule.refuses(agent.argv, environ):
            said += f"; {profile.called} refuses {rule.argument} then"
            said += f", unless {rule.unless}=1 says that this is a container"
    return said


def _say_checks(with_checks: int, todo: int) -> str:
    if not todo:
        return "nothing left to check"
    if not with_checks:
        return "none, a claim is accepted on the agent's word"
    if with_checks < todo:
        return f"for {with_checks} of {todo}, the others are accepted on the agent's word"
    return "for each"


def _say_where(run: Run) -> str:
    """Return where claims are checked, where it is not plain from the line about commits."""
    if not run.commits:
        return ""
    if run.site.checkout is None:
        return f", in the working tree ({run.site.no_checkout})"
    setup = ", ".join(f"`{one_line(one.command, 60)}`" for one in run.settings.workspace_setup)
    return ", in clean checkouts" + (f" set up by {setup}" if setup else "")


def _say_limits(run: Run) -> str:
    s = run.settings
    parts = [f"{format_duration(s.timeout)} an attempt" if s.timeout else "no time limit an attempt"]
    parts += [f"{format_duration(s.idle_timeout)} without output"] if s.idle_timeout else []
    parts += [f"{s.max_iterations} iterations"] if s.max_iterations else []
    parts += [f"{format_duration(s.max_time)} in all"] if s.max_time else []
    parts += [f"stuck after {s.stuck_limit}"] if s.stuck_limit else []
    return "limits: " + ", ".join(parts)
