#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random histories through the real object (runner.c) and the reference model (model.py); they must agree.

    harness.py [--seed N] [--count N] [--keep-going]

Prints TAP: a disagreement is made small and shown with both answers; the seed brings it back."""
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
from found import FOUND
from model import Pod
from parsers import Parsed
from policy import Policy

# What many histories must have shown, or they are worth little.
WANTED = ["FORWARDED NONE", "to a learnt address", "http: more", "http: bad", "http: tunnel", "tls: hello", "tls: bad",
          "query: query", "reply: answer"] + [f"DROPPED {reason}" for reason in (
              "UNKNOWN_BINARY", "UNTRUSTED_BINARY", "NO_DEFAULT", "L3_PROTOCOL", "ADDRESS", "L4_PROTOCOL", "L4_PORT",
              "L7_PROTOCOL", "FQDN_EXPIRED", "DNS_NAME", "DNS_MESSAGE", "DNS_UNASKED", "HTTP_REQUEST", "HTTP_AMBIGUOUS",
              "TLS_NAME", "TLS_HELLO", "STREAM", "ARP_SPOOFING", "IP_SPOOFING")]
SHOWN_MAX, LINE_MAX = 5, 3000  # disagreements, and what a line shows of one
ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = {"from_pod": 0, "to_pod": 1, "at_socket": 2}


class Runner:
    """The C side: a line of operations in, a line of answers out."""

    def __init__(self):
        build = pathlib.Path(os.environ.get("NSP_BUILD", "build"))
        self.process = subprocess.Popen([str(ROOT / build / "tests" / "model_runner")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1 << 20)

        self.send([["containers", generate_profiles.CONTAINERS]])
        self.receive()

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
    if step["do"] == "parse":
        return ["parse", [step["kind"], step["data"], step["cuts"]]]
    socket = None
    if step.get("socket") is not None:
        wanted = history["sockets"][step["socket"]]
        socket = [step["socket"], wanted["protocol"], wanted["type"], int(wanted["passive"]),
                  int(wanted["untrusted"]), wanted["path"],
                  generate_profiles.CONTAINERS.get(wanted["container"], 0)]
    begins = step.get("begins", False)
    return ["packet", [program_of(step), socket, frames.build(step).hex(), int(not is_last), int(begins),
                       frames.sequence_of(step)]]


def operations(history):
    """Of the last packet of each socket the program's own return value is seen; the first data of each side of a
    connection is its beginning."""
    begun = set()
    for step in history["steps"]:
        side = step.get("socket"), step.get("way")
        step["begins"] = bool(step.get("protocol") == 6 and step.get("payload") and side not in begun)
        begun |= {side} if step["begins"] else set()
    last = {step["socket"]: i for i, step in enumerate(history["steps"]) if step.get("socket") is not None}
    made = [["clear", None]]
    for i, step in enumerate(history["steps"]):
        is_last = last.get(step.get("socket")) == i and not is_missed(history, i)
        made.append(operation(step, history, is_last))
    return made


def is_missed(history, i):
    """Whether somebody goes to the peer of a connection later: it must be known to live."""
    step = history["steps"][i]
    return step["protocol"] == 6 and any(later.get("remote") == step["remote"] for later in history["steps"][i + 1:])


# --- comparing --------------------------------------------------------------------------------------------------------


class Seen:
    """The object's answer to a packet."""

    def __init__(self, answer):
        passes, _, tallies, shares = answer
        self.passes = None if passes < 0 else bool(passes)
        self.counted = [(VERDICTS[verdict], REASONS[reason]) for _, verdict, reason, count in tallies
                        for _ in range(count)]
        self.shares = [(VERDICTS[verdict], profile) for profile, verdict, count in shares for _ in range(count)]

    def __str__(self):
        passes = "" if self.passes is None else "passes, " if self.passes else "does not pass, "
        return f"{passes}counted {self.counted}, of {self.shares}"

    def is_as(self, expected):
        return (self.passes in (None, expected.passes) and fits(self.counted, expected.counted) and
                fits(self.shares, expected.shares))


def fits(seen, expected):
    """Whether each thing seen is another one of those expected, [(verdict, what it may be)...], and none is missing."""
    left = list(expected)
    for verdict, what in seen:
        fitting = [one for one in left if one[0] == verdict and what in one[1]]
        if not fitting:
            return False
        left.remove(min(fitting, key=lambda one: len(one[1])))
    return not left


def disagreement(pod, expected, answer):
    """What is wrong with the object's answer to one step, or None."""
    if isinstance(answer, dict):
        return answer["error"]
    if expected is None or (not isinstance(expected, Parsed) and expected.is_open):
        return None
    if isinstance(expected, Parsed):
        return expected.disagreement(answer)
    seen = Seen(answer)
    if not seen.is_as(expected) and expected.early:
        pod.find_early(expected)
    return None if seen.is_as(expected) else str(seen)


def take_step(pod, history, step, answer):
    """What the model says of it; None: nothing is to be seen."""
    if step["do"] == "packet":
        return pod.packet(step, history["sockets"])
    if step["do"] == "parse":
        return Parsed(step["kind"], bytes.fromhex(step["data"]))
    if step["do"] == "wait":
        pod.wait(step["seconds"])
    else:
        pod.apply(Policy(step["profiles"]), answer)
    return None


