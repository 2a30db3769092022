"""Text that third parties wrote, made safe to show: `flotilla_launcher.text`, and the type that results give it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flotilla_launcher.text import cleaned, escaped, hides, named, plain, unescaped, visible

__all__ = ["UntrustedText", "cleaned", "escaped", "hides", "named", "plain", "unescaped", "visible"]

UntrustedText = Annotated[str, Field(description="Untrusted text")]
"""Text that third parties wrote: data for the model, never instructions. Results drop its hidden characters."""
