"""What lock files and manifests say: whether all that an install makes of them is known to come from a registry. Pure.

Each is held against what is known to be harmless; what is not known may name files of the project, or run them.

Sources: the manuals of npm, uv, Poetry, Bundler and Cargo, and the lock files that they write.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

_FAR = re.compile(r"https?://")
# A version, a range of them, or the name of one; behind `npm:` after the name of a package; or what another one has.
_RANGE = re.compile(r"(npm:(@[\w.-]+/)?[\w.-]+@)?(\*|[a-z]+|[v^~<>=|*\s-]*\d[\w.^~<>=|*\s+-]*)|\$[\w@/.-]+")
_ARCHIVE = re.compile(r"\.(tgz|tar|tar\.gz)$")
_DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "overrides")
# Scripts that npm runs where somebody asks for them; its own events have names of one word, too.
_ASKED_FOR = {
    "bench", "build", "check", "clean", "cover", "coverage", "deploy", "dev", "docs", "e2e", "eslint", "fix", "format",
    "jest", "lint", "mocha", "prettier", "preview", "serve", "start", "stop", "test", "tests", "tsc", "typecheck",
    "types", "vitest", "watch",
}  # fmt: skip
# Packages whose own scripts read nothing of the project that they are installed in.
_READ_NOTHING = {
    "@parcel/watcher", "@swc/core", "bcrypt", "better-sqlite3", "bufferutil", "core-js", "core-js-pure", "es5-ext",
    "esbuild", "fsevents", "sharp", "sqlite3", "unrs-resolver", "utf-8-validate",
}  # fmt: skip
_NPMRC = re.compile(
    r"(?:[#;].*|(?:@[\w.-]+:)?registry\s*=.*|//[^=]*:(?:_authToken|_auth|_password|username|email)\s*=.*"
    r"|(?:always-auth|audit|engine-strict|fund|ignore-scripts|legacy-peer-deps|lockfile-version|loglevel|package-lock"
    r"|prefer-offline|progress|save-exact|save-prefix|strict-peer-deps|strict-ssl|update-notifier)\s*=.*)?"
)
_UV = {
    "constraint-dependencies", "default-groups", "dev-dependencies", "environments", "exclude-newer", "index",
    "managed", "override-dependencies", "package", "prerelease", "python-preference", "required-environments",
    "required-version", "resolution", "sources",
}  # fmt: skip
_GEMFILE = re.compile(
    r"""\s*(?:end|source\s+["']https?://[^"'#]*["'](?:\s+do)?|ruby\s+["'][^"'#]*["']|group\s+[:\w,\s]+do"""
    r"""|gem\s+["'][\w.-]+["'](?:,\s*["'][^"'#]*["'])*"""
    r"""(?:,\s*(?:require|groups?|platforms?):\s*(?:false|true|:\w+|["'][^"'#]*["']|\[[:\w,\s]*\]|%[iw]\[[\w\s]*\]))*)?\s*(?:\#.*)?"""
)
_OF_GEMS = {"GEM", "PLATFORMS", "DEPENDENCIES", "RUBY VERSION", "BUNDLED WITH", "CHECKSUMS"}


def is_from_registry(name: str, text: str, *, scripts: bool) -> bool:
    """Whether all that a lock file or manifest has installed is known to come from a registry, by its text.

    `scripts` says that the install runs those of the packages, and the project's own.
    """
    judge = _JUDGES.get(name.rpartition("/")[2])
    try:
        return judge is None or judge(text, scripts)
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError):
        return False


def _judge_package(text: str, scripts: bool) -> bool:
    package = _mapping(json.loads(text))
    wanted = [one for key in _DEPENDENCIES for one in _mapping(package.get(key, {})).values()]
    own = _mapping(package.get("scripts", {}))
    return "workspaces" not in package and all(map(_is_range, wanted)) and not (scripts and any(map(_may_run, own)))


def _is_range(value: object) -> bool:
    if isinstance(value, dict):  # of overrides
        return all(map(_is_range, value.values()))
    return isinstance(value, str) and _RANGE.fullmatch(value) is not None and not _ARCHIVE.search(value)


def _may_run(script: str) -> bool:
    """Whether npm may run a script of this name by itself."""
    return not re.search("[:_.-]", script) and _ASKED_FOR.isdisjoint(
        {script, script.removeprefix("pre"), script.removeprefix("post")}
    )


def _judge_npm_lock(text: str, scripts: bool) -> bool:
    found = {place: one for place, one in _mapping(_mapping(json.loads(text))["packages"]).items() if place}
    runs = {place.rpartition("node_modules/")[2] for place, one in found.items() if one.get("hasInstallScript")}
    far = map(_is_far, found.values())
    return (
        all(far)
        and all(place.startswith("node_modules/") for place in found)
        and not (scripts and runs - _READ_NOTHING)
    )


def _is_far(one: Mapping[str, Any]) -> bool:
    """Whether npm takes a package from a registry, or from within another; where no place is named, by its version."""
    named = one.get("resolved")
    is_far = _FAR.match(named) if named is not None else re.fullmatch(r"\d[\w.+-]*", one.get("version", ""))
    return (is_far is not None or bool(one.get("inBundle"))) and not one.get("link")


def _judge_npmrc(text: str, scripts: bool) -> bool:
    return all(_NPMRC.fullmatch(line.strip()) for line in text.splitlines())


def _judge_pyproject(text: str, scripts: bool) -> bool:
    document = tomllib.loads(text)
    tools = document.get("tool", {})
    plain = "requires-plugins" not in tools.get("poetry", {}) and set(tools.get("uv", {})) <= _UV
    return plain and not document.get("project", {}).get("dynamic")  # the build backend says what that is


def _judge_uv_lock(text: str, scripts: bool) -> bool:
    sources = [_mapping(one["source"]) for one in tomllib.loads(text)["package"]]
    own = ({"virtual": "."}, {"editable": "."})
    far = (all(key in ("registry", "url", "git") and _FAR.match(at) for key, at in one.items()) for one in sources)
    return all(one in own or is_far for one, is_far in zip(sources, far, strict=True))


def _judge_poetry_lock(text: str, scripts: bool) -> bool:
    sources = [_mapping(one["source"]) for one in tomllib.loads(text)["package"] if "source" in one]
    return all(one["type"] in ("legacy", "url", "git") and _FAR.match(one["url"]) for one in sources)


def _judge_gemfile(text: str, scripts: bool) -> bool:
    return all(map(_GEMFILE.fullmatch, text.splitlines()))


def _judge_gem_lock(text: str, scripts: bool) -> bool:
    heads = {line for line in text.splitlines() if line[:1].strip()}
    return heads <= _OF_GEMS and all(map(_FAR.match, re.findall(r"^ +remote: (.*)$", text, re.MULTILINE)))


def _judge_toolchain(text: str, scripts: bool) -> bool:
    return "path" not in text


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{type(value)} is no mapping")
    return value


_JUDGES: dict[str, Callable[[str, bool], bool]] = {
    "package.json": _judge_package, "package-lock.json": _judge_npm_lock, "npm-shrinkwrap.json": _judge_npm_lock,
    ".npmrc": _judge_npmrc,
    "pyproject.toml": _judge_pyproject, "uv.lock": _judge_uv_lock,
    "poetry.lock": _judge_poetry_lock,
    "Gemfile": _judge_gemfile, "Gemfile.lock": _judge_gem_lock,
    "rust-toolchain": _judge_toolchain, "rust-toolchain.toml": _judge_toolchain,
}  # fmt: skip
