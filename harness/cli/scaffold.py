"""What `harness init` and `harness new` write: never over something that is there."""

from __future__ import annotations

from pathlib import Path

from harness.domain.errors import UsageError
from harness.domain.slugs import check_slug
from harness.settings.load import CONFIG_FILE, Config
from harness.system import files
from harness.system.shipped import shipped_template


def init_project(config: Config) -> list[str]:
    """Write what is missing for a start and return a line for each thing written; doing it twice changes nothing."""
    paths = config.paths
    told = []
    settings = paths.root / CONFIG_FILE
    if not files.exists(settings):
        files.write_atomic(settings, files.read_text(shipped_template("harness.yaml")))
        told.append(f"wrote {CONFIG_FILE}: settings, all commented out")
    if not files.exists(paths.specs):
        _write_spec(paths.specs / "hello" / config.settings.spec_file, shipped_template("example.md"), "")
        told.append(f"wrote {paths.shown(paths.specs)}/hello/{config.settings.spec_file}: an example to look at")
    ignored = (f"/{paths.shown(paths.logs)}/", "/HALT")
    if missing := [line for line in ignored if line not in _lines(paths.root / ".gitignore")]:
        ignore = paths.root / ".gitignore"
        text = files.read_text(ignore)
        gap = "\n" if text and not text.endswith("\n") else ""
        files.write_atomic(ignore, text + gap + "\n".join(missing) + "\n")
        told.append(f"added {' and '.join(missing)} to .gitignore")
    return told


def new_spec(config: Config, slug: str) -> Path:
    """Write the skeleton of a spec and return its path. Raises UsageError for a bad or taken slug."""
    if reason := check_slug(slug):
        raise UsageError(reason, "a slug is made of letters, digits, `.`, `_` and `-`, at most 64 of them")
    folder = config.paths.specs / slug
    if files.is_dir(config.paths.specs):
        for there in config.paths.specs.iterdir():
            if there.name.lower() == slug.lower():
                raise UsageError(f"`{config.paths.shown(there)}` exists already", "choose another name, or edit it")
    _write_spec(folder / config.settings.spec_file, shipped_template("spec.md"), slug.replace("-", " ").capitalize())
    return folder / config.settings.spec_file


def _write_spec(path: Path, template: Path, title: str) -> None:
    files.make_folder(path.parent)
    files.write_atomic(path, files.read_text(template).replace("{{ title }}", title))


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in files.read_text(path).splitlines()]
