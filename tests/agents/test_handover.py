"""Questions, answers and remarks between people and a real client."""

from __future__ import annotations

from hermes_kanban import kernel as kb
from tests.agents.office import Office
from tests.support.model import Asked, Calls, Say, Turn, call

QUESTION: list[Turn] = [
    call("kanban_show"),
    call("kanban_block", reason="Which colour?", kind="needs_input"),
    Say("I wait for the colour."),
]
REST: list[Turn] = [
    call("kanban_show"),
    call("kanban_complete", summary="painted it green"),
    Say("Painted."),
]


def ask_and_answer(office: Office) -> tuple[kb.Run, kb.Run]:
    """The run that asked, and the one that was answered."""
    office.model.script(*QUESTION)
    task_id = office.file("Paint the shed")
    office.wait_for(task_id, "blocked", "done")
    asking = office.wait_for_end(task_id)
    task = kb.get_task(office.conn, task_id)
    assert (task.block_kind, task.block_reason) == ("needs_input", "Which colour?")

    office.model.script(*REST)
    kb.unblock_task(office.conn, task_id, reason="Green, like the grass.")
    office.wait_for(task_id, "done")
    return asking, office.wait_for_end(task_id)


def test_an_answered_question_goes_on_in_the_same_conversation(office: Office) -> None:
    office.open(resume=True)

    asking, answered = ask_and_answer(office)

    assert answered.id != asking.id
    first, again = office.model.asked[2], office.model.asked[3]
    assert set(first.results) <= set(again.results), "what the first run was told is gone"
    everything = [*again.said, *office.model.asked[4].results]
    assert any("Green, like the grass." in text for text in everything)
    assert answered.summary == "painted it green"


def test_a_resumed_run_counts_only_its_own_tokens(office: Office) -> None:
    office.open(resume=True)

    asking, answered = ask_and_answer(office)

    assert asking.usage is not None
    assert answered.usage is not None
    assert (asking.usage.input, asking.usage.output) == (3000, 60)
    assert (answered.usage.input, answered.usage.output) == (3000, 60)


def test_without_resume_a_new_conversation_begins_with_the_answer(office: Office) -> None:
    office.open(resume=False)

    asking, answered = ask_and_answer(office)

    assert answered.session != asking.session
    again = office.model.asked[3]
    assert not again.results
    told = [*again.said, *office.model.asked[4].results]
    assert any("Green, like the grass." in text for text in told)


def test_a_remark_reaches_a_running_agent_with_its_next_call(office: Office) -> None:
    office.open()

    def interrupted(asked: Asked) -> Calls:
        del asked
        conn = kb.connect()
        kb.add_comment(conn, task_id, body="Not the door, please.", actor="person:ada")
        conn.close()
        return call("kanban_heartbeat")

    office.model.script(
        call("kanban_show"),
        interrupted,
        call("kanban_complete", summary="all but the door"),
        Say("Done, without the door."),
    )
    task_id = office.file("Paint the shed")
    office.wait_for(task_id, "done", "blocked")

    assert "Not the door, please." not in "".join(office.model.asked[1].results)
    assert "Not the door, please." in office.model.asked[2].results[-1]
