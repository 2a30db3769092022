{{mark}}
# Builds alone, from the root of the repository: docker buildx build -f servers/{{slug}}/Dockerfile .

# -- what all servers stand on: shared/Dockerfile, word for word
{{shared}}

# -- this server
FROM flotilla-build AS build
#if own dependencies
COPY requirements/{{slug}}*.txt /requirements/own/
RUN --mount=type=secret,id=ca --mount=type=secret,id=env --mount=type=cache,id=flotilla-uv,target=/cache \
    ["python3.13", "/opt/assemble.py", "extras", "/requirements/own", "/base", "/extras"]
#end
COPY servers/{{slug}} /source
RUN ["python3.13", "/opt/assemble.py", "layer", "{{slug}}", "/source", "/layer"]
#if common
{{common}}
#end
#if discovery

# The image's own server must answer what the baked file says, else there is no image.
FROM flotilla-base AS verified
#if own dependencies
COPY --from=build /extras /
#end
COPY --from=build /layer /
RUN --mount=type=bind,source=shared/src/flotilla/manifest/answers.py,target=/tmp/answers.py \
    ["/usr/bin/python3.13", "-I", "-S", "/tmp/answers.py", "{{slug}}", "/tmp/verified"]
#end
#if switchboard

FROM scratch AS offered
COPY catalog/flotilla.json /catalog.json
{{discoveries}}
#end

FROM flotilla-base
#if own dependencies
COPY --from=build /extras /
#end
COPY --from=build /layer /
#if discovery
COPY --from=verified /tmp/verified /
#end
#if switchboard
COPY --from=offered / /app/
#end
LABEL org.opencontainers.image.title={{title}} \
      org.opencontainers.image.description={{description}} \
      org.opencontainers.image.version="{{version}}" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="{{source}}"
#if label
LABEL io.docker.server.metadata={{label}}
#end
ENTRYPOINT ["/usr/bin/python3.13", "-I", "-S", "/app/boot.pyc", "{{slug}}"]
