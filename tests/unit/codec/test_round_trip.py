"""Every message type of the contract, to JSON and back, with documents made from its descriptor."""

from __future__ import annotations

import codec_documents as documents
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon import openai_json
from antiphon.responses import v1

KINDS = documents.kinds()
every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
# There are hundreds of kinds: a few examples of each, anew in every run, meet everything soon.
few_examples = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))


@every_kind
@few_examples
@given(data=st.data())
def test_a_canonical_document_comes_back_as_it_was(kind, data):
    node = data.draw(documents.documents(kind))
    text = documents.canonical(node)
    written = openai_json.encode(openai_json.decode(text.encode(), kind.message_type))
    assert documents.exactly(written) == documents.exactly(text)
    assert b"\n" not in written
    for raw in documents.raw_texts(node):
        assert documents.one_line(raw) in written.decode()


@every_kind
@few_examples
@given(data=st.data())
def test_a_loose_document_means_the_same_as_the_canonical_one(kind, data):
    node = data.draw(documents.documents(kind))
    loose = documents.loose(node, lambda texts: data.draw(st.sampled_from(texts)))
    decode = openai_json.decode
    assert decode(loose.encode(), kind.message_type) == decode(documents.canonical(node).encode(), kind.message_type)


@every_kind
@few_examples
@given(data=st.data())
def test_without_nulls_only_the_nulls_are_missing(kind, data):
    node = data.draw(documents.documents(kind))
    message = openai_json.decode(documents.canonical(node).encode(), kind.message_type)
    written = openai_json.encode(message, nulls=False)
    assert documents.exactly(written) == documents.exactly(documents.bare(node))


@every_kind
@few_examples
@given(data=st.data())
def test_a_message_comes_back_as_it_was(kind, data):
    if kind.arm == "fallback":
        return
    message = data.draw(documents.messages(kind))
    openai_json.check(message)
    assert openai_json.decode(openai_json.encode(message), kind.message_type) == message
    assert openai_json.decode(openai_json.encode(message, nulls=False), kind.message_type) == message


def test_every_message_that_is_spelled_has_documents():
    covered = {kind.descriptor.full_name for kind in KINDS}
    arms = {f"{kind.descriptor.full_name}.{kind.arm}" for kind in KINDS if kind.arm}
    for descriptor in documents.spelled_messages():
        in_arm = any(
            f"{union.full_name}.{field.name}" in arms
            for union in documents.spelled_messages()
            for field in union.fields
            if field.message_type is descriptor
        )
        assert descriptor.full_name in covered or in_arm
    assert {"antiphon.responses.v1.Item.fallback", "antiphon.responses.v1.Item.message"} <= arms
    assert v1.Response.DESCRIPTOR.full_name in covered
