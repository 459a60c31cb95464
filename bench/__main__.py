"""Measures Antiphon and prints tables: `python -m bench`.

    --only codec|adapters|governed|layouts    one of the parts
    --quick                 few rounds, to see that all is well
    --layout NAME           only this layout; may be repeated (a ratio needs the floor in the same run)
    --connections N         how many requests are under way at once, 16 if not told; 1 takes queueing out
    --profile FOLDER        runs the measured processes under cProfile, one file each

It passes no judgement: a time never makes it fail. It fails when something
could not be measured. cProfile slows everything down, and unevenly; to see
where time goes in a process that runs at its own speed, attach a sampling
profiler while the bench runs: `py-spy record --native --pid PID`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import adapters, codec, governed, layouts, machine


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=("codec", "adapters", "governed", "layouts"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, help="rounds that the medians are taken of")
    parser.add_argument("--requests", type=int, help="requests per round; half as many streams")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--layout", action="append", choices=tuple(layouts.ENTRIES))
    parser.add_argument("--profile", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    print(machine.describe(), end="\n\n", flush=True)
    if options.only in (None, "codec"):
        print("Codec\n\n" + codec.report(repeats=5 if options.quick else 25), end="\n\n", flush=True)
    if options.only in (None, "adapters"):
        print("Adapters\n\n" + adapters.report(rounds=5 if options.quick else 25), end="\n\n", flush=True)
    if options.only in (None, "governed"):
        size = {"rounds": 5, "calls": 500} if options.quick else {"rounds": 15, "calls": 2000}
        print("Limits, usage, metrics, traces and logs\n\n" + governed.report(**size), end="\n\n", flush=True)
    faults: list[str] = []
    if options.only in (None, "layouts"):
        rounds = options.rounds or (3 if options.quick else 5)
        requests = options.requests or (400 if options.quick else 2000)
        if options.profile is not None:
            options.profile.mkdir(parents=True, exist_ok=True)
        print(
            f"Layouts: medians of {rounds} rounds, connections on loopback: {options.connections}. The CPU time of the"
        )
        print(
            "upstream and of the load generator is not counted. Layouts run at their own full speed, not at one rate:"
        )
        print("with many connections the slower of two layouts in two processes is flattered; see --connections 1.\n")
        sys.stdout.flush()
        names = options.layout or list(layouts.ENTRIES)
        result = layouts.measure(names, rounds, requests, options.connections, options.profile)
        print(result.report)
        if options.profile is not None:
            print(f"\nUnder cProfile: these times are good for nothing. Profiles: {options.profile}")
        faults = result.faults
    for fault in faults:
        print("\nnot measured: " + fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
