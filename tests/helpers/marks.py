"""What a test needs of this machine."""

import ctypes
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from helpers.world import BUBBLEWRAP

LINUX = sys.platform == "linux"
needs_bwrap = pytest.mark.skipif(not BUBBLEWRAP, reason="BUBBLEWRAP IS NOT INSTALLED: nothing of the sandbox is proven")
needs_renameat2 = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "renameat2"), reason="needs Linux")


def in_short(cases: Mapping[str, Any], *kept: str) -> list[Any]:
    """Cases of a test, by name: those that are kept are in the default tier, the others are deep."""
    assert set(kept) <= set(cases), f"no such case: {set(kept) - set(cases)}"
    return [
        pytest.param(case, id=name, marks=[] if name in kept else [pytest.mark.deep]) for name, case in cases.items()
    ]
