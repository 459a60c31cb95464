"""What Gemini does itself, and the items that tell of it: searches, pages read, code run, images made."""

from __future__ import annotations

from typing import Any, Final

from antiphon.responses import v1
from server.providers.prompt.loss import Loss
from server.providers.prompt.media import Media

_OUTCOMES: Final = {
    "OUTCOME_OK": "completed",
    "OUTCOME_FAILED": "failed",
    "OUTCOME_DEADLINE_EXCEEDED": "incomplete",
}
_BY_STATUS: Final = {status: outcome for outcome, status in _OUTCOMES.items()}
_MAGIC: Final = (("iVBORw", "image/png"), ("/9j/", "image/jpeg"), ("UklGR", "image/webp"))


def search_item(queries: list[str], pages: list[str]) -> v1.Item:
    """A search with its queries; `pages` are what it found."""
    item = v1.Item(status="completed")
    search = item.web_search_call.action.search
    if queries:
        search.query = queries[0]
        search.queries.extend(queries)
    for page in pages:
        search.sources.add().url.url = page
    return item


def page_item(url: str, *, read: bool) -> v1.Item:
    """A page that was opened, or was to be."""
    item = v1.Item(status="completed" if read else "failed")
    item.web_search_call.action.open_page.url = url
    return item


def code_item(code: str) -> v1.Item:
    """Code whose run has not ended."""
    item = v1.Item(status="incomplete")
    item.code_interpreter_call.code = code
    return item


def set_result(item: v1.Item, outcome: Any, output: str) -> None:
    """Tell how the run of code ended."""
    item.status = _OUTCOMES.get(outcome, "failed") if isinstance(outcome, str) else "failed"
    outputs = item.code_interpreter_call.outputs
    outputs.SetInParent()
    if output:
        outputs.items.add().logs.logs = output


def add_image(item: v1.Item, mime: str, data: str) -> None:
    """Tell of an image that the code made."""
    item.code_interpreter_call.outputs.items.add().image.url = Media(data=data, mime=mime).data_url


def image_item(data: str) -> v1.Item:
    """An image that the model made."""
    item = v1.Item(status="completed")
    item.image_generation_call.result = data
    return item


def image_part(item: v1.Item, signature: str) -> dict[str, Any] | None:
    """The part for an image that a model made; None where the item holds none that can be told."""
    data = item.image_generation_call.result
    mime = next((mime for start, mime in _MAGIC if data.startswith(start)), None)
    if mime is None:
        return None
    part: dict[str, Any] = {"inlineData": {"mimeType": mime, "data": data}}
    return part | {"thoughtSignature": signature} if signature else part


def parts_of_code(item: v1.Item, path: str, loss: Loss) -> list[dict[str, Any]]:
    """The parts for code that was run, by whomever."""
    call = item.code_interpreter_call
    parts: list[dict[str, Any]] = [{"executableCode": {"language": "PYTHON", "code": call.code}}]
    logs = "".join(output.logs.logs for output in call.outputs.items if output.HasField("logs"))
    outcome = _BY_STATUS.get(item.status, "OUTCOME_OK")
    parts.append({"codeExecutionResult": {"outcome": outcome, "output": logs}})
    for index, output in enumerate(call.outputs.items):
        if output.HasField("logs"):
            continue
        head, _, data = output.image.url.partition(";base64,")
        if head.startswith("data:image/") and data:
            parts.append({"inlineData": {"mimeType": head.removeprefix("data:"), "data": data}})
        else:
            loss.cannot(f"{path}.outputs[{index}]", "Only images that are sent along can be shown to the model.")
    return parts
