// What no schema says of a set of manifests: that its parts fit together, and that nothing runs with more rights than it needs.

const workloads = new Set(["StatefulSet", "Deployment", "DaemonSet"]);
const kustomizationFields = new Set(["apiVersion", "kind", "namespace", "resources", "images"]);

const isWithin = (wanted, labels) =>
  Object.keys(wanted ?? {}).length > 0 && Object.entries(wanted).every(([k, v]) => (labels ?? {})[k] === v);

function judgeKustomization({ kustomization: k, files }) {
  const errors = Object.keys(k).filter(f => !kustomizationFields.has(f)).map(f => `kustomization: unknown field ${f}`);
  const listed = new Set(k.resources ?? []);
  for (const f of files)
    if (f !== "kustomization.yaml" && !listed.has(f)) errors.push(`kustomization: ${f} is not among the resources`);
  for (const f of listed) if (!files.includes(f)) errors.push(`kustomization: there is no ${f}`);
  return errors;
}

function judgeContainer(where, c, known) {
  const errors = [], say = text => errors.push(`${where}/${c.name}: ${text}`), s = c.securityContext ?? {};
  if (s.allowPrivilegeEscalation !== false) say("allowPrivilegeEscalation must be false");
  if (s.readOnlyRootFilesystem !== true) say("readOnlyRootFilesystem must be true");
  if (s.privileged) say("privileged");
  if (!(s.capabilities?.drop ?? []).includes("ALL") || s.capabilities?.add?.length) say("capabilities: all must be dropped");
  if (!c.resources?.requests?.cpu || !c.resources?.requests?.memory || !c.resources?.limits?.memory) say("resources are missing");
  for (const probe of ["startupProbe", "livenessProbe"]) if (!c[probe]) say(`${probe} is missing`);
  if (!known.images.has(c.image)) say(`image ${c.image}: the kustomization does not name a version of it`);
  for (const e of c.env ?? []) {
    if (/PASSWORD|SECRET|TOKEN|KEY/i.test(e.name)) say(`${e.name}: secrets are files, not the environment`);
    const ref = e.valueFrom?.configMapKeyRef;
    if (ref && !(ref.key in (known.settings.get(ref.name) ?? {}))) say(`${e.name}: there is no ${ref.key} in ${ref.name}`);
  }
  const names = new Set([...(c.env ?? []).map(e => e.name), ...known.services]);
  for (const a of c.args ?? [])
    for (const [, name] of a.matchAll(/\$\(([^)]*)\)/g)) if (!names.has(name)) say(`$(${name}) is not set`);
  for (const m of c.volumeMounts ?? []) if (!known.volumes.has(m.name)) say(`there is no volume ${m.name}`);
  for (const probe of [c.startupProbe, c.livenessProbe, c.readinessProbe]) {
    const port = probe?.tcpSocket?.port ?? probe?.httpGet?.port;
    if (port && !(c.ports ?? []).some(p => p.name === port || p.containerPort === port)) say(`probe: there is no port ${port}`);
  }
  return errors;
}

function judgeWorkload(w, known) {
  const where = `${w.kind} ${w.metadata.name}`, template = w.spec.template ?? {}, pod = template.spec ?? {}, errors = [];
  const say = text => errors.push(`${where}: ${text}`), s = pod.securityContext ?? {};
  if (!isWithin(w.spec.selector?.matchLabels, template.metadata?.labels)) say("its selector is not of its own pods");
  if (s.runAsNonRoot !== true || !(s.runAsUser > 0)) say("must run as a user that is not root");
  if (s.seccompProfile?.type !== "RuntimeDefault") say("seccompProfile must be RuntimeDefault");
  if (pod.hostNetwork || pod.hostPID || pod.hostIPC) say("uses the machine's own namespaces");
  if (pod.automountServiceAccountToken !== false) say("is given a token that it does not need");
  for (const v of pod.volumes ?? []) {
    if (v.hostPath) say(`volume ${v.name}: a directory of the machine`);
    if (v.secret && v.secret.defaultMode !== 0o440) say(`volume ${v.name}: its files must have mode 0440`);
  }
  const services = pod.enableServiceLinks === false ? [] : known.services;
  const volumes = new Set([...(pod.volumes ?? []), ...(w.spec.volumeClaimTemplates ?? []).map(t => t.metadata)].map(v => v.name));
  for (const c of [...(pod.initContainers ?? []), ...(pod.containers ?? [])])
    errors.push(...judgeContainer(where, c, { ...known, services, volumes }));
  if (w.kind === "StatefulSet" && !known.names.has(`Service ${w.spec.serviceName}`)) say(`there is no Service ${w.spec.serviceName}`);
  return errors;
}

