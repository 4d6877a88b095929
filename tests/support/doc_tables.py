"""The tables of the docs, each made from the code or from the measured figures, and the files that they show."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import click
import yaml
from doc_examples import PARTS
from doc_figures import other_figures, requests_a_second
from doc_markdown import Row, code, table
from doc_provenance import successes
from fixed_host_clients import clients_table
from paths import ROOT

from mock_heidi.base import error_table as named
from mock_heidi.base import errors
from mock_heidi.base.assumptions import Assumption, assumptions, choosable, written
from mock_heidi.base.operations import OPERATIONS, Content, Operation, Takes
from mock_heidi.cli import commands
from mock_heidi.cli.main import cli
from mock_heidi.comparing.detectors import DETECTORS
from mock_heidi.faults.effects import EFFECTS
from mock_heidi.faults.effects.effect import Effect, Stage, Where
from mock_heidi.faults.rule import Fault
from mock_heidi.observing import findings
from mock_heidi.observing.checks.pace import FAST

# --- Faults -----------------------------------------------------------------------------------------------------------

_FIELDS = ("Field", "For example", "What it does")
_EFFECT_NAMES = [effect.name for effect in EFFECTS]


def fault_selection() -> str:
    """The fields by which a rule selects requests, in their order."""
    fields = Fault.model_json_schema()["properties"].items()
    return table(
        _FIELDS,
        [
            [code(name), code(short(name, field["examples"][0])), field["description"]]
            for name, field in fields
            if name not in _EFFECT_NAMES
        ],
    )


def short(name: str, value: Any) -> str:
    """A field of a rule in the short form."""
    return f"{name}={value if isinstance(value, str) else json.dumps(value)}"


def effects(belongs: Callable[[Effect], bool]) -> Callable[[], str]:
    """The table of the effects that belong to one section of the page."""
    return lambda: table(
        _FIELDS, [[code(one.name), code(one.example), one.doc] for one in EFFECTS if section(one) is belongs]
    )


def is_answer(effect: Effect) -> bool:
    return effect.stage is Stage.ANSWER


def is_time(effect: Effect) -> bool:
    return effect.where is Where.ANY and effect.stage in (Stage.WAIT, Stage.PAUSE)


def is_stream(effect: Effect) -> bool:
    return effect.where is Where.STREAMS


def is_text(effect: Effect) -> bool:
    return effect.stage is Stage.TEXT


def is_body(effect: Effect) -> bool:
    return not any(belongs(effect) for belongs in (is_answer, is_time, is_stream, is_text))


def section(effect: Effect) -> Callable[[Effect], bool]:
    """The section that an effect belongs to; every effect has one."""
    return next(one for one in (is_answer, is_time, is_stream, is_text, is_body) if one(effect))


def error_names() -> str:
    """The errors that a fault can answer with, by their source."""
    sources = dict.fromkeys(source for _, source in named.BY_NAME.values())
    return table(
        ("Source", "Names"),
        [
            [
                source,
                ", ".join(code(name) for name, (_, known) in sorted(named.BY_NAME.items()) if known == source),
            ]
            for source in sources
        ],
    )


def scenarios() -> str:
    """The packaged scenarios with their explanations."""
    packaged = yaml.safe_load((ROOT / "fixtures" / "scenarios.yaml").read_text(encoding="utf-8"))
    return table(("Scenario", "What happens"), [[code(one["name"]), one["explanation"]] for one in packaged])


# --- Errors and findings ----------------------------------------------------------------------------------------------


def error_table() -> str:
    """Every error of the API by its status: its body, its source, and the first paragraph of its docstring."""
    listed = [errors.UnprocessableError, errors.UndocumentedError]
    kinds = [*errors.NamedError.__subclasses__(), *errors.TextError.__subclasses__(), *listed]
    kinds.sort(key=lambda kind: (_status(kind), kind.__name__))
    return table(("Status", "`detail`", "Source", "When"), map(_error, kinds))


def _status(kind: type[errors.HeidiError]) -> int:
    return named.status_of(kind.__new__(kind))


def _error(kind: type[errors.HeidiError]) -> Row:
    when = " ".join((kind.__doc__ or "").partition("\n\n")[0].split()).replace("``", "`")
    return [str(_status(kind)), _detail(kind), _source(kind), when]


def _detail(kind: type[errors.HeidiError]) -> str:
    if issubclass(kind, errors.UnprocessableError):
        return 'a list of `{"type", "loc", "msg", "input"}`'
    if issubclass(kind, errors.TextError):
        return code(json.dumps(kind.text))
    known, _ = named.BY_NAME[kind.__name__]
    return code(json.dumps(known.detail))


def _source(kind: type[errors.HeidiError]) -> str:
    if not kind.from_vendor:
        return "mock_heidi"
    _, source = named.BY_NAME.get(kind.__name__, (None, "assumed"))
    return source


def finding_table() -> str:
    """Every kind of finding with its level, and whether strict mode refuses it."""
    rows = [
        [code(name), kind.level, "refused" if kind.refused else "", _message(kind)]
        for name, kind in findings.KINDS.items()
    ]
    return table(("Finding", "Level", "Strict mode", "The client"), rows)


def _message(kind: findings.Kind) -> str:
    message = kind.message.removesuffix(": {}").format(FAST)
    return f"{message} (the test caused it: `from_test`)" if kind.from_test else message


# --- The command ------------------------------------------------------------------------------------------------------


# Commands that are imported late and ask no server.
_WITHOUT_SERVER = (
    "ca",
    "compare",
)


def command_table(*, remote: bool) -> Callable[[], str]:
    """The commands that need no running server, or the others."""

    def made() -> str:
        late = [name for name in commands.COMMANDS if (name in _WITHOUT_SERVER) != remote]
        names = late if remote else [*cli.commands, *late]
        found = [(name, cli.get_command(click.Context(cli), name)) for name in names]
        return table(
            ("Command", "What it does"),
            [
                [code(_usage(name, command)), _first_paragraph(command)]
                for name, command in found
                if command is not None
            ],
        )

    return made


def _first_paragraph(command: click.Command) -> str:
    return " ".join((command.help or "").partition("\n\n")[0].split())


def _usage(name: str, command: click.Command) -> str:
    arguments = [one.make_metavar(click.Context(command)) for one in command.params if isinstance(one, click.Argument)]
    # Older versions of click put an optional choice into two brackets.
    return " ".join(["mock-heidi", name, *arguments]).replace("[[", "[").replace("]]", "]")


# The commands with the flags of a server.
_SERVING = ("serve", "exec", "variants")


def command_flags() -> str:
    """The flags of all commands that ask a server or need none, each with the commands that have it."""
    found: dict[tuple[str, ...], list[str]] = {}
    others = (*_SERVING, "completion", *_WITHOUT_SERVER)
    remote = [name for name, _ in _leaves("", commands.COMMANDS) if name not in others]
    for name, command in _leaves("", {**cli.commands, **commands.COMMANDS}):
        for option in command.params if name not in _SERVING else ():
            if isinstance(option, click.Option) and option.name != "help":
                found.setdefault((*_flag(option),), []).append(name)
    return table(
        ("Flag", "Variable", "Default", "Meaning", "Commands"),
        [[*row, _belongs(names, remote)] for row, names in found.items()],
    )


def _belongs(names: list[str], remote: list[str]) -> str:
    """The commands that have a flag. If nearly all commands for a running server have it, those that lack it."""
    missing = [name for name in remote if name not in names]
    if len(missing) > 1:
        return ", ".join(map(code, names))
    return ", except ".join(["all for a running server", *map(code, missing)])


def _leaves(before: str, commands: Mapping[str, click.Command]) -> Iterator[tuple[str, click.Command]]:
    """The commands without subcommands, such as ``fault add``."""
    for name, command in commands.items():
        if isinstance(command, click.Group):
            yield from _leaves(f"{before}{name} ", command.commands)
        else:
            yield f"{before}{name}", command


def serve_flags() -> str:
    return _flags(cli.commands["serve"].params)


def own_flags(name: str) -> Callable[[], str]:
    """The flags that a command has and ``serve`` does not."""

    def made() -> str:
        shared = {option.name for option in cli.commands["serve"].params}
        return _flags([option for option in commands.COMMANDS[name].params if option.name not in shared])

    return made


def _flags(options: Iterable[click.Parameter]) -> str:
    shown = [option for option in options if isinstance(option, click.Option) and option.name != "help"]
    return table(("Flag", "Variable", "Default", "Meaning"), map(_flag, shown))


def _flag(option: click.Option) -> Row:
    return code(option.opts[0]), code(str(option.envvar or "")), code(_default(option)), option.help or ""


def _default(option: click.Option) -> str:
    # A repeatable flag has several values.
    default = option.default[0] if isinstance(option.default, tuple) and option.default else option.default
    if option.is_flag or not isinstance(default, str | int | float):
        return ""
    return default if isinstance(default, str) else f"{default:g}"


# --- The API ----------------------------------------------------------------------------------------------------------


def operation_table() -> str:
    """Every documented operation with its method and path, by path."""
    found = sorted(OPERATIONS.values(), key=lambda one: one.path)
    return table(("Operation", "Method", "Path"), [[code(one.name), one.method, code(one.path)] for one in found])


def provenance_table() -> str:
    """The source of the facts about each operation, and what the mock only simulates."""
    rows = [
        (code(one.operation), one.itself, one.status, one.body, _simulated(OPERATIONS[one.operation]))
        for one in successes()
    ]
    return table(("Operation", "The operation", "Status of a success", "Its body", "Simulated"), rows)


def _simulated(operation: Operation) -> str:
    files = ["content of files"] if operation.takes is Takes.FORM else []
    return ", ".join([*files, *_SIMULATED[operation.content]])


# The parts of an answer that the real service makes from what was said, and the mock from templates and fixtures.
_SIMULATED = {
    Content.JSON: [],
    Content.TRANSCRIPT: ["transcript"],
    Content.DOCUMENT: ["text"],
    Content.STREAM: ["text", "pace of the pieces"],
    Content.CODES: ["codes"],
}


def assumptions_by_operation() -> str:
    """The assumptions that touch each operation, without those that touch every operation with a token."""
    listed = [one for one in assumptions().values() if len(one.operations) < len(OPERATIONS) - 1]
    rows = [(code(name), ", ".join(code(one.name) for one in listed if name in one.operations)) for name in OPERATIONS]
    return table(("Operation", "Assumptions"), rows)


def choice_table() -> str:
    """The assumptions for which a value may be chosen."""
    rows = [(f"`{one.name}`", one.decides, *_values(one)) for one in assumptions().values() if one.name in choosable()]
    return table(("Name", "What it decides", "Default", "Other values"), rows)


def settling_table() -> str:
    """The traffic that settles each assumption with a choice."""
    needs = {one.name: one.needs for one in DETECTORS}
    return table(("Assumption", "Settled by"), [(code(name), needs[name]) for name in choosable() if name in needs])


def _values(one: Assumption) -> tuple[str, str]:
    others = ", ".join(f"`{written(value)}`" for value in one.alternatives) or f"1 to {one.any_number}"
    return f"`{written(one.default)}`", others


TABLES: dict[str, Callable[[], str]] = {
    "fault-selection": fault_selection,
    "faults-answer": effects(is_answer),
    "faults-time": effects(is_time),
    "faults-bodies": effects(is_body),
    "faults-streams": effects(is_stream),
    "faults-text": effects(is_text),
    "error-names": error_names,
    "scenarios": scenarios,
    "errors": error_table,
    "findings": finding_table,
    "commands": command_table(remote=False),
    "remote-commands": command_table(remote=True),
    "command-flags": command_flags,
    "flags": serve_flags,
    "exec-flags": own_flags("exec"),
    "variants-flags": own_flags("variants"),
    "operations": operation_table,
    "choices": choice_table,
    "settling": settling_table,
    "provenance": provenance_table,
    "assumptions-by-operation": assumptions_by_operation,
    "requests-a-second": requests_a_second,
    "measured": other_figures,
    "fixed-host-clients": clients_table,
    **PARTS,
}
