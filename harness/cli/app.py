"""The commands: arguments in, exit code out. The only home of typer; every command is a few verbs."""

from __future__ import annotations

import inspect
import json as jsonlib
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from harness import __version__
from harness.domain.errors import OUT_OF_ORDER, HarnessError, UsageError
from harness.domain.look import By
from harness.settings.options import OPTIONS, Config, load_config

app = typer.Typer(
    name="harness",
    help="Leave a coding agent alone with your repository for a night, and wake up to features that are proven.\n\n"
    "Start with `harness demo`, then `harness init` in your own repository.",
    epilog="Exit codes: 0 all done, 1 limit reached, 2 cannot start, 3 HALT, 4 a question, 5 stuck, 6 service, "
    "7 budget, 70 a bug, 130 interrupted.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Slugs = Annotated[list[str] | None, typer.Argument(metavar="[SLUG]...", help="Only these, and what they depend on.")]
Slug = Annotated[str, typer.Argument(metavar="SLUG", help="The feature's name: its folder in specs/.")]
CostSlugs = Annotated[list[str] | None, typer.Argument(metavar="[SLUG]...", help="Only these.")]
MaybeSlug = Annotated[str | None, typer.Argument(metavar="[SLUG]", help="Only this feature.")]

_RUN = (
    "agent", "model", "timeout", "idle_timeout", "max_iterations", "max_time", "stuck_limit", "stuck_bytes", "pause",
    "max_cost", "max_cost_per_feature", "max_cost_per_attempt", "monthly_budget",
    "keep_going", "fault_backoff", "outage_limit", "fault_limit", "on_limit", "max_attempts", "check_timeout", "commit",
    "sandbox", "script", "order_file", "specs_dir", "spec_file", "logs_dir", "json", "quiet", "verbose",
)  # fmt: skip
_FILES = ("order_file", "specs_dir", "spec_file", "logs_dir", "json")
_SHORT = {"keep_going": "-k", "quiet": "-q", "verbose": "-v"}
_SWITCHES = ("keep_going", "json", "quiet", "verbose")


def with_settings(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command one flag per setting, from the table in `config`; it gets those given as `flags`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(**given: Any) -> Any:  # noqa: ANN401
            flags = {name: given.pop(name) for name in names}
            return command(**given, flags=flags)

        own = inspect.signature(command, eval_str=True)
        kept = [parameter for parameter in own.parameters.values() if parameter.name != "flags"]
        wrapped.__signature__ = inspect.Signature([*kept, *map(_flag, names)])  # type: ignore[attr-defined]
        wrapped.__annotations__ = {one.name: one.annotation for one in (*kept, *map(_flag, names))}
        wrapped.__doc__, wrapped.__name__ = command.__doc__, command.__name__
        return wrapped

    return decorate


def _flag(name: str) -> inspect.Parameter:
    kind: Any = bool | None if name in _SWITCHES else str | None
    long = "--" + name.replace("_", "-")
    if name in _SWITCHES:
        long += "/--no-" + name.replace("_", "-")
    flags = [long, *([_SHORT[name]] if name in _SHORT else [])]
    option = typer.Option(*flags, help=OPTIONS[name].help, show_default=False)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option])


def _config(flags: dict[str, Any] | None = None) -> Config:
    return load_config(Path.cwd(), flags or {}, os.environ)


def _print(report: dict[str, Any], lines: Callable[[dict[str, Any]], list[str]], config: Config) -> None:
    """Print a report: one JSON document with --json, else lines for people."""
    from harness.system.secrets import read_redactor

    text = jsonlib.dumps(report, indent=1, default=str) if config.settings.json else "\n".join(lines(report))
    _say(read_redactor(config.paths.root, os.environ).text(text))


def _say(text: str, end: str = "\n") -> None:
    """Write to stdout; a reader that went away (`| head -1`) changes nothing, also not the exit code."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at exit


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Hold what stands before every command."""
    if version:
        _say(f"harness {__version__}")
        raise typer.Exit


# --- running ------------------------------------------------------------------------------------------------------


@app.command(epilog="Examples: harness run · harness run login pay --keep-going · harness run --max-time 8h")
@with_settings(*_RUN)
def run(slugs: Slugs = None, *, flags: dict[str, Any]) -> int:
    """Drive the agent through the specs until every feature is done and proven, or a person is needed."""
    return _run(_config(flags), tuple(slugs or ()))


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
        _say(run.redactor.text(jsonlib.dumps(result, indent=1, default=str)))
    return stop.halt.code


