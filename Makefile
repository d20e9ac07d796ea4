# Everything a person does here is a target of this file; `make` lists them.
# A distribution's Python, built with profile-guided optimization, takes a third less CPU than one that is not.
SYSTEM_PYTHON := /usr/bin/python3
USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(if $(shell $(SYSTEM_PYTHON) -c '$(USABLE)' 2>/dev/null && echo usable),$(SYSTEM_PYTHON),python3)
PORT ?= 8000
JOBS ?= 4
SEED ?= 1
SECONDS ?= 120
UV := .tools/bin/uv
BIN := .venv/bin
MEMBERS := shared/contracts shared/kit shared/fleet shared/web shared/devkit $(sort $(patsubst %/pyproject.toml,%,$(wildcard services/*/pyproject.toml services/*/*/pyproject.toml))) deploy/local
STAMP := .venv/.installed
CHECKED := tests/architecture $(addprefix tests/deploy/test_,deployments.py kustomize.py observability.py images.py::test_a_dockerfile_is_without_findings)

# What `make check test` need not run again.
PASSED := $(if $(filter check,$(MAKECMDGOALS)),$(CHECKED:%=--deselect=%))

export UV_PYTHON_DOWNLOADS := never

# After the folder moved, or its Python is gone, nothing in .venv can start: make it again.
ifneq ($(wildcard $(STAMP)),)
ifneq ($(shell grep -qsF '$(CURDIR)/.venv/bin/python' $(BIN)/hearback && $(BIN)/python -c '' 2>/dev/null && echo usable),usable)
$(shell rm -f $(STAMP) $(BIN)/python)
endif
endif

# Another Python that is asked for by name makes .venv again, too.
ifeq ($(origin PYTHON)$(wildcard $(STAMP)),command line$(STAMP))
NAME_PYTHON := import sys; print(sys.base_prefix, sys.version.split()[0])
NAMED := $(shell $(PYTHON) -c '$(NAME_PYTHON)' 2>/dev/null)
ifeq ($(NAMED),)
$(error $(PYTHON) is no Python that runs)
endif
ifneq ($(shell $(BIN)/python -c '$(NAME_PYTHON)' 2>/dev/null),$(NAMED))
$(shell rm -f $(STAMP) $(BIN)/python)
endif
endif

.DEFAULT_GOAL := help
.PHONY: help install up test chaos check audit format pictures bench lock generate clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Hearback needs Python 3.11 or newer; name one with: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments; on Debian: sudo apt-get install python3-venv" >&2; exit 1; }
	@echo "setting up uv"
	@$(PYTHON) -m venv --clear .tools
	@.tools/bin/pip install --quiet --disable-pip-version-check --require-hashes -r deploy/locks/uv.lock

$(STAMP): requirements.lock $(MEMBERS:%=%/pyproject.toml) | $(UV)
	@echo "installing the locked requirements into .venv"
	@$(BIN)/python -c '' 2>/dev/null || $(UV) venv --quiet --clear --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(MEMBERS:%=-e ./%)
	@$(BIN)/python -m hearback_local.precompile
	@touch $(STAMP)

install: $(STAMP) ## everything needed, into .venv

up: $(STAMP) ## the whole fleet in the foreground (PORT=8000)
	@exec $(BIN)/hearback up --port $(PORT)

test: export PYTHONDONTWRITEBYTECODE :=
test: $(STAMP) ## everything needed, then all tests (T=path for a part; JOBS=4 at a time)
	@deploy/local/browser.sh
	@deploy/local/node.sh
	@if [ -f tests/conformance/install.py ]; then $(BIN)/python tests/conformance/install.py $(UV); fi
	@$(if $(T),,HEARBACK_COVERAGE=1) $(BIN)/pytest $(or $(T),-n $(JOBS) --dist loadfile --no-loadscope-reorder --durations=20 $(PASSED))

chaos: export HEARBACK_CHAOS_SEED := $(SEED)
chaos: export HEARBACK_CHAOS_SECONDS := $(SECONDS)
chaos: $(STAMP) ## the seeded faults under load (SEED=1 SECONDS=120)
	@$(BIN)/pytest tests/chaos --timeout 0 -o faulthandler_timeout=0 -s

check: $(STAMP) ## lint, types, architecture, manifests, known vulnerabilities
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(sort $(realpath $(MEMBERS:%=%/src)))
	@$(BIN)/lint-imports
	@$(BIN)/python -m hearback_local.audit
	@deploy/local/node.sh tests/deploy
	@$(BIN)/pytest --quiet --no-header -p no:randomly $(CHECKED)

audit: $(STAMP) ## known vulnerabilities of what is pinned, offline (OSV=dump, REFRESH=1 to keep what it knows)
	@$(BIN)/python -m hearback_local.audit $(if $(OSV),--osv "$(OSV)") $(if $(REFRESH),--refresh) $(if $(DROP),--drop)

format: $(STAMP) ## put the code into shape
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

pictures: $(STAMP) ## pictures of every page into .hearback/pictures (OF=documentation for those of the docs)
	@PYTHONPATH=tests/browser:deploy/local/tests/fleet $(BIN)/python -m tests.browser.take_pictures \
	  $(if $(OF),deploy/docs/pages documentation,.hearback/pictures)

bench: $(STAMP) ## measure throughput side by side with the bare limit
	@$(BIN)/python -m tests.bench

generate: $(STAMP) ## rewrite what is generated from code: schemas, openapi.json, docs
	@$(BIN)/python -m hearback_local.generate

lock: $(UV) ## resolve the newest allowed versions and write every lock
	@$(UV) lock --quiet --upgrade
	@$(UV) export --quiet --locked --all-packages --all-groups --no-emit-workspace --no-header --no-annotate --format requirements.txt -o requirements.lock
	@for member in $(filter services/%,$(MEMBERS)); do \
	  $(UV) export --quiet --locked --package $$(basename $$member) --no-dev --no-emit-workspace --no-header --no-annotate --format requirements.txt -o $$member/requirements.lock; \
	done
	@for tool in uv uv-build; do \
	  echo "$$tool>=0.13,<0.14" | $(UV) pip compile --quiet --universal --upgrade --generate-hashes --no-header --no-annotate - -o deploy/locks/$$tool.lock; \
	done

clean: ## remove what can be made again (the data in .hearback stays)
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
