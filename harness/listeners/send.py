"""The small program that carries one message out, so that a dead network costs a run no more than its bound.

Started as `python -P send.py`; reads one JSON document on stdin: `{"webhook": URL, "body": {...}, "tries",
"pause", "timeout"}` or `{"apprise": [URL, ...], "title", "body"}`. Prints `{"failed": [{"channel", "why"}]}`.
Addresses hold secrets: they come through stdin, and nothing that is printed holds one.
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
import time
import urllib.error
import urllib.request
from typing import Any

PASSING = (408, 425, 429)  # statuses that may be another one soon, besides 5xx


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Goes nowhere but where it was sent."""

    def redirect_request(self, *given: Any, **named: Any) -> None:  # noqa: ANN401
        """Refuse."""
        return


def main() -> None:
    """Carry one message out and say what failed."""
    order = json.load(sys.stdin)
    logging.disable()
    failed = post(order) if "webhook" in order else speak(order)
    print(json.dumps({"failed": failed}))


def post(order: dict[str, Any]) -> list[dict[str, str]]:
    """POST the body as JSON, again after a pause that doubles where that can help."""
    why = ""
    for number in range(order["tries"]):
        time.sleep(order["pause"] * 2 ** (number - 1) if number else 0)
        why, passing = _post_once(order["webhook"], json.dumps(order["body"]).encode(), order["timeout"])
        if not why:
            return []
        if not passing:
            break
    return [{"channel": "webhook", "why": why}]


def _post_once(url: str, body: bytes, timeout: float) -> tuple[str, bool]:
    """Return why it failed, "" when it did not, and whether another try makes sense."""
    headers = {"Content-Type": "application/json", "User-Agent": "harness"}
    try:
        request = urllib.request.Request(url, body, headers, method="POST")
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout) as answer:
            answer.read(4096)
    except urllib.error.HTTPError as error:
        error.close()
        return f"it answered {error.code}", error.code >= 500 or error.code in PASSING
    except urllib.error.URLError as error:
        return _say(error.reason), True
    except OSError as error:
        return _say(error), True
    except Exception as error:  # an address that cannot be used: its text may hold the address
        return type(error).__name__, False
    return "", False


def _say(reason: object) -> str:
    """Return what went wrong, in words that cannot hold the address."""
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    return (reason.strerror if isinstance(reason, OSError) else "") or type(reason).__name__


def speak(order: dict[str, Any]) -> list[dict[str, str]]:
    """Tell each of the channels that apprise knows."""
    try:
        apprise: Any = importlib.import_module("apprise")
    except ImportError:
        return [{"channel": "notify", "why": "apprise is not installed: pip install 'harness-loop[notify]'"}]
    failed = []
    for url in order["apprise"]:
        channel = url.partition(":")[0][:20]
        one = apprise.Apprise()
        try:
            why = "" if one.add(url) else "apprise does not know such an address"
            why = why or ("" if one.notify(title=order["title"], body=order["body"]) else "it was not delivered")
        except Exception as error:
            why = type(error).__name__
        failed += [{"channel": channel, "why": why}] if why else []
    return failed


if __name__ == "__main__":
    main()
