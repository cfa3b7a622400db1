"""Whom a run asks about a claim whose checks passed, and in which words."""

from __future__ import annotations

from collections.abc import Iterable

from harness.agents.choose import prepare_prompt
from harness.agents.from_settings import choose_reviewer
from harness.agents.review_prompt import compose_review_prompt
from harness.agents.start import AttemptLimits
from harness.domain.agent import Agent
from harness.domain.feature import Feature
from harness.domain.review import Review
from harness.domain.text import counted, listed
from harness.run.run import Run
from harness.specs.lint import find_criteria


def reviewer_for(run: Run, review: Review, attempt_limits: AttemptLimits | None = None) -> Agent:
    """Return who answers a question. Raises AgentError."""
    site = run.site
    agent = choose_reviewer(run.config, review, site.temporary, site.environ, attempt_limits)
    if site.sandbox_for(agent) is not None:
        return agent
    return choose_reviewer(run.config, review, site.temporary, site.environ, attempt_limits, confined=False)


def reviewers_of(run: Run, features: Iterable[Feature]) -> dict[Review, Agent]:
    """Return who answers each question about these features. Raises AgentError for one that cannot be started."""
    reviews = dict.fromkeys(review for feature in features for review in run.reviews_for(feature))
    return {review: reviewer_for(run, review) for review in reviews}


def tell_reviewers(run: Run, reviewers: dict[Review, Agent]) -> None:
    """Say who is asked about claims, and whether that can keep one from standing."""
    if not reviewers:
        return
    agents = reviewers.values()
    names = listed(dict.fromkeys(f"{one.name} ({one.model})" if one.model else one.name for one in agents))
    blocking = sum(review.blocking for review in reviewers)
    sort = {0: "none of which blocks", len(reviewers): "which can block"}.get(blocking, f"{blocking} can block")
    run.tell(f"reviews of claims whose checks passed: {counted(len(reviewers), 'question')}, {sort}, to {names}")


def read_criteria(run: Run, feature: Feature) -> tuple[str, ...]:
    """Return the acceptance criteria of a feature, by their numbers from 1."""
    return find_criteria(run.specs.text_begun(feature))


def compose_question(
    run: Run, feature: Feature, review: Review, agent: Agent, diff: str, left_out: tuple[str, ...]
) -> str:
    """Return the prompt of a reviewer, as this agent must get it; secrets are taken out of the diff."""
    spec = run.redactor.text(run.specs.text_begun(feature))
    criteria = tuple(map(run.redactor.text, read_criteria(run, feature)))
    text = compose_review_prompt(review, feature.slug, spec, criteria, run.redactor.text(diff), left_out)
    return prepare_prompt(agent, text)
