"""What answers for methods that the contract does not have."""

from __future__ import annotations

from typing import NoReturn

import grpc
import grpc.aio

from server.errors import UnknownMethod
from server.interceptors.wrapping import INFRASTRUCTURE


class UnknownMethods(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Refuses every method, with the same details as any other error. Comes after all other handlers."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if handler_call_details.method.startswith(INFRASTRUCTURE):
            return None  # gRPC's own, which answers for itself
        return _REFUSAL


async def _refuse(request: bytes, context: grpc.aio.ServicerContext) -> NoReturn:
    raise UnknownMethod("There is no method of that name here.")


_REFUSAL = grpc.unary_unary_rpc_method_handler(_refuse)
