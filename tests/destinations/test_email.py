"""Mail: through a real server with TLS and login, with files, and known again when it repeats."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.config.notify import MailSettings
from hermes_kanban.model import ConfigError, InvalidInput
from hermes_kanban.notify.email import write
from hermes_kanban.notify.message import AboutEvent, File, Message
from tests.destinations.conftest import Authority, World
from tests.destinations.mailserver import PASSWORD, USER, MailServer

TO = "mara@example.org"
Serve = Callable[..., MailServer]


@pytest.fixture
def serve(trusted: Authority) -> Iterator[Serve]:
    """Starts mail servers whose certificate is good for localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusted.certificate.configure_cert(context)
    running: list[MailServer] = []

    def start(**keys: Any) -> MailServer:
        running.append(MailServer(context, **keys))
        return running[-1]

    yield start
    for server in running:
        server.close()


def mail(server: MailServer, **keys: Any) -> dict[str, Any]:
    settings = {"host": "localhost", "port": server.port, "sender": "kanban@example.net"}
    return settings | {"user": USER, "password": PASSWORD} | keys


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_event_is_a_mail(world: World, serve: Serve, security: str) -> None:
    server = serve(tls=security == "tls")
    world.begin(mail=mail(server, security=security))
    sub = world.subscribe(f"email:{TO}", "blocked", "created")
    task = kb.create_task(world.conn, title="Schlüssel tauschen → jetzt")
    assert kb.block_task(world.conn, task, reason="Which one? " + "ä" * 3_900)
    world.until(lambda: len(world.deliveries("delivered")) == 2)
    first, second = server.mails
    assert server.envelopes[0].rcpt_tos == [TO]
    assert server.logins[0][1]
    assert second["To"] == TO
    assert second["From"] == "hermes-kanban <kanban@example.net>"
    assert second["Subject"] == f"Blocked: Schlüssel tauschen → jetzt ({task})"
    body = second.get_body()
    assert body is not None
    assert body.get_content_type() == "text/plain"
    assert "Which one?" in body.get_content()
    assert len(body.get_content()) < 2_000
    assert first["References"] == second["References"] is not None
    assert first["Message-ID"] != second["Message-ID"]
    assert {first["X-Kanban-Id"], second["X-Kanban-Id"]} == {
        one.dedup_key for one in world.deliveries()
    }
    world.test_message(sub)
    assert server.mails[-1]["Subject"] == "hermes-kanban: default"
    world.assert_hidden(PASSWORD)


def test_killed_between_sending_and_marking_it_is_the_same_mail(world: World, serve: Serve) -> None:
    server = serve()
    started: list[Any] = []

    def kill() -> str | None:
        if len(server.mails) <= 2:
            started[-1].kill()
            started[-1].wait()
        return None

    server.on_mail = kill
    world.configure(mail=mail(server))
    world.gateways.open()
    world.subscribe(f"email:{TO}")
    for number in range(2):
        kb.create_task(world.conn, title=f"task {number}")
    for _ in range(3):
        started.append(world.gateways.start(wait=False))
        if len(started) <= 2:
            assert started[-1].wait(30) == -9
    world.until(lambda: len(world.deliveries("delivered")) == 2)
    ids = [one["Message-ID"] for one in server.mails]
    assert len(ids) == 4
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert server.mails[0]["X-Kanban-Id"] == server.mails[2]["X-Kanban-Id"]


def test_what_a_run_handed_in_comes_along(world: World, serve: Serve) -> None:
    server = serve()
    world.begin(mail=mail(server))
    world.subscribe(f"email:{TO}", "completed")
    binary = bytes(range(256)) * 4_000
    world.hand_in({"report.txt": b"all is well\n", "Größe.bin": binary})
    world.until(lambda: server.mails)
    found = {one.get_filename(): one for one in server.mails[0].iter_attachments()}
    assert found["report.txt"].get_payload(decode=True) == b"all is well\n"
    assert found["Größe.bin"].get_payload(decode=True) == binary


