"""A project with decoys around it, attacked by `attacks.py` in a sandbox or without; as root, or as a plain user.

Started as `python besieged.py FOLDER USER PROFILE`; prints what came of each attack, as the attacker saw it and as the
decoys show it.
"""

import ctypes
import importlib
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from harness.agents.table import all_agents
from harness.domain.agent import Agent
from harness.domain.errors import AgentError
from harness.sandbox.open import open_sandbox
from harness.settings.load import load_config
from harness.system.command import Bounds, Command
from harness.system.process import Supervisor
from harness.system.yamls import parse_yaml
from harness.workspace.private_logs import prepare_private_logs

NOBODY = 65534
VICTIM = """import ctypes, sys
ctypes.CDLL(None).prctl(0x59616D61, -1, 0, 0, 0)  # PR_SET_PTRACER_ANY
print("up", flush=True)
sys.stdin.read()"""
folder, user, profile = Path(sys.argv[1]), sys.argv[2], sys.argv[3]


class Ear:
    def __init__(self):
        self.lines = []

    def line(self, line):
        self.lines.append(line)

    def busy(self):
        return False

    def finished(self):
        return False

    def stop(self):
        return None


def plant(root, home, outside):
    for path, text in {
        root / "specs/own/spec.md": "# own\n",
        root / "harness.yaml": "pause: 0\n",
        root / "templates/prompt.md": "x",
        root / "code.py": "",
        root / "logs/own.log": "",
        root / "logs/other.log": "decoy",
        root / "logs/journal.jsonl": "",
        home / ".ssh/id_ed25519": "decoy",
        home / ".aws/credentials": "decoy",
        home / ".npmrc": "decoy",
        home / ".cargo/credentials.toml": "decoy",
        home / ".cargo/bin/tool": "",
        home / ".bash_history": "decoy",
        home / ".bashrc": "",
        home / ".gitconfig": "",
        home / "letters/one.txt": "decoy",
        outside / "victim": "",
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    shutil.copy(Path(__file__).with_name("attacks.py"), root / "attacks.py")


def planted(*names):
    """Whether a write came to where it was meant for: a private copy that was written is no harm."""
    return any(path.is_file() and "planted" in path.read_text() for path in names)


def become_plain():
    importlib.import_module("harness.sandbox.network.broker")
    socket.getaddrinfo("localhost", 80)
    parse_yaml("a: [1]")  # whatever is imported late must be there before we may not read it any more
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: as after an exec
    if not os.access(sys.executable, os.X_OK):
        sys.executable = "/usr/bin/python3"


folder.chmod(0o777)
if user == "plain user":
    become_plain()
os.umask(0o022)
root, home, outside = folder / "project", folder / "home", folder / "outside"
os.environ.update(HOME=str(home), GIT_CONFIG_GLOBAL="/dev/null", PATH=f"{home}/.cargo/bin:{os.defpath}")
plant(root, home, outside)
victim = subprocess.Popen(
    [sys.executable, "-I", "-S", "-c", VICTIM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    env={"SECRET": "decoy"}, cwd="/",
)  # fmt: skip
victim.stdout.readline()
tcp, udp = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
udp.setblocking(False)
path, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
path.bind(f"{home}/agent.sock")
path.listen()
other, listed = socket.create_server(("127.0.0.2", 0)), socket.create_server(("127.0.0.1", 0))
name = f"harness-test-{os.getpid()}"
abstract.bind(f"\0{name}")
abstract.listen()

sandbox = "none" if profile == "none" else "bwrap"
settings = {
    "sandbox": sandbox, "sandbox_read": "~/letters", "sandbox_file_size": "1G", "sandbox_processes": "200",
    "sandbox_network": {"bwrap, no network": "none", "bwrap, broker": "broker"}.get(profile, "host"),
    "sandbox_hosts": f"127.0.0.1:{listed.getsockname()[1]} listed.example",
}  # fmt: skip
config = load_config(root, settings, {})
places = {
    "root": str(root), "home": str(home), "outside": str(outside), "victim": victim.pid, "abstract": name,
    "tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1],
    "other": other.getsockname()[1], "listed": listed.getsockname()[1],
    "add_key": 217 if os.uname().machine == "aarch64" else 248,
}  # fmt: skip
ear = Ear()
try:
    with Supervisor(namespace="off" if sandbox == "none" else "auto") as supervisor:
        temporary = folder / "temporary"
        temporary.mkdir()
        sandbox, _ = open_sandbox(config, supervisor, os.environ, temporary, all_agents())
        line = (sys.executable, "-I", str(root / "attacks.py"), json.dumps(places))
        environ = {"PATH": os.environ["PATH"], "HOME": str(home), "ANTHROPIC_API_KEY": "the-real-key-of-a-decoy"}
        command = Command(line, root, environ)
        if sandbox is not None:
            prepare_private_logs(folder / "attempt", config.paths, "own")
            agent = Agent("command", "text", line, "", (), {}, root)
            command = sandbox.confine(command, agent=agent, private_logs=folder / "attempt" / "private_logs")
        ended = supervisor.run(command, Bounds(timeout=40), ear, stdout=None, stderr=None)
    results = json.loads(ear.lines[-1]) if ear.lines else {"error": str(ended)}
    try:
        results["send a datagram"] = udp.recv(10) == b"out"
    except BlockingIOError:
        results["send a datagram"] = False
    written = {
        "write outside the project": outside / "victim",
        "write ~/.bashrc": home / ".bashrc",
        "write ~/.gitconfig": home / ".gitconfig",
        "edit the spec": root / "specs/own/spec.md",
        "edit harness.yaml": root / "harness.yaml",
        "edit the prompt's template": root / "templates/prompt.md",
        "write another feature's .done": root / "logs/other.done",
        "edit the journal": root / "logs/journal.jsonl",
        "write a git hook": root / ".git/hooks/pre-commit",
        "write git's configuration": root / ".git/config",
    }
    results |= {name: planted(path) for name, path in written.items()}
    own = [root / "logs/own.log", folder / "attempt/private_logs/own.log"]
    results |= {"the feature's log": planted(*own), "edit a file": planted(root / "code.py")}
    results["left in the project"] = sorted(path.name for path in root.iterdir())
    results["strays"] = ended.strays
except AgentError as error:
    results = {"skip": error.message}
finally:
    victim.stdin.close()
    victim.wait()
print(json.dumps(results))
