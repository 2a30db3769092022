"""How a server is run: over stdio or HTTP, with limits, health checks and spans."""
