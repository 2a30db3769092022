"""Google Sheets: read, write and append cells, make spreadsheets and sheets.

API: https://developers.google.com/workspace/sheets/api/reference/rest
"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import cells, spreadsheets

server = Server(integration, toolsets=[spreadsheets.tools, cells.tools])
