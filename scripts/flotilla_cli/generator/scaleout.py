"""Several machines: a stack for Docker Swarm, and plain Kubernetes objects with kustomize overlays.

In both, gateways and servers keep nothing of a session: any of them can answer any request. What must outlive a process
(rotated tokens, idempotency keys, used confirmations) is in one state volume that a server's replicas share, under the
one state key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flotilla import Server
from flotilla_cli.generator import documents
from flotilla_cli.generator.compose import METRICS, TAG, known_to_the_switchboard, lines
from flotilla_cli.generator.text import MARK, as_yaml
from flotilla_launcher.filters import LISTS
from flotilla_launcher.naming import image

UID = 10001  # of every server in its image
PORT, GATEWAY_PORT = 8000, 8811
DRAIN = 50  # seconds that calls in flight get: longer than a tool's deadline
GRACE = DRAIN + 15  # until a process is killed: it also closes what it has open, which takes 12 at most
HTTP = {"FLOTILLA_TRANSPORT": "http", "FLOTILLA_HOST": "0.0.0.0", "FLOTILLA_DRAIN": str(DRAIN)}
GATEWAY = {**HTTP, "FLOTILLA_PORT": str(GATEWAY_PORT), "FLOTILLA_SESSIONS": "off", "FLOTILLA_RUN": "http-map"}
GATEWAY |= dict.fromkeys(("FLOTILLA_PERMISSIONS", "FLOTILLA_LOG", "FLOTILLA_NOTES"), "off")  # kept by one gateway alone


def needs_account(server: Server[Any]) -> bool:
    """Tell whether a server does nothing without an account."""
    return all(server.integration.settings_class.required())


# -- Docker Swarm -----------------------------------------------------------------------------------------------------

SECRETS = [
    "flotilla-http-token",  # what clients show
    "flotilla-fleet-token",  # what the switchboard shows to the servers
    "flotilla-state-key",
]


def swarm(servers: dict[str, Server[Any]]) -> str:
    """Return the stack: `docker stack deploy -c compose/stack.yaml flotilla`."""
    services = {"switchboard": _swarm_gateway(servers)}
    services |= {slug: _swarm_server(server) for slug, server in servers.items()}
    volumes = sorted({text.split(":")[0] for server in servers.values() for text in documents.volumes(server)})
    stack = {
        "services": services,
        "networks": {"public": {}, **{slug: _network(server) for slug, server in servers.items()}},
        "volumes": {name: {"name": name} for name in volumes},
        "secrets": {name: {"external": True} for name in SECRETS},
    }
    return as_yaml(stack, f"{MARK}\n# For `docker stack deploy`: see docs/scale-out.md.")


def _swarm_gateway(servers: dict[str, Server[Any]]) -> dict[str, Any]:
    known = {name: text for one in servers.values() for name, text in known_to_the_switchboard(one).items()}
    filters = {name: text for name, text in known.items() if ":+" not in text}  # which `docker stack` cannot read
    free = [slug for slug, server in servers.items() if not needs_account(server)]
    return {
        **_swarm_common("switchboard", "${FLOTILLA_GATEWAYS:-2}"),
        "command": [
            f"--servers=${{FLOTILLA_SERVERS:-{','.join(free)}}}",
            f"--remote={lines(f'{slug}=http://{slug}:{PORT}/mcp' for slug in servers)}",
        ],
        "environment": {
            **GATEWAY,
            "FLOTILLA_HTTP_TOKEN_FILE": "/run/secrets/flotilla-http-token",
            "FLOTILLA_REMOTE_TOKEN_FILE": "/run/secrets/flotilla-fleet-token",
            "FLOTILLA_STATE_KEY_FILE": "/run/secrets/flotilla-state-key",
            "FLOTILLA_ALLOWED_HOSTS": "switchboard,${FLOTILLA_ALLOWED_HOSTS:-}",
            **METRICS,
            **{env: f"${{{env}:-}}" for env, _, _ in documents.FLEET.values()},
            **filters,
        },
        "secrets": [*SECRETS],
        "networks": ["public", *servers],
        "ports": [{"target": GATEWAY_PORT, "published": "${FLOTILLA_PORT:-8811}", "protocol": "tcp", "mode": "host"}],
    }


def _swarm_server(server: Server[Any]) -> dict[str, Any]:
    slug = server.slug
    own = {documents.variable(server, n) for n in server.integration.settings_class.model_fields}
    default = 0 if needs_account(server) else 2
    common = _swarm_common(slug, f"${{{documents.variable(server, 'replicas')}:-{default}}}")
    # Its state and files: on nodes that all see the same volumes, or on one.
    common["deploy"]["placement"] = {"constraints": ["node.labels.flotilla.state == true"]}
    return {
        **common,
        "environment": {
            **HTTP,
            "FLOTILLA_HTTP_TOKEN_FILE": "/run/secrets/flotilla-fleet-token",
            "FLOTILLA_STATE_KEY_FILE": "/run/secrets/flotilla-state-key",
            "FLOTILLA_ALLOWED_HOSTS": slug,
            **METRICS,
            **_swarm_guards(server),
            **{name: f"${{{name}:-}}" for name in sorted(own)},
        },
        "secrets": ["flotilla-fleet-token", "flotilla-state-key"],
        "volumes": documents.volumes(server),
        "networks": [slug],
    }


def _swarm_guards(server: Server[Any]) -> dict[str, str]:
    """Return a server's guards. `docker stack` knows no default inside of a default: all but the lists are the fleet's.

    One server's own READ_ONLY and TIER are applied by the switchboard.
    """
    values = {}
    for name, (env, _, _) in documents.common(server).items():
        values[env] = "all" if name == "tier" else f"${{{documents.variable(server, name) if env in LISTS else env}:-}}"
    return values


def _swarm_common(slug: str, replicas: str) -> dict[str, Any]:
    return {
        "image": image(slug, TAG),
        "read_only": True,
        "tmpfs": ["/tmp"],
        "cap_drop": ["ALL"],
        "init": True,
        "stop_grace_period": f"{GRACE}s",
        "deploy": {
            "replicas": replicas,
            # Names lead to the containers themselves: no virtual address that would need IPVS, or sends a connection
            # that is kept to one container for ever.
            "endpoint_mode": "dnsrr",
            "update_config": {
                # A port of the node can be taken only once, so there a gateway ends before the next one starts.
                "order": "stop-first" if slug == "switchboard" else "start-first",
                "parallelism": 1,
                "delay": "10s",  # until proxies and names know the new one
                "failure_action": "rollback",
            },
            "rollback_config": {"order": "stop-first", "parallelism": 1},
            "restart_policy": {"condition": "any", "delay": "1s"},
            "placement": {"max_replicas_per_node": 1} if slug == "switchboard" else {},
            "resources": {"limits": {"cpus": "1", "memory": "512M", "pids": 256}, "reservations": {"memory": "100M"}},
        },
    }


def _network(server: Server[Any]) -> dict[str, Any]:
    """Return a server's own network with the switchboard, encrypted between machines: the token travels there."""
    network = {"driver": "overlay", "driver_opts": {"encrypted": "true"}}
    return {**network, **({} if server.integration.network else {"internal": True})}


