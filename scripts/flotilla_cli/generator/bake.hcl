{{mark}}
# docker buildx bake            the images of this machine's architecture, loaded into the engine
# docker buildx bake release    amd64 and arm64, with SBOM and provenance, pushed to REGISTRY
# The images are called what the catalog calls them; REGISTRY and VERSION call them otherwise, for a trial.

variable "VERSION" { default = "{{version}}" }
variable "REGISTRY" { default = "{{registry}}" }
variable "FLOTILLA_IMAGES" {
  default = [
{{names}}
  ]
}
variable "SOURCE_DATE_EPOCH" { default = "0" }

group "default" { targets = FLOTILLA_IMAGES }

target "_common" {
  context = "."
  args    = { SOURCE_DATE_EPOCH = SOURCE_DATE_EPOCH }
}

target "build" {
  inherits   = ["_common"]
  dockerfile = "shared/Dockerfile"
  target     = "flotilla-build"
}

target "base" {
  inherits   = ["_common"]
  dockerfile = "shared/Dockerfile"
  target     = "flotilla-base"
  tags       = ["${REGISTRY}/base:${VERSION}", "${REGISTRY}/base:latest"]
}

# What the released images stand on must be there for each architecture too.
target "_everywhere" { platforms = ["linux/amd64", "linux/arm64"] }
target "everywhere-base" { inherits = ["base", "_everywhere"] }
target "everywhere-build" { inherits = ["build", "_everywhere"] }

target "release" {
  name       = "release-${slug}"
  matrix     = { slug = FLOTILLA_IMAGES }
  inherits   = [slug, "_everywhere"]
  contexts   = { flotilla-base = "target:everywhere-base", flotilla-build = "target:everywhere-build" }
  attest     = ["type=provenance,mode=max", "type=sbom"]
  output     = ["type=registry,rewrite-timestamp=true"]
}

{{targets}}
