"""How typer reads the command line: words are taken as they are typed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from typer.core import TyperGroup


class Commands(TyperGroup):
    """The commands, whose words are taken as they are typed: settings and features are parsed where they are known.

    typer would have pydantic turn each text into a text, and loading it costs more than most commands.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        """Parse what stands before the command."""
        _take_as_typed(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        """Return a command by its name."""
        command = super().get_command(ctx, cmd_name)
        _take_as_typed(() if command is None else command.get_params(ctx))
        return command


def _take_as_typed(parameters: Iterable[Any]) -> None:
    """Leave texts and switches as they are; where another typer keeps what reads them elsewhere, this does nothing."""
    for parameter in parameters:
        kind = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
        if kind in (str, bool, list[str]) and hasattr(parameter, "_runtime_param"):
            parameter._runtime_param = _AsTyped()


class _AsTyped:
    """Stands for what turns a word into a value (`typer._coercion.RuntimeParam`)."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ANN401
        """Return it as it is."""
        return () if value is None and param.nargs == -1 else value
