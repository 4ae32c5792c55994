"""Each service gets what its documentation asks for, and nothing that it would take for markup."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.vision.monitoring.alerts.conftest import CHANGE
from vision.monitoring.alerts.message import Message, write_message
from vision.monitoring.alerts.shapes import shape_payload

pytestmark = pytest.mark.unit

HOSTILE = replace(CHANGE, moved=("<!channel> *all* @here [x](http://evil.example)",))


def test_json_has_every_value(message: Message) -> None:
    payload = shape_payload("json", message)

    assert payload == {
        "subject": message.subject,
        "text": message.text,
        "model": "digits",
        "version": "20261121-190000-0a1b2c3d",
        "before": "ok",
        "now": "drift",
        "moved": ["uae", "properties"],
        "next_move": CHANGE.next_move,
        "link": CHANGE.link,
        "job": "",
        "time": "2026-11-21T19:30:00+00:00",
    }
    assert json.loads(json.dumps(payload)) == payload


def test_slack_gets_a_header_and_a_section(message: Message) -> None:
    payload = shape_payload("slack", message)

    header, section = payload["blocks"]
    assert payload["text"] == message.subject
    assert header == {"type": "header", "text": {"type": "plain_text", "text": message.subject}}
    assert section["text"]["type"] == "mrkdwn"
    assert section["text"]["text"].splitlines() == [
        "Model digits, version 20261121-190000-0a1b2c3d: drift, before: ok.",
        "What moved: uae, properties.",
        "Next: look at the images in the report; if they are wanted, label them &amp; retrain.",
        "Found at 2026-11-21 19:30 UTC.",
        "<https://zenml.example.org/runs/7?a=1&amp;b=2|Report>",
    ]


def test_slack_takes_it_however_long_it_is() -> None:
    long = replace(CHANGE, version="v" * 500, moved=("&" * 5000,), next_move="<" * 5000)

    header, section = shape_payload("slack", write_message(long))["blocks"]

    assert len(header["text"]["text"]) <= 150
    assert len(section["text"]["text"]) <= 3000


def test_slack_calls_nobody() -> None:
    payload = shape_payload("slack", write_message(HOSTILE))

    assert "&lt;!channel&gt;" in payload["blocks"][1]["text"]["text"]
    assert "<!" not in json.dumps(payload)


def test_mattermost_gets_an_attachment(message: Message) -> None:
    [attachment] = shape_payload("mattermost", message)["attachments"]

    assert attachment["fallback"] == attachment["title"] == message.subject
    assert attachment["title_link"] == CHANGE.link
    assert attachment["color"] == "#c62828"
    assert "What moved: uae, properties." in attachment["text"]


def test_teams_gets_an_adaptive_card(message: Message) -> None:
    payload = shape_payload("teams", message)

    [attachment] = payload["attachments"]
    card = attachment["content"]
    assert payload["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert card["body"][0]["text"] == message.subject
    assert card["body"][0]["color"] == "Attention"
    assert [block["type"] for block in card["body"]] == ["TextBlock"] * 5
    assert all(block["wrap"] for block in card["body"])
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Report", "url": CHANGE.link}]


def test_a_teams_card_without_a_link_has_no_button_and_good_news_are_green() -> None:
    good = write_message(replace(CHANGE, now="ok", before="drift", link=""))

    card = shape_payload("teams", good)["attachments"][0]["content"]

    assert "actions" not in card
    assert card["body"][0]["color"] == "Good"


def test_the_largest_teams_message_is_below_its_limit() -> None:
    long = replace(CHANGE, moved=("é" * 5000,), next_move="*" * 5000, link="https://" + "l" * 2000)

    assert len(json.dumps(shape_payload("teams", write_message(long)))) < 28_000


@pytest.mark.parametrize("shape", ["mattermost", "teams"])
def test_markdown_and_mentions_are_text(shape: str) -> None:
    shown = json.dumps(shape_payload(shape, write_message(HOSTILE)), ensure_ascii=False)

    assert "@here" not in shown
    assert "\\\\*all\\\\*" in shown
    assert "[x](" not in shown.replace("\\\\[x\\\\](", "")
