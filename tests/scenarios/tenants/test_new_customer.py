"""Story: a new customer. The agency sends links, the customer connects two accounts in a browser, the agent works."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from flotilla_cli import tenant as command
from flotilla_servers.calendly.tests.fake import TOKEN, FakeCalendly
from flotilla_testing import FakeVendor

from .conftest import Agency
from .test_calls import text

CHROMIUM = shutil.which("chromium")
TRIAL = 60_000  # milliseconds: a server is started for it
PICTURES = os.environ.get("FLOTILLA_PICTURES", "")  # a folder, where pictures of the pages are wanted

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium; scripts/browser installs one where that is possible")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        # Without a sandbox, which root cannot have in a container
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield started
        await started.close()


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.mark.slow
async def test_new_customer(
    agency: Agency, calendly: FakeCalendly, gmail: FakeVendor, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    def operator(*line: str) -> str:
        assert command.main(["--tenants", agency.database, *line]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    secrets = agency.folder / "agency.env"
    secrets.write_text(
        f"flotilla-calendly.base_url={calendly.vendor.url}\nflotilla-gmail.base_url={gmail.url}/gmail/v1\n"
        "flotilla-gmail.client_id=desktop\nflotilla-gmail.client_secret=hush\n"
    )
    created = operator("create", "atelier", "--locale", "fr-FR", "--servers", "calendly,gmail", "--tier", "gmail=all")
    [agency.tokens["atelier"]] = re.findall(r"flt_\S+", created)
    operator("import", "atelier", str(secrets))

    async with agency.served(public_url="") as address:
        at = ["--public-url", address.removesuffix("/mcp")]
        [keys] = re.findall(r"http\S+/connect/\S+", operator("connect", "atelier", "calendly", *at))
        [login] = re.findall(r"http\S+/connect/\S+", operator("connect", "atelier", "gmail", *at))

        context = await browser.new_context(locale="fr-FR", viewport={"width": 900, "height": 620})
        context.set_default_timeout(TRIAL)
        page, complaints = await context.new_page(), list[str]()
        page.on("console", lambda message: complaints.append(f"{message.location['url']}: {message.text}"))
        await page.goto(keys)
        await expect(page.get_by_role("heading", name="Connecter Calendly")).to_be_visible()
        await page.get_by_label("Token").fill("faux")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("rien n’a été conservé", timeout=TRIAL)
        complaints.clear()  # a browser notes each answer that is an error
        await page.get_by_label("Token").fill(TOKEN)
        await picture(page, "connect-keys")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("Connecté en tant que Zoé Lefèvre", timeout=TRIAL)

        await page.goto(login)
        await page.get_by_text("Ce qui est demandé").click()
        await picture(page, "connect-login")
        await page.get_by_role("link", name="Se connecter chez 127.0.0.1").click()
        await page.get_by_role("button", name="Allow").click()  # at the vendor
        await expect(page.get_by_role("status")).to_contain_text("Connecté en tant que helene@atelier.example")
        await picture(page, "connected")
        assert [text for text in complaints if text.startswith(at[1])] == []
        await page.goto(login)
        await expect(page.get_by_role("heading", name="Ce lien ne fonctionne plus")).to_be_visible()

        async with agency.client(address, "atelier") as agent, agency.client(address, "zeta") as neighbour:
            assert "Visite" in await text(agent, "calendly_list_event_types")
            assert "helene@atelier.example" in await text(agent, "gmail_get_current_user")
            for tool in ("calendly_list_event_types", "gmail_search_messages"):
                assert "has no account yet" in await text(neighbour, tool)
    shown = operator("show", "atelier")
    assert '"account": "helene@atelier.example"' in shown
    assert TOKEN not in shown
    assert '"connected": []' in operator("show", "zeta")
