"""The structure, held: a file imports only from the folders in its row of the table, every outside thing has one door.

The table is the docstring of `harness`: a new file needs no row, a new folder does.
"""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

import harness
from harness.agents.table import AGENTS

pytestmark = pytest.mark.xdist_group("structure")  # one worker, so that each file is parsed once
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
PACKAGE = Path(harness.__file__).parent
TESTS = Path(__file__).parent
NO_ROOMS = {"bench", "deep", "e2e", "fakes", "helpers", "stories"}  # folders of tests that mirror none of the program
ALONE = {
    "agents.scripted",
    "listeners.send",
    "rehearsal.saboteur",
    "rehearsal.skew",
    "sandbox.network.inlet",
    "system.inside",
    "system.supervise",
}  # programs of their own, started by their path: they import nothing of ours
DOORS = {
    "typer": {"cli.app", "cli.commands", "cli.flags", "cli.funnel"},
    "rich": {"listeners.console"},
    "yaml": {"system.yamls", "agents.scripted"},
    "jinja2": {"agents.prompt"},
    "watchfiles": {"run.interrupts"},
    "subprocess": {"system.process", "system.capture", "agents.scripted", "agents.api.shell"},
    "fcntl": {"records.run_lock", "rehearsal.promises", "rehearsal.saboteur", "system.pipes", "workspace.places"},
    "socket": {
        "records.heartbeat",
        "records.run_lock",
        "sandbox.network.broker",
        "sandbox.network.exchange",
        "sandbox.network.tunnel",
        "sandbox.network.upstream",
        "system.helper",
        "system.pipes",
        "system.process",
        "system.retries",
        "system.supervise",
    },
    "ssl": {"sandbox.network.broker", "sandbox.network.exchange", "sandbox.network.upstream"},
    "http": {"sandbox.network.exchange"},
    "apprise": {"listeners.send"},
    "genai_prices": {"agents.prices"},
    "anthropic": {"agents.api.client"},
    "httpx2": {"agents.api.bounds"},
}


def read_table() -> dict[str, set[str]]:
    """Return what each folder may import, from the docstring of the package."""
    rows: dict[str, str] = {}
    name = ""
    for line in re.split(r"-{10}.*\n", str(harness.__doc__))[1].splitlines():
        name = line[:16].strip() or name
        rows[name] = rows.get(name, "") + " " + line[68:]
    everything = set(rows)
    table = {}
    for folder, said in rows.items():
        if "everything" in said:
            table[folder] = everything
            continue
        named = set(re.sub(r"\(.*\)", "", said).split()) - {"nothing"}
        assert named <= everything, f"{folder} names a folder that has no row: {named - everything}"
        table[folder] = named | {"domain", "system", folder} - ({"system"} if "not system" in said else set())
    return table


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


MODULES = sorted(module_name(path) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
TABLE = read_table()


@functools.cache
def parse(name: str) -> ast.Module:
    return ast.parse((PACKAGE / (name.replace(".", "/") + ".py")).read_text("utf-8"))


@functools.cache
def imports_of(name: str) -> frozenset[str]:
    """Return every module that is imported anywhere in a file, in functions and for types too."""
    found: set[str] = set()
    for node in ast.walk(parse(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{name} imports relatively"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__"):
            found |= {str(word.value) for word in node.args if isinstance(word, ast.Constant)}
    return frozenset(found)


def called(node: ast.Call) -> str:
    """Return the last word of what is called: `import_module`, however it was imported."""
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))


def ours(name: str) -> set[str]:
    return {found.removeprefix("harness.") for found in imports_of(name)} & set(MODULES)


def folder_of(name: str) -> str:
    return name.split(".")[0]


def test_a_file_imports_only_from_the_folders_in_its_row() -> None:
    assert not {
        (name, other)
        for name in set(MODULES) - {"__main__"}
        for other in ours(name)
        if folder_of(other) not in TABLE[folder_of(name)] or other in ALONE
    }


def test_a_folder_imports_only_from_lower_ones() -> None:
    order = list(TABLE)
    circular = {
        (above, below) for above in order for below in TABLE[above] & set(order) if above in TABLE[below] != above
    }
    assert {(a, b) for a, b in circular if a != b and "cli" not in (a, b)} == set()


def test_files_do_not_import_one_another_in_a_circle() -> None:
    left = {name: ours(name) for name in MODULES}
    while ready := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in ready:
            del left[name]
    assert not left


