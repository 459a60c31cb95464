"""Where those who speak Chat Completions differ, as data."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

#: Members of a request's body.
Members: TypeAlias = Mapping[str, Any]
#: Of a table of efforts: the members for every effort that has none of its own, which are not exactly what is asked.
ANY_OTHER: Final = "*"

#: What may be in a message, beside text. `image_detail` is no medium, but how closely one is looked at.
MEDIA: Final = frozenset({"image_url", "image_data", "image_detail", "file_url", "file_data", "file_id", "audio"})
#: What can be said of which tool to call; `auto` is what all do unless told.
TOOL_CHOICES: Final = frozenset({"none", "required", "named"})
FORMATS: Final = frozenset({"json_schema", "json_object"})
#: Fields of the request that are spelled here as there, or nearly.
FIELDS: Final = frozenset(
    {"temperature", "top_p", "presence_penalty", "frequency_penalty", "parallel_tool_calls", "top_logprobs",
     "text.verbosity", "reasoning.summary", "service_tier", "user", "safety_identifier", "prompt_cache_key",
     "prompt_cache_retention", "prompt_cache_options"}
)  # fmt: skip
_WORDS: Final = {"media": MEDIA, "tool_choices": TOOL_CHOICES, "formats": FORMATS, "fields": FIELDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """How one of them wants to be asked. The defaults are what nearly all take."""

    # Messages

    #: Whether there is a role `developer`; otherwise it is called `system`.
    developer_role: bool = False
    #: Whether instructions may stand anywhere; otherwise they are one message, the first.
    system_anywhere: bool = True
    #: Whether the content of a message may be a list of several texts; otherwise they are joined to one.
    text_lists: bool = True
    #: Whether a message that only calls tools has a `content` of null; otherwise it has none.
    null_content: bool = True
    #: Whether there are parts of the type `refusal`; otherwise such words are text.
    refusal_parts: bool = False
    #: Where earlier reasoning is sent back: in a member of the message, or in its content as parts of the type
    #: `thinking`; `reasoning_details` sends proofs too. Empty: nowhere.
    reasoning_back: Literal["", "reasoning_content", "reasoning", "reasoning_details", "thinking"] = ""
    #: Stands for the reasoning of a message that calls tools and has none, where one without is refused.
    reasoning_filler: str = ""
    #: Said by the assistant between outputs of calls and words of the user, where these may not follow those.
    after_outputs: str = ""
    #: Whether the ids of calls must be nine letters and digits.
    short_call_ids: bool = False

    # Media

    media: frozenset[str] = frozenset({"image_url", "image_data"})
    #: How a file is spelled: `file`, an object within the part; `flat`, in the part itself; `document_url`.
    file_part: Literal["file", "flat", "document_url"] = "file"
    #: Whether outputs of calls may hold media; otherwise the user brings them along in the next message.
    tool_media: bool = False
    #: What a part is marked with so that all up to it is cached. Empty: there is no such mark.
    cache_mark: Literal["", "prompt_cache_breakpoint", "cache_control"] = ""

    # Tools

    strict_tools: bool = True
    #: Whether tools that take text are known; otherwise a function stands in for each.
    custom_tools: bool = False
    tool_choices: frozenset[str] = TOOL_CHOICES
    #: Whether there are `web_search_options`.
    web_search: bool = False

    # Settings

    fields: frozenset[str] = frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty"})
    #: The member that bounds the output.
    max_tokens: str = "max_tokens"
    #: What each effort of reasoning is asked with; one that is missing is refused.
    efforts: Mapping[str, Members] = dataclasses.field(default_factory=dict)
    formats: frozenset[str] = FORMATS

    # The answer

    #: Whether a stream tells the tokens only when asked to, by `stream_options`.
    usage_option: bool = True
    #: A member of the vendor's own in which it tells the tokens, and errors. Empty: there is none.
    extension: str = ""
    #: Whether to ask for a stream in any case: some models answer no other way.
    always_streams: bool = False
    #: Whether text that begins with `<think>` is reasoning up to `</think>`. Nobody who writes so says so.
    think_tags: bool = False

    def changed(self, option: str, given: Mapping[str, Any]) -> Quirks:
        """The same but for what is given, by the names of the fields. Raises `ValueError` with a text that names it."""
        hints = typing.get_type_hints(Quirks)
        changes: dict[str, Any] = {}
        for name, value in given.items():
            if name not in hints:
                raise ValueError(f"{option} holds {name!r}, which is none; known are {', '.join(sorted(hints))}")
            changes[name] = _checked(f"{option}.{name}", name, value, getattr(self, name), hints[name])
        return dataclasses.replace(self, **changes)


def _checked(option: str, name: str, value: Any, default: Any, hint: Any) -> Any:
    if isinstance(default, bool):
        if type(value) is not bool:
            raise ValueError(f"{option} must be true or false")
        return value
    if isinstance(default, str):
        words = typing.get_args(hint)
        if not isinstance(value, str) or (words and value not in words):
            raise ValueError(f"{option} must be {'one of ' + ', '.join(map(repr, words)) if words else 'a string'}")
        return value
    if isinstance(default, frozenset):
        known = _WORDS[name]
        if not isinstance(value, list | tuple) or not known.issuperset(map(str, value)):
            raise ValueError(f"{option} must be a list of {', '.join(sorted(known))}")
        return frozenset(value)
    if not isinstance(value, Mapping) or not all(isinstance(one, Mapping) for one in value.values()):
        raise ValueError(f"{option} must map efforts to members of the request")
    return dict(value)