# -- Kubernetes -------------------------------------------------------------------------------------------------------

Object = dict[str, Any]
FOLDER = "compose/kubernetes"
NAMESPACE = "flotilla"
PRIVATE = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",
]  # and the metadata service
PRIVATE_6 = ["fc00::/7", "fe80::/10"]


def kubernetes(servers: dict[str, Server[Any]]) -> dict[str, str]:
    """Return the files below compose/kubernetes by path: the gateway, a folder a server, and the overlays."""
    files = {f"{FOLDER}/gateway/gateway.yaml": _documents(gateway_objects(servers))}
    files[f"{FOLDER}/gateway/kustomization.yaml"] = _kustomization(resources=["gateway.yaml"])
    for slug, server in servers.items():
        files[f"{FOLDER}/servers/{slug}/server.yaml"] = _documents(server_objects(server))
        files[f"{FOLDER}/servers/{slug}/kustomization.yaml"] = _kustomization(resources=["server.yaml"])
    free = [slug for slug, server in servers.items() if not needs_account(server)]
    for name, chosen, named, patches in (
        ("one-node", free, ",".join(free), ONE_NODE),
        ("many-nodes", list(servers), "all", []),
    ):
        folders = ["../../gateway", *(f"../../servers/{slug}" for slug in chosen)]
        files[f"{FOLDER}/overlays/{name}/kustomization.yaml"] = _kustomization(
            resources=folders,
            configMapGenerator=[{"name": "flotilla", "behavior": "merge", "literals": [f"FLOTILLA_SERVERS={named}"]}],
            **({"patches": patches} if patches else {}),
        )
    return files


