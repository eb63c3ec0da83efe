# A thin front for CMake: what people and CI type. Everything it needs it installs (tools/setup).
.PHONY: all setup build demo demo-sites demo-upgrade check bench packages image reproducible clean

all: build

setup:
	@tools/setup

# What is shipped, demonstrated and benchmarked.
build: setup
	@cmake --preset release >/dev/null
	@cmake --build --preset release

# The main job on the lab network; prints TAP. As root.
demo: build
	@lab/demo

# Sites that are cut off, killed, replaced; prints TAP. As root, about 13 minutes.
demo-sites: build
	@lab/demo-sites

# A rolling update of nodes and controller from signed packages, under traffic; prints TAP. As root.
demo-upgrade: setup
	@lab/demo-upgrade

# All tests: every build, every sanitizer, every fuzz corpus. Ends with a summary line.
check: setup
	@tools/check

# One JSON object per line and figure. BENCH=name for one of bench/.
bench: build
	@tools/bench $(BENCH)

# Debian packages with their bills of materials, in build/packages.
packages: setup
	@tools/packages

# A container image of tielined from Debian packages and ours, in build/image: an OCI archive (doc/kubernetes.md). As root.
image: setup
	@tools/image

# Builds them twice, in different places and surroundings: are they the same, bit for bit?
reproducible: setup
	@tools/reproducible

clean:
	rm -rf build
