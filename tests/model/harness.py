#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random histories through the real object (runner.c) and the reference model (model.py); they must agree.

    harness.py [--seed N] [--count N] [--keep-going]

Prints TAP. A disagreement is made small and shown with both answers; the seed brings it back."""
import argparse
import collections
import itertools
import json
import os
import pathlib
import random
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # nothing made stands in the tree

import frames
import generate
import generate_profiles
from abi import REASONS, VERDICTS
from model import Answer, Pod

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = {"from_pod": 0, "to_pod": 1, "at_socket": 2}


class Runner:
    """The C side: a line of operations in, a line of answers out."""

    def __init__(self):
        build = pathlib.Path(os.environ.get("NSP_BUILD", "build"))
        self.process = subprocess.Popen([str(ROOT / build / "tests" / "model_runner")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1 << 20)

    def send(self, operations):
        self.process.stdin.write(json.dumps(operations) + "\n")
        self.process.stdin.flush()

    def receive(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("Bail out! the runner ended")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# --- the object's side ------------------------------------------------------------------------------------------------


def program_of(step):
    if step["way"] == "out":
        return PROGRAMS["from_pod"]
    return PROGRAMS["to_pod"] if step.get("socket") is None else PROGRAMS["at_socket"]


def operation(step, history, is_last):
    if step["do"] == "wait":
        return ["wait", step["seconds"] * 10**9]
    if step["do"] == "apply":
        return ["apply", step["profiles"]]
    socket = None
    if step.get("socket") is not None:
        wanted = history["sockets"][step["socket"]]
        socket = [step["socket"], wanted["protocol"], wanted["type"], int(wanted["passive"]),
                  int(wanted["untrusted"]), wanted["path"],
                  generate_profiles.CONTAINERS.get(wanted["container"], 0)]
    return ["packet", [program_of(step), socket, frames.build(step).hex(), int(not is_last)]]


def operations(history):
    """Of the last packet of each socket the program's own return value is seen."""
    last = {step["socket"]: i for i, step in enumerate(history["steps"]) if step.get("socket") is not None}
    return [["clear", None]] + [operation(step, history, last.get(step.get("socket")) == i)
                                for i, step in enumerate(history["steps"])]


# --- comparing --------------------------------------------------------------------------------------------------------


def expected_answers(profiles, history):
    pod = Pod(profiles)
    for step in history["steps"]:
        if step["do"] == "wait":
            pod.wait(step["seconds"])
            yield None
        elif step["do"] == "apply":
            pod.apply(step["profiles"])
            yield None
        else:
            yield pod.packet(step, history["sockets"])


def seen_answer(answer):
    """(passes or None, {verdict: {reason: count}})."""
    passes, _, tallies, _ = answer
    counted = {}
    for _, verdict, reason, count in tallies:
        counted.setdefault(VERDICTS[verdict], {})[REASONS[reason]] = count
    return None if passes < 0 else bool(passes), counted


def disagreement(expected, answer):
    """What is wrong with the object's answer to one step, or None."""
    if isinstance(answer, dict):
        return answer["error"]
    if expected is None:
        return None
    passes, counted = seen_answer(answer)
    if passes is not None and passes != expected.passes:
        return "passes" if passes else "does not pass"
    if counted.keys() != expected.counted.keys():
        return f"counted {counted}"
    for verdict, reasons in counted.items():
        if sum(reasons.values()) != 1 or not reasons.keys() <= expected.counted[verdict]:
            return f"counted {counted}"
    return None


def compare(profiles, history, answers, statistics):
    """(step number, what the model says, what is wrong) of the first disagreement, or None."""
    for i, (expected, answer) in enumerate(zip(expected_answers(profiles, history), answers[1:])):
        wrong = disagreement(expected, answer)
        if wrong:
            return i, expected, wrong
        if expected:
            statistics["steps"] += 1
            for verdict, reasons in (expected.counted or {"FORWARDED": {"NONE"}}).items():
                for reason in reasons:
                    statistics[f"{verdict} {reason}"] += 1
    return None


# --- shrinking --------------------------------------------------------------------------------------------------------


def run_one(runner, profiles, history):
    runner.send([["apply", profiles]] + operations(history))
    answers = runner.receive()
    if answers[0] is not True:
        return None  # no longer a valid profile
    return compare(profiles, history, answers[1:], collections.Counter())


