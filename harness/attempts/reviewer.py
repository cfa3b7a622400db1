"""A reviewer is asked: an agent with a fresh context that reads a checkout of the claim. In any thread, as any order.

Inside the sandbox the checkout is read-only, and stands in the project's place; without one it is a copy that goes. In
neither is there a file by which the agent whose work it is could tell the reviewer what to do.
"""

from __future__ import annotations

from harness.agents.loads import find_steering
from harness.attempts.hearing import STREAM, hear
from harness.attempts.order import Answered, Asked, Order
from harness.domain.agent import Dialect
from harness.domain.text import one_line, plain
from harness.run.site import Site
from harness.system import files, untrusted
from harness.system.command import Command
from harness.system.secrets import find_env_files
from harness.workspace.clean_checkout import CheckoutError
from harness.workspace.steering import remove_steering

LONGEST_ANSWER = 1 << 20  # bytes of what an agent of plain text prints


def ask_reviewers(order: Order, site: Site) -> tuple[Answered, ...]:
    """Ask one after another; when this returns, nothing of them is alive. What is asked for at once ends it."""
    answers = list[Answered]()
    for question in order.questions:
        if site.stop() is not None:
            break
        try:
            answers.append(_ask(question, order, site))
        except CheckoutError as error:
            answers.append(Answered(problem=f"there is no checkout to read: {one_line(str(error))}"))
        finally:
            site.narrator.ended(order.key)
    return tuple(answers)


def _ask(question: Asked, order: Order, site: Site) -> Answered:
    agent, folder, key = question.agent, question.folder, f"{order.key}.review"
    files.make_folder(folder)
    files.write_atomic(folder / "prompt.md", question.prompt, sync=False)
    checkout = site.check_out(question.plan, order.root, order.slug, agent, order.key)
    place = checkout.folder / question.prefix
    if not place.resolve().is_relative_to(checkout.folder.resolve()):
        raise CheckoutError(f"`{question.prefix}` leads out of the repository")
    remove_steering(checkout.folder, find_steering(), question.specs)
    for secret in find_env_files(place):
        untrusted.remove_tree(secret)
    confined = site.sandbox_for(agent)
    shown = confined is not None and confined.shows_checkouts
    environ = {
        **site.environment_for(agent, key),
        "HARNESS_REVIEW": order.slug,  # so that a program knows what it is asked for
        "HARNESS_ATTEMPT": str(order.number),
    }
    cwd = order.root if shown else place
    command = Command(argv=agent.argv, cwd=cwd, env=environ, stdin=folder / "prompt.md", sealed=True)
    site.narrator.began(order.key, f"{order.slug} · review by {agent.name}")
    try:
        command = site.confine_reviewer(command, agent, key, checkout)
        reply = hear(command, agent.dialect, question.bounds, key=order.key, folder=folder, site=site)
    finally:
        site.leave(key)
    if agent.dialect is not Dialect.TEXT:
        return Answered(reply, reply.transcript.text)
    said = (untrusted.read_plain(folder / STREAM, LONGEST_ANSWER) or b"").decode("utf-8", "replace")
    return Answered(reply, site.redactor.text(plain(said)))
