# SPDX-License-Identifier: Apache-2.0
"""An HTTP client that sends exactly what it is told, in the segments it is told, and says what came back: the statuses
of the answers and how it ended, such as `200 200 EOF` or `200 ECONNRESET`.

    http_client.py HOST PORT STEP...       one connection
    http_client.py HOST PORT table         a connection for each line of stdin, `STEP... | OUTCOME`; says which differ.
                                           REFUSED: silence or a reset, as a remote client of a pod may meet
    http_client.py HOST PORT split TARGET  one for each place where a request can be cut in two
    http_client.py HOST PORT keep COUNT    so many requests over one
    http_client.py HOST PORT wait TARGET   twenty, a request each: the outcome, and the median of how many ms it took

    get:TARGET last:TARGET request:METHOD:TARGET   requests; `last` asks to close     raw:TEXT  each:TEXT (byte by byte)
    ack (wait until all is acknowledged)   read:N (until N answers came)   half (shut down)   oob:TEXT   zerocopy:TEXT
    sendfile:TEXT  splice:TEXT  overwrite:TEXT:OTHER (pages that change after they were sent)   fastopen:TEXT
    big:N (N bytes of body)   quiet (nothing comes for 200 ms)
In a TEXT \\r, \\n and \\xNN are what they say, ~h is the rest of a request line and a Host, ~e the same and the head's end,
~c the same and Connection: close.
"""
import errno
import fcntl
import fnmatch
import os
import shlex
import socket
import statistics
import struct
import sys
import tempfile
import time

TIMEOUT_S = 3
SHORT = {"~h": r" HTTP/1.1\r\nHost: h\r\n", "~e": r" HTTP/1.1\r\nHost: h\r\n\r\n",
         "~c": r" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"}
REFUSALS = ("ECONNRESET", "TIMEOUT")
SIOCOUTQ = 0x5411
MSG_ZEROCOPY, SO_ZEROCOPY, MSG_FASTOPEN = 0x4000000, 60, 0x20000000


def unescape(text):
    for short, long in SHORT.items():
        text = text.replace(short, long)
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def request(method, target, closes):
    return ("%s %s HTTP/1.1\r\nHost: www.example.test\r\nConnection: %s\r\n\r\n"
            % (method, target, "close" if closes else "keep-alive")).encode("latin-1")


def statuses(data, bodies=True):
    """The answers in `data`: their statuses. Those to HEAD have no bodies."""
    found = []
    while b"\r\n\r\n" in data:
        head, rest = data.split(b"\r\n\r\n", 1)
        if not head.startswith(b"HTTP/"):
            break
        status = head.split(b" ")[1].decode()
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            if b"0\r\n\r\n" not in rest:
                break
            rest = rest.split(b"0\r\n\r\n", 1)[1]
        elif bodies and b"content-length: " in lower:
            size = int(lower.split(b"content-length: ")[1].split(b"\r\n")[0])
            if len(rest) < size:
                break
            rest = rest[size:]
        found.append(status)
        data = rest
    return found