@app.command("dry-run", epilog="Examples: harness dry-run · harness dry-run login --json · harness dry-run --all")
@with_settings(*_RUN)
def dry_run(
    slug: MaybeSlug = None,
    *,
    all: Annotated[bool, typer.Option("--all", help="The prompt of every feature that is ready.")] = False,
    checks: Annotated[bool, typer.Option(help="Run the checks to see whether one is green already.")] = True,
    flags: dict[str, Any],
) -> None:
    """Show the queue and the exact prompt that would be sent; starts no agent, writes nothing."""
    from harness.cli.dry_run import report_dry_run
    from harness.reports.as_text import show_dry_run
    from harness.reports.view import read_view

    config = _config(flags)
    view = read_view(config, (slug,) if slug else ())
    if slug:
        view.feature(slug)
    _print(report_dry_run(view, os.environ, every=all, with_checks=checks), show_dry_run, config)


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
        _say("\n".join(tell_where_to_look(folder)))
    return code


@app.command(epilog="Examples: harness chaos · harness chaos --json")
@with_settings("agent", "json")
def chaos(*, flags: dict[str, Any]) -> int:
    """See your settings hold before the night: an agent that misbehaves in every way; exit 1 if a promise broke."""
    from harness.rehearsal.chaos import run_chaos, show_chaos

    if flags.pop("agent") not in (None, "scripted"):
        raise UsageError("chaos plays the agent itself", "leave `--agent` out: no model is called")
    config = _config(flags)
    rows = run_chaos(config.settings, os.environ)
    report = {"ok": all(row["kept"] for row in rows), "faults": rows}
    _print(report, lambda report: show_chaos(report["faults"]), config)
    return 0 if report["ok"] else 1


@app.command(epilog="Examples: harness verify · harness verify login")
@with_settings(*_FILES, "check_timeout")
def verify(slugs: Slugs = None, *, flags: dict[str, Any]) -> int:
    """Run the checks of accepted features again; exit 1 when one drifted."""
    from harness.cli.verify import verify as verify_features
    from harness.listeners.console import Terminal
    from harness.reports.as_text import show_verify
    from harness.run.open import open_run

    config = _config(flags)
    with (
        Terminal(quiet=True) as terminal,
        open_run(config, terminal, environ=os.environ, wanted=tuple(slugs or ()), working=False) as run,
    ):
        report = verify_features(run)
        interrupted = run.control.interrupted
    _print(report, show_verify, config)
    return 130 if interrupted else 1 if report["drifted"] else 0


# --- writing specs ------------------------------------------------------------------------------------------------


@app.command(epilog="Example: cd your-repository && harness init")
@with_settings("specs_dir", "logs_dir")
def init(*, flags: dict[str, Any]) -> None:
    """Set this folder up: harness.yaml, an example spec, lines in .gitignore. Doing it twice changes nothing."""
    from harness.cli.scaffold import init_project

    config = load_config(Path.cwd(), flags, os.environ, root=Path.cwd())
    _say("\n".join(init_project(config) or ["everything is there already"]))
    _say("next: `harness new SLUG` writes a spec, `harness lint` looks it over, `harness dry-run` shows the prompt")


@app.command(epilog="Example: harness new password-reset")
@with_settings("specs_dir", "spec_file")
def new(slug: Slug, *, flags: dict[str, Any]) -> None:
    """Write the skeleton of a spec."""
    from harness.cli.scaffold import new_spec

    config = _config(flags)
    _say(f"wrote {config.paths.shown(new_spec(config, slug))}: fill it in, then `harness lint`")


@app.command(epilog="Example: harness lint --json")
@with_settings(*_FILES)
def lint(*, flags: dict[str, Any]) -> int:
    """Look the specs over: front matter, dependencies, acceptance criteria that a check could falsify."""
    from harness.reports.as_text import show_findings
    from harness.reports.status import report_lint

    config = _config(flags)
    report = report_lint(config)
    _print(report, show_findings, config)
    return 1 if any(one["level"] == "error" for one in report["findings"]) else 0


# --- looking ------------------------------------------------------------------------------------------------------


@app.command(epilog="Example: harness status --json")
@with_settings(*_FILES)
def status(*, flags: dict[str, Any]) -> None:
    """Show where every feature stands."""
    from harness.reports.as_text import show_status
    from harness.reports.status import report_status
    from harness.reports.view import read_view

    config = _config(flags)
    _print(report_status(read_view(config)), show_status, config)


