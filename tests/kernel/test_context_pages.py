"""A context in pages: none too long, nothing lost, and nothing ever outside its markers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.context import pages
from hermes_kanban.model import InvalidInput, NotFound
from tests.support.boards import ABoard

MARK = "0123456789ab"
GOES_ON = "(the last line goes on on the next page)\n"


def _all_pages(board: ABoard, task: str, size: int = 6 * 1024) -> list[str]:
    first = kb.context_page(board.conn, task, page_bytes=size)
    texts, following = [first.text], first.next_page
    while following is not None:
        page = kb.context_page(board.conn, task, page=following, page_bytes=size)
        assert (page.page, page.pages) == (following, first.pages)
        texts.append(page.text)
        following = page.next_page
    assert len(texts) == first.pages
    assert all(len(text.encode()) <= size for text in texts)
    return texts


def _long_task(board: ABoard) -> str:
    parent = board.create("inventory")
    kb.complete_task(board.conn, parent, result="a line of the result\n" * 700)
    task = board.create("Count", body="a line of the body\n" * 900, parents=[parent])
    for number in range(20):
        kb.add_comment(board.conn, task, f"comment {number}\n" + "c" * 500)
    return task


def test_a_short_context_is_one_page(board: ABoard) -> None:
    task = board.create("Count")
    page = kb.context_page(board.conn, task)
    assert page.text == kb.build_worker_context(board.conn, task)
    assert (page.page, page.pages, page.next_page) == (1, 1, None)
    assert f"<title {page.mark}>" in page.text


def test_a_long_one_is_several_with_the_same_markers(board: ABoard) -> None:
    task = _long_task(board)
    texts = _all_pages(board, task)
    assert len(texts) > 5
    assert len(set(re.findall(r"^</?\w+ ([0-9a-f]{12})>$", "\n".join(texts), re.MULTILINE))) == 1


def test_every_line_is_on_some_page_in_order(board: ABoard) -> None:
    task = _long_task(board)
    told = [line for line in kb.build_worker_context(board.conn, task).splitlines() if line]
    shown = [line for text in _all_pages(board, task) for line in text.splitlines() if line]
    assert [line for line in shown if not line.startswith("<")] == [
        line for line in told if not line.startswith("<")
    ]


def test_pages_stay_while_the_board_does(board: ABoard) -> None:
    task = _long_task(board)
    before = _all_pages(board, task)
    board.clock.advance(3_600)
    assert _all_pages(board, task) == before


@pytest.mark.parametrize("page", [0, 2, -1, "1", None])
def test_a_page_that_there_is_not_is_refused(board: ABoard, page: int) -> None:
    task = board.create("Count")
    with pytest.raises(InvalidInput, match=r"^page is .*1 to 1"):
        kb.context_page(board.conn, task, page=page)


def test_a_page_must_have_room(board: ABoard) -> None:
    task = board.create("Count")
    with pytest.raises(InvalidInput, match="page_bytes"):
        kb.context_page(board.conn, task, page_bytes=255)
    with pytest.raises(InvalidInput, match="limit_bytes"):
        kb.build_worker_context(board.conn, task, limit_bytes=255)


def test_an_unknown_task_has_no_pages(board: ABoard) -> None:
    with pytest.raises(NotFound, match="t_nosuch"):
        kb.context_page(board.conn, "t_nosuch")


def _fenced(name: str, text: str) -> str:
    return f"<{name} {MARK}>\n{text}\n</{name} {MARK}>\n"


_TEXTS = st.text(st.sampled_from("ab ü🐝\n<>/#"), max_size=1_500)
_SECTIONS = st.lists(st.tuples(st.sampled_from(["body", "why", "earlier_result"]), _TEXTS))


@settings(deadline=None)
@given(_SECTIONS, st.integers(256, 1_024))
def test_no_page_leaves_a_text_outside_its_markers(
    sections: list[tuple[str, str]], size: int
) -> None:
    text = "# Task\n" + "\nframe\n".join(_fenced(*section) for section in sections)
    shown = pages.split(text, MARK, size)
    for page in shown:
        assert len(page.encode()) <= size
        state = None
        for line in page.splitlines():
            tag = re.fullmatch(rf"<(/?)(\w+) {MARK}>", line)
            if tag is not None:
                assert (state is None) != bool(tag[1])
                assert not tag[1] or tag[2] == state
                state = None if tag[1] else tag[2]
            elif state is None:
                assert line in ("# Task", "frame", "", GOES_ON.strip())
        assert state is None
    assert _words(shown) == _words([text])


def _words(texts: list[str]) -> str:
    """What is told, without markers, seams and white space."""
    whole = "".join(texts).replace(GOES_ON, "")
    return re.sub(rf"<(/?)(\w+) {MARK}>|\s", "", whole)


def test_a_line_longer_than_a_page_goes_on_and_says_so() -> None:
    text = _fenced("body", "x" * 1_000)
    shown = pages.split(text, MARK, 400)
    assert len(shown) == 4
    assert [page.endswith(GOES_ON) for page in shown] == [True, True, True, False]
    assert "".join(re.findall("^x+$", "".join(shown), re.MULTILINE)) == "x" * 1_000


def test_a_cut_context_closes_what_it_opened(board: ABoard) -> None:
    task = board.create("🐝" * 400, body="ü" * 20_000)
    text = kb.build_worker_context(board.conn, task, limit_bytes=700)
    assert len(text.encode()) <= 700
    opened = re.findall(r"^<(\w+) [0-9a-f]{12}>$", text, re.MULTILINE)
    assert opened == re.findall(r"^</(\w+) [0-9a-f]{12}>$", text, re.MULTILINE) != []


@pytest.mark.parametrize("size", [256, 300, 1_000, 5_000])
def test_the_front_of_a_page_closes_what_it_opened(board: ABoard, size: int) -> None:
    page = kb.context_page(board.conn, _long_task(board), page=2)
    front = page.front(size)
    assert size - 200 < len(front.encode()) <= size
    opened = re.findall(rf"^<(\w+) {page.mark}>$", front, re.MULTILINE)
    assert opened == re.findall(rf"^</(\w+) {page.mark}>$", front, re.MULTILINE) != []
    assert page.front(6 * 1024) == page.text
