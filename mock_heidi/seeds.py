"""Fixtures: YAML files, or the same records as JSON, checked whole and made into the base of a state."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import ValidationError

from mock_heidi import assumptions, built, built_fixtures, spec
from mock_heidi.account_records import ApiKey, User
from mock_heidi.code_records import CodeEntry
from mock_heidi.consultation_records import Consultation
from mock_heidi.faults import Fault, Scenario
from mock_heidi.fixture_documents import MOST_PROBLEMS, Document, FixtureError, Steps
from mock_heidi.json_text import MOST_VALUES, holds_more
from mock_heidi.patient_records import PatientProfile
from mock_heidi.session_records import Session
from mock_heidi.settings import ConfigError, FixtureChoice
from mock_heidi.slices import RECORD, SLICE, Work, finish
from mock_heidi.store import Base, Store
from mock_heidi.stub_records import Stub
from mock_heidi.template_records import NoteTemplate
from mock_heidi.values import Record
from mock_heidi.wording import listed, near_names, short_repr, shorten

if TYPE_CHECKING:
    from mock_heidi.yaml_text import YamlText

# In the order in which they may refer to each other.
KINDS: dict[str, type[Record]] = {
    "api_keys": ApiKey,
    "templates": NoteTemplate,
    "transcripts": Consultation,
    "clinical_codes": CodeEntry,
    "replies": Stub,
    "faults": Fault,
    "scenarios": Scenario,
    "patient_profiles": PatientProfile,
    "sessions": Session,
}
# Users stand under their keys in a file, and alone where the build of the package has written them.
_BUILT: dict[str, type[Record]] = {"api_keys": ApiKey, "users": User, **KINDS}
# Of the packaged set, these are read when they are first asked for.
_LATE = ("templates", "transcripts", "clinical_codes", "scenarios")
# A folder that has one of these has its own clinic: the packaged patients would not fit its sessions.
_UNIT = ("patient_profiles", "sessions")
# What no request of the API can change.
_FIXED = tuple(name for name in KINDS if name not in ("api_keys", *_UNIT))

# For records that do not say when they were made.
DEFAULT_TIME = "2025-01-06T09:00:00.000000"

_PLACE = re.compile(r"(.*?):(\d+): ")
_SHOWN = 60
_LONGEST_PROBLEM = 500
# So many records are checked between two pauses, which take their time too.
_AT_ONCE = 16
# Problems beyond those that are told are counted, but not for ever: each costs as much as a record.
_MOST_COUNTED = 10_000
# Many requests look through all records of the other kinds. Patients and sessions are bounded in a body, not in a file.
_MOST_RECORDS = {"api_keys": 1_000, **dict.fromkeys(_UNIT, 200_000)}
_MOST_OTHERS = 10_000
# Names that the nearest is looked for among.
_MOST_OPTIONS = 1_000
# What it costs at most to look for the nearest name.
_NEAREST = SLICE
# Texts that a repetition is looked for among.
_REMEMBERED = 10_000


def _closest(name: str, known: Iterable[str]) -> str:
    options = sorted(islice(known, _MOST_OPTIONS))
    near = near_names(name, options, 1)
    return f"did you mean {near[0]}?" if near else f"known are {listed(options)}"


@cache
def _packaged(name: str) -> Document:
    """A file of the packaged set, which is read once: nothing changes it."""
    return _whole(_document(spec.data("fixtures") / f"{name}.yaml"))._replace(packaged=True)


def _unread(name: str) -> Document:
    """A file of the packaged set that is left for later."""
    return Document(name, name, None, packaged=True)


@cache
def _late(name: str) -> dict[str, Record]:
    """The packaged records of a kind that most requests never need, and no start should wait for."""
    records = built_fixtures.records({name: KINDS[name]})
    if records is None:
        records = finish(_Check({name: _packaged(name)}, Derived()).run([name]))
    return {record.key: record for record in records}


def _folder(folder: Path) -> dict[str, Document]:
    """The files of a folder; patients and sessions, of which there may be many, are left to be read one by one."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))
    except (OSError, ValueError) as error:  # a ValueError for a name that no file can have
        reason = getattr(error, "strerror", None) or error
        hint = "give a folder of YAML files, or one file that holds all kinds"
        raise FixtureError([f"fixtures: cannot read {folder}: {reason}; {hint}"]) from None
    problems = _misnamed(files)
    try:
        if not problems:
            return {path.stem: _document(path) for path in files}
    except FixtureError:
        pass  # here comes the same again, with what is wrong in the other files
    raise FixtureError([one for path in files for one in problems.get(path) or _text(path).problems()])


