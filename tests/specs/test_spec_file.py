"""Files in the folder of specs, opened: no pipe waited for, no link followed out, no crash."""

from __future__ import annotations

import os

import pytest
from helpers.spec_files import read, write

from harness.domain.errors import SpecError
from harness.specs.shelf import SpecsFolder
from harness.specs.spec_file import read_spec_text


def test_a_folder_or_a_pipe_in_place_of_the_spec_is_a_problem_and_no_wait(specs):
    (specs / "x" / "spec.md").mkdir(parents=True)
    (specs / "y").mkdir()
    os.mkfifo(specs / "y" / "spec.md")
    told = [feature.problem for feature in read(specs).values()]
    assert told == [
        "specs/x/spec.md is a folder, not a file",
        "specs/y/spec.md is a pipe, socket or device, not a file",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_spec_that_may_not_be_read_is_a_problem(specs):
    write(specs, "x").chmod(0)
    assert read(specs)["x"].problem == "specs/x/spec.md cannot be read: permission denied"


def test_a_spec_that_may_not_be_read_is_a_problem_for_root_too(specs, monkeypatch):
    write(specs, "x")
    monkeypatch.setattr(os, "open", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    assert read(specs)["x"].problem == "specs/x/spec.md cannot be read: permission denied"


def test_symlinks_that_lead_outside_or_nowhere_are_problems(specs, tmp_path):
    (tmp_path / "spec.md").write_text("secret")
    (tmp_path / "specs-too").mkdir()
    (tmp_path / "specs-too" / "spec.md").write_text("secret")
    (specs / "folder").symlink_to(tmp_path)
    (specs / "prefix").symlink_to(tmp_path / "specs-too")
    (specs / "file").mkdir()
    (specs / "file" / "spec.md").symlink_to(tmp_path / "spec.md")
    (specs / "gone").symlink_to("nowhere")
    (specs / "lost").mkdir()
    (specs / "lost" / "spec.md").symlink_to("nowhere")
    features = read(specs)
    outside = "specs/{}/spec.md leads outside specs/ by a symlink"
    told = {slug: feature.problem for slug, feature in features.items()}
    assert told.pop("gone") == "specs/gone is a symlink that leads nowhere"
    assert told.pop("lost") == "specs/lost/spec.md is a symlink that leads nowhere"
    assert told == {slug: outside.format(slug) for slug in ("file", "folder", "prefix")}
    with pytest.raises(SpecError, match="leads outside"):
        read_spec_text(features["file"])


def test_a_spec_replaced_by_a_symlink_to_its_own_inode_outside_is_noticed(specs, tmp_path):
    path = write(specs, "a")
    shelf = SpecsFolder(specs)
    shelf.read()
    path.rename(tmp_path / "moved.md")
    path.symlink_to(tmp_path / "moved.md")
    assert "leads outside" in (shelf.read().features[0].problem or "")


@pytest.mark.parametrize("name", ["", "..", "../spec.md", "a/b", "a\0b"], ids=ascii)
def test_a_spec_file_name_that_leads_elsewhere_is_refused(specs, name):
    with pytest.raises(SpecError, match="is not a file name for specs"):
        SpecsFolder(specs, name)


def test_a_spec_that_vanishes_between_listing_and_opening_is_a_problem_and_no_crash(specs, monkeypatch):
    path = write(specs, "a")
    really = os.open

    def vanish(name, *args, **kwargs):
        if str(name).endswith("spec.md"):
            path.unlink(missing_ok=True)
        return really(name, *args, **kwargs)

    monkeypatch.setattr(os, "open", vanish)
    assert SpecsFolder(specs).read().features[0].problem == "specs/a has no spec.md"


def test_the_text_for_the_prompt_is_the_body_and_whole_with_front_matter(specs):
    write(specs, "a", b"\xef\xbb\xbf---\r\ntitle: x\r\n---\r\nbody \xc3\xa4\r\n")
    (each,) = read(specs).values()
    assert read_spec_text(each) == "body ä\n"
    assert read_spec_text(each, whole=True) == "---\ntitle: x\n---\nbody ä\n"


def test_the_text_of_a_spec_that_is_gone_is_an_error_and_no_crash(specs):
    path = write(specs, "a")
    (each,) = read(specs).values()
    path.unlink()
    with pytest.raises(SpecError, match=r"^specs/a has no spec\.md$"):
        read_spec_text(each)
