# SPDX-License-Identifier: Apache-2.0
"""Python's urllib: getaddrinfo, one GET."""
import sys
import urllib.error
import urllib.request

host, port, path = sys.argv[1:]
try:
    with urllib.request.urlopen("http://%s:%s%s" % (host, port, path), timeout=5) as response:
        print("HTTP", response.status)
except (OSError, urllib.error.URLError) as error:
    print(error)
    sys.exit(1)
