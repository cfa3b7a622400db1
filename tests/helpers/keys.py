"""A key that must stay outside, and what stands in for it."""

from __future__ import annotations

KEY = "sk-ant-api03-" + "the-real-key-of-a-test-" + "0123456789"
STAND_IN = "sk-ant-api03-" + "a" * 40
