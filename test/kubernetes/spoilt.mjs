// Manifests that were spoilt, one thing each, and why they must be refused.

const rows = [
  ["a type that is another: replicas", "StatefulSet tielined", d => { d.spec.replicas = "2"; }, /replicas.*string/],
  ["a port that is a truth", "Service tieline-api", d => { d.spec.ports[0].port = true; }, /"port".*boolean/],
  ["a label that YAML takes for a truth", "Namespace tieline", d => { d.metadata.labels.x = true; }, /"x".*boolean/],
  ["a field there is none of, at the top", "ConfigMap tielined", d => { d.spec = {}; }, /"spec".*not exist/],
  ["... in the specification", "StatefulSet tielined", d => { d.spec.replica = 2; }, /"replica".*not exist/],
  ["... in the metadata", "Service nats", d => { d.metadata.lables = {}; }, /"lables".*not exist/],
  ["... in a selector", "NetworkPolicy nats", d => { d.spec.podSelector.matchLabel = {}; }, /"matchLabel".*not exist/],
  ["... in a container", "StatefulSet nats", d => { d.spec.template.spec.containers[0].readynessProbe = {}; },
    /"readynessProbe".*not exist/],
  ["... in a claim of a volume", "StatefulSet tielined", d => { d.spec.volumeClaimTemplates[0].spec.accessMode = "x"; },
    /"accessMode".*not exist/],
  ["... in a policy's port", "NetworkPolicy tielined", d => { d.spec.ingress[0].ports[0].ports = 1; }, /"ports".*not exist/],
  ["a word that is none of an enumeration", "Service tieline-api", d => { d.spec.type = "Loadbalancer"; }, /Loadbalancer/],
  ["an amount that is none", "StatefulSet nats",
    d => { d.spec.template.spec.containers[0].resources.requests.memory = "64 Mi"; }, /memory/],
  ["a version there is none of", "PodDisruptionBudget tielined", d => { d.apiVersion = "policy/v2"; }, /no PodDisruptionBudget/],
  ["a missing selector", "StatefulSet tielined", d => { delete d.spec.selector; }, /selector.*missing/],
  ["a missing selector of a policy", "NetworkPolicy nothing", d => { delete d.spec.podSelector; }, /none forbids/],
  ["a selector of other pods", "StatefulSet nats", d => { d.spec.selector.matchLabels = { a: "b" }; }, /not of its own pods/],
  ["a service of no pod", "Service tieline-nodes", d => { d.spec.selector = { a: "b" }; }, /tieline-nodes: its selector is of no/],
  ["a service's port that its pods have not", "Service tieline-api", d => { d.spec.ports[0].targetPort = "http"; }, /no port http/],
  ["a budget of no pod", "PodDisruptionBudget tielined", d => { d.spec.selector.matchLabels = { a: "b" }; }, /Budget.*no pod/],
  ["no default of the network policy", "NetworkPolicy nothing", d => { d.spec.ingress = [{}]; }, /none forbids/],
  ["a policy that lets everything out", "NetworkPolicy nats", d => { d.spec.egress = [{}]; }, /lets everything out/],
  ["a secret with its value", "ConfigMap tielined", d => { d.kind = "Secret"; }, /secrets are made where/],
  ["a secret in the environment", "StatefulSet nats",
    d => { d.spec.template.spec.containers[0].env = [{ name: "DB_PASSWORD", value: "x" }]; }, /secrets are files/],
  ["files of secrets that all may read", "StatefulSet nats", d => { d.spec.template.spec.volumes[0].secret.defaultMode = 440; },
    /mode 0440/],
  ["root", "StatefulSet tielined", d => { d.spec.template.spec.securityContext.runAsUser = 0; }, /not root/],
  ["a root file system that can be written", "StatefulSet tielined",
    d => { d.spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem = false; }, /readOnlyRootFilesystem/],
  ["a capability", "StatefulSet tielined",
    d => { d.spec.template.spec.containers[0].securityContext.capabilities.add = ["NET_RAW"]; }, /all must be dropped/],
  ["no probe of life", "StatefulSet tielined", d => { delete d.spec.template.spec.containers[0].livenessProbe; },
    /livenessProbe is missing/],
  ["an image of no version", "StatefulSet nats", d => { d.spec.template.spec.containers[0].image = "nats:latest"; }, /nats:latest/],
  ["a setting there is none of", "StatefulSet tielined",
    d => { d.spec.template.spec.containers[0].env[1].valueFrom.configMapKeyRef.key = "sight"; }, /no sight/],
  ["a variable that nobody sets", "StatefulSet tielined", d => { d.spec.template.spec.enableServiceLinks = false; },
    /NATS_SERVICE_HOST\) is not set/],
  ["a volume there is none of", "StatefulSet nats", d => { d.spec.template.spec.volumes = []; }, /no volume bus/],
];

// For each row: the spoilt document, and the flavour it is in, everything else as it was.
export function spoilt(flavours) {
  const flavour = flavours.find(f => f.name === "control-centre");
  return rows.map(([what, name, spoil, reason]) => {
    const copy = structuredClone(flavour);
    const found = copy.documents.find(({ document: d }) => `${d.kind} ${d.metadata.name}` === name);
    spoil(found.document);
    return { what, reason, document: found.document, flavour: copy };
  });
}
