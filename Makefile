# SPDX-License-Identifier: Apache-2.0
#
# make            install what building needs, build the kernel part and a release binary
# make test       everything that CI runs, on a fresh Debian 12 machine with nothing but Swift
# make help       the rest

.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

# Debian's clang builds the object that is embedded; the Swift toolchain's builds the one that tests compare with it.
BPF_CLANG ?= /usr/bin/clang
SWIFT_CLANG ?= $(shell swift -print-target-info 2>/dev/null | sed -n 's,.*"runtimeResourcePath"[^"]*"\(.*\)/lib/swift".*,\1/bin/clang,p')
CLANG_FORMAT ?= /usr/bin/clang-format
MULTIARCH := $(shell uname -m)-linux-gnu
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror -fdebug-compilation-dir=. -I/usr/include/$(MULTIARCH)

BPF_SOURCES := $(wildcard bpf/*.bpf.c)
BPF_HEADERS := $(wildcard bpf/*.h)
BPF_OBJECTS := $(BPF_SOURCES:bpf/%.bpf.c=build/%.bpf.o) $(BPF_SOURCES:bpf/%.bpf.c=build/%.bpf.swift-clang.o)
C_SOURCES = $(wildcard bpf/*.[ch] Sources/C*/*.[ch] Sources/C*/include/*.h Tests/*/*/*.[ch] Tests/*/*/include/*.h \
	Tests/Lab/Traffic/*.c Benchmarks/*/*.[ch])

SECONDS ?= 60
# One file to copy: Swift's libraries are linked in, as Package.swift has it for libbpf and the like. GRDB asks for
# sqlite3 by its name, so the archive is found in a directory where nothing else is.
ARCHIVES := $(CURDIR)/build/archives
STATIC_FLAGS := --static-swift-stdlib -Xswiftc -no-toolchain-stdlib-rpath -Xlinker -L$(ARCHIVES)
RELEASE_FLAGS := -c release $(STATIC_FLAGS)
RELEASE := $(RELEASE_FLAGS) --product rstwho
MINUTES ?= 5
# It counts what the standard library allocates, which therefore cannot be linked in.
ENGINE_BENCH := swift build -c release --scratch-path .build/bench --product engine-bench

.PHONY: all help deps deps-build deps-demo deps-package bpf man deb dist test-package debug-static debug-package images debug lint format test test-all faults accuracy install-extcap bench bench-smoke soak test-kernels fuzz wild demo clean

all: deps-build bpf
	swift build $(RELEASE)
	@echo "Built .build/release/rstwho. Next: sudo .build/release/rstwho watch INTERFACE, or make demo."

help:
	@sed -n 's/^#  *make/make/p; s/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

deps: ## install the packages that building, tests and demo need (only what is missing)
	@scripts/install-packages build demo test

deps-build:
	@scripts/install-packages build

# Without root the demo reads a recording and needs no network tools.
deps-demo:
	@scripts/install-packages build $$([ "$$(id -u)" -ne 0 ] || echo demo)

bpf: $(BPF_OBJECTS) build/frames.bpf.o build/bench.bpf.o build/dropping.bpf.o $(ARCHIVES)/libsqlite3.a ## build the kernel part into build/

build/%.bpf.o: bpf/%.bpf.c $(BPF_HEADERS) Makefile
	@mkdir -p build
	$(BPF_CLANG) $(BPF_CFLAGS) -c $< -o $@

$(ARCHIVES)/libsqlite3.a:
	@mkdir -p $(ARCHIVES)
	@ln -sf $$($(BPF_CLANG) -print-file-name=libsqlite3.a) $@

# The program of the tests' generator of packets.
build/frames.bpf.o: Tests/Support/Generator/frames.bpf.c Tests/Support/Generator/frames.h Makefile
	@mkdir -p build
	$(BPF_CLANG) $(BPF_CFLAGS) -c $< -o $@

# The programs that the benchmark measures through.
build/%.bpf.o: Benchmarks/Kernel/%.bpf.c $(BPF_HEADERS) $(BPF_SOURCES) Makefile
	@mkdir -p build
	$(BPF_CLANG) $(BPF_CFLAGS) -c $< -o $@

build/%.bpf.swift-clang.o: bpf/%.bpf.c $(BPF_HEADERS) Makefile
	@mkdir -p build
	$(SWIFT_CLANG) $(BPF_CFLAGS) -c $< -o $@

.PHONY: fleet demo-fleet test-fleet
fleet: deps-build bpf ## the program that talks to the fleet's store, .build/release/rstwho-fleet
	swift build $(RELEASE)
	RSTWHO_FLEET=1 swift build $(RELEASE_FLAGS) --product rstwho-fleet

demo-fleet: fleet ## four machines with agents, one ClickHouse, and the question which of them did it
	@scripts/install-packages demo fleet
	@scripts/demo-fleet .build/release/rstwho

test-fleet: deps-build bpf ## ship to real ClickHouse servers, ask, and compare with the truth; servers are killed meanwhile
	@scripts/install-packages fleet replicas
	swift build --product rstwho
	RSTWHO_FLEET=1 swift build --product rstwho-fleet
	Tests/Deploy/fleet/run .build/debug

debug: deps-build bpf ## a debug build with its tests
	swift build --build-tests

lint: ## swift-format, clang-format and licence lines; changes nothing
	@CLANG_FORMAT=$(CLANG_FORMAT) scripts/lint

format: ## bring all sources into the project's format
	swift format format --in-place --parallel --recursive Package.swift Sources Tests Benchmarks
	$(CLANG_FORMAT) -i $(C_SOURCES)

