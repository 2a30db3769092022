"""The tools of Google Docs, by noun."""
