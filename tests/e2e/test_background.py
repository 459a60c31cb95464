"""Responses that go on without their caller, from end to end: made, followed, cancelled, and once for each key."""

from __future__ import annotations

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import openai
import pytest
from e2e_http import ask, frames, refuse
from e2e_layouts import KEY_A, KEY_B, PROMPT, Layout, metadata, open_layout
from e2e_stage import Stage, Theatre, answering, held
from openai import OpenAI

from antiphon import openai_json
from antiphon.responses import v1
from server.testing import wire
from server.testing.background import Background, Gate
from server.testing.order import check_order
from server.testing.upstream import hang_after

SPEAKING = hang_after(wire.TEXT[:5])


def ended(client: OpenAI, response_id: str) -> Any:
    """The response, once it has ended."""
    for _ in range(2000):
        response = client.responses.retrieve(response_id)
        if response.status not in ("queued", "in_progress"):
            return response
        time.sleep(0.01)
    raise AssertionError(f"{response_id} has not ended")


def followed(layout: Layout, response_id: str, after: int | None = None, **headers: str) -> bytes:
    """The events of a response, byte for byte."""
    place = "" if after is None else f"&starting_after={after}"
    answer = ask(layout, None, method="GET", path=f"/v1/responses/{response_id}?stream=true{place}", **headers)
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "text/event-stream"
    return answer.body


def told_in(body: bytes) -> list[tuple[str, Any]]:
    """The events of a stream that is told to its end."""
    *told, done = frames(body)
    assert done == ("", "[DONE]")
    return told


def read_to(connection: socket.socket, word: bytes) -> bytes:
    """What comes over HTTP until a word was read."""
    read = b""
    while word not in read:
        piece = connection.recv(65536)
        assert piece, read
        read += piece
    return read


@pytest.fixture
def gate(background: Background) -> Gate:
    return Gate(background)


def test_it_is_queued_at_once_and_can_be_polled(client: OpenAI, up: Stage, gate: Gate) -> None:
    up.answer(held(gate, answering(wire.TEXT)))
    queued = client.responses.create(model=up.model, input=PROMPT, background=True)
    assert (queued.status, queued.background, queued.output, queued.usage) == ("queued", True, [], None)
    up.arrived()
    assert client.responses.retrieve(queued.id).status == "in_progress"
    gate.open()
    made = ended(client, queued.id)
    assert (made.status, made.output_text) == (
        "completed",
        wire.TEXT[-1]["response"]["output"][0]["content"][0]["text"],
    )
    assert made.usage is not None
    second = client.responses.create(model="echo", input="And?", previous_response_id=queued.id)
    assert second.status == "completed"


@pytest.mark.parametrize("model", ["model", "going"])
def test_a_reader_that_is_cut_at_any_event_goes_on_where_it_was(
    layout: Layout, client: OpenAI, up: Stage, model: str
) -> None:
    up.answer(answering(wire.REASONING))
    asked: Any = {"model": getattr(up, model), "input": PROMPT, "background": model == "model"}
    with client.responses.create(stream=True, **asked) as stream:
        first = next(iter(stream))
        response_id = first.response.id  # type: ignore[union-attr]
    ended(client, response_id)
    whole = followed(layout, response_id)
    told = told_in(whole)
    assert [data["sequence_number"] for _, data in told] == list(range(len(told)))
    pieces = whole.split(b"\n\n")
    last = len(told) - 1
    for cut in range(last):
        assert followed(layout, response_id, cut) == b"\n\n".join(pieces[cut + 1 :])
    assert followed(layout, response_id, last) == b""
    events = [openai_json.decode(piece.split(b"data: ", 1)[1], v1.ResponseStreamEvent) for piece in pieces[: last + 1]]
    assert check_order(events) == []
    assert len(up.requests) == 1


def test_readers_follow_it_while_it_is_made(layout: Layout, client: OpenAI, up: Stage, gate: Gate) -> None:
    up.answer(held(gate, answering(wire.TEXT)))
    queued = client.responses.create(model=up.model, input=PROMPT, background=True)
    up.arrived()
    with ThreadPoolExecutor(8) as readers:
        reading = [readers.submit(followed, layout, queued.id, after) for after in (None, 0, 1, 2, None, 0, 1, 2)]
        gate.open()
        told = [one.result() for one in reading]
    assert told[:4] == told[4:]
    assert [told[0].split(b"\n\n", skip)[-1] for skip in (1, 2, 3)] == told[1:4]
    assert told_in(told[0])[-1][0] == "response.completed"


