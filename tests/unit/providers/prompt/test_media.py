"""Images, files and audio as they may be brought along."""

from __future__ import annotations

import pytest

from antiphon.responses import v1
from server.errors import InvalidValue, MissingParameter
from server.providers.prompt import media
from server.providers.prompt.media import Media


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("data:image/png;base64,AAAA", Media(data="AAAA", mime="image/png")),
        ("DATA:Image/PNG;charset=x;BASE64,AA==", Media(data="AA==", mime="image/png")),
        ("data:;base64,iVBORw0K", Media(data="iVBORw0K", mime="image/png")),
        ("data:image/svg+xml,%3Csvg%2F%3E", Media(data="PHN2Zy8+", mime="image/svg+xml")),
        ("data:image/png;base64,AA\nAA", Media(data="AAAA", mime="image/png")),
        ("https://example.com/a.jpg?x=1", Media(url="https://example.com/a.jpg?x=1", mime="image/jpeg")),
        ("data:image/png;base64,AA\v\fAA", Media(data="AAAA", mime="image/png")),
        ("https://example.com/a", Media(url="https://example.com/a")),
        ("http://[", Media(url="http://[")),
        ("http://[::1/a.png", Media(url="http://[::1/a.png", mime="image/png")),
    ],
)
def test_images(url: str, expected: Media) -> None:
    assert media.image(v1.ResponseInputImage(image_url=url), "p") == expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"file_data": "JVBERi0="}, Media(data="JVBERi0=", mime="application/pdf")),
        ({"file_data": "AAAA", "filename": "a.csv"}, Media(data="AAAA", mime="text/csv")),
        ({"file_data": "AAAA"}, Media(data="AAAA", mime="application/octet-stream")),
        ({"file_data": "data:;base64,AAAA", "filename": "a.pdf"}, Media(data="AAAA", mime="application/pdf")),
        ({"file_url": "https://e.org/a.pdf"}, Media(url="https://e.org/a.pdf", mime="application/pdf")),
        ({"file_id": "file-1"}, Media(file_id="file-1")),
    ],
)
def test_files(part: dict[str, str], expected: Media) -> None:
    assert media.file(v1.ResponseInputFile(**part), "p") == expected


def test_audio() -> None:
    part = v1.ResponseInputAudio(input_audio=v1.InputAudio(data="AAAA", format="MP3"))
    assert media.audio(part, "p") == Media(data="AAAA", mime="audio/mp3")


@pytest.mark.parametrize(
    "data",
    [
        "data:image/png;base64",
        "data:image/png;base64,?",
        "data:image/png;base64,AAA",
        "data:image/png;base64,AAAA\u2028",
        "data:image/png;base64,AAA\u00a0",
        pytest.param("data:image/png;base64," + " " * 1_000_000 + "!", id="a million spaces"),
        pytest.param("data:" + ";" * 1_000_000, id="a million parameters"),
    ],
)
def test_what_is_no_data_is_refused_by_name(data: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        media.image(v1.ResponseInputImage(image_url=data), "input[0].content[1]")
    assert refused.value.param == "input[0].content[1].image_url"


def test_what_is_missing_is_named() -> None:
    for made, param in (
        (lambda: media.image(v1.ResponseInputImage(), "p"), "p.image_url"),
        (lambda: media.file(v1.ResponseInputFile(), "p"), "p.file_data"),
        (lambda: media.audio(v1.ResponseInputAudio(), "p"), "p.input_audio.data"),
    ):
        with pytest.raises(MissingParameter) as refused:
            made()
        assert refused.value.param == param


def test_media_as_a_url_and_as_bytes() -> None:
    held = Media(data="AAEC", mime="image/gif")
    assert held.data_url == "data:image/gif;base64,AAEC"
    assert held.decoded() == b"\x00\x01\x02"