@app.command(epilog="Examples: harness why · harness why login")
@with_settings(*_FILES)
def why(slug: MaybeSlug = None, *, flags: dict[str, Any]) -> None:
    """Tell from the files alone why anything waits, stopped or was skipped."""
    from harness.reports.as_text import show_why
    from harness.reports.status import report_why
    from harness.reports.view import read_view

    config = _config(flags)
    _print(report_why(read_view(config), slug), show_why, config)


@app.command(epilog="Examples: harness cost · harness cost login · harness cost --by day --json")
@with_settings("monthly_budget", *_FILES)
def cost(
    slugs: CostSlugs = None,
    *,
    by: Annotated[By, typer.Option("--by", help="What a row is about.")] = By.FEATURE,
    flags: dict[str, Any],
) -> None:
    """Show what was spent, for which tokens, how one knows, and what a proven feature cost."""
    from harness.reports.as_text import show_cost
    from harness.reports.cost import report_cost
    from harness.reports.view import read_view

    config = _config(flags)
    _print(report_cost(read_view(config), tuple(slugs or ()), by), show_cost, config)


@app.command(epilog="Example: harness log login -f")
@with_settings("specs_dir", "spec_file", "logs_dir")
def log(
    slug: Slug,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows; Ctrl-C ends it.")] = False,
    flags: dict[str, Any],
) -> None:
    """Print the progress notes of a feature."""
    from harness.domain.text import plain
    from harness.reports.view import read_view

    config = _config(flags)
    read_view(config).feature(slug)
    if not follow and not config.paths.log(slug).exists():
        print(f"no notes about `{slug}` yet", file=sys.stderr)
    for text in _follow(config.paths.log(slug), follow=follow):
        _say(plain(text), end="")


def _follow(path: Path, *, follow: bool) -> Any:  # noqa: ANN401
    """Yield the file's text, and with `follow` what is added to it."""
    from harness.system import files

    offset = 0
    while True:
        while chunk := files.read_span(path, offset, 1 << 20):
            offset += len(chunk)
            yield chunk.decode("utf-8", "replace")
        if not follow:
            return
        time.sleep(0.2)


@app.command(epilog="Examples: harness config · harness config --timeout 1h --json")
@with_settings(*_RUN)
def config(*, flags: dict[str, Any]) -> None:
    """Show every setting, its value and where it came from."""
    from harness.reports.as_text import show_config
    from harness.reports.status import report_config

    loaded = _config(flags)
    _print(report_config(loaded), show_config, loaded)


@app.command(epilog="Example: harness doctor --agent claude")
@with_settings("agent", *_FILES)
def doctor(*, flags: dict[str, Any]) -> int:
    """See whether a night can begin; exit 2 and one hint for each thing that would stop it."""
    from harness.cli.doctor import examine, report_doctor
    from harness.reports.as_text import show_doctor

    config = _config(flags)
    report = report_doctor(examine(config, os.environ))
    _print(report, show_doctor, config)
    return 0 if report["ok"] else 2


class ServiceAction(StrEnum):
    """What to do with the service."""

    INSTALL = "install"
    UNINSTALL = "uninstall"
    SHOW = "show"


@app.command(epilog="Examples: harness service show · harness service install")
@with_settings()
def service(
    action: Annotated[ServiceAction, typer.Argument(help="show only prints what install would write.")],
    *,
    name: Annotated[str, typer.Option("--name", help="Its name; default: that of the project's folder.")] = "",
    flags: dict[str, Any],
) -> None:
    """Let the system go on with a run after a reboot or a crash: a systemd user unit, or a launchd agent."""
    from harness.cli.service import choose_service, install_service, show_service, uninstall_service

    config = _config(flags)
    if action is ServiceAction.INSTALL and not config.paths.specs.is_dir():
        raise UsageError("there are no specs here, so a service would have nothing to do", "go to your project first")
    chosen = choose_service(config.paths.root, name, os.environ)
    act = {"install": install_service, "uninstall": uninstall_service, "show": show_service}[action]
    _say("\n".join(act(chosen)))


# --- deciding, as a person ----------------------------------------------------------------------------------------


@app.command(epilog='Example: harness answer login "use the staging OAuth client"')
@with_settings("specs_dir", "spec_file", "logs_dir")
def answer(
    slug: Slug, text: Annotated[str, typer.Argument(help="What the agent needs to know.")], *, flags: dict[str, Any]
) -> None:
    """Answer a blocked feature's question; it is taken up again, and the next prompt carries the answer."""
    from harness.cli.interventions import answer_question

    _say(answer_question(_config(flags), slug, text))


