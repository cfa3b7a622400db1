"""How often a law is tried: in short by default, at its full length with `--hypothesis-profile deep`, as CI does."""

from hypothesis import settings

settings.register_profile("quick", max_examples=20, deadline=None)
settings.register_profile("deep", max_examples=100, deadline=None)


def examples(number: int) -> settings:
    """So many examples at full length, a fifth of them in short; no deadline, for the machine may be busy."""
    deep = settings.default is not None and settings.default.max_examples >= 100
    return settings(max_examples=number if deep else max(number // 5, 1), deadline=None)
