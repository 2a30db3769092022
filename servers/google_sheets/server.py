"""Google Sheets: find, read, write, sort and format, make spreadsheets, sheets and charts.

API: https://developers.google.com/workspace/sheets/api/reference/rest
"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import cells, looks, rows, sheets, spreadsheets

server = Server(integration, toolsets=[spreadsheets.tools, sheets.tools, cells.tools, rows.tools, looks.tools])
