"""The store: an overlay of changes over a shared base. It behaves like a plain list of records.

A record is found by its key. A record that is put again keeps its place; a new or restored one comes last.
"""

from collections.abc import Callable, Sized
from typing import Any

import pytest
from clients import Client
from helpers import another
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule

from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import Session
from mock_heidi.state.store import Base, Store

OWNERS = ["a" * 24, "b" * 24]
NUMBERS = [None, "E1", "E2"]
KEYS = [f"{number:024x}" for number in range(8)]
TIME = "2025-01-06T12:00:00.000000"


def profile(key: str, owner: str = OWNERS[0], number: str | None = None, name: str | None = None) -> PatientProfile:
    return PatientProfile(
        id=key,
        managed_by=owner,
        ehr_provider="P",
        ehr_patient_id=number,
        first_name=name,
        created_at=TIME,
        updated_at=TIME,
    )


# Few keys, so that many steps meet a record that is there.
profiles = st.builds(
    profile, st.sampled_from(KEYS[:4]), st.sampled_from(OWNERS), st.sampled_from(NUMBERS), st.sampled_from(["A", "B"])
)


class Model:
    """The same methods on a plain list."""

    def __init__(self, records: list[PatientProfile]) -> None:
        self.start = records
        self.records = list(records)

    def put(self, record: PatientProfile) -> None:
        keys = [known.key for known in self.records]
        if record.key in keys:
            self.records[keys.index(record.key)] = record
        else:
            self.records.append(record)

    def remove(self, record: PatientProfile) -> None:
        self.records = [known for known in self.records if known.key != record.key]

    def reset(self) -> None:
        self.records = list(self.start)

    def fork(self) -> "Model":
        other = Model(self.start)
        other.records = list(self.records)
        return other


class Pair:
    """A store and the list that it must equal."""

    def __init__(self, store: Store, model: Model) -> None:
        self.store = store
        self.model = model


class StoreMachine(RuleBasedStateMachine):
    """Any series of calls on a store and on its forks."""

    pairs: Bundle[Pair] = Bundle("pairs")

    def __init__(self) -> None:
        super().__init__()
        self.all: list[Pair] = []

    @initialize(target=pairs, records=st.lists(profiles, max_size=3, unique_by=lambda record: record.key))
    def begin(self, records: list[PatientProfile]) -> Pair:
        self.all.append(Pair(Store(Base(records)), Model(records)))
        return self.all[-1]

    @rule(pair=pairs, record=profiles)
    def put(self, pair: Pair, record: PatientProfile) -> None:
        pair.store.put(record)
        pair.model.put(record)

    @rule(pair=pairs, record=profiles)
    def remove(self, pair: Pair, record: PatientProfile) -> None:
        pair.store.remove(record)
        pair.model.remove(record)

    @rule(pair=pairs)
    def reset(self, pair: Pair) -> None:
        pair.store.reset()
        pair.model.reset()

    @rule(target=pairs, pair=pairs)
    def fork(self, pair: Pair) -> Any:
        if len(self.all) == 3:
            return multiple()
        self.all.append(Pair(pair.store.fork(), pair.model.fork()))
        return self.all[-1]

    # A rule, since asking an index changes it: what was put since is placed.
    @rule()
    def agrees_with_the_list(self) -> None:
        for pair in self.all:
            store, records = pair.store, pair.model.records
            assert list(store.all(PatientProfile)) == records
            assert store.size(PatientProfile) == len(records)
            assert [store.get(PatientProfile, key) for key in KEYS] == [
                next((record for record in records if record.key == key), None) for key in KEYS
            ]
            for owner in OWNERS:
                own = [record for record in records if record.managed_by == owner]
                assert list(store.where(PatientProfile, managed_by=owner)) == own
                assert store.count(PatientProfile, managed_by=owner) == len(own)
                for number in NUMBERS:
                    same = [record for record in own if record.ehr_patient_id == number]
                    assert list(store.where(PatientProfile, managed_by=owner, ehr_patient_id=number)) == same
                    assert store.count(PatientProfile, managed_by=owner, ehr_patient_id=number) == len(same)

    def teardown(self) -> None:
        self.agrees_with_the_list()


