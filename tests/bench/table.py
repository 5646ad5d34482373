#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/performance.md from what the benches measured: table.py RESULTS OUTPUT.

RESULTS are JSON lines, one a figure, as bench.c writes them. Nothing is rounded in favour: a figure meets its goal if
its median does, and the quartiles stand beside it.
"""
import json
import sys
from pathlib import Path

QUIET = 1.5  # load average

INTRODUCTION = """
Written by tests/bench/table.py (`make bench-table` runs all benches first), from one run on one machine of the benches
below; those that are missing were not run. A goal is a bound, with what is aimed at in
brackets: `yes` is both, `goal` the bound alone. Absolute numbers are this machine's. `make bench` measures again and
writes nothing here; it needs root and ends where a verdict is not what it must be, whatever the times are.
"""

BENCHES = {
    "prog": ("The programs in the kernel", """
`BPF_PROG_TEST_RUN` of the shipped programs, one packet 200,000 times, CPU time of the call; the cases take turns in
each round. Each figure is net of the same round's empty program behind the same wrapper, which gives the run's socket
its owner and, for requests, its stream. Caches are hot: a floor. The verdict of every run is checked, and what it must
leave behind: counters, events, the query that is remembered, the addresses that are learnt; beside each allowed request
stands one that must be refused."""),
    "veth": ("What processes in pods see", """
Client and server in pods of their own, made by the CNI plugins bridge, portmap and nsp, judged by profiles that a real
policyd reads; beside them the same pods without nsp. All on one CPU. Of each round the difference, or the ratio. Every
answer is checked; at the end so are the pods' counters: nothing refused, names learnt, and where each query is to be an
event, as many violations as queries."""),
    "nspbench": ("The prototype's own bench", """
`nspbench [--rounds N] [DOMAIN...]`: DNS round trip for each domain, a socket for each query as resolver libraries do,
and an HTTP request with its connection; resolver and server are pods of this machine. In its authors' measurements
(SSTIC 2020, means, real resolvers behind it, another machine) the prototype added 79 µs to a query at best, and 416 µs
when it told user space."""),
    "cni": ("ADD and DEL", """
The bridge and portmap plugins alone and followed by nsp, in turns, each started by fork and exec as a runtime
does."""),
    "policyd": ("policyd", """
A changed file is renamed into place; a process with a live connection notes when it is refused, and when it may connect
again."""),
}
ORDER = list(BENCHES)


def number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def goal(line):
    if "goal" not in line:
        return "", ""
    value = line.get("median", line.get("value"))
    aim = f" ({line['aim']:g})" if "aim" in line else ""
    met = "yes" if value <= line.get("aim", line["goal"]) else "goal" if value <= line["goal"] else "**no**"
    return f"≤ {line['goal']:g}{aim}", met if aim else met.replace("goal", "yes")


def row(line):
    wanted, met = goal(line)
    name = line["figure"] + (f" ({line['remark']})" if "remark" in line else "")
    quartiles = f"{number(line['q1'])} .. {number(line['q3'])}" if "q1" in line else ""
    measured = number(line.get("median", line.get("value")))
    return f"| {name} | {line['unit']} | {wanted} | {measured} | {quartiles} | {met} |"


def tables(lines):
    """The figures of one bench, one table for each of its sections."""
    section = None
    for line in lines:
        if line.get("section", "") != section:
            section = line.get("section", "")
            yield ""
            if section:
                yield f"{section}:"
                yield ""
            yield "| figure | unit | goal (aim) | median | quartiles | met |"
            yield "| --- | --- | --- | ---: | --- | --- |"
        yield row(line)


def machine(lines):
    first, loads = lines[0], [line["load"] for line in lines]
    revisions = ", ".join(sorted({line["revision"] for line in lines}))
    yield f"- machine: {first['cpu']}, {first['cpus']} CPUs; Linux {first['kernel']}"
    yield f"- revision {revisions}, {first['date']}"
    yield f"- load average when the benches began: {min(loads):.1f} to {max(loads):.1f}"
    if max(loads) >= QUIET:
        yield f"- **The machine was busy (load {max(loads):.1f}): medians are too high, differences uncertain.**"


def document(lines):
    yield "# Figures"
    yield ""
    yield from INTRODUCTION.strip().splitlines()
    yield ""
    yield from machine(lines)
    for bench in ORDER:
        of_bench = [line for line in lines if line["bench"] == bench]
        if not of_bench:
            continue
        title, method = BENCHES[bench]
        rounds = max(line.get("rounds", 0) for line in of_bench)
        yield ""
        yield f"## {title}"
        yield f"{method}\n{rounds} rounds of `build/bench/{bench}`."
        yield from tables(of_bench)


def main():
    results, output = (Path(argument) for argument in sys.argv[1:3])
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    if not lines:
        sys.exit(f"{results}: no figures")
    output.write_text("\n".join(document(lines)) + "\n")


if __name__ == "__main__":
    main()
