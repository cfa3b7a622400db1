"""What a test needs of this machine."""

import ctypes
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from helpers.world import BUBBLEWRAP

LINUX = sys.platform == "linux"
needs_bwrap = pytest.mark.skipif(not BUBBLEWRAP, reason="BUBBLEWRAP IS NOT INSTALLED: nothing of the sandbox is proven")
needs_renameat2 = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "renameat2"), reason="needs Linux")

# Where an agent and checks are confined, and where not: the second in the default tier only where the first cannot be.
SANDBOXES = [
    pytest.param("none", marks=pytest.mark.deep if BUBBLEWRAP else ()),
    pytest.param("bwrap", marks=needs_bwrap),
]


def in_short(cases: Mapping[str, Any] | Iterable[Any], *kept: str) -> list[Any]:
    """Cases of a test, by name: those that are kept are in the default tier, the others are deep.

    Cases without names are words, or made by `pytest.param` with an id.
    """
    named = cases if isinstance(cases, Mapping) else {str(getattr(one, "id", one)): one for one in cases}
    assert set(kept) <= set(named), f"no such case: {set(kept) - set(named)}"
    return [_as_param(name, case, name in kept) for name, case in named.items()]


def _as_param(name: str, case: Any, kept: bool) -> Any:
    values, marks = (case.values, case.marks) if hasattr(case, "marks") else ([case], ())
    return pytest.param(*values, id=name, marks=[*marks, *([] if kept else [pytest.mark.deep])])
