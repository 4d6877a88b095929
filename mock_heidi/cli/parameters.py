"""Groups, options and parameter types whose errors name the nearest word and the place where a value was given."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import click
from click.core import ParameterSource


class Group(click.Group):
    """A group that answers an unknown command with the nearest one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(f"unknown command {args[0]!r}; {_nearest(args[0], known)}", ctx)
        return super().resolve_command(ctx, args)


class Option(click.Option):
    """An option whose error names the flag or the variable, whichever gave the value."""

    def get_error_hint(self, ctx: click.Context | None) -> str:
        by_variable = ctx is not None and ctx.get_parameter_source(self.name or "") is ParameterSource.ENVIRONMENT
        return str(self.envvar) if by_variable else f"'{self.opts[0]}'"


class Choice(click.Choice):  # type: ignore[type-arg] # generic in newer versions only
    """One of some words. An unknown word is answered with the nearest one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value in self.choices:
            return value
        problem = f"unknown word {value!r}; {_nearest(value, self.choices)}"
        if isinstance(param, click.Argument):
            raise click.UsageError(problem, ctx)
        raise click.BadParameter(problem, ctx, param)


class Number(click.types.FloatParamType):
    """A number."""

    name = "number"


class WholeNumber(click.IntRange):
    """A whole number within bounds."""

    name = "whole number"


class _Amount(click.FloatRange):
    """A number within bounds. A plain range lets ``nan`` pass, since every comparison with it is false."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a valid {self.name}.", param, ctx)
        return number


class Seconds(_Amount):
    """A number of seconds, a day at most."""

    name = "number of seconds"

    def __init__(self) -> None:
        super().__init__(0, 86_400)


class Percent(_Amount):
    """A percentage from 0 to 100."""

    name = "percentage"

    def __init__(self) -> None:
        super().__init__(0, 100)


class Fault(click.ParamType):  # type: ignore[type-arg] # as above
    """A fault as text. In the variable, semicolons separate several faults, because a rule may contain spaces."""

    name = "rule"
    envvar_list_splitter = ";"


def _nearest(word: str, known: Iterable[str]) -> str:
    from mock_heidi.base.wording import nearest  # only a mistake needs it

    return nearest(word, known, 1)
