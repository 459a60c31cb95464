"""What a configuration may say, what it means, and that everything wrong with it is told at once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from server import registry
from server.config import Config, ConfigError, load, parse
from server.config.schema import timeouts
from server.limits.base import Kind, Limit
from server.providers.base import Retry, Strategy, Timeouts

CANARY = "CANARYcanary0123456789"
MODELS = "models: {m: {provider: scripted}}\n"


def problems(text: str, environ: dict[str, str] | None = None) -> list[str]:
    """What is wrong with a text, without the name of the file."""
    with pytest.raises(ConfigError) as raised:
        parse(text, environ or {}, origin="f")
    assert all(line.startswith("f:") for line in raised.value.problems)
    return [line.removeprefix("f:") for line in raised.value.problems]


def test_without_a_file_the_scripted_model_is_served_on_loopback() -> None:
    config = load(None, {})
    assert dict(config.listen) == {"grpc": "127.0.0.1:50051", "http": "127.0.0.1:8080", "admin": "127.0.0.1:9901"}
    assert (config.store, config.store_kind) == ("sqlite:antiphon.db", "sqlite")
    assert (config.limiter, config.limiter_kind) == ("memory", "memory")
    assert {name: model.provider for name, model in config.models.items()} == {"echo": "scripted"}
    assert {name: provider.kind for name, provider in config.providers.items()} == {"scripted": "scripted"}
    assert config.keys == ()
    assert (config.max_request_bytes, config.retention) == (64 * 2**20, timedelta(days=30))
    assert (config.drain.lame_duck, config.drain.grace) == (2.0, 60.0)
    assert (config.history.max_depth, config.history.max_bytes) == (1000, 64 * 2**20)
    assert timeouts(config.models["echo"].timeout) == Timeouts()
    assert config.models["echo"].retrying() == Retry()
    assert config.usage.retention == timedelta(days=400)
    assert (config.telemetry.otlp.endpoint, config.telemetry.log_level) == (None, "info")
    assert config.warnings == []


def test_a_key_for_openai_adds_its_models() -> None:
    config = load(None, {"OPENAI_API_KEY": f"{CANARY}\r\n", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"})
    assert dict(config.providers["openai"].options) == {"api_key": CANARY, "base_url": "http://127.0.0.1:1/v1"}
    assert {name for name, model in config.models.items() if model.provider == "openai"} == {
        *("gpt-*", "o1*", "o3*", "o4*", "chatgpt-*", "codex-*", "computer-use-*")
    }
    assert config.models["gpt-*"].model is None


@pytest.mark.parametrize(
    ("variable", "provider", "kind", "options", "model"),
    [
        ("ANTHROPIC_API_KEY", "anthropic", "anthropic", {}, "claude-*"),
        ("GEMINI_API_KEY", "gemini", "gemini", {}, "gemini-*"),
        ("GOOGLE_API_KEY", "gemini", "gemini", {}, "gemini-*"),
        ("DEEPSEEK_API_KEY", "deepseek", "chat_completions", {"preset": "deepseek"}, "deepseek-*"),
        ("MOONSHOT_API_KEY", "moonshot", "chat_completions", {"preset": "moonshot"}, "kimi-*"),
        ("XAI_API_KEY", "xai", "chat_completions", {"preset": "xai"}, "grok-*"),
        ("MISTRAL_API_KEY", "mistral", "chat_completions", {"preset": "mistral"}, "mistral-*"),
    ],
)
def test_a_vendors_key_adds_its_models(
    variable: str, provider: str, kind: str, options: dict[str, str], model: str
) -> None:
    config = load(None, {variable: f"{CANARY}\n"})
    assert list(config.providers) == ["scripted", provider]
    assert config.providers[provider].kind == kind
    assert dict(config.providers[provider].options) == options | {"api_key": CANARY}
    assert (config.models[model].provider, config.models[model].model) == (provider, None)
    registry.provider(kind)(provider, config.providers[provider].options)  # raises where they do not fit


def test_keys_of_several_vendors_add_the_models_of_all() -> None:
    config = load(
        None, {"OPENAI_API_KEY": CANARY, "ANTHROPIC_API_KEY": CANARY, "ANTHROPIC_BASE_URL": "http://127.0.0.1:1"}
    )
    assert list(config.providers) == ["scripted", "openai", "anthropic"]
    assert config.providers["anthropic"].options["base_url"] == "http://127.0.0.1:1"
    assert {model.provider for model in config.models.values()} == {"scripted", "openai", "anthropic"}


@pytest.mark.parametrize("environ", [{}, {"OPENAI_API_KEY": ""}, {"OPENAI_BASE_URL": "http://127.0.0.1:1"}])
def test_without_a_key_openai_is_left_out(environ: dict[str, str]) -> None:
    assert list(load(None, environ).providers) == ["scripted"]


def test_an_unusable_key_for_openai_is_refused_by_name() -> None:
    with pytest.raises(ConfigError) as raised:
        load(None, {"OPENAI_API_KEY": f"{CANARY}\r\nX-Other: 1"})
    assert raised.value.problems == ["the environment variable OPENAI_API_KEY holds control characters"]


def test_models_of_the_file_replace_the_default_ones() -> None:
    config = parse("models: {demo: {provider: scripted, model: echo}}", {"OPENAI_API_KEY": CANARY})
    assert [(name, model.provider, model.model) for name, model in config.models.items()] == [
        ("demo", "scripted", "echo")
    ]
    assert "openai" not in config.providers


def test_the_files_openai_provider_serves_the_default_models() -> None:
    config = parse("providers: {openai: {kind: openai, api_key: own}}", {"OPENAI_API_KEY": CANARY})
    assert dict(config.providers["openai"].options) == {"api_key": "own"}
    assert config.models["gpt-*"].provider == "openai"


def test_everything_that_can_be_said() -> None:
    config = parse(
        """
        listen: {grpc: "[::1]:0", http: null, admin: "localhost:9"}
        store: "sqlite:${DIR}/a.db"
        limiter: memory
        providers:
          mock: {kind: openai, base_url: "http://127.0.0.1/v1", api_key: "${MOCK_KEY}", limit: 3, from: 2024-06-01}
        models:
          fast: {provider: mock, model: qwen3-8b, timeout: {connect: 500ms, first_event: 30, idle: 1.5m, total: "${T}"}}
          "claude-*": {provider: mock}
          best:
            targets: [{model: claude-1, weight: 3, timeout: {idle: 1s}, limits: {rpm: 5}}, {model: fast}]
            strategy: round_robin
            retry: {attempts: 4, max_wait: 1s, cooldown: 0}
            limits: {concurrency: 8}
        tenants: {team: {limits: {tpm: 1000, tpd: "${TPD}"}, capture_content: true}}
        telemetry: {otlp: {endpoint: "http://127.0.0.1:4317", metrics: true}, sample: 0.5, log_level: warning}
        usage: {retention: null}
        reload: {watch: false}
        keys:
          - {name: dev, key: "${KEY:-ak-0123456789abcdef}", tenant: team, models: ["claude-*"], limits: {rps: 2}}
          - {name: ops, key: "ak-0123456789abcdefg"}
        max_request_bytes: 1MiB
        retention: null
        drain: {lame_duck: 0, grace: 2m}
        history: {max_depth: "${DEPTH}", max_bytes: 512KiB}
        """,
        {"DIR": "/var/lib", "MOCK_KEY": f"{CANARY}\n", "T": "1h", "DEPTH": "7", "TPD": "5000"},
    )
    assert (config.listen.grpc, config.listen.http, config.listen.admin) == ("[::1]:0", None, "localhost:9")
    assert config.store == "sqlite:/var/lib/a.db"
    assert dict(config.providers["mock"].options) == {
        "base_url": "http://127.0.0.1/v1",
        "api_key": CANARY,
        "limit": 3,
        "from": "2024-06-01",
    }
    assert timeouts(config.models["fast"].timeout) == Timeouts(connect=0.5, first_event=30.0, idle=90.0, total=3600.0)
    assert [(key.name, key.tenant, key.models) for key in config.keys] == [
        ("dev", "team", ("claude-*",)),
        ("ops", "ops", ("*",)),
    ]
    assert config.keys[0].limits.of("key:dev") == (Limit("key:dev", Kind.REQUESTS, 2, 1.0),)
    assert config.tenants["team"].limits.of("tenant:team") == (
        Limit("tenant:team", Kind.TOKENS, 1000, 60.0),
        Limit("tenant:team", Kind.TOKENS, 5000, 86400.0),
    )
    best = config.models["best"]
    assert [(target.model, target.weight) for target in best.targets] == [("claude-1", 3), ("fast", 1)]
    assert (best.choosing(), best.retrying()) == (Strategy.ROUND_ROBIN, Retry(4, 1.0, 0.0))
    assert (config.telemetry.sample, config.usage.retention, config.reload.watch) == (0.5, None, False)
    assert config.keys[0].key.get_secret_value() == "ak-0123456789abcdef"
    assert (config.max_request_bytes, config.retention) == (2**20, None)
    assert (config.drain.lame_duck, config.drain.grace) == (0.0, 120.0)
    assert (config.history.max_depth, config.history.max_bytes) == (7, 512 * 1024)


@pytest.mark.parametrize("kind", ["redis", "rediss"])
def test_a_limiter_may_be_elsewhere(kind: str) -> None:
    config = parse(f"limiter: '{kind}://:${{PASSWORD}}@h:1/2?lease=5s'", {"PASSWORD": CANARY})
    assert (config.limiter, config.limiter_kind) == (f"{kind}://:{CANARY}@h:1/2?lease=5s", kind)


def test_a_configuration_cannot_be_changed() -> None:
    config = load(None, {})
    with pytest.raises(ValueError, match="frozen"):
        config.store = "memory"  # type: ignore[misc]
    models: Any = config.models
    with pytest.raises(TypeError):
        models["more"] = config.models["echo"]


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    text = """
listen: {grpc: "0.0.0.0:1", htp: x}
store: postgresql://u:p@h/d
models:
  a: {provider: nowhere, timeout: {idle: soon}}
  b: {targets: []}
