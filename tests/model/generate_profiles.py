# SPDX-License-Identifier: Apache-2.0
"""Random SecurityProfiles from small pools, so that what one rule says and what another asks often nearly meet."""
import ipaddress

PATHS = [f"/usr/bin/{name}" for name in ("ping", "curl", "node", "nginx", "java", "sh", "wget", "dig")]
UNLISTED = "/tmp/curl"
CONTAINERS = {"app": 101, "sidecar": 102}
CIDRS4 = ["10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "10.1.2.128/25", "192.0.2.0/31", "10.96.0.10/32", "0.0.0.0/0",
          "10.1.2.77/25", "128.0.0.0/1", "198.51.100.7/32", "172.16.0.0/12"]
CIDRS6 = ["fd01::/64", "fd01::5/128", "::/0", "2001:db8::/33", "2001:db8:8000::/33", "fd01:0:0:1::/63", "8000::/1"]
PORTS = [(53, 53), (80, 80), (443, 443), (8000, 8099), (1, 1), (65535, 65535), (1024, 65535), (1, 65535), (8080, 8081),
         (32767, 32768), (5353, 5353)]
NAMES = ["example.com", "*.example.com", "**.example.com", "www.example.com", "*", "api-*.cdn.net", "*.*.cdn.net",
         "a.*.com", "pong.default.svc.cluster.local", "**.local", "WWW.Example.com.", "*.com", "**.com", "x*e.com", "a",
         "*-1.eu.cdn.net", "**.cdn.net", "www.*", "*mp*.com", "api-1.eu.cdn.net"]
REQUESTS = [("GET", "/task"), ("GET", "/static/*"), ("*", "/static/*"), ("POST", "/task"), ("GET", "/*"), ("*", "/a/b"),
            ("GET", "/a*"), ("OPTIONS", "*"), ("CONNECT", "*"), ("GET", "/task?q=1"), ("PUT", "/" + "z" * 1023),
            ("*", "/a/")]
WORDS = {6: "tcp", 17: "udp", 1: "icmp", 58: "icmpv6", 132: "sctp", 136: "udplite", 47: "gre"}


def some(random, pool, least, most):
    return random.sample(pool, min(len(pool), random.randint(least, most)))


def port_entry(random):
    first, last = random.choice(PORTS)
    entry = {"protocol": random.choice(["tcp", "tcp", "udp", "udp", "sctp", 136]), "port": first}
    if last != first or random.random() < 0.2:
        entry["endPort"] = last
    return entry


def l4(random):
    layer = {}
    if random.random() < 0.5:
        words = some(random, list(WORDS.items()), 0, 3)
        layer["protocols"] = [word if random.random() < 0.8 else number for number, word in words]
    if random.random() < 0.8:
        layer["protocolPorts"] = [port_entry(random) for _ in range(random.randint(0, 4))]
    return layer


def rules(random, direction):
    if random.random() < 0.05:
        return {}
    if random.random() < 0.6:
        return useful_rules(random, direction)
    made = {"l3": {"protocols": some(random, ["ipv4", "ipv6", "arp"], 0 if random.random() < 0.1 else 3, 3)}}
    if random.random() < 0.9:
        made["cidr4"] = some(random, CIDRS4, 0, 3)
    if random.random() < 0.7:
        made["cidr6"] = some(random, CIDRS6, 0, 2)
    if random.random() < 0.95:
        made["l4"] = l4(random)
    if direction == "egress" and random.random() < 0.4:
        made["fqdns"] = some(random, NAMES, 0, 3)
    if random.random() < 0.4:
        made["l7"] = l7(random)
    return made


def l7(random):
    layer = {"protocols": some(random, ["dns", "http", "https", "any"], 0 if random.random() < 0.1 else 1, 3)}
    if random.random() < 0.05:
        del layer["protocols"]
    if random.random() < 0.6:
        layer["dns"] = some(random, NAMES, 0 if random.random() < 0.2 else 1, 4)
    if random.random() < 0.6:
        layer["http"] = requests(random) if random.random() < 0.9 else []
    return layer


