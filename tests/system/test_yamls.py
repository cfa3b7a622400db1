"""YAML from elsewhere is refused at once where it could do harm."""

from __future__ import annotations

import time

import pytest
import yaml
from helpers.spec_files import problem

BOMBS = {
    "billion laughs": ("a: &a [x]\nb: [*a, *a]", "anchors and aliases"),
    "an anchor alone": ("title: &a x", "anchors and aliases"),
    "an alias alone": ("title: *a", "anchors and aliases"),
    "a merge key": ("checks: {<<: {run: x}}", "merge keys"),
    "a tag": ("title: !!python/object/apply:os.system [id]", "tags"),
    "deep lists": ("[" * 60_000, "nested more than 20 deep"),
    "deep mappings": ("{a: " * 15_000, "nested more than 20 deep"),
    "deep dashes": ("- " * 30_000, "nested more than 20 deep"),
    "too long": ("title: " + "a" * 65_536, "longer than 64 KiB"),
    "many keys": ("".join(f"k{number}: 1\n" for number in range(5500)), "unknown key `k0`"),
    "a long key": ("a" * 1000 + ": 1", "unknown key `aaaa"),
    "two documents": ("title: a\n--- b", "a second document"),
}


@pytest.mark.parametrize("loader", ["libyaml", "python"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_hostile_yaml_is_refused_at_once(bomb, loader, monkeypatch):
    if loader == "python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    front_matter, sentence = BOMBS[bomb]
    begun = time.process_time()
    told = problem(front_matter) or "no problem"
    assert sentence in told
    assert len(told) < 300
    assert time.process_time() - begun < 1
