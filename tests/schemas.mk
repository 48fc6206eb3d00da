# The Avro schemas against their earlier versions, and the decoder against fastavro.

SCHEMA_DUMP := $(BUILD)/schema-dump

$(SCHEMA_DUMP): $(call objects,tests/schemas/dump.c) $(REST) $(CORE)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: schemas
schemas: $(SCHEMA_DUMP) $(VENV)/.done ## check that every schema version ever committed reads every other
	POINTS_SCHEMA_DUMP=$(abspath $(SCHEMA_DUMP)) $(VENV)/bin/python -m pytest tests/schemas -c tests/pytest.ini \
	    --junit-xml=$(BUILD)/test-logs/schemas.xml
