"""What becomes of each field of a request, at each kind of provider: asked of the gateway's own code and of the
adapters, and written as docs/fields.md.

    python -m server.testing.fields

What the gateway refuses or takes out of a request is so for all; the rest is
sent through each adapter to a server that speaks its wire. A field that makes
no difference anywhere must stand in `_DONE_HERE`, with what is done for it, or
the page is not made.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from antiphon import openai_json
from antiphon.responses import v1
from server import registry
from server.engine.compaction.managed import Managed
from server.engine.create import upstream_request
from server.engine.input import validate
from server.engine.input.compactions import Compactions
from server.errors import UnsupportedParameter
from server.providers.base import Provider
from server.testing.capabilities import kinds, table
from server.testing.provider_contract.asking import TEXT, a_request, ask
from server.testing.provider_contract.fate import Kind, fate
from server.testing.provider_contract.wishes import UNKNOWN, WISHES, Wish
from server.testing.upstream import FakeUpstream
from server.testing.vendor import speaking

PAGE: Final = Path("docs/fields.md")
_STAND_IN: Final = "scripted"
#: What the stand-in, which tunes, caches and routes nothing, takes and does nothing about.
_TAKEN: Final = "taken"
_GATEWAY: Final = "gateway"
_WORDS: Final = {Kind.CARRIED: "carried", Kind.NAMED: "hint", Kind.REFUSED: "refused"}

#: What the gateway reads itself, by path; the model is in every request.
_OURS: Final[Mapping[str, Wish]] = {
    "input": Wish({"input": [{"role": "user", "content": "Other words."}]}),
    "stream": Wish({"stream": True}),
    "stream_options.include_obfuscation": Wish({"stream_options": {"include_obfuscation": False}}),
    "store": Wish({"store": False}),
    "background": Wish({"background": True}),
    "previous_response_id": Wish({"previous_response_id": "resp_1"}),
    "conversation": Wish({"conversation": "conv_1"}),
    "conversation.id": Wish({"conversation": {"id": "conv_1"}}),
    "metadata": Wish({"metadata": {"purpose": "test"}}),
}
#: What `include` may name.
_INCLUDE: Final = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
)
_TOLD: Final = "told whenever there is any"
#: What is done for a field by the gateway, or by adapters without the provider hearing of it.
_DONE_HERE: Final[Mapping[str, str]] = {
    "model": "says which provider is asked, and for which of its models",
    "stream": "over HTTP; over gRPC the method says it. Providers are asked as suits the caller",
    "stream_options.include_obfuscation": "deltas to callers are the gateway's own",
    "store": "kept here or not; no provider is asked to keep anything",
    "background": "run here, detached from the call; providers are asked as ever",
    "previous_response_id": "what came before is sent as input",
    "conversation": "its items are sent as input, and get those of the turn",
    "conversation.id": "its items are sent as input, and get those of the turn",
    "metadata": "kept, and given back",
    "context_management": "a longer input is summed up by the same model first ([compaction](compaction.md))",
    **{f"include: {name}": _TOLD for name in _INCLUDE},
}


def rows() -> dict[str, Wish]:
    """Every row of the page but that of the model, by the path of its field; the values of `include` each by itself."""
    include = {f"include: {name}": Wish({"include": [name]}) for name in _INCLUDE}
    asked = {name: wish for name, wish in WISHES.items() if name != "include"}
    whole = {**_OURS, **include, **asked}
    order = [path.partition(".")[0] for path in paths()]
    return dict(sorted(whole.items(), key=lambda row: _place(row[0], order)))


def paths() -> list[str]:
    """The path of every field of a request, as OpenAI spells it; those within messages that are no unions each."""
    return list(dict.fromkeys(_paths(v1.CreateResponseRequest.DESCRIPTOR, "")))


def _paths(message: Any, within: str) -> Iterator[str]:
    for field in message.fields:
        if field.name == "catch_all":
            continue
        path = within + openai_json.json_path(message, [field.name])
        if _has_members(field):
            yield from _paths(field.message_type, f"{path}.")
        else:
            yield path


def _has_members(field: Any) -> bool:
    """Whether a field is a message whose members stand each by itself: no list, and no union."""
    kind = field.message_type
    if kind is None or field.is_repeated:
        return False
    return not any(not one.name.startswith("_") for one in kind.oneofs)


def _place(path: str, order: list[str]) -> int:
    name = path.partition(".")[0].partition(":")[0]
    return order.index(name) if name in order else len(order)


async def _adapter(provider: Provider, upstream: FakeUpstream, path: str, wish: Wish, **more: Any) -> str:
    """What becomes of a wish at one provider over HTTP."""
    request = a_request(**{**wish.request, **more})
    try:
        validate.check_create(request)
    except UnsupportedParameter:
        return _WORDS[Kind.REFUSED]
    # A stream, of which providers are told more.
    sent = upstream_request(request, None, incremental=True)
    without = upstream_request(a_request(**{**wish.beside, **more}), None, incremental=True)
    if sent == without:
        return _here(path)
    became = await fate(_managed(provider, sent), upstream, sent, without, path)
    return _here(path) if became.kind is Kind.LOST else _WORDS[became.kind]


def _managed(provider: Provider, request: v1.CreateResponseRequest) -> Provider:
    """The provider, with what the gateway puts before it."""
    return Managed(request, "tenant", Compactions()).before(provider) if request.context_management else provider


def _here(path: str) -> str:
    if path not in _DONE_HERE:
        raise RuntimeError(f"'{path}' is dropped in silence, or not said to be the gateway's")
    return _GATEWAY


async def _stand_in(provider: Provider, path: str, wish: Wish) -> str:
    """What becomes of a wish at the stand-in, of which only the answer can be seen."""
    request, without = (a_request(**{**members, "model": "echo"}) for members in (wish.request, wish.beside))
    try:
        validate.check_create(request)
    except UnsupportedParameter:
        return _WORDS[Kind.REFUSED]
    sent, plain = (upstream_request(one, None, incremental=True) for one in (request, without))
    if sent == plain:
        return _here(path)
    told = await ask(_managed(provider, sent), sent)
    if isinstance(told.error, UnsupportedParameter):
        return _WORDS[Kind.REFUSED]
    if told.error is not None:
        raise told.error
    if _said(told.response) != _said((await ask(provider, plain)).response):
        return _WORDS[Kind.CARRIED]
    return _GATEWAY if path in _DONE_HERE else _TAKEN


def _said(response: v1.Response) -> v1.Response:
    """What an answer says, without what is another in every one."""
    said = v1.Response(output=response.output, usage=response.usage, status=response.status)
    for item in said.output:
        item.ClearField("id")
        if item.HasField("function_call"):
            item.function_call.ClearField("call_id")
    return said


@asynccontextmanager
async def _opened(kind: str, options: Mapping[str, Any]) -> AsyncIterator[Provider]:
    async with registry.provider(kind)("table", options) as provider:
        yield provider


async def found() -> dict[str, dict[str, str]]:
    """What becomes of each field, by path and kind of provider."""
    whole: dict[str, dict[str, str]] = {path: {} for path in rows()}
    for subject in kinds():
        async with FakeUpstream() as upstream:
            upstream.answer(speaking(subject.wire, TEXT))
            async with _opened(subject.name, subject.wire.options(f"http://127.0.0.1:{upstream.port}")) as provider:
                for path, wish in rows().items():
                    whole[path][subject.name] = await _adapter(provider, upstream, path, wish, model=subject.model)
    async with _opened(_STAND_IN, {}) as provider:
        for path, wish in rows().items():
            whole[path][_STAND_IN] = await _stand_in(provider, path, wish)
    return whole


_HEAD: Final = """<!-- Written by `python -m server.testing.fields`; a test compares it. -->
# What becomes of each field

