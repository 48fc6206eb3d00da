# Fuzzers of everything that reads bytes from outside: libFuzzer under clang, with address and undefined-behaviour checks.

FUZZ         := $(BUILD)/fuzz
FUZZ_CC      ?= clang
FUZZ_SECONDS ?= 600
FUZZERS      := readings schemas records states programs conditions
FUZZ_CHECKS  := -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_CFLAGS  := $(filter-out $(OPT) $(SANITIZE),$(CFLAGS)) -O1 -g -Itests/unit -Itests/fuzz $(FUZZ_CHECKS)
FUZZ_SOURCES := $(filter-out processor/decode/stage.c,$(wildcard processor/decode/*.c)) $(wildcard processor/rules/*.c processor/rules/cel/*.c) \
                $(filter-out processor/program/store.c processor/program/apply.c,$(wildcard processor/program/*.c)) \
                processor/base/arena.c processor/base/err.c processor/base/clock.c processor/base/hash.c processor/base/nearest.c \
                processor/base/rfc3339.c \
                tests/unit/values.c tests/unit/avroc.c tests/unit/writers.c tests/fuzz/walk.c
FUZZ_LIBS    := $(shell pkg-config --libs avro-c yaml-0.1 libcurl jansson libsodium) -pthread
FUZZ_OBJECTS := $(patsubst %.c,$(FUZZ)/obj/%.o,$(FUZZ_SOURCES)) $(BUILD)/obj/embedded.o

$(FUZZ)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CPPFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

$(addprefix $(FUZZ)/,$(FUZZERS)): $(FUZZ)/%: $(FUZZ)/obj/tests/fuzz/%.o $(FUZZ_OBJECTS)
	$(FUZZ_CC) $(FUZZ_CHECKS) -fsanitize=fuzzer -o $@ $^ $(FUZZ_LIBS)

$(FUZZ)/seeds-program: $(FUZZ)/obj/tests/fuzz/seeds.o $(FUZZ_OBJECTS)
	$(FUZZ_CC) $(FUZZ_CHECKS) -o $@ $^ $(FUZZ_LIBS)

-include $(shell find $(FUZZ)/obj -name '*.d' 2>/dev/null)

.PHONY: fuzzers
fuzzers: $(addprefix $(FUZZ)/,$(FUZZERS) seeds-program)

.PHONY: fuzz
fuzz: fuzzers ## let the fuzzers run, FUZZ_SECONDS each (600)
	tests/fuzz/run $(FUZZ) $(FUZZ_SECONDS)

.PHONY: fuzz-smoke
fuzz-smoke: fuzzers ## let the fuzzers run for a few seconds each
	tests/fuzz/run $(FUZZ) 8
