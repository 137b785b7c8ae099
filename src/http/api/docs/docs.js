"use strict";
// Renders /v1/openapi.json. Text goes into the page as text only, never as markup.

const el = (name, attributes, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
};

// Paragraphs, and `code` between backticks.
const prose = (text) => (text || "").split(/\n\n+/).filter(Boolean).map((part) => {
  const p = el("p", {});
  part.split("`").forEach((piece, i) => p.append(i % 2 ? el("code", {}, piece) : piece));
  return p;
});

const refName = (ref) => ref.split("/").pop();
const schemaId = (name) => `schema-${name}`;

const typeOf = (schema) => {
  if (!schema) return ["any"];
  if (schema.$ref) {
    const name = refName(schema.$ref);
    return [el("a", { href: `#${schemaId(name)}` }, name)];
  }
  const either = schema.oneOf || schema.anyOf || schema.allOf;
  if (either) return either.flatMap((s, i) => (i ? [" or ", ...typeOf(s)] : typeOf(s)));
  if (schema.enum) return [schema.enum.map((v) => JSON.stringify(v)).join(", ")];
  if (schema.type === "array") return ["list of ", ...typeOf(schema.items)];
  const type = [].concat(schema.type || "any").join(" or ");
  return [schema.format ? `${type} (${schema.format})` : type];
};

const table = (head, rows) => el("div", { class: "scroll" }, el("table", {},
  el("thead", {}, el("tr", {}, ...head.map((h) => el("th", { scope: "col" }, h)))),
  el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map((cell) => el("td", {}, ...cell)))))));

const bodies = (api, content) => Object.entries(content || {}).flatMap(([kind, media]) => {
  const ref = media.schema && media.schema.$ref;
  const named = ref ? api.components.schemas[refName(ref)] : media.schema;
  const example = media.example ?? (named && named.example);
  const out = [el("p", {}, el("code", {}, kind), ": ", ...typeOf(media.schema))];
  if (example !== undefined) {
    const text = typeof example === "string" ? example : JSON.stringify(example, null, 2);
    out.push(el("details", {}, el("summary", {}, "Example"), el("pre", {}, text)));
  }
  return out;
});

const resolve = (api, response) =>
  (response.$ref ? api.components.responses[refName(response.$ref)] : response);

const route = (api, path, method, op) => {
  const keyed = (op.security || []).some((s) => s.key);
  const free = (op.security || []).some((s) => !Object.keys(s).length);
  const section = el("section", { class: "route", id: op.operationId },
    el("h3", {}, el("span", { class: "method" }, method.toUpperCase()), path,
      el("span", { class: "lock" }, keyed ? (free ? "key, or from this machine" : "key") : "public")),
    ...prose(op.summary), ...prose(op.description));
  if (op.parameters) {
    section.append(el("h4", {}, "Parameters"), table(["name", "in", "type", ""],
      op.parameters.map((p) => [[el("code", {}, p.name)], [p.in], typeOf(p.schema), prose(p.description)])));
  }
  if (op.requestBody) section.append(el("h4", {}, "Body"), ...bodies(api, op.requestBody.content));
  section.append(el("h4", {}, "Answers"), table(["status", "", ""],
    Object.entries(op.responses).map(([status, r]) => {
      const full = resolve(api, r);
      return [[status], prose(full.description), bodies(api, full.content)];
    })));
  return section;
};

const schemaSection = (name, schema) => {
  const section = el("section", { id: schemaId(name) }, el("h3", {}, name));
  // One line of a list that explains names: `name` (status): text. The name is a target.
  const text = (schema.description || "").split("\n");
  for (const line of text.filter(Boolean)) {
    const code = name === "ProblemCode" && /^`(\w+)`/.exec(line);
    const [p] = prose(line);
    if (code) p.id = code[1];
    section.append(p);
  }
  if (schema.properties) {
    const required = new Set(schema.required);
    section.append(table(["field", "type", ""], Object.entries(schema.properties).map(([field, s]) =>
      [[el("code", {}, field), required.has(field) ? " *" : ""], typeOf(s), prose(s.description)])));
  } else {
    section.append(el("p", {}, ...typeOf(schema)));
  }
  return section;
};

const render = (api) => {
  const main = document.getElementById("api");
  const parts = [...prose(api.info.description)];
  for (const tag of api.tags) {
    parts.push(el("h2", {}, tag.name), ...prose(tag.description));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const [method, op] of Object.entries(item)) {
        if ((op.tags || []).includes(tag.name)) parts.push(route(api, path, method, op));
      }
    }
  }
  parts.push(el("h2", {}, "Shapes"), el("p", {}, "Fields with * are always there."));
  for (const [name, schema] of Object.entries(api.components.schemas)) parts.push(schemaSection(name, schema));
  main.replaceChildren(...parts);
  main.removeAttribute("aria-busy");
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target) target.scrollIntoView();
};

fetch("/v1/openapi.json")
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`status ${answer.status}`))))
  .then(render)
  .catch((error) => {
    document.getElementById("api").replaceChildren(el("p", { role: "alert" }, `The document cannot be shown: ${error.message}`));
  });
