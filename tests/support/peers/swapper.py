# SPDX-License-Identifier: Apache-2.0
"""Puts two manifests in each other's place COUNT times, each once the one before is in force for POD.

    swapper.py SOCKET TARGET FIRST SECOND POD COUNT
"""
import http.client
import json
import os
import shutil
import socket
import sys
import time

SOCKET, TARGET, FIRST, SECOND, POD, COUNT = sys.argv[1:]
DEADLINE_S = 10


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(SOCKET)


def revision():
    connection = Connection("policyd")
    connection.request("GET", "/v1/pods")
    pods = json.loads(connection.getresponse().read())["pods"]
    connection.close()
    return next(pod["revision"] for pod in pods if pod["name"] == POD)


def swap(source):
    before, deadline = revision(), time.monotonic() + DEADLINE_S
    shutil.copy(source, TARGET + ".new")
    os.rename(TARGET + ".new", TARGET)
    while revision() == before:
        if time.monotonic() > deadline:
            sys.exit("no new revision in %d s" % DEADLINE_S)


for i in range(int(COUNT)):
    swap((SECOND, FIRST)[i % 2])
print("swaps=%s" % COUNT)
