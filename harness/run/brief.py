"""The prompt of the next attempt: what is known about a feature, put into the template."""

from __future__ import annotations

from harness.agents.prompt import Prompt, compose_prompt, observations
from harness.domain.feature import Feature
from harness.run.run import Run


def compose(run: Run, feature: Feature) -> Prompt:
    """Return the prompt of the feature's next attempt."""
    record = run.history.of(feature.slug)
    return compose_prompt(
        run.template,
        feature,
        run.specs.text_of(feature),
        [check.command for check in run.checks_for(feature)],
        run.paths,
        observations(record.observed, record.answer),
        run.redactor.text,
    )
