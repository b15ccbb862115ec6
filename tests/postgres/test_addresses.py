"""An address is shown without its secrets, and connects to the same place."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from hermes_kanban import kernel as kb
from hermes_kanban.store.pgaddress import has_password, shown

SHOWN = [
    ("postgresql://u@h/d", "postgresql://u@h/d"),
    ("postgres://u:s3cret@h:5433/d", "postgresql://u@h:5433/d"),
    ("postgresql://u:s3%40cret@h/d?sslmode=require", "postgresql://u@h/d?sslmode=require"),
    ("postgresql://u@h/d?password=s3cret&sslpassword=s3cret", "postgresql://u@h/d"),
    ("postgresql://u:s3cret@a:1,b:2/d", "postgresql://u@a:1,b:2/d"),
    ("postgresql://a,b/d", "postgresql://a,b/d"),
    ("postgresql://u:@/d?host=/run/pg", "postgresql://u@/d?host=/run/pg"),
    ("postgresql://u%40x:s3cret@[::1]:1/d%20e", "postgresql://u%40x@[::1]:1/d%20e"),
    ("postgresql://h/d?sslrootcert=/etc/a%20b.pem", "postgresql://h/d?sslrootcert=/etc/a%20b.pem"),
    ("postgresql:///d?user=u&password=s3cret", "postgresql://u@/d"),
]


@pytest.mark.parametrize(("address", "expected"), SHOWN)
def test_it_names_the_same_place_and_no_secret(address: str, expected: str) -> None:
    assert shown(address) == expected
    assert shown(expected) == expected
    secrets = ("password", "sslpassword")
    told = {name: text for name, text in conninfo_to_dict(address).items() if name not in secrets}
    assert conninfo_to_dict(expected) == told
    assert has_password(address) == ("s3" in address)


@pytest.mark.parametrize(
    "address",
    ["postgresql://u:s3cret@[h/d", "postgresql://h/d?s3cret=1", "host=h password='s3cret"],
)
def test_what_is_no_address_is_not_quoted(address: str) -> None:
    with pytest.raises(kb.InvalidInput) as refused:
        shown(address)
    assert "s3cret" not in str(refused.value)