TestStoreIsLikeAList = pytest.mark.slow(StoreMachine.TestCase)
TestStoreIsLikeAList.settings = settings(max_examples=250, stateful_step_count=30, deadline=None, derandomize=True)


@pytest.fixture
def base() -> Base:
    return Base([profile(key) for key in KEYS[:3]])


def test_a_reset_uses_the_same_base_without_copying_it(base: Base) -> None:
    store = Store(base)
    first = store.get(PatientProfile, KEYS[0])
    store.put(profile(KEYS[0], name="changed"))

    store.reset()

    assert store.get(PatientProfile, KEYS[0]) is first
    assert store.where(PatientProfile, managed_by=OWNERS[0]) is base.index[PatientProfile, ("managed_by",), OWNERS[0]]


def test_no_method_changes_the_base(base: Base) -> None:
    before = {kind: dict(records) for kind, records in base.records.items()}
    index = {slot: list(records) for slot, records in base.index.items()}
    store = Store(base)

    store.put(profile(KEYS[0], OWNERS[1], "E2"))
    store.remove(profile(KEYS[1]))
    store.put(profile(KEYS[7]))
    list(store.where(PatientProfile, managed_by=OWNERS[0]))

    assert (base.records, base.index) == (before, index)


def test_a_base_has_the_position_of_every_record() -> None:
    one, two, other = profile(KEYS[0], number="E1"), profile(KEYS[1], number="E1"), profile(KEYS[2], OWNERS[1])
    base = Base([one, two, other])

    first, second = OWNERS
    assert dict(base.index) == {
        (PatientProfile, ("managed_by",), first): [one, two],
        (PatientProfile, ("managed_by",), second): [other],
        (PatientProfile, ("managed_by", "ehr_patient_id"), (first, "E1")): [one, two],
        (PatientProfile, ("managed_by", "ehr_patient_id"), (second, None)): [other],
        (PatientProfile, ("managed_by", "ehr_provider"), (first, "P")): [one, two],
        (PatientProfile, ("managed_by", "ehr_provider"), (second, "P")): [other],
    }
    assert len(base.index) == 6
    assert dict(base.position) == {(PatientProfile, key): number for number, key in enumerate(KEYS[:3])}
    assert len(base.position) == 3


def test_a_reset_can_use_another_base(base: Base) -> None:
    store = Store(Base())
    store.put(profile(KEYS[5]))

    store.reset(base)
    once = [record.key for record in store.all(PatientProfile)]
    store.remove(profile(KEYS[0]))
    store.reset()

    assert once == [record.key for record in store.all(PatientProfile)] == KEYS[:3]


def test_records_of_different_kinds_may_have_the_same_key() -> None:
    store = Store(Base())
    store.put(profile("1" * 24))
    session = Session(
        session_id="1" * 24, managed_by=OWNERS[0], session_name="S", ehr_provider="P", created_at=TIME, updated_at=TIME
    )
    store.put(session)

    store.remove(session)

    assert (store.size(Session), store.size(PatientProfile)) == (0, 1)


def test_only_an_index_can_be_searched(base: Base) -> None:
    with pytest.raises(LookupError, match="PatientProfile has no index on first_name"):
        Store(base).where(PatientProfile, first_name="A")


VERBS: list[Callable[[Store], None]] = [
    lambda store: store.put(profile(KEYS[0], name="other")),
    lambda store: store.put(profile(KEYS[6])),
    lambda store: store.remove(profile(KEYS[0])),
    lambda store: store.put(profile(KEYS[4], OWNERS[1])),
    lambda store: store.remove(profile(KEYS[4])),
    lambda store: store.reset(),
]


def test_the_size_of_a_state_is_known_without_reading_its_records() -> None:
    store = Store(Base())
    for number in range(20_000):
        store.put(profile(f"{number:024x}"))

    sizes = {store.size(PatientProfile) for _ in range(100_000)}

    assert sizes == {20_000}


