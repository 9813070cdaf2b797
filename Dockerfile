# The operator, and the sample agent `python -m agentschedule.runner`, in one image.
# By digest, of all its platforms: what it was when it was tested.
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${PYTHON_IMAGE} AS build
# pip's own settings, for networks with a mirror or a proxy of their own; only this stage sees them
ARG PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST PIP_CERT
ARG PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python3 -m venv /app
# dependencies first: a change of the source does not install them again
COPY requirements.lock requirements-build.lock ./
RUN /app/bin/pip install --quiet --require-hashes --only-binary :all: -r requirements.lock -r requirements-build.lock
COPY pyproject.toml README.md ./
COPY operator ./operator
RUN /app/bin/pip install --quiet --no-index --no-deps --no-build-isolation . \
 && /app/bin/pip uninstall --quiet --yes setuptools pip

FROM ${PYTHON_IMAGE}
COPY --from=build /app /app
# The zone data of the tzdata package, and not what the base image happens to hold.
ENV PYTHONTZPATH="" PATH=/app/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# whatever numeric user the pod runs as, getpass.getuser() finds a name without /etc/passwd
ENV USER=agentschedule
WORKDIR /app
USER 65532:65532
ENTRYPOINT ["python", "-m", "agentschedule"]
