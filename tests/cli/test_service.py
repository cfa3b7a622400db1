"""A service goes on with a run after a reboot: the files are right for systemd and launchd, and nothing is started."""

from __future__ import annotations

import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.world import World

from harness.cli.service import choose_service, install_service, show_service, uninstall_service
from harness.domain.errors import UsageError

UNIT = """\
# written by `harness service install`; `harness service uninstall` removes it
[Unit]
Description=harness in /srv/my 100%% app
StartLimitIntervalSec=1h
StartLimitBurst=5

[Service]
Type=exec
WorkingDirectory=/srv/my 100%% app
ExecStart="/opt/a b 5%%/python" -P -m harness run
Environment="PATH=/home/me/bin:/usr/bin:/x%%y z"
EnvironmentFile=-/home/me/.config/harness/environment
# restart after a kill or a crash, but not after an end that needs a person
Restart=on-failure
RestartSec=30s
RestartPreventExitStatus=1 2 3 4 5 6 7
SuccessExitStatus=130
# harness ends its agents itself; one that runs out of memory must not end the run
KillMode=mixed
TimeoutStopSec=30s
OOMPolicy=continue

[Install]
WantedBy=default.target
"""
ENVIRON = {"HOME": "/home/me", "PATH": "/home/me/bin:/usr/bin:/x%y z"}


def test_the_unit_restarts_a_crash_and_nothing_that_needs_a_person(monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/a b 5%/python")
    service = choose_service(Path("/srv/my 100% app"), "", ENVIRON, platform="linux")
    assert str(service.file) == "/home/me/.config/systemd/user/harness-my-100-app.service"
    assert service.text == UNIT
    elsewhere = choose_service(Path("/srv/my 100% app"), "", {**ENVIRON, "XDG_STATE_HOME": "/s t"}, platform="linux")
    path = 'Environment="PATH=/home/me/bin:/usr/bin:/x%%y z"'
    assert elsewhere.text == UNIT.replace(path, f'{path}\nEnvironment="XDG_STATE_HOME=/s t"'), "trust is kept there"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
@pytest.mark.parametrize("name", ["plain", "with space", "100% 'q\" $HOME \\x", "ünïcode"])
def test_systemd_takes_the_unit(tmp_path: Path, monkeypatch, name: str) -> None:
    root = tmp_path / name
    root.mkdir()
    python = tmp_path / "py 5% $HOME thon"
    python.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(python))
    service = choose_service(root, "", {"HOME": str(tmp_path), "PATH": f"{root}:/usr/bin"}, platform="linux")
    install_service(service)
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(service.file)],
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, [line for line in ran.stderr.splitlines() if service.file.name in line]) == (0, [])


def test_the_launchd_agent_runs_in_the_project_at_login(monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/a b/python")
    service = choose_service(
        Path("/Users/me/my <app> & co"), "night", {**ENVIRON, "HOME": "/Users/me"}, platform="darwin"
    )
    assert str(service.file) == "/Users/me/Library/LaunchAgents/harness.night.plist"
    plist = plistlib.loads(service.text.encode())
    shell = plist["ProgramArguments"].pop(2)
    assert plist == {
        "Label": "harness.night",
        "ProgramArguments": ["/bin/sh", "-c", "sh", "/opt/a b/python", "-P", "-m", "harness", "run"],
        "WorkingDirectory": "/Users/me/my <app> & co",
        "EnvironmentVariables": {"PATH": ENVIRON["PATH"]},
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 30,
        "ProcessType": "Interactive",
        "StandardOutPath": "/Users/me/Library/Logs/harness-night.log",
        "StandardErrorPath": "/Users/me/Library/Logs/harness-night.log",
    }
    for code in (0, 1, 2, 3, 4, 5, 6, 7, 130):
        assert subprocess.run(["/bin/sh", "-c", shell, "sh", "/bin/sh", "-c", f"exit {code}"]).returncode == 0, code
    for words in ("exit 70", "kill -9 $$", "kill -SEGV $$"):
        assert subprocess.run(["/bin/sh", "-c", shell, "sh", "/bin/sh", "-c", words], stderr=-3).returncode == 1, words


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_service_is_written_and_removed_and_another_projects_is_left_alone(tmp_path: Path, platform: str) -> None:
    environ = {"HOME": str(tmp_path), "PATH": "/usr/bin"}
    ours = choose_service(tmp_path / "a" / "app", "", environ, platform=platform)
    theirs = choose_service(tmp_path / "b" / "app", "", environ, platform=platform)
    assert not ours.file.exists() and show_service(ours)[0] == f"# {ours.file}" and not ours.file.exists()
    assert install_service(ours)[0] == f"{ours.file} is written; nothing was started"
    assert install_service(ours)[0] == f"{ours.file} is unchanged; nothing was started"
    assert ours.file.read_text() == ours.text
    with pytest.raises(UsageError, match="not of this project"):
        install_service(theirs)
    with pytest.raises(UsageError, match="not of this project"):
        uninstall_service(theirs)
    assert uninstall_service(ours)[0] == f"{ours.file} is removed; nothing was stopped"
    with pytest.raises(UsageError, match="there is no"):
        uninstall_service(ours)


@pytest.mark.parametrize("name", ["../x", "a b", "%i", "-x", "a/b"])
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        choose_service(Path("/srv/app"), name, ENVIRON, platform="linux")


def test_a_python_that_systemd_would_not_start_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", '/opt/a "b"/python')
    with pytest.raises(UsageError, match="starts no program"):
        choose_service(Path("/srv/app"), "", ENVIRON, platform="linux")


def test_a_path_with_a_newline_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot hold the path"):
        choose_service(Path("/srv/app\nExecStart=evil"), "", ENVIRON, platform="linux")


@pytest.mark.skipif(sys.platform != "linux", reason="systemd's words")
def test_the_command_says_how_it_is_switched_on_and_starts_nothing(world: World, harness, monkeypatch) -> None:
    home = world.root.parent / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    world.spec("a")
    said = harness("service", "install").out
    for words in ("systemctl --user enable harness-project.service", "loginctl enable-linger", "journalctl --user -u"):
        assert words in said
    assert (home / ".config/systemd/user/harness-project.service").is_file()
    assert harness("service", "show").out.startswith(f"# {home}")
    assert harness("service", "uninstall").code == 0
    assert not world.has("logs")


def test_where_there_is_nothing_to_run_nothing_is_installed(world: World, harness, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(world.root.parent / "home"))
    assert harness("service", "install").code == 2
    assert not (world.root.parent / "home").exists()
