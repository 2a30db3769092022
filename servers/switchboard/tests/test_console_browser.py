"""The console in a real Chromium: by keyboard, on a phone, live, and without a word in the browser's console."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from flotilla_testing.waiting import wait_until

from .console_client import TOKEN, console, listening
from .test_console import command, decision, log, waiting
from .test_console_tenants import Customers, customers  # noqa: F401 - a fixture

CHROMIUM = shutil.which("chromium")
PAGES = ("approvals", "servers", "tools", "tools/probe", "activity", "notes", "health", "settings")
NAMELESS = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const named = (e) => e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.textContent.trim();
  const fields = all("input:not([type=hidden]), select, textarea").filter((e) => !e.labels.length);
  const rest = all("a, button, summary, [role=img], [role=region], nav").filter((e) => !named(e));
  const ids = all("[id]").map((e) => e.id);
  const twice = ids.filter((id, place) => ids.indexOf(id) !== place);
  const missing = all("[aria-labelledby], [aria-describedby], label[for]")
    .flatMap((e) => [e.getAttribute("aria-labelledby"), e.getAttribute("aria-describedby"), e.getAttribute("for")])
    .filter((id) => id && !document.getElementById(id));
  return [...fields, ...rest].map((e) => e.outerHTML).concat(twice, missing);
}"""  # what a screen reader could not name
CONTRAST = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const hasText = (e) => [...e.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const texts = [...document.querySelectorAll("body *")].filter(
    (e) => hasText(e) && e.checkVisibility() && !e.closest("svg"));
  return texts.filter((e) => {
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05) < 4.5;
  }).map((e) => e.outerHTML.slice(0, 200));
}"""  # texts whose contrast is under 4.5 (WCAG 1.4.3)

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium; scripts/browser installs one where that is possible")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Without a sandbox, which root cannot have in a container; the pages are our own
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield started
        started.close()


@pytest.fixture
def host(fleet: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The console of the fleet, which listens at `host.address`."""
    monkeypatch.setenv("FLOTILLA_CONSOLE_TOKEN", TOKEN)
    host, app = console(fleet)
    with listening(app) as address:
        host.address = f"{address}/console"
        yield host


