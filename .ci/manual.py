"""Writes the tables of settings in README.md from the settings themselves: python .ci/manual.py"""

import re
from pathlib import Path

import yaml

from harness.agents.table import explain
from harness.settings.options import OPTIONS
from harness.settings.setting import Group, Option

MANUAL = Path(__file__).parent.parent / "README.md"
PLACE = re.compile(r"(<!-- settings: ([a-z ]+) -->\n\n).*?(\n\n<!-- end of settings -->)", re.DOTALL)
NOTHING = ('""', "[]", "{}")


def compose_manual(text: str) -> str:
    """Return the manual with each table made anew; which groups a table is about stands in the comment before it."""
    return PLACE.sub(
        lambda place: place[1] + compose_table([Group[name.upper()] for name in place[2].split()]) + place[3], text
    )


def compose_table(groups: list[Group]) -> str:
    """Return the table of these groups, each under its heading if there are several."""
    lines = ["| setting, flag | default | what it does |", "|---|---|---|"]
    for group in groups:
        lines += [f"| **{group.value}** | | |"] if groups[1:] else []
        lines += [compose_row(option) for option in OPTIONS.values() if option.group is group]
    return "\n".join(lines)


def compose_row(option: Option) -> str:
    """Return the row of one setting."""
    names = [option.name, *([option.flag] if option.is_flag else []), *([option.short] if option.short else [])]
    default = option.kind.show(option.default)
    cells = (", ".join(map(code, names)), "" if default in NOTHING else code(default), describe(option))
    return "| " + " | ".join(cells).replace("  ", " ") + " |"


def describe(option: Option) -> str:
    """Return what it is for: its sentence, its words, what one could write, and what the manual alone says."""
    said = explain(option.name, option.help)
    said = said.removeprefix("agent `api`: ") if option.group is Group.API else said
    examples = [show_example(example) for example in option.examples if str(example) not in said]
    return "; ".join(
        [
            said,
            *([f"one of {', '.join(map(code, option.choices))}"] if option.choices else []),
            *([f"e.g. {', '.join(map(code, examples))}"] if examples else []),
            *([option.more] if option.more else []),
        ]
    )


def show_example(example: object) -> str:
    """Return an example as one would write it in one line of harness.yaml."""
    return example if isinstance(example, str) else yaml.safe_dump(example, default_flow_style=True, width=999).strip()


def code(text: str) -> str:
    """Return text as code."""
    return f"`{text}`"


if __name__ == "__main__":
    MANUAL.write_text(compose_manual(MANUAL.read_text("utf-8")), "utf-8")