class Client:
    def __init__(self, host, port):
        self.peer = (host, int(port))
        self.data = b""
        self.sock = None

    def open(self):
        family = socket.AF_INET6 if ":" in self.peer[0] else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self, steps):
        """Returns the outcome."""
        end = ""
        try:
            self.open()
            if not steps[0].startswith("fastopen:"):
                self.sock.connect(self.peer)
            for step in steps:
                verb, _, text = step.partition(":")
                getattr(self, "do_" + verb)(text)
            while self.more():
                pass
            end = "EOF"
        except socket.timeout:
            end = "TIMEOUT"
        except OSError as error:
            end = errno.errorcode[error.errno]
            self.drain()
        self.sock.close()
        return " ".join(statuses(self.data, not any("HEAD" in step for step in steps)) + [end])

    def drain(self):
        """What had come before a refusal is still to be read."""
        try:
            self.sock.settimeout(0)
            while self.more():
                pass
        except OSError:
            pass

    def more(self):
        got = self.sock.recv(65536)
        self.data += got
        return got

    def do_get(self, target):
        self.sock.sendall(request("GET", target, False))

    def do_last(self, target):
        self.sock.sendall(request("GET", target, True))

    def do_request(self, text):
        method, _, target = unescape(text).decode("latin-1").partition(":")
        self.sock.sendall(request(method, target, True))

    def do_raw(self, text):
        self.sock.sendall(unescape(text))

    def do_big(self, text):
        self.sock.sendall(b"x" * int(text))

    def do_each(self, text):
        for byte in unescape(text):
            self.sock.sendall(bytes([byte]))
            self.do_ack("")

    def do_ack(self, _):
        left = 1
        while left:
            left, = struct.unpack("i", fcntl.ioctl(self.sock, SIOCOUTQ, b"\0" * 4))
            failed = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if failed:
                raise OSError(failed, "")

    def do_read(self, text):
        while len(statuses(self.data)) < int(text):
            if not self.more():
                return

    def do_quiet(self, _):
        self.sock.settimeout(0.2)
        try:
            self.more()
            self.data += b"HTTP/1.1 999\r\nContent-Length: 0\r\n\r\n"
        except socket.timeout:
            pass
        self.sock.settimeout(TIMEOUT_S)

    def do_half(self, _):
        self.sock.shutdown(socket.SHUT_WR)

    def do_oob(self, text):
        self.sock.send(unescape(text), socket.MSG_OOB)

    def do_zerocopy(self, text):
        self.sock.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
        self.sock.send(unescape(text), MSG_ZEROCOPY)

    def do_fastopen(self, text):
        self.sock.settimeout(None)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", TIMEOUT_S, 0))
        self.sock.sendto(unescape(text), MSG_FASTOPEN, self.peer)
        self.sock.settimeout(TIMEOUT_S)

    def do_sendfile(self, text):
        with tempfile.TemporaryFile(dir="/tmp") as file:
            file.write(unescape(text))
            file.flush()
            os.sendfile(self.sock.fileno(), file.fileno(), 0, len(unescape(text)))

    def do_splice(self, text):
        self.splice(unescape(text), None)

    def do_overwrite(self, text):
        first, _, second = text.partition(":")
        self.splice(unescape(first), unescape(second))

    def splice(self, first, second):
        """From a file's pages by a pipe; `second` is then written over them in the file."""
        with tempfile.TemporaryFile(dir="/tmp") as file:
            file.write(first)
            file.flush()
            reader, writer = os.pipe()
            os.splice(file.fileno(), writer, len(first), offset_src=0)
            os.splice(reader, self.sock.fileno(), len(first))
            if second is not None:
                os.pwrite(file.fileno(), second, 0)
            os.close(reader)
            os.close(writer)


def table(host, port):
    rows = bad = 0
    for line in sys.stdin:
        steps, _, want = line.rpartition("|")
        if not steps.strip():
            continue
        rows += 1
        got = Client(host, port).run(shlex.split(steps))
        if not fnmatch.fnmatch(got, want.strip()) and not (want.strip() == "REFUSED" and got in REFUSALS):
            bad += 1
            print("%s: %s, expected: %s" % (steps.strip(), got, want.strip()))
    print("%d rows, %d differ" % (rows, bad))


def split(host, port, target):
    text = request("GET", target, True)
    outcomes = {}
    for i in range(1, len(text)):
        client = Client(host, port)
        client.do_first, client.do_second = (lambda _, i=i: client.sock.sendall(text[:i]),
                                             lambda _, i=i: client.sock.sendall(text[i:]))
        outcomes.setdefault(client.run(["first", "ack", "second"]), []).append(i)
    for outcome, places in outcomes.items():
        print(outcome if len(places) == len(text) - 1 else "%s at %s" % (outcome, places))


def wait(host, port, target):
    outcomes, times = set(), []
    for _ in range(20):
        client = Client(host, port)
        client.do_clock = lambda _: times.append(time.monotonic())
        outcomes.add(client.run(["clock", "last:" + target]))
        times[-1] = time.monotonic() - times[-1]
    print(*sorted(outcomes), round(1000 * statistics.median(times)))


def keep(host, port, count):
    client = Client(host, port)
    client.open()
    client.sock.connect(client.peer)
    stream = client.sock.makefile("rb")
    for i in range(count):
        try:
            client.sock.sendall(request("GET", "/task", False))
            status = stream.readline()
            size = 0
            for line in iter(stream.readline, b"\r\n"):
                if line.lower().startswith(b"content-length: "):
                    size = int(line.split()[1])
            stream.read(size)
        except OSError as error:
            status = errno.errorcode.get(error.errno, str(error)).encode()
        if b" 200 " not in status:
            print("request %d: %s" % (i, status.decode()))
            return
    print("%d answers" % count)


def main(host, port, *steps):
    if steps[0] == "table":
        table(host, port)
    elif steps[0] == "split":
        split(host, port, steps[1])
    elif steps[0] == "wait":
        wait(host, port, steps[1])
    elif steps[0] == "keep":
        keep(host, port, int(steps[1]))
    else:
        print(Client(host, port).run(list(steps)))


main(*sys.argv[1:])
