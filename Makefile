PYTHON ?= python3
VENV := .venv
# `local` is what `make run` needs; `dev` has that and the tools for tests and checks.
EXTRA ?= local

.PHONY: run install

run: install ## Start Dramatis on this machine, with a database and a model of its own
	@exec $(VENV)/bin/python -m config.local

install: ## Make .venv and install what is pinned in requirements/
	@PYTHON='$(PYTHON)' VENV='$(VENV)' EXTRA='$(EXTRA)' sh config/local/install.sh
