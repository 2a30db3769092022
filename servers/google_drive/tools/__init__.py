"""The tools of Google Drive, by noun."""
