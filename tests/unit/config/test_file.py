"""Whether a configuration's file, and the files that it names, say something else by now."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from server.config import ConfigError, ConfigFile
from server.config.references import files

KEYS = "keys: [{{name: a, key: 'file:{}'}}]\n"


class Place:
    """A folder with a configuration that names a secret."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "antiphon.yaml"
        self.secret = folder / "secret"
        self.secret.write_text("one-0123456789abcdef\n")
        self.config.write_text(KEYS.format(self.secret))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def rewrite(place: Place) -> None:
    place.config.write_text("store: memory\n")


def rewrite_at_the_same_time(place: Place) -> None:
    """Same length, same inode, same time: what tells a change by its time does not see it."""
    before = place.config.stat()
    place.config.write_text(place.config.read_text().replace("name: a", "name: b"))
    os.utime(place.config, ns=(before.st_atime_ns, before.st_mtime_ns))


def rename(place: Place) -> None:
    new = place.folder / "new"
    new.write_text("store: memory\n")
    new.replace(place.config)


def rotate(place: Place) -> None:
    place.secret.write_text("two-0123456789abcdef\n")


def lose_the_secret(place: Place) -> None:
    place.secret.unlink()


def remove(place: Place) -> None:
    place.config.unlink()


def break_it(place: Place) -> None:
    place.config.write_text("keys: [")


def make_it_too_long(place: Place) -> None:
    place.config.write_text(place.config.read_text() + "#" * (2 << 20))


def make_it_a_folder(place: Place) -> None:
    place.config.unlink()
    place.config.mkdir()


@pytest.mark.parametrize(
    "change",
    [
        rewrite,
        rewrite_at_the_same_time,
        rename,
        rotate,
        lose_the_secret,
        remove,
        break_it,
        make_it_too_long,
        make_it_a_folder,
    ],
)
def test_a_change_is_seen_and_so_is_its_end(place: Place, change: Callable[[Place], None]) -> None:
    file = ConfigFile(place.config, {})
    file.load()
    assert file.loaded == file.digest()
    change(place)
    assert file.digest() != file.loaded
    assert file.digest() == file.digest()
    if place.config.is_dir():
        place.config.rmdir()
    Place(place.folder)
    assert file.digest() == file.loaded


def test_what_is_written_again_as_it_was_is_no_change(place: Place) -> None:
    file = ConfigFile(place.config, {})
    file.load()
    for path in (place.config, place.secret):
        copy = place.folder / "copy"
        copy.write_bytes(path.read_bytes())
        copy.replace(path)
        os.utime(path, ns=(1, 1))
    assert file.digest() == file.loaded


def test_links_on_the_way_are_followed(tmp_path: Path) -> None:
    """A release that is switched by a link to its folder, as a mounted ConfigMap is by `..data`."""
    for number in (1, 2):
        folder = tmp_path / f"..{number}"
        folder.mkdir()
        (folder / "antiphon.yaml").write_text(KEYS.format(tmp_path / "secret"))
        (folder / "secret").write_text(f"secret-number-{number}\n")
    data = tmp_path / "..data"
    data.symlink_to("..1")
    for name in ("antiphon.yaml", "secret"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    file = ConfigFile(tmp_path / "antiphon.yaml", {})
    assert file.load().keys[0].key.get_secret_value() == "secret-number-1"
    (tmp_path / "..tmp").symlink_to("..2")
    (tmp_path / "..tmp").rename(data)
    assert file.digest() != file.loaded
    assert file.load().keys[0].key.get_secret_value() == "secret-number-2"


def test_a_secret_that_a_broken_file_names_is_watched_too(place: Place) -> None:
    place.secret.unlink()
    file = ConfigFile(place.config, {})
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        file.load()
    assert file.digest() == file.loaded
    rotate(place)
    assert file.digest() != file.loaded
    assert file.load().keys[0].name == "a"


def test_a_pipe_is_read_once_and_never_looked_into(tmp_path: Path) -> None:
    """As in `antiphon serve --config <(command)`."""
    reading, writing = os.pipe()
    os.write(writing, b"store: memory\n")
    os.close(writing)
    try:
        file = ConfigFile(Path(f"/dev/fd/{reading}"), {})
        assert file.load().store == "memory"
        assert file.digest() == file.loaded
        with pytest.raises(ConfigError, match="is no regular file, and so cannot be read a second time"):
            file.load()
    finally:
        os.close(reading)


def test_a_named_pipe_in_place_of_a_secret_holds_nothing_up(place: Place) -> None:
    file = ConfigFile(place.config, {})
    file.load()
    place.secret.unlink()
    os.mkfifo(place.secret)
    assert file.digest() != file.loaded


def test_the_files_that_references_name() -> None:
    tree = {
        "a": ["file:/one", {"b": "file:///two"}, "file: no reference", "not file:/this", 3, None],
        "file:/key": "file:relative",
        "c": "file:/one",
    }
    assert files(tree) == {"/one", "/two"}


def test_what_changes_while_it_is_read_is_a_change(place: Place) -> None:
    class Meanwhile(dict[str, str]):
        """Asked once the file has been read."""

        def get(self, name: str, default: object = None) -> str:  # type: ignore[override]
            rewrite(place)
            return "memory"

    place.config.write_text("store: ${STORE}\nretention: null\n")
    file = ConfigFile(place.config, Meanwhile())
    assert file.load().retention is None
    assert file.digest() != file.loaded


def test_a_secret_that_is_named_later_is_watched_from_then_on(place: Place) -> None:
    file = ConfigFile(place.config, {})
    file.load()
    other = place.folder / "other"
    other.write_text("one-0123456789abcdef")
    place.config.write_text(KEYS.format(other))
    file.load()
    rotate(place)
    assert file.digest() == file.loaded
    other.write_text("two-0123456789abcdef")
    assert file.digest() != file.loaded
