# What a condition costs: nanoseconds to evaluate it on an order of three lines, no services needed.

$(BUILD)/bench/cel: $(call objects,bench/cel.c) $(CORE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^

.PHONY: bench-cel
bench-cel: $(BUILD)/bench/cel ## measure a condition alone
	$<
