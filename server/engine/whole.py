"""The events of an item that was told at once, in the order that its kind is streamed in."""

from __future__ import annotations

from antiphon.responses import v1
from server.engine.open_item import OpenItem, PartKind


def events_of(item: v1.Item, index: int) -> list[v1.ResponseStreamEvent]:
    """The events from `output_item.added` to `output_item.done`, without sequence numbers."""
    kind = item.WhichOneof("item")
    begun = v1.Item()
    begun.CopyFrom(item)
    events: list[v1.ResponseStreamEvent] = []
    if kind == "message" and item.message.role == "assistant":
        begun.status = "in_progress"
        del begun.message.content[:]
        events = _parts(item.id, index, [(False, i, part) for i, part in enumerate(item.message.content)])
    elif kind == "reasoning":
        del begun.reasoning.content[:]
        del begun.reasoning.summary[:]
        summary = [(True, i, part) for i, part in enumerate(item.reasoning.summary)]
        content = [(False, i, part) for i, part in enumerate(item.reasoning.content)]
        events = _parts(item.id, index, summary + content)
    elif kind == "function_call":
        begun.status = "in_progress"
        begun.function_call.arguments = ""
        arguments = item.function_call.arguments
        events = [
            v1.ResponseStreamEvent(
                function_call_arguments_delta=v1.ResponseFunctionCallArgumentsDeltaEvent(
                    item_id=item.id, output_index=index, delta=arguments
                )
            ),
            v1.ResponseStreamEvent(
                function_call_arguments_done=v1.ResponseFunctionCallArgumentsDoneEvent(
                    item_id=item.id, output_index=index, arguments=arguments
                )
            ),
        ]
    elif kind == "custom_tool_call":
        begun.status = "in_progress"
        begun.custom_tool_call.input = ""
        text = item.custom_tool_call.input
        events = [
            v1.ResponseStreamEvent(
                custom_tool_call_input_delta=v1.ResponseCustomToolCallInputDeltaEvent(
                    item_id=item.id, output_index=index, delta=text
                )
            ),
            v1.ResponseStreamEvent(
                custom_tool_call_input_done=v1.ResponseCustomToolCallInputDoneEvent(
                    item_id=item.id, output_index=index, input=text
                )
            ),
        ]
    added = v1.ResponseOutputItemAddedEvent(output_index=index, item=begun)
    done = v1.ResponseOutputItemDoneEvent(output_index=index, item=item)
    return [
        v1.ResponseStreamEvent(output_item_added=added),
        *events,
        v1.ResponseStreamEvent(output_item_done=done),
    ]


def _parts(item_id: str, index: int, parts: list[tuple[bool, int, v1.ContentPart]]) -> list[v1.ResponseStreamEvent]:
    opened = OpenItem(index, v1.Item(id=item_id))
    events: list[v1.ResponseStreamEvent] = []
    for is_summary, part_index, whole in parts:
        kind = PartKind.SUMMARY_TEXT if is_summary else PartKind.of(whole.WhichOneof("part") or "")
        part, added = opened.open_part(kind, part_index)
        events.append(added)
        text = getattr(getattr(whole, kind.value), kind.text_field) if whole.WhichOneof("part") == kind.value else ""
        if text:
            part.pieces.append(text)
            events.append(_delta(kind, item_id, index, part_index, text))
        events += opened.close_text(part)
        events += _done(kind, item_id, index, part_index, whole)
    return events


def _delta(kind: PartKind, item_id: str, index: int, part_index: int, text: str) -> v1.ResponseStreamEvent:
    event = v1.ResponseStreamEvent()
    name = "reasoning_summary_text_delta" if kind.is_summary else f"{kind.value}_delta"
    body = getattr(event, name)
    body.item_id = item_id
    body.output_index = index
    setattr(body, kind.index_field, part_index)
    body.delta = text
    return event


def _done(
    kind: PartKind, item_id: str, index: int, part_index: int, whole: v1.ContentPart
) -> list[v1.ResponseStreamEvent]:
    event = v1.ResponseStreamEvent()
    body = event.reasoning_summary_part_done if kind.is_summary else event.content_part_done
    body.item_id = item_id
    body.output_index = index
    setattr(body, kind.index_field, part_index)
    body.part.CopyFrom(whole)
    return [event]
