"""What each tool does to an account of Twilio, and what it says when something is wrong."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from flotilla_servers.telephony.server import server
from flotilla_servers.telephony.tests.fake import ACCUEIL, ATELIER, KNOWN, NEW, TOKEN, FakeTwilio
from flotilla_testing import Tool, call, client, environment, faults, text_of

QUESTION = "Votre rendez-vous est mardi à 14 heures. Tapez 1 pour confirmer, 2 pour annuler."


# -- calls ------------------------------------------------------------------------------------------------------------


async def test_start_call_says_french(fake: FakeTwilio, tool: Tool, asked: list[str]) -> None:
    made = await tool("start_call", to="06 12 34 56 78", text="Votre commande est prête.")
    assert (made["to"], made["sender"], made["status"]) == (KNOWN, ACCUEIL, "queued")
    assert fake.heard(fake.calls[0]) == ["Say fr-FR «Votre commande est prête.»"]
    assert asked == []  # they wrote to this account before
    assert fake.recordings == []


async def test_start_call_to_somebody_new_asks(fake: FakeTwilio, tool: Tool, asked: list[str]) -> None:
    await tool("start_call", to=NEW, text="We are late, sorry for that.", sender="atelier", record=True)
    assert asked == [
        "Call from +33 1 98 76 54 32 and say «We are late, sorry for that.» to +33 6 98 76 54 32? "
        "New to this account: +33 6 98 76 54 32. It costs money and cannot be taken back."
    ]
    assert fake.heard(fake.calls[0]) == ["Say en-US «We are late, sorry for that.»"]
    assert len(fake.recordings) == 1


async def test_start_call_at_a_premium_rate_asks(fake: FakeTwilio, tool: Tool, asked: list[str]) -> None:
    fake.add_message("+33899123456", ACCUEIL, "Rappelez-moi", "inbound")
    await tool("start_call", to="0899 12 34 56", text="Bonjour")
    assert "At a premium rate: +33 899 12 34 56." in asked[0]


async def test_start_call_declined(fake: FakeTwilio) -> None:
    async with client(server, answer="decline") as connected:
        result = await call(connected, "tel_start_call", to=NEW, text="Bonjour")
    assert "The user did not agree" in text_of(result)
    assert fake.writes == []


async def test_start_call_plays_file_with_voice(fake: FakeTwilio, tool: Tool) -> None:
    await tool(
        "start_call",
        to=KNOWN,
        text="Durand & Fils",
        voice="Polly.Lea",
        audio_url="https://a.example/jingle.mp3?a=1&b=2",
    )
    assert 'voice="Polly.Lea"' in fake.calls[0]["twiml"][0]
    assert fake.heard(fake.calls[0]) == ["Say fr-FR «Durand & Fils»", "Play «https://a.example/jingle.mp3?a=1&b=2»"]


async def test_start_call_not_twice_at_once(fake: FakeTwilio, tool: Tool, problem: Tool) -> None:
    made = await tool("start_call", to=KNOWN, text="Bonjour")
    message = await problem("start_call", to=KNOWN, text="Bonjour")
    assert "A call to +33 6 12 34 56 78 is under way already (queued); no other one was made." in message
    assert made["call"] in message
    assert len(fake.writes) == 1


async def test_start_agent_call_asks_and_hands_on_the_task(fake: FakeTwilio, tool: Tool, asked: list[str]) -> None:
    task = "Déplace le rendez-vous de mardi à jeudi 14 h & confirme."
    made = await tool("start_agent_call", to="06 12 34 56 78", task=task)
    assert made["status"] == "queued"
    assert asked == [f"Let the voice agent call +33 6 12 34 56 78 from +33 1 23 45 67 89: «{task}»?"]
    (address,) = fake.calls[0]["twiml"]
    assert urlsplit(address)._replace(query="").geturl() == "https://phone.example.com/agent/voice"
    assert parse_qs(urlsplit(address).query) == {"task": [task]}


async def test_start_agent_call_not_twice_at_once(fake: FakeTwilio, tool: Tool, problem: Tool) -> None:
    await tool("start_agent_call", to=KNOWN, task="Dis bonjour.")
    assert "is under way already" in await problem("start_agent_call", to=KNOWN, task="Dis bonjour.")
    assert len(fake.writes) == 1


async def test_start_agent_call_without_a_bridge(fake: FakeTwilio) -> None:
    with environment(server, **fake.settings, FLOTILLA_TIER="all"):
        async with client(server, "2026-07-28") as connected:
            result = await call(connected, "tel_start_agent_call", to=KNOWN, task="Dis bonjour.")
    assert "No voice agent is connected. Ask the operator to run the media bridge" in text_of(result)
    assert fake.writes == []


async def test_start_call_lost_connection_says_where_to_look(fake: FakeTwilio, problem: Tool) -> None:
    fake.vendor.fails(faults.cut(), method="write")
    message = await problem("start_call", to=KNOWN, text="Bonjour")
    assert "The call may have been made. Do not repeat it: look with tel_list_calls first." in message
    assert len(fake.writes) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "There is nothing to say or to play."),
        ({"text": "  "}, "There is nothing to say or to play."),
        ({"audio_url": "http://a.example/a.mp3"}, "does not begin with https"),
        ({"text": "Bonjour", "language": "french"}, "language"),
        ({"text": "&" * 3000}, "The text is too long for a call"),
        ({"text": "Bonjour", "sender": "Usine"}, "There is no number `Usine`. There are: Accueil, Atelier"),
        ({"text": "Bonjour", "sender": "+33 1 11 11 11 11"}, "the sender is not a number of this account (21210)"),
    ],
)
async def test_start_call_refused(fake: FakeTwilio, problem: Tool, arguments: dict[str, str], message: str) -> None:
    assert message in await problem("start_call", to=KNOWN, **arguments)
    assert [one for one in fake.calls if one["to"] == KNOWN] == []


async def test_start_call_number_of_nobody(problem: Tool) -> None:
    assert "numbers of +33 have more digits" in await problem("start_call", to="06 12 34", text="Bonjour")


async def test_start_call_without_usual_number_lists_candidates(fake: FakeTwilio) -> None:
    with environment(server, **{**fake.settings, "TELEPHONY_FROM_NUMBER": ""}):
        result = await call(server, "tel_start_call", to=KNOWN, text="Bonjour")
    assert f"Several numbers of the account can be used: {ACCUEIL} (Accueil), {ATELIER} (Atelier)" in text_of(result)


async def test_auth_token_in_place_of_a_key(fake: FakeTwilio) -> None:
    settings = {k: v for k, v in fake.settings.items() if "API_" not in k}
    with environment(server, **settings, TELEPHONY_AUTH_TOKEN=TOKEN, FLOTILLA_TIER="all"):
        assert (await call(server, "tel_get_balance")).structured_content == {"balance": "17.42", "currency": "EUR"}


async def test_get_call_live_with_legs_and_recordings(fake: FakeTwilio, tool: Tool) -> None:
    mine = fake.add_call(ACCUEIL, KNOWN, "in-progress", "inbound")
    fake.add_recording(mine, "in-progress")
    await tool("forward_call", call=mine["sid"], to=KNOWN, text="Je vous passe Paul.")
    result = await tool("get_call", call=mine["sid"])
    assert result["status"] == "in-progress"
    assert [(leg["to"], leg["sender"]) for leg in result["legs"]] == [(KNOWN, ACCUEIL)]
    assert result["recordings"][0]["status"] == "in-progress"
    assert result["start_time"].endswith(("+01:00", "+02:00"))


async def test_get_call_wrong_id(problem: Tool) -> None:
    assert (
        "is not the id of a call: it has CA and 32 digits. Pass the id that tel_list_calls returned."
        in await problem("get_call", call="RE" + "0" * 32)
    )
    assert "does not have this" in await problem("get_call", call="CA" + "9" * 32)


async def test_list_calls_filters_and_pages(fake: FakeTwilio, tool: Tool, problem: Tool) -> None:
    fake.add_call(KNOWN, ACCUEIL, "completed")
    fake.add_call(NEW, ACCUEIL, "completed")
    fake.add_call(ACCUEIL, KNOWN, "no-answer", "inbound")
    page = await tool("list_calls", limit=2, after="2026-01-05", before="2030-01-05")
    last = await tool("list_calls", limit=2, cursor=page["next_cursor"])
    assert [len(page["items"]), len(last["items"]), last.get("next_cursor")] == [2, 1, None]
    first = dict(fake.vendor.requests[0].query)
    assert (first["StartTime>"], first["StartTime<"]) == ("2026-01-04T23:00:00Z", "2030-01-05T23:00:00Z")
    result = await tool("list_calls", caller="0612345678", status="no-answer")
    assert [one["sender"] for one in result["items"]] == [KNOWN]
    assert "is not a cursor" in await problem("list_calls", cursor="page two")


async def test_forward_call_to_somebody_new_asks(fake: FakeTwilio, tool: Tool, asked: list[str]) -> None:
    mine = fake.add_call(KNOWN, ATELIER, "in-progress")
    await tool("forward_call", call=mine["sid"], to=NEW)
    assert asked[0].startswith("Transfer the call with +33 6 12 34 56 78 to +33 6 98 76 54 32? New to this account")
    assert f'<Dial callerId="{ATELIER}"><Number>{NEW}</Number></Dial>' in mine["twiml"][-1]


@pytest.mark.parametrize(("status", "after"), [("queued", "canceled"), ("in-progress", "completed")])
async def test_stop_call(fake: FakeTwilio, tool: Tool, problem: Tool, status: str, after: str) -> None:
    mine = fake.add_call(KNOWN, ACCUEIL, status)
    assert (await tool("stop_call", call=mine["sid"]))["status"] == after
    assert f"This call is over already ({after}); nothing was done." in await problem("stop_call", call=mine["sid"])


async def test_update_call_speaks_and_keeps_the_line(fake: FakeTwilio, tool: Tool) -> None:
    mine = fake.add_call(ACCUEIL, KNOWN, "in-progress", "inbound")
    await tool("update_call", call=mine["sid"], text="Un conseiller arrive.", seconds=60)
    assert mine["twiml"][-1].endswith('</Say><Pause length="60" /></Response>')


async def test_record_call_start_pause_resume_stop(fake: FakeTwilio, tool: Tool, problem: Tool) -> None:
    mine = fake.add_call(ACCUEIL, KNOWN, "in-progress", "inbound")
    assert "is not being recorded" in await problem("record_call", call=mine["sid"], action="pause")
    states = [(await tool("record_call", call=mine["sid"], action=a))["status"] for a in ("start", "pause", "resume")]
    assert states == ["in-progress", "paused", "in-progress"]
    assert "is being recorded already (in-progress)" in await problem("record_call", call=mine["sid"])
    assert (await tool("record_call", call=mine["sid"], action="stop"))["status"] == "stopped"


async def test_list_call_requests_shows_digits(fake: FakeTwilio, tool: Tool) -> None:
    mine = fake.add_call(ACCUEIL, KNOWN, "completed", "inbound")
    page = await tool("list_call_requests", call=mine["sid"])
    assert page["items"] == [
        {"url": "https://atelier.example/voice", "digits": "2", "status": "in-progress", "response_code": "200"}
    ]


# -- questions by phone -----------------------------------------------------------------------------------------------


async def test_question_answered_by_key(fake: FakeTwilio, tool: Tool, asked: list[str]) -> None:
    """The appointment of story 3: said in French, answered with 1."""
    asked_by_phone = await tool("start_question", to="06 12 34 56 78", text=QUESTION)
    assert asked == []
    assert asked_by_phone["language"] == "fr-FR"
    run = fake.runs[-1]
    assert run["data"] == {"text": QUESTION, "closing": "Merci. Au revoir."}
    ask = next(s for s in fake.flows[0]["definition"]["states"] if s["type"] == "gather-input-on-call")["properties"]
    assert (ask["language"], ask["number_of_digits"], ask["say"]) == ("fr-FR", 1, "{{flow.data.text}}")
    waiting = await tool("get_answer", question=asked_by_phone["question"], wait=0)
    assert waiting["state"] == "waiting"
    fake.press("1")
    answer = await tool("get_answer", question=asked_by_phone["question"])
    assert (answer["state"], answer["digits"], answer["call"]) == ("answered", "1", run["call"]["sid"])


async def test_question_answered_by_speech(fake: FakeTwilio, tool: Tool) -> None:
    started = await tool("start_question", to=KNOWN, text=QUESTION)
    fake.press("", "oui, c'est parfait")
    answer = await tool("get_answer", question=started["question"])
    assert (answer["state"], answer["speech"]) == ("answered", "oui, c'est parfait")
    assert "digits" not in answer


async def test_question_waits_for_the_answer(fake: FakeTwilio, tool: Tool) -> None:
    started = await tool("start_question", to=KNOWN, text=QUESTION)
    looks = 0
    real = fake.to

    def later(request):  # type: ignore[no-untyped-def]
        nonlocal looks
        looks += request.path.endswith("/Context")
        if looks == 3 and fake.runs[-1]["status"] == "active":
            fake.press("2")
        return real(request)

    fake.to = later  # type: ignore[method-assign]
    assert (await tool("get_answer", question=started["question"], wait=30))["digits"] == "2"
    assert looks >= 3


async def test_question_flow_is_made_once_for_a_kind(fake: FakeTwilio, tool: Tool) -> None:
    for text, digits in ((QUESTION, 1), (QUESTION, 1), ("Please press a key on your phone.", 4)):
        await tool("start_question", to=KNOWN, text=text, digits=digits, closing="Noté & merci {{trigger}} <b>")
        fake.press("1")
    assert [flow["friendly_name"] for flow in fake.flows] == [
        "Flotilla question 1: fr-FR, default voice, 1 key",
        "Flotilla question 1: en-US, default voice, 4 keys",
    ]
    assert fake.runs[0]["data"]["closing"] == "Noté et merci {{trigger}} b"


async def test_question_uses_the_flow_of_an_earlier_day(fake: FakeTwilio, tool: Tool) -> None:
    await tool("start_question", to=KNOWN, text=QUESTION)
    fake.press("1")
    server.connection.metadata.clear()  # as in a new process
    await tool("start_question", to=KNOWN, text=QUESTION)
    assert len(fake.flows) == 1


async def test_question_to_somebody_new_asks_before_a_flow_is_made(fake: FakeTwilio) -> None:
    asked: list[str] = []
    async with client(server, answer="decline", asked=asked) as connected:
        result = await call(connected, "tel_start_question", to=NEW, text=QUESTION)
    assert "did not agree" in text_of(result)
    assert asked[0].startswith("Call from +33 1 23 45 67 89 and ask «Votre rendez-vous est mardi")
    assert fake.writes == []


async def test_question_dry_run_shows_flow_and_call(fake: FakeTwilio, tool: Tool) -> None:
    shown = (await tool("start_question", to=KNOWN, text=QUESTION, dry_run=True))["dry_run"]
    assert shown["url"].endswith("/v2/Flows")
    assert shown["then"][0]["url"].endswith("/v2/Flows/{FlowSid}/Executions")
    assert fake.writes == []


@pytest.mark.parametrize(("pressed", "state"), [("", "no_key"), (None, "not_reached")])
async def test_question_without_answer(fake: FakeTwilio, tool: Tool, pressed: str | None, state: str) -> None:
    started = await tool("start_question", to=KNOWN, text=QUESTION)
    if pressed is None:
        fake.refuse_call("busy")
    else:
        fake.press(pressed)
    answer = await tool("get_answer", question=started["question"])
    assert answer["state"] == state
    assert "digits" not in answer


async def test_question_of_a_flow_that_missed_the_end(fake: FakeTwilio, tool: Tool) -> None:
    started = await tool("start_question", to=KNOWN, text=QUESTION)
    fake.press("")
    fake.runs[-1]["status"] = "active"
    answer = await tool("get_answer", question=started["question"])
    assert (answer["state"], answer["call_status"]) == ("no_key", "completed")


async def test_question_while_another_flow_is_open(fake: FakeTwilio, tool: Tool, problem: Tool) -> None:
    await tool("start_question", to=KNOWN, text=QUESTION)
    fake.runs[-1]["call"]["status"] = "completed"
    assert "A question to this person is open already" in await problem("start_question", to=KNOWN, text=QUESTION)


async def test_question_not_twice_at_once(fake: FakeTwilio, tool: Tool, problem: Tool) -> None:
    await tool("start_question", to=KNOWN, text=QUESTION)
    assert "is under way already" in await problem("start_question", to=KNOWN, text=QUESTION)
    assert len(fake.runs) == 1


async def test_question_lost_connection(fake: FakeTwilio, tool: Tool, problem: Tool) -> None:
    await tool("start_question", to=KNOWN, text=QUESTION)
    fake.press("1")
    fake.vendor.fails(faults.cut(), method="write")
    message = await problem("start_question", to=KNOWN, text=QUESTION)
    assert "The call may have been made. Do not repeat it: look with tel_list_calls first." in message


async def test_get_answer_wrong_id(problem: Tool) -> None:
    assert "is not the id of a question" in await problem("get_answer", question="CA" + "0" * 32)


# -- texts ------------------------------------------------------------------------------------------------------------


async def test_send_message(fake: FakeTwilio, tool: Tool, asked: list[str]) -> None:
    sent = await tool("send_message", to="06 12 34 56 78", text="C'est prêt, à bientôt.")
    assert sent["sent"] == [{"to": KNOWN, "message": fake.messages[0]["sid"], "status": "queued"}]
    assert fake.messages[0]["body"] == "C'est prêt, à bientôt."
    assert asked == []


async def test_send_message_with_pictures_from_a_service(fake: FakeTwilio, tool: Tool) -> None:
    pictures = ["https://a.example/1.png", "https://a.example/2.png"]
    await tool("send_message", to=[KNOWN], media_urls=pictures, sender="Rappels")
    assert fake.messages[0]["num_media"] == "2"
    details = await tool("get_message", message=fake.messages[0]["sid"])
    assert [one["content_type"] for one in details["files"]] == ["image/png", "image/png"]


async def test_send_message_to_many_asks_and_reports_each(fake: FakeTwilio, tool: Tool, asked: list[str]) -> None:
    numbers = [f"+3361234567{n}" for n in range(6)]
    for number in numbers:
        fake.add_message(number, ACCUEIL, "Bonjour", "inbound")
    fake.opted_out.add(numbers[2])
    result = await tool("send_message", to=numbers, text="Fermé demain")
    assert asked == [
        "Send «Fermé demain» to +33 6 12 34 56 70, +33 6 12 34 56 71, +33 6 12 34 56 72, +33 6 12 34 56 73, "
        "+33 6 12 34 56 74, +33 6 12 34 56 75? It costs money and cannot be taken back."
    ]
    assert [bool(one.get("message")) for one in result["sent"]] == [True, True, False, True, True, True]
    assert "answered STOP" in result["sent"][2]["error"]


async def test_send_message_to_nobody_that_takes_it(fake: FakeTwilio, problem: Tool) -> None:
    fake.opted_out |= {KNOWN, NEW}
    message = await problem("send_message", to=[KNOWN, NEW], text="Fermé demain")
    assert "No message was sent: +33 6 12 34 56 78: Twilio refuses this: this person has answered STOP" in message
    assert "may" not in message
    assert "only START changes that" in await problem("send_message", to=[KNOWN], text="Fermé demain")


async def test_send_message_refused_by_all_can_be_repeated(fake: FakeTwilio, tool: Tool, problem: Tool) -> None:
    """What was refused was certainly not sent, so the same key does it later."""
    fake.opted_out |= {KNOWN, NEW}
    arguments = {"to": [KNOWN, NEW], "text": "Fermé demain", "idempotency_key": "fermeture"}
    await problem("send_message", **arguments)
    fake.opted_out.clear()
    assert [one["status"] for one in (await tool("send_message", **arguments))["sent"]] == ["queued", "queued"]


async def test_send_message_same_text_not_sent_again(fake: FakeTwilio, tool: Tool, problem: Tool) -> None:
    await tool("send_message", to=[KNOWN], text="C'est prêt.")
    message = await problem("send_message", to=[KNOWN], text="C'est prêt.")
    assert "The same text went to +33 6 12 34 56 78 in the last ten minutes; it was not sent again." in message
    assert fake.messages[0]["sid"] in message
    await tool("send_message", to=[KNOWN], text="C'est prêt, venez.")
    assert len(fake.writes) == 2


async def test_send_message_again_only_to_those_without_it(fake: FakeTwilio, tool: Tool, asked: list[str]) -> None:
    """What a person does after a connection was lost in the midst of several."""
    await tool("send_message", to=[KNOWN], text="Fermé demain")
    again = await tool("send_message", to=[KNOWN, NEW], text="Fermé demain")
    assert [one["status"] for one in again["sent"]] == ["queued, sent by an earlier call", "queued"]
    assert [one["to"] for one in fake.messages[:2]] == [NEW, KNOWN]
    assert "+33 6 12 34 56 78" not in asked[0]


async def test_send_message_from_the_name_of_the_settings(fake: FakeTwilio) -> None:
    with environment(server, **fake.settings, TELEPHONY_SENDER_NAME="ATELIER"):
        shown = await call(server, "tel_send_message", to=[KNOWN], text="C'est prêt.", dry_run=True)
    assert (shown.structured_content or {})["dry_run"]["body"]["From"] == "ATELIER"


async def test_send_message_lost_connection_says_where_to_look(fake: FakeTwilio, problem: Tool) -> None:
    fake.vendor.fails(faults.cut(), method="write")
    message = await problem("send_message", to=[KNOWN], text="Bonjour")
    assert "The message may have been sent. Do not repeat it: look with tel_list_messages first." in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "There is nothing to send."),
        ({"media_urls": ["http://a.example/1.png"]}, "does not begin with https"),
        ({"text": "Bonjour", "sender": "Usine"}, "There is no sender `Usine`"),
    ],
)
async def test_send_message_refused(fake: FakeTwilio, problem: Tool, arguments: dict[str, str], message: str) -> None:
    assert message in await problem("send_message", to=[KNOWN], **arguments)
    assert fake.writes == []


async def test_list_messages(fake: FakeTwilio, tool: Tool) -> None:
    page = await tool("list_messages", sender=KNOWN, after="2026-01-05")
    assert [(one["text"], one["direction"]) for one in page["items"]] == [("Bonjour, à quelle heure ?", "inbound")]


async def test_get_message_says_why_not_delivered(fake: FakeTwilio, tool: Tool) -> None:
    text = fake.add_message(ACCUEIL, KNOWN, "Bonjour", status="undelivered", error_code=30003, price="-0.0750")
    result = await tool("get_message", message=text["sid"])
    assert (result["status"], result["error"], result["price"]) == ("undelivered", "30003", "0.0750 USD")


async def test_get_media_saves_file(fake: FakeTwilio, tool: Tool, data: Path) -> None:
    text = fake.add_message(KNOWN, ACCUEIL, "Voici", "inbound", num_media="1")
    ref = await tool("get_media", message=text["sid"], media="ME" + "0" * 32)
    assert ref["path"] == f"telephony/ME{'0' * 32}.png"
    assert (data / ref["path"]).read_bytes() == b"\x89PNG"


async def test_delete_message_asks(fake: FakeTwilio, tool: Tool, asked: list[str]) -> None:
    await tool("delete_message", message=fake.messages[0]["sid"])
    assert asked == ["Delete «Bonjour, à quelle heure ?» with +33 6 12 34 56 78 for good?"]
    assert fake.messages == []


# -- numbers and codes ------------------------------------------------------------------------------------------------


async def test_check_number_with_history(fake: FakeTwilio, tool: Tool) -> None:
    fake.add_call(ACCUEIL, KNOWN, "no-answer", "inbound")
    report = await tool("check_number", phone="06 12 34 56 78")
    assert (report["valid"], report["country"]) == (True, "FR")
    assert report["calls"][0]["status"] == "no-answer"
    assert report["messages"][0]["text"] == "Bonjour, à quelle heure ?"
    assert "carrier" not in report
    assert "Fields" not in dict(fake.vendor.requests[0].query)  # nothing that costs


async def test_check_number_carrier_and_name(tool: Tool) -> None:
    report = await tool("check_number", phone=KNOWN, carrier=True, caller_name=True)
    assert (report["carrier"], report["line_type"], report["caller_name"]) == ("Orange France", "mobile", "JEAN DUPONT")


async def test_list_numbers(tool: Tool) -> None:
    page = await tool("list_numbers")
    assert [(one["name"], one["number"], one["mms"]) for one in page["items"]] == [
        ("Accueil", ACCUEIL, False),
        ("Atelier", ATELIER, False),
    ]
    assert (await tool("list_verified_numbers"))["items"][0]["kind"] == "verified"
    assert (await tool("list_messaging_services"))["items"] == [{"id": f"MG{1:032x}", "name": "Rappels"}]


async def test_codes_sent_and_validated(
    fake: FakeTwilio, tool: Tool, problem: Tool, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    sent = await tool("send_code", to=NEW, channel="call")
    assert sent["status"] == "pending"
    assert asked[0].startswith("Send a code by call to +33 6 98 76 54 32? New to this account")
    assert fake.form(fake.writes[-1])["Locale"] == "fr"
    assert (await tool("validate_code", to=NEW, code="111111"))["right"] is False
    assert await tool("validate_code", to=NEW, code="482 913") == {"to": NEW, "right": True, "status": "approved"}
    message = await problem("validate_code", to=NEW, code="482913")
    assert "No code is open for +33 6 98 76 54 32" in message
    assert message.endswith("Send a new one with tel_send_code.")
    log = capsys.readouterr().err
    assert "tel_validate_code" in log
    assert not [code for code in ("482913", "482 913", "111111") if f'"{code}"' in log]


# -- recordings, transcripts, account ---------------------------------------------------------------------------------


async def test_recordings_listed_and_saved(fake: FakeTwilio, tool: Tool, problem: Tool, data: Path) -> None:
    mine = fake.add_call(ACCUEIL, KNOWN, "completed", "inbound")
    done, running = fake.add_recording(mine), fake.add_recording(mine, "processing")
    page = await tool("list_recordings", call=mine["sid"], after="2026-01-01", before="2026-01-31")
    assert [one["recording"] for one in page["items"]] == [running["sid"], done["sid"]]
    ref = await tool("get_recording", recording=done["sid"], format="wav", path="appels/roy.wav")
    assert (data / "appels/roy.wav").read_bytes().endswith(b"as wav")
    assert ref["content_type"].startswith("audio/")
    done["channels"] = 1
    await tool("get_recording", recording=done["sid"], format="wav")
    assert "not finished yet (processing)" in await problem("get_recording", recording=running["sid"])


async def test_transcript_saved_whole(fake: FakeTwilio, tool: Tool, data: Path) -> None:
    text = "I would like to move my appointment. " * 200
    row = {"sid": "TR" + "0" * 32, "recording_sid": "RE" + "0" * 32, "status": "completed", "transcription_text": text}
    fake.transcripts.append(row)
    listed = (await tool("list_transcripts", recording=row["recording_sid"]))["items"][0]
    assert len(listed["text"]) == 300
    result = await tool("get_transcript", transcript=row["sid"])
    assert len(result["text"]) == 4000
    assert (data / result["path"]).read_text() == text


async def test_delete_recording_asks(fake: FakeTwilio, tool: Tool, asked: list[str]) -> None:
    done = fake.add_recording(fake.add_call(ACCUEIL, KNOWN, "completed", "inbound"))
    await tool("delete_recording", recording=done["sid"])
    assert asked == ["Delete the recording of 5 January 2026, 09:00 (Europe/Paris), 12 seconds long, for good?"]
    assert fake.recordings == []


async def test_usage_dearest_first(fake: FakeTwilio, tool: Tool, problem: Tool) -> None:
    report = await tool("get_usage", after="2026-01-01", before="2026-01-31")
    assert (report["total"], report["currency"]) == (2.89, "EUR")
    assert [one["category"] for one in report["categories"]] == ["sms", "calls"]
    query = dict(fake.vendor.requests[0].query)
    assert (query["StartDate"], query["EndDate"]) == ("2026-01-01", "2026-01-31")
    assert "`before` is not after `after`" in await problem("get_usage", after="2026-02-01", before="2026-01-01")


async def test_refusal_of_credentials(fake: FakeTwilio) -> None:
    with environment(server, **{**fake.settings, "TELEPHONY_API_SECRET": "wr0ng-s3cr3t"}):
        result = await call(server, "tel_list_numbers")
    assert "does not accept the credentials" in text_of(result)
    assert "wr0ng" not in text_of(result)
