"""A manifest has all from a registry where each word of it that an install reads is known; else it may name files."""

from __future__ import annotations

import json

import pytest

from harness.domain.manifests import is_from_registry


def judge(name: str, text: str, *, scripts: bool = True) -> bool:
    return is_from_registry(name, text, scripts=scripts)


def package(**fields: object) -> str:
    return json.dumps(fields)


def lock(**more: object) -> str:
    return json.dumps({"packages": {"": {}, "node_modules/@a/x": {"resolved": "https://r.example/x.tgz", **more}}})


@pytest.mark.parametrize(
    "name", ["test", "pretest", "build", "prebuild", "lint:fix", "type-check", "prettier", "postbuild"]
)
def test_a_script_that_somebody_asks_for_is_not_run_by_an_install(name: str) -> None:
    assert judge("web/package.json", package(scripts={name: "x"}))


@pytest.mark.parametrize(
    "name",
    ["preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare", "prepublish", "dependencies",
     "prepack", "whatever"],
)  # fmt: skip
def test_a_script_that_is_not_known_may_be_run_by_an_install(name: str) -> None:
    assert not judge("package.json", package(scripts={name: "x"}))
    assert judge("package.json", package(scripts={name: "x"}), scripts=False)


@pytest.mark.parametrize("wanted", ["^1.2.3", "1.x || >=2.0.0-beta.1 <3", "*", "latest", "npm:@a/b@~1.0"])
def test_a_version_comes_from_a_registry(wanted: str) -> None:
    assert judge("package.json", package(dependencies={"x": wanted}, overrides={"y": {".": wanted, "z": "$x"}}))


@pytest.mark.parametrize(
    "wanted",
    ["file:../x", "link:x", "portal:x", "workspace:*", "patch:x@npm%3A1.0.0#~/x.patch", "../x", ".", "..", "~/x",
     "x.tgz", "1.0.0.tgz", "user/project", "git+ssh://git@example.org/x", "https://x.example/x.tgz", "exec:./x.js"],
)  # fmt: skip
@pytest.mark.parametrize("table", ["dependencies", "overrides"])
def test_what_is_no_version_may_lie_in_the_project(wanted: str, table: str) -> None:
    assert not judge("package.json", package(**{table: {"x": wanted}}), scripts=False)


@pytest.mark.parametrize("text", ["", "[]", '{"scripts": []}', '{"workspaces": []}', '{"dependencies": ["x"]}'])
def test_a_manifest_that_is_odd_is_not_known(text: str) -> None:
    assert not judge("package.json", text)


def test_a_lock_file_of_npm_names_what_lies_far_and_runs_nothing() -> None:
    assert judge("package-lock.json", lock())
    assert judge("package-lock.json", json.dumps({"packages": {"node_modules/a/node_modules/b": {"inBundle": True}}}))
    assert judge("package-lock.json", lock(resolved=None, version="1.2.3-beta.1"))
    assert not judge("package-lock.json", lock(resolved=None))
    assert not judge("package-lock.json", lock(resolved=None, version="file:../x"))
    assert not judge("package-lock.json", lock(link=True))
    assert not judge("package-lock.json", lock(resolved="file:../x.tgz"))
    assert not judge("package-lock.json", lock(resolved="libs/x"))
    assert not judge("package-lock.json", json.dumps({"packages": {"libs/x": {"resolved": "https://r.example/x"}}}))
    assert not judge("package-lock.json", '{"lockfileVersion": 1, "dependencies": {}}')


def test_a_package_with_scripts_of_its_own_may_read_the_project_if_it_is_not_known() -> None:
    """`@prisma/client` makes its code of a schema in the project."""
    assert not judge("package-lock.json", lock(hasInstallScript=True))
    assert judge("package-lock.json", lock(hasInstallScript=True), scripts=False)
    assert judge("package-lock.json", lock(hasInstallScript=True).replace("@a/x", "a/node_modules/esbuild"))


@pytest.mark.parametrize(
    "line",
    ["", "; a comment", "registry=https://r.example", "@a:registry = x", "//r.example/:_authToken=${T}", " fund=false"],
)
def test_a_setting_of_npm_that_is_known_runs_nothing(line: str) -> None:
    assert judge(".npmrc", f"audit=false\n{line}\n")


