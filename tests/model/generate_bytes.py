# SPDX-License-Identifier: Apache-2.0
"""What all writers of streams and messages need: chance, damage, and where a stream is cut."""


class Dice:
    """A source of chance for one stream: half of all streams have nothing odd, some have much."""

    def __init__(self, random):
        self.random = random
        self.wildness = random.choice([0, 0, 0, 0.5, 1, 3])

    def odd(self, odds):
        return self.random.random() < odds * self.wildness

    def pick(self, pool, odds):
        """Mostly the first."""
        return self.random.choice(pool) if self.odd(odds) else pool[0]

    def choice(self, pool):
        return self.random.choice(pool)


def vector(size, data):
    """Behind its length."""
    return len(data).to_bytes(size, "big") + data


def spoil(random, made):
    """Cut, or with a byte that is another."""
    if random.random() < 0.5:
        return made[:random.randint(1, len(made))]
    at = random.randrange(len(made))
    return made[:at] + bytes([random.choice(b"\0\r\n\t :/%.;\x7f\xffA0")]) + made[at + 1:]


def cuts(random, length):
    """Sizes of the pieces that a stream comes in."""
    choice = random.random()
    if choice < 0.25 or length == 0:
        return []
    if choice < 0.5:
        return [1] * min(length, 600)
    sizes, left = [], length
    while left > 0 and len(sizes) < 100:
        size = random.choice([1, 2, 3, 7, 8, 9, 40, 255, 256, 257])
        sizes.append(size)
        left -= size
    return sizes
