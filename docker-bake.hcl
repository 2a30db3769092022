# Written by `make generate` from the servers' code. Do not edit.
# docker buildx bake            the images of this machine's architecture, loaded into the engine
# docker buildx bake release    amd64 and arm64, with SBOM and provenance, pushed to REGISTRY
# The images are called what the catalog calls them; REGISTRY and VERSION call them otherwise, for a trial.

variable "VERSION" { default = "0.1.0" }
variable "REGISTRY" { default = "ghcr.io/flotilla-mcp" }
variable "FLOTILLA_IMAGES" {
  default = [
    "calcom",
    "calendly",
    "crisp",
    "email",
    "export",
    "facturation-pro",
    "filesystem",
    "freshdesk",
    "gmail",
    "gohighlevel",
    "google-calendar",
    "google-docs",
    "google-drive",
    "google-sheets",
    "hubspot",
    "intercom",
    "klaviyo",
    "magento",
    "make",
    "n8n",
    "notion",
    "outlook-calendar",
    "pipedrive",
    "salesforce",
    "shopify",
    "slack",
    "teams",
    "telephony",
    "webhooks",
    "whatsapp",
    "woocommerce",
    "zapier",
    "zendesk",
    "zoho-crm",
    "switchboard",
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

# Not among those by default: it holds all of them.
target "fleet" {
  inherits   = ["_common"]
  dockerfile = "shared/fleet.Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/fleet:${VERSION}", "${REGISTRY}/fleet:latest"]
  labels     = { "org.opencontainers.image.version" = VERSION }
}

# What the released images stand on must be there for each architecture too.
target "_everywhere" { platforms = ["linux/amd64", "linux/arm64"] }
target "everywhere-base" { inherits = ["base", "_everywhere"] }
target "everywhere-build" { inherits = ["build", "_everywhere"] }

target "release" {
  name       = "release-${slug}"
  matrix     = { slug = concat(FLOTILLA_IMAGES, ["fleet"]) }
  inherits   = [slug, "_everywhere"]
  contexts   = { flotilla-base = "target:everywhere-base", flotilla-build = "target:everywhere-build" }
  tags       = ["${REGISTRY}/${slug}:${VERSION}"]
  attest     = ["type=provenance,mode=max", "type=sbom"]
  output     = ["type=registry,rewrite-timestamp=true"]
}

target "calcom" {
  inherits   = ["_common"]
  dockerfile = "servers/calcom/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/calcom:${VERSION}", "${REGISTRY}/calcom:latest"]
}

target "calendly" {
  inherits   = ["_common"]
  dockerfile = "servers/calendly/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/calendly:${VERSION}", "${REGISTRY}/calendly:latest"]
}

target "crisp" {
  inherits   = ["_common"]
  dockerfile = "servers/crisp/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/crisp:${VERSION}", "${REGISTRY}/crisp:latest"]
}

target "email" {
  inherits   = ["_common"]
  dockerfile = "servers/email/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/email:${VERSION}", "${REGISTRY}/email:latest"]
}

target "export" {
  inherits   = ["_common"]
  dockerfile = "servers/export/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/export:${VERSION}", "${REGISTRY}/export:latest"]
}

target "facturation-pro" {
  inherits   = ["_common"]
  dockerfile = "servers/facturation_pro/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/facturation-pro:${VERSION}", "${REGISTRY}/facturation-pro:latest"]
}

target "filesystem" {
  inherits   = ["_common"]
  dockerfile = "servers/filesystem/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/filesystem:${VERSION}", "${REGISTRY}/filesystem:latest"]
}

target "freshdesk" {
  inherits   = ["_common"]
  dockerfile = "servers/freshdesk/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/freshdesk:${VERSION}", "${REGISTRY}/freshdesk:latest"]
}

target "gmail" {
  inherits   = ["_common"]
  dockerfile = "servers/gmail/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/gmail:${VERSION}", "${REGISTRY}/gmail:latest"]
}

target "gohighlevel" {
  inherits   = ["_common"]
  dockerfile = "servers/gohighlevel/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/gohighlevel:${VERSION}", "${REGISTRY}/gohighlevel:latest"]
}

target "google-calendar" {
  inherits   = ["_common"]
  dockerfile = "servers/google_calendar/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/google-calendar:${VERSION}", "${REGISTRY}/google-calendar:latest"]
}

target "google-docs" {
  inherits   = ["_common"]
  dockerfile = "servers/google_docs/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/google-docs:${VERSION}", "${REGISTRY}/google-docs:latest"]
}

