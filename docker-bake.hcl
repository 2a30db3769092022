# Written by `make generate` from the servers' code. Do not edit.
# docker buildx bake            the images of this machine's architecture, loaded into the engine
# docker buildx bake release    amd64 and arm64, with SBOM and provenance, pushed to REGISTRY

variable "VERSION" { default = "0.1.0" }
variable "REGISTRY" { default = "" }
variable "SOURCE_DATE_EPOCH" { default = "0" }

group "default" { targets = ["calendly", "email", "export", "facturation-pro", "filesystem", "gmail", "gohighlevel", "google-calendar", "google-docs", "google-drive", "google-sheets", "hubspot", "notion", "switchboard"] }

target "_common" {
  context = "."
  args    = { SOURCE_DATE_EPOCH = SOURCE_DATE_EPOCH }
}

target "build" {
  inherits   = ["_common"]
  dockerfile = "shared/Dockerfile"
  target     = "build"
}

target "base" {
  inherits   = ["_common"]
  dockerfile = "shared/Dockerfile"
  target     = "base"
  tags       = ["${REGISTRY}flotilla/base:${VERSION}", "${REGISTRY}flotilla/base:latest"]
}

# What the released images stand on must be there for each architecture too.
target "_everywhere" { platforms = ["linux/amd64", "linux/arm64"] }
target "everywhere-base" { inherits = ["base", "_everywhere"] }
target "everywhere-build" { inherits = ["build", "_everywhere"] }

target "release" {
  name       = "release-${slug}"
  matrix     = { slug = ["calendly", "email", "export", "facturation-pro", "filesystem", "gmail", "gohighlevel", "google-calendar", "google-docs", "google-drive", "google-sheets", "hubspot", "notion", "switchboard"] }
  inherits   = [slug, "_everywhere"]
  contexts   = { "flotilla/base" = "target:everywhere-base", "flotilla/build" = "target:everywhere-build" }
  attest     = ["type=provenance,mode=max", "type=sbom"]
  output     = ["type=registry,rewrite-timestamp=true"]
}

target "calendly" {
  inherits   = ["_common"]
  dockerfile = "servers/calendly/Dockerfile"
  contexts   = { "flotilla/base" = "target:base", "flotilla/build" = "target:build" }
  tags       = ["${REGISTRY}flotilla/calendly:${VERSION}", "${REGISTRY}flotilla/calendly:latest"]
}

target "email" {
  inherits   = ["_common"]
  dockerfile = "servers/email/Dockerfile"
  contexts   = { "flotilla/base" = "target:base", "flotilla/build" = "target:build" }
  tags       = ["${REGISTRY}flotilla/email:${VERSION}", "${REGISTRY}flotilla/email:latest"]
}

target "export" {
  inherits   = ["_common"]
  dockerfile = "servers/export/Dockerfile"
  contexts   = { "flotilla/base" = "target:base", "flotilla/build" = "target:build" }
  tags       = ["${REGISTRY}flotilla/export:${VERSION}", "${REGISTRY}flotilla/export:latest"]
}

target "facturation-pro" {
  inherits   = ["_common"]
  dockerfile = "servers/facturation-pro/Dockerfile"
  contexts   = { "flotilla/base" = "target:base", "flotilla/build" = "target:build" }
  tags       = ["${REGISTRY}flotilla/facturation-pro:${VERSION}", "${REGISTRY}flotilla/facturation-pro:latest"]
}

target "filesystem" {
  inherits   = ["_common"]
  dockerfile = "servers/filesystem/Dockerfile"
  contexts   = { "flotilla/base" = "target:base", "flotilla/build" = "target:build" }
  tags       = ["${REGISTRY}flotilla/filesystem:${VERSION}", "${REGISTRY}flotilla/filesystem:latest"]
}

target "gmail" {
  inherits   = ["_common"]
  dockerfile = "servers/gmail/Dockerfile"
  contexts   = { "flotilla/base" = "target:base", "flotilla/build" = "target:build" }
  tags       = ["${REGISTRY}flotilla/gmail:${VERSION}", "${REGISTRY}flotilla/gmail:latest"]
}

target "gohighlevel" {
  inherits   = ["_common"]
  dockerfile = "servers/gohighlevel/Dockerfile"
  contexts   = { "flotilla/base" = "target:base", "flotilla/build" = "target:build" }
  tags       = ["${REGISTRY}flotilla/gohighlevel:${VERSION}", "${REGISTRY}flotilla/gohighlevel:latest"]
}

target "google-calendar" {
  inherits   = ["_common"]
  dockerfile = "servers/google-calendar/Dockerfile"
  contexts   = { "flotilla/base" = "target:base", "flotilla/build" = "target:build" }
  tags       = ["${REGISTRY}flotilla/google-calendar:${VERSION}", "${REGISTRY}flotilla/google-calendar:latest"]
}

target "google-docs" {
  inherits   = ["_common"]
  dockerfile = "servers/google-docs/Dockerfile"
  contexts   = { "flotilla/base" = "target:base", "flotilla/build" = "target:build" }
  tags       = ["${REGISTRY}flotilla/google-docs:${VERSION}", "${REGISTRY}flotilla/google-docs:latest"]
}

target "google-drive" {
  inherits   = ["_common"]
  dockerfile = "servers/google-drive/Dockerfile"
  contexts   = { "flotilla/base" = "target:base", "flotilla/build" = "target:build" }
  tags       = ["${REGISTRY}flotilla/google-drive:${VERSION}", "${REGISTRY}flotilla/google-drive:latest"]
}

target "google-sheets" {
  inherits   = ["_common"]
  dockerfile = "servers/google-sheets/Dockerfile"
  contexts   = { "flotilla/base" = "target:base", "flotilla/build" = "target:build" }
  tags       = ["${REGISTRY}flotilla/google-sheets:${VERSION}", "${REGISTRY}flotilla/google-sheets:latest"]
}

target "hubspot" {
  inherits   = ["_common"]
  dockerfile = "servers/hubspot/Dockerfile"
  contexts   = { "flotilla/base" = "target:base", "flotilla/build" = "target:build" }
  tags       = ["${REGISTRY}flotilla/hubspot:${VERSION}", "${REGISTRY}flotilla/hubspot:latest"]
}

target "notion" {
  inherits   = ["_common"]
  dockerfile = "servers/notion/Dockerfile"
  contexts   = { "flotilla/base" = "target:base", "flotilla/build" = "target:build" }
  tags       = ["${REGISTRY}flotilla/notion:${VERSION}", "${REGISTRY}flotilla/notion:latest"]
}

target "switchboard" {
  inherits   = ["_common"]
  dockerfile = "servers/switchboard/Dockerfile"
  contexts   = { "flotilla/base" = "target:base", "flotilla/build" = "target:build" }
  tags       = ["${REGISTRY}flotilla/switchboard:${VERSION}", "${REGISTRY}flotilla/switchboard:latest"]
}
