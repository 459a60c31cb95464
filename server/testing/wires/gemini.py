"""The wire of Gemini's `generateContent`, `streamGenerateContent?alt=sse` and `countTokens`.

By https://ai.google.dev/api/generate-content,
https://ai.google.dev/api/tokens,
https://ai.google.dev/gemini-api/docs/thought-signatures,
https://ai.google.dev/gemini-api/docs/google-search and
https://ai.google.dev/gemini-api/docs/troubleshooting.
"""

from __future__ import annotations

import json
from typing import Any, Final

from server.testing.wires.base import Called, Cited, Frames, Json, Refused, Said, Spent, Thought, Wire, Words

_STOPS: Final = {"end": "STOP", "calls": "STOP", "length": "MAX_TOKENS", "filter": "SAFETY"}
_STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class GeminiWire(Wire):
    """AI Studio's side, which tells a call's id."""

    kind = "gemini"
    model = "gemini-3.8-flash"
    lacks = {  # noqa: RUF012
        "refusal": "a refusal is text",
        "cache_write": "nobody is told what was written to the cache",
        "interleaved calls": "a call comes whole",
        "cut calls": "a call comes whole",
    }

    def options(self, base: str) -> dict[str, Any]:
        return {"base_url": f"{base}/v1beta", "api_key": "sk-CANARY-0123456789"}

    def frames(self, said: Said, *, interleaved: bool = False, late_usage: bool = False) -> Frames:
        chunks: list[Json] = [{"candidates": [one]} for one in self._candidates(said)]
        last: Json = {"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": _STOPS[said.stop]}
        if said.stop == "filter":
            del last["content"]
        if grounding := _grounding(said):
            last["groundingMetadata"] = grounding
        chunks.append({"candidates": [last]})
        usage = _usage(said.spent)
        for number, chunk in enumerate(chunks):
            for candidate in chunk["candidates"]:
                candidate["index"] = 0
            if said.spent is not None and not (late_usage and number == len(chunks) - 1):
                early = {"promptTokenCount": 1, "totalTokenCount": 1}
                chunk["usageMetadata"] = usage if number == len(chunks) - 1 else early
            chunk.update({"modelVersion": "test-model-001", "responseId": "ftnJaMmAMcm"})
        frames = [_frame(chunk) for chunk in chunks]
        if late_usage and said.spent is not None:
            frames.append(_frame({"usageMetadata": usage, "modelVersion": "test-model-001"}))
        return frames

    def body(self, said: Said) -> bytes:
        candidates = self._candidates(said)
        parts: list[Json] = []
        for candidate in candidates:
            for part in candidate["content"]["parts"]:
                last = parts[-1] if parts else {}
                if part.keys() - {"thought"} == {"text"} and last.keys() == part.keys():
                    last["text"] += part["text"]
                else:
                    parts.append(dict(part))
        whole: Json = {"content": {"parts": parts, "role": "model"}, "finishReason": _STOPS[said.stop], "index": 0}
        if grounding := _grounding(said):
            whole["groundingMetadata"] = grounding
        chosen = [one for each in candidates for one in each.get("logprobsResult", {}).get("chosenCandidates", [])]
        if chosen:
            tops = [one for each in candidates for one in each.get("logprobsResult", {}).get("topCandidates", [])]
            whole["logprobsResult"] = {"chosenCandidates": chosen, "topCandidates": tops}
        answer: Json = {"candidates": [whole]}
        if said.spent is not None:
            answer["usageMetadata"] = _usage(said.spent)
        return _spell(answer | {"modelVersion": "test-model-001", "responseId": "ftnJaMmAMcm"})

    def failing(self, said: Said, message: str) -> Frames:
        error = {"error": {"code": 503, "message": message, "status": "UNAVAILABLE"}}
        return [*self.frames(said)[:-1], _frame(error)]

    def error(self, status: int, message: str, *, too_long: bool = False) -> tuple[dict[str, str], bytes]:
        if too_long:
            message = "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576)."
        error = {"code": status, "message": message, "status": _STATUSES.get(status, "UNKNOWN")}
        if status == 429:
            retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.4s"}
            error["details"] = [retry]
        return {"content-type": "application/json; charset=UTF-8"}, json.dumps({"error": error}, indent=2).encode()

    def empty(self) -> Frames:
        usage = {"promptTokenCount": 1, "totalTokenCount": 1}
        empty = {"content": {"parts": [{"text": ""}], "role": "model"}, "index": 0}
        return [
            _frame({"candidates": [empty], "usageMetadata": usage}),
            _frame({"usageMetadata": {"trafficType": "ON_DEMAND"}}),
            _frame({"candidates": [{"index": 0, "groundingMetadata": {}}]}),
            _frame({"promptFeedback": {"safetyRatings": []}}),
        ]

    def asked(self, request: Json) -> str:
        spoken = [one["parts"] for one in request["contents"] if one.get("role") == "user"]
        texts = ["".join(part.get("text", "") for part in parts) for parts in spoken if "text" in parts[0]]
        return texts[-1] if texts else ""

    def outputs(self, request: Json) -> list[str]:
        contents = request["contents"]
        spoken = max((place for place, one in enumerate(contents) if one["role"] == "model"), default=-1)
        parts = [part for content in contents[spoken + 1 :] for part in content["parts"]]
        return [part["functionResponse"]["response"].get("output", "") for part in parts if "functionResponse" in part]

    def offered(self, request: Json) -> list[str]:
        tools = request.get("tools", [])
        return [one["name"] for tool in tools for one in tool.get("functionDeclarations", [])]

    def wants_json(self, request: Json) -> bool:
        return bool(request.get("generationConfig", {}).get("responseMimeType") == "application/json")

    def wants_count(self, path: str) -> bool:
        return path.endswith(":countTokens")

    def count(self, tokens: int) -> bytes:
        details = [{"modality": "TEXT", "tokenCount": tokens}]
        return json.dumps({"totalTokens": tokens, "promptTokensDetails": details}).encode()

    def to_count(self, request: Json) -> Json:
        whole = dict(request["generateContentRequest"])
        assert whole.pop("model").startswith("models/")
        return whole

    def wants_stream(self, path: str, request: Json) -> bool:
        return path.endswith(":streamGenerateContent?alt=sse")

    def proofs(self, request: Json) -> list[str]:
        return [
            part["thoughtSignature"]
            for content in request["contents"]
            for part in content["parts"]
            if "thoughtSignature" in part
        ]

    def _candidates(self, said: Said) -> list[Json]:
        """The candidates of a stream's chunks. A thought's proof stands on the next call, or else on the last text."""
        told: list[Json] = []
        proof: str | None = None
        has_call = any(isinstance(part, Called) for part in said.parts)
        for part in said.parts:
            match part:
                case Thought():
                    told += [_candidate({"text": piece, "thought": True}) for piece in part.pieces]
                    proof = part.proof
                case Called():
                    # As the model wrote it, so that it is seen what becomes of its text.
                    called = {"name": part.name, "args": _Text(part.arguments), "id": part.call_id}
                    signed = {"thoughtSignature": proof} if proof is not None else {}
                    proof = None
                    told.append(_candidate({"functionCall": called} | signed))
                case Cited():
                    told.append(_candidate({"text": part.text}))
                case Words():
                    told += [_candidate({"text": piece}, logprob=part.logprobs) for piece in part.pieces]
                case Refused():
                    raise NotImplementedError(self.lacks["refusal"])
        if proof is not None and not has_call:
            told.append(_candidate({"text": "", "thoughtSignature": proof}))
        return told


