# The tasks of this project, for people and for CI alike; `make help` lists them.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3,$(shell \
  $(name) -c 'import sys; (3, 11) <= sys.version_info < (3, 13) and print("$(name)")' 2>/dev/null)))
PORT ?= 3000
BIN := .venv/bin
PACKAGES := .venv/.packages
READY := .venv/.ready
STATE := $(or $(VISIONSTACK_HOME),.local)
TESTS := $(BIN)/python -m pytest
ENVIRONMENT_FILE = $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/visionstack.pth

# Nothing calls home; vision/environment.py has the same list for what is started without make.
export ZENML_ANALYTICS_OPT_IN := false
export MLFLOW_DISABLE_TELEMETRY := true
export BENTOML_DO_NOT_TRACK := True
export DVC_NO_ANALYTICS := 1
export DISABLE_DEEPCHECKS_ANONYMOUS_TELEMETRY := 1
export DO_NOT_TRACK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-fast soak lint format serve image image-test dashboard stacks lock lock-check bench bench-serving audit clean

help: ## List these targets.
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with the locked packages, set up ZenML and register the stacks.
	@:

demo: setup ## Bring a digit classifier from images to a service; about 5 minutes on 2 cores.
	$(BIN)/python -m pipelines.demo --port $(PORT)

test: setup ## Run all tests.
	$(TESTS) -m "not slow and not soak" --numprocesses 2 --dist loadfile
	$(TESTS) -m "slow and not soak"

test-fast: setup ## Run the tests that are not marked slow.
	$(TESTS) -m "not slow and not soak" --numprocesses 2 --dist loadfile

soak: setup ## Run the tests that take many minutes.
	$(TESTS) -m soak

lint: setup ## Check style, types and which module may import which.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict vision serving
	$(BIN)/lint-imports

format: setup ## Put the code in the project's style and mend what can be mended safely.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

serve: setup ## Serve the newest champion on port 3000 (PORT=... for another).
	$(BIN)/bentoml serve --port $(PORT)

image: setup ## Build the OCI image of the service with the newest champion.
	$(BIN)/python -m steps.packaging build

image-test: setup ## Start the newest image, ask golden and bad images, and stop it.
	$(BIN)/python -m steps.packaging test

dashboard: setup ## Start ZenML's dashboard on this machine and print its address.
	ZENML_AUTO_OPEN_DASHBOARD=false $(BIN)/zenml login --local
	@echo "Stop it with: $(BIN)/zenml logout --local"

stacks: setup ## Register the stacks again after a change, and list them.
	$(BIN)/python run.py stacks apply
	$(BIN)/python run.py stacks list

lock: setup ## Renew the pinned versions in requirements/.
	$(call compile_locks,requirements,--upgrade)

lock-check: setup ## Fail if requirements/ is not what pyproject.toml asks for.
	@rm -rf .venv/locks && cp -r requirements .venv/locks
	$(call compile_locks,.venv/locks,)
	@diff -r requirements .venv/locks || { echo "requirements/ is stale; renew it: make lock"; exit 1; }

audit: setup ## Look up known vulnerabilities; fails as well if nobody could be asked.
	$(BIN)/python -m steps.packaging.audit

bench: setup ## Measure what the README's numbers come from.
	@set -e; for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python "$$file"; done

bench-serving: setup ## Compare the service with other ways to serve; about 15 minutes.
	$(BIN)/python benchmarks/serving/compare.py --write docs/performance.md

clean: ## Remove the caches; models, tracking runs and .venv stay.
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache "$(STATE)/cache"
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

# $(1) is the folder of the locks, $(2) an option for the largest. uv keeps the versions that it
# finds in the output file, so the smaller ones start as copies: what is tested is what is served.
define compile_locks
$(call compile,$(1)/dev.txt,$(2) --extra pipeline --extra service --extra dev)
cp $(1)/dev.txt $(1)/pipeline.txt
$(call compile,$(1)/pipeline.txt,--extra pipeline)
cp $(1)/dev.txt $(1)/service.txt
$(call compile,$(1)/service.txt,--extra service)
cp $(1)/dev.txt $(1)/service-alibi.txt
$(call compile,$(1)/service-alibi.txt,--extra service-alibi)
endef

define compile
$(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header --no-annotate --output-file $(1) $(2) > /dev/null
endef

# Compiled once here, packages start fast also where Python must not write bytecode itself.
# The locks are complete, and imgaug and alibi-detect would ask for a second OpenCV: hence --no-deps.
# The .pth file lets every program in .venv import this folder, and sets the switches of
# vision/environment.py before it runs, also where it is started without make.
$(PACKAGES): requirements/dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed; name one: make setup PYTHON=/path/to/python"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements/dev.txt > .venv/uv.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --compile-bytecode -r requirements/dev.txt
	@printf '%s\n%s\n' "$(CURDIR)" 'import vision.environment; vision.environment.prepare()' > "$(ENVIRONMENT_FILE)"
	@touch $@

$(READY): $(PACKAGES) $(wildcard stacks/*.yaml) $(wildcard stacks/flavors/*.py)
	ZENML_LOGGING_VERBOSITY=ERROR $(BIN)/python -m stacks.bootstrap
	@touch $@
