# Python for tests. Read before the files that need it: make expands prerequisites as it reads them.

VENV := build/venv

$(VENV)/.done: tests/requirements.txt tests/venv
	tests/venv $(VENV) tests/requirements.txt
	touch $@
