# Two commands for a newcomer: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.ready

.PHONY: setup page demo test test-kills test-s3 test-kubernetes test-image-engines images check clean
setup: $(STAMP)

$(STAMP): constraints.txt pyproject.toml .ci/setup
	@PYTHON=$(PYTHON) .ci/setup $(VENV)
	@touch $(STAMP)

page:  ## the pipeline page of Airflow's UI (needs Node.js 20)
	@.ci/page

demo: setup  ## the example repository's pipeline, end to end
	@.ci/demo

test: setup  ## the whole test suite
	@.ci/test

test-kubernetes: setup  ## the tests of a cluster on a real Kubernetes, which is built first (root on Debian 12)
	@.ci/test-kubernetes

test-image-engines: setup  ## image builds with Kaniko and BuildKit: KANIKO=EXECUTOR BUILDKIT=FOLDER with their programs (root on Debian)
	@.ci/test-image-engines "$(KANIKO)" "$(BUILDKIT)"

test-kills: setup  ## kill -9 at random points of 200 uploads and extractions
	@GITLAB_CI_TESTS_KILLS=200 .ci/test --timeout 7200 tests/integration/storage/test_kills.py

test-s3: setup  ## the storage suite against rclone, SeaweedFS, moto and OpenStack Swift
	@.ci/test-s3

images: setup  ## the images of docker/, without a container engine (root on Debian), and their tests
	@.ci/images
	@GITLAB_CI_TESTS_AIRFLOW_IMAGE=1 .ci/test tests/integration/images

check: setup  ## what CI runs
	@.ci/run

clean:
	rm -rf $(VENV) dist site
