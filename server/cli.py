"""The command `antiphon`: serve, check a configuration or a stream, make keys, print usage."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.config import Config, ConfigFile

# Everything else is imported by the command that needs it: `--help` answers at once.

#: What argparse exits with when a command is used wrongly.
EXIT_USAGE = 2
#: What sysexits.h calls EX_CONFIG.
EXIT_CONFIG = 78


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    options = _parser().parse_args(arguments)
    command: str = options.command
    if command == "serve":
        return _serve(options.config)
    if command == "check":
        return _check(options.file)
    if command == "check-stream":
        return _check_stream(options)
    if command == "usage":
        return _usage(options)
    return _new_key()


class _Version(argparse.Action):
    """Prints the version; finding it out takes longer than `--help` should."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"antiphon {version('antiphon')}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="antiphon",
        description="Serves OpenAI's Responses API as gRPC and HTTP in front of any model provider.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the server", description="Runs the server until SIGTERM.")
    _add_config(serve, otherwise="a demonstration on loopback")

    check = commands.add_parser(
        "check",
        help="check a configuration",
        description=f"Says everything that is wrong with a configuration and exits with {EXIT_CONFIG}, or with 0.",
    )
    check.add_argument("file", type=Path, metavar="FILE", help="configuration in YAML")

    _add_check_stream(commands)

    keys = commands.add_parser("keys", help="make keys for callers", description="Makes keys for callers.")
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("new", help="print a fresh random key", description="Prints a fresh random key, kept nowhere.")

    usage = commands.add_parser(
        "usage",
        help="print what was used",
        description="Sums what responses have used, from the store of a configuration, and prints it. "
        "The server may be running.",
    )
    _add_config(usage, otherwise="the default configuration")
    usage.add_argument(
        "--by",
        default="tenant,model",
        metavar="COLUMNS",
        help="what to sum by, of tenant, key, model, target, provider, upstream_model, outcome and day; "
        "'' for one sum over all; default: %(default)s",
    )
    usage.add_argument(
        "--since",
        default="24h",
        metavar="TIME",
        help="responses that began so long ago (90m, 24h, 7d) or at that time or later (2026-11-21, "
        "2026-11-21T10:00; in UTC unless it says otherwise); default: %(default)s",
    )
    usage.add_argument("--until", metavar="TIME", help="responses that began before that; default: now")
    usage.add_argument("--tenant", metavar="NAME", help="responses of this tenant only")
    formats = usage.add_mutually_exclusive_group()
    formats.add_argument("--json", dest="format", action="store_const", const="json", help="print one JSON document")
    formats.add_argument("--csv", dest="format", action="store_const", const="csv", help="print CSV")
    return parser


def _add_check_stream(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    stream = commands.add_parser(
        "check-stream",
        help="check a stream of events, of any server",
        description="Says whether a stream of Responses events obeys the protocol, whichever server it comes from. "
        "Exits with 0 when it is sound, with 1 when it is not, and with 2 when it cannot be read.",
    )
    stream.add_argument(
        "source",
        metavar="SOURCE",
        help="a file, or - for standard input, with server-sent events or one event as JSON in each line; an http:// "
        "or https:// URL; grpc://HOST:PORT",
    )
    stream.add_argument(
        "--data",
        metavar="JSON|@FILE",
        help='make a response of this request: POST it to the URL, with "stream": true set, or call '
        "StreamCreateResponse; without it the URL is read by GET",
    )
    stream.add_argument(
        "--response-id", metavar="ID", help="over gRPC: be told the response with this id, by StreamGetResponse"
    )
    stream.add_argument(
        "--starting-after",
        type=int,
        metavar="N",
        help="the stream was, or is to be, resumed after this sequence number; default: what the URL says",
    )
    stream.add_argument(
        "--header",
        dest="headers",
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="send this header, or metadata over gRPC; may be given several times",
    )
    stream.add_argument(
        "--api-key", metavar="KEY", help="the key to send as Authorization: Bearer; default: OPENAI_API_KEY"
    )
    stream.add_argument(
        "--timeout",
        default="10m",
        metavar="TIME",
        help="how long the server may be silent over HTTP, or the call last over gRPC; default: %(default)s",
    )
    stream.add_argument(
        "--cancelled-ok",
        action="store_true",
        help="the response may have been cancelled, so that its stream has no terminal event; for a URL the server is "
        "asked",
    )
    stream.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    stream.add_argument("--json", dest="as_json", action="store_true", help="print one JSON document")


def _add_config(command: argparse.ArgumentParser, *, otherwise: str) -> None:
    command.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"configuration in YAML; default: the file named by ANTIPHON_CONFIG, else {otherwise}",
    )


def _source(file: Path | None) -> ConfigFile | None:
    """The file to read the configuration from; None for the default configuration."""
    from server.config import ConfigFile

    if file is None and (named := os.environ.get("ANTIPHON_CONFIG")):
        file = Path(named)
    return None if file is None else ConfigFile(file, os.environ)


def _configuration(source: ConfigFile | None) -> Config:
    """Raises `ConfigError`."""
    from server.config import load

    return load(None, os.environ) if source is None else source.load()


def _serve(file: Path | None) -> int:
    from server.config import ConfigError

    source = _source(file)
    try:
        config = _configuration(source)
        _print_errors(f"warning: {warning}" for warning in config.warnings)
        from server.app import run

        return run(config, source)
    except ConfigError as error:
        _print_errors(error.problems)
        return EXIT_CONFIG


def _check(file: Path) -> int:
    from server.config import ConfigError, load

    try:
        config = load(file, os.environ)
        import asyncio

        from server.app import check

        asyncio.run(check(config))
    except ConfigError as error:
        _print_errors(error.problems)
        return EXIT_CONFIG
    _print_errors(f"warning: {warning}" for warning in config.warnings)
    listeners = ", ".join(f"{name} {address}" for name, address in config.listen if address)
    print(f"{file}: valid")
    print(f"  listens: {listeners}")
    print(f"  store: {config.store_kind}")
    print(f"  providers: {', '.join(sorted(config.providers))}")
    print(f"  models: {', '.join(sorted(config.models))}")
    print(f"  keys: {', '.join(key.name for key in config.keys) or 'none (loopback only, tenant default)'}")
    return 0


def _check_stream(options: argparse.Namespace) -> int:
    from server.checking.command import Question, WrongUsage, run

    try:
        question = Question.of(
            options.source,
            data=options.data,
            response_id=options.response_id,
            starting_after=options.starting_after,
            headers=options.headers,
            api_key=options.api_key or os.environ.get("OPENAI_API_KEY"),
            timeout=options.timeout,
            cancelled_ok=options.cancelled_ok,
            as_json=options.as_json,
            strict=options.strict,
        )
    except WrongUsage as error:
        _print_errors([f"antiphon check-stream: error: {error}"])
        return EXIT_USAGE
    return run(question)


def _usage(options: argparse.Namespace) -> int:
    from server.config import ConfigError
    from server.usage.command import Question, WrongUsage, run

    try:
        question = Question.of(
            by=options.by,
            since=options.since,
            until=options.until,
            tenant=options.tenant,
            format=options.format or "table",
        )
        return run(_configuration(_source(options.config)), question)
    except WrongUsage as error:
        _print_errors([f"antiphon usage: error: {error}"])
        return EXIT_USAGE
    except ConfigError as error:
        _print_errors(error.problems)
        return EXIT_CONFIG


def _new_key() -> int:
    import secrets

    print(f"ak-{secrets.token_urlsafe(32)}")
    return 0


def _print_errors(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)