Of `POST /v1/responses` (`CreateResponseRequest`), with a value that asks for something: values that ask for nothing,
such as `truncation: disabled`, `multi_agent.enabled: false` or `completion_window: soonest`, are no wishes. Asked of
the gateway and the adapters themselves.

- **carried**: sent, in the provider's own words.
- **gateway**: done here, whoever answers; what, stands below.
- **hint**: changes no answer; left out, and named in `x-antiphon-omitted`.
- **refused**: with 400 and the field's path, or left out and named where the model says
  [`unsupported: report`](configuration.md#models). `prompt` cannot be left out.
- **taken**: accepted by [the stand-in](scripted-provider.md), which tunes, caches and routes nothing.
"""


async def page() -> str:
    """The whole page."""
    subjects = kinds()
    columns = [*(subject.name for subject in subjects), _STAND_IN]
    whole = {"model": dict.fromkeys(columns, _GATEWAY)} | await found()
    table_rows = [[f"`{path}`", *(became[column] for column in columns)] for path, became in whole.items()]
    notes: dict[str, list[str]] = {}
    for path, became in whole.items():
        if _GATEWAY in became.values():
            notes.setdefault(_DONE_HERE[path], []).append(f"`{path}`")
    lines = [
        _HEAD,
        "Models differ within a provider; the columns are for "
        + ", ".join(f"`{subject.model}` ({subject.name})" for subject in subjects)
        + ".",
        "Which items, parts, tools and values are carried stands in [capabilities](capabilities.md). Last comes a",
        f"member that the API does not have, `{UNKNOWN}`, which stands for all of them.",
        "",
        *table(["", *(f"`{column}`" for column in columns)], table_rows),
        "",
        "What is done here:",
        "",
        *(f"- {', '.join(noted)}: {note}." for note, noted in notes.items()),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(asyncio.run(page()))
