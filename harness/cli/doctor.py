"""Whether a night can begin: each check says what it found, and a failure comes with one hint."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.agents.choose import environment_of
from harness.agents.from_settings import agent_options, choose_from_settings, choose_reviewer
from harness.agents.table import AGENTS
from harness.domain.agent import Agent
from harness.domain.errors import AgentError, HarnessError
from harness.domain.text import counted, listed, one_line
from harness.domain.units import format_size
from harness.records.run_lock import find_holder
from harness.run.open import environment_of_git
from harness.run.site import open_site
from harness.sandbox.sandbox import WRITABLE
from harness.settings.load import Config
from harness.specs.shelf import open_specs_folder
from harness.system import files
from harness.system.capture import capture, find_program, path_outside
from harness.system.files import LITTLE_SPACE, free_bytes
from harness.workspace.guards import make_guards
from harness.workspace.in_place import InPlace

NEEDS = "if it needs a file outside the project, name that in `sandbox_read`"
OLDEST_CLOCK = 1_780_000_000  # epoch seconds, mid 2026: a clock before it is wrong


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What one look found: `state` is ok, warn or fail."""

    name: str
    state: str
    says: str
    hint: str = ""


def examine(config: Config, environ: Mapping[str, str]) -> list[Diagnosis]:
    """Look at everything a run needs; nothing is left behind and nothing is spent."""
    looks: tuple[Callable[[Config, Mapping[str, str]], Diagnosis], ...] = (
        _look_at_specs, _look_at_agent, _look_at_reviewers, _look_at_credentials, _look_at_git, _look_at_commits,
        _look_at_disk, _look_at_lock, _look_at_halt, _look_at_sandbox, _look_at_clock,
    )  # fmt: skip
    found = []
    for look in looks:
        try:
            found.append(look(config, environ))
        except HarnessError as error:
            name = look.__name__.removeprefix("_look_at_")
            found.append(Diagnosis(name, "fail", error.message, error.hint))
    return found


def report_doctor(found: list[Diagnosis]) -> dict[str, Any]:
    """Return the diagnoses as one document."""
    checks = [{"name": one.name, "state": one.state, "says": one.says, "hint": one.hint} for one in found]
    return {"ok": all(one.state != "fail" for one in found), "checks": checks}


def _look_at_specs(config: Config, environ: Mapping[str, str]) -> Diagnosis:
    reading = open_specs_folder(config).read()
    broken = [feature for feature in reading.features if feature.problem]
    if broken:
        return Diagnosis("specs", "fail", str(broken[0].problem), broken[0].hint)
    return Diagnosis("specs", "ok", f"{counted(len(reading.features), 'feature')} in {config.paths.specs}")


def _agent(config: Config, environ: Mapping[str, str]) -> Agent:
    return choose_from_settings(config, None, Path("/tmp"), environ)


def _look_at_agent(config: Config, environ: Mapping[str, str]) -> Diagnosis:
    agent = _agent(config, environ)
    if AGENTS[agent.name].check is not None:
        return _ask_server(config, agent, environ)
    if not agent.version:
        return Diagnosis("agent", "ok", f"{agent.name}: {agent.argv[0]}")
    env = environment_of(agent, environ, config.settings.env_pass, "doctor")
    program = find_program(agent.argv[0], environ, *config.written)
    env["PATH"] = path_outside(env.get("PATH", os.defpath), *config.written)  # what it runs in turn, too
    if not program:
        said_so = f"`{agent.argv[0]}` lies where an agent may have written it: not run"
        return Diagnosis("agent", "warn", said_so, "install it outside the project")
    said = capture((program, *agent.version[1:]), cwd=config.paths.root, env=env, timeout=20.0)
    if said.code != 0:
        words = one_line(said.stderr.decode("utf-8", "replace"))
        return Diagnosis("agent", "fail", f"`{' '.join(agent.version)}` failed: {words}", "install it again")
    version = one_line(said.stdout.decode("utf-8", "replace"))
    rule = AGENTS[agent.name].root_rule
    if rule is not None and os.geteuid() == 0 and rule.refuses(agent.argv, environ):
        hint = f"run as an ordinary user; inside a container of its own, set {rule.unless}=1"
        return Diagnosis("agent", "fail", f"{agent.name} {version} refuses {rule.argument} as root", hint)
    return Diagnosis("agent", "ok", f"{agent.name} {version}")


def _look_at_reviewers(config: Config, environ: Mapping[str, str]) -> Diagnosis:
    """Say who is asked about claims, and whether each can be started; nobody is asked anything here."""
    features = [feature for feature in open_specs_folder(config).read().features if not feature.problem]
    reviews = dict.fromkeys(one for feature in features for one in config.settings.reviews_with(feature.reviews))
    if not reviews:
        return Diagnosis("reviewers", "ok", "none asked for")
    agents = [choose_reviewer(config, review, Path("/tmp"), environ) for review in reviews]
    names = listed(dict.fromkeys(f"{one.name} ({one.model})" if one.model else one.name for one in agents))
    return Diagnosis("reviewers", "ok", f"{counted(len(reviews), 'question')} to {names}")


