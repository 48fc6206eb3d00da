# The integration tests' long forms; `make integration` (test.mk) runs the short ones.

SECONDS_OF_TORTURE = $(or $(SECONDS),300)

.PHONY: torture
torture: $(PROGRAM) $(VENV)/.done ## kill -9 at random moments: make torture SECONDS=300 SEED=1
	POINTS_BINARY=$(abspath $(PROGRAM)) POINTSTEST_TORTURE_SECONDS=$(SECONDS_OF_TORTURE) POINTSTEST_SEED=$(SEED) \
	    $(VENV)/bin/python -m pytest tests/integration/test_torture.py -c tests/pytest.ini -s $(PYTEST)
