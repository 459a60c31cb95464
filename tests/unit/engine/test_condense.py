"""What of a history stays as it is when it is condensed, and how the rest is asked to be summed up."""

from __future__ import annotations

from collections.abc import Sequence

from engine_parts import output, user
from hypothesis import given
from hypothesis import strategies as st

from antiphon.responses import v1
from server.engine.compaction import condense


def said(text: str, role: str = "assistant") -> v1.Item:
    return v1.Item(message=v1.Message(role=role, content_text=text))


def call(call_id: str) -> v1.Item:
    return v1.Item(function_call=v1.FunctionToolCall(call_id=call_id, name="f", arguments="{}"))


def thought() -> v1.Item:
    return v1.Item(reasoning=v1.ReasoningItem(encrypted_content="x"))


def order(
    items: Sequence[v1.Item], *, answering: bool = True, words: bool = True, most: int = 1000
) -> list[int | None]:
    return condense.divide(items, answering=answering, most=most).order(len(items), words=words)


def test_the_last_words_are_to_be_answered() -> None:
    assert order([user("a"), said("b"), user("c"), user("d")]) == [0, None, 2, 3]
    assert order([user("a"), said("b")]) == [0, None]
    assert order([user("a")]) == [None, 0]


def test_what_is_asked_for_by_itself_is_all_summed_up() -> None:
    items = [user("a"), said("b"), user("c")]
    plan = condense.divide(items, answering=False)
    assert (plan.order(3, words=False), list(plan.words), plan.end) == ([None], [0, 2], 3)


def test_answers_of_tools_stand_with_their_calls_and_what_was_thought_before_them() -> None:
    items = [user("a"), call("0"), output("0"), thought(), call("1"), call("2"), output("1"), output("2")]
    assert order(items) == [0, None, 3, 4, 5, 6, 7]


def test_a_call_that_nothing_has_answered_stays_with_its_reasoning() -> None:
    items = [user("a"), thought(), call("0"), call("1"), output("0"), said("b"), user("c")]
    assert order(items) == [0, None, 1, 3, 6]
    assert order(items[:4], answering=False, words=False) == [None, 1, 2, 3]


def test_a_call_that_is_answered_now_stays() -> None:
    items = [user("a"), call("0"), user("b"), said("c"), output("0")]
    assert order(items) == [0, 2, None, 1, 3, 4]


def test_approvals_and_local_shells_are_calls_too() -> None:
    asked = v1.Item(id="mcpr_1", mcp_approval_request=v1.McpApprovalRequest(name="f"))
    answer = v1.Item(mcp_approval_response=v1.McpApprovalResponse(approval_request_id="mcpr_1", approve=True))
    shell = v1.Item(local_shell_call=v1.LocalShellToolCall(call_id="call_1"))
    done = v1.Item(id="call_1", local_shell_call_output=v1.LocalShellToolCallOutput(output="{}"))
    assert order([asked, shell, said("b"), user("c")]) == [None, 0, 1, 3]
    assert order([asked, answer, shell, done, said("b"), user("c")]) == [None, 5]


def test_instructions_stay_each_once() -> None:
    rules, more = said("rules", "developer"), said("more", "system")
    items = [rules, user("a"), said("b"), more, rules, said("c"), user("d")]
    assert order(items) == [1, 3, 4, None, 6]
    assert order(items, words=False) == [3, 4, None, 6]


def test_the_newest_words_are_kept_as_far_as_there_is_room() -> None:
    items = [user("a" * 400), said("b"), user("c" * 400), said("d"), user("e" * 400), said("f"), user("g")]
    assert order(items, most=210) == [2, 4, None, 6]
    assert order(items, most=10) == [None, 6]
    # What does not fit ends it: older words without newer ones would mislead.
    assert order([user("a"), said("b"), user("c" * 4000), said("d"), user("e")], most=100) == [None, 4]


def test_an_earlier_summary_is_summed_up_again() -> None:
    items = [user("a"), condense.summary_item("s"), said("b"), user("c")]
    assert order(items) == [0, None, 3]
    assert condense.divide([user("a"), condense.summary_item("s"), user("c")], answering=True).summed == 0


def test_a_request_for_a_summary() -> None:
    request = v1.CreateResponseRequest(
        model="m",
        instructions="Speak French.",
        prompt_cache_key="k",
        service_tier="flex",
        tools=[v1.Tool(function=v1.FunctionTool(name="f"))],
        temperature=0.5,
        max_output_tokens=16,
    )
    asked = condense.summary_request(request, [user("a"), said("b")])
    assert [field.name for field, _ in asked.ListFields()] == [
        "model", "input", "instructions", "service_tier", "prompt_cache_key",
    ]  # fmt: skip
    assert asked.instructions.endswith("Speak French.")
    assert list(asked.input[:2]) == [user("a"), said("b")]
    assert asked.input[2].message.role == "user"


KINDS = {
    "user": lambda n: user(f"u{n}"),
    "assistant": lambda n: said(f"a{n}"),
    "developer": lambda n: said(f"d{n}", "developer"),
    "call": lambda n: call(f"c{n % 3}"),
    "output": lambda n: output(f"c{n % 3}"),
    "reasoning": lambda n: thought(),
}


@given(st.lists(st.sampled_from(sorted(KINDS)), max_size=12), st.booleans())
def test_whatever_the_history_nothing_to_be_answered_is_lost(kinds: list[str], answering: bool) -> None:
    items = [KINDS[kind](number) for number, kind in enumerate(kinds)]
    plan = condense.divide(items, answering=answering)
    read = plan.order(len(items), words=True)
    kept = [place for place in read if place is not None]
    assert read.count(None) == 1
    assert len(set(kept)) == len(kept)
    assert kept[len(kept) - len(items) + plan.end :] == list(range(plan.end, len(items)))
    assert 0 <= plan.summed <= plan.end
    # Ids of calls come again and again, as some providers have it.
    opened: list[tuple[str, int]] = []
    for place, item in enumerate(items):
        if item.HasField("function_call"):
            opened.append((item.function_call.call_id, place))
        elif item.HasField("function_call_output"):
            answers = [entry for entry in opened if entry[0] == item.function_call_output.call_id]
            opened = [entry for entry in opened if entry not in answers[:1]]
    assert {place for _, place in opened} <= set(kept)
    for place, item in enumerate(items):
        if item.message.role == "developer":
            assert place in kept
