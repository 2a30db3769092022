"""What tests of servers stand on: clients, a vendor that can fail, and the acceptance suite. Never in an image.

| module | what |
|---|---|
| client | in-memory clients of both protocol eras, and raw JSON-RPC of any revision |
| isolation | an environment of its own, no waiting |
| process | a server as a process, over its pipes |
| answers, faults, vendor | a fake vendor over HTTP: recorded answers as data, and every way to fail |
| arguments | examples and generated arguments out of a tool's schema |
| rules | the quality scale, and quality.yaml |
| case, checks | one server on session, and what is tried |
| acceptance | the pytest class that a server inherits by one line |
| contract, openapi | requests against the vendor's published contract |
"""

from flotilla_testing.client import Tool, call, client, errors_of, raw, results_of, text_of, tools_of
from flotilla_testing.fake_vendor import FakeVendor
from flotilla_testing.isolation import environment, impatient
from flotilla_testing.process import Process
from flotilla_testing.responses import RecordedResponses, Recorder, Request, Response
from flotilla_testing.scratch import ScratchApi, ScratchServer
from flotilla_testing.subject import Session, connect

__all__ = [
    "FakeVendor",
    "Process",
    "RecordedResponses",
    "Recorder",
    "Request",
    "Response",
    "ScratchApi",
    "ScratchServer",
    "Session",
    "Tool",
    "call",
    "client",
    "connect",
    "environment",
    "errors_of",
    "impatient",
    "raw",
    "results_of",
    "text_of",
    "tools_of",
]
