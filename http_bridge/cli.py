"""The command `antiphon-bridge`: the HTTP API in a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

#: Answers may be as large as they are, and a server that comes back is found within a second.
_CHANNEL_OPTIONS: Final = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit status."""
    options = _parser().parse_args(arguments)
    import uvloop  # here, as all that is heavy: `--help` answers at once

    from http_bridge import log

    log.configure()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_serve(options))
        except (OSError, ValueError) as error:
            print(f"antiphon-bridge: cannot listen on {options.listen}: {error}", file=sys.stderr)
            return 1
    return 0


async def _serve(options: argparse.Namespace) -> None:
    import grpc

    from http_bridge.frontend import serve
    from http_bridge.tracing import open_traces

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop_once() -> None:
        # A second signal has its usual effect and ends the process at once.
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_once)
    async with (
        open_traces(options.otlp_endpoint) as traces,
        grpc.aio.insecure_channel(options.server, options=_CHANNEL_OPTIONS) as channel,
        serve(
            channel,
            listen=options.listen,
            max_request_bytes=options.max_request_bytes,
            keepalive=options.keepalive,
            grace=options.grace,
            traces=traces,
        ) as url,
    ):
        # What start-up made stays; many small messages need not set the collector off again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        print(f"antiphon-bridge: HTTP on {url}", flush=True)
        await stop.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="antiphon-bridge",
        description="Serves OpenAI's Responses API over HTTP in front of an Antiphon server.",
    )
    parser.add_argument("--server", metavar="HOST:PORT", required=True, help="where the gRPC server listens")
    parser.add_argument("--listen", metavar="HOST:PORT", default="127.0.0.1:8080", help="default: %(default)s")
    parser.add_argument(
        "--max-request-bytes", metavar="N", type=int, default=64 << 20, help="the largest body; default: %(default)s"
    )
    parser.add_argument(
        "--keepalive", metavar="S", type=float, default=15.0, help="a stream's longest silence; default: %(default)s"
    )
    parser.add_argument(
        "--grace", metavar="S", type=float, default=30.0, help="time to finish on SIGTERM; default: %(default)s"
    )
    parser.add_argument(
        "--otlp-endpoint",
        metavar="URL",
        default=os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
        help="where traces go, by OTLP over gRPC; default: $OTEL_EXPORTER_OTLP_ENDPOINT, or nowhere",
    )
    return parser
