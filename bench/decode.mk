# What decoding costs beside avro-c: nanoseconds an order, no services needed.

$(BUILD)/bench/decode: $(call objects,bench/decode.c bench/order_bytes.c) $(REST) $(CORE)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: bench-decode
bench-decode: $(BUILD)/bench/decode ## measure the decoder beside avro-c
	$<
