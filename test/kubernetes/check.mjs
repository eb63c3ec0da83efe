// Every manifest below packaging/kubernetes against the types of the Kubernetes API (npm's kubernetes-models), twice: by the
// TypeScript compiler, which refuses fields that there are none of, values of another type or not of an enumeration, and what is
// missing; and by the schemas, which know formats. Then what no schema says (rules.mjs). At last manifests that were spoilt, one
// thing each: all must be refused, and for that reason. Prints a line per claim.
//
// Usage: check.mjs DIRECTORY-OF-MANIFESTS DIRECTORY-OF-MODULES

import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { judge } from "./rules.mjs";
import { spoilt } from "./spoilt.mjs";

const [manifests, modules] = process.argv.slice(2).map(p => path.resolve(p));
const require = createRequire(path.join(modules, "package.json"));
const ts = require("typescript"), yaml = require("yaml");
const models = path.join(modules, "node_modules/kubernetes-models");

let claims = 0, failed = 0;
function claim(text, errors) {
  claims++;
  failed += errors.length ? 1 : 0;
  console.log(`${errors.length ? "not ok" : "ok"} ${claims} - ${text}`);
  for (const e of errors) console.log(`#   ${e}`);
}

// ---- Reading, as Kubernetes does: YAML 1.1, where `on` is true and 0440 is 288

function read(file) {
  const text = fs.readFileSync(file, "utf8"), found = [];
  for (const document of yaml.parseAllDocuments(text, { version: "1.1", uniqueKeys: true, strict: true })) {
    if (document.errors.length || document.warnings.length)
      throw new Error(`${file}: ${[...document.errors, ...document.warnings].map(e => e.message).join("; ")}`);
    found.push(document.toJS());
  }
  return found;
}

// One flavour: its kustomization, and all documents of its files, each with where it is from.
function flavour(directory) {
  const files = fs.readdirSync(directory).filter(f => f.endsWith(".yaml")).sort();
  const kustomization = read(path.join(directory, "kustomization.yaml"))[0];
  const documents = files.filter(f => f !== "kustomization.yaml")
    .flatMap(f => read(path.join(directory, f)).map(document => ({ file: f, document })));
  return { name: path.basename(directory), files, kustomization, documents };
}

// ---- Types

function modelOf(document) {
  const { apiVersion, kind } = document ?? {};
  if (!/^[a-z0-9.]+(\/[a-z0-9]+)?$/.test(apiVersion ?? "") || !/^[A-Za-z]+$/.test(kind ?? "")) return null;
  const name = `${apiVersion}/${kind}`;
  return fs.existsSync(path.join(models, `${name}.js`)) ? name : null;
}

// Compiles a source for each document, all of them in one go. A list of errors for each.
function compile(documents) {
  const sources = new Map(), errors = documents.map(() => []);
  documents.forEach((document, i) => {
    const model = modelOf(document);
    if (!model)
      errors[i].push(`there is no ${document?.kind} in ${document?.apiVersion}`);
    else
      sources.set(path.join(modules, `manifest-${i}.ts`),
        `import type { I${document.kind} } from "kubernetes-models/${model}";\n` +
        `export const manifest: I${document.kind} = ${JSON.stringify(document, null, 1)};\n`);
  });
  const options = { strict: true, noEmit: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler, types: [] };
  const host = ts.createCompilerHost(options), { getSourceFile, fileExists, readFile } = host;
  host.fileExists = f => sources.has(f) || fileExists.call(host, f);
  host.readFile = f => sources.get(f) ?? readFile.call(host, f);
  host.getSourceFile = (f, version, ...rest) => sources.has(f) ? ts.createSourceFile(f, sources.get(f), version)
    : getSourceFile.call(host, f, version, ...rest);
  const program = ts.createProgram([...sources.keys()], options, host);
  for (const d of ts.getPreEmitDiagnostics(program)) {
    const i = d.file && Number(path.basename(d.file.fileName).match(/^manifest-(\d+)\.ts$/)?.[1] ?? -1);
    const text = ts.flattenDiagnosticMessageText(d.messageText, ": ").split("\n").join(" ");
    const line = d.file ? d.file.text.slice(0, d.start).split("\n").pop() + d.file.text.slice(d.start).split("\n")[0] : "";
    if (!(i >= 0)) throw new Error(`the types themselves do not compile: ${text}`);
    errors[i].push(`${line.trim()}  ${text}`);
  }
  return errors;
}

async function validate(document) {
  const model = modelOf(document);
  if (!model) return [];
  const loaded = await import(pathToFileURL(path.join(models, `${model}.js`)));
  try {
    new loaded[document.kind](document).validate();
    return [];
  } catch (e) {
    return [e.message];
  }
}

// ---- All of them

const flavours = fs.readdirSync(manifests, { withFileTypes: true }).filter(e => e.isDirectory())
  .map(e => flavour(path.join(manifests, e.name)));
claim("there are manifests", flavours.length && flavours.every(f => f.documents.length) ? [] : [manifests]);
const changed = spoilt(flavours);
const all = [...flavours.flatMap(f => f.documents.map(d => d.document)), ...changed.map(c => c.document)];
const errors = compile(all);
for (let i = 0; i < all.length; i++) errors[i].push(...await validate(all[i]));

let at = 0;
for (const f of flavours) {
  for (const { file, document } of f.documents)
    claim(`${f.name}/${file}: ${document.kind} ${document.metadata?.name} is as the API has it`, errors[at++]);
  claim(`${f.name}: the rules of the house are kept`, judge(f));
}
for (const c of changed) {
  const found = [...errors[at++], ...judge(c.flavour)];
  const named = found.some(e => c.reason.test(e));
  claim(`refused: ${c.what}`, named ? [] : [`expected ${c.reason}`, ...found, ...(found.length ? [] : ["nothing was found"])]);
}
console.log(`1..${claims}`);
process.exit(failed ? 1 : 0);
