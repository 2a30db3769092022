"""Zoho's data centres: accounts live in one each, and only its servers know them.

https://www.zoho.com/crm/developer/docs/api/v8/multi-dc.html
"""

from __future__ import annotations

# By the end of the API's address: the server that signs in. The first one is asked where nothing is known.
ACCOUNTS = {
    "com": "https://accounts.zoho.com",
    "eu": "https://accounts.zoho.eu",
    "in": "https://accounts.zoho.in",
    "com.au": "https://accounts.zoho.com.au",
    "jp": "https://accounts.zoho.jp",
    "ca": "https://accounts.zohocloud.ca",
    "sa": "https://accounts.zoho.sa",
    "com.cn": "https://accounts.zoho.com.cn",
}
HOSTS = [f"{address.removeprefix('https://')}:443" for address in ACCOUNTS.values()]
# Tokens of a sandbox or a developer account name these in place of www.
API_HOSTS = [f"{kind}.zohoapis.{center}:443" for center in ACCOUNTS for kind in ("www", "sandbox", "developer")]


def api_of(center: str) -> str:
    """Return the address of a data centre's API."""
    return f"https://www.zohoapis.{center}"


def token_url_of(center: str) -> str:
    """Return where a data centre's tokens come from."""
    return f"{ACCOUNTS[center]}/oauth/v2/token"


def addresses() -> dict[str, dict[str, str]]:
    """Return where consent is given, exchanged and revoked, by data centre: fields of `Consent`."""
    return {
        center: {
            "authorize_url": f"{accounts}/oauth/v2/auth",
            "token_url": token_url_of(center),
            "revoke_url": f"{token_url_of(center)}/revoke",
            "who_url": f"{api_of(center)}/crm/v8/users?type=CurrentUser",
        }
        for center, accounts in ACCOUNTS.items()
    }
