"""The profile for macOS, as far as it can be seen from here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.sandbox.bubblewrap import Mounts
from harness.sandbox.seatbelt import compose_profile


def test_the_profile_for_macos_denies_what_it_does_not_allow_and_quotes_paths() -> None:
    work = Path('/Users/me/a "b"')
    mounts = Mounts(work, readable=(Path("/Users/me/.nvm"),), protected=(work / ".git/config",), network=False)
    text = compose_profile(
        mounts, scratch=Path("/private/tmp/x"), logs=work / "logs", own=[work / "logs/a.log"], absent=[work / ".envrc"]
    )
    rules = text.splitlines()
    assert rules[1] == "(deny default)"
    quoted = '(subpath "/Users/me/a \\"b\\"/'
    assert f'(deny file-write* {quoted}.git/config") {quoted}.envrc"))' in rules
    assert rules[-2:] == [
        '(deny file-read* file-write* (subpath "/Users/me/a \\"b\\"/logs"))',
        '(allow file-read* file-write* (subpath "/Users/me/a \\"b\\"/logs/a.log"))',
    ]
    assert '(literal "/Users/me/a \\"b\\"/.git")' in text
    assert "(allow network*)" not in text
    assert text.count("(") == text.count(")")
    assert "(allow network*)" in compose_profile(replace(mounts, network=True), scratch=work, logs=work / "logs")
