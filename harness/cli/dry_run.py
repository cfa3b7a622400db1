"""`harness dry-run`: the queue and the exact prompt. Writes nothing, spends nothing, starts no agent."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from harness.agents.choose import prepare_prompt
from harness.agents.from_settings import choose_from_settings, choose_reviewer
from harness.agents.prompt import Section, compose_prompt, find_template, observations
from harness.agents.review_prompt import compose_review_prompt
from harness.agents.table import all_agents
from harness.decide.evidence import CANNOT_RUN, Mending, Weakness, find_weak_runs, find_weak_words
from harness.decide.review import name_review
from harness.domain.agent import Agent
from harness.domain.errors import HarnessError
from harness.domain.feature import Check, Feature
from harness.domain.look import State, Work
from harness.domain.paths import Paths
from harness.domain.review import Review
from harness.domain.text import printable
from harness.domain.verdict import CheckRun
from harness.records.env_files import NO_SECRET, open_redactor, watch_made
from harness.records.links_out import refuse_links
from harness.reports.status import is_on_path, report_loaded, report_next, report_queue
from harness.reports.view import View
from harness.run.checkouts import find_mending, make_plan, why_no_checkout
from harness.run.open import environment_of_git
from harness.run.site import Site, open_site
from harness.run.temporary import find_place
from harness.settings.load import Config
from harness.specs.lint import find_criteria
from harness.specs.spec_file import read_spec_text
from harness.system.capture import path_outside
from harness.system.environment import clean_environment
from harness.system.secrets import read_own_redactor
from harness.workspace.checks import Checker
from harness.workspace.clean_checkout import CheckoutError, CleanCheckout
from harness.workspace.guards import make_guards
from harness.workspace.held_links import find_held_links, put_links_back
from harness.workspace.in_place import InPlace
from harness.workspace.quarantine import Quarantined, quarantine

_APPEARED = f"appeared during the checks: {NO_SECRET}"
REVIEW_LINES = 12  # of the prompt of a review that are shown
LONGEST_CHECK = 60.0  # seconds a check gets here; a slow suite is no reason to wait for a preview


def report_dry_run(view: View, environ: Mapping[str, str], *, every: bool, with_checks: bool) -> dict[str, Any]:
    """Return the queue, and for the next feature (`every`: for all that are ready) the prompt and its parts."""
    decision = view.next()
    if every:
        chosen = [feature for feature in view.look.features if view.standing_of(feature).state is State.READY]
    else:
        ready = [feature for feature in view.look.features if view.standing_of(feature).state is State.READY]
        chosen = [decision.feature] if isinstance(decision, Work) else ready[:1]
    agent, problem = _find_agent(view.config, chosen[0] if chosen else None, environ)
    name = agent.name if agent is not None else view.config.settings.agent
    found = list[str]()
    prompts = [_report_prompt(view, feature, environ, found, with_checks=with_checks) for feature in chosen]
    return {
        "queue": report_queue(view),
        "next": report_next(decision),
        "agent": name,
        "problem": problem,
        "loads": report_loaded(view, name),
        "prompts": prompts,
        "weak": _find_weak(view, [feature.slug for feature in chosen]),
        "warnings": [*view.config.warnings, *view.warnings, *found],
    }


def _find_weak(view: View, besides: Collection[str]) -> list[dict[str, Any]]:
    """Return what the checks of the features cannot show that are not done, by their words alone."""
    waiting = [one for one in view.look.features if view.standing_of(one).state is not State.DONE]
    return [
        {"slug": feature.slug, **asdict(weak)}
        for feature in waiting
        if feature.slug not in besides and not feature.problem
        for weak in find_weak_words(view.config.settings.checks_with(feature.checks), is_on_path)
    ]


def _find_agent(config: Config, feature: Feature | None, environ: Mapping[str, str]) -> tuple[Agent | None, str | None]:
    """Return the agent that would be started, or why there is none."""
    try:
        return choose_from_settings(config, feature, find_place(config.paths.root), environ), None
    except HarnessError as error:
        return None, f"{error.message}; {error.hint}"


def _say_found(paths: Paths, found: Quarantined) -> str:
    """Return what a check left that programs would obey, and what became of it."""
    said = f"`{paths.shown(found.what)}` {found.how} during the checks, where {found.by} would obey it"
    aside = f"it is quarantined in {paths.shown(found.where.parent)}" if found.is_aside else ""
    return "; ".join(filter(None, (said, aside, found.back)))


def _report_prompt(
    view: View, feature: Feature, environ: Mapping[str, str], found: list[str], *, with_checks: bool
) -> dict[str, Any]:
    config, record = view.config, view.record(feature.slug)
    checks = config.settings.checks_with(feature.checks)
    agent, _ = _find_agent(config, feature, environ)
    own = read_own_redactor(environ).text
    prompt = compose_prompt(
        find_template(config.paths, config.settings.template),
        replace(feature, title=own(feature.title)),
        own(read_spec_text(feature)),
        list(map(own, (*(check.command for check in checks), *map(name_review, _reviews_of(config, feature))))),
        config.paths,
        observations(record.observed, record.answer),
        open_redactor(config.paths, environ).text,
        list(map(own, record.red_before(config.settings.checks_besides(feature.checks)))),
    )
    tried = _try_checks(config, feature.slug, checks, environ, found) if with_checks else _Tried()
    states = [(one, "already green" if one.green else f"red ({one.ending})") for one in tried.runs]
    told = [weak for weak in find_weak_words(checks, is_on_path) if weak.rule != CANNOT_RUN or not tried.runs]
    text = prepare_prompt(agent, prompt.text) if agent else prompt.text
    size, composed = (len(one.encode("utf-8", "replace")) for one in (text, prompt.text))
    sections = [*prompt.sections, *([Section("for this agent", size - composed)] if size > composed else [])]
    return {
        "slug": feature.slug,
        "bytes": size,
        "tokens": Section("prompt", size).tokens,
        "sections": [{"name": one.name, "bytes": one.size, "tokens": one.tokens, "cut": one.cut} for one in sections],
        "checks": [{"command": one.command, "green": one.green, "state": state} for one, state in states],
        "weak": [asdict(weak) for weak in (*told, *tried.weak)],
        "not_clean": tried.failed,
        "text": text,
        "reviews": [_report_review(view, feature, review, environ) for review in _reviews_of(config, feature)],
    }


def _reviews_of(config: Config, feature: Feature) -> tuple[Review, ...]:
    return config.settings.reviews_with(feature.reviews)


def _report_review(view: View, feature: Feature, review: Review, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return whom a claim would be reviewed by, and how the prompt for that begins: all but the diff is known."""
    config, own = view.config, read_own_redactor(environ).text
    about = {"question": review.question, "blocking": review.blocking}
    try:
        agent = choose_reviewer(config, review, find_place(config.paths.root), environ)
    except HarnessError as error:
        name = review.agent or config.settings.agent
        return {**about, "agent": name, "problem": f"{error.message}; {error.hint}", "begins": ""}
    spec = own(read_spec_text(feature))
    text = prepare_prompt(agent, compose_review_prompt(review, feature.slug, spec, find_criteria(spec), ""))
    begins = "\n".join(text.split("\n")[:REVIEW_LINES])
    return {**about, "agent": agent.name, "model": agent.model, "problem": "", "begins": begins}


