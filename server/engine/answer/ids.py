"""Identifiers: OpenAI's prefix, the time in seconds, and 128 random bits."""

from __future__ import annotations

import re
import secrets
import time
from typing import Final

from antiphon.responses import v1

#: The prefix of an item's id, by the arm of `Item`; `item_` for what has none of its own.
ITEM_PREFIXES: Final = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "reasoning": "rs",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "file_search_call": "fs",
    "web_search_call": "ws",
    "computer_call": "cu",
    "computer_call_output": "cuo",
    "image_generation_call": "ig",
    "code_interpreter_call": "ci",
    "local_shell_call": "lsh",
    "local_shell_call_output": "lsho",
    "shell_call": "sh",
    "shell_call_output": "sho",
    "apply_patch_call": "apc",
    "apply_patch_call_output": "apco",
    "mcp_list_tools": "mcpl",
    "mcp_approval_request": "mcpr",
    "mcp_approval_response": "mcpa",
    "mcp_call": "mcp",
    "compaction": "cmp",
    "tool_search_call": "tsc",
    "tool_search_output": "tso",
    "additional_tools": "at",
    "configuration_update": "cfg",
    "program": "prog",
    "program_output": "progo",
}

#: The kinds whose id the provider binds something else to (encrypted reasoning), so that it must be kept.
_BOUND: Final = frozenset({"reasoning", "compaction"})
_RANDOM: Final = re.compile(r"[A-Za-z0-9_-]{16,120}\Z")
_PLAIN: Final = re.compile(r"[\x21-\x7e]{1,256}\Z")


def new_id(prefix: str) -> str:
    """A fresh id, such as `resp_` and 40 hexadecimal digits.

    Ids of one time begin alike, which keeps a store's inserts together; what
    comes after the time cannot be guessed.
    """
    return f"{prefix}_{int(time.time()):08x}{secrets.token_hex(16)}"


def new_item_id(item: v1.Item) -> str:
    """A fresh id for an item of this kind."""
    return new_id(ITEM_PREFIXES.get(item.WhichOneof("item") or "", "item"))


def is_sound(item: v1.Item) -> bool:
    """Whether the id that a provider gave an item can be kept.

    It has the prefix of the item's kind and enough after it to be unique
    beyond this response, or is of a kind whose id must not change.
    """
    kind = item.WhichOneof("item") or ""
    if kind in _BOUND or kind not in ITEM_PREFIXES:
        return _PLAIN.match(item.id) is not None
    prefix, _, rest = item.id.partition("_")
    return prefix == ITEM_PREFIXES[kind] and _RANDOM.match(rest) is not None
