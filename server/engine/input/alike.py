"""Requests that are answered as one to create a response would be."""

from __future__ import annotations

from typing import Final

from google.protobuf.message import Message

from antiphon.responses import v1

#: The field of members that no field declares. What is in it means something else to each kind of request.
UNKNOWN: Final = "catch_all"
#: The fields of a request to create a response.
CREATES: Final = frozenset(v1.CreateResponseRequest.DESCRIPTOR.fields_by_name) - {UNKNOWN}


def copy_shared(request: Message, create: v1.CreateResponseRequest) -> None:
    """Copy the fields that both kinds of request have."""
    for field, value in request.ListFields():
        if field.name not in CREATES:
            continue
        if field.is_repeated:
            getattr(create, field.name).extend(value)
        elif field.message_type is not None:
            getattr(create, field.name).CopyFrom(value)
        else:
            setattr(create, field.name, value)