@dataclass(slots=True)
class _Tried:
    """How checks ended before any work, and what they cannot show."""

    runs: tuple[CheckRun, ...] = ()
    weak: tuple[Weakness, ...] = ()
    failed: str = ""  # why not in a clean checkout


def _try_checks(
    config: Config, slug: str, checks: tuple[Check, ...], environ: Mapping[str, str], found: list[str]
) -> _Tried:
    """Run the checks before any work, where a run would: one that is green already proves nothing about what comes.

    Those that are red in a clean checkout run in the working tree too. `found` gets what is to be said of what they
    leave. Python leaves no bytecode, which would be a change of the tree: a run that begins with one makes no commits.
    """
    paths, settings = config.paths, config.settings
    refuse_links(paths)  # where what the checks leave may be moved to
    around = {**clean_environment(environ, settings.env_pass), "PYTHONDONTWRITEBYTECODE": "1"}
    limit = min(settings.check_timeout or LONGEST_CHECK, LONGEST_CHECK)
    with open_site(config, environ, "dry-run") as site:
        checker = Checker(site.supervisor, paths.root, around, limit, confine=site.confine_check)
        with _watch_left(config, site, found):
            clean = _check_clean(config, slug, checks, environ, site, checker)
            if clean is None or clean.failed:
                runs = checker.run(checks)
                return _Tried(runs, tuple(find_weak_runs(runs, {}, Mending())), clean.failed if clean else "")
            return clean


@contextmanager
def _watch_left(config: Config, site: Site, found: list[str]) -> Iterator[None]:
    """Set aside what checks leave that programs would obey, and put links back that a run goes by; tell it `found`."""
    paths, settings = config.paths, config.settings
    links = find_held_links(paths, find_template(paths, settings.template), settings.order_file, settings.script)
    guards, absent = make_guards(paths, all_agents().guarded), site.find_absent(paths.root)
    try:
        with (
            watch_made(paths, lambda name: found.append(f"`{printable(name)}` {_APPEARED}")),
            quarantine(paths, paths.kept, absent, guards, lambda one: found.append(_say_found(paths, one))),
        ):
            yield
    finally:
        changed = put_links_back(paths.root, links, paths.kept)
        found += [f"the link `{printable(name)}` was changed during the checks; it is back" for name in changed]


def _check_clean(
    config: Config, slug: str, checks: tuple[Check, ...], environ: Mapping[str, str], site: Site, checker: Checker
) -> _Tried | None:
    """Run checks in a clean checkout of the last commit, and what is red there in the tree; None without one."""
    if site.sandbox is None or config.settings.prove == "tree" or config.settings.commit == "never":
        return None
    guard = make_guards(config.paths, ())
    guard.remember()
    guard.check_fifos()  # git would wait for ever
    workspace = InPlace(config.paths, environment_of_git(config, environ), site.temporary, written=config.written)
    if why_no_checkout(config, site, workspace):
        return None
    workspace.confine_git(site.supervisor, site.confine_check)
    if (head := workspace.commits.candidate_at_head()) is None:
        return None
    around = {**environ, "PATH": path_outside(environ.get("PATH", os.defpath), *config.written)}
    site = replace(site, checkout=CleanCheckout(site.temporary / "checkout", workspace.repository(), around))
    plan = make_plan(config, site, workspace, head)
    try:
        checkout = site.check_out(plan, config.paths.root, slug)
    except CheckoutError as error:
        return _Tried(failed=str(error))
    runs = replace(checker, confine=partial(site.confine_check, checkout=checkout)).run(checks)
    red = [check for check, one in zip(checks, runs, strict=False) if not one.green]
    in_tree = {one.command: one for one in checker.run(red)}
    return _Tried(runs, tuple(find_weak_runs(runs, in_tree, find_mending(config, workspace, plan))))