def test_the_sdks_helper_resumes(client: OpenAI, up: Stage) -> None:
    up.answer(answering(wire.TEXT))
    with client.responses.create(model=up.model, input=PROMPT, background=True, stream=True) as stream:
        for event in stream:
            if event.type == "response.created":
                response_id = event.response.id
            if event.type == "response.output_text.delta":
                break
    with client.responses.stream(response_id=response_id, starting_after=event.sequence_number) as resumed:
        numbers = [one.sequence_number for one in resumed]
        assert numbers[0] == event.sequence_number + 1
        assert resumed.get_final_response().output_text == ended(client, response_id).output_text


def test_a_caller_that_is_cut_off_changes_nothing(layout: Layout, client: OpenAI, up: Stage, gate: Gate) -> None:
    up.answer(held(gate, answering(wire.TEXT)))
    body = b'{"model":"%s","input":"x","background":true,"stream":true}' % up.model.encode()
    with closing(socket.create_connection(layout.address, timeout=30)) as connection:
        head = f"POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY_A}\r\n"
        connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        read = read_to(connection, b"response.created")
    response_id = read.split(b'"id":"', 1)[1].split(b'"', 1)[0].decode()
    up.arrived()
    gate.open()
    assert ended(client, response_id).status == "completed"


def test_cancelling_closes_the_provider_and_tells_what_was_said(layout: Layout, client: OpenAI, up: Stage) -> None:
    up.answer(SPEAKING)
    with client.responses.create(model=up.model, input=PROMPT, background=True, stream=True) as stream:
        told = []
        for event in stream:
            told.append(event.type)
            if event.type == "response.created":
                response_id = event.response.id
            if event.type == "response.output_text.delta":
                cancelled = client.responses.cancel(response_id)
                up.gone(up.arrived())
    assert not [kind for kind in told if kind in ("response.completed", "response.failed", "error")]
    assert (cancelled.status, cancelled.output[0].status) == ("cancelled", "incomplete")  # type: ignore[union-attr]
    assert client.responses.cancel(response_id) == cancelled == client.responses.retrieve(response_id)
    assert len(frames(followed(layout, response_id))) == len(told)
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="echo", input="x", previous_response_id=response_id)
    assert caught.value.code == "previous_response_not_completed"


def test_deleting_what_is_being_made_ends_it(client: OpenAI, up: Stage) -> None:
    up.answer(SPEAKING)
    queued = client.responses.create(model=up.model, input=PROMPT, background=True)
    request = up.arrived()
    client.responses.delete(queued.id)
    up.gone(request)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(queued.id)


def test_over_grpc(stub: v1.ResponsesServiceStub, up: Stage) -> None:
    up.answer(answering(wire.TEXT))
    asked = v1.CreateResponseRequest(model=up.model, input_text=PROMPT, background=True)
    call = stub.StreamCreateResponse(asked, metadata=metadata())
    told = list(next(iter(call)).events)
    call.cancel()
    follow = v1.GetResponseRequest(response_id=told[0].created.response.id)
    whole = [event for chunk in stub.StreamGetResponse(follow, metadata=metadata()) for event in chunk.events]
    assert whole[: len(told)] == told
    assert check_order(whole) == []
    follow.starting_after = 3
    assert [e for chunk in stub.StreamGetResponse(follow, metadata=metadata()) for e in chunk.events] == whole[4:]
    cancel = v1.CancelResponseRequest(response_id=follow.response_id)
    assert stub.CancelResponse(cancel, metadata=metadata()) == whole[-1].completed.response


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", ""),
        ("GET", "?stream=true"),
        ("GET", "?stream=true&starting_after=2"),
        ("POST", "/cancel"),
        ("DELETE", ""),
    ],
)
def test_foreign_and_unknown_ones_are_not_found_alike(
    layout: Layout, client: OpenAI, up: Stage, verb: str, path: str
) -> None:
    up.answer(SPEAKING)
    mine = client.responses.create(model=up.model, input=PROMPT, background=True).id
    told = []
    for response_id in (mine, "resp_unknown"):
        answer = ask(
            layout, None, method=verb, path=f"/v1/responses/{response_id}{path}", authorization=f"Bearer {KEY_B}"
        )
        refuse(layout, answer, 404, "not_found", "response_id")
        told.append(answer.json["error"]["message"].replace(response_id, "ID"))
    assert told[0] == told[1]
    assert client.responses.cancel(mine).status == "cancelled"


