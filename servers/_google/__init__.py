"""What the five Google servers share: settings, consent, what a refusal means, and uploads that survive a break.

from flotilla_servers._google import CONSENT, HOSTS, GoogleSettings, google, scope
"""

from .access import CONSENT, HOSTS, GoogleSettings, google, scope
from .ids import file_id
from .recipients import confirm_new
from .upload import resumable

__all__ = ["CONSENT", "HOSTS", "GoogleSettings", "confirm_new", "file_id", "google", "resumable", "scope"]
