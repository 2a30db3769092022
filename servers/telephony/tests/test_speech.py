"""What is said: its language, its markup; and where Twilio's APIs stand."""

from __future__ import annotations

import pytest

from flotilla import errors
from flotilla_servers.telephony.client import Settings
from flotilla_servers.telephony.speech import Twiml, known_language, known_voice, language_of, spoken, voice_of

KEY = {"account_sid": "AC" + "0" * 32, "api_key": "SK" + "0" * 32, "api_secret": "s3cr3t", "auth_token": ""}


@pytest.mark.parametrize(
    ("text", "usual", "language"),
    [
        ("Votre rendez-vous est demain à 14 h.", "fr-FR", "fr-FR"),
        ("Votre rendez-vous est demain à 14 h.", "fr-CA", "fr-CA"),
        ("Votre rendez-vous est demain à 14 h.", "en-GB", "fr-FR"),
        ("Your appointment is tomorrow at two.", "fr-FR", "en-US"),
        ("Your appointment is tomorrow at two.", "en-GB", "en-GB"),
        ("Jean Dupont", "fr-FR", "fr-FR"),
        ("Mañana por la tarde", "es-ES", "es-ES"),
        ("Bonjour, votre commande est prête", "es-ES", "fr-FR"),
    ],
)
def test_language_of_text(text: str, usual: str, language: str) -> None:
    assert language_of(text, usual) == language


def test_voice_of_settings_only_for_its_language() -> None:
    assert voice_of("fr-FR", "fr-FR", "Polly.Lea-Neural") == "Polly.Lea-Neural"
    assert voice_of("en-US", "fr-FR", "Polly.Lea-Neural") == ""


def test_twiml_escapes_texts() -> None:
    document = (
        Twiml()
        .say("Durand & Fils <b>\x0b dit « 1 < 2 »", "fr-FR", "Polly.Lea")
        .play_file("https://a.example/x?a=1&b=2")
    )
    assert str(document) == (
        '<Response><Say language="fr-FR" voice="Polly.Lea">Durand &amp; Fils &lt;b&gt; dit « 1 &lt; 2 »</Say>'
        "<Play>https://a.example/x?a=1&amp;b=2</Play></Response>"
    )


def test_twiml_dial_and_pause() -> None:
    document = Twiml().pause(5).dial("+33612345678", "+33123456789")
    assert str(document) == (
        '<Response><Pause length="5" /><Dial callerId="+33123456789"><Number>+33612345678</Number></Dial></Response>'
    )


def test_twiml_too_long() -> None:
    with pytest.raises(errors.InvalidInputError, match="too long for a call"):
        str(Twiml().say("&" * 1000, "fr-FR"))


def test_spoken_leaves_no_markup_to_studio() -> None:
    assert spoken("Durand & Fils <break/> à 14 h", "fr-FR") == "Durand et Fils break/ à 14 h"
    assert spoken("Smith & Sons", "en-US") == "Smith and Sons"


@pytest.mark.parametrize("text", ["french", "fr", "FR-fr", "fr-FR; x"])
def test_known_language_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="language and a country"):
        known_language(text)


def test_known_voice() -> None:
    assert known_voice("Google.fr-FR-Neural2-A") == "Google.fr-FR-Neural2-A"
    with pytest.raises(ValueError, match="a voice of Twilio"):
        known_voice("Léa")


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "https://studio.twilio.com"),
        ({"region": "us1"}, "https://studio.twilio.com"),
        ({"region": "ie1"}, "https://studio.dublin.ie1.twilio.com"),
        ({"region": "au1", "edge": "sydney"}, "https://studio.sydney.au1.twilio.com"),
        ({"edge": "frankfurt"}, "https://studio.frankfurt.us1.twilio.com"),
        ({"base_url": "https://twilio.example/"}, "https://twilio.example"),
    ],
)
def test_settings_address_of_region(settings: dict[str, str], address: str) -> None:
    assert Settings.model_validate({**KEY, **settings}).address("studio") == address


def test_settings_edge_of_another_region() -> None:
    with pytest.raises(ValueError, match="ie1 is reached at the edge dublin"):
        Settings.model_validate({**KEY, "region": "ie1", "edge": "tokyo"})


@pytest.mark.parametrize("field", ["account_sid", "api_key", "from_number", "verify_service", "region"])
def test_settings_refuse_nonsense(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        Settings.model_validate({**KEY, field: "0612345678"})
