// SPDX-License-Identifier: Apache-2.0
// flanneld, named here so that go.mod and go.sum pin it and all it stands on.

//go:build tools

package tools

import _ "github.com/flannel-io/flannel"
