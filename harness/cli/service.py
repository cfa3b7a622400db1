"""A service of the system that goes on with a run after a reboot or a crash: systemd's user unit, launchd's agent."""

from __future__ import annotations

import plistlib
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.domain.errors import StorageError, UsageError
from harness.system import files

MARK = "written by `harness service install`"
ENDED = (1, 2, 3, 4, 5, 6, 7)  # ends that only a person changes: never started again by themselves
ASKED = 130  # a stop that was asked for

# launchd knows no list of exit codes: a shell tells it which ends are worth another start.
_LAUNCHD_SHELL = '"$@"; code=$?; [ $code -eq 70 ] || { [ $code -gt 128 ] && [ $code -ne 130 ]; }; exit $((! $?))'


@dataclass(frozen=True, slots=True)
class Service:
    """A service file: where it goes, what stands in it, and how it is used from there on."""

    file: Path
    text: str
    project: Path
    enable: tuple[str, ...]
    disable: tuple[str, ...]


def choose_service(root: Path, name: str, environ: Mapping[str, str], *, platform: str = sys.platform) -> Service:
    """Return the service for the project at `root`. Raises UsageError for a name or a path that cannot be used."""
    name = name or re.sub(r"[^A-Za-z0-9_.-]+", "-", root.name).strip("-.") or "project"
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", name):
        raise UsageError(f"`{name}` cannot be the name of a service", "use letters, digits, `.`, `_` and `-`")
    home = Path(environ.get("HOME") or Path.home())
    variables = {"PATH": environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")}
    if environ.get("XDG_STATE_HOME", "").startswith("/"):
        variables["XDG_STATE_HOME"] = environ["XDG_STATE_HOME"]  # where it is kept that this project is trusted
    for text in (str(root), sys.executable, *variables.values()):
        if not text.isprintable():
            raise UsageError(f"a service cannot hold the path {text!r}", "rename the folder")
    if platform == "darwin":
        return _launchd(root, name, home, variables)
    configured = environ.get("XDG_CONFIG_HOME", "")
    config = Path(configured) if configured.startswith("/") else home / ".config"
    return _systemd(root, name, config, variables)


# --- what to do with it -------------------------------------------------------------------------------------------


def show_service(service: Service) -> list[str]:
    """Return what would be written, and where."""
    return [f"# {service.file}", *service.text.splitlines()]


def install_service(service: Service) -> list[str]:
    """Write the file and return what a person does next; nothing is started. Raises UsageError where it is taken."""
    there = _read(service)
    if there and not _is_ours(service, there):
        raise UsageError(
            f"`{service.file}` exists already, and is not of this project", "choose another name with `--name`"
        )
    files.write_atomic(service.file, service.text)
    again = "is unchanged" if there == service.text else "is replaced" if there else "is written"
    return [f"{service.file} {again}; nothing was started", "", *service.text.splitlines(), "", *service.enable]


def uninstall_service(service: Service) -> list[str]:
    """Remove the file and return what a person does next. Raises UsageError where it is not ours to remove."""
    there = _read(service)
    if not there:
        raise UsageError(f"there is no `{service.file}`", "`harness service show` prints what install would write")
    if not _is_ours(service, there):
        raise UsageError(f"`{service.file}` is not of this project", "remove it by hand, or name yours with `--name`")
    files.remove(service.file)
    return [f"{service.file} is removed; nothing was stopped", *service.disable]


def _read(service: Service) -> str:
    try:
        return files.read_text(service.file, 1 << 16)
    except StorageError as error:
        raise UsageError(error.message, error.hint) from error


def _is_ours(service: Service, text: str) -> bool:
    """Whether harness wrote it, for this project."""
    return MARK in text and all(line in text for line in service.text.splitlines() if "WorkingDirectory=" in line) and (
        service.file.suffix != ".plist" or _folder_in(text) == str(service.project)
    )  # fmt: skip


def _folder_in(text: str) -> str:
    try:
        return str(plistlib.loads(text.encode()).get("WorkingDirectory"))
    except (ValueError, AttributeError, plistlib.InvalidFileException):
        return ""


# --- systemd ------------------------------------------------------------------------------------------------------


def _systemd(root: Path, name: str, config: Path, variables: Mapping[str, str]) -> Service:
    if set(sys.executable) & set("\"'\\"):
        raise UsageError(f"systemd starts no program at `{sys.executable}`", "rename what holds a quote or a backslash")
    unit = f"harness-{name}.service"
    environment = "\n".join(f"Environment={_quote(f'{name}={value}')}" for name, value in variables.items())
    text = f"""\
# {MARK}; `harness service uninstall` removes it
[Unit]
Description=harness in {_percent(str(root))}
StartLimitIntervalSec=1h
StartLimitBurst=5

[Service]
Type=exec
WorkingDirectory={_percent(str(root))}
ExecStart={_quote(sys.executable)} -P -m harness run
{environment}
EnvironmentFile=-{_percent(str(config / "harness" / "environment"))}
# restart after a kill or a crash, but not after an end that needs a person
Restart=on-failure
RestartSec=30s
RestartPreventExitStatus={" ".join(map(str, ENDED))}
SuccessExitStatus={ASKED}
# harness ends its agents itself; one that runs out of memory must not end the run
KillMode=mixed
TimeoutStopSec=30s
OOMPolicy=continue

[Install]
WantedBy=default.target
"""
    keys = config / "harness" / "environment"
    return Service(
        file=config / "systemd" / "user" / unit,
        text=text,
        project=root,
        enable=(
            "systemctl --user daemon-reload",
            f"systemctl --user enable {unit}          # from the next login on; with --now also at once",
            "loginctl enable-linger                   # at boot, without a login",
            f"journalctl --user -u {unit} -f         # what it says",
            "",
            f"It uses your PATH as it is now. Put keys into {keys} (NAME=value lines, chmod 600).",
        ),
        disable=(f"systemctl --user disable --now {unit}; systemctl --user daemon-reload",),
    )


def _percent(text: str) -> str:
    """Return the text so that systemd expands no `%` in it."""
    return text.replace("%", "%%")


def _quote(text: str) -> str:
    """Return one word of a command line or an assignment as systemd reads it."""
    return '"' + _percent(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


# --- launchd ------------------------------------------------------------------------------------------------------


def _launchd(root: Path, name: str, home: Path, variables: Mapping[str, str]) -> Service:
    label = f"harness.{name}"
    log = home / "Library" / "Logs" / f"harness-{name}.log"
    plist: dict[str, Any] = {
        "Label": label,
        "ProgramArguments": ["/bin/sh", "-c", _LAUNCHD_SHELL, "sh", sys.executable, "-P", "-m", "harness", "run"],
        "WorkingDirectory": str(root),
        "EnvironmentVariables": dict(variables),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 30,
        "ProcessType": "Interactive",
        "StandardOutPath": str(log),
        "StandardErrorPath": str(log),
    }
    head, declared, body = plistlib.dumps(plist, sort_keys=False).decode().partition("<plist")
    file = home / "Library" / "LaunchAgents" / f"{label}.plist"
    return Service(
        file=file,
        text=f"{head}<!-- {MARK}; `harness service uninstall` removes it -->\n{declared}{body}",
        project=root,
        enable=(
            f"launchctl bootstrap gui/$(id -u) {shlex.quote(str(file))}   # now, and from the next login on",
            f"tail -f {shlex.quote(str(log))}   # what it says",
        ),
        disable=(f"launchctl bootout gui/$(id -u)/{label}",),
    )
