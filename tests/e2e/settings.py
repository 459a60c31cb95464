"""What a server whose every rule is tested is configured with, beside what all layouts have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from e2e_layouts import CANARY

#: Of each kind of key and of limited subject there are so many, all alike and counted apart: what one test uses up,
#: the next one has not.
_POOL: Final = 27
#: Likewise of groups, which remember the targets that failed.
_GROUPS: Final = 60
#: How many models are asked again when they fail. Tests may share them: each may be asked again ten times at least.
RETRIED: Final = 16
#: How many keys there are for calls whose time runs out: all of them at the same time.
TIMED: Final = 60

#: Keys by their kind, with their limits. The tenant of each is its own.
KEYS: Final[dict[str, Mapping[str, int]]] = {
    "rps": {"rps": 1},
    "rpm": {"rpm": 1},
    "rpd": {"rpd": 1},
    "tpm": {"tpm": 100},
    "tpd": {"tpd": 100},
    "concurrency": {"concurrency": 1},
    "slot": {"concurrency": 1},
    "ample": {"rpm": 1000, "tpm": 1000, "concurrency": 1},
    "budget": {"tpm": 205},
}
#: What limits the subject of a scope.
SCOPED: Final[dict[str, Mapping[str, int]]] = {
    "few": {"rpm": 2},
    "mixed": {"rpm": 1000, "tpm": 100, "concurrency": 1},
}
#: Whose limits there are, and how these are called.
SCOPES: Final = {
    "key": "key:key-{}",
    "tenant": "tenant:tenant-{}",
    "model": "model:model-{}",
    "group": "model:group-{}",
    "target": "target:target-{0}/plain-{0}",
    "targeted model": "model:targeted-{}",
}
#: How long a model, or the target of a group, waits for what.
TIMEOUTS: Final = {
    "late": {"first_event": "300ms"},
    "slow": {"total": "400ms"},
    "idle": {"idle": "300ms"},
    "endless": {"total": "2s"},
}
_ONCE: Final = {"retry": {"attempts": 1}}
_UP: Final = {"provider": "up"} | _ONCE


def secret(name: str) -> str:
    """The key of that name."""
    return f"ak-{CANARY}-{name}-0123456789"


def sections(mute: str) -> dict[str, Any]:
    """The sections; at the URL `mute` nobody ever answers."""
    models = _models()
    keys: list[dict[str, Any]] = []
    tenants: dict[str, Any] = {}

    def key(name: str, limits: Mapping[str, int], **more: Any) -> None:
        keys.append({"name": name, "key": secret(name), "limits": limits} | more)

    for number in range(_POOL):
        for kind, limits in KEYS.items():
            key(f"{kind}-{number}", limits)
        key(f"revoked-{number}", {})
        key(f"revoked-{number}-other", {}, tenant=f"revoked-{number}")
        key(f"narrow-{number}", {"rpd": 1}, models=["echo"])
    for number in range(TIMED):
        key(f"timed-{number}", {"concurrency": 1})
    for kind, limits in SCOPED.items():
        for name in (f"{kind}-{number}" for number in range(_POOL)):
            # Each scope is limited by itself, and has a model or a key beside it that is not.
            key(f"key-{name}", limits)
            tenants[f"tenant-{name}"] = {"limits": limits}
            for one in "ab":
                key(f"tenant-{name}-{one}", {}, tenant=f"tenant-{name}")
            plain, targeted = {"model": f"plain-{name}"}, {"model": f"targeted-{name}"}
            models |= {
                f"plain-{name}": _UP,
                f"model-{name}": _UP | {"limits": limits},
                f"group-{name}": {"targets": [plain], "limits": limits},
                f"target-{name}": {"targets": [plain | {"limits": limits}]},
                f"targeted-{name}": _UP | {"limits": limits},
                f"round-{name}": {"targets": [targeted]},
                f"passing-{name}": {"targets": [targeted, plain]},
            }
    providers = {"mute": {"kind": "openai", "base_url": mute, "api_key": "none"}}
    return {"providers": providers, "models": models, "keys": keys, "tenants": tenants}


def _models() -> dict[str, Any]:
    models: dict[str, Any] = {
        "mute": {"provider": "mute", "timeout": {"connect": "300ms"}} | _ONCE,
        "patient": {"provider": "mute"} | _ONCE,
        "mute-target": {"targets": [{"model": "patient", "timeout": {"connect": "300ms"}}], "timeout": {"total": "4s"}}
        | _ONCE,
        "refusing": {"provider": "closed", "retry": {"attempts": 2}},
    }
    for kind, timeout in TIMEOUTS.items():
        models[f"{kind}-model"] = _UP | {"timeout": timeout}
        models[f"{kind}-plain"] = _UP
        models[f"{kind}-target"] = {"targets": [{"model": f"{kind}-plain", "timeout": timeout}]} | _ONCE
    for number in range(RETRIED):
        models[f"retried-{number}"] = {"provider": "up", "retry": {"max_wait": "2s"}}
    for number in range(_GROUPS):
        first, second = {"model": f"first-{number}"}, {"model": f"second-{number}"}
        models |= {
            f"first-{number}": _UP,
            f"second-{number}": _UP,
            f"failover-{number}": {"targets": [first, second]},
            f"round_robin-{number}": {"targets": [first | {"weight": 2}, second], "strategy": "round_robin"},
            f"around-{number}": {"targets": [{"model": "refusing"}, second]},
        }
    return models