test: deps deps-package bpf ## every test but the long ones; skips are shown with their reasons
	@CLANG_FORMAT=$(CLANG_FORMAT) scripts/test

test-all: deps deps-package bpf ## the long ones as well
	@CLANG_FORMAT=$(CLANG_FORMAT) scripts/test --all

faults: deps bpf ## put a running agent under faults and attacks; one line for each, expected and observed
	swift build --product rstwho
	swift build --product frame-generator
	Tests/Faults/run .build/debug/rstwho

accuracy: deps bpf ## play the matrix, read the captures, and write docs/accuracy.md
	swift build --build-tests
	RSTWHO_TEST_ALL=1 RSTWHO_ACCURACY=docs/accuracy.md swift test --skip-build --disable-xctest --no-parallel \
		--filter '^LabTests\.(MatrixTests|AccuracyTests)'

install-extcap: all ## put `rstwho extcap` where Wireshark looks for capture interfaces (EXTCAP_DIR, RSTWHO)
	@scripts/install-extcap $(or $(RSTWHO),.build/release/rstwho) $(EXTCAP_DIR)

deps-bench:
	@scripts/install-packages build bench

bench: deps-bench bpf ## measure everything beside other tools, one table; RSTWHO_PERFORMANCE=docs/performance.md writes that
	for product in rstwho kernel-bench frame-generator capture-generator; do \
		swift build $(RELEASE_FLAGS) --product $$product || exit; done
	$(ENGINE_BENCH)
	@Benchmarks/bench.py .build/release .build/bench/release $(PARTS)

bench-smoke: deps bpf ## what of the benchmark holds on any machine: ratios, allocations, the ledger
	swift build --build-tests
	@scripts/bench-smoke

.PHONY: cases text-equals-capture sbom
cases: CASES ?= ../shared/cases
cases: deps-build bpf ## read the captures and texts of CASES=folder with its expected.tsv; prints a table
	swift build --product rstwho
	@Tests/Cases/cases .build/debug/rstwho $(CASES)

text-equals-capture: CASES ?= ../shared/cases
text-equals-capture: deps bpf ## print the captures of CASES=folder in tcpdump's and tshark's styles; findings must be equal
	swift build --product rstwho
	@Tests/Cases/text-equals-capture .build/debug/rstwho $(CASES)

soak: deps-bench bpf ## full rate, bursts, overload for MINUTES=n; memory stays flat and every packet is accounted for
	for product in rstwho frame-generator; do swift build $(RELEASE_FLAGS) --product $$product || exit; done
	@Benchmarks/soak.py .build/release $(MINUTES)

test-kernels: deps bpf ## load the kernel part on Debian's kernels under qemu
	Tests/Kernel/Kernels/run

fuzz: deps bpf ## fuzz every parser for SECONDS=n each
	Tests/Fuzz/run fuzz $(SECONDS)

# CAPTURES="DIR..." reads others. The default is a cache outside the project, filled from public repositories.
WILD ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rstwho-wild
wild: deps-build bpf ## read every capture below CAPTURES and mark suspicious verdicts by a rule of its own
	swift build $(RELEASE)
	$(if $(CAPTURES),,Tests/Wild/fetch $(WILD))
	Tests/Wild/check .build/release/rstwho $(or $(CAPTURES),$(WILD)/captures) $(if $(LIST),--list $(LIST))

demo: deps-demo bpf ## a firewall's reset, caught in a network of namespaces
	swift build $(RELEASE)
	@scripts/demo .build/release/rstwho

deps-package:
	@scripts/install-packages build package

# The tool of swift-argument-parser writes it from the commands' own help. (Its plugin takes no options.)
manual = $(1)/generate-manual $(1)/rstwho --output-directory $(2)/man --section 8 \
	--date $$(git log -1 --format=%cs 2>/dev/null || date +%F)

man: deps-build bpf
	@mkdir -p build/man
	swift build $(RELEASE)
	swift build $(RELEASE_FLAGS) --product generate-manual
	$(call manual,.build/release,build)

deb: deps-package man ## a Debian package, in build/
	swift build $(RELEASE)
	scripts/package deb .build/release/rstwho

test-package: deb ## install, upgrade, remove and purge the package in a fresh root; then from the package to an alert and its answer
	@scripts/install-packages demo test
	Tests/Deploy/package build/rstwho_*.deb
	Tests/Deploy/acceptance build/rstwho_*.deb

# The debug build that tests have made, but with its libraries linked in. Over a build that has been linked both ways
# before, Swift's first attempt may leave some out.
debug-static: bpf
	swift build --product generate-manual
	swift build $(STATIC_FLAGS) --product rstwho || swift build $(STATIC_FLAGS) --product rstwho

# Of that a package: `make test` takes it from a fresh root to an alert.
debug-package: deps-package
	@mkdir -p build/debug/man
	$(call manual,.build/debug,build/debug)
	DPKG_DEB_COMPRESSOR_TYPE=none scripts/package deb .build/debug/rstwho build/debug

images: deps debug ## make the pictures of docs/images again
	scripts/images .build/debug/rstwho

dist: man ## a tarball with one file to copy, in build/
	swift build $(RELEASE)
	scripts/package dist .build/release/rstwho

sbom: ## the parts of the program and their licences: build/rstwho.spdx.json (SPDX 2.3), build/licences.txt
	@mkdir -p build
	scripts/sbom build/rstwho.spdx.json build/licences.txt

clean: ## remove what was built
	rm -rf build .build
