"""The database: once each, pruned, sealed, shared by processes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flotilla import errors
from flotilla.sealing import Keys
from flotilla_servers.webhooks.store import DAY, Arrival, Store
from flotilla_servers.webhooks.tests.conftest import Log, receiving
from flotilla_servers.webhooks.tests.senders import SENDERS, sent, wrong_secret_of

CANARY = "canary-of-a-customer-émile"


def arrival(key: str, **more: object) -> Arrival:
    """Return an event of Calendly."""
    values = {"vendor": "calendly", "endpoint": "main", "kind": "invitee.created", "account": "U1", "happened": 1.5}
    return Arrival(**{**values, "key": key, "data": {"name": CANARY}, **more})  # type: ignore[arg-type]


@pytest.fixture
def clock() -> list[float]:
    return [1_764_410_400.0]


@pytest.fixture
def database(tmp_path: Path, clock: list[float]) -> Store:
    return Store(tmp_path / "webhooks.db", Keys("webhooks", ["k" * 32], shared=True), lambda: clock[0])


def test_store_same_key_is_one_event(database: Store) -> None:
    assert database.add([arrival("a"), arrival("a"), arrival("b"), arrival("a", endpoint="other")]) == 3
    assert database.add([arrival("a")]) == 0
    assert [(one.key, one.endpoint, one.duplicates) for one in database.events()] == [
        ("a", "main", 2),
        ("b", "main", 0),
        ("a", "other", 0),
    ]


def test_store_acknowledged_event_stays_so(database: Store) -> None:
    database.add([arrival("a")])
    database.mark([1], "acknowledged")
    database.add([arrival("a")])
    assert [one.state for one in database.events()] == ["acknowledged"]


def test_store_signal_after_it_was_acknowledged_is_new(database: Store) -> None:
    """«Something changed» means something again once the earlier one was dealt with, and nothing before."""
    signal = arrival("s", signals=True)
    assert database.add([signal, signal]) == 1
    database.mark([1], "acknowledged")
    assert database.add([signal]) == 1
    assert [(one.id, one.state) for one in database.events()] == [(1, "acknowledged"), (2, "new")]
    opened = [database.event(number) for number in (1, 2)]
    assert [stored[1] for stored in opened if stored] == [{"name": CANARY}] * 2


def test_store_signal_is_a_message_of_its_own(database: Store) -> None:
    """Whoever drops a forwarded message whose id was seen drops no later event, and the earlier one keeps its id."""
    signal = arrival("s", signals=True)
    database.add([signal])
    [first] = database.events()
    database.mark([1], "acknowledged")
    database.add([signal])
    assert database.events()[0].message_id == first.message_id
    assert len({one.message_id for one in database.events()}) == 2


def test_store_signal_after_one_that_cannot_be_opened(tmp_path: Path, database: Store) -> None:
    """The state key has changed: what comes is stored all the same, and the earlier one opens with its key."""
    database.add([arrival("s", signals=True)])
    database.mark([1], "acknowledged")
    other = Store(tmp_path / "webhooks.db", Keys("webhooks", ["x" * 32], shared=True))
    assert other.add([arrival("s", signals=True), arrival("b")]) == 2
    first = database.event(1)
    assert first
    assert first[1] == {"name": CANARY}


def test_store_lists_by_kind_and_pages(database: Store) -> None:
    database.add([arrival(str(number), kind=f"invitee.{number % 2}") for number in range(10)])
    assert [one.key for one in database.events(kind="invitee.1", limit=3)] == ["1", "3", "5"]
    assert [one.key for one in database.events(kind="invitee.*", beyond=7)] == ["7", "8", "9"]
    assert database.events(kind="invitee.[01]") == database.events(kind="?nvitee.1") == []


def test_store_prunes_what_is_dealt_with(database: Store, clock: list[float]) -> None:
    database.add([arrival("new"), arrival("done"), arrival("waits", forward=True), arrival("parked", state="parked")])
    database.mark([2, 3], "acknowledged")
    clock[0] += 31 * DAY
    assert database.prune(30) == 2
    assert [one.key for one in database.events()] == ["new", "waits"]


def test_store_forwards_are_claimed_by_one(database: Store, clock: list[float]) -> None:
    database.add([arrival("a", forward=True), arrival("b", forward=True), arrival("p", forward=True, state="parked")])
    assert [one.event.key for one in database.claim(60, 10)] == ["a", "b"]
    assert database.claim(60, 10) == []
    clock[0] += 61  # whoever had them has died
    again = database.claim(60, 10)
    assert [database.payload(one.event) for one in again] == [{"name": CANARY}] * 2
    database.attempted(again[0], "delivered", 0, "")
    database.attempted(again[1], "dead", 0, "it answered 410")
    assert database.next_due() is None
    assert database.forward_again([2, 99]) == [2]
    assert [(one.event.key, one.state, one.attempts) for one in database.forwards()] == [
        ("a", "delivered", 1),
        ("b", "waiting", 0),
    ]


def test_store_of_many_processes(tmp_path: Path) -> None:
    """Several open the same new file at once: one makes the tables, and each event is stored once."""
    path, keys = tmp_path / "webhooks.db", Keys("webhooks", ["k" * 32], shared=True)

    def work(number: int) -> int:
        return Store(path, keys).add([arrival(str(key)) for key in range(number, number + 20)])

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 27
    assert len(Store(path, keys).events()) == 27


def test_store_of_another_key_or_version(tmp_path: Path, database: Store) -> None:
    database.add([arrival("a")])
    other = Store(tmp_path / "webhooks.db", Keys("webhooks", ["x" * 32], shared=True))
    with pytest.raises(errors.ConfigurationError, match="state key"):
        other.event(1)
    with database._open() as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(errors.ConfigurationError, match="newer version"):
        Store(tmp_path / "webhooks.db", Keys("webhooks", ["k" * 32], shared=True))


async def test_store_file_holds_no_secret(store: Store, settings: dict[str, str], log: Log) -> None:
    """Whoever steals the database, its log or what was printed reads neither a secret nor what vendors sent."""
    async with receiving(store) as client:
        for vendor in sorted(SENDERS):
            for one in (sent(vendor), sent(vendor, wrong_secret_of(vendor))):
                await client.post(one.path, content=one.body, headers=dict(one.headers))
    store.offer("notion", "main", "canary-secret-offered")
    assert len(store.events()) > 20
    files = [path for path in Path(settings["FLOTILLA_STATE"]).rglob("*") if path.is_file()]
    stolen = b"".join(path.read_bytes() for path in files if path.name != "key") + log.text.encode()
    assert len(stolen) > 20_000
    canaries = ["canary", "Émile", "legacy-token", "v0=", "Bearer", "Basic", "whsec_", "12,50"]
    assert "webhook refused" in log.text
    assert not [text for text in canaries if text.encode() in stolen]
    assert all(path.stat().st_mode & 0o077 == 0 for path in files if path.suffix in (".db", ".sealed"))


def test_store_that_was_removed_is_not_made_again(store: Store) -> None:
    """A file that comes again would keep the folder of a deleted tenant, and be empty for everybody else."""
    store._path.unlink()
    with pytest.raises(errors.ConfigurationError, match="cannot be used"):
        store.add([])
    assert not store._path.exists()