def smaller(value):
    """Every way to take one thing out of a JSON tree."""
    if isinstance(value, list):
        for i in range(len(value)):
            yield value[:i] + value[i + 1:]
        for i, item in enumerate(value):
            for less in smaller(item):
                yield value[:i] + [less] + value[i + 1:]
    elif isinstance(value, dict):
        for key in value:
            if key not in ("metadata", "kind", "apiVersion", "labelSelector", "path", "name", "spec", "processes"):
                yield {k: v for k, v in value.items() if k != key}
        for key, item in value.items():
            if key not in ("metadata", "labelSelector"):
                for less in smaller(item):
                    yield {**value, key: less}


def shrink(runner, profiles, history):
    """Greedily, for as long as they disagree."""
    deadline = time.monotonic() + 60
    found = run_one(runner, profiles, history)
    is_done = found is None
    while not is_done and time.monotonic() < deadline:
        is_done = True
        candidates = [(profiles, {**history, "steps": history["steps"][:i] + history["steps"][i + 1:]})
                      for i in range(len(history["steps"]))]
        candidates += [(less, history) for less in smaller(profiles) if less]
        for candidate in candidates:
            again = run_one(runner, *candidate)
            if again:
                (profiles, history), found, is_done = candidate, again, False
                break
    return profiles, history, found


def report(seed, number, profiles, history, found):
    lines = [f"seed {seed}, history {number}", f"profiles {json.dumps(profiles)}"]
    for i, step in enumerate(history["steps"]):
        owner = history["sockets"][step["socket"]] if step.get("socket") is not None else ""
        lines.append(f"step {i}: {json.dumps(step)} {json.dumps(owner) if owner else ''}")
    if found:
        step, expected, wrong = found
        model = f"passes {expected.passes}, counted {expected.counted}" if isinstance(expected, Answer) else "nothing"
        lines.append(f"at step {step} the model says: {model}; the object: {wrong}")
    else:
        lines.append("alone it does not happen again")
    print("\n".join("# " + line for line in lines), flush=True)


# --- all together -----------------------------------------------------------------------------------------------------


def make_batches(seed, count):
    """Each batch has a seed of its own, so that it can be had without those before it."""
    number = 0
    while number < count:
        source = random.Random(f"{seed}/{number}")
        yield number, generate.with_change(source, generate.batch(source))
        number += generate.HISTORIES


def send_batch(runner, made):
    operations_ = [["apply", made["profiles"]]]
    for history in made["histories"]:
        operations_ += operations(history)
    runner.send(operations_)


def check_batch(number, made, answers, statistics):
    """The disagreements of a batch: [(history number, history)...]."""
    if answers[0] is not True:
        raise SystemExit(f"Bail out! history {number}: {answers[0]} {json.dumps(made['profiles'])}")
    at, failed = 1, []
    for i, history in enumerate(made["histories"]):
        length = 1 + len(history["steps"])
        if compare(made["profiles"], history, answers[at:at + length], statistics):
            failed.append((number + i, history))
        at += length
    return failed


def run(seed, count, statistics, keep_going):
    """The runner works on one batch while the answers to the one before are compared."""
    runner, failures, waiting = Runner(), 0, None
    for number, made in itertools.chain(make_batches(seed, count), [(None, None)]):
        last, answers = waiting, runner.receive() if waiting else None
        waiting = (number, made) if made else None
        if made:
            send_batch(runner, made)
        failed = check_batch(*last, answers, statistics) if last else []
        if failed and waiting:
            waiting = waiting + (runner.receive(),)
        for at, history in failed:
            failures += 1
            report(seed, at, *shrink(runner, last[1]["profiles"], history))
        if failures and not keep_going:
            break
        if failed and waiting:  # what shrinking has undone
            waiting = waiting[:2]
            send_batch(runner, made)
    runner.close()
    return failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "little"))
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--keep-going", action="store_true")
    options = parser.parse_args()
    statistics = collections.Counter()
    started = time.monotonic()
    print(f"# seed {options.seed}", flush=True)
    failures = run(options.seed, options.count, statistics, options.keep_going)
    for name, count in sorted(statistics.items()):
        print(f"# {count:8} {name}")
    print(f"# {time.monotonic() - started:.1f} s, {failures} disagreements")
    print(f"{'not ' if failures else ''}ok 1 {options.count} random histories: the object does what profile.md says")
    print("1..1")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
