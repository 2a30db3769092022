"""An incoming webhook: it posts in its own channel, without any token.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

from __future__ import annotations

from flotilla import Toolset, errors, settings_of

from ..client import hooks, integration, webhook_path
from ..markdown import Names, plain_text, to_blocks
from ..models import Done
from ..sending import Target, Text, ask_first

tools = Toolset("webhook")


@tools.writes(
    core=False,
    creates=True,
    asks=True,
    additive=False,
    credential="webhook_url",
    search="webhook poste notification canal message notify post",
    examples=["Préviens le canal Slack que la sauvegarde est finie"],
)
async def send_webhook(text: Text) -> Done:
    """Post a message in the one channel of the incoming webhook, under the name of its app.

    The webhook cannot read, answer in threads, change or delete, and mentions nobody by name; @here and @channel notify
    the channel, and are asked about. Which channel it is, the user chose with the webhook.
    """
    secret = settings_of(integration).webhook_url.get_secret_value()
    if not secret:
        raise errors.ConfigurationError("SLACK_WEBHOOK_URL is not set.", "Ask the user to set it.")
    blocks = to_blocks(text, Names())
    await ask_first(Target("the webhook's channel"), blocks, "Post this message")
    await hooks.send("POST", webhook_path(secret), json={"text": plain_text(blocks), "blocks": blocks})
    return Done(done="The message was posted in the webhook's channel.")