class _Text(dict):  # type: ignore[type-arg]
    """An object that is spelled as it was."""

    def __init__(self, text: str) -> None:
        super().__init__(json.loads(text))
        self.text = text


def _candidate(part: Json, *, logprob: bool = False) -> Json:
    candidate: Json = {"content": {"parts": [part], "role": "model"}}
    if logprob:
        chosen = {"token": part["text"], "tokenId": 7, "logProbability": -0.5}
        beside = {"token": "x", "tokenId": 8, "logProbability": -1.5}
        tops = [{"candidates": [chosen, beside]}]
        candidate["logprobsResult"] = {"chosenCandidates": [chosen], "topCandidates": tops}
    return candidate


def _grounding(said: Said) -> Json:
    """Where the cited texts stand among all text: in bytes, and of 0 nothing is told."""
    chunks: list[Json] = []
    supports: list[Json] = []
    begin = 0
    for part in said.parts:
        if not isinstance(part, Words | Cited):
            continue
        end = begin + len(part.text.encode())
        if isinstance(part, Cited):
            chunks.append({"web": {"uri": part.url, "title": part.title}})
            segment = ({"startIndex": begin} if begin else {}) | {"endIndex": end, "text": part.text}
            supports.append({"segment": segment, "groundingChunkIndices": [len(chunks) - 1]})
        begin = end
    if not chunks:
        return None
    return {"groundingChunks": chunks, "groundingSupports": supports, "webSearchQueries": ["what was asked"]}


def _usage(spent: Spent | None) -> Json:
    if spent is None:
        return {}
    counts = {
        "promptTokenCount": spent.input,
        "cachedContentTokenCount": spent.cached,
        "candidatesTokenCount": spent.output - spent.reasoning,
        "thoughtsTokenCount": spent.reasoning,
        "totalTokenCount": spent.input + spent.output,
    }
    # Of what is 0 nothing is told.
    return {name: count for name, count in counts.items() if count}


def _frame(value: Json) -> bytes:
    return b"data: " + _spell(value) + b"\r\n\r\n"


def _spell(value: Json) -> bytes:
    """JSON in which the texts of arguments stand as they are."""
    texts: list[str] = []

    def mark(one: Json) -> Json:
        if isinstance(one, _Text):
            texts.append(one.text)
            return f"\0{len(texts) - 1}\0"
        if isinstance(one, dict):
            return {name: mark(member) for name, member in one.items()}
        return [mark(member) for member in one] if isinstance(one, list) else one

    spelled = json.dumps(mark(value), ensure_ascii=False)
    for index, text in enumerate(texts):
        spelled = spelled.replace(f'"\\u0000{index}\\u0000"', text)
    return spelled.encode()
