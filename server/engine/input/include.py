"""What items are told with only when it is asked for.

A client may send again what it read, and be understood. So what a later turn
needs is told always, asked for or not: images, what code gave, proofs of
reasoning. What nobody reads again is told to those who ask.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from antiphon.responses import v1
from server.errors import InvalidValue

FILE_RESULTS: Final = "file_search_call.results"
WEB_SOURCES: Final = "web_search_call.action.sources"
LOGPROBS: Final = "message.output_text.logprobs"

#: What can be asked for.
INCLUDABLE: Final = (
    FILE_RESULTS,
    "web_search_call.results",
    WEB_SOURCES,
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    LOGPROBS,
)


def check_include(include: Sequence[str]) -> None:
    """Raises `InvalidValue`, with those there are, for a value that asks for nothing."""
    for index, name in enumerate(include):
        if name not in INCLUDABLE:
            param = f"include[{index}]"
            raise InvalidValue(f"Invalid '{param}': expected one of {', '.join(INCLUDABLE)}.", param=param)


def leave_out(item: v1.Item, include: Collection[str]) -> None:
    """Take from an item what is told only when it is asked for, and was not."""
    kind = item.WhichOneof("item")
    if kind == "message" and LOGPROBS not in include:
        for part in item.message.content:
            if part.HasField("output_text"):
                del part.output_text.logprobs[:]
    elif kind == "file_search_call" and FILE_RESULTS not in include:
        item.file_search_call.ClearField("results")
    elif kind == "web_search_call" and WEB_SOURCES not in include and item.web_search_call.action.HasField("search"):
        del item.web_search_call.action.search.sources[:]
