# The switchboard, all servers and PostgreSQL's driver in one image: for many tenants (docs/tenants.md), each of whom has
# servers of their own. The switchboard starts them as processes of its container, so it needs no engine's socket; the
# other images hold one server each, and no driver. `scripts/build fleet` builds it, in a checkout in which `make setup`
# has run: its contexts flotilla-build and flotilla-base are targets of docker-bake.hcl.
FROM flotilla-build AS build
COPY requirements/*.txt /source/requirements/
COPY servers /source/servers
COPY scripts/flotilla_cli/__init__.py scripts/flotilla_cli/paths.py scripts/flotilla_cli/tenant.py /source/flotilla_cli/
COPY catalog/flotilla.json /source/catalog.json
RUN --mount=type=secret,id=ca --mount=type=secret,id=env --mount=type=cache,id=flotilla-uv,target=/cache \
    ["python3.13", "/opt/assemble.py", "fleet", "/source", "/base", "/fleet"]

FROM flotilla-base
COPY --from=build /fleet /
ENV FLOTILLA_DISCOVERY=/app/lib/flotilla_servers FLOTILLA_RUN=process FLOTILLA_DATA=/data FLOTILLA_STATE=/state
LABEL org.opencontainers.image.title="Flotilla" \
      org.opencontainers.image.description="The switchboard with all servers, for many tenants." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="https://github.com/flotilla-mcp/flotilla"
ENTRYPOINT ["/usr/bin/python3.13", "-I", "-S", "/app/boot.pyc"]
CMD ["switchboard"]
