# SPDX-License-Identifier: Apache-2.0
# Builds, tests and installs NSP. A folder's *.c make its program or archive, found by wildcard: a new file needs no
# line here. Everything made goes below $(BUILD).

VERSION     := 0.1.0
PREFIX      ?= /usr/local
DESTDIR     ?=
CNI_BIN_DIR ?= /opt/cni/bin
SAN         ?=
WERROR      ?= -Werror
CLANG       ?= clang
BPFTOOL     ?= bpftool
CFLAGS      ?= -O2 -g
TESTS       ?=
ifeq ($(origin CC),default)
CC := gcc
endif

BUILD := $(if $(SAN),build-san,build)
export NSP_BUILD := $(BUILD)
# One short line per step; V=1 shows the commands.
Q    := $(if $(V),,@)
say   = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$@')

MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all tests test check bench bench-table fuzz demo install uninstall test-kernels test-cluster packages format \
        clean help
.PHONY: $(addprefix check-,format tidy shell style arm64 plugin threats)

## all           build everything that is installed (the default)
all: $(BUILD)/nsp $(BUILD)/policyd $(BUILD)/nspctl
## tests         build what the tests run, without running it
## test          install missing packages, build, run all suites; TESTS="unit cni" runs only those
## check         formatting, clang-tidy, shellcheck, house style, BPF for arm64, the plugin's linkage and size, threats
## check-threats every threat in tests/threats.tsv has a test or a reason, and tests/threats.md says which
## fuzz          give random input to all that reads what others wrote, 10 s a target
## bench         measure; prints ratios with quartiles, judges nothing
## bench-table   the same, and write docs/performance.md; build/bench/nspbench is the prototype's own bench
## demo          install missing packages, build, show the product at work; KEEP=1 leaves it running
## install       into PREFIX, DESTDIR, CNI_BIN_DIR
## uninstall     remove what install put there, except the configuration
## test-cluster  build a Kubernetes from Go modules (once, ten minutes), and run the tests that need one
## test-kernels  run the BPF tests on Debian's 6.1 and 6.12 kernels in qemu
## packages      install the packages that building and testing need
## format        rewrite the C files in house style
## clean         remove everything that was built
## help          this list; SAN=1 builds with ASan and UBSan into build-san/
help:
	@sed -n 's/^## //p' Makefile

# --- flags ------------------------------------------------------------------------------------------------------------
comma     := ,
JOBS       = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
BPF_ARCH  := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))
WARN      := -Wall -Wextra $(WERROR) -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla -Wundef \
             -Wwrite-strings -Wpointer-arith -Wimplicit-fallthrough
NL_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libnl-route-3.0 2>/dev/null))
CPPFLAGS  += $(NL_CFLAGS) -I. -I$(BUILD) -I$(BUILD)/datapath -D_GNU_SOURCE -DNSP_VERSION='"$(VERSION)"'
SANITIZE  := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
RELEASE   := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection
HARDEN     = $(if $(SAN),$(SANITIZE),$(RELEASE))
C_FLAGS    = -std=gnu17 $(WARN) $(CFLAGS) $(HARDEN) -fPIE -ffunction-sections -fdata-sections
LINK       = $(CC) $(if $(SAN),$(SANITIZE)) -pie -Wl,-z,relro,-z,now,--gc-sections,--as-needed $(LDFLAGS)
BPF_FLAGS  = -std=gnu17 -g -O2 -target bpf -mcpu=v3 -Wall -Wextra $(WERROR) -I. -idirafter /usr/include/$(MULTIARCH)

BASE_LIBS := -lbpf -lelf -lz -lnl-route-3 -lnl-3 -ljansson -lpthread
LIBS      := $(BASE_LIBS) -lyaml -levent_core -levent_extra -lcurl

# --- files ------------------------------------------------------------------------------------------------------------
sources  = $(filter-out %.bpf.c,$(wildcard $(1)/*.c))
objects  = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
programs = $(if $(wildcard $(1)/*.c),$(shell grep -lE '^int main\b' $(1)/*.c))
shared   = $(call objects,$(filter-out $(call programs,$(1)),$(call sources,$(1))))
without_main = $(call objects,$(filter-out $(1)/main.c,$(call sources,$(1))))

BPF_OBJECTS   := $(patsubst %.c,$(BUILD)/%.o,$(wildcard datapath/*.bpf.c))
TEST_BPF      := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/*/*.bpf.c))
SKELETON      := $(if $(BPF_OBJECTS),$(BUILD)/datapath/nsp.skel.h)
ARCHIVES      := $(addprefix $(BUILD)/,policyd.a cni-plugin.a datapath.a lib.a)
NSPCTL_SHARED := $(wildcard policyd/objects*.c policyd/yaml.c policyd/profile*.c policyd/selector.c policyd/compile*.c \
                 policyd/claims.c)
