"""From the path of a protobuf field to the path of the JSON member that it is spelled as."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.descriptor import Descriptor

from antiphon.openai_json import spelling
from antiphon.openai_json.errors import spell_path


def json_path(descriptor: Descriptor, segments: Sequence[str | int]) -> str:
    """Spell the path of a field as OpenAI's `param`, such as `input[2].content[0].text`.

    `segments` are field names, each followed by the index or key of an element
    where one is meant, beginning at a message of the type `descriptor`. Arms of
    unions and messages that only wrap a list have no member of their own, so
    they leave no trace. A name that is not a field's, such as a oneof's, means
    the object it stands in.
    """
    path: list[str | int] = []
    at: Descriptor | None = descriptor
    subscript_next = False
    for segment in segments:
        if subscript_next:
            path.append(segment)
            subscript_next = False
            continue
        field = at.fields_by_name.get(str(segment)) if at is not None else None
        if at is None or field is None:
            break
        member = spelling.segment(field, spelling.of_message(at))
        if member is not None:
            path.append(member)
        at = spelling.below(field)
        subscript_next = field.is_repeated
    return spell_path(path)
