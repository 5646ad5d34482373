# SPDX-License-Identifier: Apache-2.0
"""A double of the Kubernetes API server for what a real one does only on a bad day. Keeps SecurityProfiles, pods and one
CustomResourceDefinition; lists in pages, watches with bookmarks and WatchList. What tests want of it comes as POST to
/_test/VERB with JSON. Every other request is a line in DIR/requests: its status, token and path.

    kube_api.py DIR PORT     PORT 0: any. DIR holds server.crt and server.key, and clients.crt where clients must show
                             a certificate; the port goes into DIR/port
"""
import http.server
import json
import os
import socket
import ssl
import sys
import threading
import urllib.parse

GROUP = "/apis/securityprobe.datadoghq.com/v1/securityprofiles"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/securityprofiles.securityprobe.datadoghq.com"
KINDS = {GROUP: ("profiles", "securityprobe.datadoghq.com/v1", "SecurityProfile"), "/api/v1/pods": ("pods", "v1", "Pod")}


class State:
    """Objects by kind and name, and all that ever happened, under one lock."""

    def __init__(self):
        self.changed = threading.Condition()
        self.version = 1000
        self.objects = {"profiles": {}, "pods": {}}
        self.events = []  # (version, kind, line)
        self.oldest = 0  # versions before it are forgotten
        self.definition = {"metadata": {"name": "x", "creationTimestamp": "2020-01-01T00:00:00Z"}}
        self.faults = []
        self.cuts = 0
        self.has_watch_list = True
        self.tokens = None
        self.heartbeat = True

    def put(self, kind, obj):
        meta = obj.setdefault("metadata", {})
        key = (meta.setdefault("namespace", "default"), meta["name"])
        old = self.objects[kind].get(key)
        self.version += 1
        meta["resourceVersion"] = str(self.version)
        meta["uid"] = old["metadata"]["uid"] if old else meta.get("uid", f"uid-{self.version}")
        meta["creationTimestamp"] = (old or obj)["metadata"].get("creationTimestamp", "2026-01-01T00:00:00Z")
        meta["generation"] = 1 if not old else old["metadata"]["generation"] + (old.get("spec") != obj.get("spec"))
        self.objects[kind][key] = obj
        self.tell(kind, "MODIFIED" if old else "ADDED", obj)

    def delete(self, kind, namespace, name):
        obj = self.objects[kind].pop((namespace, name))
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        self.tell(kind, "DELETED", obj)

    def tell(self, kind, what, obj):
        self.events.append((self.version, kind, json.dumps({"type": what, "object": obj}).encode() + b"\n"))
        self.changed.notify_all()

    def emit(self, kind, raw):
        self.version += 1
        self.events.append((self.version, kind, raw))
        self.changed.notify_all()

    def take_fault(self, path):
        for fault in self.faults:
            if fault["match"] in path:
                fault["times"] = fault.get("times", -1) - 1
                if fault["times"] == 0:
                    self.faults.remove(fault)
                return fault
        return None