def test_a_store_that_adopts_a_fork_has_its_size() -> None:
    store = Store(Base([profile(KEYS[0])]))
    fork = store.fork()
    fork.put(profile(KEYS[1]))
    fork.remove(profile(KEYS[0]))
    fork.put(profile(KEYS[2]))

    store.adopt(fork)

    assert store.size(PatientProfile) == len(store.all(PatientProfile)) == 2


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("changed", ["the fork", "the origin"])
def test_two_forks_are_independent(base: Base, verb: Callable[[Store], None], changed: str) -> None:
    origin = Store(base)
    origin.put(profile(KEYS[4], number="E1"))
    origin.put(profile(KEYS[1], name="moved"))
    fork = origin.fork()
    mover, other = (fork, origin) if changed == "the fork" else (origin, fork)
    before = list(other.all(PatientProfile)), list(other.where(PatientProfile, managed_by=OWNERS[0]))

    verb(mover)

    assert (list(other.all(PatientProfile)), list(other.where(PatientProfile, managed_by=OWNERS[0]))) == before
    assert list(mover.all(PatientProfile)) != before[0]


def test_created_and_deleted_records_leave_nothing(base: Base) -> None:
    store = Store(base)

    for number in range(100):
        record = profile(f"{number + 100:024x}", number=f"E{number}")
        store.put(record)
        store.put(record.replace(ehr_patient_id=f"F{number}"))
        store.remove(record)

    overlay = store._overlay  # noqa: SLF001 - no verb says
    places = [getattr(overlay, name) for name in ("_joined", "_left", "_mixed")]
    kept: list[Sized] = [*overlay.records.values(), *overlay.created.values(), *places]
    assert [len(found) for found in kept] == [0, 0, 0, 0, 0]


def test_new_records_are_indexed_at_the_first_search(base: Base) -> None:
    store = Store(base)
    store.put(profile(KEYS[5], number="E5"))
    places = store._overlay._joined  # noqa: SLF001 - no verb says

    before = len(places)
    found = store.where(PatientProfile, managed_by=OWNERS[0], ehr_patient_id="E5")

    assert (before, len(places)) == (0, 3)
    assert [record.key for record in found] == [KEYS[5]]


def test_a_record_removed_before_the_first_search_is_not_indexed(base: Base) -> None:
    store = Store(base)
    store.put(profile(KEYS[5]))

    store.remove(profile(KEYS[5]))

    assert store.count(PatientProfile, managed_by=OWNERS[0]) == 3
    assert [record.key for record in store.where(PatientProfile, managed_by=OWNERS[0])] == KEYS[:3]


def test_a_changed_fork_finds_earlier_new_records(base: Base) -> None:
    origin = Store(base)
    origin.put(profile(KEYS[5]))
    fork = origin.fork()

    fork.put(profile(KEYS[6]))

    for store, keys in ((fork, KEYS[5:7]), (origin, KEYS[5:6])):
        found = [record.key for record in store.where(PatientProfile, managed_by=OWNERS[0])]
        assert found == [*KEYS[:3], *keys]


def test_an_index_made_by_a_fork_serves_both_stores(base: Base) -> None:
    origin = Store(base)
    origin.put(profile(KEYS[5], number="E5"))
    fork = origin.fork()

    counts = [store.count(PatientProfile, managed_by=OWNERS[0]) for store in (fork, origin)]
    fork.put(profile(KEYS[6], number="E5"))
    origin.remove(profile(KEYS[5]))

    assert counts == [4, 4]
    found = [store.where(PatientProfile, managed_by=OWNERS[0], ehr_patient_id="E5") for store in (fork, origin)]
    assert [[record.key for record in records] for records in found] == [[KEYS[5], KEYS[6]], []]


def test_namespaces_share_one_base(heidi: Client) -> None:
    heidi.get("/ns/blue/_mock/health")

    default, blue = list(heidi.app.registry)
    assert default.start.base is blue.start.base
    assert default.store.where(Session, managed_by="5eb7cf5a86d9755df3a6c593") is blue.store.where(
        Session, managed_by="5eb7cf5a86d9755df3a6c593"
    )


def test_two_applications_in_one_process_share_no_record() -> None:
    with another() as one, another() as other:
        one.patch("/sessions/1234567890", json={"duration": 99})

        assert other.get("/sessions/1234567890").json()["session"]["duration"] == 16
