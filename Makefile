# SPDX-License-Identifier: MIT
# make demo   install what is missing, build, run the main job (out/demo/*/report.html)
# make test   the same installation, then every test and lint check
# make wheel  a relocatable wheel that finds torch's libraries beside it: build/dist
# make reference   the API pages of Fortran, C and Python from their sources: build/reference
# All work offline once they have run; a second run rebuilds nothing.
PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch==2.13.0
BUILD ?= build/python
DEMO ?= out/demo
# Exported by the first to need them, and taken from there by all other tests.
export ISTHMUS_TEST_NETWORKS := $(CURDIR)/$(BUILD)/tests/bridge/networks

# The package, the bridge alone and the wheel compile the same files: with ccache, once. It
# looks at names of compilers and relative paths too, so all take one name and Ninja.
ifeq ($(origin CC)$(origin CXX),defaultdefault)
CC := gcc
CXX := g++
endif
export CC CXX
export CMAKE_C_COMPILER_LAUNCHER ?= $(shell command -v ccache)
export CMAKE_CXX_COMPILER_LAUNCHER ?= $(shell command -v ccache)
export CCACHE_BASEDIR ?= $(CURDIR)
export CCACHE_NOHASHDIR ?= 1

# ON reads libtorch's headers twenty times, not ninety; OFF is for those who change the bridge.
UNITY ?= ON

pip := $(VENV)/bin/pip --disable-pip-version-check
sources := CMakeLists.txt $(shell find bridge fortran python tests -name '*.[fch]90' -o -name '*.[ch]' \
  -o -name '*.[ch]pp' -o -name 'CMakeLists.txt' -o -name '*.cmake*' -o -name '*.in' \
  -o -name 'ffi_build.py' -o -name 'kind_map')

.PHONY: demo test test-install wheel reference lint format install clean help
.DELETE_ON_ERROR:

help:
	@sed -n '2,6s/^# //p' Makefile

demo: install
	$(VENV)/bin/isthmus demo --directory $(DEMO)

test: install lint
	ctest --test-dir $(BUILD) --output-on-failure
	$(MAKE) test-install
	$(VENV)/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --durations 25

# The bridge alone, without models and Python: installed, found by CMake and pkg-config, and
# called by the first example.
test-install: install
	cmake -S . -B build/bridge -G Ninja -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(VENV)/bin/ninja \
	  -DISTHMUS_BUILD_MODELS=OFF -DISTHMUS_BUILD_PYTHON=OFF \
	  -DISTHMUS_TEST_NETWORKS=$(ISTHMUS_TEST_NETWORKS) -DISTHMUS_UNITY=$(UNITY) \
	  -DPython_EXECUTABLE=$(CURDIR)/$(VENV)/bin/python > build/bridge.log
	cmake --build build/bridge >> build/bridge.log
	ctest --test-dir build/bridge --output-on-failure -R 'install|first_call'
	$(MAKE) wheel
	tests/test_wheel.sh $(VENV)/bin/python build/dist $(ISTHMUS_TEST_NETWORKS)/weighted_float64.pt

# For any machine of the last ten years, not for this one alone.
wheel: $(VENV)/.installed
	rm -rf build/dist
	$(pip) wheel --quiet --no-build-isolation --no-deps --config-settings=build-dir=build/wheel \
	  --config-settings=cmake.define.ISTHMUS_UNITY=$(UNITY) \
	  --config-settings=cmake.define.ISTHMUS_MARCH=x86-64-v3 --wheel-dir build/dist .

reference: install
	@command -v doxygen > /dev/null || { echo "reference: install doxygen first"; exit 1; }
	$(VENV)/bin/ford --quiet docs/reference/fortran.md
	@mkdir -p build/reference
	doxygen docs/reference/Doxyfile
	$(VENV)/bin/pdoc --docformat numpy --output-directory build/reference/python isthmus

lint: $(VENV)/.installed
	VENV=$(VENV) .ci/lint

format: $(VENV)/.installed
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/clang-format -i $(shell git ls-files '*.c' '*.cpp' '*.h' '*.hpp')

install: $(VENV)/.built

# The compiler and the libraries that come from the system.
build/.system: .ci/prepare
	.ci/prepare
	@mkdir -p build && touch $@

# The Python environment. numpy and the build tools first: torch is a large wheel.
$(VENV)/.installed: pyproject.toml .ci/requirements build/.system
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(pip) install --quiet "$(TORCH)"
	$(pip) install --quiet "$(TORCH)" $$($(VENV)/bin/python .ci/requirements)
	@touch $@

# One build tree serves the extension modules, the programs and the CTest tests.
$(VENV)/.built: $(VENV)/.installed $(sources)
	$(pip) install --quiet --no-build-isolation --no-deps --config-settings=build-dir=$(BUILD) \
	  --config-settings=cmake.define.ISTHMUS_UNITY=$(UNITY) \
	  --config-settings=cmake.define.ISTHMUS_BUILD_TESTS=ON --editable .
	@touch $@

clean:
	rm -rf build out $(VENV)/.built
