"""What Slack refuses, as sentences. It answers 200 with {"ok": false, "error": "channel_not_found"}.

https://docs.slack.dev/reference/methods/chat.postMessage#errors and the like
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flotilla import errors
from flotilla.http.responses import patience

EXPIRED = ("token_expired", "invalid_auth", "token_revoked", "not_authed")
UNCLEAR = ("fatal_error", "internal_error", "service_unavailable", "request_timeout", "team_added_to_org")
RATE = ("ratelimited", "rate_limited", "message_limit_exceeded", "restricted_too_many")

_AUTHENTICATION = {
    "invalid_auth": "Slack does not accept the token",
    "not_authed": "Slack got no token",
    "token_revoked": "The Slack token was revoked",
    "token_expired": "The Slack token has expired",
    "account_inactive": "The Slack account of the token was deactivated",
    "org_login_required": "The workspace moved to an organization that wants a new login",
    "two_factor_setup_required": "The Slack account must set up two-factor authentication first",
}
_RENEW = "Ask the user to install the app again and to set the new token, or to run `scripts/login slack`."
_INVITE = (
    "Let it join with slack_add_channel_members (people: me), or ask somebody in the channel to write /invite with "
    "the app's name."
)
_NOT_ALLOWED = {
    "not_allowed_token_type": (
        "This needs a user token (xoxp-…), and the token that is set is a bot's",
        "Ask the user to set SLACK_USER_TOKEN, or to run `scripts/login slack`.",
    ),
    "not_in_channel": ("The token's owner is not a member of this channel", _INVITE),
    "access_denied": ("Slack denies the access", "Tell the user."),
    "no_permission": ("The token's owner may not do this", "Ask the user to do it, or an administrator."),
    "restricted_action": ("The workspace's settings do not allow this", "Tell the user to ask an administrator."),
    "accesslimited": ("The workspace limits the access", "Tell the user to ask an administrator."),
    "ekm_access_denied": ("An administrator has suspended posting", "Tell the user."),
    "enterprise_is_restricted": ("The organization does not allow this method", "Tell the user."),
    "team_access_not_granted": ("The app is not installed in this workspace", "Tell the user to install it there."),
    "cant_update_message": ("The message is somebody else's, so it cannot be changed", "Post a reply instead."),
    "cant_delete_message": ("The message is somebody else's, so it cannot be deleted", "Ask its author."),
    "cant_invite": ("This person cannot be invited to the channel", "Ask the user to do it in Slack."),
    "user_is_restricted": ("A guest may not do this", "Ask the user to do it in Slack."),
    "cannot_create_channel": ("The token's owner may not create channels", "Tell the user to ask an administrator."),
    "file_uploads_disabled": ("The workspace does not allow files", "Tell the user to ask an administrator."),
    "storage_limit_reached": ("The workspace's storage is full", "Tell the user."),
    "messages_tab_disabled": (
        "The app takes no direct messages",
        "Tell the user to switch on the Messages tab in the app's settings (App Home).",
    ),
    "plan_upgrade_required": ("The workspace's plan does not include this", "Tell the user."),
}
_MISSING = {
    "channel_not_found": (
        "There is no such channel or conversation, or the token's owner cannot see it",
        "Look for it with slack_search_channels; into a private one the app or the user must be invited.",
    ),
    "user_not_found": ("There is no such person", "Look for them with slack_search_people."),
    "users_not_found": ("Nobody in the workspace has this e-mail address", "Look for them with slack_search_people."),
    "user_not_visible": ("The token's owner cannot see this person", "Tell the user."),
    "message_not_found": ("There is no such message", "Take the id from slack_read_channel."),
    "thread_not_found": ("There is no such thread", "Take the id of its first message from slack_read_channel."),
    "file_not_found": ("There is no such file", "Take its id from the message that it was sent with."),
    "file_deleted": ("The file was deleted", "Tell the user."),
    "not_found": ("There is no such reminder", "Take its id from the list of reminders."),
    "invalid_scheduled_message_id": (
        "There is no such scheduled message, or it is sent within a minute",
        "Look at the scheduled messages again.",
    ),
    "no_reaction": ("There is no such reaction of the token's owner", "Look at the message's reactions."),
}
_INVALID = {
    "is_archived": ("The channel is archived", "Choose another one."),
    "msg_too_long": ("The message is too long", "Shorten it, or send it in parts."),
    "msg_blocks_too_long": ("The message is too long", "Shorten it, or send it in parts."),
    "no_text": ("The message is empty", "Pass a text."),
    "invalid_blocks": ("Slack cannot show this text", "Use simpler Markdown."),
    "cannot_reply_to_message": ("This message takes no replies", "Post in the channel instead."),
    "edit_window_closed": ("The workspace allows no more changes to this message", "Post a reply instead."),
    "time_in_past": ("The time is in the past", "Pass a time to come."),
    "time_too_far": ("The time is more than 120 days ahead", "Pass an earlier time."),
    "invalid_name": ("There is no emoji of this name", "Use the name that Slack shows, such as thumbsup."),
    "too_many_reactions": ("The message has too many reactions", "Leave it."),
    "name_taken": ("A channel of this name exists already", "Look at it with slack_search_channels."),
    "no_query": ("The search is empty", "Pass words."),
    "cannot_parse": ("Slack does not understand the time of the reminder", "Write it as a day or a time."),
    "too_long": ("The text is too long", "Shorten it."),
    "user_disabled": ("This person's account is deactivated", "Choose somebody else."),
    "cannot_add_others": ("Slack lets nobody set reminders for others any more", "Send them a message."),
    "method_not_supported_for_channel_type": (
        "This is not possible in this kind of conversation",
        "Name a public or private channel.",
    ),
}
_WEBHOOK = {
    "no_service": "The webhook was switched off or deleted",
    "no_active_hooks": "The webhook was switched off or deleted",
    "invalid_token": "The webhook's address is not valid",
    "no_team": "The webhook's workspace is gone",
    "team_disabled": "The webhook's workspace is gone",
    "channel_not_found": "The webhook's channel is gone",
    "channel_is_archived": "The webhook's channel is archived",
    "action_prohibited": "An administrator does not allow the webhook to post",
    "posting_to_general_channel_denied": "An administrator does not allow the webhook to post in the general channel",
}


def problem_of(answer: Mapping[str, Any], error: str, method: str, uncertainty: str = "") -> errors.FlotillaError:
    """Return the error that an answer with ok: false is; `uncertainty` is added where it may have been done."""
    code = errors.excerpt(error, 60)
    if error == "missing_scope":
        return _missing_scope(answer)
    if error in RATE:
        return errors.RateLimitError(f"Slack refuses more requests for now ({code}).", patience(60), again=False)
    if error in UNCLEAR:
        return errors.UpstreamError(f"Slack failed ({code}).{uncertainty}", "Try again later.")
    if error in _AUTHENTICATION:
        return errors.AuthenticationError(f"{_AUTHENTICATION[error]} ({code}).", _RENEW)
    known: list[tuple[type[errors.FlotillaError], Mapping[str, tuple[str, str]]]] = [
        (errors.PermissionDeniedError, _NOT_ALLOWED),
        (errors.NotFoundError, _MISSING),
        (errors.InvalidInputError, _INVALID),
    ]
    for kind, table in known:
        if error in table:
            message, hint = table[error]
            return kind(f"{message} ({code}).", hint)
    if error.startswith("restricted_action"):
        message = "The channel's or the workspace's settings do not allow this"
        return errors.PermissionDeniedError(f"{message} ({code}).", "Tell the user to ask an administrator.")
    return errors.InvalidInputError(
        f"Slack refuses this ({method}): {errors.excerpt(error.replace('_', ' '), 80)}{_details(answer)}.",
        "Correct the arguments and try again.",
    )


def _missing_scope(answer: Mapping[str, Any]) -> errors.FlotillaError:
    needed = errors.excerpt(answer.get("needed") or "a scope that Slack does not name", 120)
    return errors.PermissionDeniedError(
        f"The Slack token lacks the scope {needed}.",
        "Ask the user to add it at api.slack.com/apps > OAuth & Permissions and to install the app again, or to run "
        "`scripts/login slack` again.",
    )


def _details(answer: Mapping[str, Any]) -> str:
    """Return what Slack says about single arguments."""
    metadata = answer.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, Mapping) else None
    texts = [str(one) for one in messages if isinstance(one, str)] if isinstance(messages, list) else []
    return f", {errors.quoted('; '.join(texts[:3]), 200)}" if texts else ""


def webhook_problem(status: int, body: Any) -> errors.FlotillaError | None:
    """Return the error of a webhook, which answers with one word; None for another one."""
    word = str(body).strip() if isinstance(body, str) else ""
    if word in _WEBHOOK:
        return errors.PermissionDeniedError(
            f"{_WEBHOOK[word]} ({word}).", "Ask the user for a new webhook, and to set SLACK_WEBHOOK_URL."
        )
    return None
