"""Tell Docker whether an HTTP server answers. A server on stdio has no health but that of its process."""

import os
import socket
import sys

if os.environ.get("FLOTILLA_TRANSPORT") == "http":
    try:
        with socket.create_connection(("127.0.0.1", int(os.environ.get("FLOTILLA_PORT") or 8000)), 3) as wire:
            wire.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            sys.exit(b" 200 " not in wire.recv(64))
    except OSError as problem:
        sys.exit(str(problem))