keys: []
retention: 3x
"""
    found = problems(text)
    assert [line.split(":")[0] for line in found] == ["2", "2", "3", "5", "5", "6", "8"]
    assert [line.split(": ")[1] for line in found] == [
        "listen.grpc",
        "listen.htp",
        "store",
        "models.a.provider",
        "models.a.timeout.idle",
        "models.b",
        "retention",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lisen: {}", "1: lisen: unknown key; did you mean 'listen'?"),
        ("zzz: 1", "1: zzz: unknown key; known here: listen, store, limiter"),
        ("drain: {gracious: 1}", "1: drain.gracious: unknown key; did you mean 'grace'?"),
        (f"listen: {{{CANARY}-: 1}}", "1: listen: has an unknown key that is not a plain word; known here: grpc"),
        ("listen: null", "1: listen: must be a mapping of keys to values"),
        ("listen: {grpc: 50051}", "1: listen.grpc: must be a string; put it in quotes"),
        ("listen: {grpc: '50051'}", "1: listen.grpc: must be HOST:PORT"),
        ("listen: {grpc: ':50051'}", "1: listen.grpc: needs a host"),
        ("listen: {grpc: '127.0.0.1:65536'}", "1: listen.grpc: must be HOST:PORT"),
        ("listen: {grpc: '[12]:1'}", "1: listen.grpc: holds no IPv6 address"),
        ("listen: {grpc: '::1:50051'}", "1: listen.grpc: must be HOST:PORT"),
        ("listen: {grpc: null, http: null}", "1: listen: has neither grpc nor http"),
        ("listen: {grpc: 'localhost:1', http: 'localhost:1'}", "1: listen.http: is the address of listen.grpc"),
        ("store: nothing", "1: store: is not of a kind that is installed; installed: "),
        ("store: redis://h", "1: store: redis: is not supported by this version"),
        ("store: 'sqlite:'", "1: store: needs the path"),
        ("limiter: none", "1: limiter: is not of a kind that is installed; installed: memory, redis, rediss"),
        ("limiter: valkey://h", "1: limiter: is not of a kind that is installed; installed: "),
        ("limiter: 'redis:'", "1: limiter: needs the address of the server: redis://HOST:PORT/DB"),
        ("limiter: rediss:h", "1: limiter: needs the address of the server: rediss://HOST:PORT/DB"),
        ("providers: {a: {}}", "1: providers.a.kind: is required"),
        ("providers: {a: scripted}", "1: providers.a: must be a mapping"),
        ("providers: []", "1: providers: must be a mapping"),
        ("providers: {a: {kind: openia}}", "1: providers.a.kind: is not of a kind that is installed; installed: "),
        ("providers: {'a b': {kind: openai}}", '1: providers["a b"]: must be named with'),
        ("providers: {a: {kind: openai, 'a b': 1}}", "1: providers.a: has an option that is not a plain word"),
        ("providers: {a: {kind: openai, api_key: ''}}", "1: providers.a.api_key: is empty"),
        ('providers: {a: {kind: openai, api_key: "a\\nb"}}', "1: providers.a.api_key: holds control"),
        ('providers: {a: {kind: openai, headers: {x: "a\\0b"}}}', "1: providers.a.headers.x: holds control"),
        ("models: {}", "1: models: names no model"),
        ("models: null", "1: models: must be a mapping"),
        ("models: {m: null}", "1: models.m: must be a mapping"),
        (
            "models: {m: {provider: openai}}",
            "1: models.m.provider: names no provider under 'providers'; known: scripted",
        ),
        ("models: {'../m': {provider: scripted}}", '1: models["../m"]: is not a name that a model can have'),
        ("models: {'*a*b*c*': {provider: scripted}}", '1: models["*a*b*c*"]: is not a name'),
        ("models: {m: {provider: scripted, model: 'x*'}}", "1: models.m.model: must be the provider's name"),
        ("models: {m: {provider: scripted, strategy: failover}}", "1: models.m: has a strategy but no targets"),
        (
            "models: {m: {provider: scripted, unsupported: drop}}",
            "1: models.m.unsupported: must be 'refuse' or 'report'",
        ),
        ("models: {m: {provider: scripted, state: upstream}}", "1: models.m.state: is not supported by"),
        ("models: {m: {provider: scripted, state: upstream}}", "1: models.m.state: is not supported by this version"),
        ("models: {m: {provider: scripted, state: x}}", "1: models.m.state: is not supported by"),
        ("models: {m: {provider: scripted, on_disconnect: x}}", "1: models.m.on_disconnect: "),
        ("models: {m: {provider: scripted, timeout: 5s}}", "1: models.m.timeout: must be a mapping"),
        ("models: {m: {provider: scripted, timeout: {total: 0}}}", "1: models.m.timeout.total: must be more than 0"),
        ("models: {m: {provider: scripted, timeout: {total: .inf}}}", "1: models.m.timeout.total: must be a duration"),
        ("models: {m: {provider: scripted, timeout: {total: true}}}", "1: models.m.timeout.total: must be a duration"),
        ("models: {m: {provider: scripted, timeout: {total: 8d}}}", "1: models.m.timeout.total: must be more than 0"),
        ("models: {m: {provider: scripted, timeout: {all: 1}}}", "1: models.m.timeout.all: unknown key"),
        ("keys: {}", "1: keys: must be a list"),
        ("keys: [x]", "1: keys[0]: must be a mapping"),
        ("keys: [{name: a}]", "1: keys[0].key: is required"),
        ("keys: [{key: 0123456789abcdef0}]", "1: keys[0].name: is required"),
        ("keys: [{name: a, key: 1234567890123456}]", "1: keys[0].key: must be a string; put it in quotes"),
        ("keys: [{name: a, key: ''}]", "1: keys[0].key: is empty"),
        ("keys: [{name: a, key: 'a b'}]", "1: keys[0].key: must be at most 512 visible ASCII characters"),
        ("keys: [{name: a, key: 'schlüssel'}]", "1: keys[0].key: must be at most 512 visible ASCII characters"),
        ('keys: [{name: a, key: "a\\tb"}]', "1: keys[0].key: holds control characters"),
        ("keys: [{name: a, key: b, limits: {rpm: 0}}]", "1: keys[0].limits.rpm: must be a whole number from 1"),
        ("keys: [{name: a, key: b, limits: {rph: 1}}]", "1: keys[0].limits.rph: unknown key; did you mean 'rp"),
        ("tenants: {t: {limits: {tpm: 1.5}}}", "1: tenants.t.limits.tpm: must be a whole number from 1"),
        ("telemetry: {otlp: {endpont: x}}", "1: telemetry.otlp.endpont: unknown key; did you mean 'endpoint'?"),
        ("telemetry: {otlp: {endpoint: 'x:4317'}}", "1: telemetry.otlp.endpoint: must be http://HOST:PORT"),
        ("telemetry: {otlp: {endpoint: 'http://u:p@x:4317'}}", "1: telemetry.otlp.endpoint: must be http://HOST:PORT"),
        ("telemetry: {otlp: {endpoint: 'http://x/v1/traces'}}", "1: telemetry.otlp.endpoint: must be http://HOST:PORT"),
        ("store: 'sqlite:?busy_timeout=1'", "1: store: needs the path of the database"),
        ("limiter: 'redis:?timeout=1s'", "1: limiter: needs the address of the server: redis://HOST:PORT/DB"),
        ("telemetry: {sample: 2}", "1: telemetry.sample: must be a number from 0 to 1"),
        ("models: {m: {model: x}}", "1: models.m: needs a provider, or targets"),
        ("models: {m: {targets: []}}", "1: models.m: targets names no model"),
        ("models: {m: {targets: [{model: n}]}}", "1: models.m.targets[0].model: names no model under 'models'"),
        (
            "models: {a: {provider: scripted}, m: {targets: [{model: m}, {model: a}]}}",
            "1: models.m.targets[0].model: has targets itself",
        ),
        (
            "models: {a: {provider: scripted}, m: {targets: [{model: a}, {model: a}]}}",
            "1: models.m.targets[1].model: is the same as targets[0].model",
        ),
        (
            "models: {a: {provider: scripted}, m: {provider: scripted, targets: [{model: a}]}}",
            "1: models.m: has targets, so it can have no provider",
        ),
        ("models: {m: {provider: scripted, retry: {attempts: 0}}}", "1: models.m.retry.attempts: must be a whole"),
        ("keys: [{name: a, key: b, models: '*'}]", "1: keys[0].models: must be a list"),
        ("keys: [{name: a, key: b, models: ['']}]", "1: keys[0].models[0]: must be the name of a model"),
        ("keys: [{name: a, key: b}, {name: a, key: c}]", "1: keys[1].name: is the same as keys[0].name"),
        ('keys: [{name: a, key: b}, {name: c, key: "b\\n"}]', "1: keys[1].key: is the same as keys[0].key"),
        ("max_request_bytes: 64XiB", "1: max_request_bytes: must be a number of bytes"),
        ("max_request_bytes: 10", "1: max_request_bytes: must be at least 1KiB"),
        ("max_request_bytes: 4GiB", "1: max_request_bytes: must be at least 1KiB and less than 2GiB"),
        ("retention: 0", "1: retention: must be from 1s"),
        ("retention: 99999999d", "1: retention: must be from 1s"),
        ("history: {max_depth: 0}", "1: history.max_depth: must be a whole number"),
        ("history: {max_depth: true}", "1: history.max_depth: must be a whole number"),
        ("on_disconnect: cancel", "1: on_disconnect: is not supported by this version"),
    ],
)
def test_refuses(text: str, expected: str) -> None:
    (found,) = problems(text)
    assert found.startswith(expected)
    assert CANARY not in found


@pytest.mark.parametrize("listener", ["grpc", "http", "admin"])
@pytest.mark.parametrize(
    "host", ["0.0.0.0", "[::]", "10.0.0.1", "example.com", "127.0.0.1.example.com", "[::ffff:10.0.0.1]", "127.1"]
)
def test_without_keys_only_loopback_is_listened_on(listener: str, host: str) -> None:
    text = f"listen: {{{listener}: '{host}:0'}}\n"
    (found,) = problems(text)
    assert found.startswith(f"1: listen.{listener}: can be reached from outside, and without keys anyone")
    keyed: Config = parse(text + "keys: [{name: a, key: ak-0123456789abcdef}]", {})
    assert getattr(keyed.listen, listener) == f"{host}:0"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "[::1]", "localhost", "LOCALHOST"])
def test_loopback_needs_no_keys(host: str) -> None:
    assert parse(f"listen: {{grpc: '{host}:0'}}", {}).listen.grpc == f"{host}:0"


def test_a_key_that_cannot_be_resolved_still_counts_as_one() -> None:
    text = "listen: {grpc: '0.0.0.0:1'}\nkeys: [{name: a, key: '${NONE}'}, {name: b, key: '${NONE}'}]"
    assert problems(text) == [
        "2: keys[0].key: the environment variable NONE is not set",
        "2: keys[1].key: the environment variable NONE is not set",
    ]


def test_a_short_key_is_warned_of() -> None:
    config = parse("keys: [{name: a, key: 0123456789abcdeg}, {name: b, key: short}]", {})
    assert len(config.warnings) == 1
    assert config.warnings[0].startswith("keys[1].key: has fewer than 16 characters")
    assert "short" not in config.warnings[0]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"store: memory\n# caf\xe9")
    (tmp_path / "large").write_bytes(b"#" * (2**20 + 1))
    (tmp_path / "empty").write_bytes(b"# nothing\n")
    for name, expected in [
        ("none", ": cannot be read: No such file or directory"),
        ("", ": cannot be read: Is a directory"),
        ("latin", ":2: is not UTF-8 text"),
        ("large", ": is larger than 1 MiB"),
        ("empty", ": the file holds no settings; to run on the defaults name no file"),
    ]:
        with pytest.raises(ConfigError) as raised:
            load(tmp_path / name, {})
        assert raised.value.problems == [f"{tmp_path / name}{expected}"]


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfstore: memory\n")
    assert load(tmp_path / "bom.yaml", {}).store == "memory"