def port(protocol, first, last=None):
    return {"protocol": protocol, "port": first, **({"endPort": last} if last else {})}


def requests(random):
    return [{"method": method, "uri": uri} for method, uri in some(random, REQUESTS, 1, 5)]


def useful_rules(random, direction):
    """Such as people write: much of what is near them passes, and what it carries decides."""
    made = {"l3": {"protocols": ["ipv4", "ipv6", "arp"]}, "cidr4": some(random, CIDRS4, 1, 2),
            "cidr6": some(random, CIDRS6, 0, 2),
            "l4": {"protocols": some(random, ["tcp", "udp", "icmp", "icmpv6"], 0, 3),
                   "protocolPorts": [port("udp", 53), port_entry(random)]}}
    purpose = random.choice(["web", "web", "tls", "tls", "names", "any", "plain"])
    if direction == "egress" and (random.random() < 0.6 or purpose == "tls"):
        made["fqdns"] = some(random, NAMES, 1, 4)
    if purpose == "web":
        made["l4"] = {"protocolPorts": [port("tcp", 80), port("tcp", 8000, 8099), port("udp", 53)]}
        made["l7"] = {"protocols": ["http"] + some(random, ["dns", "any", "https"], 0, 2), "http": requests(random)}
    elif purpose == "tls":
        made["l4"] = {"protocolPorts": [port("tcp", 443), port("udp", 53)]}
        made["l7"] = {"protocols": ["https", "dns"], "dns": made.get("fqdns", ["*"])}
    elif purpose == "names":
        made["l4"] = {"protocolPorts": [port("udp", 53), port("tcp", 53), port_entry(random)]}
        made["l7"] = {"protocols": ["dns"], "dns": made.get("fqdns", []) + some(random, NAMES, 1, 3)}
    elif purpose == "any":
        made["l7"] = l7(random)
    return made


def network(random):
    return {way: rules(random, way) for way in ("egress", "ingress") if random.random() < 0.9}


def actions(random):
    choice = random.random()
    if choice < 0.6:
        return ["enforce"]
    return random.choice([["alert"], ["alert", "enforce"], ["ignore"], [], ["enforce", "ignore"], ["alert", "ignore"]])


def process(random, path, container):
    made = {"path": path}
    if container:
        made["container"] = container
    if random.random() < 0.3:
        made["actions"] = actions(random)
    if random.random() < 0.95:
        made["network"] = network(random)
    return made


def profile(random, name):
    spec = {"labelSelector": {}}
    if random.random() < 0.95:
        spec["actions"] = actions(random)
    if random.random() < 0.5:
        spec["default"] = network(random)
    if random.random() < 0.4:
        spec["attacks"] = some(random, ["arp-spoofing", "ip-spoofing", "nd-spoofing", "raw-socket"], 0, 3)
    if random.random() < 0.3:
        spec["nameScope"] = random.choice(["pod", "process"])
    spec["processes"] = []
    for path in some(random, PATHS, 2, 6):
        container = random.choice([*CONTAINERS]) if random.random() < 0.2 else None
        spec["processes"].append(process(random, path, container))
        if random.random() < 0.1:
            other = random.choice([c for c in (None, *CONTAINERS) if c != container])
            spec["processes"].append(process(random, path, other))
    return {"apiVersion": "securityprobe.datadoghq.com/v1", "kind": "SecurityProfile",
            "metadata": {"name": name, "namespace": "test"}, "spec": spec}


def profiles(random):
    count = random.choice([1, 1, 1, 2, 2, 2, 3, 4])
    return [profile(random, f"p{i}") for i in range(count)]


def edges(cidr):
    """The first and last address of a prefix, and their neighbours outside."""
    network_ = ipaddress.ip_network(cidr, strict=False)
    first, last = int(network_.network_address), int(network_.broadcast_address)
    make = ipaddress.IPv4Address if network_.version == 4 else ipaddress.IPv6Address
    top = 2 ** network_.max_prefixlen - 1
    return [make(number) for number in (first, last, first - 1, last + 1, first + 1) if 0 < number < top]
