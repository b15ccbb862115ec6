"""The ``chat:`` section: what is refused, and where it says so."""

from __future__ import annotations

import pytest

from hermes_kanban.model.errors import ConfigError

GOOD = """\
chat:
  people: {mara: ["matrix:@mara:example.org", "telegram:42"]}
  matrix:
    homeserver: https://matrix.example.org
    user: "@bot:example.org"
    access_token: env:MATRIX_TOKEN
    rooms: ["#ops:example.org"]
    users: ["@mara:example.org"]
    home: "!home:example.org"
  slack: {app_token: a, bot_token: b, channels: [C012AB3CD], users: [U012AB3CD]}
  discord: {token: c, channels: [1234567890123456789], users: ["2345678901234567890"]}
  telegram: {token: file:/run/secrets/telegram, chats: [-100, "42"], users: [42], home: -100}
"""


def test_places_and_people_are_text_and_home_is_a_place(home):
    home.write(GOOD)
    chat = home.load().chat
    assert chat.matrix.places == {"#ops:example.org", "!home:example.org"}
    assert chat.telegram.places == {"-100", "42"}
    assert chat.telegram.people == {"42"}
    assert chat.discord.people == {"2345678901234567890"}
    assert chat.actor("telegram", "42") == "person:mara"
    assert chat.actor("telegram", "43") == "person:telegram/43"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("homeserver:", "homesever:"), "chat.matrix.homesever is not a known key; did you mean"),
        (('"@bot:example.org"', "bot"), "chat.matrix.user expects a user id such as"),
        (('["#ops:example.org"]', "[ops]"), "chat.matrix.rooms"),
        (("users: [42]", "users: [1.5]"), "chat.telegram.users[0] expects a whole number or text"),
        (
            ("users: [42]", "users: [mara]"),
            "chat.telegram.users[0] expects an id, which is a number",
        ),
        (("home: -100", "home: ops"), "chat.telegram.home expects a chat's id, which is a number"),
        (("[C012AB3CD]", "['#ops']"), "chat.slack.channels[0] expects a channel's id such as C012"),
        (("[U012AB3CD]", "['@mara']"), "chat.slack.users[0] expects a user's id such as U012AB3CD"),
        (("[1234567890123456789]", "[ops]"), "chat.discord.channels[0] expects an id, which is a"),
        (('"telegram:42"', '"@mara"'), "chat.people.mara[1] expects a platform and a user's id"),
        (
            ('"telegram:42"]', '"telegram:42"], tom: ["telegram:42"]'),
            "chat says in people that telegram:42 is both mara and tom",
        ),
        (
            ("    homeserver: https://matrix.example.org\n", ""),
            "chat.matrix needs the key homeserver",
        ),
        (("  telegram:", "  telegramm:"), "chat.telegramm is not a known key; did you mean"),
        (("https://matrix", "matrix"), "chat.matrix.homeserver expects an address"),
    ],
)
def test_a_slip_is_told_with_its_key_and_line(home, change, said):
    home.write(GOOD.replace(*change))
    with pytest.raises(ConfigError) as refused:
        home.load()
    assert said in str(refused.value)
    assert "config.yaml, line " in str(refused.value)
    assert "\n" not in str(refused.value)
