# Written by `make generate` from the servers' code. Do not edit.
# docker buildx bake            the images of this machine's architecture, loaded into the engine
# docker buildx bake release    amd64 and arm64, with SBOM and provenance, pushed to REGISTRY

variable "VERSION" { default = "0.1.0" }
variable "REGISTRY" { default = "" }
variable "SOURCE_DATE_EPOCH" { default = "0" }

group "default" { targets = ["calendly", "email", "export", "filesystem", "switchboard"] }

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

target "release" {
  name       = "release-${slug}"
  matrix     = { slug = ["calendly", "email", "export", "filesystem", "switchboard"] }
  inherits   = [slug]
  platforms  = ["linux/amd64", "linux/arm64"]
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

target "filesystem" {
  inherits   = ["_common"]
  dockerfile = "servers/filesystem/Dockerfile"
  contexts   = { "flotilla/base" = "target:base", "flotilla/build" = "target:build" }
  tags       = ["${REGISTRY}flotilla/filesystem:${VERSION}", "${REGISTRY}flotilla/filesystem:latest"]
}

target "switchboard" {
  inherits   = ["_common"]
  dockerfile = "servers/switchboard/Dockerfile"
  contexts   = { "flotilla/base" = "target:base", "flotilla/build" = "target:build" }
  tags       = ["${REGISTRY}flotilla/switchboard:${VERSION}", "${REGISTRY}flotilla/switchboard:latest"]
}
