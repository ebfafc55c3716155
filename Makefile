.PHONY: install run test soak bench clean help

help:          ## What can be made
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*## */	/' | expand -t 10

install:       ## The environment in .venv, from the hashed locks; does nothing when it is up to date
	@tools/install

run: install   ## The service, over a sample book the first time
	@.venv/bin/tminus run

test: install  ## Every gate: lint, types, imports, tests, playbooks
	@tools/test

soak: install  ## The long form of the proofs
	@HYPOTHESIS_PROFILE=soak .venv/bin/python -m pytest -q -m soak --timeout 0

bench: install ## What ticks, rules, deliveries and pages cost, and how soon a task follows an event
	@.venv/bin/python -m bench.ticks
	@.venv/bin/python -m bench.latency
	@.venv/bin/python -m bench.rules
	@.venv/bin/python -m bench.authoring
	@.venv/bin/python -m bench.delivery
	@.venv/bin/python -m bench.webhooks
	@.venv/bin/python -m bench.console

clean:         ## Removes the environment; keeps var/, which is your data
	@rm -rf .venv build *.egg-info
