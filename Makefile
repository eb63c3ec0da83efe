# A thin front for CMake: what people and CI type. Everything it needs it installs (tools/setup).
.PHONY: all setup build demo check bench clean

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

# All tests: every build, every sanitizer, every fuzz corpus. Ends with a summary line.
check: setup
	@tools/check

# One JSON object per line and figure. BENCH=name for one of bench/.
bench: build
	@tools/bench $(BENCH)

clean:
	rm -rf build
