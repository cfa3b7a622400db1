"""What an agent forges to be obeyed outside."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

FORGE = """
mkdir -p evil
cp -r .git/objects .git/refs evil/ 2>/dev/null
printf '[core]\\n\\tfsmonitor = %s\\n[commit]\\n\\tgpgsign = true\\n[gpg]\\n\\tprogram = %s\\n' \\
  "$PWD/evil.sh" "$PWD/evil.sh" > evil/config
printf '#!/bin/sh\\ntouch {ran}\\nexit 1\\n' > evil.sh; chmod +x evil.sh
echo ../evil > .git/commondir
ln -s {home} .mcp.json
"""
FORGED = (".git/commondir", ".mcp.json")


def forger(tmp_path: Path, where: str) -> str:
    """Shell code of an agent that writes a script, which forges a repository and a link when somebody else runs it."""
    script = FORGE.format(ran=tmp_path / "ran", home=tmp_path / "home")
    written = f"cat > {where} <<'THE_END'\n#!/bin/sh\n{script}\nexit 0\nTHE_END\n"
    return f"mkdir -p $(dirname {where}); {written}chmod +x {where}"


def standing(world: Any) -> list[str]:
    return [name for name in FORGED if os.path.lexists(world.root / name)]
