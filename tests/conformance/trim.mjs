// SPDX-License-Identifier: MIT
//
// node trim.mjs DESCRIPTION TABLE OUT
//
// GitHub's description cut down to the calls of TABLE ("METHOD PATH STATUS OTHER" a line), for
// Prism takes long to read all of it. Prints TAP: each call is described, with the statuses
// that count as success. The description lists application/json only, while its own text
// asks clients to send application/vnd.github+json: that is listed, too.
import fs from "node:fs";

const [description, table, out] = process.argv.slice(2);
const all = JSON.parse(fs.readFileSync(description, "utf8"));
const shape = path => path.replace("{repo}", "{}/{}").replace("{text}...{other}", "{}")
    .replace(/\{[^}]*\}/g, "{}");
const described = new Map(Object.keys(all.paths).map(path => [shape(path.replace("{owner}/{repo}", "{}/{}")), path]));

const paths = {};
let n = 0, failed = 0;
for (const line of fs.readFileSync(table, "utf8").trim().split("\n")) {
    const [method, path, status, other] = line.split(" ");
    if (path === "/graphql") continue; // not REST
    const theirs = described.get(shape(path));
    const operation = theirs && all.paths[theirs][method.toLowerCase()];
    const missing = [status, other].filter(s => s !== "0" && !(operation && s in operation.responses));
    n++;
    if (missing.length > 0) failed++;
    console.log(`${missing.length > 0 ? "not ok" : "ok"} ${n} - described: ${method} ${path}` +
        (missing.length > 0 ? `: no ${operation ? "status " + missing : "such operation"}` : ""));
    if (!operation) continue;
    paths[theirs] ??= {};
    paths[theirs][method.toLowerCase()] = operation;
    if (all.paths[theirs].parameters) paths[theirs].parameters = all.paths[theirs].parameters;
}

const components = {};
const seen = new Set();
const walk = value => {
    if (Array.isArray(value)) return value.forEach(walk);
    if (value === null || typeof value !== "object") return;
    if (typeof value.$ref === "string" && !seen.has(value.$ref)) {
        seen.add(value.$ref);
        const [, , kind, name] = value.$ref.split("/");
        components[kind] ??= {};
        components[kind][name] = all.components[kind][name];
        walk(components[kind][name]);
    }
    Object.values(value).forEach(walk);
};
walk(paths);

const accept = response => {
    const content = response.content;
    if (content && content["application/json"])
        content["application/vnd.github+json"] = content["application/json"];
};
Object.values(components.responses ?? {}).forEach(accept);
for (const item of Object.values(paths))
    for (const operation of Object.values(item))
        Object.values(operation.responses ?? {}).forEach(accept);

fs.writeFileSync(out, JSON.stringify({ openapi: all.openapi, info: all.info, servers: all.servers, paths, components }));
process.exit(failed > 0 ? 1 : 0);
