# portcfg in a container: what `portcfg` does on a machine, without Python there.
#
#   python -m hatchling build -t wheel
#   docker build -t portcfg .
#   docker run --rm -v "$PWD:/work" -e PORT_CLIENT_ID -e PORT_CLIENT_SECRET portcfg plan
#
# Dependabot keeps the digest up to date.
FROM python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv --without-pip /opt/portcfg
COPY requirements/runtime.txt /tmp/runtime.txt
# Wheels alone: nothing of anybody's runs while they are installed.
RUN pip --python /opt/portcfg/bin/python install --require-hashes --only-binary :all: -r /tmp/runtime.txt
COPY dist/*.whl /tmp/dist/
RUN pip --python /opt/portcfg/bin/python install --no-deps --no-index /tmp/dist/*.whl

FROM python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea
ENV PATH=/opt/portcfg/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/portcfg /opt/portcfg
# No name, no home, no rights; `docker run --user` gives another one where the mounted folder needs it.
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["portcfg"]
CMD ["--help"]
