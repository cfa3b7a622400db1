"""The structure, held: a module imports only from rows below its own, and every outside thing has one door."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "harness"

# From the top down. What stands in one row is blind to its neighbours.
ROWS = (
    # the command, and what it is made of
    "__main__",
    "cli",
    "ending",
    # whole runs and whole reports
    "chaos.faults loop preview",
    "decisions recover reports spending",
    "keep opening",
    "accept",
    "attempt verify doctor view",
    "foreign setbacks",
    "learnings money",
    "news chaos.promises",
    # what one run holds
    "start",
    "run sandbox.gate",
    "sandbox.belt",
    "sandbox.cage",
    "network.broker",
    "crew network.exchange sandbox.probe sandbox.surroundings",
    # one concern each
    "control scaffold chaos.scene specs agents.choose agents.stream agents.api.__main__",
    "agents.api.preflight sandbox.cell heartbeat notify",
    "awake checks config console decide front_matter halts journal lint logbook order patience prompt receipt demo"
    " signals service state tables transcripts workspace agents.claude agents.dialects agents.loads agents.presets"
    " agents.api.work",
    "git agents.dialect_claude budget wordings questions agents.api.launch agents.api.asking agents.api.tools",
    "agents.api.client agents.api.conversation agents.api.report",
    "agents.draft agents.api.answer agents.api.meter agents.api.editor agents.api.shell",
    "agents.api.excerpt agents.api.failure agents.api.offspring agents.api.within",
    "agents.api.arguments agents.api.clip",
    # the doors to the outside
    "capture env_files lock prices process sweep network.tunnel network.upstream untrusted yamls",
    "files",
    "output sandbox.seatbelt",
    # words and values
    "network.plans",
    "network.heads network.keys",
    "clocks",
    "environ network.hosts narrator paths redact resets sandbox.bubblewrap sandbox.seccomp shipped slugs units",
    "domain errors text",
)
ALONE = {
    "agents.scripted",
    "chaos.saboteur",
    "chaos.skew",
    "messenger",
    "network.inlet",
    "supervise",
}  # programs of their own, started by their path: they import nothing of ours
DOORS = {
    "typer": {"cli"},
    "rich": {"console"},
    "yaml": {"yamls", "agents.scripted"},
    "jinja2": {"prompt"},
    "watchfiles": {"control"},
    "subprocess": {"process", "capture", "agents.scripted", "agents.api.shell"},
    "fcntl": {"chaos.saboteur", "chaos.promises", "lock", "process", "capture", "supervise"},
    "socket": {
        "heartbeat",
        "lock",
        "network.broker",
        "network.exchange",
        "network.tunnel",
        "network.upstream",
        "process",
        "supervise",
    },
    "ssl": {"network.exchange", "network.broker", "network.upstream"},
    "http": {"network.exchange"},
    "apprise": {"messenger"},
    "genai_prices": {"prices"},
    "anthropic": {"agents.api.client"},
}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


MODULES = sorted(module_name(path) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
ROW_OF = {name: number for number, row in enumerate(ROWS) for name in row.split()}


def imports_of(name: str) -> set[str]:
    """Every module that is imported anywhere in a file, in functions too; type-checking blocks left out."""
    tree = ast.parse((PACKAGE / (name.replace(".", "/") + ".py")).read_text("utf-8"))
    skipped = {id(inner) for node in ast.walk(tree) if _is_type_checking(node) for inner in ast.walk(node)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{name} imports relatively"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def ours(name: str) -> set[str]:
    return {found.removeprefix("harness.") for found in imports_of(name)} & set(MODULES)


@pytest.mark.parametrize("name", [name for name in MODULES if name not in ALONE])
def test_a_module_imports_only_from_rows_below_its_own(name: str) -> None:
    assert name in ROW_OF, f"{name} has no row yet: give it one"
    wrong = {other for other in ours(name) if other in ALONE or ROW_OF[other] <= ROW_OF[name]}
    assert not wrong


@pytest.mark.parametrize("name", sorted(ALONE))
def test_a_program_of_its_own_imports_nothing_of_ours(name: str) -> None:
    assert not {found for found in imports_of(name) if found.split(".")[0] == "harness"}


@pytest.mark.parametrize(("library", "homes"), DOORS.items(), ids=DOORS)
def test_every_outside_thing_has_one_door(library: str, homes: set[str]) -> None:
    assert {name for name in MODULES if library in {one.split(".")[0] for one in imports_of(name)}} <= homes


def test_the_loop_fits_on_a_screen() -> None:
    tree = ast.parse((PACKAGE / "loop.py").read_text("utf-8"))
    sizes = {node.name: node.end_lineno - node.lineno for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert sizes["run_loop"] <= 24
