"""Plug-ins are found by entry point, loaded when named, and missed with words that help."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from server import registry

ENTRIES = """\
[antiphon.providers]
extra = toy_plugin:open_provider
absent = toy_plugin_absent:open_provider
nameless = toy_plugin:none_such
needy = toy_plugin_needy:open_provider
"""


@pytest.fixture(autouse=True)
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution with providers of its own."""
    info = tmp_path / "toy_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    (tmp_path / "toy_plugin.py").write_text("def open_provider(name, options): return name\n")
    (tmp_path / "toy_plugin_needy.py").write_text("import toy_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "toy_plugin", raising=False)
    return info


def test_names_are_listed_without_loading() -> None:
    assert {"extra", "absent", "scripted", "openai"} <= set(registry.installed(registry.PROVIDERS))
    assert "toy_plugin" not in sys.modules
    assert registry.installed("antiphon.none") == ()


def test_an_entry_point_is_loaded_when_named() -> None:
    assert registry.provider("extra")("x", {}) == "x"  # type: ignore[comparison-overlap]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("unknown", r"antiphon\.providers: nothing called 'unknown' is installed; installed: .*extra.*scripted"),
        ("absent", r"'absent' \(.*\) needs the module 'toy_plugin_absent', which is missing"),
        ("needy", r"'needy' \(.*\) needs the module 'toy_dependency', which is missing"),
        ("nameless", r"'nameless' \(toy_plugin:none_such\) cannot be imported"),
    ],
)
def test_what_cannot_be_had(name: str, expected: str) -> None:
    with pytest.raises(registry.NotInstalled, match=expected):
        registry.provider(name)


def test_an_empty_group_says_so() -> None:
    with pytest.raises(registry.NotInstalled, match="installed: none"):
        registry.load("antiphon.none", "x")


def test_two_offers_of_one_name_are_refused(plugin: Path) -> None:
    (plugin / "entry_points.txt").write_text("[antiphon.stores]\nmemory = toy_plugin:open_provider\n")
    with pytest.raises(registry.NotInstalled, match="'memory' is offered more than once: "):
        registry.store("memory")
