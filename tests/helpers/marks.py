"""What a test needs of this machine."""

import ctypes
import sys

import pytest
from helpers.world import BUBBLEWRAP

LINUX = sys.platform == "linux"
needs_bwrap = pytest.mark.skipif(not BUBBLEWRAP, reason="BUBBLEWRAP IS NOT INSTALLED: nothing of the sandbox is proven")
needs_renameat2 = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "renameat2"), reason="needs Linux")