def _ask_server(config: Config, agent: Agent, environ: Mapping[str, str]) -> Diagnosis:
    """Let an agent see whether its server lets it in, which costs nothing."""
    ask = AGENTS[agent.name].check
    assert ask is not None
    env = environment_of(agent, environ, config.settings.env_pass, "doctor")
    asked = capture(ask(agent.argv), cwd=config.paths.root, env=env, timeout=60.0)
    words = one_line((asked.stdout or asked.stderr).decode("utf-8", "replace"), 300)
    if asked.code != 0:
        return Diagnosis("agent", "fail", f"{agent.name}: {words}", "correct the key, `model` or `base_url`")
    return Diagnosis("agent", "ok", f"{agent.name}: {words}")


def _look_at_credentials(config: Config, environ: Mapping[str, str]) -> Diagnosis:
    """Say which credential is there, never what it is."""
    try:
        agent = _agent(config, environ)
    except AgentError:
        return Diagnosis("credentials", "warn", "not looked for: there is no agent")
    profile = AGENTS[agent.name]
    if profile.find_key is not None:
        found = profile.find_key(agent_options(config.settings), environ)
        return Diagnosis("credentials", "ok", f"{found} is there" if found else "none, and the server needs none")
    if not profile.credentials:
        return Diagnosis("credentials", "ok", f"agent {agent.name} needs none that harness knows of")
    for one in profile.credentials:
        if environ.get(one.variable):
            return Diagnosis("credentials", "ok", f"{one.variable} is set")
    home = Path(environ.get("HOME", "/nonexistent"))
    for name in (*agent.access.logins, *([agent.home.state.path] if agent.home.state else [])):
        if files.is_file(home / name):
            return Diagnosis("credentials", "ok", f"~/{name} is there")
    hint = f"log in with `{agent.argv[0]}`, or set {profile.credentials[0].variable}"
    return Diagnosis("credentials", "fail", f"none found for {agent.name}", hint)


def _look_at_git(config: Config, environ: Mapping[str, str]) -> Diagnosis:
    _check_fifos(config)
    workspace = InPlace(config.paths, environ, filters=False, written=config.written)  # no sandbox is around git here
    if not workspace.has_git:
        said = f"{workspace.why_no_git}: nothing will be committed"
        return Diagnosis("git", "warn", said, "`git init`, and one commit")
    snapshot = workspace.snapshot()
    if workspace.problem:
        return Diagnosis("git", "fail", f"git says: {workspace.problem}", "mend the repository first")
    if not snapshot.head:
        return Diagnosis("git", "warn", "no commit yet: nothing will be committed", "make a first commit")
    if not snapshot.clean:
        said = counted(len(snapshot.files), "uncommitted change")
        return Diagnosis("git", "warn", f"{said}: features will not be committed", "commit or stash them first")
    return Diagnosis("git", "ok", f"clean at {snapshot.head[:12]}")


def _check_fifos(config: Config) -> None:
    """Raise ConfigError where git would wait for ever."""
    guard = make_guards(config.paths, ()).tree
    guard.remember()
    guard.check_fifos()


def _look_at_commits(config: Config, environ: Mapping[str, str]) -> Diagnosis:
    """Make a real commit in a scratch clone, where a run would make its own: with the hooks, as the person."""
    if config.settings.commit == "never":
        return Diagnosis("commits", "ok", "none wanted (`commit: never`)")
    if find_holder(config.paths.lock, config.paths.root) is not None:
        return Diagnosis("commits", "ok", "not tried: a run is active")
    _check_fifos(config)
    with open_site(config, environ, "doctor") as site:
        workspace = InPlace(config.paths, environment_of_git(config, environ), site.temporary, written=config.written)
        if not workspace.has_git or not workspace.commits.candidate_at_head():
            return Diagnosis("commits", "warn", "not tried: there is no commit to begin from")
        workspace.confine_git(site.supervisor, site.confine_check)
        workspace.snapshot()
        where = "in the sandbox" if site.sandbox is not None else "here"
        if workspace.problem:
            return Diagnosis("commits", "fail", f"git fails {where}: {workspace.problem}", NEEDS)
        if site.sandbox is not None and (said := site.sandbox.explain_hooks()):
            return Diagnosis("commits", "fail", said, "let them in with `sandbox_read`")
        who, problem, outside = workspace.try_commit()
        if problem and not outside:
            return Diagnosis("commits", "fail", f"git says: {problem}", "set `user.name` and `user.email` for git")
        if problem:
            said = f"a trial commit in a scratch clone, made {where}, was refused: {problem}"
            return Diagnosis("commits", "warn", said, NEEDS)
        if outside and who != outside:
            return Diagnosis("commits", "fail", f"made as {who} {where}, and as {outside} by your own git", NEEDS)
        if unsigned := workspace.why_unsigned(site.temporary / "signing"):
            hint = "unlock the key before the night; else they are made without, and that is told"
            return Diagnosis("commits", "warn", f"they would not be signed: {unsigned}", hint)
        return Diagnosis("commits", "ok", f"a trial commit in a scratch clone was made as {who}")


