# The program alone: specs, sources, repositories and memory are mounted (docs/gitops.md). Git is there to say at which commit the specs stand.
FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --wheel-dir /wheels .

FROM python:3.13-slim
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-index --find-links /wheels reconciler && rm -rf /wheels
ENV RECONCILER_SPECS=/specs RECONCILER_STATE=/state PYTHONUNBUFFERED=1
VOLUME ["/state"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["reconcile"]
