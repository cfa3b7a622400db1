# What a contributor runs, in one place. Everything runs in .venv, which README's second command makes.
bin := .venv/bin

.PHONY: help check fix test deep bench mutants conformance demo

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*  ## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

check:  ## style, types, our own specs
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/harness lint

fix:  ## put the style right where ruff can
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

test:  ## the default tier: nearly every promise once, in little more than a minute on two cores
	$(bin)/pytest

deep:  ## what takes minutes: every family whole, laws at full length, every fault of `harness chaos`
	$(bin)/pytest --hypothesis-profile deep -m 'deep or slow or hypothesis'

bench:  ## every figure, its goal, and whether it is met (an hour; an idle machine)
	$(bin)/python tests/bench/all.py

mutants:  ## whether the tests of the decisions notice when these are changed (an hour; installs mutmut)
	$(bin)/python -m pip install --quiet 'mutmut>=3.8,<4'
	$(bin)/mutmut run
	$(bin)/mutmut results

conformance:  ## the third-party suite `conformance` on a night of ours (needs python3.12 or newer)
	tests/conformance/run.sh $(or $(PYTHON),python3)

demo:  ## three features proven in a few seconds, without network or key
	$(bin)/harness demo
