"""The commands of ``mock-heidi``, as click knows them."""

import click

from mock_heidi.cli.main import cli


def commands() -> dict[str, click.Command]:
    """Every command by its name."""
    with click.Context(cli) as context:
        found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    return {name: command for name, command in found.items() if command}