function judgeService(s, pods) {
  const mine = pods.filter(p => isWithin(s.spec.selector, p.labels)), errors = [];
  if (!mine.length) errors.push(`Service ${s.metadata.name}: its selector is of no pod`);
  for (const p of s.spec.ports ?? [])
    if (mine.length && !mine.some(m => m.ports.has(p.targetPort)))
      errors.push(`Service ${s.metadata.name}: its pods have no port ${p.targetPort}`);
  return errors;
}

function judgePolicies(policies, pods) {
  const errors = [];
  const closed = policies.some(p => !Object.keys(p.spec.podSelector ?? { no: 1 }).length && !p.spec.ingress && !p.spec.egress &&
    ["Ingress", "Egress"].every(t => p.spec.policyTypes?.includes(t)));
  if (!closed) errors.push("NetworkPolicy: none forbids everything that is not named");
  for (const p of policies) {
    const labels = p.spec.podSelector?.matchLabels;
    const mine = labels ? pods.filter(x => isWithin(labels, x.labels)) : pods;
    if (!mine.length) errors.push(`NetworkPolicy ${p.metadata.name}: its selector is of no pod`);
    for (const port of (p.spec.ingress ?? []).flatMap(i => i.ports ?? [{}]))
      if (!mine.some(m => m.ports.has(port.port))) errors.push(`NetworkPolicy ${p.metadata.name}: no port ${port.port} to let in`);
    for (const e of p.spec.egress ?? [])
      if (!e.ports?.length) errors.push(`NetworkPolicy ${p.metadata.name}: lets everything out`);
  }
  return errors;
}

// A list of what is wrong with a flavour: {kustomization, files, documents: [{document}]}.
export function judge(flavour) {
  const all = flavour.documents.map(d => d.document).filter(d => d?.kind && d.metadata), of = kind => all.filter(d => d.kind === kind);
  const names = new Set(all.map(d => `${d.kind} ${d.metadata.name}`));
  const sets = all.filter(d => workloads.has(d.kind) && d.spec);
  const pods = sets.map(w => ({ labels: w.spec.template?.metadata?.labels, ports: new Set(
    (w.spec.template?.spec?.containers ?? []).flatMap(c => c.ports ?? []).flatMap(p => [p.name, p.containerPort])) }));
  const known = {
    names,
    images: new Set((flavour.kustomization.images ?? []).filter(i => i.newTag || i.digest).map(i => i.name)),
    settings: new Map(of("ConfigMap").map(m => [m.metadata.name, m.data ?? {}])),
    services: of("Service").map(s => `${s.metadata.name.toUpperCase().replaceAll("-", "_")}_SERVICE_HOST`),
  };
  const errors = judgeKustomization(flavour);
  if (names.size !== all.length) errors.push("two documents have one name");
  for (const s of of("Secret")) errors.push(`Secret ${s.metadata.name}: secrets are made where they are used`);
  for (const w of sets) errors.push(...judgeWorkload(w, known));
  for (const s of of("Service")) errors.push(...judgeService(s, pods));
  for (const b of of("PodDisruptionBudget"))
    if (!pods.some(p => isWithin(b.spec.selector?.matchLabels, p.labels)))
      errors.push(`PodDisruptionBudget ${b.metadata.name}: its selector is of no pod`);
  return [...errors, ...judgePolicies(of("NetworkPolicy"), pods)];
}
