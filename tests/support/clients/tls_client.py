# SPDX-License-Identifier: Apache-2.0
"""A TLS client that can send its ClientHello in odd ways, and says how the handshake went: `ok`, or what came instead.

    tls_client.py ADDRESS PORT NAME|- [HOW]

    whole      as OpenSSL would (the default)      each     the hello byte by byte, a segment each
    records    the hello in records of 40 bytes    ech      with an encrypted_client_hello extension
    http2      offering h2 by ALPN                 padded   a hello of 8 KiB, as with large key shares
    starttls   after the server has greeted        none     -: no server name
    garbage    a record that is no hello           version2 a hello of SSL 2
"""
import errno
import socket
import ssl
import struct
import sys

TIMEOUT_S = 3


def extend(hello, kind, data):
    """The record with one more extension in its ClientHello."""
    body = bytearray(hello[9:])
    at = 34
    at += 1 + body[at]                                     # session id
    at += 2 + struct.unpack("!H", body[at:at + 2])[0]      # cipher suites
    at += 1 + body[at]                                     # compression
    size, = struct.unpack("!H", body[at:at + 2])
    extra = struct.pack("!HH", kind, len(data)) + data
    body[at:at + 2] = struct.pack("!H", size + len(extra))
    body += extra
    message = b"\x01" + struct.pack("!I", len(body))[1:] + bytes(body)
    return b"\x16\x03\x01" + struct.pack("!H", len(message)) + message


def records(hello, size):
    message = hello[5:]
    parts = [message[i:i + size] for i in range(0, len(message), size)]
    return [b"\x16\x03\x01" + struct.pack("!H", len(part)) + part for part in parts]


def reshape(hello, how):
    """What is sent instead of the hello, in pieces."""
    if how == "each":
        return [hello[i:i + 1] for i in range(len(hello))]
    if how == "records":
        return records(hello, 40)
    if how == "ech":
        return [extend(hello, 0xfe0d, b"\0" + b"\0\x01\0\x01" + b"\x07" + b"\0\0" + b"\0\x10" + b"e" * 16)]
    if how == "padded":
        return [extend(hello, 0xfafa, b"\0" * 8000)]
    if how == "garbage":
        return [b"\x16\x03\x01\x00\x10" + b"\xff" * 16]
    if how == "version2":
        return [b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10" + b"\0\0\x2f" * 7 + b"c" * 16]
    return [hello]


def handshake(sock, name, how):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if how == "http2":
        context.set_alpn_protocols(["h2"])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=None if name == "-" else name)
    first = True
    while True:
        try:
            tls.do_handshake()
            sock.sendall(outgoing.read())
            return "ok"
        except ssl.SSLWantReadError:
            data = outgoing.read()
            for piece in reshape(data, how) if first else [data]:
                sock.sendall(piece)
            first = False
            got = sock.recv(65536)
            if not got:
                return "EOF"
            incoming.write(got)


def main(address, port, name, how="whole"):
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    sock.settimeout(TIMEOUT_S)
    try:
        sock.connect((address, int(port)))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if how == "starttls":
            sock.recv(512)
            sock.sendall(b"STARTTLS\r\n")
            sock.recv(512)
        return handshake(sock, name, how)
    except ssl.SSLError as error:
        return "alert " + (error.reason or str(error))
    except socket.timeout:
        return "TIMEOUT"
    except OSError as error:
        return errno.errorcode[error.errno]


print(main(*sys.argv[1:]))
