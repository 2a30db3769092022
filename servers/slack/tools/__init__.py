"""Slack's tools, a module for each noun."""
