"""Proofs of reasoning: sealed for their origin, and for nobody else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon import openai_json
from antiphon.responses import v1
from server.providers.base import CallContext
from server.providers.openai_responses.proofs import Proofs
from server.seal import Seal, is_sealed

CONTEXT = CallContext("req_1", "resp_1", incremental=True)


@given(st.binary(max_size=300))
def test_what_was_sealed_comes_back(proof: bytes) -> None:
    seal = Seal(["secret"], "a")
    assert seal.open(seal.close(proof)) == proof


def test_a_sealed_text_is_the_same_every_time_and_shows_nothing() -> None:
    seal = Seal(["secret"], "a")
    assert seal.close(b"proof") == Seal(["secret"], "a").close(b"proof")
    assert seal.close(b"proof") != seal.close(b"other")
    assert "proof" not in seal.close(b"proof")
    assert is_sealed(seal.close(b""))


@pytest.mark.parametrize("other", [Seal(["secret"], "b"), Seal(["other"], "a")], ids=["origin", "secret"])
def test_another_origin_or_secret_opens_nothing(other: Seal) -> None:
    assert other.open(Seal(["secret"], "a").close(b"proof")) is None


def test_secrets_are_replaced_one_after_the_other() -> None:
    old = Seal(["old"], "a").close(b"proof")
    rotated = Seal(["new", "old"], "a")
    assert rotated.open(old) == b"proof"
    assert Seal(["new"], "a").open(rotated.close(b"proof")) == b"proof"


@given(st.data())
def test_a_changed_text_opens_nothing_else(data: st.DataObject) -> None:
    seal = Seal(["secret"], "a")
    sealed = seal.close(b"proof of something")
    place = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.characters(codec="utf-8"))
    changed = sealed[:place] + other + sealed[place + 1 :]
    # The last digits of base64 hold bits that mean nothing.
    assert changed == sealed or seal.open(changed) in (None, b"proof of something")
    assert seal.open(sealed[:place]) is None


def request(*proofs: str | None) -> v1.CreateResponseRequest:
    items = [{"type": "reasoning", "id": f"rs_{n}", "summary": []} for n, _ in enumerate(proofs)]
    for item, proof in zip(items, proofs, strict=True):
        if proof is not None:
            item["encrypted_content"] = proof
    whole = {"model": "m", "input": [*items, {"role": "user", "content": "hi"}]}
    return openai_json.decode(json.dumps(whole).encode(), v1.CreateResponseRequest)


def test_reasoning_of_the_responses_api_goes_back_to_its_own_account_alone() -> None:
    mine, theirs = Seal(["mine"], "openai one"), Seal(["theirs"], "openai two")
    asked = request(mine.close(b"gAAAA-1"), theirs.close(b"gAAAA-2"), "gAAAA-3", None)
    opened = Proofs(mine).opened(asked, CONTEXT)
    assert [item.reasoning.encrypted_content for item in opened.input if item.HasField("reasoning")] == [
        "gAAAA-1", "gAAAA-3", "",
    ]  # fmt: skip
    assert opened.input[-1].message.content_text == "hi"
    assert len(asked.input) == 5, "the request was changed"
    plain = request("gAAAA-3")
    assert Proofs(mine).opened(plain, CONTEXT) is plain


def test_without_a_seal_proofs_pass_as_they_are() -> None:
    item = v1.Item(reasoning=v1.ReasoningItem(encrypted_content="gAAAA"))
    Proofs(None).close([item])
    assert item.reasoning.encrypted_content == "gAAAA"
    assert len(Proofs(None).opened(request(Seal(["x"], "y").close(b"z")), CONTEXT).input) == 1
