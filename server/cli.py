"""The command `antiphon`: serve, check a configuration, make keys."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

# Everything else is imported by the command that needs it: `--help` answers at once.

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
    serve.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="configuration in YAML; default: the file named by ANTIPHON_CONFIG, else a demonstration on loopback",
    )

    check = commands.add_parser(
        "check",
        help="check a configuration",
        description=f"Says everything that is wrong with a configuration and exits with {EXIT_CONFIG}, or with 0.",
    )
    check.add_argument("file", type=Path, metavar="FILE", help="configuration in YAML")

    keys = commands.add_parser("keys", help="make keys for callers", description="Makes keys for callers.")
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("new", help="print a fresh random key", description="Prints a fresh random key, kept nowhere.")
    return parser


def _serve(file: Path | None) -> int:
    from server.config import ConfigError, ConfigFile, load

    if file is None and (named := os.environ.get("ANTIPHON_CONFIG")):
        file = Path(named)
    source = None if file is None else ConfigFile(file, os.environ)
    try:
        config = load(None, os.environ) if source is None else source.load()
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


def _new_key() -> int:
    import secrets

    print(f"ak-{secrets.token_urlsafe(32)}")
    return 0


def _print_errors(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)