# One machine: volumes that one node alone can mount, and one replica of each.
ONE_NODE: list[Object] = [
    {
        "target": {"kind": "PersistentVolumeClaim"},
        "patch": '- {op: replace, path: "/spec/accessModes", value: [ReadWriteOnce]}',
    },
    {
        "target": {"kind": "HorizontalPodAutoscaler"},
        "patch": '- {op: replace, path: "/spec/minReplicas", value: 1}\n'
        '- {op: replace, path: "/spec/maxReplicas", value: 2}',
    },
]


def _kustomization(**content: Any) -> str:
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": NAMESPACE}
    return as_yaml({**head, **content})


def _documents(objects: list[Object]) -> str:
    texts = [as_yaml(one, MARK if number == 0 else "---") for number, one in enumerate(objects)]
    return "".join(texts)


def _object(kind: str, name: str, api: str = "v1", **content: Any) -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "labels": _selector(name)}, **content}


def _selector(slug: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": slug, "app.kubernetes.io/part-of": "flotilla"}


def gateway_objects(servers: dict[str, Server[Any]]) -> list[Object]:
    """Return what is there once: namespace, volumes, settings, the rule that nothing is allowed, and the gateway."""
    remote = lines(f"{slug}=http://{slug}:{PORT}/mcp" for slug in servers)
    secret = {
        "FLOTILLA_HTTP_TOKEN": "http-token",
        "FLOTILLA_REMOTE_TOKEN": "fleet-token",
        "FLOTILLA_STATE_KEY": "state-key",
        "FLOTILLA_METRICS_TOKEN": "metrics-token",
    }
    env = {**GATEWAY, "FLOTILLA_REMOTE": remote}
    dns = {"ports": [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]}
    to_servers = {
        "to": [{"podSelector": {"matchLabels": {"flotilla.role": "server"}}}],
        "ports": [{"port": PORT, "protocol": "TCP"}],
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
        },
        _object("ServiceAccount", "flotilla", automountServiceAccountToken=False),
        # Settings of the whole fleet, as FLOTILLA_READ_ONLY; FLOTILLA_PUBLIC_HOSTS are the names that clients use.
        _object(
            "ConfigMap",
            "flotilla",
            data={"FLOTILLA_SERVERS": "", "FLOTILLA_PUBLIC_HOSTS": "", "FLOTILLA_METRICS": "off"},
        ),
        *(
            _object(
                "PersistentVolumeClaim",
                name,
                spec={"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": size}}},
            )
            for name, size in (("flotilla-state", "1Gi"), ("flotilla-data", "10Gi"))
        ),
        _object(
            "NetworkPolicy",
            "nothing-else",
            "networking.k8s.io/v1",
            spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": [dns]},
        ),
        _deployment("switchboard", GATEWAY_PORT, env, secret, [], role="gateway", config=["flotilla"], optional=[]),
        *_around("switchboard", GATEWAY_PORT, replicas=3, most=10),
        _object(
            "NetworkPolicy",
            "switchboard",
            "networking.k8s.io/v1",
            spec={
                "podSelector": {"matchLabels": _selector("switchboard")},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [{"ports": [{"port": GATEWAY_PORT, "protocol": "TCP"}]}],  # who may come in, the token says
                "egress": [to_servers],
            },
        ),
    ]


def server_objects(server: Server[Any]) -> list[Object]:
    """Return the objects of one server. Its account is the Secret `flotilla-<server>`: a key for each variable."""
    slug = server.slug
    secret = {
        "FLOTILLA_HTTP_TOKEN": "fleet-token",
        "FLOTILLA_STATE_KEY": "state-key",
        "FLOTILLA_METRICS_TOKEN": "metrics-token",
    }
    env = {**HTTP, "FLOTILLA_PORT": str(PORT), "FLOTILLA_TIER": "all"}  # the gateway applies the tier
    # And the lists, which name other servers' tools too. All else that is set for the fleet must reach each server.
    guards = [variable for variable, _, _ in documents.common(server).values()]
    fleet = ["FLOTILLA_METRICS", *(one for one in guards if one not in LISTS and one not in env)]
    mounts = [
        ("flotilla-state", "/state", slug),
        *([("flotilla-data", "/data", "")] if server.integration.files else []),
    ]
    outside = [
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": PRIVATE}},
        {"ipBlock": {"cidr": "::/0", "except": PRIVATE_6}},
    ]
    return [
        _deployment(
            slug, PORT, env, secret, mounts, role="server", config=[], optional=[f"flotilla-{slug}"], fleet=fleet
        ),
        *_around(slug, PORT, replicas=2, most=6),
        _object(
            "NetworkPolicy",
            slug,
            "networking.k8s.io/v1",
            spec={
                "podSelector": {"matchLabels": _selector(slug)},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [
                    {
                        "from": [
                            {"podSelector": {"matchLabels": {"flotilla.role": "gateway"}}},
                            {"namespaceSelector": {"matchLabels": {"flotilla.metrics": "true"}}},
                        ],
                        "ports": [{"port": PORT, "protocol": "TCP"}],
                    }
                ],
                # A policy knows no host names: which hosts a server may contact is checked in the server itself.
                "egress": [{"to": outside}] if server.integration.network else [],
            },
        ),
    ]


