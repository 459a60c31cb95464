"""The response to a request before anything is known of its answer: what was asked, with the defaults in force."""

from __future__ import annotations

from typing import Final

from antiphon.responses import v1

#: What only the gateway can tell: a provider's word on these is not taken over.
_OWN: Final = (
    "id",
    "created_at",
    "completed_at",
    "status",
    "background",
    "model",
    "output",
    "previous_response_id",
    "conversation",
    "store",
    "metadata",
    "tools",
    "tool_choice",
    "tool_choice_mode",
    "parallel_tool_calls",
    "max_output_tokens",
    "max_tool_calls",
)

_ECHOED: Final = (
    "max_output_tokens",
    "max_tool_calls",
    "previous_response_id",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "user",
)

_ECHOED_MESSAGES: Final = ("prompt_cache_options", "prompt", "image", "access_programs")


def outline(request: v1.CreateResponseRequest, response_id: str, created_at: int) -> v1.Response:
    """A response that is about to be made, without output."""
    response = v1.Response(
        id=response_id,
        created_at=created_at,
        status=v1.Response.STATUS_QUEUED if request.background else v1.Response.STATUS_IN_PROGRESS,
        background=request.background,
        model=request.model,
        parallel_tool_calls=request.parallel_tool_calls if request.HasField("parallel_tool_calls") else True,
        store=request.store if request.HasField("store") else True,
        temperature=request.temperature if request.HasField("temperature") else 1.0,
        top_p=request.top_p if request.HasField("top_p") else 1.0,
        top_logprobs=request.top_logprobs,
        presence_penalty=request.presence_penalty,
        frequency_penalty=request.frequency_penalty,
        truncation=request.truncation or "disabled",
        service_tier=request.service_tier if request.service_tier not in ("", "auto") else "default",
        text=request.text,
        reasoning=request.reasoning,
        tools=request.tools,
        metadata=request.metadata,
    )
    if request.HasField("instructions"):
        response.instructions_text = request.instructions
    if not response.text.HasField("format"):
        response.text.format.text.SetInParent()
    if not response.text.HasField("verbosity"):
        response.text.verbosity = "medium"
    if request.HasField("tool_choice"):
        response.tool_choice.CopyFrom(request.tool_choice)
    else:
        response.tool_choice_mode = request.tool_choice_mode or "auto"
    for name in _ECHOED:
        if request.HasField(name):
            setattr(response, name, getattr(request, name))
    if conversation := conversation_of(request):
        response.conversation.id = conversation
    for name in _ECHOED_MESSAGES:
        if request.HasField(name):
            getattr(response, name).CopyFrom(getattr(request, name))
    return response


def conversation_of(request: v1.CreateResponseRequest) -> str:
    """The id of the conversation that a request continues, in either spelling; empty when there is none."""
    return request.conversation_id or request.conversation.id


def take_over(response: v1.Response, told: v1.Response) -> None:
    """Take over what a provider tells of its response, but for what only the gateway knows."""
    said = v1.Response()
    said.CopyFrom(told)
    for name in _OWN:
        said.ClearField(name)
    if response.HasField("instructions_text"):
        said.ClearField("instructions_text")
        said.ClearField("instructions")
    if said.input_transformations:
        response.ClearField("input_transformations")
    response.MergeFrom(said)
    if response.HasField("usage"):
        # Clients read the details without asking; some providers leave them out.
        response.usage.input_tokens_details.SetInParent()
        response.usage.output_tokens_details.SetInParent()
