# SPDX-License-Identifier: Apache-2.0
"""An HTTP server that takes whatever it is sent and answers 200, so that a refusal is never its own. Everything it
receives is appended to a log, for tests that ask what passed. Also speaks first on some ports, as SMTP does, on others
takes connections only to close them, as fast as they come, and on others takes none before it has sent something.

    http_server.py LOG PORT... [greet:PORT] [sink:PORT] [defer:PORT]
"""
import socket
import sys
import threading

LOG = open(sys.argv[1], "ab", buffering=0)


class Connection:
    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        LOG.write(data)
        self.buffer += data

    def until(self, mark):
        while mark not in self.buffer:
            self.more()
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def skip(self, count):
        while len(self.buffer) < count:
            count -= len(self.buffer)
            self.buffer = b""
            self.more()
        self.buffer = self.buffer[count:]

    def chunks(self):
        while True:
            size = int(self.until(b"\r\n").split(b";")[0], 16)
            self.skip(size)
            self.until(b"\r\n")
            if size == 0:
                return

    def echo(self):
        while True:
            if self.buffer:
                self.sock.sendall(self.buffer)
                self.buffer = b""
            self.more()

    def answer(self):
        lines = self.until(b"\r\n\r\n").lstrip(b"\r\n").split(b"\r\n")
        words = lines[0].split(b" ")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip()
        if headers.get(b"expect", b"").lower() == b"100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if b"chunked" in headers.get(b"transfer-encoding", b"").lower():
            self.chunks()
        elif b"content-length" in headers:
            self.skip(int(headers[b"content-length"]))
        if words[0] == b"CONNECT":
            self.sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            self.echo()
        if b"upgrade" in headers:
            self.sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n")
            self.echo()
        self.respond(words[0], words[1] if len(words) > 1 else b"/")
        return headers.get(b"connection", b"").lower() != b"close" and words[-1] != b"HTTP/1.0"

    def respond(self, method, target):
        if target.endswith(b"/chunked"):
            body = b"5\r\nhello\r\n3;x=y\r\nyou\r\n0\r\n\r\n"
            self.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
            return
        size = int(target.rsplit(b"-", 1)[1]) if b"/size-" in target else 4
        body = b"" if method == b"HEAD" else (b"pong" if size == 4 else b"x" * size)
        self.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + body)


def serve(sock, greets):
    connection = Connection(sock)
    with sock:
        try:
            if greets:
                sock.sendall(b"220 hello\r\n")
                connection.until(b"\r\n")
                sock.sendall(b"220 go ahead\r\n")
                connection.echo()
            while connection.answer():
                pass
        except (EOFError, OSError, ValueError, IndexError):
            pass


def listen(port, kind):
    sock = socket.socket(socket.AF_INET6)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
    if kind == "defer":
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 30)
    sock.bind(("::", port))
    sock.listen(4096)
    while True:
        client, _ = sock.accept()
        if kind == "sink":
            client.close()
            continue
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(client, kind == "greet"), daemon=True).start()


for argument in sys.argv[2:]:
    kind, _, number = argument.rpartition(":")
    threading.Thread(target=listen, args=(int(number), kind), daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
