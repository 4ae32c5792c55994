"""The JSON that each chat service expects of an incoming webhook.

- Slack: docs.slack.dev/messaging/sending-messages-using-incoming-webhooks. ``text`` is shown in
  notifications, blocks in the channel; a header takes 150 characters, a section 3,000; ``&``, ``<``
  and ``>`` are markup.
- Mattermost: developers.mattermost.com/integrate/webhooks/incoming and
  .../reference/message-attachments. Markdown; ``@channel`` and ``@here`` would call everybody.
- Teams: a workflow "post to a channel when a webhook request is received" takes a message with an
  Adaptive Card; it replaces the Office 365 connectors and takes no message cards. At most 28 KB.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vision.monitoring.alerts.message import Message

_CARD = "application/vnd.microsoft.card.adaptive"
_CARD_SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
_MOST_SECTION_CHARACTERS = 3000
_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_~[]#|<>"})
# Invisible, and ends what would be a mention.
_NO_MENTION = "@\u200b"


def shape_payload(shape: str, message: Message) -> dict[str, Any]:
    """Returns the JSON values that a service of that shape shows as the message."""
    return _SHAPES[shape](message)


def _json(message: Message) -> dict[str, Any]:
    return {"subject": message.subject, "text": message.text, **message.values}


def _slack(message: Message) -> dict[str, Any]:
    lines = [_slack_text(line) for line in message.lines]
    if message.link:
        lines.append(f"<{_slack_text(message.link).replace('|', '%7C')}|Report>")
    body = "\n".join(lines)[:_MOST_SECTION_CHARACTERS]
    return {
        "text": _slack_text(message.subject),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": message.subject}},
            {"type": "section", "text": {"type": "mrkdwn", "text": body}},
        ],
    }


def _slack_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mattermost(message: Message) -> dict[str, Any]:
    attachment = {
        "fallback": message.subject,
        "color": "#2e7d32" if message.is_good else "#c62828",
        "title": message.subject,
        "text": "\n".join(map(_markdown, message.lines)),
    }
    if message.link:
        attachment["title_link"] = message.link
    return {"attachments": [attachment]}


def _teams(message: Message) -> dict[str, Any]:
    colour = "Good" if message.is_good else "Attention"
    heading = {"weight": "Bolder", "size": "Medium", "color": colour}
    card: dict[str, Any] = {
        "$schema": _CARD_SCHEMA,
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            _text_block(message.subject) | heading,
            *map(_text_block, message.lines),
        ],
    }
    if message.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Report", "url": message.link}]
    attachment = {"contentType": _CARD, "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _text_block(text: str) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _markdown(text), "wrap": True}


def _markdown(text: str) -> str:
    return text.translate(_MARKDOWN).replace("@", _NO_MENTION)


_SHAPES: dict[str, Callable[[Message], dict[str, Any]]] = {
    "json": _json,
    "slack": _slack,
    "mattermost": _mattermost,
    "teams": _teams,
}
