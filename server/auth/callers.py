"""What the configuration says of a caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from server.auth.base import Caller

if TYPE_CHECKING:
    from server.config.schema import LimitsConfig, TenantConfig


def caller(
    tenant: str,
    key: str,
    models: tuple[str, ...],
    limits: LimitsConfig | None,
    tenants: Mapping[str, TenantConfig],
) -> Caller:
    """The caller that a key stands for, with the limits of the key and of its tenant."""
    own = limits.of(f"key:{key}") if limits is not None else ()
    shared = tenants.get(tenant)
    if shared is None:
        return Caller(tenant, key, models, own)
    return Caller(tenant, key, models, own + shared.limits.of(f"tenant:{tenant}"), shared.capture_content)
