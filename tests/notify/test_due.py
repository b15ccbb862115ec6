"""When a delivery is due: quiet hours across midnight and across the changes of the clock."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_kanban.kernel.due import Options, Quiet, check_options, due_at, encode_options

BERLIN = "Europe/Berlin"
LORD_HOWE = "Australia/Lord_Howe"  # its clock changes by half an hour
YEAR = 366 * 86_400


def at(text: str, zone: str = BERLIN, fold: int = 0) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return int(moment.timestamp())


def due(start: str, end: str, moment: int, zone: str = BERLIN) -> int:
    return due_at(Options(quiet=Quiet(start, end, zone)), moment)


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        ("2026-05-04 21:59:59", "2026-05-04 21:59:59"),
        ("2026-05-04 22:00", "2026-05-05 07:00"),
        ("2026-05-04 23:59:59", "2026-05-05 07:00"),
        ("2026-05-05 00:00", "2026-05-05 07:00"),
        ("2026-05-05 06:59:59", "2026-05-05 07:00"),
        ("2026-05-05 07:00", "2026-05-05 07:00"),
        ("2026-12-31 23:30", "2027-01-01 07:00"),
    ],
)
def test_over_midnight(moment: str, until: str) -> None:
    assert due("22:00", "07:00", at(moment)) == at(until)


@pytest.mark.parametrize(
    ("moment", "until"),
    [("11:59", "11:59"), ("12:00", "13:30"), ("13:29", "13:30"), ("13:30", "13:30")],
)
def test_within_a_day(moment: str, until: str) -> None:
    assert due("12:00", "13:30", at(f"2026-05-04 {moment}")) == at(f"2026-05-04 {until}")


def test_a_night_that_the_clock_shortens_or_lengthens_ends_at_its_time() -> None:
    spring, autumn = at("2026-03-28 22:00"), at("2026-10-24 22:00")
    assert due("22:00", "07:00", spring) - spring == 8 * 3600
    assert due("22:00", "07:00", autumn) - autumn == 10 * 3600


def test_an_end_that_the_clock_skips_is_as_much_later() -> None:
    assert due("22:00", "02:30", at("2026-03-29 01:00")) == at("2026-03-29 03:30")


def test_an_end_that_the_clock_shows_twice() -> None:
    assert due("22:00", "02:30", at("2026-10-25 01:00")) == at("2026-10-25 02:30")
    second = at("2026-10-25 02:10", fold=1)
    assert due("22:00", "02:30", second) == at("2026-10-25 02:30", fold=1)


@given(
    st.integers(1_780_000_000, 1_780_000_000 + YEAR),
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.sampled_from([BERLIN, LORD_HOWE, "UTC", "America/New_York", "Asia/Kolkata"]),
)
def test_it_is_never_early_and_never_more_than_a_day_late(
    moment: int, start: int, end: int, zone: str
) -> None:
    if start == end:
        return
    found = due(_clock(start), _clock(end), moment, zone)
    assert moment <= found <= moment + 25 * 3600
    # The end itself is not quiet, apart from the hour that the clock shows twice.
    assert due(_clock(start), _clock(end), found, zone) - found <= 3600


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def test_options_are_stored_in_one_spelling() -> None:
    quiet = {"zone": "UTC", "to": "07:00", "from": "22:00"}
    one = check_options({"quiet": quiet, "inherit": True, "wake": None})
    other = check_options(
        {"inherit": True, "digest_seconds": None, "quiet": dict(sorted(quiet.items()))}
    )
    assert encode_options(one) == encode_options(other)
    assert encode_options(check_options({"inherit": False})) is None