def test_what_a_server_refuses(world: World, serve: Serve) -> None:
    """A recipient for ever, a login until it is put right; neither holds up another."""
    server = serve()
    world.begin(mail=mail(server))
    nobody = world.subscribe("email:nobody@example.org")
    good = world.subscribe(f"email:{TO}")
    kb.create_task(world.conn, title="Count")
    found = world.tried(nobody)
    assert (found.state, found.reason) == (
        "dead",
        "the mail server refused it: 550 5.1.1 no such user, [redacted]",
    )
    world.until(lambda: world.tried(good).state == "delivered")
    server.on_mail = lambda: "451 4.3.0 come back later"
    later = world.subscribe("email:later@example.org")
    kb.create_task(world.conn, title="Again")
    world.until(lambda: world.tried(later).state == "waiting")
    assert world.tried(later).reason == "the mail server refused it: 451 4.3.0 come back later"
    server.on_mail = lambda: None
    wrong = "not-the-password-of-anybody"
    world.configure(mail=mail(server, password=wrong))
    other = world.subscribe("email:other@example.org")
    kb.create_task(world.conn, title="And again")
    assert (world.tried(other).reason or "").startswith("the mail server does not let us in: 535")
    world.assert_hidden(PASSWORD, wrong)


def test_servers_that_are_no_mail_servers(world: World, serve: Serve) -> None:
    server = serve()
    unreachable = mail(server) | {"port": 9}
    world.begin(mail=unreachable)
    sub = world.subscribe(f"email:{TO}")
    kb.create_task(world.conn, title="Count")
    assert "the mail server" in (world.tried(sub).reason or "")
    # A certificate for another name: nobody logs in to that.
    world.configure(mail=mail(server, host="127.1"))
    other = world.subscribe("email:other@example.org")
    kb.create_task(world.conn, title="Count again")
    assert "certificate" in (world.tried(other).reason or "").lower()
    assert server.logins == []


def test_a_server_without_tls_is_told_nothing(world: World, serve: Serve) -> None:
    """It would take the password as it is; somebody in between may only say that it has no TLS."""
    server = serve(starttls=False)
    world.begin(mail=mail(server))
    sub = world.subscribe(f"email:{TO}")
    kb.create_task(world.conn, title="Count")
    assert "STARTTLS" in (world.tried(sub).reason or "")
    assert (server.logins, server.mails) == ([], [])


@pytest.mark.parametrize(
    "address", ["", "mara", "mara@", "a@b, c@d", "a b@c", "a@b\nBcc: c@d", "<a@b>", "a@b@c"]
)
def test_what_is_no_address_is_refused(world: World, serve: Serve, address: str) -> None:
    world.configure(mail=mail(serve()))
    world.gateways.open()
    with pytest.raises(InvalidInput, match="no mail address"):
        world.subscribe(f"email:{address}")


def test_only_those_who_may_be_written_to(world: World, serve: Serve) -> None:
    world.configure(mail=mail(serve(), recipients=["ops@example.org", "@Example.com"]))
    world.gateways.open()
    for address in ("OPS@example.org", "anybody@example.com"):
        world.subscribe(f"email:{address}")
    for address in ("mara@example.org", "ops@sub.example.com"):
        with pytest.raises(InvalidInput, match="recipients"):
            world.subscribe(f"email:{address}")
    world.configure()
    with pytest.raises(InvalidInput, match="is not configured"):
        world.subscribe("email:ops@example.org")


def test_a_password_is_not_configured_to_be_sent_in_the_clear(world: World) -> None:
    settings = {"host": "localhost", "sender": "a@b.example", "user": "u", "password": "secret-x"}
    world.configure(mail=settings | {"security": "none"})
    with pytest.raises(ConfigError, match="in the clear") as refusal:
        world.gateways.open()
    assert "secret-x" not in str(refusal.value)
    assert MailSettings(host="h", sender="a@b.example", security="none").submission_port == 25


def test_files_that_are_gone_links_or_pipes_are_named_instead(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    (tmp_path / "link").symlink_to(secret)
    files = [
        File(name=f"{name}\r\nX: 1", path=str(tmp_path / name), size=1, media_type="text/plain")
        for name in ("gone", "link")
    ]
    files.append(File(name="odd", path=str(secret), size=1, media_type="message/rfc822; a=b"))
    event = AboutEvent(id=1, kind="completed", actor="system", run_id=None, created_at=0)
    message = Message(
        dedup_key="b:1:1", board="b", subscription=1, event=event, task=None, text="done",
        subject="Done\r\nBcc: evil@example.org", files=files,
    )  # fmt: skip
    letter = write(message, "a@b.example", "c@d.example")
    assert "Bcc" not in letter
    assert letter["Subject"] == "Done Bcc: evil@example.org"
    body = letter.get_body()
    assert body is not None
    assert body.get_content().strip() == "done\n\nNot attached: gone X: 1, link X: 1."
    (attachment,) = letter.iter_attachments()
    assert attachment.get_content_type() == "application/octet-stream"