def test_what_is_asked_wrongly_is_named(layout: Layout, client: OpenAI) -> None:
    made = client.responses.create(model="echo", input="x").id
    refuse(layout, ask(layout, None, path=f"/v1/responses/{made}/cancel"), 400, "invalid_value", "response_id")
    for query, param in (
        ("stream=true", "stream"),
        ("stream=true&starting_after=-1", "starting_after"),
        ("stream=true&starting_after=x", "starting_after"),
        ("stream=maybe", "stream"),
        ("include[]=reasoning.encrypted_content&include[]=everything", "include[1]"),
        ("stream=true&include=everything", "include[0]"),
    ):
        answer = ask(layout, None, method="GET", path=f"/v1/responses/{made}?{query}")
        refuse(layout, answer, 400, "invalid_value", param)
    body = b'{"model":"echo","input":"x","background":true,"store":false}'
    refuse(layout, ask(layout, body), 400, "invalid_value", "background")


def test_padding_hides_how_long_each_piece_is(layout: Layout, client: OpenAI, up: Stage) -> None:
    up.answer(answering(wire.TEXT))
    asked: Any = {"model": up.model, "input": PROMPT, "background": True, "stream": True}
    padded = [e.to_dict() for e in client.responses.create(stream_options={"include_obfuscation": True}, **asked)]
    response_id: Any = padded[0]["response"]["id"]  # type: ignore[index]
    deltas = [event for event in padded if str(event["type"]).endswith(".delta")]
    assert deltas
    assert all((len(str(event["delta"]).encode()) + len(str(event["obfuscation"]))) % 16 == 0 for event in deltas)
    path = f"/v1/responses/{response_id}?stream=true&include_obfuscation="
    again = [data for _, data in told_in(ask(layout, None, method="GET", path=path + "true").body)]
    assert again == padded
    assert b"obfuscation" not in ask(layout, None, method="GET", path=path + "false").body


# Once for each key


def test_twins_join_what_the_first_began_and_pay_nothing(layout: Layout, up: Stage, gate: Gate) -> None:
    up.answer(held(gate, answering(wire.TEXT)))
    key = f"twins-{up.model}"

    def unary(stream: bool) -> Any:
        body = b'{"model":"%s","input":"x","stream":%s}' % (up.model.encode(), b"true" if stream else b"false")
        return ask(layout, body, idempotency_key=key)

    with ThreadPoolExecutor(8) as callers:
        asking = [callers.submit(unary, stream) for stream in (False, True) * 4]
        up.arrived()
        gate.open()
        answers = [one.result() for one in asking]
    assert [answer.status for answer in answers] == [200] * 8
    assert len({answer.body for answer in answers[::2]}) == len({answer.body for answer in answers[1::2]}) == 1
    assert told_in(answers[1].body)[-1][1]["response"] == answers[0].json
    assert sum(answer.headers.get("x-antiphon-replayed") == "true" for answer in answers) == 7
    assert len(up.requests) == 1
    later = unary(False)
    assert (later.body, later.headers["x-antiphon-replayed"]) == (answers[0].body, "true")
    other = ask(layout, b'{"model":"echo","input":"y"}', idempotency_key=key)
    refuse(layout, other, 400, "idempotency_key_reused", "Idempotency-Key")
    assert (
        ask(layout, b'{"model":"echo","input":"y"}', idempotency_key=key, authorization=f"Bearer {KEY_B}").status == 200
    )


