"""Compares two commits by one benchmark, side by side.

    host/benches/reports/diff.py A B [--bench count] [--profile quick] [-- OPTIONS OF THE BENCHMARK]
    host/benches/reports/diff.py --against-base [--limit 2]

Checks both commits out into target/bench-diff, builds and runs the benchmark in each, and prints
a table of differences. The default benchmark, `count`, counts instructions: a difference comes
from the code, however busy the machine is. The default profile is `quick`; `release`, which users
install, takes minutes more to link. Both commits must have the benchmark. The working tree stays
as it is: `git stash create` makes a commit of uncommitted changes.

`--against-base` compares HEAD with the commit that docs/measured names, and fails where a loop
costs more instructions than the limit allows (percent).
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def measured(commit, bench, profile, options):
    """The report of the benchmark at a commit."""
    tree = TARGET / "bench-diff" / commit
    if not tree.exists():
        git("worktree", "prune")
        git("worktree", "add", "--detach", str(tree), commit)
    # One folder for both, so that common dependencies are built once. The crates of both trees have
    # the same names in it, so those of the other tree are removed.
    # Incremental builds split a crate into more parts, which are inlined less: their counts
    # compare nothing.
    environment = os.environ | {"CARGO_TARGET_DIR": str(TARGET), "CARGO_INCREMENTAL": "0"}
    subprocess.run(["cargo", "clean", "--workspace", "--quiet", "--profile", profile], cwd=tree, env=environment, check=True)
    command = ["cargo", "bench", "--package", "mockfleet", "--quiet", "--profile", profile, "--", bench, *options]
    subprocess.run(command, cwd=tree, env=environment, check=True)
    return json.loads((TARGET / "bench" / f"{bench}.json").read_text())


def base(bench):
    """The commit at which the kept report of the benchmark was measured."""
    report = json.loads((ROOT / "docs" / "measured" / f"{bench}.json").read_text())
    return report["commit"].split()[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("a", nargs="?", help="the commit before")
    parser.add_argument("b", nargs="?", default="HEAD", help="the commit after")
    parser.add_argument("--against-base", action="store_true", help="the commit before is that of docs/measured")
    parser.add_argument("--limit", type=float, help="fails where a figure grew by more percent (2 with --against-base)")
    parser.add_argument("--bench", default="count")
    parser.add_argument("--profile", default="quick")
    parser.add_argument("options", nargs="*", help="for the benchmark, behind --")
    arguments = parser.parse_args()
    if arguments.against_base == bool(arguments.a):
        parser.error("either two commits are compared, or --against-base: `diff.py A B`")
    if arguments.against_base:
        arguments.a = base(arguments.bench)
        arguments.limit = 2.0 if arguments.limit is None else arguments.limit
    commits = [git("rev-parse", "--verify", f"{name}^{{commit}}") for name in (arguments.a, arguments.b)]
    before, after = [measured(commit[:12], arguments.bench, arguments.profile, arguments.options) for commit in commits]
    figures = [{case["name"]: case["ours"] for case in report["cases"]} for report in (before, after)]
    names = list(dict.fromkeys([*figures[0], *figures[1]]))
    units = {case["name"]: case["unit"] for report in (before, after) for case in report["cases"]}
    print(f"| {arguments.bench} | {arguments.a} | {arguments.b} | change | spread |\n|---|---|---|---|---|")
    grown = []
    for name in names:
        a, b = figures[0].get(name), figures[1].get(name)
        shown = [f"{one['median']:,.1f}" if one else "" for one in (a, b)]
        change = spread = ""
        if a and b and a["median"]:
            growth = b["median"] / a["median"] - 1
            change = f"{growth:+.2%}"
            if arguments.limit is not None and growth * 100 > arguments.limit:
                grown.append(f"{name}: {growth:+.2%}")
            # How far the rounds of one commit lie apart: smaller changes say nothing.
            spread = f"± {max((one['high'] - one['low']) / one['median'] for one in (a, b)):.2%}"
        print(f"| {name} ({units[name]}) | {shown[0]} | {shown[1]} | {change} | {spread} |")
    if not any(name in figures[0] and name in figures[1] for name in names):
        sys.exit(f"the reports of {arguments.a} and {arguments.b} have no figure in common")
    if grown:
        sys.exit(f"above the limit of {arguments.limit:g} %: " + "; ".join(grown))


if __name__ == "__main__":
    main()
