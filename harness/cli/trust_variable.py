"""`HARNESS_TRUST`: a person's word for one command, where no terminal and no home is."""

from __future__ import annotations

import os

from harness.domain.errors import ConfigError
from harness.settings.parse import switch

TRUST = "HARNESS_TRUST"


def is_trusted_by_variable() -> bool:
    """Whether the environment says that the project is trusted. Raises ConfigError."""
    said = os.environ.get(TRUST, "")
    try:
        return bool(said) and switch(said)
    except ValueError as error:
        raise ConfigError(f"`{TRUST}` {error} (it is `{said}`)", "1 trusts the project for one command") from None
