"""What the five Google servers share: settings, consent, what an error response means, and uploads that can be resumed.

from flotilla_servers._google import GoogleSettings, google, google_integration, scope
"""

from .client import CONSENT, HOSTS, GoogleSettings, google, google_integration, scope
from .drive import (
    COMMENTS,
    EVERYWHERE,
    FILES,
    SEARCHED,
    DriveSettings,
    FoundFile,
    FoundFiles,
    drive_beside,
    find_by_title,
    quoted,
    search_note,
)
from .drive import HOST as DRIVE_HOST
from .ids import file_id
from .pages import page_of
from .reach import limit_note
from .upload import resumable

__all__ = [
    "COMMENTS",
    "CONSENT",
    "DRIVE_HOST",
    "EVERYWHERE",
    "FILES",
    "HOSTS",
    "SEARCHED",
    "DriveSettings",
    "FoundFile",
    "FoundFiles",
    "GoogleSettings",
    "drive_beside",
    "file_id",
    "find_by_title",
    "google",
    "google_integration",
    "limit_note",
    "page_of",
    "quoted",
    "resumable",
    "scope",
    "search_note",
]
