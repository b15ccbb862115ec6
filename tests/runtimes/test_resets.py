"""When a provider answers again: every form that clients print, and nothing that only looks so."""

from __future__ import annotations

from datetime import datetime

import pytest

from hermes_kanban.workers.runtimes.resets import HORIZON_SECONDS, reset_time
from tests.runtimes.conftest import NOW


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Rate limit reached for gpt-5. Please try again in 20s.", 20),
        ("Please try again in 1m30s.", 90),
        ("Please try again in 868ms.", 1),
        ("You exceeded your current quota.\nPlease retry in 34.074824224s.", 35),
        ("Suggested retry after 20s.", 20),
        ("Your quota will reset after 5h3m2s.", 5 * 3600 + 182),
        ("You've hit your usage limit. Try again in 5 days 3 hours 2 minutes.", 442_920),
        ("You've hit your session limit · resets in 1d 5h", 29 * 3600),
        ('429 {"retry-after": "17"}', 17),
        ("Retry-After: 17", 17),
    ],
)
def test_a_duration_counts_from_now(text: str, seconds: int) -> None:
    assert reset_time(text, NOW) == NOW + seconds


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Claude AI usage limit reached|1795570000", "2026-11-25 01:26:40"),
        ("You've hit your 5-hour limit · resets 12:57am (UTC)", "2026-11-25 00:57:00"),
        ("You've hit your limit · resets 5pm (Europe/Berlin)", "2026-11-25 16:00:00"),
        ("You've hit your limit · resets 1:30am (Asia/Dhaka)", "2026-11-25 19:30:00"),
        ("Weekly limit reached · resets Mon 12:00am (UTC)", "2026-11-30 00:00:00"),
        ("Weekly limit reached · resets Wed 12:10am (UTC)", "2026-12-02 00:10:00"),
        ("hit your weekly limit · resets Dec 1 at 3pm (Australia/Brisbane)", "2026-12-01 05:00:00"),
        ("spend limit reached · resets Dec 1 (UTC)", "2026-12-01 00:00:00"),
        ("quota exhausted, resets at 2026-11-25T03:00:00Z", "2026-11-25 03:00:00"),
        ("quota exhausted, resets at 2026-11-25T03:00:00.123+01:00", "2026-11-25 02:00:00"),
    ],
)
def test_a_clock_is_read_in_its_zone(text: str, at: str) -> None:
    assert reset_time(text, NOW) == int(datetime.fromisoformat(f"{at}+00:00").timestamp())


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("purchase more credits or try again at 7:51 PM.", "2026-11-25 19:51:00"),
        ("or try again at Nov 27th, 2026 1:47 AM.", "2026-11-27 01:47:00"),
        ("or try again at Nov 27, 2026, 11:12 AM.", "2026-11-27 11:12:00"),
        ("resets Nov 27 at 3pm", "2026-11-27 15:00:00"),
    ],
)
def test_a_clock_without_a_zone_is_that_of_this_machine(text: str, at: str) -> None:
    # Read as the machine's time, and written as it: right in any zone that its tests run in.
    now = int(datetime(2026, 11, 25, 0, 53, 20).timestamp())
    assert reset_time(text, now) == int(datetime.fromisoformat(at).timestamp())


@pytest.mark.parametrize(
    "text",
    [
        "Please try again later.",
        "This is usually temporary — try again in a moment.",
        "I had to try again 3 times",
        "resets 99pm (UTC)",
        "resets Feb 31 at 3pm",
        "Claude AI usage limit reached|1662952400",
        "limit reached|9999999999",
        "retry-after: 9999999",
        "the counter resets at noon",
        "resets 61:99",
        "",
    ],
)
def test_what_names_no_time_gives_none(text: str) -> None:
    assert reset_time(text, NOW) is None


def test_a_zone_that_is_not_known_here_is_this_machines() -> None:
    here = reset_time("resets 5pm", NOW)
    assert here is not None
    assert reset_time("resets 5pm (Nowhere/Nothing)", NOW) == here


def test_a_reset_that_was_cut_to_the_minute_is_now_not_tomorrow() -> None:
    assert reset_time("resets 12:53am (UTC)", NOW) == NOW
    assert reset_time("resets 12:50am (UTC)", NOW) == NOW - 200 + 86_400


def test_a_date_without_a_year_is_the_next_one() -> None:
    december = int(datetime.fromisoformat("2026-12-20T00:00:00+00:00").timestamp())
    january = int(datetime.fromisoformat("2027-01-03T15:00:00+00:00").timestamp())
    assert reset_time("resets Jan 3 at 3pm (UTC)", december) == january


def test_no_plan_has_a_window_beyond_the_horizon() -> None:
    assert reset_time(f"try again in {HORIZON_SECONDS}s", NOW) == NOW + HORIZON_SECONDS
    assert reset_time(f"try again in {HORIZON_SECONDS + 1}s", NOW) is None
