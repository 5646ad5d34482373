// SPDX-License-Identifier: Apache-2.0

// CoreDNS with the one plugin that the tests need: built in seconds, where all of it takes minutes.
package main

import (
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/file"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
)

func main() {
	dnsserver.Directives = []string{"bind", "file"}
	coremain.Run()
}
