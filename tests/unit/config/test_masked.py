"""No secret of a configuration is ever shown: not by its text form, its errors or the effective configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.config import Config, ConfigError, masked, parse

CANARY = "CANARYcanary0123456789"

SECRETIVE = f"""
store: memory
providers:
  a:
    kind: openai
    api_key: "${{SECRET}}"
    base_url: "https://user:{CANARY}@example.com:8443/v1?key={CANARY}#{CANARY}"
    headers: {{x-extra: "file:FOLDER/secret"}}
    unheard_of: {CANARY}
    nested: {{list: [{CANARY}]}}
    region: eu
    verify: true
  b: {{kind: openai, base_url: "${{SECRET}}"}}
models: {{m: {{provider: a}}}}
keys: [{{name: dev, key: {CANARY}, limits: {{rpm: 5}}}}]
tenants: {{dev: {{limits: {{tpd: 7}}, capture_content: true}}}}
telemetry: {{otlp: {{endpoint: "http://example.com:4317", headers: {{x-key: {CANARY}}}}}}}
"""


def test_what_is_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(CANARY)
    config = parse(SECRETIVE.replace("FOLDER", str(tmp_path)), {"SECRET": CANARY})
    assert config.providers["a"].options["headers"] == {"x-extra": CANARY}
    shown = masked(config)
    for text in (json.dumps(shown), repr(config), str(config), f"{config.providers}", repr(config.keys)):
        assert CANARY not in text
    assert shown["providers"]["a"] == {
        "kind": "openai",
        "api_key": "***",
        "base_url": "https://example.com:8443/v1",
        "headers": "***",
        "unheard_of": "***",
        "nested": "***",
        "region": "eu",
        "verify": True,
    }
    assert shown["providers"]["b"]["base_url"] == "***"
    assert shown["keys"] == [{"name": "dev", "key": "***", "tenant": "dev", "models": ["*"], "limits": {"rpm": 5}}]
    assert shown["tenants"] == {"dev": {"limits": {"tpd": 7}, "capture_content": True}}
    assert shown["telemetry"]["otlp"] == {
        "endpoint": "http://example.com:4317",
        "headers": {"x-key": "***"},
        "traces": True,
        "metrics": False,
    }
    assert shown["models"]["m"]["timeout"]["connect"] == 5.0
    assert shown["retention"] == 30 * 86400


def test_every_key_is_shown() -> None:
    changed = "background: {max_running: 3}\nconnection: {lifetime: 5m}\ninclude_obfuscation: true\n"
    config = parse(f"store: memory\nseal_keys: [{CANARY}, {CANARY}-old]\n{changed}", {})
    shown = masked(config)
    assert list(shown) == list(Config.model_fields)
    assert shown["background"]["max_running"] == 3
    assert shown["connection"] == {"lifetime": 300.0, "max_open": 1000}
    assert shown["include_obfuscation"] is True
    assert shown["seal_keys"] == ["***", "***"]
    assert CANARY not in json.dumps(shown)


def test_a_store_is_shown_without_its_password() -> None:
    config = parse("store: memory", {})
    remote = config.model_copy(update={"store": f"postgresql://u:{CANARY}@db.internal/a?password={CANARY}"})
    assert masked(remote)["store"] == "postgresql://db.internal/a"
    assert CANARY not in repr(remote)


def test_a_limiter_is_shown_without_its_password() -> None:
    config = parse(f"limiter: redis://u:{CANARY}@cache.internal:6380/1?{CANARY}={CANARY}", {})
    assert masked(config)["limiter"] == "redis://cache.internal:6380/1"
    assert CANARY not in repr(config)


@pytest.mark.parametrize(
    "text",
    [
        f"store: postgresql://u:{CANARY}@h/d",
        f"store: {CANARY}",
        f"limiter: redis:{CANARY}@h",
        f"limiter: {CANARY}",
        f"listen: {{grpc: {CANARY}}}",
        f"listen: {CANARY}",
        f"{CANARY}",
        f"retention: {CANARY}",
        f"max_request_bytes: {CANARY}",
        f"history: {{max_depth: {CANARY}}}",
        f"providers: {{a: {{kind: {CANARY}}}}}",
        f"providers: {{a: {{kind: openai, api_key:{CANARY}}}}}",
        f"providers: {{a: {{kind: openai, {CANARY}-x: 1}}}}",
        f'providers: {{a: {{kind: openai, api_key: "{CANARY}\\nb"}}}}',
        f"models: {{m: {{provider: {CANARY}}}}}",
        f"models: {{m: {{provider: scripted, model: '{CANARY}*'}}}}",
        f"keys: {CANARY}",
        f"keys: [{CANARY}]",
        f"keys: [{{name: a, key: '{CANARY} b'}}]",
        f"keys: [{{name: a, key: {CANARY}}}, {{name: b, key: {CANARY}}}]",
        f"keys: [{{name: a, key:{CANARY}}}]",
        f"keys: [{{name: a, key: {CANARY}, models: ['{CANARY}?']}}]",
        f"keys: [{{name: a, key: {CANARY}, tenant: [{CANARY}]}}]",
        f'keys: [{{name: a, key: "{CANARY}}}]',
        f"keys: [{{name: a, key: @{CANARY}}}]",
        f"keys: [{{name: a, key: *{CANARY}}}]",
        "keys: [{name: a, key: '${SECRET}'}]",
        "store: '${SECRET}'",
    ],
)
def test_no_error_repeats_a_value(text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(text, {"SECRET": f"{CANARY}\tx"})
    assert raised.value.problems
    assert CANARY not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
