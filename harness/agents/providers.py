"""Whose keys agents take: the providers that more than one agent calls."""

from __future__ import annotations

from harness.domain.provider import Provider

ANTHROPIC = Provider(
    "anthropic",
    {"ANTHROPIC_API_KEY": "sk-ant-api03-", "ANTHROPIC_AUTH_TOKEN": "sk-ant-", "CLAUDE_CODE_OAUTH_TOKEN":
     "sk-ant-oat01-"},
    "ANTHROPIC_BASE_URL",
    "https://api.anthropic.com",
    "ANTHROPIC_CUSTOM_HEADERS",
)  # fmt: skip
OPENAI = Provider(
    "openai",
    {"OPENAI_API_KEY": "sk-proj-", "CODEX_API_KEY": "sk-proj-"},
    "OPENAI_BASE_URL",
    "https://api.openai.com/v1",
)
GEMINI = Provider(
    "gemini",
    {"GEMINI_API_KEY": "AIzaSy", "GOOGLE_API_KEY": "AIzaSy"},
    "GOOGLE_GEMINI_BASE_URL",
    "https://generativelanguage.googleapis.com",
)
