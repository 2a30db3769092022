"""What the five Google servers share: settings, consent, what an error response means, and uploads that can be resumed.

from flotilla_servers._google import GoogleSettings, google, google_integration, scope
"""

from .client import CONSENT, HOSTS, GoogleSettings, google, google_integration, scope
from .ids import file_id
from .reach import limit_note
from .recipients import confirm_new
from .upload import resumable

__all__ = [
    "CONSENT",
    "HOSTS",
    "GoogleSettings",
    "confirm_new",
    "file_id",
    "google",
    "google_integration",
    "limit_note",
    "resumable",
    "scope",
]
