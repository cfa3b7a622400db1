"""What a setup depends on: manifests alone only where that is certain."""

from __future__ import annotations

import pytest

from harness.domain.setup_command import depends_on_manifests, is_manifest


@pytest.mark.parametrize(
    "command",
    ["npm ci", "npm ci --no-audit", "pnpm install --frozen-lockfile", "uv sync --no-install-project", "bundle install",
     "npm ci --ignore-scripts", "poetry install --no-root", "go mod download"],
)  # fmt: skip
def test_an_install_by_lock_files_depends_on_them_alone(command: str) -> None:
    assert depends_on_manifests(command, ['{"scripts": {"test": "jest"}}'])


@pytest.mark.parametrize(
    "command",
    ["make setup", "npm ci && npm run build", "npm install ./local", "npm ci --prefix web", "uv sync",
     "poetry install", "pip install -r requirements.txt", "npm run ci", "npm cite", "it's odd", ""],
)  # fmt: skip
def test_any_other_command_may_depend_on_all_that_is_there(command: str) -> None:
    assert not depends_on_manifests(command, [])


@pytest.mark.parametrize("own", ['"prepare": "husky"', '"postinstall":"prisma generate"', '"x": "file:../x"'])
def test_an_install_that_runs_code_of_the_project_depends_on_all_of_it(own: str) -> None:
    assert not depends_on_manifests("npm ci", ["{}", f"{{{own}}}"])


def test_lock_files_and_what_they_are_made_from_are_manifests() -> None:
    assert is_manifest("package-lock.json") and is_manifest("web/package.json") and is_manifest("x.gemspec")
    assert not is_manifest("src/package.py")


@pytest.mark.parametrize(
    "command, manifest",
    [
        ("npm ci --ignore-scripts", '{"dependencies": {"x": "file:../x"}}'),
        ("uv sync --no-install-project", '[tool.uv.sources]\nfoo = { path = "libs/foo" }'),
        ("uv sync --no-install-project", 'source = { directory = "libs/foo" }'),
        ("poetry install --no-root", '[package.source]\ntype = "directory"\nurl = "libs/foo"'),
        ("bundle install", "PATH\n  remote: libs/foo\n"),
        ("bundle install", "gem 'foo', path: 'libs/foo'"),
        ("composer install --no-scripts", '{"repositories": [{"type": "path", "url": "libs/foo"}]}'),
    ],
)
def test_an_install_of_what_lies_in_the_project_depends_on_all_of_it(command: str, manifest: str) -> None:
    assert depends_on_manifests(command, ["{}", 'source = { editable = "." }'])
    assert not depends_on_manifests(command, ["{}", manifest])