@app.command(epilog='Example: harness accept login "checked by hand on staging"')
@with_settings("specs_dir", "spec_file", "logs_dir")
def accept(
    slug: Slug, why: Annotated[str, typer.Argument(help="Why it counts as done.")], *, flags: dict[str, Any]
) -> None:
    """Declare a feature done yourself, without a check."""
    from harness.cli.interventions import accept_feature

    _say(accept_feature(_config(flags), slug, why))


@app.command(epilog="Example: harness reset login")
@with_settings("specs_dir", "spec_file", "logs_dir")
def reset(slug: Slug, *, flags: dict[str, Any]) -> None:
    """Begin a feature anew: its marker and question go aside, its counters start at 0; log and attempts stay."""
    from harness.cli.interventions import reset_feature

    _say(reset_feature(_config(flags), slug))


@app.command(epilog="Examples: harness halt · harness halt --now")
@with_settings("logs_dir")
def halt(
    *,
    now: Annotated[bool, typer.Option("--now", help="End the attempt in flight at once.")] = False,
    flags: dict[str, Any],
) -> None:
    """Pause the run: the same as `touch HALT`, or with --now as `echo now > HALT`."""
    from harness.cli.interventions import set_halt

    _say(set_halt(_config(flags), now=now))


@app.command(epilog="Example: harness resume && harness run")
@with_settings("logs_dir")
def resume(*, flags: dict[str, Any]) -> None:
    """Remove HALT, so that the next `harness run` goes on."""
    from harness.cli.interventions import remove_halt_files

    _say(remove_halt_files(_config(flags)))


# --- the one funnel -----------------------------------------------------------------------------------------------


def start(argv: Sequence[str]) -> int:
    """Run one command and return its exit code: the one place that turns errors into text and a number."""
    try:
        code = app(args=list(argv), standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except HarnessError as error:
        return _tell_error(argv, error.message, error.hint, error.exit_code)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at exit
        return 0
    except OSError as error:
        if error.errno not in OUT_OF_ORDER:
            return _tell_error(argv, *_report_bug(argv), 70)
        where = f"`{error.filename}`: " if error.filename else ""
        return _tell_error(argv, f"{where}{_lower(os.strerror(error.errno or 0))}", "mend that, then start again", 2)
    except Exception as error:
        if (usage := getattr(error, "format_message", None)) is not None:
            if type(error).__name__ == "NoArgsIsHelpError":
                _say(usage())
                return 2
            context = getattr(error, "ctx", None)
            command = getattr(context, "info_name", None) if getattr(context, "parent", None) else None
            hint = f"`harness {command} -h` shows how" if command else "`harness -h` lists the commands"
            return _tell_error(argv, _lower(usage()), hint, 2)
        if isinstance(error, typer.Abort):
            return 130
        return _tell_error(argv, *_report_bug(argv), 70)


def _lower(sentence: str) -> str:
    sentence = " ".join(sentence.split()).rstrip(".")
    return sentence[:1].lower() + sentence[1:].replace("'", "`")


def _tell_error(argv: Sequence[str], message: str, hint: str, code: int) -> int:
    """Tell an error on stderr, and with --json as the one document on stdout."""
    message, hint = _redact(message), _redact(hint)
    if _wants_json(argv):
        print(jsonlib.dumps({"error": message, "hint": hint, "code": code}))
    try:
        print(f"error: {message}" + (f"\nhint: {hint}" if hint else ""), file=sys.stderr)
    except OSError:
        pass
    return code


def _redact(text: str) -> str:
    from harness.system.secrets import read_redactor

    try:
        return read_redactor(Path.cwd(), os.environ).text(text)
    except Exception:  # an error that is told plainly is better than one that is lost
        return text


def _wants_json(argv: Sequence[str]) -> bool:
    if "--json" in argv:
        return True
    try:
        return _config().settings.json
    except HarnessError:
        return False


def _report_bug(argv: Sequence[str]) -> tuple[str, str]:
    """Write a paste-ready report and return the sentence and the hint that point to it."""
    text = _redact(
        f"harness {__version__}, Python {sys.version.split()[0]}, {sys.platform}\n"
        f"command: harness {' '.join(argv)}\n\n{traceback.format_exc()}"
    )
    name = f"bug-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    for folder in (Path.cwd() / "logs", Path(tempfile.gettempdir())):  # not into the tree: that would be a change
        try:
            (folder / name).write_text(text, "utf-8")
        except OSError:
            continue
        return f"a bug in harness: {_last_line(text)}", f"please report it with `{folder / name}`"
    sys.stderr.write(text)
    return f"a bug in harness: {_last_line(text)}", "please report it with the text above"


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1]
