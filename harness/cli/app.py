"""The commands: arguments in, exit code out. Every command is a few verbs; what they need is imported when it runs."""

from __future__ import annotations

import json as jsonlib
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from harness import __version__
from harness.cli.flags import FILE_SETTINGS, RUN_SETTINGS, read_config, with_config, with_flags
from harness.cli.stdout import print_report, say
from harness.domain.errors import UsageError
from harness.domain.look import GroupBy
from harness.settings.load import Config, load_config

app = typer.Typer(
    name="harness",
    help="Leave a coding agent alone with your repository for a night, and wake up to features that are proven.\n\n"
    "Start with `harness demo`, then `harness init` in your own repository.",
    epilog="Exit codes: 0 all done, 1 limit reached, 2 cannot start, 3 HALT, 4 a question, 5 stuck, 6 service, "
    "7 budget, 70 a bug, 130 interrupted.",
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Slugs = Annotated[list[str] | None, typer.Argument(metavar="[SLUG]...", help="Only these, and what they depend on.")]
Slug = Annotated[str, typer.Argument(metavar="SLUG", help="The feature's name: its folder in specs/.")]
CostSlugs = Annotated[list[str] | None, typer.Argument(metavar="[SLUG]...", help="Only these.")]
MaybeSlug = Annotated[str | None, typer.Argument(metavar="[SLUG]", help="Only this feature.")]


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Hold what stands before every command; without one, show the help."""
    if version:
        say(f"harness {__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        say(ctx.get_help())
        raise typer.Exit(2)


# --- running ------------------------------------------------------------------------------------------------------


@app.command(epilog="Examples: harness run · harness run login pay --keep-going · harness run --max-time 8h")
@with_config(*RUN_SETTINGS)
def run(slugs: Slugs = None, *, config: Config) -> int:
    """Drive the agent through the specs until every feature is done and proven, or a person is needed."""
    return _run(config, tuple(slugs or ()))


def _run(config: Config, slugs: tuple[str, ...]) -> int:
    from harness.cli.run import run_and_report
    from harness.listeners.channels import Notifier
    from harness.listeners.console import Terminal
    from harness.listeners.messages import Messages
    from harness.run.open import open_run

    notifier = Notifier(config.settings, config.paths.root, os.environ)
    with (
        Terminal(quiet=config.settings.quiet, verbose=config.settings.verbose) as terminal,
        open_run(config, terminal, Messages(notifier), environ=os.environ, wanted=slugs) as run,
    ):
        stop, result = run_and_report(run, notifier, wanted=config.settings.json)
    if config.settings.json:
        say(run.redactor.text(jsonlib.dumps(result, indent=1, default=str)))
    return stop.halt.code


@app.command("dry-run", epilog="Examples: harness dry-run · harness dry-run login --json · harness dry-run --all")
@with_config(*RUN_SETTINGS)
def dry_run(
    slug: MaybeSlug = None,
    *,
    all: Annotated[bool, typer.Option("--all", help="The prompt of every feature that is ready.")] = False,
    checks: Annotated[bool, typer.Option(help="Run the checks to see whether one is green already.")] = True,
    config: Config,
) -> None:
    """Show the queue and the exact prompt that would be sent; starts no agent, writes nothing."""
    from harness.cli.dry_run import report_dry_run
    from harness.reports.as_text import show_dry_run
    from harness.reports.view import read_view

    view = read_view(config, (slug,) if slug else ())
    if slug:
        view.feature(slug)
    print_report(report_dry_run(view, os.environ, every=all, with_checks=checks), show_dry_run, config)


@app.command(epilog="Example: harness demo --dir /tmp/try-harness")
def demo(
    dir: Annotated[Path | None, typer.Option("--dir", help="Where; default: a new temporary folder.")] = None,
) -> int:
    """See it work in ten seconds: a small repository, three specs, a scripted agent; no network, no key."""
    from harness.rehearsal.demo import make_demo, tell_where_to_look

    folder = make_demo(dir, os.environ)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HARNESS_")}
    code = _run(load_config(folder, {}, environ), ())
    if code == 0:
        say("\n".join(tell_where_to_look(folder)))
    return code


@app.command(epilog="Examples: harness chaos · harness chaos --json")
@with_flags("agent", "json")
def chaos(*, flags: dict[str, Any]) -> int:
    """See your settings hold before the night: an agent that misbehaves in every way; exit 1 if a promise broke."""
    from harness.rehearsal.chaos import run_chaos, show_chaos

    if flags.pop("agent") not in (None, "scripted"):
        raise UsageError("chaos plays the agent itself", "leave `--agent` out: no model is called")
    config = read_config(flags)
    rows = run_chaos(config.settings, os.environ)
    report = {"ok": all(row["kept"] for row in rows), "faults": rows}
    print_report(report, lambda report: show_chaos(report["faults"]), config)
    return 0 if report["ok"] else 1


@app.command(epilog="Examples: harness verify · harness verify login")
@with_config(*FILE_SETTINGS, "check_timeout")
def verify(slugs: Slugs = None, *, config: Config) -> int:
    """Run the checks of accepted features again; exit 1 when one drifted."""
    from harness.cli.verify import verify as verify_features
    from harness.listeners.console import Terminal
    from harness.reports.as_text import show_verify
    from harness.run.open import open_run

    with (
        Terminal(quiet=True) as terminal,
        open_run(config, terminal, environ=os.environ, wanted=tuple(slugs or ()), working=False) as run,
    ):
        report = verify_features(run)
        interrupted = run.interrupts.interrupted
    print_report(report, show_verify, config)
    return 130 if interrupted else 1 if report["drifted"] else 0


# --- writing specs ------------------------------------------------------------------------------------------------


@app.command(epilog="Example: cd your-repository && harness init")
@with_flags("specs_dir", "logs_dir")
def init(*, flags: dict[str, Any]) -> None:
    """Set this folder up: harness.yaml, an example spec, lines in .gitignore. Doing it twice changes nothing."""
    from harness.cli.scaffold import init_project

    config = load_config(Path.cwd(), flags, os.environ, root=Path.cwd())
    say("\n".join(init_project(config) or ["everything is there already"]))
    say("next: `harness new SLUG` writes a spec, `harness lint` looks it over, `harness dry-run` shows the prompt")


@app.command(epilog="Example: harness new password-reset")
@with_config("specs_dir", "spec_file")
def new(slug: Slug, *, config: Config) -> None:
    """Write the skeleton of a spec."""
    from harness.cli.scaffold import new_spec

    say(f"wrote {config.paths.shown(new_spec(config, slug))}: fill it in, then `harness lint`")


@app.command(epilog="Example: harness lint --json")
@with_config(*FILE_SETTINGS)
def lint(*, config: Config) -> int:
    """Look the specs over: front matter, dependencies, acceptance criteria that a check could falsify."""
    from harness.reports.as_text import show_findings
    from harness.reports.status import report_lint

    report = report_lint(config)
    print_report(report, show_findings, config)
    return 1 if any(one["level"] == "error" for one in report["findings"]) else 0


# --- looking ------------------------------------------------------------------------------------------------------


@app.command(epilog="Example: harness status --json")
@with_config(*FILE_SETTINGS)
def status(*, config: Config) -> None:
    """Show where every feature stands."""
    from harness.reports.as_text import show_status
    from harness.reports.status import report_status
    from harness.reports.view import read_view

    print_report(report_status(read_view(config)), show_status, config)


@app.command(epilog="Examples: harness why · harness why login")
@with_config(*FILE_SETTINGS)
def why(slug: MaybeSlug = None, *, config: Config) -> None:
    """Tell from the files alone why anything waits, stopped or was skipped."""
    from harness.reports.as_text import show_why
    from harness.reports.status import report_why
    from harness.reports.view import read_view

    print_report(report_why(read_view(config), slug), show_why, config)


@app.command(epilog="Examples: harness cost · harness cost login · harness cost --by day --json")
@with_config("monthly_budget", *FILE_SETTINGS)
def cost(
    slugs: CostSlugs = None,
    *,
    by: Annotated[GroupBy, typer.Option("--by", help="What a row is about.")] = GroupBy.FEATURE,
    config: Config,
) -> None:
    """Show what was spent, for which tokens, how one knows, and what a proven feature cost."""
    from harness.reports.as_text import show_cost
    from harness.reports.cost import report_cost
    from harness.reports.view import read_view

    print_report(report_cost(read_view(config), tuple(slugs or ()), by), show_cost, config)


@app.command(epilog="Example: harness log login -f")
@with_config("specs_dir", "spec_file", "logs_dir")
def log(
    slug: Slug,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows; Ctrl-C ends it.")] = False,
    config: Config,
) -> None:
    """Print the progress notes of a feature."""
    from harness.cli.log import print_notes
    from harness.reports.view import read_view

    read_view(config).feature(slug)
    print_notes(config.paths.log(slug), slug, follow=follow)


@app.command(epilog="Examples: harness config · harness config --timeout 1h --json · harness config --schema")
@with_flags(*RUN_SETTINGS)
def config(
    *,
    schema: Annotated[bool, typer.Option("--schema", help="The JSON Schema of harness.yaml, for your editor.")] = False,
    flags: dict[str, Any],
) -> None:
    """Show every setting, its value and where it came from."""
    from harness.agents.table import explain
    from harness.reports.as_text import show_config
    from harness.reports.status import report_config
    from harness.settings.schema import compose_schema

    if schema:
        say(jsonlib.dumps(compose_schema(explain), indent=1))
        return
    loaded = read_config(flags)
    print_report(report_config(loaded), show_config, loaded)


@app.command(epilog="Example: harness doctor --agent claude")
@with_config("agent", *FILE_SETTINGS)
def doctor(*, config: Config) -> int:
    """See whether a night can begin; exit 2 and one hint for each thing that would stop it."""
    from harness.cli.doctor import examine, report_doctor
    from harness.reports.as_text import show_doctor

    report = report_doctor(examine(config, os.environ))
    print_report(report, show_doctor, config)
    return 0 if report["ok"] else 2


class ServiceAction(StrEnum):
    """What to do with the service."""

    INSTALL = "install"
    UNINSTALL = "uninstall"
    SHOW = "show"


@app.command(epilog="Examples: harness service show · harness service install")
@with_config()
def service(
    action: Annotated[ServiceAction, typer.Argument(help="show only prints what install would write.")],
    *,
    name: Annotated[str, typer.Option("--name", help="Its name; default: that of the project's folder.")] = "",
    config: Config,
) -> None:
    """Let the system go on with a run after a reboot or a crash: a systemd user unit, or a launchd agent."""
    from harness.cli.service import choose_service, install_service, show_service, uninstall_service

    if action is ServiceAction.INSTALL and not config.paths.specs.is_dir():
        raise UsageError("there are no specs here, so a service would have nothing to do", "go to your project first")
    chosen = choose_service(config.paths.root, name, os.environ)
    act = {"install": install_service, "uninstall": uninstall_service, "show": show_service}[action]
    say("\n".join(act(chosen)))


# --- deciding, as a person ----------------------------------------------------------------------------------------


@app.command(epilog='Example: harness answer login "use the staging OAuth client"')
@with_config("specs_dir", "spec_file", "logs_dir")
def answer(
    slug: Slug, text: Annotated[str, typer.Argument(help="What the agent needs to know.")], *, config: Config
) -> None:
    """Answer a blocked feature's question; it is taken up again, and the next prompt carries the answer."""
    from harness.cli.interventions import answer_question

    say(answer_question(config, slug, text))


@app.command(epilog='Example: harness accept login "checked by hand on staging"')
@with_config("specs_dir", "spec_file", "logs_dir")
def accept(slug: Slug, why: Annotated[str, typer.Argument(help="Why it counts as done.")], *, config: Config) -> None:
    """Declare a feature done yourself, without a check."""
    from harness.cli.interventions import accept_feature

    say(accept_feature(config, slug, why))


@app.command(epilog="Example: harness reset login")
@with_config("specs_dir", "spec_file", "logs_dir")
def reset(slug: Slug, *, config: Config) -> None:
    """Begin a feature anew: its marker and question go aside, its counters start at 0; log and attempts stay."""
    from harness.cli.interventions import reset_feature

    say(reset_feature(config, slug))


@app.command(epilog="Examples: harness halt · harness halt --now")
@with_config("logs_dir")
def halt(
    *,
    now: Annotated[bool, typer.Option("--now", help="End the attempt in flight at once.")] = False,
    config: Config,
) -> None:
    """Pause the run: the same as `touch HALT`, or with --now as `echo now > HALT`."""
    from harness.cli.interventions import set_halt

    say(set_halt(config, now=now))


@app.command(epilog="Example: harness resume && harness run")
@with_config("logs_dir")
def resume(*, config: Config) -> None:
    """Remove HALT, so that the next `harness run` goes on."""
    from harness.cli.interventions import remove_halt_files

    say(remove_halt_files(config))
