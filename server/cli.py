"""The command `antiphon`: serve, check a configuration, make keys, print usage."""

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