def test_a_key_over_grpc(stub: v1.ResponsesServiceStub, up: Stage) -> None:
    up.answer(answering(wire.TEXT))
    asked = v1.CreateResponseRequest(model=up.model, input_text=PROMPT)
    keyed = [*metadata(), ("idempotency-key", f"grpc-{up.model}")]
    first, call = stub.CreateResponse.with_call(asked, metadata=keyed)
    assert "x-antiphon-replayed" not in dict(call.trailing_metadata())
    second, call = stub.CreateResponse.with_call(asked, metadata=keyed)
    assert second == first
    assert dict(call.trailing_metadata())["x-antiphon-replayed"] == "true"
    with pytest.raises(grpc.RpcError) as caught:
        stub.CreateResponse(asked, metadata=[*keyed, ("idempotency-key", "another")])
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_who_was_cut_off_finds_what_it_began_by_its_key(layout: Layout, up: Stage, gate: Gate) -> None:
    up.answer(held(gate, answering(wire.TEXT)))
    key = f"cut-{up.model}"
    body = b'{"model":"%s","input":"x"}' % up.model.encode()
    with closing(socket.create_connection(layout.address, timeout=30)) as connection:
        head = f"POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY_A}\r\nidempotency-key: {key}\r\n"
        connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        up.arrived()
    gate.open()
    again = ask(layout, body, idempotency_key=key)
    assert (again.status, again.json["status"]) == (200, "completed")
    assert len(up.requests) == 1


# Processes that die


def test_what_a_killed_server_made_is_ended_by_the_next(
    background: Background, theatre: Theatre, up: Stage, tmp_path: Path
) -> None:
    up.answer(SPEAKING)
    with background.using(open_layout("one process", tmp_path, theatre.base_url)) as layout:
        client = OpenAI(base_url=f"{layout.url}/v1", api_key=KEY_A, max_retries=0)
        with client.responses.create(model=up.model, input=PROMPT, background=True, stream=True) as stream:
            told = []
            for event in stream:
                told.append(event.to_dict())
                if event.type == "response.output_text.delta":
                    break
        layout.server.process.send_signal(signal.SIGKILL)
        background.run(layout.server.process.wait())
        up.gone(up.arrived())
    response_id: Any = told[0]["response"]["id"]  # type: ignore[index]
    with background.using(open_layout("one process", tmp_path, theatre.base_url)) as layout:
        client = OpenAI(base_url=f"{layout.url}/v1", api_key=KEY_A, max_retries=0)
        body = followed(layout, response_id)
        events = [data for _, data in told_in(body)]
        assert events[: len(told)] == told
        assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
        failed = client.responses.retrieve(response_id)
        assert (failed.status, failed.error.code if failed.error else None) == ("failed", "server_error")
        assert failed.output[0].content[0].text  # type: ignore[union-attr]
    pieces = [piece for piece in body.split(b"\n\n") if not piece.startswith(b":")][: len(events)]
    whole = [openai_json.decode(piece.split(b"data: ", 1)[1], v1.ResponseStreamEvent) for piece in pieces]
    assert check_order(whole) == []


def test_servers_that_share_a_store_serve_what_either_makes(
    background: Background, theatre: Theatre, up: Stage, tmp_path: Path, gate: Gate
) -> None:
    store = {"store": f"sqlite:{tmp_path / 'shared.db'}"}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with (
        background.using(open_layout("one process", tmp_path / "a", theatre.base_url, sections=store)) as one,
        background.using(open_layout("one process", tmp_path / "b", theatre.base_url, sections=store)) as other,
    ):
        clients = [OpenAI(base_url=f"{layout.url}/v1", api_key=KEY_A, max_retries=0) for layout in (one, other)]
        up.answer(held(gate, answering(wire.TEXT)), SPEAKING)
        queued = clients[0].responses.create(model=up.model, input=PROMPT, background=True)
        up.arrived()
        with ThreadPoolExecutor(2) as readers:
            reading = [readers.submit(followed, layout, queued.id) for layout in (one, other)]
            gate.open()
            mine, theirs = [read.result() for read in reading]
        assert mine == theirs
        going = clients[0].responses.create(model=up.model, input=PROMPT, background=True)
        request = up.arrived()
        assert clients[1].responses.cancel(going.id).status == "cancelled"
        up.gone(request)
        assert clients[0].responses.retrieve(going.id).status == "cancelled"
