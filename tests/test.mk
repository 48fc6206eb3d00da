# Every test there is; tests/run --list names the groups.

.PHONY: test
test: ## run every test there is; the last line counts them
	BUILD=$(BUILD) tests/run

.PHONY: integration
integration: $(PROGRAM) $(VENV)/.done ## test the program from outside, with real services
	POINTS_BINARY=$(abspath $(PROGRAM)) $(VENV)/bin/python -m pytest tests/integration -c tests/pytest.ini $(PYTEST)

.PHONY: settings
settings: $(PROGRAM) ## config/points.conf and README.md say what the program's tables say
	tests/settings $(PROGRAM)

.PHONY: cases
cases: $(PROGRAM) ## run the golden cases beside the programs, and those of other engines
	$(PROGRAM) test config/programs tests/cases --junit $(BUILD)/cases.xml

.PHONY: programs
programs: $(PROGRAM) $(VENV)/.done ## hold the JSON Schema of program files against the program
	POINTS_BINARY=$(abspath $(PROGRAM)) $(VENV)/bin/python -m pytest tests/programs -c tests/pytest.ini \
	    --junit-xml=$(BUILD)/test-logs/programs.xml

.PHONY: properties
properties: $(PROGRAM) $(VENV)/.done ## generated histories for 30 s: make properties SECONDS=600 SEED=1
	$(VENV)/bin/python tests/properties/properties.py $(PROGRAM) --seconds $(or $(SECONDS),30) $(if $(SEED),--seed $(SEED))
