"""The media bridge: joins a phone call (Twilio Media Streams) to a realtime voice model that acts by the fleet's tools.

web         the HTTP side: Twilio's webhook, its WebSocket, health
admission   who may open a stream: tokens that serve once, and the number of calls at once
signature   whether a request comes from Twilio
stream      the messages of Twilio Media Streams
realtime    the messages of the realtime protocol
session     opening the model's session, in the shape and the audio format that it accepts
audio       mu-law at 8 kHz to PCM16 at 24 kHz, and back
playback    what of the model's speech the caller has heard
outbox      what waits to be sent on one side
tools       the fleet's tools over MCP
answers     what a tool's result tells the model, a question to a person included
call        one call: both sides joined
latency     how long each leg takes
settings    TELEPHONY_… variables
"""
