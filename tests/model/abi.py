# SPDX-License-Identifier: Apache-2.0
"""The numbers by which the object says what it decided, read from the one place that defines them."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def read_numbers(prefix):
    text = (ROOT / "datapath" / "abi.h").read_text()
    pairs = re.findall(rf"^    {prefix}_([A-Z0-9_]+) = (\d+),", text, re.MULTILINE)
    return {int(number): name for name, number in pairs}


REASONS = read_numbers("REASON")
VERDICTS = read_numbers("VERDICT")