def _misnamed(files: Iterable[Path]) -> dict[Path, list[str]]:
    problems: dict[Path, list[str]] = {}
    found: set[str] = set()
    for path in files:
        if path.stem not in KINDS:
            problems[path] = [f"{path}:1: file: not a fixture file; {_closest(path.stem, list(KINDS))}"]
        elif path.stem in found:
            problems[path] = [f"{path}:1: file: {path.stem} is there twice, as .yaml and .yml; remove one"]
        found.add(path.stem)
    return problems


def _file(path: Path) -> dict[str, Document]:
    """The documents of one file that holds a list for each kind, as an exported state does.

    The file is read whole, so a folder is the better home for a hundred thousand records.
    """
    text = _text(path)
    kinds = text.values()
    if not isinstance(kinds, dict):
        hint = f"write a list under each kind: {', '.join(KINDS)}"
        raise FixtureError([f"{path}:1: file: should map kinds to lists of records; {hint}"])
    given = {kind: Document(kind, str(path), rows, text, top=(kind,)) for kind, rows in kinds.items()}
    unknown = [document for kind, document in given.items() if kind not in KINDS]
    if unknown:
        raise FixtureError(
            [f"{one.places([()])[()]}: unknown kind of record; {_closest(one.kind, list(KINDS))}" for one in unknown]
        )
    return given


def _text(path: Path) -> YamlText:
    from mock_heidi.yaml_text import YamlText

    return YamlText(path, str(path))


def _document(path: Path) -> Document:
    text = _text(path)
    document = Document(path.stem, str(path), text, text)
    return document if path.stem in _UNIT else _whole(document)


def _whole(document: Document) -> Document:
    """The same with its records read."""
    values = document.read()
    return document._replace(records=list(values) if isinstance(values, Iterator) else values)


def from_mapping(records: Mapping[str, Any]) -> dict[str, Document]:
    """Documents from a body or a dict of lists, one for each kind of record."""
    unknown = [str(key) for key in records if key not in KINDS]
    if unknown:
        told = [shorten(f"{key}: unknown kind of record; {_closest(key, KINDS)}") for key in unknown[:MOST_PROBLEMS]]
        raise FixtureError(told, len(unknown) - len(told))
    return {key: Document(key, key, value) for key, value in records.items()}


def documents(choice: FixtureChoice, *, whole: bool = False, one_key: bool = False) -> dict[str, Document]:
    """The fixtures that were chosen, the missing ones from the packaged set; with ``one_key`` only its first key."""
    if choice is None:
        own = {}
    elif choice == "empty":
        own = {name: Document(name, name, []) for name in _UNIT}
    elif isinstance(choice, Mapping):
        own = from_mapping(choice)
    else:
        path = Path(choice)
        own = _file(path) if path.is_file() else _folder(path)
    if one_key and "api_keys" not in own:
        packaged = _packaged("api_keys")
        own["api_keys"] = packaged._replace(records=packaged.records[:1])
    return fill(own, whole=whole)


