# What always holds, on generated programs and histories, against the plain reimplementation in tests/model.

SECONDS_OF_PROPERTIES = $(or $(SECONDS),30)

.PHONY: properties
properties: $(PROGRAM) $(VENV)/.done ## generated histories: make properties SECONDS=300 SEED=1
	$(VENV)/bin/python tests/properties/properties.py $(PROGRAM) --seconds $(SECONDS_OF_PROPERTIES) $(if $(SEED),--seed $(SEED))
