"""What of chance a request may decide, which not every model lets it.

By https://platform.claude.com/docs/en/build-with-claude/thinking and the pages
of the models.
"""

from __future__ import annotations

from antiphon.responses import v1
from server.providers.claude.families import Family
from server.providers.claude.thinking import Thinking
from server.providers.prompt.loss import Loss


def sampling_of(request: v1.CreateResponseRequest, family: Family, thinking: Thinking, loss: Loss) -> dict[str, float]:
    """`temperature` and `top_p`, as far as they are to be sent. 1 is what models do unasked, and left out where they
    would refuse it."""
    said: dict[str, float] = {}
    if request.HasField("temperature"):
        given = request.temperature
        if not family.sampling:
            if given != 1:
                loss.cannot("temperature", "This model does not take it.")
        elif given > 1:
            loss.cannot("temperature", "It goes up to 1.")
        elif thinking.is_asked and given != 1:
            loss.cannot("temperature", "It cannot be set while the model is to think.")
        elif given != 1 or not request.HasField("top_p"):
            said["temperature"] = given
    if request.HasField("top_p"):
        given = request.top_p
        if given == 1 and (said or not family.sampling):
            return said
        if not family.sampling:
            loss.cannot("top_p", "This model does not take it.")
        elif said and not family.both_sampled:
            loss.cannot("top_p", "It cannot be set beside temperature.")
        elif thinking.is_asked and given < 0.95:
            loss.cannot("top_p", "It cannot be below 0.95 while the model is to think.")
        else:
            said["top_p"] = given
    return said
