"""What came in a file of tests, in JavaScript, TypeScript, Go and Rust: is all else as it was?"""

from __future__ import annotations

import pytest

from harness.domain.text_additions import find_test_names, only_adds_text

JS = """import assert from "node:assert";
import { test } from "node:test";
import { add } from "./calc.js";

// sums
test("adds", () => assert.strictEqual(add(2, 3), 5));
describe("more", () => {
  it("is neutral", () => {
    assert.match(`${add(4, 0)}`, /^[4"]$/);
  });
});
"""
GO = """package calc

import "testing"

var all = []int{1, 2}

func TestAdds(t *testing.T) {
	if got := Add(2, 3); got != 5 {
		t.Errorf("got %d }", got)
	}
}
"""
RUST = """use calc::add;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds<'a>() {
        assert_eq!(add(2, 3), 5, "{} '}'", '}');
    }
}

#[test]
fn zero() {
    assert_eq!(add(4, 0), 4);
}
"""
MORE = 'test("more", () => assert.ok(add(1, 1) === 2));\n'
AWAITS = '  it("was", async () => {\n    await add(1, 2);\n  });\n'
TABLE = 'test.each([[1, 1, 2]])("adds %i", (a, b, c) => {\n  expect(add(a, b)).toBe(c);\n});\n'
GO_MORE = (
    "\nfunc TestMore(t *testing.T) {\n\tgot := Add(1, 1)\n\tgot = got + 1\n\tif got != 3 {\n\t\tt.Fatal()\n\t}\n}\n"
)
RUST_MORE = "\n#[test]\nfn more() {\n    assert_eq!(add(1, 1), 2);\n}\n"

HONEST = {
    "nothing": ("a.js", JS, JS),
    "a test at the end": ("a.js", JS, JS + MORE),
    "a test at the start": ("a.mjs", JS, JS.replace("// sums", f"{MORE}// all sums")),
    "a test in a suite": ("a.ts", JS, JS.replace('  it("is', f'{AWAITS}  it("is')),
    "a table": ("a.js", JS, JS + TABLE),
    "a suite": ("a.js", JS, JS + 'describe("new", () => {\n  it("is", () => {});\n});\n'),
    "a name imported": ("a.js", JS, JS.replace("{ add }", "{ add, mul }") + MORE.replace("add", "mul")),
    "a module imported": ("a.js", JS, 'import { mul } from "./mul.js";\n' + JS),
    "a function and a constant": ("a.js", JS, JS + "const pairs = [[1, 2]];\nfunction both(a) {\n  return a;\n}\n"),
    "a test in Go": ("a_test.go", GO, GO + GO_MORE),
    "a package in Go": ("a_test.go", GO, GO.replace('"testing"', '(\n\t"strconv"\n\t"testing"\n)') + GO_MORE),
    "a helper in Go": ("a_test.go", GO, GO + "\nfunc both(a, b int) (int, int) { return b, a }\n"),
    "a test in Rust": ("a.rs", RUST, RUST + RUST_MORE),
    "a test in a module of Rust": ("a.rs", RUST, RUST.replace("    #[test]", f"{RUST_MORE}    #[test]", 1)),
    "a path in Rust": ("a.rs", RUST, RUST.replace("calc::add", "calc::{add, mul as times}") + RUST_MORE),
}  # fmt: skip

