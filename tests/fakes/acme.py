"""A made-up agent, started as `acme run --format json`: it does what the spec says, and tells what it saw."""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.request
from pathlib import Path


def say(kind: str, **part: object) -> None:
    print(json.dumps({"type": kind, "sessionID": "ses_1", "part": part}), flush=True)


def main() -> int:
    if "--version" in sys.argv:
        print("acme 9.9.9")
        return 0
    if sys.argv[1:4] != ["run", "--format", "json"]:
        return 2
    prompt = sys.stdin.read()
    done = Path(re.search(r"/\S*\.done", prompt)[0])
    login = Path.home() / ".local/share/acme/auth.json"
    if "RUN DRY" in prompt:
        print("acme: the tank is empty", file=sys.stderr)
        return 1
    say("step_start")
    seen = {
        "settings": (Path.home() / ".config/acme/acme.json").exists(),
        "login": login.exists(),
        "key": os.environ.get("ACME_API_KEY", ""),
    }
    if "CALL" in prompt:
        address = os.environ["ACME_BASE_URL"] + "/v1/chat"
        request = urllib.request.Request(address, b"{}", {"Authorization": f"Bearer {seen['key']}"})
        with urllib.request.urlopen(request) as answer:
            seen["answer"] = answer.read().decode()
    if "REFRESH" in prompt:
        login.write_text("refreshed")
    if "FORGE" in prompt:
        Path(".acme.json").write_text('{"hooks": {}}')
    Path("seen.json").write_text(json.dumps(seen))
    with (done.parent / f"{done.stem}.log").open("a") as log:
        log.write("acme did one thing, and wrote down what it saw in seen.json\n")
    done.write_text("it is done\n")
    say("text", text="I did it.")
    say("step_finish", reason="stop", cost=0.25, tokens={"input": 1000, "output": 50})
    return 0


if __name__ == "__main__":
    sys.exit(main())
