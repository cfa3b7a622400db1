"""Which files judge a claim: tests, what they compare with, their configuration, and the scripts that checks run.

They are known by their names and by what the checks of a feature call; a person's `judge` adds to them. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath

from harness.decide.calls import Called, may_lead
from harness.decide.configured import is_loaded
from harness.decide.words import find_folders, find_words, is_named, is_pattern
from harness.domain.finding import Finding
from harness.domain.obeyed import is_allowed
from harness.domain.verdict import CheckRun


class Role(StrEnum):
    """What a file is to the checks."""

    TEST = "a test"
    DATA = "test data"
    CONFIG = "configuration of tests"
    SCRIPT = "a script that checks run"
    INLINE = "tests in the code"


@dataclass(frozen=True, slots=True)
class Judging:
    """A file that judges, and that the work on a feature changed: `was` and `now` are mode and blob, "" for none."""

    name: str  # from the top of the work tree
    shown: str  # from the project's root
    role: Role
    was: str
    now: str

    @property
    def says(self) -> str:
        """What became of it, in a word."""
        return "new" if not self.was else "changed" if self.now else "deleted"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the second look says: red checks of harness's own, a question, lines for the receipt, findings."""

    red: tuple[CheckRun, ...] = ()
    question: str = ""
    about: dict[str, str] = field(default_factory=dict)  # the files of the question: mode and blob of each
    parked_at: str = ""  # the commit that waits where the question is who lands it, or IN_TREE
    lines: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()  # in the text of the change, that refuse nothing
    not_looked_at: str = ""  # of the change, for such


# --- by name ------------------------------------------------------------------------------------------------------

