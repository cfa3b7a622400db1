"""The commands: arguments in, exit code out. Every command is a few verbs; what they need is imported when it runs."""

from __future__ import annotations

import json as jsonlib
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from harness import __version__
from harness.cli.commands import Commands
from harness.cli.flags import (
    FILE_SETTINGS,
    RUN_SETTINGS,
    read_and_tell,
    read_config,
    refuse_foreign,
    with_config,
    with_config_to_decide,
    with_config_to_read,
    with_flags,
)
from harness.cli.stdout import print_report, say, say_bytes, say_result
from harness.domain.errors import UsageError
from harness.domain.money import GroupBy
from harness.settings.load import Config, load_config
from harness.system import files

app = typer.Typer(
    name="harness",
    cls=Commands,
    help="Run a coding agent through a folder of specs, unattended. A feature counts as done after your own checks "
    "have passed.\n\n"
    "Start with `harness demo`, then `harness init` in your own repository.",
    epilog="Exit codes: 0 all done, 1 limit reached, 2 cannot start, 3 HALT file, "
    "4 a question for you, or git needs you, 5 stuck, 6 usage limit, login or outage, 7 budget, "
    "70 a bug in harness, 130 interrupted.",
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Slugs = Annotated[list[str] | None, typer.Argument(metavar="[SLUG]...", help="Only these, and what they depend on.")]
Slug = Annotated[str, typer.Argument(metavar="SLUG", help="The feature: the name of its folder in specs/.")]
CostSlugs = Annotated[list[str] | None, typer.Argument(metavar="[SLUG]...", help="Only these features.")]
Number = Annotated[int | None, typer.Argument(metavar="[N]", help="The attempt; default: the last one.")]
MaybeSlug = Annotated[str | None, typer.Argument(metavar="[SLUG]", help="Only this feature.")]


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Handle the options that come before a command; without one, show the help."""
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
    """Work on the specs until every feature is done. Stops early when a person is needed; the exit code says why."""
    return _run(config, tuple(slugs or ()))


def _run(config: Config, slugs: tuple[str, ...], *, only_lands: bool = False) -> int:
    from harness.cli.run import run_and_report
    from harness.listeners.channels import Notifier
    from harness.listeners.console import Terminal
    from harness.listeners.messages import Messages
    from harness.run.open import open_run

    notifier = Notifier(config.settings, config.paths.root, os.environ, config.written)
    with (
        Terminal(quiet=config.settings.quiet, verbose=config.settings.verbose) as terminal,
        open_run(config, terminal, Messages(notifier), environ=os.environ, wanted=slugs) as run,
    ):
        run.begins = not only_lands
        stop, result = run_and_report(run, notifier, wanted=config.settings.json)
    if config.settings.json:
        say_result(jsonlib.dumps(run.redactor.deep(result), indent=1, default=str), stop.halt.code)
    return stop.halt.code


@app.command("dry-run", epilog="Examples: harness dry-run · harness dry-run login --json · harness dry-run --all")
@with_config(*RUN_SETTINGS)
def dry_run(
    slug: MaybeSlug = None,
    *,
    all: Annotated[bool, typer.Option("--all", help="Show the prompt of every feature that is ready.")] = False,
    checks: Annotated[bool, typer.Option(help="Run the checks of the features shown: do some pass already?")] = True,
    config: Config,
) -> None:
    """Show the queue and the next prompt, and try its checks. Starts no agent and writes nothing of its own."""
    from harness.cli.dry_run import report_dry_run
    from harness.reports.as_text import show_dry_run
    from harness.reports.view import read_view

    view = read_view(config, (slug,) if slug else ())
    if slug:
        view.feature(slug)
    print_report(report_dry_run(view, os.environ, every=all, with_checks=checks), show_dry_run, config, exact=True)


@app.command(epilog="Example: harness demo --dir /tmp/try-harness")
def demo(
    dir: Annotated[Path | None, typer.Option("--dir", help="Where; default: a new temporary folder.")] = None,
) -> int:
    """Watch a run of ten seconds. A small repository, three specs, and a script as the agent: no key, no network."""
    from harness.rehearsal.demo import find_command, make_demo, tell_where_to_look

    folder = make_demo(dir, os.environ)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HARNESS_")}
    code = _run(load_config(folder, {}, environ), ())
    if code == 0:
        say("\n".join(tell_where_to_look(folder, find_command(sys.argv[0], os.environ))))
    return code


@app.command(epilog="Examples: harness chaos · harness chaos --cheats · harness chaos --json")
@with_flags("agent", "json")
def chaos(
    cheats: Annotated[
        bool, typer.Option("--cheats", help="Play agents that make checks green without the work, for minutes.")
    ] = False,
    *,
    flags: dict[str, Any],
) -> int:
    """Test your limits against an agent that misbehaves. Plays fourteen faults; exit 1 if harness broke a promise."""
    from harness.rehearsal.chaos import run_chaos, show_chaos

    if flags.pop("agent") not in (None, "scripted"):
        raise UsageError("chaos brings its own agent", "leave `--agent` out: no model is called")
    config = read_config(flags)
    if cheats:
        from harness.rehearsal.cheats import run_cheats, show_cheats

        rows = run_cheats(config.settings, os.environ)
        report = {"ok": not any(row["lie"] and row["verdict"] == "proven" for row in rows), "cases": rows}
        print_report(report, lambda report: show_cheats(report["cases"]), config)
        return 0 if report["ok"] else 1
    rows = run_chaos(config.settings, os.environ)
    report = {"ok": all(row["kept"] for row in rows), "faults": rows}
    print_report(report, lambda report: show_chaos(report["faults"]), config)
    return 0 if report["ok"] else 1


@app.command(epilog="Examples: harness verify · harness verify login · harness verify --fresh")
@with_config(*FILE_SETTINGS, "check_timeout")
def verify(
    slugs: Slugs = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="In a new checkout of the commit that each receipt names.")
    ] = False,
    *,
    config: Config,
) -> int:
    """Run the checks of done features again. Exit 1 if a check fails, or a spec has changed since it was accepted."""
    from harness.cli.verify import verify as verify_features
    from harness.listeners.console import Terminal
    from harness.reports.as_text import show_verify
    from harness.run.open import open_run

    with (
        Terminal(quiet=True) as terminal,
        open_run(config, terminal, environ=os.environ, wanted=tuple(slugs or ()), working=False) as run,
    ):
        report = verify_features(run, fresh=fresh)
        interrupted = run.interrupts.interrupted
    print_report(report, show_verify, config)
    return 130 if interrupted else 1 if report["drifted"] else 0


# --- writing specs ------------------------------------------------------------------------------------------------


@app.command(epilog="Example: cd your-repository && harness init")
@with_flags("specs_dir", "logs_dir")
def init(*, flags: dict[str, Any]) -> None:
    """Set up this folder. Writes harness.yaml, an example spec and lines in .gitignore, where they are missing."""
    from harness.cli.scaffold import init_project
    from harness.cli.trust import trust_own_files

    config = load_config(Path.cwd(), flags, os.environ, root=Path.cwd())
    refuse_foreign(config)
    is_new = config.file is None and not files.exists(config.paths.specs)
    say("\n".join(init_project(config) or ["everything is there already"]))
    if is_new:
        trust_own_files(config)
    say("next: `harness new SLUG` writes a spec, `harness lint` reviews it, `harness dry-run` shows the prompt")


@app.command(epilog="Example: harness new password-reset")
@with_config_to_decide("specs_dir", "spec_file")
def new(
    slug: Slug,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="With cases beside it that its agent never sees.")
    ] = False,
    *,
    config: Config,
) -> None:
    """Write the skeleton of a spec for you to fill in."""
    from harness.cli.scaffold import new_spec

    wrote = " and ".join(map(config.paths.shown, new_spec(config, slug, held_out=held_out)))
    say(f"wrote {wrote}: fill {'them' if held_out else 'it'} in, then `harness lint`")


@app.command(epilog="Example: harness lint --json")
@with_config_to_read(*FILE_SETTINGS)
def lint(*, config: Config) -> int:
    """Review the specs. Finds broken front matter, vague criteria and checks that show nothing; exit 1 on an error."""
    from harness.reports.as_text import show_findings
    from harness.reports.status import report_lint

    report = report_lint(config)
    print_report(report, show_findings, config)
    return 1 if any(one["level"] == "error" for one in report["findings"]) else 0


# --- looking ------------------------------------------------------------------------------------------------------


@app.command(epilog="Example: harness status --json")
@with_config_to_read(*FILE_SETTINGS)
def status(*, config: Config) -> None:
    """Show the state of every feature, of the run and of HALT."""
    from harness.cli.status import report_project
    from harness.reports.as_text import show_status
    from harness.reports.view import read_view

    print_report(report_project(read_view(config)), show_status, config)


@app.command(epilog="Examples: harness why · harness why login")
@with_config_to_read(*FILE_SETTINGS)
def why(slug: MaybeSlug = None, *, config: Config) -> None:
    """Explain why a feature waits, or why the last run stopped. With SLUG, lists every decision about that feature."""
    from harness.reports.as_text import show_why
    from harness.reports.status import report_why
    from harness.reports.view import read_view

    print_report(report_why(read_view(config), slug), show_why, config)


@app.command(epilog="Examples: harness attempts · harness attempts login --json")
@with_config_to_read(*FILE_SETTINGS)
def attempts(slug: MaybeSlug = None, *, config: Config) -> None:
    """List the attempts: when, by whom, for how much, what each changed and what came of it."""
    from harness.cli.attempts import list_attempts
    from harness.reports.attempts import show_attempts

    print_report(list_attempts(config, slug), show_attempts, config)


@app.command(epilog="Examples: harness diff login · harness diff login 2 --stat")
@with_config_to_read("specs_dir", "spec_file", "logs_dir")
def diff(
    slug: Slug,
    number: Number = None,
    *,
    stat: Annotated[bool, typer.Option("--stat", help="Only how much changed in each file.")] = False,
    config: Config,
) -> None:
    """Show what an attempt changed, as `git diff` does; without N the last one. Also of one that came to nothing."""
    from harness.cli.attempts import read_difference

    if difference := read_difference(config, slug, number, stat=stat):
        say_bytes(difference)
    else:
        print("it changed no file", file=sys.stderr)


@app.command(epilog="Examples: harness show login · harness show login 2")
@with_config_to_read(*FILE_SETTINGS)
def show(slug: Slug, number: Number = None, *, config: Config) -> None:
    """Show in words what an agent said and ran in an attempt, and what came of it; without N in the last one."""
    from harness.cli.attempts import read_show
    from harness.reports.attempts import show_attempt

    print_report(read_show(config, slug, number), show_attempt, config)


@app.command(epilog="Examples: harness cost · harness cost login · harness cost --by day --json")
@with_config_to_read("monthly_budget", *FILE_SETTINGS)
def cost(
    slugs: CostSlugs = None,
    *,
    by: Annotated[GroupBy, typer.Option("--by", help="What each row stands for.")] = GroupBy.FEATURE,
    config: Config,
) -> None:
    """Show what was spent. Dollars and tokens, where each figure comes from, and what a proven feature cost."""
    from harness.reports.as_text import show_cost
    from harness.reports.cost import report_cost
    from harness.reports.view import read_view

    print_report(report_cost(read_view(config), tuple(slugs or ()), by), show_cost, config)


@app.command(epilog="Example: harness log login -f")
@with_config_to_read("specs_dir", "spec_file", "logs_dir")
def log(
    slug: Slug,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing as it grows, like `tail -f`.")] = False,
    config: Config,
) -> None:
    """Print the notes that the agent left about a feature."""
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
    """Show every setting, its value and where the value comes from."""
    from harness.agents.table import explain
    from harness.reports.as_text import show_config
    from harness.reports.status import report_config
    from harness.settings.schema import compose_schema

    if schema:
        say(jsonlib.dumps(compose_schema(explain), indent=1))
        return
    loaded = read_and_tell(flags)
    print_report(report_config(loaded), show_config, loaded)


@app.command(epilog="Example: harness doctor --agent claude")
@with_config("agent", *FILE_SETTINGS)
def doctor(*, config: Config) -> int:
    """Check whether a run can start. Gives a hint for each thing that would stop it, and then exits with 2."""
    from harness.cli.doctor import examine, report_doctor
    from harness.reports.as_text import show_doctor

    report = report_doctor(examine(config, os.environ))
    print_report(report, show_doctor, config)
    return 0 if report["ok"] else 2


class ServiceAction(StrEnum):
    """What to do with the service file."""

    INSTALL = "install"
    UNINSTALL = "uninstall"
    SHOW = "show"


@app.command(epilog="Examples: harness service show · harness service install")
@with_config_to_read()
def service(
    action: Annotated[ServiceAction, typer.Argument(help="`show` prints what `install` would write.")],
    *,
    name: Annotated[str, typer.Option("--name", help="Its name; default: the project folder's name.")] = "",
    config: Config,
) -> None:
    """Continue runs after a reboot or a crash. Writes a systemd user unit or a launchd agent, and starts nothing."""
    from harness.cli.service import choose_service, install_service, show_service, uninstall_service
    from harness.cli.trust import act_on

    if action is ServiceAction.INSTALL:
        if not files.is_dir(config.paths.specs):
            raise UsageError("there are no specs here, so a service would have nothing to do", "cd to your project")
        act_on(config, lambda config: None, trusted=False)  # nobody can be asked when it starts
    chosen = choose_service(config.paths.root, name, os.environ)
    act = {"install": install_service, "uninstall": uninstall_service, "show": show_service}[action]
    say("\n".join(act(chosen)))


@app.command(epilog="Examples: harness trust --show · harness trust · harness trust --forget")
@with_config_to_read("sandbox", *FILE_SETTINGS)
def trust(
    *,
    show: Annotated[bool, typer.Option("--show", help="Only show it; exit 1 if something is not trusted yet.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Trust this project with nothing any more.")] = False,
    config: Config,
) -> int:
    """Trust this project with what it asks for outside the sandbox. The same things are never asked about again."""
    from harness.cli.trust import forget_project, report_trust, show_trust, trust_project

    if show and forget:
        raise UsageError("`--show` and `--forget` are two commands", "give one of them")
    report = (forget_project if forget else report_trust if show else trust_project)(config)
    print_report(report, show_trust, config)
    return 1 if show and not report["trusted"] else 0


# --- deciding, as a person ----------------------------------------------------------------------------------------


@app.command(epilog='Example: harness answer login "use the staging OAuth client"')
@with_config_to_decide("specs_dir", "spec_file", "logs_dir")
def answer(
    slug: Slug, text: Annotated[str, typer.Argument(help="What the agent needs to know.")], *, config: Config
) -> None:
    """Answer a blocked feature's question. The answer goes into its next prompt."""
    from harness.cli.interventions import answer_question

    say(answer_question(config, slug, text))


@app.command(epilog="Example: harness allow login tests/test_login.py")
@with_config_to_decide("specs_dir", "spec_file", "logs_dir")
def allow(
    slug: Slug,
    names: Annotated[list[str], typer.Argument(help="Files that harness asked about.", metavar="FILE...")],
    *,
    config: Config,
) -> None:
    """Let files that judge a feature stand as its work made them. Its claim is checked again, without an agent."""
    from harness.cli.interventions import allow_files

    say(allow_files(config, slug, names))


@app.command(epilog="Example: harness land login")
@with_config(*FILE_SETTINGS, "check_timeout")
def land(slug: Slug, *, config: Config) -> int:
    """Land proven work that waits, for it touches `park` files. Its checks run on the last commit; no agent starts."""
    from harness.cli.interventions import let_land
    from harness.records.run_lock import find_holder

    said = let_land(config, slug)
    if find_holder(config.paths.lock, config.paths.root):
        say(said)
        return 0
    return _run(config, (slug,), only_lands=True)


@app.command(epilog='Example: harness accept login "checked by hand on staging"')
@with_config_to_decide("specs_dir", "spec_file", "logs_dir")
def accept(
    slug: Slug, why: Annotated[str, typer.Argument(help="Your reason, for the receipt.")], *, config: Config
) -> None:
    """Mark a feature as done yourself, without running its checks."""
    from harness.cli.interventions import accept_feature

    say(accept_feature(config, slug, why))


@app.command(epilog="Example: harness reset login")
@with_config_to_decide("specs_dir", "spec_file", "logs_dir")
def reset(slug: Slug, *, config: Config) -> None:
    """Start a feature over. Moves its marker and question away and sets its counters to 0; log and commits stay."""
    from harness.cli.interventions import reset_feature

    say(reset_feature(config, slug))


@app.command(epilog="Examples: harness undo login --dry-run · harness undo login")
@with_config_to_decide("specs_dir", "spec_file", "logs_dir")
def undo(
    slug: Slug,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")] = False,
    config: Config,
) -> None:
    """Take a feature back. One new commit reverts all of its commits, and the feature is worked on again."""
    from harness.cli.undo import undo_feature

    say("\n".join(undo_feature(config, slug, rehearse=dry_run)))


@app.command(epilog="Example: harness restore login 2")
@with_config_to_decide("specs_dir", "spec_file", "logs_dir")
def restore(
    slug: Slug,
    number: Annotated[int, typer.Argument(metavar="N", help="The attempt, as `harness attempts` numbers it.")],
    *,
    config: Config,
) -> None:
    """Bring what an attempt left back into the working tree. Refuses where anything that is not saved would be lost."""
    from harness.cli.attempts import restore_attempt

    say("\n".join(restore_attempt(config, slug, number)))


@app.command(epilog="Examples: harness clean --dry-run · harness clean --older-than 7d")
@with_config_to_decide("specs_dir", "spec_file", "logs_dir")
def clean(
    *,
    older_than: Annotated[str, typer.Option("--older-than", help="Only attempts that began so long ago.")] = "30d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be forgotten.")] = False,
    config: Config,
) -> None:
    """Forget what is kept of old attempts on done features: their refs, and what agents and checks printed."""
    from harness.cli.clean import clean as clean_attempts
    from harness.cli.clean import show_clean
    from harness.domain.units import parse_duration

    try:
        age = parse_duration(older_than)
    except ValueError as error:
        raise UsageError(str(error), "e.g. `--older-than 30d`") from error
    say("\n".join(show_clean(clean_attempts(config, age, rehearse=dry_run))))


@app.command(epilog="Example: git mv specs/login specs/sign-in && harness rename login sign-in")
@with_config_to_decide("specs_dir", "spec_file", "logs_dir")
def rename(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The name that its receipt has.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The name that its folder in specs/ has now.")],
    *,
    config: Config,
) -> None:
    """Keep the receipt of a feature that you renamed. Its spec must be as it was when it was accepted."""
    from harness.cli.interventions import rename_feature

    say(rename_feature(config, old, new))


@app.command(epilog="Examples: harness halt · harness halt --now")
@with_config_to_decide("logs_dir")
def halt(
    *,
    now: Annotated[bool, typer.Option("--now", help="End the current attempt too, at once.")] = False,
    config: Config,
) -> None:
    """Pause the run after the current attempt, like `touch HALT`. With --now, end that attempt too, at once."""
    from harness.cli.interventions import set_halt

    say(set_halt(config, now=now))


@app.command(epilog="Example: harness resume && harness run")
@with_config_to_decide("logs_dir")
def resume(*, config: Config) -> None:
    """Remove the HALT file, so that `harness run` can continue."""
    from harness.cli.interventions import remove_halt_files

    say(remove_halt_files(config))
