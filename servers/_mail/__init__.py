"""What the servers for mail share."""