LIES = {
    "a test gone": ("a.js", JS + MORE, JS),
    "a test changed": ("a.js", JS, JS.replace("5", "-1")),
    "a test changed in a suite": ("a.js", JS, JS.replace("is neutral", "is")),
    "only": ("a.js", JS, JS + MORE.replace("test(", "test.only(")),
    "an assertion replaced": ("a.js", JS, JS + 'test("x", () => {\n  assert.strictEqual = () => {};\n});\n'),
    "an assertion replaced by its name in brackets": ("a.js", JS, JS + 'test("x", () => {\n  assert["ok"] = 1;\n});\n'),
    "a mock": ("a.js", JS, JS + 'vi.mock("./calc.js");\n'),
    "a mock in a test": ("a.js", JS, JS + 'test("x", (t) => {\n  t.mock.method(assert, "ok");\n});\n'),
    "a call that runs first": ("a.js", JS, JS.replace("// sums", "patch();")),
    "a hook": ("a.js", JS, JS.replace('  it("is', "  beforeEach(() => patch());\n  it(\"is")),
    "an import for its own sake": ("a.js", JS, 'import "./soft.js";\n' + JS),
    "an import that takes a name": ("a.js", JS, 'import { describe } from "./soft.js";\n' + JS),
    "an import from elsewhere": ("a.js", JS, JS.replace("node:assert", "./assert.js")),
    "an import that went": ("a.js", JS, JS.replace('import { test } from "node:test";\n', "")),
    "a function of a known name": ("a.js", JS, JS + "function add() {\n  return 5;\n}\n"),
    "in the midst of a statement": ("a.js", "const a =\n  f(1);\n", 'const a =\n  test("x");\n  f(1);\n'),
    "an expression that may be two things": ("a.js", JS, JS + 'test("x", () => 4 /2/ 1);\n'),
    "code that looks like a string": ("a.js", JS, JS + "test(\"x\", () => `${`}); evil(); test(\"y\", () => {`}`);\n"),
    "a directive": ("a.js", JS, "// @jest-environment ./soft.js\n" + JS),
    "a main of tests": ("a_test.go", GO, GO + "\nfunc TestMain(m *testing.M) {}\n"),
    "what runs first in Go": ("a_test.go", GO, GO + "\nfunc init() { patch() }\n"),
    "a variable of Go changed": ("a_test.go", GO, GO + "\nfunc TestA(t *testing.T) {\n\tall = nil\n}\n"),
    "a function of Go replaced": ("a_test.go", GO, GO + "\nfunc TestA(t *testing.T) {\n\tcalc.Add = nil\n}\n"),
    "a variable that runs code": ("a_test.go", GO, GO + "\nvar _ = patch()\n"),
    "a build tag": ("a_test.go", GO, "//go:build never\n\n" + GO),
    "the process ended": ("a_test.go", GO, GO + "\nfunc TestA(t *testing.T) {\n\tos.Exit(0)\n}\n"),
    "a dot import": ("a_test.go", GO, GO.replace('"testing"', '(\n\t. "fake"\n\t"testing"\n)')),
    "a macro": ("a.rs", RUST, "macro_rules! assert_eq { () => {}; }\n" + RUST),
    "an attribute on all": ("a.rs", RUST, "#![cfg(windows)]\n" + RUST),
    "an attribute on what was there": ("a.rs", RUST, RUST.replace("#[test]\nfn zero", "#[test]\n#[ignore]\nfn zero")),
    "all of a module": ("a.rs", RUST, RUST.replace("calc::add", "calc::{add, soft::*}")),
    "another name": ("a.rs", RUST, RUST.replace("use calc::add", "use calc::sub as add")),
    "brackets that do not match": ("a.js", JS, JS + "}\n"),
    "a language that nobody knows": ("a.rb", "", ""),
}  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new"), HONEST.values(), ids=HONEST)
def test_what_only_came_is_an_addition(name: str, old: str, new: str) -> None:
    assert only_adds_text(name, old, new)


@pytest.mark.parametrize(("name", "old", "new"), LIES.values(), ids=LIES)
def test_what_changes_how_others_run_is_none(name: str, old: str, new: str) -> None:
    assert not only_adds_text(name, old, new)


def test_tests_are_known_by_their_names() -> None:
    assert find_test_names(JS + TABLE) == {"adds", "more", "is neutral", "adds %i"}
    assert find_test_names(GO) == {"TestAdds"}
    assert find_test_names(RUST) == {"adds", "zero"}
    assert find_test_names("class TestA:\n    async def test_b(self): ...\n") == {"TestA", "test_b"}