def compare(policy, history, answers, statistics):
    """(step number, what the model says, what is wrong) of the first disagreement, or None. answers: the revision in
    force at first, then that to each step."""
    pod = Pod(policy, answers[0])
    for i, (step, answer) in enumerate(zip(history["steps"], answers[1:])):
        expected = take_step(pod, history, step, answer)
        wrong = disagreement(pod, expected, answer)
        if wrong:
            return i, expected, wrong
        if isinstance(expected, Parsed):
            statistics[f"{step['kind']}: {answer[0]}"] += 1
        elif expected:
            statistics["packets"] += 1
            statistics["to a learnt address"] += expected.is_named
            for verdict, reasons in expected.counted or [("FORWARDED", {"NONE"})]:
                statistics[f"{verdict} {min(reasons)}"] += 1
    return None


# --- shrinking --------------------------------------------------------------------------------------------------------


def run_one(runner, profiles, history):
    runner.send([["apply", profiles]] + operations(history))
    answers = runner.receive()
    if any(isinstance(answer, dict) for answer in answers):
        return None  # a profile is not valid any more
    return compare(Policy(profiles), history, [answers[0]] + answers[2:], collections.Counter())


KEPT = ("metadata", "kind", "apiVersion", "labelSelector", "path", "name", "spec", "processes", "actions")


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
            if key not in KEPT:
                yield {k: v for k, v in value.items() if k != key}
        for key, item in value.items():
            if key not in ("metadata", "labelSelector"):
                for less in smaller(item):
                    yield {**value, key: less}


def shorter(step):
    """A stream to parse with a piece cut out of it."""
    if step["do"] != "parse":
        return
    data = step["data"]
    for size in (400, 80, 20, 6, 2):
        for at in range(0, len(data), size):
            yield {**step, "data": data[:at] + data[at + size:]}


def shrink(runner, profiles, history):
    """Greedily, for as long as they disagree."""
    deadline = time.monotonic() + 60
    found = run_one(runner, profiles, history)
    is_done = found is None
    while not is_done and time.monotonic() < deadline:
        is_done = True
        candidates = [(profiles, {**history, "steps": history["steps"][:i] + history["steps"][i + 1:]})
                      for i in range(len(history["steps"]))]
        candidates += [(profiles, {**history, "steps": history["steps"][:i] + [less] + history["steps"][i + 1:]})
                       for i, step in enumerate(history["steps"]) for less in shorter(step)]
        candidates += [(less, history) for less in smaller(profiles) if less]
        for candidate in candidates:
            again = run_one(runner, *candidate)
            if again:
                (profiles, history), found, is_done = candidate, again, False
                break
    return profiles, history, found


def report(place, profiles, history, found):
    lines = [f"profiles {json.dumps(profiles)}"]
    for i, step in enumerate(history["steps"]):
        owner = history["sockets"][step["socket"]] if step.get("socket") is not None else ""
        shown = {key: value for key, value in step.items() if key != "whole"}
        lines.append(f"step {i}: {json.dumps(shown)} {json.dumps(owner) if owner else ''}")
    if found:
        step, expected, wrong = found
        lines.append(f"at step {step} the model says: {expected}; the object: {wrong}")
    else:
        lines.append("both say the same of it: what must be is not, or it does not happen again alone")
    print(f"not ok {place}")
    print("\n".join("# " + line[:LINE_MAX] for line in lines), flush=True)


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
    if isinstance(answers[0], dict):
        raise SystemExit(f"Bail out! history {number}: {answers[0]} {json.dumps(made['profiles'])}")
    policy = Policy(made["profiles"])
    at, failed, revision = 1, [], answers[0]
    for i, history in enumerate(made["histories"]):
        length = 1 + len(history["steps"])
        if compare(policy, history, [revision] + answers[at + 1:at + length], statistics):
            failed.append((number + i, history))
        at += length
    return failed


def run_found(runner):
    """What was found once. How many of them fail."""
    failures = 0
    for number, (sentence, passes, profiles, sockets, steps) in enumerate(FOUND, 1):
        history = {"sockets": sockets, "steps": steps}
        runner.send([["apply", profiles]] + operations(history))
        answers = runner.receive()
        wrong = compare(Policy(profiles), history, [answers[0]] + answers[2:], collections.Counter())
        is_dropped = any(VERDICTS[verdict] == "DROPPED" for _, verdict, _, _ in answers[-1][2]) if not wrong else None
        if wrong or is_dropped == passes:
            failures += 1
            report(f"{number} {sentence}", profiles, history, wrong)
        else:
            print(f"ok {number} {sentence}")
    return failures


def run(runner, seed, count, statistics, keep_going):
    """The runner works on one batch while the answers to the one before are compared."""
    failures, waiting = 0, None
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
            if failures <= SHOWN_MAX:
                report(f"{len(FOUND) + failures} history {at} of seed {seed}",
                       *shrink(runner, last[1]["profiles"], history))
        if failures and not keep_going:
            break
        if failed and waiting:  # what shrinking has undone
            waiting = waiting[:2]
            send_batch(runner, made)
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
    runner = Runner()
    old_failures = run_found(runner)
    failures = run(runner, options.seed, options.count, statistics, options.keep_going)
    runner.close()
    for name, count in sorted(statistics.items()):
        print(f"# {count:8} {name}")
    print(f"# {time.monotonic() - started:.1f} s, {failures} disagreements")
    missing = [what for what in WANTED if options.count >= 10000 and not statistics[what]]
    if missing and not failures:
        failures = 1
        print(f"not ok {len(FOUND) + 1} histories in which this never happened: {', '.join(missing)}")
    if not failures:
        print(f"ok {len(FOUND) + 1} {options.count} random histories of seed {options.seed}: as profile.md says")
    print(f"1..{len(FOUND) + (min(failures, SHOWN_MAX) or 1)}")
    return failures + old_failures != 0


if __name__ == "__main__":
    sys.exit(main())
