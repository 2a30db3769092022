"""One-time links to connect an account: who may use them, and how often."""

from __future__ import annotations

import pytest

from flotilla_servers.switchboard.tenants.connections import Connected, Connections
from flotilla_servers.switchboard.tenants.links import Links
from flotilla_servers.switchboard.tenants.store import Store
from flotilla_servers.switchboard.tenants.tenant import Settings
from flotilla_servers.switchboard.tenants.tenants import Tenants


def test_link_works_once(database: str) -> None:
    store = Store(database)
    acme, _ = Tenants(store).create("acme", Settings())
    first, second = Links(store), Links(Store(database))  # two switchboards
    token = first.create(acme, "hubspot")
    link = second.find(token)
    assert link
    assert (link.tenant, link.server) == (acme, "hubspot")
    assert first.find(link.hash) is None  # what the database holds opens nothing
    assert [second.use(link), first.use(link)] == [True, False]
    assert first.find(token) is None


def test_link_ends_with_its_time_and_its_tenant(database: str) -> None:
    store = Store(database)
    tenants, links = Tenants(store), Links(store)
    acme, _ = tenants.create("acme", Settings())
    assert links.find(links.create(acme, "hubspot", hours=-1)) is None
    token = links.create(acme, "hubspot")
    tenants.suspend(acme)
    assert links.find(token) is None
    tenants.resume(acme)
    assert links.find(token)
    Connections(store).note(acme, "hubspot", "Zoé")
    tenants.delete(acme)
    assert links.find(token) is None


def test_links_connected_accounts_are_the_tenants_own(database: str) -> None:
    store = Store(database)
    tenants, connections = Tenants(store), Connections(store)
    acme, zeta = (tenants.create(name, Settings())[0] for name in ("acme", "zeta"))
    connections.note(acme, "hubspot", "Zoé")
    connections.note(acme, "hubspot", "Marie at Atelier")
    [connected] = connections.all(acme)
    assert connected == Connected("hubspot", "Marie at Atelier", pytest.approx(connected.connected))
    assert connections.all(zeta) == []
