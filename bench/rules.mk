# What deciding costs: nanoseconds a step, state bytes in to state bytes out, no services needed.

$(BUILD)/bench/rules: $(call objects,bench/rules.c bench/order_bytes.c) $(REST) $(CORE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: bench-rules
bench-rules: $(BUILD)/bench/rules ## measure the rules alone
	$<