_TESTS = re.compile(
    r"test_.*\.py|.*_test\.py|tests?\.py"
    r"|.*_test\.go"
    r"|(.*\.)?(test|spec)\.[cm]?[jt]sx?|.*[-_]test\.[cm]?[jt]sx?|.*\.(cy|e2e)\.[cm]?[jt]sx?"
    r"|.*_(test|spec)\.(rb|exs|dart|lua|php|cc|cpp|c|rs)|.*_unittest\.(cc|cpp|cxx|c|py)"
    r"|(?!run[-_]).*[-_](test|spec)s?\.(sh|bash|zsh)"
    r"|.*(Test|Tests|Spec|TestCase|IT)\.(java|kt|scala|groovy|cs|php|swift)"
    r"|Test[A-Z]\w*\.(java|kt|cs)"
    r"|test[-_].*\.(sh|bash|[cm]?[jt]sx?|c|cc|cpp|lua|rb|pl)"
    r"|.*\.(bats|feature|t)|tests?\.rs"
)
_HELPERS = re.compile(r"tests?[-_]?(util|helper|support|kit|case|tool)s?(\.\w+)?", re.IGNORECASE)
_TEST_FOLDERS, _END_TO_END = {"tests", "test", "__tests__"}, {"e2e", "cypress"}
_PRODUCT = {"src", "lib", "app", "internal", "pkg"}
_CODE = {
    ".py", ".pyi", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".go", ".rs", ".java", ".kt", ".rb",
    ".php", ".c", ".cc", ".cpp", ".h", ".hpp", ".cs", ".swift", ".scala",
}  # fmt: skip
_SPEC_FOLDER = "spec"  # of Ruby, Jasmine and ShellSpec; else a word of many uses
_SPECS = (".rb", ".js", ".ts", ".mjs", ".cjs", ".sh")
_STEPS = {"steps", "step_definitions", "support"}  # of features, in Gherkin
_GHERKIN = re.compile(r"behave|behat|.*cucumber.*|.*bdd.*|godog|radish|lettuce|pytest|mvnw?|gradlew?|dotnet")
_DATA = {
    "testdata", "testcases", "test_cases", "test-cases", "test-data", "test_data", "testfiles", "fixtures", "golden",
    "goldens", "__fixtures__", "__snapshots__", "__mocks__", "snapshots",
}  # fmt: skip
_PUBLISHED = {"docs", "doc", "data", "datasets"}  # in these a reference, or cases, are the product's own
_OF_MANY_USES = {"reference", "cases", "vectors"}
_DATA_NAMES = re.compile(
    r".*\.(snap|golden|approved)(\.\w+)?|(expected|golden|reference)([-_.].*)?|.*[-_.]expected\.\w+"
    r"|(test[-_]?)?(cases|vectors)\.(json|jsonl|csv|tsv|ya?ml|toml|txt)"
)
_CONFIG = re.compile(
    r"conftest\.py|\.?pytest\.(ini|toml)|tox\.ini|noxfile\.py|\.coveragerc(\.toml)?|sitecustomize\.py|usercustomize\.py"
    r"|.*\.pth|(jest|vitest)\.(config|setup|workspace)\..*|setup[-_]?tests?\.[cm]?[jt]sx?|\.mocharc(\..*)?"
    r"|(karma\.conf|playwright\.config|cypress\.config|ava\.config|wdio\.conf|nightwatch\.conf)\..*"
    r"|entry_points\.txt"  # of what looks installed: plug-ins of pytest
    r"|\.nycrc(\..*)?|\.c8rc(\..*)?|\.rspec|spec_helper\.rb|phpunit\.xml(\.dist)?|nextest\.toml|\.codecov\.ya?ml"
)
# Configuration that judges only where its tool is called.
_OF_TOOLS: dict[str, re.Pattern[str]] = {
    "tsc": re.compile(r"tsconfig.*\.json"),
    "tsx": re.compile(r"tsconfig.*\.json"),
    "ts-node": re.compile(r"tsconfig.*\.json"),
    "jest": re.compile(r"babel\.config\..*|\.babelrc(\..*)?|\.swcrc|tsconfig.*\.json"),
    "vitest": re.compile(r"vite\.config\..*|tsconfig.*\.json"),
    "cargo": re.compile(r"\.?nextest\.toml"),
    "eslint": re.compile(r"\.eslintrc(\..*)?|eslint\.config\..*|\.eslintignore"),
    "biome": re.compile(r"biome\.jsonc?"),
    "prettier": re.compile(r"\.prettierrc(\..*)?|prettier\.config\..*|\.prettierignore"),
    "ruff": re.compile(r"\.?ruff\.toml"),
    "mypy": re.compile(r"\.?mypy\.ini"),
    "pyright": re.compile(r"pyrightconfig\.json"),
    "flake8": re.compile(r"\.flake8"),
    "pylint": re.compile(r"\.?pylintrc(\.toml)?"),
    "golangci-lint": re.compile(r"\.golangci\..*"),
    "clippy": re.compile(r"\.?clippy\.toml"),
    "rubocop": re.compile(r"\.rubocop.*\.yml"),
    "pre-commit": re.compile(r"\.pre-commit-config\.yaml"),
}
# Files by which a folder and all below it are no part of the module that checks look at, where they come.
BOUNDS = frozenset(("go.mod", "go.work"))
# Files that hold much besides; of these, only sections judge (`judge_sections.py`).
MIXED = frozenset(("pyproject.toml", "setup.cfg", "package.json", "Cargo.toml"))
_SCRIPT_FOLDERS = {"scripts", "script", "tools", "tool", "ci", ".ci", ".github", "hack", "dev", "devtools"}
_PROPOSED = {
    "expected", "reference", "baseline", "baselines", "oracle", "acceptance", "conformance", "verification", "evals",
}  # fmt: skip
_PROPOSED_ENDS = ("", ".sh", ".bash", ".py", ".js", ".mjs", ".ts", ".rb", ".pl")
_SCRIPT_NAMES = re.compile(
    r"(gradlew|mvnw)(\.\w+)?|(run[-_]?)?(check|test|verify|validate|lint|ci|smoke|acceptance|assert|e2e)s?([-_.].*)?"
)


