"""Whether what README and docs link to elsewhere is there: ``python -m tests.docs.links``."""

from __future__ import annotations

import re
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.support.pages import all_pages, name_of

ADDRESS: Final = re.compile(r"\]\((https?://[^)\s]+)\)")
TIMEOUT_SECONDS: Final = 20


def addresses() -> dict[str, str]:
    """Every address that a page links to, and a page that does."""
    return {
        address: name_of(page)
        for page in all_pages()
        for address in ADDRESS.findall(page.read_text("utf-8"))
    }


def wrong_with(address: str) -> str:
    """Why it cannot be read; empty if it can."""
    request = urllib.request.Request(address, headers={"User-Agent": "hermes-kanban-links"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
            return ""
    except (urllib.error.URLError, OSError) as problem:
        return str(problem)


def main() -> int:
    """Ask them all; 1 if one is not there."""
    found = addresses()
    with ThreadPoolExecutor(8) as pool:
        answers = list(zip(found.items(), pool.map(wrong_with, found), strict=True))
    for (address, page), wrong in answers:
        print(f"{'-- ' + wrong if wrong else 'ok'}  {address}  ({page})")
    return 1 if any(wrong for _, wrong in answers) else 0


if __name__ == "__main__":
    sys.exit(main())
