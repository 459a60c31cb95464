"""Which models are served, to whom, and by which provider."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Mapping
from types import MappingProxyType

from antiphon.responses import v1
from server.auth.base import Caller
from server.config.names import is_model_name, is_model_pattern
from server.config.schema import ModelConfig, TargetConfig, timeouts
from server.errors import ModelNotFound
from server.patterns import matches, most_specific, specificity
from server.providers.base import OnDisconnect, Provider, Route, Target, Timeouts, Unsupported

_MAX_QUOTED = 64
#: Who owns a model that several providers serve.
_GROUP = "antiphon"


class Models:
    """The models of one configuration. An exact name comes before wildcards, a longer wildcard before a shorter."""

    def __init__(
        self,
        models: Mapping[str, ModelConfig],
        providers: Mapping[str, Provider],
        kinds: Mapping[str, str] = MappingProxyType({}),
        *,
        created: int | None = None,
    ) -> None:
        """`providers` are the opened ones by name, and `kinds` what each is of; `created` is when the models began
        to be served, default now."""
        self._created = int(time.time()) if created is None else created
        self._entries = dict(sorted(models.items(), key=lambda entry: (specificity(entry[0]), entry[0]), reverse=True))
        self._providers = providers
        self._kinds = kinds
        # Names that do not resolve are not kept: a raised error never is.
        self._cached = functools.lru_cache(maxsize=1024)(self._route)

    def resolve(self, name: str) -> Route:
        """Return where a request for a model goes. Raises `ModelNotFound`."""
        return self._cached(name)

    def listing(self, caller: Caller) -> list[v1.Model]:
        """Return the models that the caller may name, ordered by id.

        A wildcard is listed as it is configured. Where the caller may use only
        part of it, the part is listed.
        """
        owners: dict[str, str] = {}
        for name in reversed(self._entries):
            provider = self._entries[name].provider or _GROUP
            if caller.may_use(name):
                owners[name] = provider
            elif "*" in name:
                owners |= {part: provider for part in caller.models if matches(name, part)}
        return [self._model(name, owners[name]) for name in sorted(owners)]

    def get(self, caller: Caller, name: str) -> v1.Model:
        """Return a model that the caller may name. Raises `ModelNotFound`, alike for unknown and forbidden ones."""
        # Looked at before patterns are: the time they take grows with the name.
        if is_model_pattern(name) and caller.may_use(name):
            if "*" not in name:
                return self._model(name, self._entries[self._find(name)].provider or _GROUP)
            for model in self.listing(caller):
                if model.id == name:
                    return model
        raise _not_found(name)

    def _find(self, name: str) -> str:
        """The entry that stands for a name. Raises `ModelNotFound`."""
        found = most_specific(self._entries, name) if is_model_name(name) else None
        if found is None:
            raise _not_found(name)
        return found

    def _route(self, name: str) -> Route:
        found = self._find(name)
        entry = self._entries[found]
        limits = entry.limits.of(f"model:{found}")
        if not entry.targets:
            target = self._target(name, entry, timeouts(entry.timeout))
            return Route(
                found,
                (target,),
                target.timeouts.total,
                retry=entry.retrying(),
                limits=limits,
                on_disconnect=OnDisconnect(entry.on_disconnect),
            )
        targets = tuple(self._member(found, entry, target) for target in entry.targets)
        return Route(
            found,
            targets,
            timeouts(entry.timeout).total,
            entry.choosing(),
            entry.retrying(),
            limits,
            OnDisconnect(entry.on_disconnect),
        )

    def _member(self, group: str, entry: ModelConfig, target: TargetConfig) -> Target:
        """One of a group: a model with its own limits, which nobody gets round by naming the group instead."""
        found = self._find(target.model)
        chosen = self._entries[found]
        limits = chosen.limits.of(f"model:{found}") + target.limits.of(f"target:{group}/{target.model}")
        waits = timeouts(chosen.timeout, entry.timeout, target.timeout)
        member = self._target(target.model, chosen, waits)
        policy = Unsupported(entry.unsupported) if entry.unsupported else member.unsupported
        return dataclasses.replace(member, weight=target.weight, limits=limits, unsupported=policy)

    def _target(self, name: str, entry: ModelConfig, waits: Timeouts) -> Target:
        assert entry.provider is not None, "a target is no group: the configuration is checked for that"
        return Target(
            self._providers[entry.provider],
            entry.provider,
            self._kinds.get(entry.provider, entry.provider),
            entry.model or name,
            waits,
            name,
            unsupported=Unsupported(entry.unsupported or Unsupported.REFUSE),
        )

    def _model(self, name: str, provider: str) -> v1.Model:
        return v1.Model(id=name, created=self._created, owned_by=provider)


def _not_found(name: str) -> ModelNotFound:
    quoted = "".join(character if character.isprintable() else "\ufffd" for character in name[:_MAX_QUOTED])
    cut = "…" if len(name) > _MAX_QUOTED else ""
    return ModelNotFound(f"The model '{quoted}{cut}' does not exist or you do not have access to it.", param="model")
