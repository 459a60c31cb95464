"""What of a request a provider cannot carry: refused, or left out and named, never dropped."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from google.protobuf.message import Message

from antiphon import openai_json
from server.errors import UnsupportedParameter
from server.providers.base import CallContext, Unsupported

#: Members that only a request to count tokens has by the contract: the manner of a model.
_CHANGING: Final = frozenset({"personality"})


class Loss:
    """Decides, for one call, what becomes of what its provider cannot carry."""

    def __init__(self, context: CallContext, label: str) -> None:
        """`label` is what the provider speaks, as callers are told: `Anthropic's Messages API`."""
        self._refuses = context.unsupported is Unsupported.REFUSE
        self._omitted = context.omitted
        self._named = set(context.omitted)
        self._context = context
        self._label = label

    def item(self, index: int) -> str:
        """The path of an item of the input, as callers know it."""
        return self._context.path(index)

    def cannot(self, param: str, why: str = "") -> None:
        """Say that what stands at `param` cannot be carried, and would change the answer.

        Raises `UnsupportedParameter`, unless the model's policy is to leave it
        out and name it; then the adapter goes on without it. `why` is a
        sentence for the caller.
        """
        if self._refuses:
            raise self.refusal(param, why)
        self.note(param)

    def refusal(self, param: str, why: str = "") -> UnsupportedParameter:
        """The error for what cannot be carried and cannot be left out either."""
        return UnsupportedParameter(f"{self._label} has no place for '{param}'.{' ' if why else ''}{why}", param=param)

    def note(self, param: str) -> None:
        """Name what is left out and only hints: it helps the provider, and changes nothing that is answered."""
        if param not in self._named:
            self._named.add(param)
            self._omitted.append(param)

    def unknown(self, param: str) -> None:
        """Say that a member which the contract does not know is left out: but for those of which it is known that they
        would change the answer, it is taken for a hint."""
        if param in _CHANGING:
            self.cannot(param)
        else:
            self.note(param)

    def rest(
        self, message: Message, taken: Collection[str], path: str = "", *, hints: Collection[str] = frozenset()
    ) -> None:
        """Account for every field of a message that is set and not `taken`, by the names of the contract: `hints`
        are named, all others refused."""
        for field, _ in message.ListFields():
            if field.name in taken:
                continue
            if field.name == "catch_all":
                unknown: str = getattr(message, field.name)
                for member in openai_json.parse(unknown.encode()):
                    self.unknown(f"{path}.{member}" if path else member)
                continue
            member = openai_json.json_path(message.DESCRIPTOR, [field.name])  # type: ignore[arg-type]
            param = f"{path}.{member}" if path else member
            if field.name in hints:
                self.note(param)
            else:
                self.cannot(param)
