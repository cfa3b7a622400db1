"""How each dialect is understood: the module of the agent that has it says that."""

from __future__ import annotations

from harness.agents import claude, codex, gemini, opencode
from harness.agents.error_patterns import ANTHROPIC_STATUS, LITELLM, SENTENCES, ErrorTexts
from harness.agents.language import Language
from harness.domain.agent import CostSource, Dialect

LANGUAGES: dict[Dialect, Language] = {
    Dialect.TEXT: Language(None, ANTHROPIC_STATUS, ErrorTexts((*SENTENCES, *LITELLM)), CostSource.UNKNOWN),
    Dialect.CLAUDE: claude.LANGUAGE,
    Dialect.CODEX: codex.LANGUAGE,
    Dialect.GEMINI: gemini.LANGUAGE,
    Dialect.OPENCODE: opencode.LANGUAGE,
}
