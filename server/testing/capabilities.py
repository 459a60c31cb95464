"""Which provider carries what: asked of the adapters themselves, and written as docs/capabilities.md.

    python -m server.testing.capabilities

Every feature is a request, sent through the adapter to a server that speaks its
wire: what the adapter refuses, names as left out, or carries is what the table
says. What a wire cannot answer with stands in `Wire.lacks`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from antiphon.responses import v1
from server import registry
from server.providers.chat_completions.presets import PRESETS
from server.testing.provider_contract.asking import TEXT, a_request
from server.testing.provider_contract.fate import Kind, fate
from server.testing.upstream import FakeUpstream
from server.testing.vendor import speaking
from server.testing.wires import Wire
from server.testing.wires.all import WIRES

PAGE: Final = Path("docs/capabilities.md")
_PNG: Final = "data:image/png;base64,iVBORw0KGgo="
_PDF: Final = "data:application/pdf;base64,JVBERi0xLjQK"
_FUNCTION: Final = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
_CALL: Final = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
_SCHEMA: Final = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
_HINT: Final = {"mode": "explicit"}
_GRAMMAR: Final = {"type": "grammar", "syntax": "lark", "definition": 'start: "a"'}


def _user(*parts: Mapping[str, Any]) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": [{"type": "input_text", "text": "What is this?"}, *parts]}]}


def _tools(*tools: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"tools": list(tools), **more}


def _answered(output: Any) -> dict[str, Any]:
    given = [
        {"role": "user", "content": "hi"},
        _CALL,
        {"type": "function_call_output", "call_id": "call_1", "output": output},
    ]
    return {"input": given, "tools": [_FUNCTION]}


#: What can be asked for, by the heading that it stands under.
ASKED: Final[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "What the model reads": {
        "text": {},
        "`instructions`": {"instructions": "Be brief."},
        "`developer` messages at the beginning": {
            "input": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hi"}]
        },
        "`developer` messages later": {
            "input": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": "Hello."},
                {"role": "user", "content": "And now?"},
                {"role": "developer", "content": "Be brief."},
            ]
        },
        "images by URL": _user({"type": "input_image", "image_url": "https://example.com/a.png"}),
        "images in base64": _user({"type": "input_image", "image_url": _PNG}),
        "`detail` of an image": _user({"type": "input_image", "image_url": _PNG, "detail": "low"}),
        "files by URL": _user({"type": "input_file", "file_url": "https://example.com/a.pdf"}),
        "files in base64": _user({"type": "input_file", "filename": "a.pdf", "file_data": _PDF}),
        "audio": _user({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}),
        "`file_id`": _user({"type": "input_file", "file_id": "file-1"}),
        "cache hints on parts": {
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "hi", "prompt_cache_breakpoint": _HINT}]}
            ]
        },
    },
    "Tools": {
        "function tools": _tools(_FUNCTION),
        "`strict`": _tools(_FUNCTION | {"strict": True, "parameters": _SCHEMA}),
        "custom tools": _tools({"type": "custom", "name": "c"}),
        "custom tools with a grammar": _tools({"type": "custom", "name": "c", "format": _GRAMMAR}),
        "namespaces": _tools({"type": "namespace", "name": "n", "description": "", "tools": [_FUNCTION]}),
        "`tool_choice: none`": _tools(_FUNCTION, tool_choice="none"),
        "`tool_choice: required`": _tools(_FUNCTION, tool_choice="required"),
        "`tool_choice` names a function": _tools(_FUNCTION, tool_choice={"type": "function", "name": "f"}),
        "`tool_choice: allowed_tools`": _tools(
            _FUNCTION,
            _FUNCTION | {"name": "g"},
            tool_choice={"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "g"}]},
        ),
        "`parallel_tool_calls: false`": _tools(_FUNCTION, parallel_tool_calls=False),
        "outputs as text": _answered("17 degrees"),
        "outputs as parts of text": _answered([{"type": "input_text", "text": "17"}]),
        "images in outputs": _answered([{"type": "input_image", "image_url": _PNG}]),
        "files in outputs": _answered([{"type": "input_file", "filename": "a.pdf", "file_data": _PDF}]),
        "`web_search`": _tools({"type": "web_search"}),
        "`code_interpreter`": _tools({"type": "code_interpreter", "container": {"type": "auto"}}),
        "`file_search`": _tools({"type": "file_search", "vector_store_ids": ["vs_1"]}),
        "`mcp`": _tools({"type": "mcp", "server_label": "s", "server_url": "https://example.com"}),
        "`image_generation`": _tools({"type": "image_generation"}),
        "`shell`": _tools({"type": "shell"}),
    },
    "How it answers": {
        "`text.format: json_schema`": {
            "text": {"format": {"type": "json_schema", "name": "s", "schema": _SCHEMA, "strict": True}}
        },
        "`text.format: json_object`": {"text": {"format": {"type": "json_object"}}},
        "`text.verbosity`": {"text": {"verbosity": "low"}},
        **{
            f"`reasoning.effort: {effort}`": {"reasoning": {"effort": effort}}
            for effort in ("none", "minimal", "low", "medium", "high", "xhigh", "max")
        },
        "`reasoning.summary`": {"reasoning": {"summary": "auto"}},
        "`max_output_tokens`": {"max_output_tokens": 200},
        "`temperature`": {"temperature": 0.5},
        "`top_p`": {"top_p": 0.5},
        "`presence_penalty`, `frequency_penalty`": {"presence_penalty": 0.5, "frequency_penalty": 0.5},
        "`top_logprobs`": {"top_logprobs": 2},
        "`truncation: auto`": {"truncation": "auto"},
        "unknown members (`seed`)": {"seed": 7},
    },
    "Beside the answer": {
        "`prompt_cache_key`": {"prompt_cache_key": "k"},
        "`service_tier`": {"service_tier": "priority"},
        "`safety_identifier`": {"safety_identifier": "u"},
        "`user`": {"user": "u"},
    },
}
#: What can be answered with, by the feature of `Wire.lacks`.
TOLD: Final[Mapping[str, str]] = {
    "reasoning": "reasoning",
    "proof": "reasoning that goes on across turns",
    "refusal": "refusals apart from text",
    "citations": "citations",
    "logprobs": "log probabilities",
    "filter": "cut by a filter",
    "cached": "cached tokens",
    "cache_write": "tokens written to a cache",
    "reasoning tokens": "reasoning tokens",
    "count": "tokens counted beforehand",
}
#: What a provider may do by itself, or where it is offered nothing, so that nothing need be sent for it.
_MAY_BE_DEFAULT: Final = frozenset(
    {"`tool_choice: none`", "`reasoning.effort: none`", "`reasoning.effort: medium`", "`reasoning.effort: high`"}
)
_CARRIED: Final = "yes"
_NAMED: Final = "named"
_REFUSED: Final = "–"
_WORDS: Final = {Kind.CARRIED: _CARRIED, Kind.NAMED: _NAMED, Kind.REFUSED: _REFUSED, Kind.LOST: _CARRIED}


@dataclass(frozen=True, slots=True)
class Subject:
    """A column: an adapter with options, asked for a model."""

    name: str
    wire: Wire
    options: Mapping[str, Any]
    model: str


def kinds() -> list[Subject]:
    """The adapters, each by a model that can do much."""
    return [Subject(kind, wire, {}, wire.model) for kind, wire in WIRES.items()]


def presets() -> list[Subject]:
    """Every vendor that the adapter for Chat Completions knows the ways of."""
    wire = WIRES["chat_completions"]
    return [Subject(preset, wire, {"preset": preset}, "test-model") for preset in PRESETS]


async def asked(subject: Subject) -> dict[str, str]:
    """What becomes of each feature that can be asked for."""
    found: dict[str, str] = {}
    async with FakeUpstream() as upstream:
        upstream.answer(speaking(subject.wire, TEXT))
        options = subject.wire.options(f"http://127.0.0.1:{upstream.port}") | dict(subject.options)
        async with registry.provider(subject.wire.kind)("table", options) as provider:
            for feature, members in (pair for features in ASKED.values() for pair in features.items()):
                became = await fate(provider, upstream, _request(subject, members), _request(subject, {}))
                if became.kind is Kind.LOST and members and feature not in _MAY_BE_DEFAULT:
                    raise RuntimeError(f"{subject.name} drops {feature} in silence")
                found[feature] = _WORDS[became.kind]
    return found


def _request(subject: Subject, members: Mapping[str, Any]) -> v1.CreateResponseRequest:
    return a_request(**{"model": subject.model, **members})


async def page() -> str:
    """The whole page."""
    subjects = kinds()
    lines = [
        "<!-- Written by `python -m server.testing.capabilities`; a test compares it. -->",
        "# What each provider carries",
        "",
        "Asked of the adapters themselves. **yes**: it is sent, in the provider's own words. **named**: it only hints,",
        "and is left out and named in `x-antiphon-omitted`. **–**: it would change the answer, and is refused with its",
        "path, or left out and named where the model says [`unsupported: report`](configuration.md#models). How the",
        "words are turned into each other, and why not, is told in [providers](providers.md).",
        "",
        "Models differ within a provider; the columns are for "
        + ", ".join(f"`{subject.model}` ({subject.name})" for subject in subjects)
        + ".",
        "",
    ]
    found = {subject.name: await asked(subject) for subject in subjects}
    for heading, features in ASKED.items():
        rows = [[feature, *(found[subject.name][feature] for subject in subjects)] for feature in features]
        lines += [f"## {heading}", "", *table(["", *(f"`{subject.name}`" for subject in subjects)], rows), ""]
    rows = [
        [told, *(_REFUSED if feature in subject.wire.lacks else _CARRIED for subject in subjects)]
        for feature, told in TOLD.items()
    ]
    lines += ["## What it can answer with", "", *table(["", *(f"`{subject.name}`" for subject in subjects)], rows), ""]
    lacks = [
        f"- `{subject.name}`, {told}: {subject.wire.lacks[feature]}"
        for feature, told in TOLD.items()
        for subject in subjects
        if feature in subject.wire.lacks
    ]
    return "\n".join([*lines, "Why not:", "", *lacks, "", *await _of_presets()]) + "\n"


async def _of_presets() -> list[str]:
    """What the vendors of Chat Completions differ in, as far as their adapter knows."""
    subjects = presets()
    found = {subject.name: await asked(subject) for subject in subjects}
    rows = []
    for features in ASKED.values():
        for feature in features:
            row = [found[subject.name][feature] for subject in subjects]
            if len(set(row)) > 1:
                rows.append([feature, *row])
    return [
        "## Chat Completions, by preset",
        "",
        "What [vendors](providers/chat_completions.md) differ in; all else is alike. A single field can be told",
        "otherwise by `quirks`.",
        "",
        *table(["", *(f"`{subject.name}`" for subject in subjects)], rows),
    ]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown, its first column to the left and the others centred."""
    return [
        "| " + " | ".join(head) + " |",
        "| --- " + "| :-: " * (len(head) - 1) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


if __name__ == "__main__":
    PAGE.write_text(asyncio.run(page()))
