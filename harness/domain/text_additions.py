"""Whether what came in a file of tests leaves all that was there as it was: JavaScript, TypeScript, Go and Rust. Pure.

By patterns (`code_text.py`): what they do not know is no addition.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.domain.code_text import Item, find_body, find_language, split_items

_WORDS = re.compile(r"[A-Za-z_$][\w$]*")
# What an addition may be, by its code, where strings are empty.
_TESTS = {
    "go": re.compile(r"func (?P<name>(?:Test|Benchmark|Fuzz|Example)\w*)\("),
    "rust": re.compile(
        r"(?:#\[(?:\w+::)?(?:test|should_panic|ignore)(?:\([^\]]*\)| = \" *\")?\] )+(?:async )?fn (?P<name>\w+)"
    ),
    "javascript": re.compile(r"(?:test|it)(?:\.(?:each|for|concurrent)\b[^\n]*?)?\((?P<name>)\" *\""),
}
_BESIDES = {
    "go": re.compile(r"(?:func|type|const) (?P<name>[A-Za-z]\w*)"),
    "rust": re.compile(r"(?:fn|struct|enum|const) (?P<name>\w+)"),
    "javascript": re.compile(
        r"(?:async )?function\*? (?P<name>[\w$]+)\(|const (?P<plain>[\w$]+) = [^()=]*(?:=> .*)?;?$"
        r"|(?:describe|suite)\(\" *\""
    ),
}
_RUN_FIRST = {"init", "TestMain", "main"}  # in Go
# What changes more than the test that does it, or may.
_REACHES = {
    "go": re.compile(r"\bos\.Exit\b|\bunsafe\b|\bsyscall\b|\breflect\b|\bos\.(?:Setenv|Args)\b|\bflag\b"),
    "rust": re.compile(
        r"\bunsafe\b|\bprocess::|\bpanic::|\bno_mangle\b|\bextern\b|\bmacro_rules\b|\benv::set_var\b|#!"
    ),
    "javascript": re.compile(
        r"\b(?:Object|Reflect|globalThis|global|window|prototype|__proto__|cache|eval|Function|process|mock|mocks|jest"
        r"|vi|sinon|delete|before|after|beforeEach|afterEach|beforeAll|afterAll|setup|teardown)\b"
        r"|\.(?:only|skip|extend|call|apply|bind)\b|\bimport *\((?!\" *\")"
    ),
}
_DIRECTIVE = re.compile(r"//(?:go:|\s*@(?:ts-|jest-|vitest-))|/\*\*?\s*@(?:jest|vitest)")
_ASSIGNED = {
    "go": re.compile(r"(?:^|[;{}\n])\s*(?P<root>\*?[A-Za-z_][\w.]*)(?:\[[^\]\n]*\])*(?:, [\w.]+)* *[-+*/|&^%]?=(?!=)"),
    "rust": re.compile(r"(?!)"),
    "javascript": re.compile(r"(?P<root>[\w$)\]]+)(?:\??\.[\w$]+|\[[^\]]*\])+ *(?:[-+*/|&?%]{0,3}=(?![=>])|\+\+|--)"),
}
_GO_DECLARED = re.compile(r"\b([A-Za-z_]\w*)(?:, ([A-Za-z_]\w*))? *:=|\bvar ([A-Za-z_]\w*)")
_NOT_OVER = re.compile(r"(?:[=(,:?&|+*<>.-]|\b(?:in|of|instanceof|return|await|typeof|else))$")


_NAMES = re.compile(
    r"^[ \t]*(?:async )?def (test\w*)|^class (\w+)|^func ((?:Test|Benchmark|Fuzz|Example)\w*)|\bfn (\w+)"
    r"|\b(?:test|it|describe|suite)\b[^\n\"'`(]*(?:\(\[.*?\]\))?\(\s*[\"'`]([^\"'`\n]+)",
    re.MULTILINE,
)


def find_test_names(text: str) -> set[str]:
    """Return the names of the tests and suites in a text of Python, JavaScript, TypeScript, Go or Rust."""
    return {name for found in _NAMES.findall(text) for name in found if name}


def only_adds_text(name: str, old: str, new: str) -> bool:
    """Return whether a file of tests has all that it had, in its order, and else only tests, helpers and imports."""
    language = find_language(name)
    if not language or _DIRECTIVE.search(new.replace(old, "") if old and old in new else _only_new_lines(old, new)):
        return False
    was, now = split_items(old, language), split_items(new, language)
    if was is None or now is None:
        return False
    words = set(_WORDS.findall(old))
    return _imports_grew(was, now, words, language) and _adds(
        [one for one in was if not _is_import(one, language)],
        [one for one in now if not _is_import(one, language)],
        words,
        language,
    )


def _only_new_lines(old: str, new: str) -> str:
    known = set(old.splitlines())
    return "\n".join(line for line in new.splitlines() if line not in known)


def _adds(was: Sequence[Item], now: Sequence[Item], words: set[str], language: str) -> bool:
    left, before = list(was), ""
    for one in now:
        if left and (one.said == left[0].said or _grew(left[0], one, words, language)):
            left.pop(0)
        elif not _is_addition(one, words, language) or (language == "javascript" and _NOT_OVER.search(before)):
            return False
        before = one.code
    return not left


def _grew(was: Item, now: Item, words: set[str], language: str) -> bool:
    """Whether a suite, or a module of tests, is as it was but for tests that came in it."""
    opens = {"javascript": r"(?:describe|suite)\(\" *\"", "rust": r"#\[cfg\(test\)\] mod \w+"}.get(language)
    if opens is None or not re.match(opens, was.code):
        return False
    old, new = find_body(was), find_body(now)
    if old is None or new is None or any(a.split() != b.split() for a, b in ((old[0], new[0]), (old[2], new[2]))):
        return False
    both = [split_items(body[1], language) for body in (old, new)]
    if both[0] is None or both[1] is None:
        return False
    if language == "javascript":
        return _adds(both[0], both[1], words, language)
    rest = [[one for one in items or () if not _is_import(one, language)] for items in both]
    return _imports_grew(both[0], both[1], words, language) and _adds(rest[0], rest[1], words, language)


def _is_addition(one: Item, words: set[str], language: str) -> bool:
    if language == "go" and not words and re.fullmatch(r"package \w+", one.code):
        return True  # of a file that is new
    test = _TESTS[language].match(one.code)
    found = test or _BESIDES[language].match(one.code)
    if found is None or _REACHES[language].search(one.code):
        return False
    name = next((said for said in found.groupdict().values() if said), "")
    taken = name in words or (language == "go" and name in _RUN_FIRST)
    return not taken and not _assigns_outside(one, language)


def _assigns_outside(one: Item, language: str) -> bool:
    """Whether an item assigns to what it has not made itself."""
    roots = {found["root"] for found in _ASSIGNED[language].finditer(one.plain)}
    if language == "go":
        own = {name for found in _GO_DECLARED.findall(one.plain) for name in found if name}
        return bool(roots - own - {"_", "var", "const", "type"})
    return bool(roots)


# --- imports ------------------------------------------------------------------------------------------------------


def _is_import(one: Item, language: str) -> bool:
    start = {"go": r"import\b", "rust": r"(?:pub )?use\b", "javascript": r"import\b(?!\s*\()|const .* = require\("}
    return re.match(start[language], one.code) is not None


def _imports_grew(was: Sequence[Item], now: Sequence[Item], words: set[str], language: str) -> bool:
    """Whether all that was imported still is, and what came takes no name that was there."""
    old, new = (
        {spec for one in items if _is_import(one, language) for spec in _IMPORTED[language](one.said)}
        for items in (was, now)
    )
    came = new - old
    return old <= new and all(name not in words and name not in ("*", "_", ".", "") for _, name in came)


def _of_go(said: str) -> list[tuple[str, str]]:
    """Return each package of an import with the name that it gets."""
    found = re.findall(r'(?:([\w.]+) )?"([^"]+)"', said.removeprefix("import"))
    return [(path, alias or path.rpartition("/")[2]) for alias, path in found]


def _of_rust(said: str) -> list[tuple[str, str]]:
    """Return each path of a `use` with the name that it gets."""
    return list(_flatten(re.sub(r"^(?:pub )?use |;$", "", said).replace(" ", " ")))


def _flatten(tree: str, above: str = "") -> list[tuple[str, str]]:
    tree = tree.strip()
    head, brace, rest = tree.partition("{")
    if brace:
        parts, depth, start = list[str](), 0, 0
        inner = rest.rpartition("}")[0]
        for at, letter in enumerate(f"{inner},"):
            depth += (letter == "{") - (letter == "}")
            if letter == "," and not depth:
                parts.append(inner[start:at])
                start = at + 1
        return [one for part in parts if part.strip() for one in _flatten(part, above + head.strip())]
    path, _, alias = tree.partition(" as ")
    return [(above + path.strip(), alias.strip() or path.strip().rpartition("::")[2])]


def _of_javascript(said: str) -> list[tuple[str, str]]:
    """Return each name that an import binds, after what it is bound to; "" where a module is only run."""
    source = (re.findall(r"['\"]([^'\"]*)['\"]", said) or [""])[-1]
    if said.startswith("const"):
        names = said.removeprefix("const").partition("= require(")[0]
        if not re.search(r"= require\(['\"][^'\"]*['\"]\);?$", said):
            return [(said, "*")]
    else:
        names = said.removeprefix("import").rpartition(" from ")[0].removeprefix(" type ")
    braced = re.findall(r"\{([^}]*)\}", names)
    listed = [one.strip() for part in braced for one in part.split(",") if one.strip()]
    whole = [one.strip() for one in re.sub(r"\{[^}]*\}", "", names).split(",") if one.strip()]
    found = [(f"{source}\0{one}", re.split(r" as |: *", one)[-1].removeprefix("type ")) for one in listed]
    found += [(f"{source}\0= {one}", one.rpartition(" as ")[2] or one) for one in whole]
    return found or [(f"{source}\0", "")]


_IMPORTED = {"go": _of_go, "rust": _of_rust, "javascript": _of_javascript}
