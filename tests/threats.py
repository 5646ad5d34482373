#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which test shows that which threat is met: writes tests/threats.md from threats.tsv and from the tests themselves.

A test says so where it begins: in bats by its title (@test "T38: ..." or "T38 T39: ..."), in C by a comment on the line
above the function or the row of a table (/* T38 */ or /* T38 T39 */), in Python by such a comment above the function.

threats.tsv: number, title and, for what this product cannot or does not yet meet, "outside: " and the reason, between
tabs. With --check nothing is written: it fails, and says why, where a threat has neither a test nor a reason, where a
test names one that is not in the list, and where threats.md is not what would be written.
"""
import re
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent
NUMBERS = r"T\d+(?:,? T\d+)*"
BATS = re.compile(rf'^@test "({NUMBERS}): (.*)" \{{$')
MARKER = re.compile(rf"^\s*(?:/\* ({NUMBERS}) \*/|# ({NUMBERS}))$")
C_FUNCTION = re.compile(r"^(?:static )?\w+ (\w+)\(")
C_ROW = re.compile(r'^\s*\{\s*"((?:[^"\\]|\\.)*)"')
PYTHON_FUNCTION = re.compile(r"^\s*def (\w+)\(")
ENTRY_OF_FUZZERS = "LLVMFuzzerTestOneInput"


def read_threats(path):
    """The rows of threats.tsv: {number: (title, reason)}."""
    threats = {}
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        number, title, *rest = line.split("\t")
        reason = rest[0].removeprefix("outside: ") if rest else ""
        if not re.fullmatch(r"T\d+", number) or number in threats or not title or (rest and reason == rest[0]):
            sys.exit(f"{path.name}: not a row, or the second of its number: {line}")
        threats[number] = (title, reason)
    return threats


def marked_name(path, line):
    """What a marker above this line marks, as a sentence."""
    patterns = [PYTHON_FUNCTION] if path.suffix == ".py" else [C_ROW, C_FUNCTION]
    for pattern in patterns:
        match = pattern.match(line)
        if match:
            name = match.group(1)
            return "every input" if name == ENTRY_OF_FUZZERS else name.replace("_", " ")
    return None


def marked_tests(path):
    """Yields (numbers, sentence) of each marked test in a file."""
    lines = path.read_text().splitlines()
    for line, following in zip(lines, lines[1:] + [""]):
        if path.suffix == ".bats":
            match = BATS.match(line)
            if match:
                yield re.findall(r"T\d+", match.group(1)), match.group(2).replace("\\`", "`")
            elif re.match(r'@test "T\d', line):
                sys.exit(f'{path}: expected @test "T38: ..." or "T38 T39: ...": {line}')
            continue
        match = MARKER.match(line)
        if not match:
            continue
        name = marked_name(path, following)
        if name is None:
            sys.exit(f"{path}: {line.strip()} marks no test: {following.strip()}")
        yield re.findall(r"T\d+", match.group(1) or match.group(2)), name


def find_tests():
    """{number: [(file, sentence)]} of all tests."""
    found = {}
    files = [path for path in TESTS.rglob("*") if path.suffix in (".bats", ".c", ".py") and path != Path(__file__)]
    for path in sorted(files):
        for numbers, sentence in marked_tests(path):
            for number in numbers:
                found.setdefault(number, []).append((path.relative_to(TESTS), sentence))
    return found


def cell(text):
    return text.replace("|", "\\|")


def render(threats, found):
    lines = [
        "# Threats and the tests that show how they are met",
        "",
        "Written by `tests/threats.py` from `tests/threats.tsv` and the tests; `make check-threats` compares.",
        "",
        "| | Threat | Shown by |",
        "|---|---|---|",
    ]
    for number, (title, reason) in threats.items():
        shown = [f"{path}: {sentence}" for path, sentence in found.get(number, [])]
        if reason:
            shown.append(f"*outside:* {reason}")
        lines.append(f"| {number} | {cell(title)} | {cell('<br>'.join(shown)) or '**open**'} |")
    return "\n".join(lines) + "\n"


def complaints(threats, found, written, text):
    for number, (title, reason) in threats.items():
        if not reason and number not in found:
            yield f"{number} ({title}) has neither a test nor a reason"
    for number in sorted(found.keys() - threats.keys()):
        yield f"{number} is not in threats.tsv, but {found[number][0][0]} has a test for it"
    if written != text:
        yield "tests/threats.md is not what the tests say; run tests/threats.py"


def main():
    threats = read_threats(TESTS / "threats.tsv")
    found = find_tests()
    text = render(threats, found)
    table = TESTS / "threats.md"
    if sys.argv[1:] == ["--check"]:
        problems = list(complaints(threats, found, table.read_text() if table.exists() else "", text))
        print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
        return 1 if problems else 0
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    table.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