UNIT_TESTS    := $(patsubst %.c,$(BUILD)/%,$(call programs,tests/unit))
BPF_TESTS     := $(if $(call sources,tests/bpf),$(BUILD)/tests/bpf_tests)
MODEL_RUNNER  := $(if $(call sources,tests/model),$(BUILD)/tests/model_runner)
BENCHES       := $(patsubst tests/%.c,$(BUILD)/%,$(call programs,tests/bench))
HELPERS       := $(patsubst tests/%.c,$(BUILD)/%,$(call programs,tests/support))
DEMOS         := $(patsubst %.c,$(BUILD)/%,$(call programs,demo))
C_FOLDERS     := $(wildcard lib datapath cni-plugin policyd nspctl demo tests)
C_FILES       := $(shell find $(C_FOLDERS) -name '*.[ch]' 2>/dev/null)
TIDY          := $(patsubst %.c,$(BUILD)/tidy/%.ok,$(filter %.c,$(C_FILES)))

tests: all $(UNIT_TESTS) $(BPF_TESTS) $(MODEL_RUNNER) $(TEST_BPF) $(HELPERS) $(DEMOS)

# --- the kernel's side ------------------------------------------------------------------------------------------------
$(BUILD)/%.bpf.o: %.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)$(CLANG) $(BPF_FLAGS) -D__TARGET_ARCH_$(BPF_ARCH) -MMD -MP -c $< -o $@

$(BUILD)/datapath/nsp.bpf.o: $(BPF_OBJECTS)
	$(call say,GEN)
	$(Q)$(BPFTOOL) gen object $@ $^

$(BUILD)/datapath/nsp.skel.h: $(BUILD)/datapath/nsp.bpf.o
	$(call say,GEN)
	$(Q){ echo '// NOLINTBEGIN'; $(BPFTOOL) gen skeleton $< name nsp_bpf && echo '// NOLINTEND'; } >$@

# A test's own BPF program, embedded like the shipped one, so that the test is one file to carry into a kernel.
$(BUILD)/tests/%.skel.h: $(BUILD)/tests/%.bpf.o
	$(call say,GEN)
	$(Q){ echo '// NOLINTBEGIN'; $(BPFTOOL) gen skeleton $< name $(*F)_bpf && echo '// NOLINTEND'; } >$@
