# The gateway with its web board, as a user without rights. See docs/install.md.
ARG PYTHON=python:3.13-slim

FROM ${PYTHON} AS build
WORKDIR /src
COPY pyproject.toml MANIFEST.in README.md LICENSE CHANGELOG.md constraints.txt ./
COPY hermes_kanban hermes_kanban
COPY gateway gateway
RUN python3 -m venv /opt/hermes-kanban \
 && /opt/hermes-kanban/bin/pip install --no-cache-dir -c constraints.txt ".[postgres]"

FROM ${PYTHON}
# tini ends and reaps what workers leave behind; git is for tasks that work in a worktree.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home board \
 && install -d -o board -m 700 /data
COPY --from=build /opt/hermes-kanban /opt/hermes-kanban
ENV PATH=/opt/hermes-kanban/bin:$PATH \
    HERMES_KANBAN_HOME=/data \
    HERMES_KANBAN_WEB_IN_GATEWAY=1
USER board
WORKDIR /data
VOLUME /data
EXPOSE 8790
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s \
    CMD ["hermes-kanban", "gateway", "status"]
ENTRYPOINT ["tini", "--", "hermes-kanban"]
CMD ["gateway", "run"]