def find_role(name: str, called: Called, judge: Sequence[str] = ()) -> Role | None:
    """Return what a file is to the checks, by its path from the project; None for what is worked on.

    `judge` are the patterns of a person.
    """
    path = PurePosixPath(name)
    last, folders = path.name, set(path.parts[:-1])
    if is_allowed(name, judge):
        return Role.SCRIPT
    if is_loaded(name, called.loaded):
        return Role.CONFIG
    if _CONFIG.fullmatch(last) or last in MIXED or shadows_runner(name, called):
        return Role.CONFIG
    if "go" in called.words and last in BOUNDS:
        return Role.CONFIG
    if any(tool in called.words and row.fullmatch(last) for tool, row in _OF_TOOLS.items()):
        return Role.CONFIG
    if holds_runner(path.parts) or ("cargo" in called.words and name.endswith(_CARGO)):
        return Role.CONFIG
    if _is_data(path) or any(is_named(word, name) for word in called.compared):
        return Role.DATA
    outer = set(_outside_of_product(path))
    in_steps = "features" in outer and (outer & _STEPS or path.stem == "environment")
    if path.suffix == ".feature" or (in_steps and _may_call(called, _GHERKIN)):
        return Role.TEST
    in_tests = _is_among_tests(path) or (_SPEC_FOLDER in folders and last.endswith(_SPECS))
    if _TESTS.fullmatch(last) or any(map(_HELPERS.fullmatch, path.parts)) or (in_tests and path.suffix == ".rs"):
        return Role.TEST
    if in_tests:
        return Role.DATA
    if last in ("__init__.py", "__main__.py") and path.parent.name.startswith("test_"):
        return Role.TEST  # found before a module of that name
    if may_lead(last, called.words) or any(is_named(word, name) for word in called.included):
        return Role.SCRIPT
    return Role.SCRIPT if _is_script(path, called) else None


def _may_call(called: Called, tool: re.Pattern[str]) -> bool:
    """Whether checks call a tool; also where nothing is known of what they call."""
    return not called.words or any(map(tool.fullmatch, called.words))


def _is_data(path: PurePosixPath) -> bool:
    """Whether a file is what tests compare with; code of such a name is the product's, but for a bare `expected.py`."""
    folders, is_code = set(path.parts[:-1]), path.suffix in _CODE
    if folders & (_DATA - {"snapshots"} if is_code else _DATA):
        return True
    if is_code or (folders & _PUBLISHED and path.stem in _OF_MANY_USES):
        return is_code and path.stem in ("expected", "golden")
    return _DATA_NAMES.fullmatch(path.name) is not None


def _is_among_tests(path: PurePosixPath) -> bool:
    """Whether a folder of tests holds a file; `e2e` within the product is a word of many uses."""
    return not _TEST_FOLDERS.isdisjoint(path.parts[:-1]) or not _END_TO_END.isdisjoint(_outside_of_product(path))


def _outside_of_product(path: PurePosixPath) -> tuple[str, ...]:
    """Return the folders of a file down to the first that holds the product."""
    folders = path.parts[:-1]
    return folders[: next((at for at, one in enumerate(folders) if one in _PRODUCT), len(folders))]


def propose_patterns(names: Iterable[str]) -> tuple[str, ...]:
    """Return patterns for `judge`: files of a project that, by their names, may judge, and that are not known to."""
    found = set[str]()
    for name in names:
        path = PurePosixPath(name)
        telling = next((one for one in path.parts[:-1] if one in _SCRIPT_FOLDERS | _PROPOSED), "")
        if find_role(name, NOTHING) is not None:
            continue
        if telling:
            found.add("/".join((*path.parts[: path.parts.index(telling) + 1], "**")))
        elif _SCRIPT_NAMES.fullmatch(path.name) and path.suffix in _PROPOSED_ENDS:
            found.add(name)
    return tuple(sorted(found))


def _is_script(path: PurePosixPath, called: Called) -> bool:
    """Whether checks run a file, and it is none of the product: its folder or its name says so, or what calls it."""
    mentioned = {word for word in called.words if is_named(word, str(path))}
    if not mentioned:
        return False
    name = path.parent.name if path.name == "__main__.py" else path.name
    is_tested = any(is_named(word, str(path)) for word in called.captured if not is_pattern(word))
    folders = _outside_of_product(path) if is_tested else path.parts[:-1]
    if _SCRIPT_FOLDERS.intersection(folders) or _SCRIPT_NAMES.fullmatch(name):
        return True
    if path.suffix in (".mk", ".just"):
        return not mentioned.isdisjoint(called.indirect)
    if path.suffix not in (".sh", ".bash") or is_tested:
        return False
    callers = {caller for word, caller in called.run if is_named(word, str(path))}
    return any(find_role(one, NOTHING) in (None, Role.CONFIG) for one in callers)  # what a test calls is what is tested


