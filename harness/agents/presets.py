"""Other people's agents as command lines: what was verified of codex 0.169, gemini 0.61 and opencode 1.18."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """How one command is started and read; `{model}` in `model_args` is replaced."""

    program: str
    args: tuple[str, ...]
    model_args: tuple[str, ...]
    last_args: tuple[str, ...]
    dialect: str
    environment: tuple[str, ...]
    own_environment: dict[str, str]


PRESETS: dict[str, Preset] = {
    # `-` reads the prompt from stdin; without --skip-git-repo-check it refuses to work outside a repository.
    "codex": Preset(
        program="codex",
        args=("exec", "--json", "--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check"),
        model_args=("-m", "{model}"),
        last_args=("-",),
        dialect="codex",
        environment=("CODEX_*", "OPENAI_*"),
        own_environment={},
    ),
    # Without --skip-trust it exits 55; it would start itself again as a second process without GEMINI_CLI_NO_RELAUNCH.
    "gemini": Preset(
        program="gemini",
        args=("--yolo", "--skip-trust", "--output-format", "stream-json"),
        model_args=("-m", "{model}"),
        last_args=("-p", "Follow the instructions above."),
        dialect="gemini",
        environment=("GEMINI_*", "GOOGLE_*"),
        own_environment={"GEMINI_CLI_NO_RELAUNCH": "true"},
    ),
    "opencode": Preset(
        program="opencode",
        args=("run", "--format", "json", "--auto"),
        model_args=("-m", "{model}"),
        last_args=(),
        dialect="opencode",
        environment=("OPENCODE_*", "ANTHROPIC_*", "OPENAI_*", "GEMINI_*", "GOOGLE_*", "OPENROUTER_*"),
        own_environment={},
    ),
}


def command_line(preset: Preset, *, model: str, args: tuple[str, ...]) -> tuple[str, ...]:
    """Return the arguments; the prompt goes to stdin."""
    chosen = tuple(word.replace("{model}", model) for word in preset.model_args) if model else ()
    return (preset.program, *preset.args, *chosen, *args, *preset.last_args)