class Visits:
    """Pages that are signed in; `complaints` are what their browser says in its console."""

    def __init__(self, browser: Browser, host: Any) -> None:
        self.browser, self.host, self.contexts, self.complaints = browser, host, list[BrowserContext](), list[str]()

    def page(self, **options: Any) -> Page:
        context = self.browser.new_context(**{"locale": "en", "viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(15_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"{self.host.address}/?token={TOKEN}")
        page.wait_for_url(f"{self.host.address}/")
        return page


@pytest.fixture
def visits(browser: Browser, host: Any) -> Iterator[Visits]:
    made = Visits(browser, host)
    yield made
    for context in made.contexts:
        context.close()


def tab_to(page: Page, name: str) -> None:
    """Move the focus by the keyboard alone."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.textContent.trim() || document.activeElement.name")
        if focused == name:
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            return
    raise AssertionError(f"the keyboard does not reach {name}")


def test_browser_approves_a_call_that_comes_while_the_page_is_open(visits: Visits, host: Any) -> None:
    page = visits.page()
    expect(page.get_by_text("Nothing is waiting for you.").first).to_be_visible()
    approval = waiting(host)
    card = page.get_by_role("article", name="block")
    expect(card).to_contain_text("70451")
    expect(page.get_by_role("status")).to_have_text("1 call is waiting for you.")
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    tab_to(page, "Approve")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Approved. The call can be made now.")).to_be_visible()
    assert (host.approvals.get(approval.id).state, host.approvals.get(approval.id).by) == ("approved", "console")
    assert visits.complaints == []


def test_browser_keeps_the_focus_when_other_calls_come_and_go(visits: Visits, host: Any) -> None:
    first = waiting(host)
    page = visits.page()
    tab_to(page, "Decline")
    second = waiting(host, request="r2", tool="probe_die_writing")
    expect(page.get_by_role("article")).to_have_count(2)
    host.approvals.answer(second.id, False, "client")
    expect(page.get_by_role("article")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Declined. Nothing was done.")).to_be_visible()
    assert host.approvals.get(first.id).state == "declined"


def test_browser_changes_a_decision(visits: Visits, host: Any) -> None:
    page = visits.page()
    page.get_by_role("link", name="Tools").click()
    page.get_by_role("link", name="Probe").click()
    select = page.get_by_label("Decision for probe_block")
    save = page.locator("li", has=page.get_by_text("probe_block", exact=True)).get_by_role("button", name="Save")
    expect(save).to_be_hidden()  # there is nothing to be saved yet
    select.select_option("Deny")
    save.click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert decision(host, "probe_block") == "deny"
    assert visits.complaints == []


def test_browser_adds_a_server_and_looks_at_its_tools(visits: Visits, host: Any) -> None:
    page = visits.page()
    page.get_by_role("link", name="Servers").click()
    page.get_by_label("Name (small letters").fill("crm")
    page.get_by_text("By command or image").click()
    page.get_by_label("Command", exact=True).fill(command())
    page.get_by_role("button", name="Add a server").press("Enter")
    expect(page.get_by_text("Its tools were read.")).to_be_visible()
    page.get_by_role("link", name="Look at its tools").click()
    page.get_by_role("button", name="I have looked at all tools").click()
    expect(page.get_by_text("Noted: you have looked at it.")).to_be_visible()
    page.get_by_label("Decision for echo").select_option("Deny")
    page.locator("#tool-0").get_by_role("button", name="Save").click()
    expect(page.locator("#tool-0")).to_contain_text("denied")
    assert visits.complaints == []


def test_browser_without_a_script(visits: Visits, host: Any) -> None:
    approval = waiting(host)
    page = visits.page(java_script_enabled=False)
    page.get_by_role("button", name="Decline").click()
    wait_until(lambda: host.approvals.get(approval.id).state == "declined")
    page.goto(f"{host.address}/tools/probe")
    page.get_by_label("Decision for probe_block").select_option("Ask each time")
    page.locator("#tool-5").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()


@pytest.mark.parametrize("look", [{"color_scheme": "light", "locale": "fr"}, {"color_scheme": "dark", "locale": "en"}])
def test_browser_on_a_phone(visits: Visits, host: Any, look: dict[str, Any]) -> None:
    """At 320 pixels nothing is wider than the page, everything has a name, and nothing is faint."""
    waiting(host, arguments='{"to": "' + "x" * 400 + '"}')
    log(host.state, "probe_echo", *["probe_block"] * 3, outcome="error")
    page = visits.page(viewport={"width": 320, "height": 640}, **look)
    for name in PAGES:
        page.goto(f"{host.address}/{name}")
        for summary in page.locator("summary:visible").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
        assert page.evaluate(NAMELESS) == [], name
        assert page.locator("h1").count() == 1, name
        assert page.evaluate(CONTRAST) == [], name
    assert visits.complaints == []


# -- the operator of many tenants


@pytest.fixture
def operator(browser: Browser, customers: Customers) -> Iterator[Visits]:  # noqa: F811
    """Pages of the operator's console; `operator.host` has the tenants."""
    with listening(customers.app()) as address:
        customers.address = f"{address}/console"
        made = Visits(browser, customers)
        yield made
        for context in made.contexts:
            context.close()


def test_browser_operator_by_keyboard(operator: Visits) -> None:
    page, tenants = operator.page(), operator.host.tenants
    page.get_by_label("Name (small letters").focus()
    page.keyboard.type("nova")
    tab_to(page, "timezone")
    page.keyboard.type("Europe/Paris")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="nova is there")).to_be_visible()
    token = page.get_by_label("Token of its clients").inner_text()
    nova = tenants.of_token(token)
    assert (nova.name, nova.settings.timezone) == ("nova", "Europe/Paris")
    tab_to(page, "I have copied it: go on to nova")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    tab_to(page, "Suspend")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Suspended: its clients are refused.")
    assert not tenants.named("nova").active
    assert token not in page.content()
    page.go_back()
    with pytest.raises(Error, match="ERR_CACHE_MISS"):  # the page with the token was kept nowhere
        page.go_back()
    assert operator.complaints == []
    page, approval = operator.page(), operator.host.waiting(operator.host.acme)
    page.goto(f"{operator.host.address}/tenants/{operator.host.acme.id}/approvals")
    second = operator.host.waiting(operator.host.acme, request="r2")  # it appears while the page is open
    expect(page.get_by_role("article")).to_have_count(2)
    tab_to(page, "Approve")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Approved. The call can be made now.")).to_be_visible()
    states = [operator.host.approvals(operator.host.acme).get(item.id).state for item in (approval, second)]
    assert states == ["approved", "waiting"]
    assert operator.complaints == []


def test_browser_operator_on_a_phone_without_a_script(operator: Visits) -> None:
    host = operator.host
    host.waiting(host.acme, arguments='{"to": "' + "x" * 400 + '"}')
    host.log(host.acme, "probe_echo")
    host.tenants.suspend(host.zeta)
    page = operator.page(viewport={"width": 320, "height": 640}, java_script_enabled=False, locale="fr")
    phone = operator.page(viewport={"width": 320, "height": 640}, color_scheme="dark")
    names = ["tenants", *(f"tenants/{host.acme.id}/{name}" for name in ("settings", "approvals", "tools", "activity"))]
    for name in [*names, f"tenants/{host.zeta.id}/settings"]:
        phone.goto(f"{host.address}/{name}")
        for summary in phone.locator("summary:visible").all():
            summary.click()
        assert phone.evaluate("document.documentElement.scrollWidth") <= 320, name
        assert phone.evaluate(NAMELESS) == [], name
        assert phone.locator("h1").count() == 1, name
        assert phone.evaluate(CONTRAST) == [], name
    page.goto(f"{host.address}/tenants/{host.zeta.id}/settings")
    page.get_by_role("button", name="Reprendre").click()
    expect(page.get_by_role("status")).to_have_text("Ses clients sont de nouveau servis.")
    assert operator.complaints == []  # a browser complains of each answer that refuses a form
    page.get_by_text("Supprimer cette organisation …").click()
    page.get_by_label("Son nom").fill("acme")
    page.get_by_role("button", name="Supprimer cette organisation").click()
    expect(page.get_by_role("alert")).to_contain_text("Rien n’a été supprimé")
    assert host.tenants.named("zeta").active
