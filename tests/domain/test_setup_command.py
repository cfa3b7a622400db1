"""What a setup depends on: manifests alone only where all that it installs is known to come from a registry."""

from __future__ import annotations

import json

import pytest

from harness.domain.setup_command import depends_on_manifests, is_manifest

LOCK = json.dumps(
    {
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "p"},
            "node_modules/x": {"version": "1.0.0", "resolved": "https://registry.example/x.tgz"},
            "node_modules/esbuild": {"resolved": "https://registry.example/e.tgz", "hasInstallScript": True},
        },
    }
)
NPM = {"package.json": '{"scripts": {"test": "jest", "lint:fix": "x"}}', "package-lock.json": LOCK}
UV = {"pyproject.toml": "", "uv.lock": '[[package]]\nsource = { registry = "https://pypi.example/simple" }'}
POETRY = {"pyproject.toml": "", "poetry.lock": '[[package]]\nname = "x"'}
GEMS = {
    "Gemfile": "source 'https://rubygems.example'\ngem 'x', '~> 1'\n",
    "Gemfile.lock": "GEM\n  remote: https://x/\n",
}
OF = {"npm": NPM, "uv": UV, "poetry": POETRY, "bundle": GEMS, "go": {"go.mod": ""}, "cargo": {"Cargo.lock": ""}}


def depends_on(command: str, *more: str, **changed: str) -> bool:
    """Whether it depends on manifests alone, in a project with what it needs, more files, and manifests as given."""
    manifests = {**OF.get(command.partition(" ")[0], NPM), **changed}
    return depends_on_manifests(command, [*manifests, "src/x.js", *more], manifests)


@pytest.mark.parametrize(
    "command",
    ["npm ci", "npm ci --no-audit --omit=dev", "npm ci --ignore-scripts", "npm install", "bundle install",
     "uv sync --no-install-project --frozen", "poetry install --no-root", "go mod download", "cargo fetch --locked"],
)  # fmt: skip
def test_an_install_by_lock_files_depends_on_them_alone(command: str) -> None:
    assert depends_on(command)


@pytest.mark.parametrize(
    "command",
    ["make setup", "npm ci && npm run build", "npm install ./local", "npm ci --prefix web", "npm ci --prefix=web",
     "npm ci --script-shell=./sh", "uv sync --no-install-project --config-file=x", "poetry install", "npm run ci",
     "pip install -r requirements.txt", "npm cite", "it's odd", "", "pnpm install", "yarn install --immutable",
     "bun install", "uv sync", "pdm install --no-self", "composer install --no-scripts", "npm ci > x", "X=1 npm ci"],
)  # fmt: skip
def test_any_other_command_may_depend_on_all_that_is_there(command: str) -> None:
    assert not depends_on(command)


@pytest.mark.parametrize(
    "command, name",
    [("npm ci", "binding.gyp"), ("npm ci", "lib/binding.gyp"), ("uv sync --no-install-project", "uv.toml"),
     ("bundle install", ".bundle/config"), ("cargo fetch", ".cargo/config.toml")],
)  # fmt: skip
def test_an_install_that_does_more_by_a_file_of_the_project_depends_on_all_of_it(command: str, name: str) -> None:
    assert depends_on(command) and not depends_on(command, name)


def test_an_install_without_its_lock_file_depends_on_all_that_is_there() -> None:
    assert not depends_on_manifests("npm ci", ["package.json"], {"package.json": "{}"})


def test_manifests_that_an_install_does_not_read_make_no_difference() -> None:
    assert depends_on("npm ci", **{"pyproject.toml": "no TOML", "yarn.lock": "x"})
    assert not depends_on("npm ci", **{"examples/package.json": '{"workspaces": ["x"]}'})


def test_lock_files_and_what_they_are_made_from_are_manifests() -> None:
    assert is_manifest("package-lock.json") and is_manifest("web/package.json") and is_manifest("x.gemspec")
    assert not is_manifest("src/package.py")