@pytest.mark.parametrize("folder", sorted({path.parent for path in PACKAGE.rglob("*.py")}), ids=lambda path: path.name)
def test_a_folder_says_its_rule_in_its_first_line(folder: Path) -> None:
    first = str(ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8")))).splitlines()[0]
    assert len(first) > 20 and first.endswith(".")


def test_a_program_of_its_own_imports_nothing_of_ours() -> None:
    assert not {(name, found) for name in ALONE for found in imports_of(name) if found.split(".")[0] == "harness"}


def test_every_outside_thing_has_one_door() -> None:
    libraries = {name: {found.split(".")[0] for found in imports_of(name)} for name in MODULES}
    assert {library: {name for name in MODULES if library in libraries[name]} for library in DOORS} == DOORS


# The door, programs of their own, what takes entries of a listing, and where an error has to be told or met.
ASK_THEMSELVES = {
    "agents.scripted", "rehearsal.demo", "rehearsal.saboteur", "specs.spec_file", "system.files", "system.shipped",
    "system.untrusted",
}  # fmt: skip


def test_what_lies_somewhere_is_asked_by_one_door() -> None:
    """A folder that an agent closed is an error for `Path.exists`, and nothing that we may see for `files.exists`."""
    asking = {
        name
        for name in MODULES
        for node in ast.walk(parse(name))
        if isinstance(node, ast.Call) and not (node.args or node.keywords) and isinstance(node.func, ast.Attribute)
        if node.func.attr in ("exists", "is_file", "is_dir", "is_symlink")
    }
    scanning = {name for name in MODULES if "scandir" in {getattr(one, "attr", "") for one in ast.walk(parse(name))}}
    assert asking - scanning <= ASK_THEMSELVES


WORDS_OF_THE_PROGRAM = {"api", "command"}  # agents whose names are words of ours, too
THEY_KNOW_NO_AGENT = ("attempts", "decide", "loop", "run", "sandbox", "workspace")


def test_a_room_that_asks_the_table_or_is_told_by_value_knows_no_agent_by_name() -> None:
    agents = set(AGENTS) - WORDS_OF_THE_PROGRAM
    assert not {
        (name, word) for name in MODULES if folder_of(name) in THEY_KNOW_NO_AGENT for word in words_of(name) & agents
    }


def words_of(name: str) -> set[str]:
    """Return the words of a file's strings, but not of its docstrings."""
    nodes = list(ast.walk(parse(name)))
    said = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    prose = {ast.get_docstring(node, clean=False) for node in nodes if isinstance(node, DOCUMENTED)}
    return {word for text in said if text not in prose for word in re.findall(r"[a-z]+", text.lower())}


def test_the_loop_fits_on_a_screen() -> None:
    nodes = ast.walk(parse("loop"))
    sizes = {node.name: node.end_lineno - node.lineno for node in nodes if isinstance(node, ast.FunctionDef)}
    assert sizes["run_loop"] <= 24


def list_tests() -> list[Path]:
    return sorted(path.relative_to(TESTS) for path in TESTS.rglob("test_*.py"))


def test_a_test_module_mirrors_a_module_in_the_room_of_the_same_name() -> None:
    of_rooms = [path for path in list_tests() if path.parts[0] not in NO_ROOMS and path.parts[1:]]
    assert not [path for path in of_rooms if not (PACKAGE / path.with_name(path.name.removeprefix("test_"))).exists()]


def test_a_test_module_imports_from_no_other() -> None:
    line = re.compile(r"^ *(?:from|import) .*\b(?:test_|conftest)", re.MULTILINE)
    assert not [path for path in list_tests() if line.search((TESTS / path).read_text("utf-8"))]


# Longer, or with more parameters, than a reader likes: each with its reason.
LARGE = {
    "agents.api.launch.command_line": "one keyword for each thing that only the run knows when an attempt begins",
    "agents.prompt.compose_prompt": "one parameter for each part of the prompt",
    "run.open.open_run": "clocks and chance are given for tests",
    "settings.setting.setting": "one keyword for each fact that some settings have",
    "system.capture.capture": "as subprocess.run",
}


def test_a_function_fits_on_a_screen_and_takes_few_parameters() -> None:
    large = set()
    for name in MODULES:
        for node in ast.walk(parse(name)):
            if isinstance(node, ast.FunctionDef):
                given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                parameters = [one for one in given if one.arg not in ("self", "cls")]
                if (node.end_lineno or 0) - node.lineno >= 60 or len(parameters) > 6:
                    large.add(f"{name}.{node.name}")
    assert large == set(LARGE)
