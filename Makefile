# For those whose fingers type make; ./dev does the work.
.PHONY: demo test test-long bench lint format clean setup
.DEFAULT_GOAL := help

help:
	@./dev help

demo test bench lint format clean setup:
	@./dev $@

test-long:
	@./dev test --long
