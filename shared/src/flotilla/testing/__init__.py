"""What tests of servers stand on: clients, a vendor that can fail, and the acceptance suite. Never in an image.

| module | what |
|---|---|
| client | in-memory clients of both protocol eras, and raw JSON-RPC of any revision |
| isolation | an environment of its own, no waiting |
| process | a server as a process, over its pipes |
| answers, faults, vendor | a fake vendor over HTTP: recorded answers as data, and every way to fail |
| arguments | examples and generated arguments out of a tool's schema |
| rules | the quality scale, and quality.yaml |
| case, checks | one server on trial, and what is tried |
| acceptance | the pytest class that a server inherits by one line |
| contract, openapi | requests against the vendor's published contract |
"""

from .answers import Answer, Answers, Recorder, Request
from .case import Trial, stage
from .client import call, client, raw, text_of, tools_of
from .isolation import environment, impatient
from .process import Process
from .vendor import Vendor

__all__ = [
    "Answer",
    "Answers",
    "Process",
    "Recorder",
    "Request",
    "Trial",
    "Vendor",
    "call",
    "client",
    "environment",
    "impatient",
    "raw",
    "stage",
    "text_of",
    "tools_of",
]