$(call objects,$(call sources,tests/bpf)): | $(patsubst %.bpf.c,$(BUILD)/%.skel.h,$(wildcard tests/bpf/*.bpf.c))
$(call objects,$(call sources,tests/model)): | $(patsubst %.bpf.c,$(BUILD)/%.skel.h,$(wildcard tests/model/*.bpf.c))

# -MMD knows who includes the skeleton only after the first build.
SKELETON_USERS := $(if $(C_FILES),$(shell grep -l 'include "nsp.skel.h"' $(filter-out %.h,$(C_FILES))))
$(call objects,$(sort $(SKELETON_USERS) $(call sources,tests/bpf) $(call sources,tests/bench))): | $(SKELETON)

# --- user space -------------------------------------------------------------------------------------------------------
$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(C_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/lib.a: $(call objects,$(call sources,lib))
$(BUILD)/datapath.a: $(call objects,$(call sources,datapath))
$(BUILD)/policyd.a: $(call without_main,policyd)
$(BUILD)/cni-plugin.a: $(call without_main,cni-plugin)
$(BUILD)/%.a:
	@mkdir -p $(@D) && rm -f $@
	$(call say,AR)
	$(Q)$(AR) rcs $@ $^

# What runs inside other people's namespaces and images needs nothing from them. ASan cannot be linked statically.
# libnl could resolve names, which a static glibc warns of at each link; the plugin never does.
NO_WARNINGS := $(if $(shell ld --help 2>/dev/null | grep -e --no-warnings),-Wl$(comma)--no-warnings)
STATIC_LINK := $(if $(SAN),,-static-pie -s $(NO_WARNINGS))
$(BUILD)/nsp: $(call objects,$(call sources,cni-plugin)) $(BUILD)/datapath.a $(BUILD)/lib.a
	$(call say,LINK)
	$(Q)$(LINK) $(STATIC_LINK) -o $@ $^ $(BASE_LIBS)

$(BUILD)/policyd: $(call objects,$(call sources,policyd)) $(BUILD)/datapath.a $(BUILD)/lib.a
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$(BUILD)/nspctl: $(call objects,$(call sources,nspctl) $(NSPCTL_SHARED)) $(BUILD)/datapath.a $(BUILD)/lib.a
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

# --- tests ------------------------------------------------------------------------------------------------------------
TEST_LINK = $(LINK) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS) -lcmocka

$(UNIT_TESTS): $(BUILD)/%: $(BUILD)/obj/%.o $(call shared,tests/unit) $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(TEST_LINK)

$(BUILD)/tests/bpf_tests: $(call objects,$(call sources,tests/bpf)) $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(TEST_LINK)

$(MODEL_RUNNER): $(call objects,$(call sources,tests/model) $(addprefix tests/bpf/,world.c sandbox.c packets.c)) \
                 $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(TEST_LINK)

$(BENCHES): $(BUILD)/%: $(BUILD)/obj/tests/%.o $(call shared,tests/bench) $(call objects,tests/bpf/sandbox.c) \
             $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(TEST_LINK)

$(BUILD)/obj/demo/%.o $(BUILD)/obj/tests/support/%.o: HARDEN = $(RELEASE)
$(filter-out $(BUILD)/support/nsp-load,$(HELPERS)): $(BUILD)/%: $(BUILD)/obj/tests/%.o $(call shared,tests/support)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) -static -s -Wl,--gc-sections -o $@ $^
# It loads the datapath, on this machine only.
$(BUILD)/support/nsp-load: $(BUILD)/obj/tests/support/nsp-load.o $(BUILD)/datapath.a $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(BASE_LIBS)
$(DEMOS): $(BUILD)/%: $(BUILD)/obj/%.o $(call shared,demo)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) -static -s -Wl,--gc-sections -o $@ $^

test: packages
	@$(MAKE) $(JOBS) tests
	@$(MAKE) $(JOBS) SAN=1 tests
	@tests/run $(TESTS)

test-kernels: packages
	@$(MAKE) $(JOBS) tests
	@tests/run kernels

test-cluster: packages
	@$(MAKE) $(JOBS) all $(HELPERS)
	@tests/cluster/programs/build.sh $(BUILD)/cluster
	@tests/run cluster

bench: all $(BENCHES) $(TEST_BPF) $(HELPERS)
	@if [ -x tests/bench/run ]; then tests/bench/run; else set -e; for bench in $(BENCHES); do $$bench; done; fi

bench-table: all $(BENCHES) $(TEST_BPF) $(HELPERS)
	@tests/bench/run --table

fuzz:
	@tests/fuzz/run

demo: packages
	@$(MAKE) $(JOBS) all $(DEMOS) $(HELPERS)
	@demo/run

# --- checks -----------------------------------------------------------------------------------------------------------
check: check-format check-tidy check-shell check-style check-arm64 check-plugin check-threats
	@echo "check: all is well"

check-format:
	$(if $(C_FILES),@clang-format --dry-run -Werror $(C_FILES))

# A file is looked at again when it or a header of its changed: its object knows.
check-tidy: $(TIDY)
tidy = clang-tidy --quiet $(1) -- $(2) 2>$(@:.ok=.log) || { cat $(@:.ok=.log) >&2; exit 1; }; touch $@
$(BUILD)/tidy/%.bpf.ok: $(BUILD)/%.bpf.o .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY)
	$(Q)$(call tidy,$*.bpf.c,$(BPF_FLAGS) -D__TARGET_ARCH_$(BPF_ARCH))
$(BUILD)/tidy/%.ok: $(BUILD)/obj/%.o .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY)
	$(Q)$(call tidy,$*.c,-std=gnu17 $(subst -I$(BUILD),-isystem $(BUILD),$(CPPFLAGS)))

check-shell:
	@tests/support/style.sh --list-shell | xargs -r shellcheck

check-style:
	@tests/support/style.sh

check-threats:
	@tests/threats.py --check

check-arm64: $(patsubst %.c,$(BUILD)/arm64/%.o,$(wildcard datapath/*.bpf.c))
$(BUILD)/arm64/%.bpf.o: %.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)$(CLANG) $(BPF_FLAGS) -D__TARGET_ARCH_arm64 -MMD -MP -c $< -o $@

PLUGIN_MAX_BYTES := 3145728
check-plugin: $(BUILD)/nsp
	@[ -n "$(SAN)" ] || ! readelf -lW $< | grep -q INTERP || { echo "$<: not static" >&2; exit 1; }
	@[ -n "$(SAN)" ] || [ $$(stat -c %s $<) -le $(PLUGIN_MAX_BYTES) ] || { echo "$<: over 3 MB" >&2; exit 1; }

format:
	$(if $(C_FILES),clang-format -i $(C_FILES))

# --- the machine ------------------------------------------------------------------------------------------------------
packages:
	@install/packages.sh

MAN_PAGES := $(wildcard man/*.[1-8])
install: all
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/sbin $(BUILD)/policyd
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(BUILD)/nspctl
	install -D -m 755 -t $(DESTDIR)$(CNI_BIN_DIR) $(BUILD)/nsp
	install -d -m 755 $(DESTDIR)/etc/nsp/manifests
	[ -e $(DESTDIR)/etc/nsp/policyd.conf ] || install -D -m 644 -t $(DESTDIR)/etc/nsp conf/policyd.conf
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/nsp $(wildcard conf/*.conflist)
	$(foreach page,$(MAN_PAGES),install -D -m 644 -t \
		$(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(page))) $(page) &&) true

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/policyd $(DESTDIR)$(PREFIX)/bin/nspctl $(DESTDIR)$(CNI_BIN_DIR)/nsp
	rm -rf $(DESTDIR)$(PREFIX)/share/nsp
	rm -f $(foreach page,$(MAN_PAGES),\
		$(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))

clean:
	rm -rf build build-san

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
