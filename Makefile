# make lab and make test also make the environment. See README.md.

PYTHON ?= python3
VENV ?= .venv
# uv makes an environment in seconds, pip in minutes. Both compile all modules to bytecode. Otherwise
# TensorFlow's first import takes three times as long, and so does every import if Python may not
# write bytecode.
UV ?= $(shell command -v uv)
BIN = $(VENV)/bin
READY = $(VENV)/ready
# A file of exact versions, such as .ci/newest.txt. Without one, the newest are installed.
CONSTRAINTS ?=
# Test processes. Each runs whole files, so that the fixtures of a file are set up once.
PROCESSES ?= 2
# One thread of TensorFlow and of NumPy in each process, because more would compete for the cores.
# Python may write bytecode, or each process would compile the lab and its tests again. glibc keeps
# freed memory: to return it and ask for it again takes a twentieth of the time. tests/without hides
# a package that takes seconds to import.
FAST = TF_NUM_INTRAOP_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= \
	MALLOC_TRIM_THRESHOLD_=1000000000 MALLOC_TOP_PAD_=33554432 PYTHONPATH=$(CURDIR)/tests/without
PYTEST = $(FAST) $(BIN)/python -m pytest --durations 12
# In the order of the files. Otherwise a file whose few tests are long would come last, and alone.
# A process that crashes is not started again, since pytest-xdist 3.8 may then wait for ever.
PARALLEL = $(PYTEST) --numprocesses $(PROCESSES) --max-worker-restart 0 \
	--dist loadfile --no-loadscope-reorder
NBVAL = --nbval --nbval-sanitize-with tests/sanitize.cfg --nbval-cell-timeout 120
# The tests that depend on the versions of TensorFlow, Keras, ipywidgets and Jupyter's server. The
# notebook that test-oldest executes covers the rest.
OLDEST = tests/test_models.py $(patsubst %,tests/laboratory/test_%.py,explorer through) \
	tests/notebooks/test_connection.py tests/grading/test_judge.py \
	$(patsubst %,tests/training/test_%.py,like_fit dropout loop pooling precision)
COMPILE = uv pip compile --quiet --upgrade --no-annotate --custom-compile-command "make lock"
LOCK = $(COMPILE) --extra test pyproject.toml

.PHONY: lab test test-gate test-browser test-front test-oldest ready solutions exercises verify bench lock clean

lab: $(READY)
	$(BIN)/mnist-lab lab

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PARALLEL) -m "not gate" --doctest-modules $(NBVAL) notebooks/solutions tests mnist_lab

# Slow tests that seldom fail: killed processes, memory, clusters, graders, all exercises. And nbval
# of the parts from 10 on, which take as long as all others.
test-gate: $(READY)
	$(PARALLEL) -m gate $(NBVAL) notebooks/solutions tests

# The laboratory in JupyterLab and Chromium. Use CHROMIUM=/path/to/it if it is not found.
test-browser: $(READY)
	$(PYTEST) tests/browser

# Format, lint and unit tests of the laboratory's JavaScript. Needs Node.
test-front:
	npm ci --silent
	npm run --silent check
	npm test --silent

# A short run for the oldest versions that pyproject.toml allows: CONSTRAINTS=.ci/oldest.txt.
test-oldest: $(READY)
	$(PARALLEL) -m "not gate" $(NBVAL) notebooks/solutions/1_linear.ipynb $(OLDEST)

solutions: $(READY)
	$(BIN)/mnist-lab solutions
	$(BIN)/mnist-lab exercises

exercises: $(READY)
	$(BIN)/mnist-lab exercises

verify: $(READY)
	$(BIN)/mnist-lab verify

bench: $(READY)
	$(BIN)/python benchmarks/bench.py
	$(BIN)/python benchmarks/bench_explorer.py linear 20 12
	$(BIN)/python benchmarks/bench_explorer.py mlp 1 10 12000
	$(BIN)/python benchmarks/bench_explorer.py cnn 1 20 6000
	$(BIN)/python benchmarks/bench_frames.py
	$(BIN)/python benchmarks/bench_class.py 1 10
	$(BIN)/python benchmarks/bench_report.py
	$(BIN)/python benchmarks/bench_answers.py
	$(BIN)/python benchmarks/bench_waits.py
	node benchmarks/bench_engine.mjs
	$(BIN)/python benchmarks/bench_page.py 8

# Lock the newest and the oldest versions that pyproject.toml allows, for CI, and the versions of the
# graders and of a hub's packages, which tests install. Needs uv.
lock:
	$(LOCK) --universal --output-file .ci/newest.txt
	$(LOCK) --python-version 3.11 --resolution lowest-direct --output-file .ci/oldest.txt
	printf 'nbgrader\notter-grader>=7\n' | $(COMPILE) --universal --python-version 3.11 \
		--output-file .ci/graders.txt -
	printf 'jupyterhub\nnbgitpuller\njupyter-collaboration\n' | $(COMPILE) --universal \
		--python-version 3.11 --output-file .ci/hub.txt -

ready: $(READY)

clean:
	rm -rf $(VENV)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "TensorFlow has releases for Python 3.11 to 3.13, and $(PYTHON) is another." \
		"Say which to use: make $(MAKECMDGOALS) PYTHON=python3.13"; exit 1; }
	$(if $(UV),$(UV) venv --quiet --seed --allow-existing --python $(PYTHON) $(VENV),\
		$(PYTHON) -m venv $(VENV))
	$(if $(UV),$(UV) pip install --compile-bytecode --python $(BIN)/python,\
		$(BIN)/pip install --disable-pip-version-check) \
		$(if $(CONSTRAINTS),--constraint $(CONSTRAINTS)) --editable '.[test]'
	@touch $@
