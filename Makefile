# Two commands for a newcomer: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.ready

.PHONY: setup demo test check clean
setup: $(STAMP)

$(STAMP): constraints.txt pyproject.toml .ci/setup
	@PYTHON=$(PYTHON) .ci/setup $(VENV)
	@touch $(STAMP)

demo: setup  ## the example repository's pipeline, end to end
	@.ci/demo

test: setup  ## the whole test suite
	@.ci/test

check: setup  ## what CI runs
	@.ci/run

clean:
	rm -rf $(VENV) dist site
