"""A refresh token in place of the access token: it is exchanged once, and what comes back is used."""

from __future__ import annotations

from flotilla_testing.subject import Subject


async def test_refresh_token_is_exchanged_once() -> None:
    with Subject("pipedrive") as subject:
        async with subject.session({"PIPEDRIVE_TOKEN": ""}) as session:
            await session.call_ok("list_users")
            renewals = [request for request in session.requests if request.path == "/oauth/token"]
            assert len(renewals) == 1
            assert b"grant_type=refresh_token" in renewals[0].body
            assert session.requests[-1].headers["authorization"] == "Bearer at_2"
