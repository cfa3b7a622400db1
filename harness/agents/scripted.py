"""The scripted agent: replies and file effects from a YAML file. Runs `harness demo` and rehearsals without a model.

Started by its path as a process of its own, like every agent: prompt on stdin, JSON lines on stdout. The script:

    features:
      greet:                      # a slug; `default` stands for every other
        - say: I write the greeting first.
          files: {greet.py: "print('hello')\n"}
          append: {notes.txt: "one more line\n"}
          run: python3 greet.py   # a shell command; its output is said, its exit code ends the attempt if not 0
          note: Wrote greet.py and ran it.
          learning: the checks run from the root of the repository
          done: greets
          sleep: 0.5
          exit: 0
          cost: 0.25              # dollars that the result reports; default 0
          usage: {input_tokens: 1200, output_tokens: 80, cache_read_input_tokens: 9000}   # tokens it reports
          events: [{type: system, subtype: api_retry, error_status: 529}]   # raw stream events, printed as they are
        - ...                     # the second attempt, and so on; the last one repeats

    reviews:                      # likewise, for a claim of the feature that is to be reviewed
      greet:
        - say: '[{"criterion": 1, "verdict": "pass", "sentence": "It greets."}]'

In `files`, `append`, `note` and `done` the words {log}, {done}, {learnings} and {date} are replaced.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Step = dict[str, Any]


def main() -> int:
    """Play one step of the script; the exit code is the step's."""
    prompt, script = sys.stdin.read(), Path(sys.argv[1])
    words = {"date": datetime.now(UTC).date().isoformat()}
    if reviewed := os.environ.get("HARNESS_REVIEW"):
        step = choose_step(script, reviewed, Path(), part="reviews")
    else:
        done = _find_path(prompt, ".done")
        slug, logs = done.stem, done.parent
        words |= {
            "log": str(logs / f"{slug}.log"),
            "done": str(done),
            "learnings": str(logs / "learnings.md"),
        }
        step = choose_step(script, slug, logs)
    _print({"type": "system", "subtype": "init", "cwd": str(Path.cwd()), "model": "scripted", "tools": []})
    code = _play(step, words)
    for event in step.get("events", ()):
        _print(event)
    if code == 0 and step.get("result", True):
        _print_result(step)
    return code


def _find_path(prompt: str, suffix: str) -> Path:
    found = re.search(r"(/[^\n`'\"]*?" + re.escape(suffix) + r")(?=[\s`'\",;)]|$)", prompt)
    if found is None:
        sys.exit("the prompt names no path that ends in .done")
    return Path(found[1])


def choose_step(script: Path, slug: str, logs: Path, part: str = "features") -> Step:
    """Return the step that this attempt plays. Exits with a sentence where the script holds none."""
    import yaml

    try:
        features = yaml.safe_load(script.read_text("utf-8"))[part]
        steps = features.get(slug) or features.get("default") or []
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, KeyError, TypeError) as error:
        sys.exit(f"the script {script.name} is not YAML with `{part}:` in UTF-8: {' '.join(str(error).split())}")
    if not steps:
        sys.exit(f"the script has no steps for {slug}")
    return dict(steps[min(_find_attempt(logs / "attempts" / slug), len(steps)) - 1])


def _find_attempt(folder: Path) -> int:
    """Return which attempt this is: as harness says it, else as many as there are folders of attempts."""
    if (said := os.environ.get("HARNESS_ATTEMPT", "")).isdecimal():
        return max(1, int(said))
    if not folder.is_dir():
        return 1
    return max((int(name) for name in os.listdir(folder) if name.isdecimal()), default=1)  # noqa: PTH208


def _play(step: Step, words: dict[str, str]) -> int:
    if "say" in step:
        _print({"type": "assistant", "message": {"model": "scripted", "content": [_text(str(step["say"]))]}})
    for name, content in dict(step.get("files", {})).items():
        path = Path(_fill(name, words))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_fill(content, words), "utf-8")
    for name, content in dict(step.get("append", {})).items():
        _append(Path(_fill(name, words)), _fill(content, words))
    time.sleep(float(step.get("sleep", 0)))
    if "run" in step and (code := _run(str(step["run"]))):
        return code
    if "note" in step:
        _append(Path(words["log"]), _fill(step["note"], words).rstrip("\n") + "\n")
    if "learning" in step:
        _append(Path(words["learnings"]), f"- {words['date']}: {_fill(step['learning'], words)}\n")
    if "done" in step:
        Path(words["done"]).write_text(_fill(step["done"], words) + "\n", "utf-8")
    return int(step.get("exit", 0))


def _run(command: str) -> int:
    _print({"type": "assistant", "message": {"content": [_tool_use(command)]}})
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, errors="replace", check=False)
    output = {"type": "tool_result", "tool_use_id": "t1", "content": ran.stdout + ran.stderr}
    _print({"type": "user", "message": {"content": [{**output, "is_error": ran.returncode != 0}]}})
    return ran.returncode


def _tool_use(command: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": command}}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _fill(text: object, words: dict[str, str]) -> str:
    return re.sub(r"\{(log|done|learnings|date)\}", lambda match: words.get(match[1], match[0]), str(text))


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _print(event: dict[str, Any]) -> None:
    print(json.dumps(event), flush=True)


def _print_result(step: Step) -> None:
    text, cost = str(step.get("say", "Played one step.")), float(step.get("cost", 0))
    usage = {"input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
    usage |= dict(step.get("usage", {}))
    result = {"subtype": "success", "is_error": False, "num_turns": 1, "result": text, "stop_reason": "end_turn"}
    _print({"type": "result", **result, "total_cost_usd": cost, "usage": usage})


if __name__ == "__main__":
    sys.exit(main())
