"""The prompt of the next attempt: what is known about a feature, put into the template."""

from __future__ import annotations

from dataclasses import replace

from harness.agents.prompt import Prompt, compose_prompt, observations
from harness.decide.review import name_review
from harness.domain.feature import Feature
from harness.run.run import Run
from harness.system.secrets import read_own_redactor


def compose(run: Run, feature: Feature) -> Prompt:
    """Return the prompt of the feature's next attempt."""
    asked = map(name_review, run.reviews_for(feature))
    record, own = run.history.of(feature.slug), read_own_redactor(run.site.environ).text
    return compose_prompt(
        run.template,
        replace(feature, title=own(feature.title)),
        own(run.specs.text_of(feature)),
        list(map(own, (*(check.command for check in run.checks_for(feature)), *asked))),
        run.paths,
        observations(record.observed, record.answer),
        run.redactor.text,
        list(map(own, record.red_before(run.settings.checks_besides(run.specs.checks_of(feature))))),
    )
