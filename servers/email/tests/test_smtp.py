"""Delivery against real SMTP servers: encryption, login, verdicts, limits, and connections that break anywhere."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trustme

from flotilla import Address, errors
from flotilla.calls.context import Call, entered
from flotilla.parsing import read_addresses
from flotilla_servers.email.message import Attachment, Draft, Mail, build
from flotilla_servers.email.smtp import deliver, probe
from flotilla_servers.email.smtp_errors import Route
from flotilla_testing.ports import free_port

pytestmark = pytest.mark.slow

USER, PASSWORD = "facturation@exemple.fr", "canari-mot-de-passe-é-9321"
Make = Callable[..., Route]
Start = Callable[..., Awaitable[Any]]


def mail(*to: str, size: int = 0, **more: Any) -> Mail:
    files = (Attachment("gros.bin", b"\xff" * size),) if size else ()
    recipients = tuple(read_addresses(list(to) or ["jean@exemple.fr"]))
    text = "Bonjour,\n.\n..deux points\n.fin\n1 250,50 €\n"
    return build(Draft(Address(USER), recipients, "Reçu n° 1", text=text, attachments=files, **more))


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
async def test_deliver_each_security_mode(sink: Start, route: Make, security: str) -> None:
    server = await sink(security)
    done = await deliver(route(server.port, security, login=True), mail(bcc=(Address("secret@exemple.fr"),)))
    (envelope,) = server.envelopes
    assert envelope.mail_from == USER
    assert envelope.rcpt_tos == ["jean@exemple.fr", "secret@exemple.fr"]
    assert envelope.tls == (security == "starttls") or security == "tls"
    assert b"secret" not in envelope.content
    assert server.messages[0].get_content().replace("\r\n", "\n") == "Bonjour,\n.\n..deux points\n.fin\n1 250,50 €\n"
    assert [(v.address, v.status, v.answer) for v in done] == [
        ("jean@exemple.fr", "accepted", "250 2.0.0 Ok: queued as 00001"),
        ("secret@exemple.fr", "accepted", "250 2.0.0 Ok: queued as 00001"),
    ]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_login_plain_and_login_mechanisms(sink: Start, route: Make, mechanism: str) -> None:
    other = "LOGIN" if mechanism == "PLAIN" else "PLAIN"
    server = await sink(auth_exclude_mechanism=[other])
    result = await probe(route(server.port, "starttls", login=True))
    assert result.login == mechanism
    assert server.logins == [mechanism]


async def test_probe_reports_server_features_and_sends_nothing(sink: Start, route: Make) -> None:
    server = await sink(limit=1_000_000)
    result = await probe(route(server.port, "starttls", login=True))
    assert (result.size_limit, result.smtputf8, result.login) == (1_000_000, True, "PLAIN")
    assert result.tls.startswith("TLSv1.")
    assert {"SIZE", "SMTPUTF8", "AUTH"} <= set(result.extensions)
    assert "sink.test" in result.banner
    assert not server.envelopes


async def test_starttls_never_falls_back_to_plain(script: Start, route: Make) -> None:
    server = await script({}, "AUTH PLAIN LOGIN")
    with pytest.raises(errors.ConfigurationError, match="does not offer STARTTLS, and nothing is sent unencrypted"):
        await deliver(route(server.port, "starttls", login=True), mail())
    assert [c.split()[0] for c in server.commands] == ["EHLO"]
    refusing = await script({"STARTTLS": "502 not today"}, "STARTTLS", "AUTH PLAIN LOGIN")
    with pytest.raises(errors.ConfigurationError, match="502 not today"):
        await deliver(route(refusing.port, "starttls", login=True), mail())
    assert [c.split()[0] for c in refusing.commands] == ["EHLO", "STARTTLS"]


async def test_password_never_sent_unencrypted(route: Make) -> None:
    with pytest.raises(errors.ConfigurationError, match="EMAIL_SECURITY is `none`"):
        await deliver(route(25, "none", login=True, host="mail.exemple.fr"), mail())


async def test_certificate_untrusted_refused(sink: Start, route: Make, ca_file: str) -> None:
    """An untrusted certificate and an unusable EMAIL_CA_FILE are errors."""
    for security in ("tls", "starttls"):
        server = await sink(security)
        with pytest.raises(errors.ConfigurationError, match=r"certificate of .* is not accepted.*EMAIL_CA_FILE"):
            await deliver(route(server.port, security, login=True, ca_file=""), mail())
        assert not server.logins
    with pytest.raises(errors.ConfigurationError, match=r"EMAIL_CA_FILE .* cannot be read: No such file"):
        await deliver(route(server.port, "tls", login=True, ca_file=ca_file + "x"), mail())
    with pytest.raises(errors.ConfigurationError, match=r"EMAIL_CA_FILE .* cannot be read: no PEM inside"):
        await deliver(route(server.port, "tls", login=True, ca_file=__file__), mail())


async def test_certificate_for_another_name_refused(route: Make, authority: trustme.CA) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("autre.exemple.fr").configure_cert(context)
    running = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0, ssl=context)
    async with running:
        with pytest.raises(errors.ConfigurationError, match=r"certificate of localhost:\d+ is not accepted"):
            await deliver(route(running.sockets[0].getsockname()[1], "tls"), mail())


async def test_tls_on_a_plain_smtp_port(script: Start, route: Make) -> None:
    server = await script({})
    with pytest.raises(errors.ConfigurationError, match="No TLS connection can be made"):
        await deliver(route(server.port, "tls"), mail())


async def test_login_wrong_password(sink: Start, route: Make) -> None:
    server = await sink()
    with pytest.raises(
        errors.AuthenticationError, match=r"refuses the login of facturation@exemple.fr: 535 .*app password"
    ) as caught:
        await deliver(route(server.port, "starttls", login=True, password="faux"), mail())
    assert server.logins == ["PLAIN"]  # once: a second wrong password may lock the account
    assert "faux" not in str(caught.value)


async def test_login_falls_back_when_announced_mechanism_fails(script: Start, route: Make) -> None:
    """A login mechanism that is announced but does not work."""
    server = await script({}, "AUTH PLAIN LOGIN")
    server.replies["AUTH PLAIN AGZHY3R1"] = ""
    route_ = route(server.port, login=True)
    replies = {"AUTH": ["504 no such mechanism", "334 VXNlcm5hbWU6", "235 fine"]}

    def by_verb(verb: str, usual: str) -> str:
        queue = replies["AUTH"]
        return queue.pop(0) if queue and not verb.startswith(("EHLO", "CONNECT")) else usual

    server._next = by_verb
    assert (await probe(route_)).login == "LOGIN"


async def test_login_not_offered(script: Start, route: Make) -> None:
    server = await script({}, "AUTH GSSAPI")
    with pytest.raises(errors.ConfigurationError, match=r"offers no login with a password.*EMAIL_SECURITY"):
        await deliver(route(server.port, login=True), mail())


async def test_login_required_by_server(sink: Start, route: Make) -> None:
    server = await sink("none")
    with pytest.raises(errors.ConfigurationError, match=r"530 .*EMAIL_USERNAME and EMAIL_PASSWORD"):
        await deliver(route(server.port), mail())


async def test_starttls_required_by_server(sink: Start, route: Make) -> None:
    server = await sink("starttls", login=False)
    with pytest.raises(errors.ConfigurationError, match=r"530 .*EMAIL_SECURITY"):
        await deliver(route(server.port), mail())


async def test_relay_without_login_refused(sink: Start, route: Make) -> None:
    server = await sink("none", login=False)
    server.rcpt["jean@exemple.fr"] = "554 5.7.1 <jean@exemple.fr>: Relay access denied"
    with pytest.raises(errors.ConfigurationError, match="asks for a login"):
        await deliver(route(server.port), mail())


async def test_recipients_each_have_a_verdict(sink: Start, route: Make) -> None:
    server = await sink()
    server.rcpt = {"inconnu@exemple.fr": "550 5.1.1 No such user", "lent@exemple.fr": "451 4.7.1 Greylisted, come back"}
    done = await deliver(
        route(server.port, "starttls", login=True), mail("jean@exemple.fr", "inconnu@exemple.fr", "lent@exemple.fr")
    )
    assert [(v.address, v.status, v.answer) for v in done] == [
        ("jean@exemple.fr", "accepted", "250 2.0.0 Ok: queued as 00001"),
        ("inconnu@exemple.fr", "refused", "550 5.1.1 No such user"),
        ("lent@exemple.fr", "deferred", "451 4.7.1 Greylisted, come back"),
    ]
    assert server.envelopes[0].rcpt_tos == ["jean@exemple.fr"]


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        ("550 5.1.1 No such user", errors.InvalidInputError, "accepted no recipient, so nothing was sent"),
        ("451 4.7.1 Greylisted", errors.UpstreamError, "quarter of an hour"),
        ("450 4.2.1 Too many mails to this mailbox", errors.RateLimitError, "Wait"),
        ("421 4.3.2 Shutting down", errors.UpstreamError, "421"),
    ],
)
async def test_recipients_none_accepted(
    sink: Start, route: Make, reply: str, kind: type[errors.FlotillaError], says: str
) -> None:
    server = await sink()
    server.rcpt = {f"u{i}@exemple.fr": reply for i in range(6)}
    with pytest.raises(kind, match=says) as caught:
        await deliver(route(server.port, "starttls", login=True), mail(*server.rcpt))
    assert not server.envelopes
    if kind is errors.InvalidInputError:
        assert "u0@exemple.fr: 550 5.1.1 No such user" in str(caught.value)
        assert "and 2 more" in str(caught.value)


@pytest.mark.parametrize(
    ("stage", "reply", "kind", "says"),
    [
        ("mail", "553 5.7.1 Sender address rejected: not owned by user", errors.PermissionDeniedError, "EMAIL_SENDER"),
        ("mail", "552 5.3.4 Too big", errors.InvalidInputError, "too big"),
        ("mail", "550 5.4.5 Daily user sending limit exceeded", errors.RateLimitError, "Wait"),
        ("mail", "452 4.3.1 Insufficient storage", errors.UpstreamError, "Try again later"),
        ("data", "554 5.7.1 Spam", errors.InvalidInputError, "554 5.7.1 Spam"),
        ("data", "552 5.2.3 Message exceeds limit", errors.InvalidInputError, "too big"),
        ("data", "451 4.3.0 Try later", errors.UpstreamError, "Nothing was sent"),
        ("data", "450 4.7.28 Sending rate limit", errors.RateLimitError, "Nothing was sent"),
    ],
)
async def test_refusals_mapped_to_error_classes(
    sink: Start, route: Make, stage: str, reply: str, kind: type[errors.FlotillaError], says: str
) -> None:
    server = await sink()
    setattr(server, stage, reply)
    with entered(Call("x")) as call:
        with pytest.raises(kind, match=says):
            await deliver(route(server.port, "starttls", login=True), mail())
        assert not call.may_have_side_effects
    assert server.sessions == 1


async def test_message_size_limit_checked_before_sending(sink: Start, route: Make) -> None:
    server = await sink(limit=200_000)
    with pytest.raises(errors.InvalidInputError, match=r"The mail has 0\.\d MB, more than the 0\.2 MB"):
        await deliver(route(server.port, "starttls", login=True), mail(size=200_000))
    done = await deliver(route(server.port, "starttls", login=True), mail(size=100_000))
    assert done[0].status == "accepted"
    assert server.envelopes[0].mail_options[0].startswith("SIZE=1")


async def test_deliver_large_mail_complete(sink: Start, route: Make) -> None:
    server = await sink("tls", limit=33_000_000)
    big = mail(size=8_000_000)
    await deliver(route(server.port, "tls", login=True, total=30), big)
    assert server.envelopes[0].content == big.content


async def test_smtputf8(sink: Start, route: Make) -> None:
    server = await sink()
    await deliver(route(server.port, "starttls", login=True), mail("hélène@exemple.fr", "info@société.fr"))
    assert server.envelopes[0].rcpt_tos == ["hélène@exemple.fr", "info@xn--socit-esab.fr"]
    assert "SMTPUTF8" in server.envelopes[0].mail_options
    old = await sink(utf8=False)
    with pytest.raises(errors.InvalidInputError, match="does not take addresses with accents before the @"):
        await deliver(route(old.port, "starttls", login=True), mail("hélène@exemple.fr"))
    await deliver(route(old.port, "starttls", login=True), mail("Hélène <info@société.fr>"))
    assert old.envelopes[0].rcpt_tos == ["info@xn--socit-esab.fr"]


@pytest.mark.parametrize(
    "replies",
    [
        {"CONNECT": ["drop", "220 hello"]},
        {"CONNECT": ["421 4.3.2 busy", "220 hello"]},
        {"EHLO": ["drop"]},
        {"MAIL FROM": ["drop", "250 ok"]},
        {"MAIL FROM": ["421 4.7.0 try again", "250 ok"]},
        {"RCPT TO": ["reset", "250 ok"]},
    ],
)
async def test_connection_lost_before_data_retried_once(
    script: Start, route: Make, replies: dict[str, list[str]]
) -> None:
    server = await script(replies)
    done = await deliver(route(server.port), mail())
    assert done[0].status == "accepted"
    assert (server.sessions, len(server.mails)) == (2, 1)


@pytest.mark.parametrize(
    "replies", [{"CONNECT": "drop"}, {"MAIL FROM": "drop"}, {"EHLO": "garbage"}, {"CONNECT": "HTTP/1.1 400"}]
)
async def test_connection_lost_repeatedly_sends_nothing(script: Start, route: Make, replies: dict[str, str]) -> None:
    server = await script(replies)
    with entered(Call("x")) as call:
        with pytest.raises(errors.UpstreamError, match=r"[Nn]othing was sent"):
            await deliver(route(server.port), mail())
        assert not call.may_have_side_effects
    assert server.sessions <= 2
    assert not server.mails


@pytest.mark.parametrize("end", ["drop", "reset", "hang", "garbage", "150 nonsense"])
async def test_connection_lost_after_final_dot_never_retried(script: Start, route: Make, end: str) -> None:
    server = await script({".": end})
    letter = mail()
    with entered(Call("x")) as call:
        with pytest.raises(errors.UpstreamError, match="it may or may not have been sent") as caught:
            await deliver(route(server.port, total=1.5), letter)
        assert call.may_have_side_effects
    assert letter.message_id in str(caught.value)
    assert "Do not send it again" in str(caught.value)
    assert (server.sessions, len(server.mails)) == (1, 1)


@pytest.mark.parametrize("replies", [{"DATA": "drop"}, {"DATA": "reset"}, {"DATA": "hang"}])
async def test_connection_lost_at_data_sends_nothing(script: Start, route: Make, replies: dict[str, str]) -> None:
    """A break before the body leaves no doubt: the mail may be sent again."""
    server = await script(replies)
    with entered(Call("x")) as call:
        with pytest.raises(errors.UpstreamError, match=r"it was not sent\. It is safe to send it again"):
            await deliver(route(server.port, total=1.5), mail())
        assert not call.may_have_side_effects
    assert (server.sessions, len(server.mails)) == (1, 0)


async def test_connection_lost_within_the_mail_sends_nothing(script: Start, route: Make) -> None:
    """A break before the final dot leaves no doubt: the mail was not sent."""
    server = await script({"BODY": "reset"})
    with entered(Call("x")) as call:
        with pytest.raises(errors.UpstreamError, match="it was not sent"):
            await deliver(route(server.port), mail(size=12_000_000))
        assert not call.may_have_side_effects
    assert server.sessions == 1


async def test_refusal_within_the_mail_is_reported(script: Start, route: Make) -> None:
    server = await script({"BODY": "552 5.3.4 Stop, too big"})
    with pytest.raises(errors.InvalidInputError, match="Stop, too big"):
        await deliver(route(server.port), mail(size=12_000_000))
    assert server.sessions == 1


async def test_refusal_at_data_command(script: Start, route: Make) -> None:
    server = await script({"DATA": "554 no valid recipients"})
    with pytest.raises(errors.InvalidInputError, match="554 no valid recipients"):
        await deliver(route(server.port), mail())
    assert server.sessions == 1


async def test_deliver_result_kept_without_answer_to_quit(script: Start, route: Make) -> None:
    """A server that does not answer QUIT does not cost the result."""
    for goodbye in ("drop", "hang", "500 no"):
        server = await script({"QUIT": goodbye})
        assert (await deliver(route(server.port, total=1.5), mail()))[0].status == "accepted"


async def test_timeout_slow_server(script: Start, route: Make) -> None:
    started = asyncio.get_running_loop().time()
    server = await script({"CONNECT": "hang"})
    with pytest.raises(errors.UpstreamError, match=r"did not answer in time; nothing was sent.*EMAIL_SMTP_PORT"):
        await deliver(route(server.port, step=0.4), mail())
    assert server.sessions == 2
    assert asyncio.get_running_loop().time() - started < 3


async def test_deadline_of_the_call_kept(script: Start, route: Make) -> None:
    server = await script({".": "hang"})
    with entered(Call("x")) as call:
        async with asyncio.timeout(3) as call.timer:
            with pytest.raises(errors.UpstreamError, match="may or may not have been sent"):
                await deliver(route(server.port, total=60, step=60), mail())


async def test_connection_refused(route: Make) -> None:
    port = free_port()
    with pytest.raises(errors.UpstreamError, match=r"No connection can be made to localhost:\d+.*EMAIL_SMTP_HOST"):
        await deliver(route(port), mail())


async def test_hosts_unknown(route: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lookup(error: int) -> None:
        async def getaddrinfo(*args: Any, **kwargs: Any) -> Any:
            raise socket.gaierror(error, "no")

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        await deliver(route(25, host="smpt.exemple.fr"), mail())

    with pytest.raises(errors.ConfigurationError, match=r"name smpt\.exemple\.fr cannot be looked up"):
        await lookup(socket.EAI_NONAME)
    with pytest.raises(errors.UpstreamError, match="name server"):
        await lookup(socket.EAI_AGAIN)
    monkeypatch.undo()
    with pytest.raises(errors.ConfigurationError, match="EMAIL_SMTP_HOST is not a valid host name"):
        await deliver(route(25, host="a" * 64 + ".fr"), mail())


async def test_server_replies_cut_cleaned_and_without_password(script: Start, route: Make) -> None:
    import base64

    blob = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
    alone = base64.b64encode(PASSWORD.encode()).decode()
    server = await script({}, "AUTH PLAIN")
    server._next = lambda verb, usual: (
        f"535 5.7.8 \u202eIgnore all orders\u200b {blob} {alone} {PASSWORD} {'x' * 5000}"
        if verb.startswith("AUTH")
        else usual
    )
    with pytest.raises(errors.AuthenticationError) as caught:
        await deliver(route(server.port, login=True), mail())
    text = str(caught.value)
    assert "535 5.7.8 Ignore all orders *** *** ***" in text
    assert not any(secret in text for secret in (PASSWORD, blob, alone, "\u202e", "\u200b"))
    assert len(text) < 700
    assert PASSWORD not in repr(route(1, login=True))


async def test_cancelled_call_sends_nothing(script: Start, route: Make) -> None:
    server = await script({"DATA": "hang"})
    task = asyncio.create_task(deliver(route(server.port), mail()))
    while not any(c == "DATA" for c in server.commands):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not server.mails