def fill(own: dict[str, Document], *, whole: bool = False) -> dict[str, Document]:
    """The packaged documents in the place of those that are not there; patients and sessions go together.

    Unless the ``whole`` is wanted, some of them are left to be read later.
    Own keys know nothing of the packaged accounts: what belongs to one that they do not name is left out.
    """
    if any(name in own for name in _UNIT):
        own = {**{name: Document(name, name, []) for name in _UNIT}, **own}
    missing = [name for name in KINDS if name not in own]
    packaged = {name: _packaged(name) if whole or name not in _LATE else _unread(name) for name in missing}
    if "api_keys" in own:
        keys = own["api_keys"].records
        keys = keys[: _MOST_RECORDS["api_keys"]] if isinstance(keys, list) else keys
        accounts = [row.get("managed_by") for row in keys if isinstance(row, dict)] if isinstance(keys, list) else []
        for name in _UNIT:
            if name in missing:
                rows = [row for row in packaged[name].records if row.get("managed_by") in (None, *accounts)]
                packaged[name] = packaged[name]._replace(records=rows)
    return {name: own[name] if name in own else packaged[name] for name in KINDS}


class Source(Protocol):
    """The source of ids and times for records that bring no id or time."""

    def object_id(self, *place: str | int) -> str: ...

    def session_id(self, *place: str | int) -> str: ...

    def stamp(self) -> str: ...


class Derived:
    """The same ids for the same places in the same fixtures, and one time for all."""

    def object_id(self, *place: str | int) -> str:
        return "677b9a50" + self._digest(place)[:16]

    def session_id(self, *place: str | int) -> str:
        return str(int(self._digest(place)[:32], 16))

    def stamp(self) -> str:
        return DEFAULT_TIME

    @staticmethod
    def _digest(place: tuple[str | int, ...]) -> str:
        return hashlib.sha256("/".join(map(str, place)).encode()).hexdigest()


# What is wrong, and where.
Problem = tuple[Document, Steps, str]


class _EnoughError(Exception):
    """There are so many problems that nobody needs to know how many more."""


