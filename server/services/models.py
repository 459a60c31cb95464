"""The methods of ModelsService."""

from __future__ import annotations

import grpc.aio

from antiphon.responses import v1
from server.engine.input import validate
from server.interceptors import current


class ModelsService(v1.ModelsServiceServicer):
    """Tells which models the caller may use."""

    async def ListModels(
        self, request: v1.ListModelsRequest, context: grpc.aio.ServicerContext
    ) -> v1.ListModelsResponse:
        return v1.ListModelsResponse(data=current.generation.get().models.listing(current.caller.get()))

    async def GetModel(self, request: v1.GetModelRequest, context: grpc.aio.ServicerContext) -> v1.Model:
        validate.check(request)
        return current.generation.get().models.get(current.caller.get(), request.model)