def _deployment(
    slug: str,
    port: int,
    env: Mapping[str, str],
    secret: Mapping[str, str],
    mounts: list[tuple[str, str, str]],
    *,
    role: str,
    config: list[str],
    optional: list[str],
    fleet: Iterable[str] = (),
) -> Object:
    """Return a Deployment. `secret`: variables from keys of the Secret `flotilla`; `mounts`: claim, path, folder in it;
    `config`: ConfigMaps; `optional`: names of both a ConfigMap and a Secret that may be missing; `fleet`: variables
    that the ConfigMap `flotilla` may hold. The autoscaler alone says how many pods there are: each `apply` of a number
    would undo what it has done."""
    variables: list[Object] = [{"name": name, "value": value} for name, value in env.items()]
    variables += [
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},  # Prometheus comes by it
        {"name": "FLOTILLA_ALLOWED_HOSTS", "value": f"{slug},$(POD_IP)"},
    ]
    if role == "gateway":
        variables[-1]["value"] += ",$(FLOTILLA_PUBLIC_HOSTS)"
        variables.insert(-1, _of_the_fleet("FLOTILLA_PUBLIC_HOSTS"))
    variables += [_of_the_fleet(name) for name in fleet]
    variables += [
        {
            "name": name,
            "valueFrom": {
                "secretKeyRef": {"name": "flotilla", "key": key, **({"optional": True} if "metrics" in key else {})}
            },
        }
        for name, key in secret.items()
    ]
    references: list[Object] = [{"configMapRef": {"name": name}} for name in config]
    for name in optional:
        references += [{kind: {"name": name, "optional": True}} for kind in ("configMapRef", "secretRef")]
    probe = {"path": "/health", "port": port, "httpHeaders": [{"name": "Host", "value": "localhost"}]}
    container = {
        "name": slug,
        "image": image(slug),
        "ports": [{"name": "mcp", "containerPort": port}],
        "envFrom": references,
        "env": variables,
        "startupProbe": {"httpGet": probe, "periodSeconds": 1, "failureThreshold": 60},
        # Not /ready: a server without its account says in its answer what is missing, which a missing Service cannot.
        "readinessProbe": {"httpGet": probe, "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {"httpGet": probe, "periodSeconds": 20, "timeoutSeconds": 5, "failureThreshold": 3},
        "resources": {"requests": {"cpu": "50m", "memory": "120Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},
            *(
                {"name": claim, "mountPath": path, **({"subPath": folder} if folder else {})}
                for claim, path, folder in mounts
            ),
        ],
    }
    labels = {**_selector(slug), "flotilla.role": role}
    pod = {
        "serviceAccountName": "flotilla",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": UID,
            "runAsGroup": UID,
            "fsGroup": UID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": _selector(slug)},
            }
        ],
        "containers": [container],
        "volumes": [
            {"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}},
            *({"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim, _, _ in mounts),
        ],
    }
    return _object(
        "Deployment",
        slug,
        "apps/v1",
        spec={
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": _selector(slug)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    )


def _of_the_fleet(name: str) -> Object:
    key = {"name": "flotilla", "key": name, "optional": True}
    return {"name": name, "valueFrom": {"configMapKeyRef": key}}


def _around(slug: str, port: int, *, replicas: int, most: int) -> list[Object]:
    """Return the Service, the PodDisruptionBudget and the HorizontalPodAutoscaler of a Deployment."""
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "500m"}}}
    return [
        _object(
            "Service",
            slug,
            spec={"selector": _selector(slug), "ports": [{"name": "mcp", "port": port, "targetPort": "mcp"}]},
        ),
        _object(
            "PodDisruptionBudget",
            slug,
            "policy/v1",
            spec={"maxUnavailable": 1, "selector": {"matchLabels": _selector(slug)}},
        ),
        _object(
            "HorizontalPodAutoscaler",
            slug,
            "autoscaling/v2",
            spec={
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": slug},
                "minReplicas": replicas,
                "maxReplicas": most,
                "metrics": [cpu],
                "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
            },
        ),
    ]
