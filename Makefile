# points: build, test, bench. `make help` lists the targets.
SHELL   := /bin/bash
BUILD   ?= build
ifeq ($(origin CC),default)
CC      := gcc
endif
PREFIX  ?= /usr/local
OPT     ?= -O2 -g
VERSION := $(shell cat processor/VERSION)

PACKAGES := rdkafka avro-c libpq hiredis yaml-0.1 libcurl jansson libsodium
WARN     := -Wall -Wextra -Wpedantic -Wconversion -Werror
CPPFLAGS += -D_GNU_SOURCE -DPOINTS_VERSION='"$(VERSION)"' -Iprocessor
CFLAGS   += -std=c11 $(OPT) $(WARN) $(SANITIZE) -fno-strict-aliasing -fstack-protector-strong -pthread \
            $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null | sed 's/-I/-isystem /g')
LDLIBS   += $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -pthread
# avro-c is the oracle of tests and benches; the program reads Avro without it.
LDFLAGS  += $(SANITIZE) -Wl,--as-needed

# The rules core is a library of its own: it builds with nothing but libc.
CORE_SOURCES := $(wildcard processor/rules/*.c processor/rules/cel/*.c) processor/base/arena.c processor/base/err.c \
                processor/base/nearest.c
ALL_SOURCES  := $(wildcard processor/*.c processor/*/*.c processor/*/*/*.c)
REST_SOURCES := $(filter-out $(CORE_SOURCES) processor/main.c,$(ALL_SOURCES))
EMBEDDED     := $(sort $(wildcard schemas/avro/*.avsc schemas/avro/*/*.avsc schemas/sql/*.sql schemas/redis/*.lua))

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
CORE    := $(BUILD)/libpoints-rules.a
REST    := $(BUILD)/libpoints.a
PROGRAM := $(BUILD)/points

UNIT_SOURCES := $(wildcard tests/unit/*.c)
UNIT         := $(BUILD)/unit-tests

.PHONY: all
all: $(PROGRAM)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | sed -E 's/:.*## /\t/' | expand -t 18

$(PROGRAM): $(call objects,processor/main.c) $(REST) $(CORE)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(CORE): $(call objects,$(CORE_SOURCES))
	rm -f $@ && ar rcs $@ $^

$(REST): $(call objects,$(REST_SOURCES)) $(BUILD)/obj/embedded.o
	rm -f $@ && ar rcs $@ $^

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# schemas/ inside the program: one assembler file that includes each file's bytes, and the table of their names.
$(BUILD)/obj/embedded.S: $(EMBEDDED) schemas/embed.sh
	@mkdir -p $(@D)
	schemas/embed.sh $(EMBEDDED) > $@

$(BUILD)/obj/embedded.o: $(BUILD)/obj/embedded.S
	$(CC) -c -o $@ $<

$(UNIT): $(call objects,$(UNIT_SOURCES)) $(REST) $(CORE)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(shell pkg-config --libs criterion)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
include $(sort $(wildcard tests/*.mk bench/*.mk deploy/*.mk))

.PHONY: deps
deps: ## install what is missing on Debian 12
	deploy/install-deps

.PHONY: unit
unit: $(UNIT) ## run the unit tests
	$(UNIT) --jobs 2 --short-filename

.PHONY: asan
asan: ## build with address and undefined-behaviour sanitizers, run the unit tests
	$(MAKE) BUILD=build/asan OPT='-O1 -g' SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined' all unit

.PHONY: clang
clang: ## build with clang
	$(MAKE) BUILD=build/clang CC=clang all

.PHONY: purity
purity: $(CORE) ## the rules core links libc's allow-listed functions only
	tests/purity $(CORE) tests/purity.allow

.PHONY: format
format: ## format the C sources in place
	clang-format -i $(ALL_SOURCES) $(wildcard processor/*.h processor/*/*.h processor/*/*/*.h tests/unit/*.c tests/lib/*.[ch] tests/fuzz/*.[ch] tests/conformance/*.[ch] bench/*.c)

.PHONY: tidy
tidy: purity ## formatter, static analysis, function lengths, purity
	tests/tidy

.PHONY: install
install: $(PROGRAM) ## install under $(DESTDIR)$(PREFIX)
	install -D -m 0755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/points
	install -d $(DESTDIR)$(PREFIX)/share/points/programs $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 0644 config/points.conf config/program.schema.json $(DESTDIR)$(PREFIX)/share/points/
	install -m 0644 config/programs/*.yaml config/programs/*.cases $(DESTDIR)$(PREFIX)/share/points/programs/
	$(PROGRAM) help --man > $(DESTDIR)$(PREFIX)/share/man/man1/points.1

.PHONY: clean
clean: ## remove what was built
	rm -rf build
