"""Which models are served, to whom, and by which provider."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Mapping

from antiphon.responses import v1
from server.auth.base import Caller
from server.config.names import is_model_name, is_model_pattern
from server.config.schema import ModelConfig
from server.errors import ModelNotFound
from server.patterns import matches, specificity
from server.providers.base import Provider, Route

_MAX_QUOTED = 64


class Models:
    """The models of one configuration. An exact name comes before wildcards, a longer wildcard before a shorter."""

    def __init__(
        self, models: Mapping[str, ModelConfig], providers: Mapping[str, Provider], *, created: int | None = None
    ) -> None:
        """`providers` are the opened ones by name; `created` is when the models began to be served, default now."""
        self._created = int(time.time()) if created is None else created
        self._entries = dict(sorted(models.items(), key=lambda entry: (specificity(entry[0]), entry[0]), reverse=True))
        self._routes = {
            name: Route(providers[entry.provider], entry.provider, entry.model or "", entry.timeouts)
            for name, entry in self._entries.items()
        }
        self._wildcards = [name for name in self._entries if "*" in name]
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
            provider = self._entries[name].provider
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
                return self._model(name, self.resolve(name).provider_name)
            for model in self.listing(caller):
                if model.id == name:
                    return model
        raise _not_found(name)

    def _route(self, name: str) -> Route:
        if is_model_name(name):
            route = self._routes.get(name)
            if route is None:
                route = next((self._routes[wildcard] for wildcard in self._wildcards if matches(wildcard, name)), None)
            if route is not None:
                return route if route.upstream_model else dataclasses.replace(route, upstream_model=name)
        raise _not_found(name)

    def _model(self, name: str, provider: str) -> v1.Model:
        return v1.Model(id=name, created=self._created, owned_by=provider)


def _not_found(name: str) -> ModelNotFound:
    quoted = "".join(character if character.isprintable() else "\ufffd" for character in name[:_MAX_QUOTED])
    cut = "…" if len(name) > _MAX_QUOTED else ""
    return ModelNotFound(f"The model '{quoted}{cut}' does not exist or you do not have access to it.", param="model")
