# Measures the processor, the floor and Kafka Streams on this machine; bench/README.md says what is measured and how.
BENCH          := $(BUILD)/bench
BENCH_VENV     := build/venv-bench
BENCH_PROGRAMS := $(BENCH)/generate $(BENCH)/latency $(BENCH)/floor $(BENCH)/rules $(BENCH)/cel
BENCH_STREAMS  := $(BENCH)/streams/streams.jar
FLOOR_SOURCES  := bench/floor.c bench/floor_ledger.c bench/floor_publish.c
BENCH_RUN       = $(BENCH_VENV)/bin/python bench/run --build $(BUILD)

.PHONY: bench bench-quick bench-programs
bench: $(PROGRAM) bench-programs $(BENCH_VENV)/.done ## measure the processor beside the floor and Kafka Streams
	$(BENCH_RUN) $(ARGS)

bench-quick: $(PROGRAM) bench-programs $(BENCH_VENV)/.done ## the same with fewer events, in under a minute
	$(BENCH_RUN) --quick $(ARGS)

bench-programs: $(BENCH_PROGRAMS) $(BENCH_STREAMS)

$(BENCH)/generate $(BENCH)/latency: $(BENCH)/%: $(call objects,bench/%.c bench/client.c) $(REST) $(CORE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BENCH)/floor: $(call objects,$(FLOOR_SOURCES) bench/client.c) $(REST) $(CORE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BENCH_STREAMS): bench/peers/streams/pom.xml $(wildcard bench/peers/streams/src/main/java/points/bench/*.java)
	mvn -B -q -f $< -Doutput=$(abspath $(@D)) -Dmaven.test.skip=true package

$(BENCH_VENV)/.done: bench/requirements.txt tests/venv
	tests/venv $(BENCH_VENV) $<
	touch $@
