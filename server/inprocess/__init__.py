"""A channel straight onto the server's own handlers, for clients in the same process.

It has the shape of `grpc.aio.Channel`, so generated stubs and their callers
cannot tell the difference, and it runs the same interceptors. Requests are
serialized and parsed as ever; responses are handed over. There is no socket,
and with one request no second task and no queue between the caller and the
method: a caller that is cancelled cancels the method where it stands. With a
stream of requests the method has a task of its own, and one message each way
waits at most.
"""

from server.inprocess.channel import Handlers, InProcessChannel

__all__ = ["Handlers", "InProcessChannel"]
