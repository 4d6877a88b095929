"""The command ``mock-heidi``."""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from mock_heidi.flags import Rule, option
from mock_heidi.settings import (
    BASE_PATH,
    DEFAULT_MEMORY,
    DEFAULT_PORT,
    JOURNAL_MODES,
    VERSION,
    ConfigError,
    Settings,
    parse_pace,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_INTERRUPTED = 130
_LEVELS = ("debug", "info", "warning", "error")


# Verbs that speak to a running server; what they need is imported when one of them is called.
_REMOTE = (
    "exec", "env", "wait", "reset", "token", "findings", "requests", "fault", "scenario", "clock", "snapshot",
    "completion",
)  # fmt: skip


class _Verbs(click.Group):
    """``mock-heidi --port 0`` means ``mock-heidi serve --port 0``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *_REMOTE]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _REMOTE:
            from mock_heidi.verbs import VERBS

            return VERBS[cmd_name]
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        bare = not args and not ctx.resilient_parsing  # a shell that completes the verb has none yet
        if bare or (args and args[0].startswith("-") and args[0] not in ("--help", "-h", "--version")):
            args = ["serve", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = super().shell_complete(ctx, incomplete)
        return [*found, *serve.shell_complete(ctx, incomplete)] if incomplete.startswith("-") else found


_json = click.option("--json", "as_json", is_flag=True, help="Speak JSON, for programs.")


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(VERSION, prog_name="mock-heidi", message="%(prog)s %(version)s")
def cli() -> None:
    """The Heidi Health Open API on your own machine: offline, stateful, deterministic.

    Without a verb it serves: `mock-heidi --port 0` is `mock-heidi serve --port 0`.
    """


@cli.command()
@option(
    "--host", default="127.0.0.1", metavar="ADDRESS", help="Address to listen on; the default serves localhost too."
)
@option("--port", default=DEFAULT_PORT, type=click.IntRange(0, 65535), metavar="N", help="Port; 0 picks a free one.")
@option(
    "--fixtures",
    metavar="DIR|FILE|empty",
    help="Fixtures: a folder of YAML files, or one file; the packaged set fills the rest.",
)
@option(
    "--api-key",
    metavar="KEY",
    help="Your client's key. It is the only one; if the fixtures have keys, it replaces their first.",
)
@option("--seed", default=0, type=int, metavar="N", help="Fixes ids and tokens: same seed, same requests, same bytes.")
@option("--clock", metavar="ISO", help="Moment (UTC) at which time stands still, such as 2025-01-06T09:00:00.")
@option("--pace", metavar="PACE", help="How streams go, such as first=0.3,rate=40,jitter=0.2; default: no delay.")
@option(
    "--fault",
    multiple=True,
    type=Rule(),
    metavar="RULE",
    help="What goes wrong, such as ask_ai:end_after=3; repeatable.",
)
@option("--scenario", metavar="NAME", help="Faults that belong together, such as flaky-afternoon.")
@option(
    "--no-request-faults",
    is_flag=True,
    help="Ignore the header X-Mock-Fault, by which a request asks for a fault of its own.",
)
@option("--max-upload", default=100, type=click.IntRange(1, 10_000), metavar="MB", help="Largest upload in megabytes.")
@option(
    "--memory",
    default=DEFAULT_MEMORY // 1024**2,
    type=click.IntRange(1, 1_000_000),
    metavar="MB",
    help="Ceiling in megabytes for what is kept of the traffic.",
)
@option(
    "--allowed-host",
    multiple=True,
    metavar="NAME",
    help="Host name by which clients may reach this server; repeatable.",
)
@option(
    "--admin-origin", multiple=True, metavar="ORIGIN", help="Web origin that may use the control plane; repeatable."
)
@option("--admin-token", metavar="TOKEN", help="What the control plane wants to see; default: nothing.")
@option(
    "--cors-origin", multiple=True, metavar="ORIGIN", help="Web origin for the vendor surface beside loopback ones."
)
@option(
    "--cors-header",
    multiple=True,
    metavar="NAME",
    help="Header that web pages may send beside those of the API and of tracing; repeatable.",
)
@option(
    "--cors-credentials",
    is_flag=True,
    help="Let web pages send cookies, as fetch does with its credentials set to include.",
)
@option(
    "--journal", default="normal", type=click.Choice(JOURNAL_MODES), help="How much is shown of requests and answers."
)
@option("--url-file", type=click.Path(dir_okay=False, path_type=Path), help="File for the base URL, once it listens.")
@option("--log-level", default="info", type=click.Choice(_LEVELS), help="How much to say; info has a line per request.")
@option("--quiet", is_flag=True, help="No banner and no line per request.")
def serve(  # noqa: PLR0913 - a flag each
    *, host: str, port: int, fixtures: str | None, url_file: Path | None, log_level: str, quiet: bool, **options: Any
) -> None:
    """Serve until Ctrl-C."""
    gc.disable()  # nothing that a start makes is garbage
    from mock_heidi import console
    from mock_heidi.app import create_app
    from mock_heidi.hosts import is_loopback
    from mock_heidi.server import Server, bind

    # What uvicorn says at level info is in the banner already.
    level = "WARNING" if log_level == "info" else log_level.upper()
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    says = not quiet
    log = console.RequestLog(sys.stdout) if says and log_level in ("debug", "info") else None

    written: list[Path] = []

    def started() -> None:
        # What stays until the end need not be gone over again and again.
        gc.freeze()
        gc.enable()
        if url_file is not None:
            _write(url_file, f"{server.url}{BASE_PATH}\n")
            written.append(url_file)
        if says:
            where = "packaged" if fixtures is None else fixtures
            click.echo(console.banner(server.url, app.namespaces.default, where))
        if not is_loopback(sockets[0].getsockname()[0]):
            click.echo(f"warning: {host} can be reached from other machines", err=True)

    try:
        app = create_app(_settings(fixtures, **options), listener=log)
        sockets = bind(host, port)
        if url_file is not None:
            _remove(url_file)  # an old one would send whoever waits for it elsewhere
        server = Server(app, sockets, started, memory=app.namespaces.memory)
        server.run()
    finally:
        gc.enable()
        if log is not None:
            log.close()
        # Only what this server wrote: before it listened, the file was somebody else's.
        for path in written:
            _remove(path)


def _settings(fixtures: str | None, **options: Any) -> Settings:
    plural = {name: f"{name}s" for name in ("allowed_host", "admin_origin", "cors_origin", "cors_header", "fault")}
    options["pace"] = None if options["pace"] is None else parse_pace(options["pace"])
    for name in ("max_upload", "memory"):
        options[name] *= 1024 * 1024
    options["request_faults"] = not options.pop("no_request_faults")
    for rule in options["fault"]:
        _check(rule)
    return Settings(fixtures=fixtures, **{plural.get(name, name): value for name, value in options.items()})


def _check(rule: str) -> None:
    from mock_heidi.faults import FaultError, parse

    try:
        parse(rule)
    except FaultError as error:
        raise ConfigError(f"--fault {rule}: {error}") from None


def _write(path: Path, text: str) -> None:
    # Whoever waits for the file must never read half of it.
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise ConfigError(
            f"--url-file: cannot write {path}: {error.strerror}; give a file in a folder of yours"
        ) from None


def _print(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ConfigError(f"--url-file: cannot replace {path}: {error.strerror}; give another file") from None


@cli.command()
@click.argument("fixtures", required=False, metavar="[DIR|FILE]")
@_json
def validate(fixtures: str | None, *, as_json: bool) -> None:
    """Check fixtures: a folder, or one file that holds all kinds; without either, the packaged set."""
    from mock_heidi import seeds
    from mock_heidi.models import ApiKey, PatientProfile, Record, Session
    from mock_heidi.store import Store
    from mock_heidi.yaml_text import FixtureError

    try:
        store = Store(seeds.load(fixtures, whole=True))
    except FixtureError as error:
        if not as_json:
            raise
        _print({"problems": error.problems, **({"more": error.more} if error.more else {})})
        sys.exit(1)
    kinds: dict[str, type[Record]] = {"api_keys": ApiKey, "patient_profiles": PatientProfile, "sessions": Session}
    counts = {name: store.size(kind) for name, kind in kinds.items()}
    if as_json:
        _print({"problems": [], "counts": counts})
        return
    keys, patients, sessions = counts.values()
    click.echo(
        f"{fixtures or 'packaged set'}: {keys} API keys, {patients} patient profiles, {sessions} sessions: all good"
    )


@cli.command()
@_json
def routes(*, as_json: bool) -> None:
    """List the operations of the vendor surface."""
    from mock_heidi import api

    rows = [
        {"method": method, "path": route.path, "operation": route.name}
        for route in sorted(api.ROUTES, key=lambda route: route.path)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]
    if as_json:
        _print(rows)
        return
    for row in rows:
        click.echo(f"{row['method']:<7} {row['path']:<52} {row['operation']}")


@cli.command()
@click.argument("kind", required=False, metavar="[KIND]")
def schema(kind: str | None) -> None:
    """Print the JSON Schema of a fixture file, or without KIND those of all, by name."""
    from mock_heidi import seeds

    if kind is not None and kind not in seeds.KINDS:
        raise ConfigError(f"there is no fixture file {kind!r}; there are {', '.join(seeds.KINDS)}")
    made = seeds.schema(kind) if kind else {name: seeds.schema(name) for name in seeds.KINDS}
    _print(made)


@cli.command()
@click.option("--control", is_flag=True, help="That of the control plane, control.yaml.")
def openapi(*, control: bool) -> None:
    """Print the contract, openapi.yaml."""
    from mock_heidi import spec

    click.echo(spec.control() if control else spec.contract(), nl=False)


@cli.command()
@click.option("--seconds", type=float, default=30, show_default=True, metavar="SECONDS", help="How long it is.")
@click.option("--format", "form", metavar="FORMAT", help="wav or webm; by default the file's ending, else wav.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
def audio(file: Path, seconds: float, form: str | None) -> None:
    """Write a recording of silence to FILE (- for standard output), as real audio for tests."""
    from mock_heidi import recordings

    try:
        made = recordings.audio(seconds, form or file.suffix.lower().lstrip(".") or "wav")
    except ValueError as error:
        raise ConfigError(f"audio: {error}; give --seconds and --format") from None
    if str(file) == "-" and sys.stdout.isatty():
        raise ConfigError("audio: a terminal shows no recording; give a file, or pipe the output into a command")
    try:
        target = click.open_file(str(file), "wb")
    except OSError as error:
        raise ConfigError(f"audio: cannot write {file}: {error.strerror}; give a file in a folder of yours") from None
    with target:
        target.write(made)


def _fail(message: str, status: int) -> NoReturn:
    click.echo("\n".join(f"mock-heidi: {text}" for text in message.splitlines()), err=True)
    sys.exit(status)


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command; what cannot be done ends in one line and a status, never in a traceback."""
    try:
        cli.main(args=args, prog_name="mock-heidi", standalone_mode=False)
    except ConfigError as error:
        _fail(str(error), 1)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(error.exit_code)
    except click.UsageError as error:
        verb = error.ctx.command_path if error.ctx else "mock-heidi"
        _fail(f"{' '.join(error.format_message().split())} (see {verb} --help)", 2)
    except click.ClickException as error:
        _fail(error.format_message(), 1)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(_INTERRUPTED)
    except OSError as error:  # a full disk; where the reader of a pipe has gone, click ends by itself
        _fail(f"cannot go on: {error.strerror or error}", 1)
    sys.exit(0)
