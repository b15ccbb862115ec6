"""Whatever stands in a text, a name or an address: one message, or a refusal in our own words."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from pathlib import Path

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_kanban.config.notify import NotifySettings, Webhook
from hermes_kanban.model import ConfigError
from hermes_kanban.notify import webhook
from hermes_kanban.notify.email import write
from hermes_kanban.notify.message import AboutEvent, File, Message
from tests.destinations.conftest import SECRET

HEADERS = {
    "auto-submitted",
    "content-transfer-encoding",
    "content-type",
    "date",
    "from",
    "message-id",
    "mime-version",
    "subject",
    "to",
    "x-kanban-id",
}
ODD = '\r\n\t\x00 :<>@,;=?"\\/%#äé→٭\u202e😀\x85\u2028abc'
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.text(ODD, max_size=60)


@settings(max_examples=200, deadline=None)
@given(subject=TEXTS, text=TEXTS, name=TEXTS, media_type=TEXTS | st.just("text/plain"))
def test_a_mail_has_our_headers_and_its_file(
    subject: str, text: str, name: str, media_type: str
) -> None:
    event = AboutEvent(id=1, kind="completed", actor="system", run_id=None, created_at=0)
    file = File(name=name, path=str(Path(__file__)), size=1, media_type=media_type)
    message = Message(
        dedup_key="b:1:1",
        board="b",
        subscription=1,
        event=event,
        task=None,
        text=text,
        subject=subject,
        files=[file],
    )
    sent = write(message, "a@b.example", "c@d.example").as_bytes()
    read = message_from_bytes(sent, policy=default)
    assert {header.lower() for header in read} <= HEADERS
    (attachment,) = read.iter_attachments()
    assert attachment.get_payload(decode=True) == Path(__file__).read_bytes()


@settings(max_examples=300, deadline=None)
@given(
    beginning=st.sampled_from(["", "//", "https://", "https://a.example", "http://[::1]", "x:"]),
    rest=TEXTS,
)
def test_an_address_is_one_request_or_is_refused(beginning: str, rest: str) -> None:
    url = beginning + rest or "/"
    found = NotifySettings(
        allow_private=("::1",), webhooks={"ops": Webhook(url=url, secret=SECRET)}
    )
    try:
        target, _ = webhook.target_and_secret("ops", found)
    except ConfigError as refusal:
        assert len(rest) < 8 or rest not in str(refusal)
        return
    request = h11.Request(method="POST", target=target.path, headers=[("Host", target.authority)])
    lines = h11.Connection(h11.CLIENT).send(request)
    assert lines is not None
    assert lines.count(b"\r\n") == 3


@pytest.mark.parametrize("secret", ["", "short", "x" * 15])
def test_a_short_secret_signs_nothing(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_SECRET", secret)
    found = NotifySettings(
        webhooks={"ops": Webhook(url="https://a.example/", secret="env:OPS_SECRET")}
    )
    with pytest.raises(ConfigError, match=r"OPS_SECRET, which is not set|fewer than 16"):
        webhook.target_and_secret("ops", found)
