"""Whether claims are checked in a clean checkout, and what of the project such a checkout is given."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.decide.evidence import Mending
from harness.domain.errors import AgentError
from harness.domain.listener import Tone
from harness.domain.setup_command import suggest_setup
from harness.run.run import Run
from harness.run.site import Site
from harness.settings.load import Config
from harness.system import files
from harness.system.capture import path_outside
from harness.workspace.clean_checkout import INSTALLED, MACHINES_OWN, CheckoutPlan, CleanCheckout
from harness.workspace.in_place import InPlace
from harness.workspace.left_out import CACHES
from harness.workspace.places import Place, find_place, hold_place, remove_unused
from harness.workspace.repositories import find_git, real_path
from harness.workspace.verdicts import Verdicts
from harness.workspace.workspace import Candidate

MOST_BROUGHT = 100  # names that are brought into a checkout


def open_checkout(run: Run) -> None:
    """Give the run a clean checkout where claims are to be checked in one, or the reason why they are not.

    Raises AgentError where one is asked for and there can be none.
    """
    why = why_no_checkout(run.config, run.site, run.workspace)
    if run.settings.prove == "commit" and (why := why or ("" if run.commits else "nothing is committed")):
        hint = "with `prove: auto` claims are checked in the working tree"
        raise AgentError(f"`prove: commit` cannot be: {why}", hint)
    _open(run, why)


def open_checkout_of_head(run: Run) -> None:
    """Give a run that commits nothing a clean checkout of the last commit, or the reason why there is none."""
    _open(run, why_no_checkout(run.config, run.site, run.workspace))


def close_checkout(run: Run) -> None:
    """Let other runs have the place of the checkout."""
    if run.site.checkout is not None:
        run.site.checkout.close()


def _open(run: Run, why: str) -> None:
    if why:
        beside = None
        if run.workspace.has_git:
            shown = run.site.sandbox is not None and run.site.sandbox.shows_checkouts
            beside = CleanCheckout(
                run.site.temporary / "beside", run.workspace.repository(), run.site.environ, shown=shown
            )
        run.site = replace(run.site, checkout=None, beside=beside, no_checkout=why)
        return
    path = path_outside(run.site.environ.get("PATH", os.defpath), *run.config.written)
    environ = {**run.site.environ, "PATH": path}
    place, lock = _take_place(run, environ)
    folder = run.site.temporary / "checkout" if place is None else place.folder
    checkout = CleanCheckout(folder, run.workspace.repository(), environ, lock=lock)
    kept = None if place is None else place.verdicts
    run.verdicts = Verdicts(kept, run.site.check_environment(), run.clock)
    run.site = replace(run.site, checkout=checkout)


def _take_place(run: Run, environ: Mapping[str, str]) -> tuple[Place | None, int | None]:
    """Return the place that is kept between runs, with its lock; None where this run is to have one of its own."""
    place = find_place(run.paths.root, environ)
    writable = run.site.sandbox.mounts.writable if run.site.sandbox is not None else ()
    if place is None or any(real_path(place.folder).is_relative_to(one) for one in writable):
        return None, None  # an agent could forge there what checks are to find
    try:
        lock = hold_place(place, run.paths.root)
    except OSError:
        return place, None  # it says itself what is wrong with it
    if lock is None:
        said = "another run uses the clean checkout of this project, in a container perhaps: this one makes its own"
        run.tell(said, Tone.NOTICE)
        return None, None
    remove_unused(place.folder.parent, run.clock())
    return place, lock


def open_fresh_checkout(run: Run) -> None:
    """Give the run a checkout that nothing of an earlier one is in, and no verdict but its own."""
    shown = run.site.sandbox is not None and run.site.sandbox.shows_checkouts
    place = run.site.temporary / "fresh"
    checkout = CleanCheckout(place, run.workspace.repository(), run.site.environ, shown=shown)
    run.verdicts = Verdicts(None, run.site.check_environment())
    run.site = replace(run.site, checkout=checkout)


def why_no_checkout(config: Config, site: Site, workspace: InPlace) -> str:
    """Return why claims cannot be checked in a clean checkout; "" where they can."""
    if config.settings.prove == "tree":
        return "`prove: tree`"
    if not workspace.has_git:
        return workspace.why_no_git
    if site.sandbox is None or not site.sandbox.shows_checkouts:
        return "without bubblewrap a clean checkout cannot stand in the project's place"
    return ""


def plan_for(run: Run, candidate: Candidate) -> CheckoutPlan:
    """Return the checkout of a commit, as the settings of the run want it."""
    return make_plan(run.config, run.site, run.workspace, candidate)


def make_plan(config: Config, site: Site, workspace: InPlace, candidate: Candidate) -> CheckoutPlan:
    """Return the checkout of a commit, with what is installed in the project, or with the setup that installs it.

    What is brought is the real thing, which checks may write: git's own folders and ours are not among it, and what is
    read-only to agents is so there.
    """
    top, paths, settings = workspace.top, config.paths, config.settings
    root, wanted = paths.root, {*settings.workspace_include}
    usual = MACHINES_OWN if settings.workspace_setup else INSTALLED | MACHINES_OWN
    own, ignored = _find_own(config, top), workspace.ignored()
    brought = [top / name for name in ignored if _is_brought(name, usual, wanted)]
    brought += [root / name for name in wanted if files.exists(root / name)]
    within = [path for path in dict.fromkeys(brought) if _is_apart(path, top, own)][:MOST_BROUGHT]
    held = [one for one in site.held if any(one.is_relative_to(real_path(path)) for path in within)]
    limit = settings.check_timeout
    setup = [one if one.timeout is not None else replace(one, timeout=limit) for one in settings.workspace_setup]
    rest = (name for name in ignored if top / name not in brought and _is_apart(top / name, top, own))
    return CheckoutPlan(candidate, tuple(within), tuple(held), tuple(setup), tuple(rest))


def find_mending(config: Config, workspace: InPlace, plan: CheckoutPlan) -> Mending:
    """Return what could give a checkout by the plan what it lacks."""
    top, own, brought = workspace.top, _find_own(config, workspace.top), {*plan.names_of_brought(workspace.top)}
    names = (name.rstrip("/") for name in workspace.ignored())
    lacking = (name for name in names if name not in brought and name.rpartition("/")[2] not in CACHES)
    setup = "" if plan.setup else suggest_setup(lambda name: files.exists(config.paths.root / name))
    return Mending(tuple(name for name in lacking if _is_apart(top / name, top, own)), setup)


def _find_own(config: Config, top: Path) -> list[Path]:
    """Return what no checkout is given: git's own folders and ours."""
    paths = config.paths
    return [*find_git(paths.root)[1], *map(real_path, (top / ".git", paths.specs, paths.logs, *paths.halts))]


def _is_apart(path: Path, top: Path, others: Sequence[Path]) -> bool:
    """Whether a path stays in the work tree, and neither holds another nor lies in it."""
    real = real_path(path)
    mixed = any(real.is_relative_to(one) or one.is_relative_to(real) for one in others)
    return real.is_relative_to(top) and not mixed


def _is_brought(name: str, usual: set[str], wanted: set[str]) -> bool:
    last = name.rstrip("/").rpartition("/")[2]
    return last in usual or last.startswith(".env.") or name.rstrip("/") in wanted
