# Measures the processor, the floor and Kafka Streams on this machine; bench/README.md says what is measured and how.
BENCH          := $(BUILD)/bench
BENCH_VENV     := build/venv-bench
BENCH_PROGRAMS := $(BENCH)/generate $(BENCH)/latency $(BENCH)/floor
BENCH_STREAMS  := $(BENCH)/streams/streams.jar

$(BENCH)/generate $(BENCH)/latency: $(BENCH)/%: $(call objects,bench/%.c bench/client.c) $(REST) $(CORE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BENCH)/floor: $(call objects,bench/floor.c bench/floor_ledger.c bench/floor_publish.c bench/client.c) $(REST) $(CORE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
