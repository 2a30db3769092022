from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flotilla_testing.acceptance import suite


@contextmanager
def webhook(folder: Path) -> Iterator[Mapping[str, str]]:
    """Give the secret of the webhook the form of one: workspace, app and key."""
    yield {"SLACK_WEBHOOK_URL": "T01234567/B01234567/canary-webhook-0a1b2c3d4e5f6071"}


MESSAGE = "C01234567/1893456000.000100"
TestAcceptance = suite(
    "slack",
    setup=webhook,
    arguments={
        "slack_read_thread": {"message": MESSAGE},
        "slack_mark_channel_read": {"message": MESSAGE},
        "slack_send_message": {"to": "#ventes", "text": "**Signé** :tada:"},
        "slack_schedule_message": {"to": "#ventes", "text": "Signé", "at": "2026-12-04T09:00"},
        "slack_update_message": {"message": MESSAGE, "text": "Signé"},
        "slack_delete_message": {"message": MESSAGE},
        "slack_add_reaction": {"message": MESSAGE},
        "slack_remove_reaction": {"message": MESSAGE},
        "slack_search_messages": {"query": "devis"},
        "slack_search_files": {"query": "devis"},
        "slack_cancel_scheduled_message": {"scheduled": "C01234567/Q0123456789"},
        "slack_upload_file": {"path": "devis.pdf", "to": "#ventes"},
        "slack_send_webhook": {"text": "**Signé** :tada:"},
    },
)