STATE = State()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.note(status)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status, message, headers=()):
        self.answer(status, {"kind": "Status", "code": status, "message": message}, headers)

    def note(self, status):
        token = self.headers.get("Authorization", "-").split(" ")[-1]
        with open(os.path.join(DIR, "requests"), "a", encoding="utf-8") as log:
            log.write(f"{status} {token} {self.path}\n")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        with STATE.changed:
            control(self.path.removeprefix("/_test/"), body)
            STATE.changed.notify_all()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        with STATE.changed:
            fault = STATE.take_fault(self.path)
            tokens = STATE.tokens
        if fault:
            self.fail(fault)
        elif tokens is not None and self.headers.get("Authorization", "").split(" ")[-1] not in tokens:
            self.refuse(401, "Unauthorized")
        elif url.path == "/livez":
            self.answer(200, b"ok")
        elif url.path == CRD:
            self.show_definition()
        elif url.path not in KINDS or (url.path == GROUP and not STATE.definition):
            self.refuse(404, "the server could not find the requested resource")
        elif "watch" in query:
            self.watch(KINDS[url.path][0], query)
        else:
            self.list(KINDS[url.path], query)

    def show_definition(self):
        if STATE.definition:
            self.answer(200, STATE.definition)
        else:
            self.refuse(404, "not found")

    def fail(self, fault):
        """A refusal; or a success of raw bytes, which may trickle, end early or never."""
        if "raw" not in fault:
            self.refuse(fault["status"], fault.get("message", ""), fault.get("headers", {}).items())
            return
        self.note(200)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        for piece in [fault["raw"]] * fault.get("repeat", 1):
            self.wfile.write(piece.encode())
        self.close_connection = True
        if fault.get("hang"):
            with STATE.changed:
                STATE.changed.wait(60)

    def list(self, kind, query):
        name, version, word = kind
        limit = int(query.get("limit", 1 << 30))
        with STATE.changed:
            start = int(query.get("continue", "0:0").split(":")[0])
            at = query.get("continue", f"0:{STATE.version}").split(":")[1]
            keys = sorted(STATE.objects[name])
            items = [STATE.objects[name][key] for key in keys[start : start + limit]]
        meta = {"resourceVersion": at}
        if start + limit < len(keys):
            meta["continue"] = f"{start + limit}:{at}"
        self.answer(200, {"kind": word + "List", "apiVersion": version, "metadata": meta, "items": items or None})

    def watch(self, name, query):
        with STATE.changed:
            if "sendInitialEvents" in query and not STATE.has_watch_list:
                refused = 422, "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
            elif int(query.get("resourceVersion", STATE.oldest)) < STATE.oldest:
                refused = 410, "too old resource version"
            else:
                refused = None
            since, cuts = int(query.get("resourceVersion", STATE.version)), STATE.cuts
            objects = list(STATE.objects[name].values()) if "sendInitialEvents" in query else []
            initial = [json.dumps({"type": "ADDED", "object": obj}).encode() + b"\n" for obj in objects]
        if refused:
            self.refuse(*refused)
            return
        self.note(200)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in initial:
            self.chunk(line)
        if "sendInitialEvents" in query:
            self.chunk(bookmark(since, {"k8s.io/initial-events-end": "true"}))
        try:
            self.follow(name, since, cuts)
        except OSError:
            self.close_connection = True

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def follow(self, name, since, cuts):
        """Until it is cut: then in the middle of whatever it was doing, as a network would."""
        while True:
            with STATE.changed:
                news = [event for event in STATE.events if event[0] > since and event[1] == name]
                if STATE.cuts == cuts and not news:
                    if not STATE.changed.wait(1) and STATE.heartbeat:
                        news = [(since, name, bookmark(since, {}))]
                is_cut = STATE.cuts != cuts
            for version, _, line in news:
                self.chunk(line)
                since = version
            if is_cut:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return


def bookmark(version, notes):
    meta = {"resourceVersion": str(version), "annotations": notes}
    return json.dumps({"type": "BOOKMARK", "object": {"metadata": meta}}).encode() + b"\n"


def control(verb, body):
    if verb in ("profiles", "pods"):
        STATE.put(verb, body)
    elif verb == "delete":
        for name in body["names"]:
            STATE.delete(body["kind"], body.get("namespace", "default"), name)
    elif verb == "emit":
        STATE.emit(body["kind"], body["raw"].encode() * body.get("repeat", 1))
    elif verb == "fault":
        STATE.faults.append(body)
    elif verb == "heal":
        STATE.faults.clear()
    elif verb == "cut":
        STATE.cuts += 1
    elif verb == "forget":
        STATE.version += 1
        STATE.oldest = STATE.version
    elif verb == "set":
        for key, value in body.items():
            setattr(STATE, key, value)
    else:
        raise ValueError(verb)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def finish_request(self, request, client_address):
        """TLS begins in the connection's own thread: one that never says hello must not hold the others."""
        request.settimeout(20)
        request = CONTEXT.wrap_socket(request, server_side=True)
        request.settimeout(None)
        self.RequestHandlerClass(request, client_address, self)


DIR = sys.argv[1]
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
CONTEXT.load_cert_chain(os.path.join(DIR, "server.crt"), os.path.join(DIR, "server.key"))
CONTEXT.set_alpn_protocols(["http/1.1"])
if os.path.exists(os.path.join(DIR, "clients.crt")):
    CONTEXT.load_verify_locations(os.path.join(DIR, "clients.crt"))
    CONTEXT.verify_mode = ssl.CERT_REQUIRED
server = Server(("127.0.0.1", int(sys.argv[2])), Handler)
with open(os.path.join(DIR, "port.new"), "w", encoding="utf-8") as file:
    file.write(str(server.server_address[1]))
os.rename(os.path.join(DIR, "port.new"), os.path.join(DIR, "port"))
server.serve_forever()
