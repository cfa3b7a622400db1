"""Before the first call: does the prompt fit the model? Counting is free; a prompt that is too long is cut first."""

from __future__ import annotations

from harness.agents.api.asking import ModelCalls
from harness.agents.api.client import Client
from harness.agents.api.failure import CallFailed, Ending, Kind
from harness.agents.prompt import shorten_tails
from harness.domain.units import format_size

SHARE = 0.8  # of the window that a prompt may fill: the work needs the rest
BYTES = 3  # about so many make a token, on the careful side
ROUNDS = 3
ASK_FROM = 100_000  # bytes; a shorter prompt fits every model that can do the work


async def fit(asking: ModelCalls, prompt: str, window: int | None, *, ask_server: bool) -> None:
    """Cut the tails of the prompt until it fits `window` tokens, and say so. Raises Ending when they are not enough.

    An error that a person must mend is told here, before anything is paid for.
    """
    cut = 0
    for _ in range(ROUNDS):
        tokens = await _count(asking, ask_server=ask_server)
        if window is None and tokens * BYTES > ASK_FROM and ask_server:
            window = await _find_window(asking.client, asking.model_name)
        if window is None or tokens <= window * SHARE:
            break
        share = 1 - window * SHARE / tokens
        shorter, less = shorten_tails(prompt, int(len(prompt.encode("utf-8", "replace")) * share * 1.1) + 1)
        if not less:
            raise Ending(f"the prompt is too long: {tokens} tokens, and the model takes {window}", "prompt_too_long")
        prompt, cut = shorter, cut + less
        asking.conversation.shorten(prompt)
    if cut:
        asking.report.notice(f"the prompt was too long for the model: {format_size(cut)} of its tails were cut further")


async def _count(asking: ModelCalls, *, ask_server: bool) -> int:
    """Return the tokens of the first request; estimated where the server does not count them."""
    request = asking.request({})
    if ask_server:
        try:
            return await asking.client.count(request)
        except CallFailed as failed:
            failure = failed.failure
            if failure.kind in (Kind.AUTH, Kind.CREDIT, Kind.SPEND, Kind.MODEL):
                raise Ending(failure.text, "api_error", failure) from None
    texts = [block["text"] for message in request["messages"] for block in message["content"]]
    texts += [block["text"] for block in request["system"]]
    return sum(len(text.encode("utf-8", "replace")) for text in texts) // BYTES


async def _find_window(client: Client, model: str) -> int | None:
    try:
        return await client.window(model)
    except CallFailed:
        return None