@pytest.mark.parametrize("line", ["script-shell=./sh", "  node-options=--require ./x", "[x]", '"shell"=x', "git=./git"])
def test_a_setting_of_npm_that_is_not_known_may_run_the_project(line: str) -> None:
    assert not judge(".npmrc", f"audit=false\n{line}\n")


@pytest.mark.parametrize(
    "source", ['registry = "https://x/simple"', 'editable = "."', 'virtual = "."', 'git = "https://x/y?rev=1#2"']
)
def test_a_lock_file_of_uv_names_what_lies_far_or_the_project_itself(source: str) -> None:
    assert judge("uv.lock", f"[[package]]\nsource = {{ {source} }}")


@pytest.mark.parametrize(
    "source",
    ['registry = "packages"', 'editable = "libs/x"', 'directory = "x"', 'path = "x.whl"', 'virtual = "libs/x"'],
)
def test_a_lock_file_of_uv_may_name_what_lies_in_the_project(source: str) -> None:
    assert not judge("uv.lock", f"[[package]]\nsource = {{ {source} }}")
    assert not judge("uv.lock", "")


def test_a_python_project_whose_fields_are_made_by_its_backend_is_not_known() -> None:
    assert judge("pyproject.toml", '[project]\nname = "x"\n[tool.uv.sources]\nx = { index = "y" }')
    assert not judge("pyproject.toml", '[project]\ndynamic = ["version"]')
    assert not judge("pyproject.toml", "[tool.poetry.requires-plugins]\nx = '1'")
    assert not judge("pyproject.toml", "[tool.uv]\nfind-links = ['wheels']")


def test_a_lock_file_of_poetry_names_what_lies_far() -> None:
    assert judge("poetry.lock", '[[package]]\nname = "x"\n[package.source]\ntype = "git"\nurl = "https://x/y.git"')
    assert not judge("poetry.lock", '[[package]]\nname = "x"\n[package.source]\ntype = "directory"\nurl = "libs/x"')
    assert not judge("poetry.lock", '[[package]]\nname = "x"\n[package.source]\ntype = "git"\nurl = "libs/x"')


GEMFILE = """# frozen_string_literal: true
source "https://rubygems.example"
ruby "3.3.0"

gem "rails", "~> 8.0", ">= 8.0.1"
gem "bootsnap", require: false # it says why
group :development, :test do
  gem "debug", platforms: %i[mri windows], require: "debug/prelude"
end
"""


def test_a_gemfile_of_plain_lines_is_known() -> None:
    assert judge("Gemfile", GEMFILE)
    assert judge("Gemfile.lock", "GEM\n  remote: https://rubygems.example/\n  specs:\n    x (1)\n\nPLATFORMS\n  ruby\n")


@pytest.mark.parametrize(
    "line",
    ["gemspec", "gem 'x', path: 'libs/x'", 'eval_gemfile "x"', "ruby file: '.ruby-version'", 'gem "x", "#{`cat v`}"',
     'ruby "#{`cat v`}"', "gem 'x', File.read('v')", "gem 'x'; load 'y'", "plugin 'x'", "gem 'x', git: 'y'"],
)  # fmt: skip
def test_a_gemfile_with_any_other_line_is_a_program(line: str) -> None:
    assert not judge("Gemfile", f"{GEMFILE}{line}\n")


def test_a_lock_file_of_gems_may_name_what_lies_in_the_project() -> None:
    assert not judge("Gemfile.lock", "PATH\n  remote: libs/x\n")
    assert not judge("Gemfile.lock", "GEM\n  remote: libs/x\n")


def test_a_toolchain_may_lie_in_the_project() -> None:
    assert judge("rust-toolchain.toml", '[toolchain]\nchannel = "1.80"')
    assert not judge("rust-toolchain.toml", '[toolchain]\npath = "tools"')


def test_what_is_no_manifest_of_these_is_not_judged() -> None:
    assert judge("go.sum", "x")
