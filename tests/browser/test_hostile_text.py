"""What others write is shown, and does nothing to the page."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from hermes_kanban import kernel as kb
from tests.browser.servers import WebAlone
from tests.browser.visiting import Visitor

HOSTILE = """\
<script>window.broken = 1</script>
<img src="https://elsewhere.example/x.png" onerror="window.broken = 2">
<svg onload="window.broken = 3"></svg>
<iframe src="/"></iframe><style>body { display: none }</style>
<form action="/api/v1/pause" method="post"><button>pause</button></form>
<a href="#" onclick="window.broken = 4" style="position:fixed;inset:0">over everything</a>
[run](javascript:window.broken=5) [data](data:text/html,<script>window.broken=6</script>)
![picture](https://elsewhere.example/y.png)
<a data-task="t_aaaaaa&quot; onclick=&quot;window.broken = 7" href="#">x</a>

A [page](https://example.org) and **bold** words.
"""


def test_text_of_others_is_harmless(web: WebAlone, visit: Visitor) -> None:
    task_id = web.task(title="<b>Not bold</b>", body=HOSTILE)
    kb.add_comment(web.conn, task_id, HOSTILE, actor="profile:backend")
    kb.block_task(web.conn, task_id, reason=HOSTILE + "\n- <b>yes</b>\n- no", actor="person:x")
    page = visit(web, f"/b/default/t/{task_id}")
    expect(page.get_by_role("heading", level=1)).to_have_text("<b>Not bold</b>")
    expect(page.locator(".prose strong")).to_have_count(4)
    expect(page.get_by_role("button", name="<b>yes</b>")).to_be_visible()
    for link in page.locator(".prose a").all():
        address = link.get_attribute("href") or "#"
        assert re.match(r"https?:|mailto:|#|/b/", address)
        if address == "#":
            link.dispatch_event("click")
    found = page.locator(
        ".prose :is(script, img, svg, iframe, style, form, button, [style], [onclick], [onerror])"
    )
    expect(found).to_have_count(0)
    assert page.evaluate("window.broken") is None
