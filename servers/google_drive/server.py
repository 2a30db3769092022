"""Google Drive: find, download, upload, share, move, trash.

API: https://developers.google.com/workspace/drive/api/reference/rest/v3
"""

from __future__ import annotations

from flotilla import Server

from .client import integration
from .tools import drives, files, sharing

server = Server(integration, toolsets=[files.tools, sharing.tools, drives.tools])