def _look_at_disk(config: Config, environ: Mapping[str, str]) -> Diagnosis:
    logs = config.paths.logs
    if files.exists(logs) and not files.is_dir(logs):
        return Diagnosis("disk", "fail", f"`{logs}` is not a folder", "move it away, or set `logs_dir`")
    folder = logs if files.is_dir(logs) else config.paths.root
    if not os.access(folder, os.W_OK | os.X_OK):
        return Diagnosis("disk", "fail", f"`{folder}` is not writable", "make it writable for you, or set `logs_dir`")
    free = free_bytes(folder)
    if free < LITTLE_SPACE:
        return Diagnosis("disk", "warn", f"only {format_size(free)} free", "free some space before a long run")
    return Diagnosis("disk", "ok", f"{format_size(free)} free")


def _look_at_lock(config: Config, environ: Mapping[str, str]) -> Diagnosis:
    holder = find_holder(config.paths.lock, config.paths.root)
    if holder is not None:
        said = f"a run is active: pid {holder.pid} on {holder.host} since {holder.since}"
        return Diagnosis("lock", "fail", said, "pause it with `harness halt`")
    return Diagnosis("lock", "ok", "no run is active")


def _look_at_halt(config: Config, environ: Mapping[str, str]) -> Diagnosis:
    present = [path for path in config.paths.halts if files.exists(path)]
    if present:
        first = one_line(files.read_text(present[0], 4096).split("\n", 1)[0])
        says = f"; it says `{first}`" if first else ""
        return Diagnosis("halt", "fail", f"`{present[0]}` is present{says}", "go on with `harness resume`")
    return Diagnosis("halt", "ok", "no HALT file")


def _look_at_sandbox(config: Config, environ: Mapping[str, str]) -> Diagnosis:
    word = config.settings.sandbox
    with open_site(config, environ, "doctor") as site:
        supervisor, sandbox = site.supervisor, site.sandbox
        held = "in a pid namespace" if supervisor.namespace else f"no pid namespace ({supervisor.why})"
        if site.unconfined == "container":
            return Diagnosis("sandbox", "ok", f"container: taken on your word; {held}")
        if sandbox is None:
            because = "" if word == "none" else f" ({site.unconfined})"
            hint = "" if word == "none" else "install bubblewrap, or give harness a container or a user of its own"
            return Diagnosis("sandbox", "warn", f"none: the agent runs as you, unconfined{because}; {held}", hint)
        agent, keys = None, list[str]()
        with suppress(AgentError):  # told by its own line
            agent = _agent(config, environ)
        if agent is not None:
            env = site.environment_for(agent)
            keys = sandbox.explain_keys(agent, env)
            if unseen := sandbox.find_unseen(agent):
                said = "; ".join(f"{one.by} needs `{one.path}`, which the sandbox does not show" for one in unseen)
                state = "fail" if any(one.guards for one in unseen) else "warn"
                return Diagnosis("sandbox", state, said, "let in what is needed with `sandbox_read`")
            if problem := sandbox.try_agent(agent, supervisor, env)[1]:
                said = f"{sandbox.name} works, but agent `{agent.name}` cannot start inside: {problem}"
                state = "fail" if word == "bwrap" else "warn"
                return Diagnosis("sandbox", state, said, "see `sandbox_read` and `sandbox_write`")
        if problem := sandbox.why_read_only(supervisor):
            said = f"nothing can be written in the project inside it: {problem}"
            return Diagnosis("sandbox", "fail", said, WRITABLE)
        missing, downloads = sandbox.compare(environ)
    root = ["it is weaker because you are root"] if os.geteuid() == 0 else []
    unseen_there = [*missing, *downloads]
    less = [f"not there inside: {', '.join(unseen_there)}"] if unseen_there else []
    says = "; ".join((f"{sandbox.name}, network: {config.settings.sandbox_network}", *keys, held, *root, *less))
    hint = "let in what checks need with `sandbox_read`, a cache that they fill with `sandbox_write`"
    return Diagnosis("sandbox", "warn" if keys or missing else "ok", says, hint if unseen_there else "")


def _look_at_clock(config: Config, environ: Mapping[str, str]) -> Diagnosis:
    if time.time() < OLDEST_CLOCK:
        return Diagnosis("clock", "fail", f"the clock says {time.strftime('%Y-%m-%d')}", "set the system's clock")
    return Diagnosis("clock", "ok", time.strftime("%Y-%m-%d %H:%M:%S %Z"))
