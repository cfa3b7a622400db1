"""Names that are nearly right, and names that are simply others."""

from __future__ import annotations

import pytest

from harness.domain.near_names import bare_name, is_near


@pytest.mark.parametrize(
    ("right", "names"),
    [
        ("harness.yaml", "harness.yml Harness.yaml .harness.yaml harness.yaml.txt harness.json harness.toml"),
        ("order.txt", "order Order.txt order.txt.txt orders.md _order.txt ORDER order.yaml"),
        ("spec.md", "Spec.md spec.MD specs.md .spec.md spec spec.markdown spec.md.txt"),
        ("HALT", "halt Halt HALT.txt .HALT halt.md"),
        ("specs", "spec Specs .specs"),
    ],
)
def test_a_name_is_near_but_for_case_marks_plural_and_ending(right: str, names: str) -> None:
    assert [name for name in names.split() if not is_near(name, right)] == []


@pytest.mark.parametrize(
    ("right", "names"),
    [
        ("harness.yaml", "harness.yaml harness harness.py harness.md harness.txt harness.yaml.bak harness.local.yaml"),
        ("order.txt", "order.txt order.bak border.txt reorder ordering.md"),
        ("HALT", "HALT halt.sh halt.c halted"),
        ("specs", "specs specification docs"),
    ],
)
def test_the_name_itself_and_other_names_are_not_near(right: str, names: str) -> None:
    assert [name for name in names.split() if is_near(name, right)] == []


def test_a_bare_name_keeps_its_case_and_what_is_no_ending_of_text() -> None:
    assert [bare_name(name) for name in ("_a.DONE.txt", "v1.2.done", ".a.log.md")] == ["a.DONE", "v1.2.done", "a.log"]
