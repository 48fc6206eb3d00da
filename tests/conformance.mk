# The language of conditions against google/cel-spec's tests, which are read as they are published.

CONFORMANCE := $(BUILD)/conformance

$(CONFORMANCE): $(call objects,$(wildcard tests/conformance/*.c)) $(REST) $(CORE)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: conformance
conformance: $(CONFORMANCE) ## hold the expression language to its published tests
	@$(CONFORMANCE) tests/conformance/cel-spec tests/conformance/exceptions.txt