target "google-drive" {
  inherits   = ["_common"]
  dockerfile = "servers/google_drive/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/google-drive:${VERSION}", "${REGISTRY}/google-drive:latest"]
}

target "google-sheets" {
  inherits   = ["_common"]
  dockerfile = "servers/google_sheets/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/google-sheets:${VERSION}", "${REGISTRY}/google-sheets:latest"]
}

target "hubspot" {
  inherits   = ["_common"]
  dockerfile = "servers/hubspot/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/hubspot:${VERSION}", "${REGISTRY}/hubspot:latest"]
}

target "intercom" {
  inherits   = ["_common"]
  dockerfile = "servers/intercom/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/intercom:${VERSION}", "${REGISTRY}/intercom:latest"]
}

target "klaviyo" {
  inherits   = ["_common"]
  dockerfile = "servers/klaviyo/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/klaviyo:${VERSION}", "${REGISTRY}/klaviyo:latest"]
}

target "magento" {
  inherits   = ["_common"]
  dockerfile = "servers/magento/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/magento:${VERSION}", "${REGISTRY}/magento:latest"]
}

target "make" {
  inherits   = ["_common"]
  dockerfile = "servers/make/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/make:${VERSION}", "${REGISTRY}/make:latest"]
}

target "n8n" {
  inherits   = ["_common"]
  dockerfile = "servers/n8n/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/n8n:${VERSION}", "${REGISTRY}/n8n:latest"]
}

target "notion" {
  inherits   = ["_common"]
  dockerfile = "servers/notion/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/notion:${VERSION}", "${REGISTRY}/notion:latest"]
}

target "outlook-calendar" {
  inherits   = ["_common"]
  dockerfile = "servers/outlook_calendar/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/outlook-calendar:${VERSION}", "${REGISTRY}/outlook-calendar:latest"]
}

target "pipedrive" {
  inherits   = ["_common"]
  dockerfile = "servers/pipedrive/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/pipedrive:${VERSION}", "${REGISTRY}/pipedrive:latest"]
}

target "salesforce" {
  inherits   = ["_common"]
  dockerfile = "servers/salesforce/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/salesforce:${VERSION}", "${REGISTRY}/salesforce:latest"]
}

target "shopify" {
  inherits   = ["_common"]
  dockerfile = "servers/shopify/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/shopify:${VERSION}", "${REGISTRY}/shopify:latest"]
}

target "slack" {
  inherits   = ["_common"]
  dockerfile = "servers/slack/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/slack:${VERSION}", "${REGISTRY}/slack:latest"]
}

target "teams" {
  inherits   = ["_common"]
  dockerfile = "servers/teams/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/teams:${VERSION}", "${REGISTRY}/teams:latest"]
}

target "telephony" {
  inherits   = ["_common"]
  dockerfile = "servers/telephony/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/telephony:${VERSION}", "${REGISTRY}/telephony:latest"]
}

target "webhooks" {
  inherits   = ["_common"]
  dockerfile = "servers/webhooks/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/webhooks:${VERSION}", "${REGISTRY}/webhooks:latest"]
}

target "whatsapp" {
  inherits   = ["_common"]
  dockerfile = "servers/whatsapp/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/whatsapp:${VERSION}", "${REGISTRY}/whatsapp:latest"]
}

target "woocommerce" {
  inherits   = ["_common"]
  dockerfile = "servers/woocommerce/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/woocommerce:${VERSION}", "${REGISTRY}/woocommerce:latest"]
}

target "zapier" {
  inherits   = ["_common"]
  dockerfile = "servers/zapier/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/zapier:${VERSION}", "${REGISTRY}/zapier:latest"]
}

target "zendesk" {
  inherits   = ["_common"]
  dockerfile = "servers/zendesk/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/zendesk:${VERSION}", "${REGISTRY}/zendesk:latest"]
}

target "zoho-crm" {
  inherits   = ["_common"]
  dockerfile = "servers/zoho_crm/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/zoho-crm:${VERSION}", "${REGISTRY}/zoho-crm:latest"]
}

target "switchboard" {
  inherits   = ["_common"]
  dockerfile = "servers/switchboard/Dockerfile"
  contexts   = { flotilla-base = "target:base", flotilla-build = "target:build" }
  tags       = ["${REGISTRY}/switchboard:${VERSION}", "${REGISTRY}/switchboard:latest"]
}
