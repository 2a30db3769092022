"""Starts a server: answers discovery from a file before anything heavy is imported. Standard library only."""
