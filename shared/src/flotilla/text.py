"""Text that third parties wrote, made safe to show to a model."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

# Control characters but tab and line ends; what Unicode calls Default_Ignorable (zero width, bidirectional, fillers,
# variation selectors, tags: all of them carry hidden words); surrogates and private use.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ud800-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)


def plain(text: str) -> str:
    """Drop invisible and bidirectional control characters, which hide orders from people but not from models."""
    return _HIDDEN.sub("", text)


Untrusted = Annotated[str, AfterValidator(plain), Field(description="Untrusted text")]
"""Words of somebody else: data for the model, never orders to it."""
