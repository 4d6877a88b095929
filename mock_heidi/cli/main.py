"""The command ``mock-heidi``."""

from __future__ import annotations

import contextlib
import gc
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from mock_heidi.base.settings import BASE_PATH, DEFAULT_PORT, VERSION, ConfigError
from mock_heidi.base.wording import counted, printable
from mock_heidi.cli.options import choices, settings
from mock_heidi.cli.parameters import Group, Number
from mock_heidi.cli.serving_options import Address, keeps_files, runs_server

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_INTERRUPTED = 130
# Commands whose modules are imported only when one of them is called.
_IMPORTED_LATE = (
    "exec", "variants", "env", "wait", "reset", "token", "findings", "requests", "coverage", "fault", "scenario",
    "clock", "snapshot", "namespaces", "ca", "compare", "completion",
)  # fmt: skip


class _Commands(Group):
    """``mock-heidi --port 0`` means ``mock-heidi serve --port 0``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *_IMPORTED_LATE]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _IMPORTED_LATE:
            from mock_heidi.cli.commands import COMMANDS

            gc.enable()  # some of these commands run long
            return COMMANDS[cmd_name]
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        bare = not args and not ctx.resilient_parsing  # a shell asks for completions before a command is typed
        if bare or (args and args[0].startswith("-") and args[0] not in ("--help", "-h", "--version")):
            args = ["serve", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = super().shell_complete(ctx, incomplete)
        return [*found, *serve.shell_complete(ctx, incomplete)] if incomplete.startswith("-") else found


_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(VERSION, prog_name="mock-heidi", message="%(prog)s %(version)s")
def cli() -> None:
    """The Heidi Health Open API on your own machine: offline, stateful, deterministic.

    Without a command it serves: `mock-heidi --port 0` is `mock-heidi serve --port 0`.
    """


@cli.command()
@runs_server(port=DEFAULT_PORT, log_level="info")
@keeps_files
def serve(  # noqa: PLR0913 - a flag each
    *,
    address: Address,
    url_file: Path | None,
    log_level: str,
    quiet: bool,
    export_on_exit: Path | None,
    watch: bool,
    **options: Any,
) -> None:
    """Serve until Ctrl-C."""
    from mock_heidi.app import create_app
    from mock_heidi.base.hosts import is_loopback
    from mock_heidi.cli import fixture_watch, request_log, state_file
    from mock_heidi.cli import url_file as file
    from mock_heidi.serving.server import Server, bind_all, prepare_certificate

    log = request_log.request_log(sys.stdout, log_level, quiet=quiet)

    def started() -> None:
        # These objects stay until the end, so the collector can leave them out.
        gc.freeze()
        gc.enable()
        if url_file is not None:
            file.write(url_file, f"{server.url}{BASE_PATH}")
            # Only a file that this server has written; another server may have replaced it since.
            bound.callback(file.remove_own, url_file, f"{server.url}{BASE_PATH}")
        if not quiet:
            click.echo(request_log.banner(server.url, app.registry.default, options["fixtures"] or "packaged"))
        watching.start()
        if not is_loopback(sockets[0].getsockname()[0]):
            click.echo(f"warning: {address.host} can be reached from other machines", err=True)

    try:
        files = fixture_watch.watched_files(options["fixtures"], watch=watch)
        options["fixtures"] = state_file.fixtures_of_start(options["fixtures"], export_on_exit)
        chosen = settings(options)
        prepare_certificate(address.tls_names, proxy=chosen.proxy)
        sockets = bind_all(address.host, address.ports)
        with contextlib.ExitStack() as bound:
            for listener in sockets:
                bound.callback(listener.close)
            if url_file is not None:
                # Reading the fixtures may take long, and until then a file of a killed server would name its address.
                file.remove(url_file)
            app = create_app(chosen, listener=log)
            server = Server(
                app, sockets, started, memory=app.registry.memory, tls_names=address.tls_names, proxy=chosen.proxy
            )
            watching = fixture_watch.FixtureWatch(files, app.registry, server, quiet=quiet)
            bound.callback(watching.close)
            server.run()
        if export_on_exit is not None:
            state_file.write(export_on_exit, app.registry.default)
    finally:
        if log is not None:
            log.close()


def _print(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _checked_by_the_build(kinds: Iterable[str]) -> dict[str, int] | None:
    """The number of packaged records of each kind; None if the build has not checked them as they are now."""
    from mock_heidi.base import built, spec

    rows = {kind: built.rows(kind, spec.fixtures_digest()) for kind in kinds}
    return None if None in rows.values() else {kind: len(found) for kind, found in rows.items()}


def _check(fixtures: str | None, kinds: Iterable[str]) -> dict[str, int]:
    """The number of records of each kind. Raises :class:`FixtureError` for wrong fixtures."""
    packaged = _checked_by_the_build(kinds)
    if fixtures is None and packaged is not None:
        return packaged
    from mock_heidi.fixtures.kinds import KINDS
    from mock_heidi.fixtures.loader import load
    from mock_heidi.state.store import Store

    store = Store(load(fixtures, whole=packaged is None))
    return {kind: store.size(KINDS[kind]) for kind in kinds}


def _counted(counts: Mapping[str, int]) -> str:
    nouns = ("API key", "patient profile", "session")
    return ", ".join(counted(number, noun) for number, noun in zip(counts.values(), nouns, strict=True))


@cli.command()
@click.argument("fixtures", required=False, metavar="[DIR|FILE]")
@_json
def validate(fixtures: str | None, *, as_json: bool) -> None:
    """Check the fixtures of a folder or a file. Without DIR or FILE, check the packaged set."""
    from mock_heidi.fixtures.documents import FixtureError

    try:
        counts = _check(fixtures, ("api_keys", "patient_profiles", "sessions"))
    except FixtureError as error:
        if not as_json:
            raise
        _print({"problems": error.problems, **({"more": error.more} if error.more else {})})
        sys.exit(1)
    if as_json:
        _print({"problems": [], "counts": counts})
        return
    click.echo(f"{printable(fixtures or 'packaged set')}: {_counted(counts)}: all good")


@cli.command()
@_json
def routes(*, as_json: bool) -> None:
    """List the operations of the API."""
    from mock_heidi.base.operations import OPERATIONS

    rows = [
        {"method": operation.method, "path": operation.path, "operation": operation.name}
        for operation in sorted(OPERATIONS.values(), key=lambda operation: operation.path)
    ]
    if as_json:
        _print(rows)
        return
    for row in rows:
        click.echo(f"{row['method']:<7} {row['path']:<52} {row['operation']}")


@cli.command()
@click.argument("kind", required=False, metavar="[KIND]")
def schema(kind: str | None) -> None:
    """Print the JSON Schema of a fixture file, or of all. KIND is the name of the file, such as sessions."""
    from mock_heidi.base import built

    schemas = built.rows("schemas", built.code())
    if schemas is None:
        from mock_heidi.fixtures import schema as fixture_schema

        schemas = fixture_schema.schemas()
    if kind is not None and kind not in schemas:
        from mock_heidi.base.wording import nearest

        raise ConfigError(f"there is no fixture file {kind!r}", nearest(kind, schemas))
    _print(schemas[kind] if kind else schemas)


@cli.command()
@click.option("--control", is_flag=True, help="Print control.yaml, the contract of the control API.")
@click.option(
    "--assume", multiple=True, metavar="NAME=VALUE", help="Print the contract under this assumption; repeatable."
)
@click.option("--strict", is_flag=True, help="Print the contract in strict mode.")
def openapi(*, control: bool, assume: tuple[str, ...], strict: bool) -> None:
    """Print the contract, openapi.yaml."""
    from mock_heidi.base import spec

    if control:
        click.echo(spec.control(), nl=False)
    elif not assume and not strict:
        click.echo(spec.contract(), nl=False)
    else:
        from mock_heidi.base.assumptions import Assumptions
        from mock_heidi.base.contract_variants import contract_under

        click.echo(contract_under(Assumptions(choices(assume)), strict=strict), nl=False)


@cli.command()
@click.argument("name", required=False, metavar="[NAME]")
@_json
def assumptions(name: str | None, *, as_json: bool) -> None:
    """List what the mock assumes about the service. With NAME, print all that is known of one assumption."""
    from mock_heidi.base.assumptions import assumptions as listed
    from mock_heidi.cli import assumption_text

    rows = list(listed().values()) if name is None else [assumption_text.find(name)]
    if as_json:
        made = [one._asdict() for one in rows]
        _print(made if name is None else made[0])
        return
    for line in map(assumption_text.row, rows) if name is None else assumption_text.details(rows[0]):
        click.echo(line)


@cli.command()
@click.option("--seconds", type=Number(), default=30, show_default=True, metavar="SECONDS", help="Length in seconds.")
@click.option("--format", "form", metavar="FORMAT", help="wav or webm; by default as FILE ends, otherwise wav.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
def audio(file: Path, seconds: float, form: str | None) -> None:
    """Write a silent recording to FILE, as audio for tests. FILE - is standard output."""
    from mock_heidi.content import recordings

    try:
        made = recordings.audio(seconds, form or file.suffix.lower().lstrip(".") or "wav")
    except ValueError as error:
        raise ConfigError(f"audio: {error}", "give --seconds and --format") from None
    if str(file) == "-" and sys.stdout.isatty():
        raise ConfigError("audio: standard output is a terminal", "give a file, or pipe the output into a command")
    try:
        target = click.open_file(str(file), "wb")
    except OSError as error:
        cure = "give a file in a folder that you can write to"
        raise ConfigError(f"audio: cannot write {file}: {error.strerror}", cure) from None
    with target:
        target.write(made)


def _fail(message: str, status: int) -> NoReturn:
    click.echo("\n".join(f"mock-heidi: {printable(text)}" for text in message.splitlines()), err=True)
    sys.exit(status)


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command and end the process. An error is one line and a status, never a traceback."""
    try:
        cli.main(args=args, prog_name="mock-heidi", standalone_mode=False)
    except ConfigError as error:
        _fail(str(error), 1)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(error.exit_code)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "mock-heidi"
        _fail(f"{' '.join(error.format_message().split())} (see {command} --help)", 2)
    except click.ClickException as error:
        _fail(error.format_message(), 1)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(_INTERRUPTED)
    except OSError as error:  # such as a full disk; click itself handles a closed pipe
        _fail(f"cannot go on: {error.strerror or error}", 1)
    sys.exit(0)
