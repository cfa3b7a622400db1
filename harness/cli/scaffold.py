"""What `harness init` and `harness new` write: never over something that is there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from harness.decide.judge_files import propose_patterns
from harness.domain.errors import UsageError
from harness.domain.obeyed import INSTALLED
from harness.domain.slugs import check_slug
from harness.domain.text import list_some
from harness.settings.load import CONFIG_FILE, Config
from harness.system import files
from harness.system.shipped import shipped_template
from harness.workspace.held_out import FOLDER

MOST_LISTED = 20_000  # files that are looked at for a proposal
MOST_PROPOSED, SHOWN = 12, 3


def init_project(config: Config) -> list[str]:
    """Write what is missing for a start and return a line for each thing written; doing it twice changes nothing."""
    paths = config.paths
    told = []
    settings = paths.root / CONFIG_FILE
    if not files.exists(settings):
        text, judge = files.read_text(shipped_template("harness.yaml")), propose_patterns(_list_names(paths.root))
        if judge:
            text = text.replace("# judge: []", f"# judge: [{', '.join(map(json.dumps, judge[:MOST_PROPOSED]))}]")
        files.write_atomic(settings, text)
        found = f"; look at `judge`, found here: {list_some(judge, SHOWN)}" if judge else ""
        told.append(f"wrote {CONFIG_FILE}: settings, all commented out{found}")
    if not files.exists(paths.specs):
        _write_spec(paths.specs / "hello" / config.settings.spec_file, shipped_template("example.md"), "")
        told.append(f"wrote {paths.shown(paths.specs)}/hello/{config.settings.spec_file}: an example to look at")
    if missing := _ignore(config, [f"/{paths.shown(paths.logs)}/", "/HALT"]):
        told.append(f"added {' and '.join(missing)} to .gitignore")
    return told


def new_spec(config: Config, slug: str, *, held_out: bool = False) -> list[Path]:
    """Write the skeleton of a spec, `held_out` with a check beside it that its agent never sees; returns the files.

    Raises UsageError for a bad or taken slug.
    """
    if reason := check_slug(slug):
        raise UsageError(reason, "a slug is made of letters, digits, `.`, `_` and `-`, at most 64 of them")
    folder = config.paths.specs / slug
    if files.is_dir(config.paths.specs):
        for there in config.paths.specs.iterdir():
            if there.name.lower() == slug.lower():
                raise UsageError(f"`{config.paths.shown(there)}` exists already", "choose another name, or edit it")
    written = [folder / config.settings.spec_file]
    _write_spec(written[0], shipped_template("spec.md"), slug.replace("-", " ").capitalize())
    if held_out:
        written.append(folder / FOLDER / "cases.sh")
        _write_spec(written[1], shipped_template("held-out.sh"), "")
        command = f"held_out: [sh {config.paths.shown(written[1])}]"
        files.write_atomic(written[0], files.read_text(written[0]).replace("\n---\n", f"\n{command}\n---\n", 1))
        _ignore(config, [f"{config.paths.shown(config.paths.specs)}/*/{FOLDER}/"])
    return written


def _ignore(config: Config, lines: list[str]) -> list[str]:
    """Add lines to .gitignore and return those that were missing."""
    ignore = config.paths.root / ".gitignore"
    if missing := [line for line in lines if line not in _lines(ignore)]:
        text = files.read_text(ignore)
        gap = "\n" if text and not text.endswith("\n") else ""
        files.write_atomic(ignore, text + gap + "\n".join(missing) + "\n")
    return missing


def _write_spec(path: Path, template: Path, title: str) -> None:
    files.make_folder(path.parent)
    files.write_atomic(path, files.read_text(template).replace("{{ title }}", title))


def _list_names(root: Path) -> Iterator[str]:
    """Yield the names of the files of a project, without what is installed, hidden or beyond the first thousands."""
    left = MOST_LISTED
    for at, folders, names in os.walk(root):
        folders[:] = sorted(one for one in folders if one not in INSTALLED and (one[0] != "." or one == ".ci"))
        for name in sorted(names):
            if (left := left - 1) < 0:
                return
            yield str((Path(at) / name).relative_to(root))


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in files.read_text(path).splitlines()]
