# Set-up and the everyday commands. Another interpreter for the set-up:
# make install PYTHON=python3.12
# With the PyTorch that it has already: make install ADOPT_TORCH=1
PYTHON ?= python3
STAMP := .venv/.installed
PIP_INSTALL := .venv/bin/python -m pip install -c .venv/constraints.txt
CONSTRAINTS := cat constraints.txt
ifdef ADOPT_TORCH
VENV_OPTIONS := --system-site-packages
TORCH := from importlib.metadata import version; print(version("torch"))
CONSTRAINTS := torch=$$($(PYTHON) -c '$(TORCH)') \
	&& sed "s/^torch==.*/torch==$$torch/" constraints.txt
endif

.DEFAULT_GOAL := help
.PHONY: help install demo annotate test test-install bench bench-full lint clean

help:
	@echo 'make install     set up everything in .venv (once; later runs do nothing)'
	@echo 'make demo        train from 4 points per cell on real cells, and show the result'
	@echo 'make annotate    annotate five of their images in the browser'
	@echo 'make test        run the tests'
	@echo 'make test-install  install the wheel into empty environments, and use it'
	@echo 'make bench       measure our parts beside what they replace'
	@echo 'make bench-full  the same at LIVECell'\''s full size (longer)'
	@echo 'make lint        check the style'
	@echo 'make clean       remove caches and build leftovers, keep .venv and data'

install: $(STAMP)
	@echo 'Everything is set up in .venv'

# Packages ask for OpenCV both with and without windows. They unpack into one
# folder, and the one with windows fails to load on a machine without a screen:
# so the other is unpacked once more, on top. Nothing here opens a window.
$(STAMP): pyproject.toml constraints.txt
	test -f $@ || $(PYTHON) -m venv --clear $(VENV_OPTIONS) .venv
	$(CONSTRAINTS) > .venv/constraints.txt
	$(PIP_INSTALL) -e '.[train,test]'
	$(PIP_INSTALL) --no-deps --force-reinstall opencv-python-headless
	.venv/bin/python -W ignore -c 'import cv2, pace_mmdet.register'
	@touch $@

demo: $(STAMP)
	.venv/bin/python tools/demo.py

# The walk of docs/annotating.md.
annotate: $(STAMP)
	.venv/bin/python tools/dataset_converters/hela.py --out data/hela
	@mkdir -p data/walk/images
	@cp data/hela/images/train/HeLa_t0[0-4]_train.tif data/walk/images/
	.venv/bin/python tools/annotate.py data/walk/images --db data/walk/project.db

# In several processes of one thread each, which would otherwise choke each
# other. The tests of a file share fixtures and stay together.
test: export OMP_NUM_THREADS ?= 1
test: $(STAMP)
	.venv/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile

# With pip, and from where pip takes packages: minutes.
test-install: export OMP_NUM_THREADS ?= 1
test-install: $(STAMP)
	.venv/bin/python -m pytest tests/installing.py

# COMPILED: the interpreter of an environment whose MMCV was built with its
# operators, to compare ours with.
bench: $(STAMP)
	.venv/bin/python tools/benchmarks/bench.py $(COMPILED:%=--compiled %)

bench-full: $(STAMP)
	.venv/bin/python tools/benchmarks/bench.py --full $(COMPILED:%=--compiled %)

lint: $(STAMP)
	.venv/bin/python -m flake8

clean:
	rm -rf build dist *.egg-info .pytest_cache
	find . -name .venv -prune -o -name __pycache__ -type d -exec rm -rf {} +
