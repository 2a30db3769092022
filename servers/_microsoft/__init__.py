"""What the Microsoft servers share: settings, consent, Graph's paging, zones, and what an error response means.

from flotilla_servers._microsoft import MicrosoftSettings, every_row, graph, microsoft_integration, owner
"""

from .account import Account, account, mailbox_zone, owner, work_only
from .client import CONSENT, HOSTS, PAGES, MicrosoftSettings, every_row, graph, microsoft_integration
from .responses import app_only
from .zones import iana_zone, windows_name

__all__ = [
    "CONSENT",
    "HOSTS",
    "PAGES",
    "Account",
    "MicrosoftSettings",
    "account",
    "app_only",
    "every_row",
    "graph",
    "iana_zone",
    "mailbox_zone",
    "microsoft_integration",
    "owner",
    "windows_name",
    "work_only",
]