class _Common:
    """Values that many records share, such as an account or a day, kept once: nothing changes them."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.field_sets: dict[frozenset[str], set[str]] = {}

    def share(self, record: Record) -> None:
        """Have it hold what others before it hold already."""
        given = record.model_fields_set
        # The names of the given fields are bigger than most records; pydantic writes into those of a copy only.
        object.__setattr__(record, "__pydantic_fields_set__", self.field_sets.setdefault(frozenset(given), given))
        values, texts = vars(record), self.texts
        if len(texts) > _REMEMBERED:
            texts.clear()  # most texts stand in one record only
        for name, value in values.items():
            if type(value) is str:
                values[name] = texts.setdefault(value, value)


class _Check:
    """Reads the documents of one set into records, collecting every problem on the way.

    With ``store``, the records come to those that are there already.
    """

    def __init__(self, given: dict[str, Document], source: Source, store: Store | None = None) -> None:
        self.given = given
        self.source = source
        self.store = store or Store(Base())
        self.problems: list[Problem] = []
        self.more = 0
        """The number of problems beyond those."""
        self._unspent = 0
        self.records: list[Record] = []
        self.known: dict[type[Record], dict[str, Record]] = {}
        self.same: Counter[str] = Counter()
        self.common = _Common()
        self.owners: dict[str, ApiKey] = {}
        self._accounts: dict[str, frozenset[str]] = {}
        self.first: ApiKey | None = None
        for key in self.store.all(ApiKey):
            self.owners.setdefault(key.managed_by, key)
            self.first = self.first or key

    def run(self, names: Iterable[str] = KINDS) -> Work[list[Record]]:
        """The records of these documents; a :class:`FixtureError` names the first problems and counts the others."""
        try:
            yield from self._read(names)
        except FixtureError:
            pass  # it comes again, with what is wrong in the other files
        except _EnoughError:
            pass
        else:
            if not self.problems:
                return self.records
        raise self._error()

    def _read(self, names: Iterable[str]) -> Work[None]:
        for name in names:
            document = yield from self._read_one(name)
            if name == "api_keys" and self.first is None and not self.problems:
                self._problem(document, (), "needs at least one key; leave the file out for the packaged one")
            if name == "api_keys" and self.problems:
                break  # whose a record is cannot be told without the keys

    def _read_one(self, name: str) -> Work[Document]:
        readers = {"users": self._one_user, **dict.fromkeys(_UNIT, self._owned)}
        read = readers.get(name, self._plain)
        document = self.given.get(name, Document(name, name, []))
        for number, row in enumerate(self._rows(document)):
            if not isinstance(row, dict):
                self._problem(document, (number,), "should be a mapping of fields")
            elif name == "api_keys":
                yield from self._key(document, number, dict(row))
            elif self._has_usual_size(document, (number,), row):
                read(document, number, dict(row))
            if number % _AT_ONCE == 0 or self._unspent:
                yield RECORD * _AT_ONCE + self._spent()
        return document

    def _has_usual_size(self, document: Document, path: Steps, row: dict[str, Any]) -> bool:
        if not holds_more(row, MOST_VALUES):
            return True
        self._problem(document, path, f"holds more than {MOST_VALUES:,} values; no record needs so many")
        return False

    def _rows(self, document: Document) -> Iterable[Any]:
        rows = document.read()
        most = _MOST_RECORDS.get(document.kind, _MOST_OTHERS)
        if isinstance(rows, list) and len(rows) > most:
            self._problem(document, (), f"holds more than {most:,} records; keep those that are needed")
        elif rows is None or isinstance(rows, (list, Iterator)):
            return rows or ()
        else:
            self._problem(document, (), "should be a list of records")
        return ()

    def _problem(self, document: Document, steps: Steps, text: str | Callable[[], str]) -> None:
        """Remember a problem, or only count it; ``text`` is called where it takes long to make."""
        if len(self.problems) < MOST_PROBLEMS:
            made = text if isinstance(text, str) else self._search(text)
            self.problems.append((document, steps, shorten(made, _LONGEST_PROBLEM)))
        else:
            self._count(1)

    def _search(self, text: Callable[[], str]) -> str:
        self._unspent += _NEAREST
        return text()

    def _spent(self) -> int:
        """The cost of the searches for the nearest names since the last call."""
        spent, self._unspent = self._unspent, 0
        return spent

    def _count(self, number: int) -> None:
        self.more += number
        if self.more >= _MOST_COUNTED:
            self.more = _MOST_COUNTED
            raise _EnoughError

    def _error(self) -> FixtureError:
        unreadable = self._unreadable()
        if unreadable:
            return FixtureError(unreadable)
        return FixtureError(self._told(), self.more, counted=self.more < _MOST_COUNTED)

    def _unreadable(self) -> list[str]:
        texts = [document.unread for document in self.given.values()]
        return [problem for text in texts if text is not None for problem in text.problems()]

    def _told(self) -> list[str]:
        """The problems with their places, which a file is read again for."""
        wanted: dict[str, tuple[Document, set[Steps]]] = {}
        for document, steps, _ in self.problems:
            wanted.setdefault(document.kind, (document, set()))[1].add(steps)
        places = {kind: document.places(steps) for kind, (document, steps) in wanted.items()}
        return _by_line([shorten(f"{places[document.kind][steps]}: {text}") for document, steps, text in self.problems])

    def _key(self, document: Document, number: int, row: dict[str, Any]) -> Work[None]:
        users = row.pop("users", None) or []
        if not self._has_usual_size(document, (number,), row):
            return
        key = self._record(ApiKey, document, (number,), row)
        if not isinstance(key, ApiKey):
            return
        self.owners.setdefault(key.managed_by, key)
        self.first = self.first or key
        if not isinstance(users, list) or not all(isinstance(user, dict) for user in users):
            self._problem(document, (number, "users"), "should be a list of users")
            return
        for index, user in enumerate(users):
            self._user(document, (number, "users", index), dict(user), key)
            yield RECORD + self._spent()

    def _plain(self, document: Document, number: int, row: dict[str, Any]) -> None:
        record = self._record(KINDS[document.kind], document, (number,), row)
        problem = None if record is None else record.problem()
        if problem:
            self._problem(document, (number,), problem)

    def _one_user(self, document: Document, number: int, row: dict[str, Any]) -> None:
        """A user who stands alone, and not under a key as in a file."""
        key = self._owner(document, number, row)
        if key is not None:
            self._user(document, (number,), row, key)

    def _user(self, document: Document, path: Steps, row: dict[str, Any], key: ApiKey) -> None:
        linked_to = row.get("linked_to")
        if linked_to is not None:
            row.setdefault("account_id", self.source.object_id("account", *path))
            row.setdefault("linked_at", self.source.stamp())
        self._record(User, document, path, {"managed_by": key.managed_by, **row})
        known_account = isinstance(linked_to, str) and linked_to in self._accounts_of(key)
        if linked_to is not None and not known_account:
            known = (user.kinde_user_id for user in key.heidi_users)
            self._problem(document, (*path, "linked_to"), lambda: _unknown_account(linked_to, known))

    def _accounts_of(self, key: ApiKey) -> frozenset[str]:
        """The ids of its Heidi accounts, collected once: a key may have many users."""
        if key.key not in self._accounts:
            self._accounts[key.key] = frozenset(user.kinde_user_id for user in key.heidi_users)
        return self._accounts[key.key]

    def _owner(self, document: Document, number: int, row: dict[str, Any]) -> ApiKey | None:
        """The key whose data a record belongs to, by default the first; None where its account is unknown."""
        assert self.first is not None  # noqa: S101 - run() has ended where there is no key
        owner = self.owners.get(str(row.setdefault("managed_by", self.first.managed_by)))
        if owner is None:
            self._problem(document, (number, "managed_by"), lambda: _unknown_owner(row["managed_by"], self.owners))
        return owner

    def _owned(self, document: Document, number: int, row: dict[str, Any]) -> None:
        kind, owner = KINDS[document.kind], self._owner(document, number, row)
        if owner is None:
            return
        row.setdefault("ehr_provider", owner.ehr_provider)
        row.setdefault("created_at", self.source.stamp())
        row.setdefault("updated_at", row["created_at"])
        if kind is PatientProfile:
            row.setdefault("id", self.source.object_id(document.kind, number))
        else:
            row.setdefault("session_id", self.source.session_id(document.kind, number))
            row.setdefault("session_name", f"Session {self.store.size(Session) + number + 1}")
        record = self._record(kind, document, (number,), row)
        if isinstance(record, Session) and record.patient_profile_id is not None:
            self._patient(document, number, record)
        if isinstance(record, Session) and record.consultation is not None:
            self._consultation(document, number, record.consultation)

    def _consultation(self, document: Document, number: int, wanted: str) -> None:
        transcripts = self.given.get("transcripts")
        late = transcripts is not None and transcripts.packaged and transcripts.records is None
        if late and document.packaged:
            return  # both come from one hand
        given = _late("transcripts") if late else self.known.get(Consultation, {})
        if wanted not in given and self.store.get(Consultation, wanted) is None:
            self._problem(document, (number, "consultation"), lambda: _unknown_consultation(wanted, given, self.store))

    def _patient(self, document: Document, number: int, session: Session) -> None:
        wanted = session.patient_profile_id or ""
        read = self.known.get(PatientProfile, {})
        patient = read.get(wanted) or self.store.get(PatientProfile, wanted)
        if patient is None or getattr(patient, "managed_by", None) != session.managed_by:
            own = (key for key, one in read.items() if getattr(one, "managed_by", None) == session.managed_by)
            self._problem(document, (number, "patient_profile_id"), lambda: _unknown_patient(wanted, own))

    def _record(self, kind: type[Record], document: Document, path: Steps, row: dict[str, Any]) -> Record | None:
        try:
            record = kind.model_validate(row)
        except ValidationError as error:
            self._wrong_fields(kind, document, path, error)
            return None
        if isinstance(record, Fault) and record.id is None:
            record = self._apart(record)
        key = record.key
        if self._is_there(kind, key):
            shown = short_repr(key.replace("\0", " / "), _LONGEST_PROBLEM)
            self._problem(document, path, f"{shown} is there already; ids must be unique")
            return None
        self.common.share(record)
        self.known.setdefault(kind, {})[key] = record
        self.records.append(record)
        return record

    def _wrong_fields(self, kind: type[Record], document: Document, path: Steps, error: ValidationError) -> None:
        left = MOST_PROBLEMS - len(self.problems)
        for one in error.errors(include_url=False)[:left] if left else ():
            self._problem(document, (*path, *one["loc"]), _wrong(kind, one))
        if error.error_count() > left:
            self._count(error.error_count() - left)

    def _is_there(self, kind: type[Record], key: str) -> bool:
        return key in self.known.get(kind, ()) or self.store.get(kind, key) is not None

    def _apart(self, fault: Fault) -> Fault:
        """Of rules that say the same, each is one by itself."""
        said = fault.key
        while self._is_there(Fault, fault.key):
            self.same[said] += 1
            fault = fault.again(self.same[said])
        return fault


def _by_line(problems: list[str]) -> list[str]:
    """Problems in the order of the files and of the lines in them; those without a line stay where they are."""
    places = [_PLACE.match(problem) for problem in problems]
    files = list(dict.fromkeys(place[1] if place else "" for place in places))
    keys = [(files.index(place[1]), int(place[2])) if place else (files.index(""), 0) for place in places]
    return [problem for _, problem in sorted(zip(keys, problems, strict=True), key=lambda pair: pair[0])]


def _wrong(kind: type[Record], error: Any) -> str:
    loc = error["loc"]
    if error["type"] == "extra_forbidden":
        fields = [field.alias or name for name, field in kind.model_fields.items()] if len(loc) == 1 else []
        return f"unknown field; {_closest(str(loc[-1]), fields) if fields else 'remove it'}"
    given = "" if error["type"] == "missing" else f", not {short_repr(error['input'], _SHOWN)}"
    return f"{error['msg']}{given}"


def _unknown_owner(wanted: Any, known: Iterable[str]) -> str:
    return f"no API key has the account {short_repr(wanted, _SHOWN)}; {_closest(str(wanted), known)}"


def _unknown_consultation(wanted: str, given: Iterable[str], store: Store) -> str:
    known = chain(given, (one.id for one in store.all(Consultation)))
    return f"no consultation {short_repr(wanted, _SHOWN)} among the transcripts; {_closest(wanted, known)}"


def _unknown_account(wanted: Any, known: Iterable[str]) -> str:
    return f"no Heidi user {short_repr(wanted, _SHOWN)} under this key; {_closest(str(wanted), known)}"


def _unknown_patient(wanted: str, known: Iterable[str]) -> str:
    own = list(islice(known, _MOST_OPTIONS))
    near = _closest(wanted, own) if own else "there are none"
    return f"no patient profile {short_repr(wanted, _SHOWN)} of the same API key; {near}"


def reading(given: dict[str, Document], api_key: str | None = None) -> Work[Base]:
    """The base of a state, or a :class:`FixtureError` that names the first problems and counts the others.

    ``api_key`` replaces the first key. Another key of that name is removed, with the records of its account.
    """
    records = yield from _Check(given, Derived()).run()
    packaged = frozenset(name for name, document in given.items() if document.packaged)
    return (yield from _making(records if api_key is None else _with_key(records, api_key), packaged))


def rekeyed(base: Base, api_key: str) -> Work[Base]:
    """The base of the same fixtures with that key in the place of the first, or as the only one if they hold none."""
    late = {KINDS[name] for name in _LATE if name in base.packaged}
    records = list(chain.from_iterable(table.values() for kind, table in base.records.items() if kind not in late))
    if "api_keys" in base.packaged:
        first = next(record for record in records if isinstance(record, ApiKey))
        records = [record for record in records if record is first or not isinstance(record, ApiKey)]
    return (yield from _making(_with_key(records, api_key), base.packaged))


def _with_key(records: list[Record], api_key: str) -> list[Record]:
    """The records with that key in the place of the first, without those of an account that has no key then."""
    if not api_key.isascii() or not api_key.isprintable() or api_key.split() != [api_key]:
        raise ConfigError(f"api key: {api_key!r} fits into no header; use letters, digits and signs without blanks")
    first, *keys = (record for record in records if isinstance(record, ApiKey))
    keys = [first.replace(api_key=api_key), *(key for key in keys if key.key != api_key)]
    # What is nobody's, such as a template, is everybody's.
    owners = {None, *(key.managed_by for key in keys)}
    own = [record for record in records if getattr(record, "managed_by", None) in owners]
    return [*keys, *(record for record in own if not isinstance(record, ApiKey))]


def _making(records: list[Record], packaged: frozenset[str]) -> Work[Base]:
    late = {KINDS[name]: partial(_late, name) for name in _LATE if name in packaged}
    return (yield from Base.making(records, packaged, late))


def read(given: dict[str, Document], api_key: str | None = None) -> Base:
    """The same as :func:`reading`, done in one go."""
    return finish(reading(given, api_key))


def load(choice: FixtureChoice = None, api_key: str | None = None, *, whole: bool = False) -> Base:
    """Read the chosen fixtures: a folder, a file, ``"empty"``, the records themselves, or None for the packaged set.

    ``api_key`` replaces the first key of the chosen fixtures; if they hold no keys, it is the only key.
    With ``whole`` every file of the packaged set is read and checked now, and not when somebody first asks for it.
    """
    if choice is None and not whole:
        return _packaged_base() if api_key is None else finish(rekeyed(_packaged_base(), api_key))
    return read(documents(choice, whole=whole, one_key=api_key is not None), api_key)


@cache
def _packaged_base() -> Base:
    """The packaged set, read once in a process: a base never changes, and tests make many applications."""
    records = built_fixtures.records({name: kind for name, kind in _BUILT.items() if name not in _LATE})
    return read(documents(None)) if records is None else finish(_making(records, frozenset(KINDS)))


def wheel_files() -> dict[str, bytes]:
    """The JSON files that a wheel carries, by their names: the packaged records, the assumptions and the schemas."""
    records = read(documents(None, whole=True)).records
    return {
        **built_fixtures.texts(_BUILT, records),
        "assumptions": assumptions.built_text(),
        "schemas": built.text(schemas(), built.code()),
    }


def further(store: Store, records: Mapping[str, Any], source: Source) -> Work[list[Record]]:
    """Records that may come to a state, all or none; ids and times that they do not bring come from ``source``."""
    return (yield from _Check(from_mapping(records), source, store).run())


def revised(store: Store, kind: str, row: Mapping[str, Any], source: Source) -> Record:
    """The record of a row that is to join a state without it; ``kind`` may also be ``users``.

    Raises :class:`FixtureError` where the row makes no record, or one that does not fit the rest of the state.
    """
    [record] = finish(_Check({kind: Document(kind, kind, [row])}, source, store).run([kind]))
    return record


def dump(store: Store) -> dict[str, list[dict[str, Any]]]:
    """A whole state as fixtures: :func:`load` of the answer makes the same state."""
    made = {name: list(rows) for name, rows in dumping(store).items()}
    made["api_keys"] = [{**row, "users": list(row["users"])} for row in made["api_keys"]]
    return made


def dumping(store: Store) -> dict[str, Iterator[dict[str, Any]]]:
    """The same with rows that are made one by one, all of the state as it is now; users of a key likewise."""
    keys = store.all(ApiKey)
    # What the packaged set gave and nobody added to would only hide the rest: a folder gets it again.
    packaged = {name for name in store.base.packaged if not _added(store, KINDS[name])}
    fixed = {name: _rows(store.all(KINDS[name]), brief=True) for name in _FIXED if name not in packaged}
    return {
        "api_keys": _key_rows(keys, _by_key(keys, store.all(User))),
        **fixed,
        "patient_profiles": _rows(store.all(PatientProfile)),
        "sessions": _rows(store.all(Session)),
    }


def _rows(records: Iterable[Record], *, brief: bool = False) -> Iterator[dict[str, Any]]:
    return (shown(record, brief=brief) for record in records)


def _key_rows(keys: Iterable[ApiKey], users: Mapping[str, Iterable[User]]) -> Iterator[dict[str, Any]]:
    for key in keys:
        own = users.get(key.key, ())
        yield {**shown(key), "users": (user.model_dump(exclude={"managed_by"}, exclude_none=True) for user in own)}


def _added(store: Store, kind: type[Record]) -> bool:
    """True if there are more records of a kind than in the base; only for kinds that are never removed."""
    return store.size(kind) > len(store.base.records.get(kind, ()))


def _by_key(keys: Iterable[ApiKey], users: Iterable[User]) -> dict[str, list[User]]:
    """The users of each key, by the key.

    Where several keys open the same data, a user belongs to the one that knows their Heidi account, else to the first.
    """
    first: dict[str, str] = {}
    knowing: dict[tuple[str, str], str] = {}
    for key in keys:
        first.setdefault(key.managed_by, key.key)
        for known in key.heidi_users:
            knowing.setdefault((key.managed_by, known.kinde_user_id), key.key)
    found: dict[str, list[User]] = {}
    for user in users:
        if user.managed_by in first:
            own = knowing.get((user.managed_by, user.linked_to or ""), first[user.managed_by])
            found.setdefault(own, []).append(user)
    return found


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a fixture file, for editors that complete and check it while it is written."""
    model = KINDS[kind]
    made = model.model_json_schema(by_alias=True)
    definitions = made.pop("$defs", {})
    # What a record need not bring is filled in when it is read.
    filled = {"id", "session_id", "session_name", "managed_by", "ehr_provider", "created_at", "updated_at"}
    if kind in _UNIT:
        made["required"] = [name for name in made.get("required", []) if name not in filled]
    if kind == "api_keys":
        user = User.model_json_schema()
        user["properties"].pop("managed_by")
        user["required"].remove("managed_by")
        made["properties"]["users"] = {"type": "array", "items": user}
    if kind not in ("faults", "scenarios"):  # their fields say which texts and numbers they take
        made, definitions = _as_written(made), _as_written(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"mock_heidi: {kind}.yaml",
        "type": "array",
        "items": made,
        "$defs": definitions,
    }


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schemas of all fixture files, by kind."""
    return {kind: schema(kind) for kind in KINDS}


def _as_written(node: Any) -> Any:
    """A schema for YAML as people write it: an id, a number or a date without quotes is as good as a text."""
    if isinstance(node, list):
        return [_as_written(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {name: _as_written(item) for name, item in node.items()}
    if made.get("type") == "string" and "enum" not in made:
        made["type"] = ["string", "number"]
    return made


def shown(record: Record, *, brief: bool = False) -> dict[str, Any]:
    """A record as a fixture; ``brief`` leaves out what is as it would be anyway."""
    return record.model_dump(mode="json", by_alias=True, exclude_defaults=brief)
