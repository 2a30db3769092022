"""The servers: each folder is one integration, importable as `flotilla_servers.<folder>`."""
