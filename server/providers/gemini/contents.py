"""The conversation as `contents`: turns of parts, each step's calls followed at once by what they came to."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import orjson

from server.providers.gemini.families import Family
from server.providers.gemini.hosted_items import image_part, parts_of_code
from server.providers.gemini.proofs import Proof, Proofs
from server.providers.prompt.blocks import (
    Audio,
    Block,
    Call,
    File,
    HostedCall,
    Image,
    Output,
    Prompt,
    Reasoning,
    Refusal,
    Text,
    Turn,
)
from server.providers.prompt.calls import object_of
from server.providers.prompt.loss import Loss

Part: TypeAlias = dict[str, Any] | orjson.Fragment

#: Stands for the signature of a call that Gemini did not make, which Gemini 3 takes from nobody without one.
#: https://ai.google.dev/gemini-api/docs/thought-signatures
_NOT_OURS: Final = "skip_thought_signature_validator"
_RESOLUTIONS: Final = {
    "low": "MEDIA_RESOLUTION_LOW",
    "high": "MEDIA_RESOLUTION_HIGH",
    "original": "MEDIA_RESOLUTION_ULTRA_HIGH",
}
#: What an output may hold beside its text: https://ai.google.dev/gemini-api/docs/function-calling#multimodal
_IN_OUTPUTS: Final = frozenset({"image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"})


def contents_of(prompt: Prompt, loss: Loss, proofs: Proofs, family: Family) -> tuple[list[Part], list[dict[str, Any]]]:
    """The parts of `systemInstruction`, and the contents.

    Gemini has one place for instructions, before all else: those of later
    turns move there, in order.
    """
    system: list[Part] = [{"text": prompt.instructions}] if prompt.instructions else []
    conversation = _Conversation(prompt, loss, proofs, family)
    for turn in prompt.turns:
        if turn.role in ("system", "developer"):
            for block in turn.blocks:
                if isinstance(block, Text):
                    system.append({"text": block.text})
                else:
                    loss.cannot(block.path, "Instructions are text.")
        else:
            conversation.add(turn)
    if not conversation.contents and system:
        # There must be something to answer.
        return [], [{"role": "user", "parts": system}]
    return system, conversation.contents


class _Conversation:
    def __init__(self, prompt: Prompt, loss: Loss, proofs: Proofs, family: Family) -> None:
        self._loss = loss
        self._family = family
        self.contents: list[dict[str, Any]] = []
        #: Every proof of Gemini's own, by the place of its block, and the signatures of calls.
        self._proofs: dict[str, Proof] = {}
        self._signatures: dict[str, str] = {}
        #: What the calls came to, to be put right after them.
        self._outputs: dict[str, Output] = {}
        self._calls: set[str] = set()
        #: The signatures of calls to come, by the ids that those were given.
        awaited: dict[str, str] = {}
        for turn in prompt.turns:
            for block in turn.blocks:
                if isinstance(block, Call):
                    self._calls.add(block.call_id)
                    if block.given_id in awaited:
                        self._signatures[block.call_id] = awaited.pop(block.given_id)
                elif isinstance(block, Output):
                    self._outputs[block.call_id] = block
                elif isinstance(block, Reasoning) and (proof := proofs.open(block.proof)) is not None:
                    self._proofs[block.proof] = proof
                    if proof.on == "call":
                        awaited[proof.call_id] = proof.signature
        self._signatures = awaited | self._signatures

    def add(self, turn: Turn) -> None:
        if turn.role == "assistant":
            self._add_model(turn.blocks)
            return
        parts: list[Part] = []
        for block in turn.blocks:
            if isinstance(block, Output):
                # Told with its call, wherever it stands: nothing may come between the two.
                if block.call_id not in self._calls:
                    self._loss.cannot(block.path, "It is the output of no call before it.")
            else:
                parts += self._parts(block)
        if parts:
            self.contents.append({"role": "user", "parts": parts})

    def _add_model(self, blocks: list[Block]) -> None:
        parts: list[Part] = []
        answers: list[Part] = []
        image_signature = ""
        has_called = False
        told = 0
        for block in blocks:
            if isinstance(block, Call):
                parts.append(self._call(block, is_first=not has_called))
                has_called = True
                answers += self._answer(block)
            elif isinstance(block, Reasoning):
                proof = self._proofs.get(block.proof)
                if proof is None:
                    continue
                match proof.on:
                    case "text":
                        _sign_text(parts, proof)
                    case "thought":
                        thought = "".join(block.summary)
                        parts.append({"text": thought, "thought": True, "thoughtSignature": proof.signature})
                    case "image":
                        image_signature = proof.signature
                    case "steps":
                        parts += map(orjson.Fragment, proof.parts)
                        told = proof.items
            elif isinstance(block, HostedCall):
                if told:
                    told -= 1
                    continue
                parts += self._hosted(block, image_signature)
                image_signature = ""
            else:
                parts += self._parts(block)
        if parts:
            self.contents.append({"role": "model", "parts": parts})
        if answers:
            self.contents.append({"role": "user", "parts": answers})

    def _call(self, call: Call, *, is_first: bool) -> Part:
        told = {"id": call.call_id, "name": call.wire_name, "args": object_of(call.arguments)}
        signature = self._signatures.get(call.call_id, "")
        if not signature and is_first and self._family.is_third:
            # Also where it is not asked for, in earlier turns: a conversation that begins as it did before is cached.
            signature = _NOT_OURS
        return {"functionCall": told, "thoughtSignature": signature} if signature else {"functionCall": told}

    def _answer(self, call: Call) -> list[Part]:
        """The output of a call, if there is one."""
        output = self._outputs.get(call.call_id)
        if output is None:
            return []
        # In an object of our own, as text: a JSON object in its place would lose its long numbers, which Google reads
        # as floating point.
        response = {"output": output.text} if any(isinstance(part, Text) for part in output.parts) else {}
        told: dict[str, Any] = {"id": call.call_id, "name": call.wire_name, "response": response}
        if not self._family.is_third:
            return [{"functionResponse": told}, *(part for one in output.media for part in self._parts(one))]
        media = [part for one in output.media for part in self._in_output(one)]
        if media:
            told["parts"] = media
        return [{"functionResponse": told}]

    def _in_output(self, block: Image | File) -> list[Part]:
        if block.media.data is None:
            self._loss.cannot(block.path, "What a function returns must be sent along, in base64.")
            return []
        if block.media.mime not in _IN_OUTPUTS:
            self._loss.cannot(block.path, "A function may return images, PDF and plain text.")
            return []
        if block.detail is not None:
            self._loss.note(f"{block.path}.detail")
        data: dict[str, Any] = {"mimeType": block.media.mime, "data": block.media.data}
        if isinstance(block, File) and block.filename:
            data["displayName"] = block.filename
        return [{"inlineData": data}]

    def _parts(self, block: Block) -> list[Part]:
        match block:
            case Text() | Refusal():
                return [{"text": block.text}] if block.text else []
            case Image() | File() | Audio():
                return self._medium(block)
        raise self._loss.refusal(block.path)

    def _medium(self, block: Image | File | Audio) -> list[Part]:
        media = block.media
        part: dict[str, Any]
        if media.file_id is not None:
            self._loss.cannot(f"{block.path}.file_id", "Files are sent along, or named by their URL.")
            return []
        if media.data is not None:
            part = {"inlineData": {"mimeType": media.mime, "data": media.data}}
        else:
            part = {
                "fileData": {"mimeType": media.mime, "fileUri": media.url} if media.mime else {"fileUri": media.url}
            }
        if isinstance(block, File) and block.filename:
            self._loss.note(f"{block.path}.filename")
        if not isinstance(block, Audio) and block.detail is not None:
            if self._family.is_third and block.detail in _RESOLUTIONS:
                part["mediaResolution"] = {"level": _RESOLUTIONS[block.detail]}
            else:
                self._loss.note(f"{block.path}.detail")
        return [part]

    def _hosted(self, block: HostedCall, signature: str) -> list[Part]:
        """What a provider did itself, as far as there is a form for it that is not Gemini's own."""
        match block.kind:
            case "code_interpreter_call":
                return [*parts_of_code(block.item, block.path, self._loss)]
            case "image_generation_call":
                part = image_part(block.item, signature)
                if part is not None:
                    return [part]
            case "web_search_call":
                # What was found stands in the text.
                self._loss.note(block.path)
                return []
        self._loss.cannot(block.path)
        return []


def _sign_text(parts: list[Part], proof: Proof) -> None:
    """Put a signature on the end of the text before it, apart from what was not signed."""
    last = parts[-1] if parts else None
    if proof.length == 0:
        parts.append({"text": "", "thoughtSignature": proof.signature})
    elif isinstance(last, dict) and last.keys() == {"text"} and len(last["text"]) >= proof.length:
        at = len(last["text"]) - proof.length
        signed = {"text": last["text"][at:], "thoughtSignature": proof.signature}
        parts[-1:] = [{"text": last["text"][:at]}, signed] if at else [signed]