NOTHING = Called(frozenset(), frozenset())
# Modules that run tests: a file of their name where Python looks first takes their place.
_RUNNERS = {"unittest", "pytest", "_pytest", "pluggy", "doctest", "coverage", "tox", "nox", "hypothesis"} | {
    # and what unittest imports: no project has these at its root to good effect
    "argparse", "ast", "asyncio", "collections", "contextlib", "copy", "dataclasses", "difflib", "dis", "enum",
    "fnmatch", "functools", "gettext", "heapq", "importlib", "inspect", "linecache", "locale", "opcode", "os",
    "pathlib", "pprint", "re", "reprlib", "shlex", "shutil", "signal", "string", "tempfile", "textwrap", "token",
    "tokenize", "traceback", "types", "typing", "warnings", "weakref",
}  # fmt: skip
# Packages that run tests or assert, where a project holds what it depends on.
_INSTALLED = {"node_modules", "vendor", "site-packages", "third_party", "_vendor"}
_TOOLS = re.compile(
    r"\.bin|@?jest([-.].*)?|@?vitest|mocha|chai|ava|tap|uvu|tape|sinon|expect|assert|should|jasmine.*|karma.*|cypress|c8|nyc"
    r"|playwright.*|@playwright|@testing-library|tsx|ts-node|pytest.*|_pytest|pluggy|unittest.*|nose.*|hypothesis"
    r"|coverage|testify|ginkgo|gomega|go-cmp|rspec.*|minitest|phpunit|.*[-_.]?(test(ing|s)?|assert(ion)?s?)([-_.].*)?"
    r"|(test|assert)(ing|ion)?s?[-_.\w]*"
)
_CARGO = (".cargo/config.toml", ".cargo/config")


def holds_runner(parts: Sequence[str]) -> bool:
    """Whether a file belongs to a package that runs tests or asserts, in a folder of what a project depends on."""
    within = [at for at, part in enumerate(parts[:-1]) if part in _INSTALLED]
    return bool(within) and any(map(_TOOLS.fullmatch, parts[within[-1] + 1 : -1][:3]))


def shadows_runner(name: str, called: Called) -> bool:
    """Whether a Python file, in the project's root or where a check runs, takes the place of what runs tests."""
    path = PurePosixPath(name)
    place = path.parent.parent if path.name in ("__init__.py", "__main__.py") else path.parent
    module = path.parent.name if path.name in ("__init__.py", "__main__.py") else path.stem
    return path.suffix == ".py" and module in _RUNNERS and (str(place) == "." or str(place) in called.words)


# --- what a check names -------------------------------------------------------------------------------------------


def may_need(
    command: str,
    new: Collection[str],
    before: Collection[str],
    tests: Collection[str] = (),
    tasks: Collection[str] = (),
) -> bool:
    """Return whether a check may have to have tests or tasks that are new, by what was there before.

    It names a file of them, or one of the `tests` or `tasks`, or has none else in the folder that it runs in.
    """
    words = find_words(command)
    if not words.isdisjoint(tasks) or leads_to_some(words, new):
        return True
    if any(len(word) > 2 and any(word in test for test in tests) for word in words):
        return True
    places = sorted(find_folders(command), key=command.find)
    within = f"{places[0]}/" if places else ""
    had_tests = any(name.startswith(within) and find_role(name, NOTHING) is Role.TEST for name in before)
    return bool(new) and (not had_tests or names_some(command, new, before))


def leads_to_some(words: Collection[str], names: Iterable[str]) -> bool:
    """Return whether a program among some words finds in one of the files what it runs."""
    return any(may_lead(name, words) for name in names)


def _read_as_names(word: str) -> list[str]:
    """Return a word of a command as a name, and each module that it may begin with: `test_calc.TestAdd.test_adds`."""
    parts = word.split(".") if "/" not in word else []
    return [word, *(".".join(parts[:last]) for last in range(1, len(parts)))]


def names_some(command: str, names: Collection[str], others: Collection[str]) -> bool:
    """Return whether a command names one of the files, or a folder of theirs in which no other is.

    As a path, a module, a stem, or what a test runner makes of these.
    """
    words = {part for word in find_words(command) if not is_pattern(word) for part in _read_as_names(word)}
    for name in names:
        path = PurePosixPath(name)
        dotted = str(path.with_suffix("")).replace("/", ".")
        if words & {name, path.name, path.stem, dotted} or any(is_named(word, name) for word in words):
            return True
        above = [str(folder) for folder in path.parents if any(is_named(word, str(folder)) for word in words)]
        if any(not any(one.startswith(f"{folder}/") for one in others) for folder in above):
            return True
    return False
