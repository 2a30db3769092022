"""The tools of Google Sheets, by noun."""
