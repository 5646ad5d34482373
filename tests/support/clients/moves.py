# SPDX-License-Identifier: Apache-2.0
"""Connects, changes what the path of its own executable leads through, and connects again at once.

    moves.py ADDRESS PORT     run by a copy of python as /opt/far/here/moves
    moves.py ADDRESS PORT chmod"""
import ctypes
import errno
import os
import socket
import sys

CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x20000


def connects(*_):
    with socket.socket() as s:
        s.settimeout(5)
        failure = s.connect_ex((sys.argv[1], int(sys.argv[2])))
    return errno.errorcode[failure] if failure else "ok"


def renamed(what, to):
    os.rename(what, to)
    there = connects()
    os.rename(to, what)
    return there, connects(), connects()


def in_child(before):
    child = os.fork()
    if not child:
        before()
        print("child", connects(), flush=True)
        os._exit(0)
    os.waitpid(child, 0)


def enter_namespaces():
    connects()
    ctypes.CDLL(None).unshare(CLONE_NEWUSER | CLONE_NEWNS)


def swap_directories():
    """The path is what it was, but another directory now lies where the program's was."""
    os.rename("here", "there")
    os.mkdir("here")
    print("another directory", connects())
    os.rmdir("here")
    os.rename("there", "here")
    print("back", connects())


def move():
    os.chdir("/opt/far")
    print("first", connects(), connects())
    print("file", *renamed("here/moves", "here/moved"))
    print("directory", *renamed("here", "there"))
    print("above", *renamed("/opt/far", "/opt/near"))
    os.mkdir("other")
    print("elsewhere", *renamed("here/moves", "other/moves"))
    swap_directories()
    sys.stdout.flush()
    in_child(lambda: None)
    in_child(enter_namespaces)
    os.link("here/moves", "here/link")
    os.unlink("here/moves")
    print("unlinked", connects())
    os.rename("here/link", "here/moves")
    print("linked again", connects())


if len(sys.argv) > 3:
    print(connects(), connects())
    os.chmod(os.readlink("/proc/self/exe"), 0o755)
    print(connects())
else:
    move()
