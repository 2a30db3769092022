"""Emoji by the names that Slack gives them."""

from __future__ import annotations

import re

from flotilla import errors

# What people put under messages; Slack knows thousands, by name.
_NAMES = {
    "👍": "thumbsup", "👎": "thumbsdown", "✅": "white_check_mark", "☑": "ballot_box_with_check",
    "✔": "heavy_check_mark", "❌": "x", "❤": "heart", "🎉": "tada", "🙏": "pray", "👏": "clap", "🔥": "fire",
    "👀": "eyes", "🚀": "rocket", "😂": "joy", "😄": "smile", "🙂": "slightly_smiling_face", "😢": "cry",
    "😍": "heart_eyes", "🤔": "thinking_face", "👌": "ok_hand", "💪": "muscle", "🙌": "raised_hands",
    "👋": "wave", "⚠": "warning", "❓": "question", "❗": "exclamation", "💯": "100", "⭐": "star",
    "🏖": "beach_with_umbrella", "🤒": "face_with_thermometer", "🏠": "house", "🏡": "house_with_garden",
    "📅": "calendar", "☕": "coffee", "🍽": "knife_fork_plate", "🎂": "birthday", "✈": "airplane",
    "🚆": "train2", "🌴": "palm_tree", "📞": "telephone_receiver", "💡": "bulb", "🆗": "ok",
}  # fmt: skip


def emoji_name(text: str) -> str:
    """Return the name of an emoji that is written as :thumbsup:, thumbsup or 👍; raises errors.InvalidInputError."""
    bare = text.strip().replace("\ufe0f", "")
    name = _NAMES.get(bare) or bare.strip(":").lower().replace(" ", "_")
    if not re.fullmatch(r"[\w+'-]+(?:::skin-tone-[2-6])?", name):
        raise errors.InvalidInputError(
            f"`{errors.excerpt(text, 40)}` is not known as an emoji.",
            "Pass its name in Slack, such as thumbsup or white_check_mark.",
        )
    return name
